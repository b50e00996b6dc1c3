//! Sequential consistency of registers, all together: there is one order of all operations that keeps that of each process, in which
//! every read returns what was written last (Lamport, "How to Make a Multiprocessor Computer That Correctly Executes Multiprocess
//! Programs", IEEE Trans. Comput. 1979). Unlike linearizability it says nothing of real time, and it is not local.
//!
//! To decide it is NP-complete (Gibbons and Korach, 1997). Where written values differ, what must come before what is inferred first
//! ([`super::saturate`]), which refutes most of what is impossible and leaves the [`super::search`] little to try, with one register
//! nothing. The search has a budget in steps and bytes; when it ends the verdict is unknown.

use std::sync::atomic::AtomicBool;

use super::decode::{Functions, Registers, decode};
use super::saturate::{Saturated, saturate, text};
use super::search::{Budget, Ended, search};
use super::sessions::baseless;
use crate::events::Events;
use crate::invariants::{Case, Finding, LISTED, Report};
use crate::pairing::Malformed;

/// What to check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What operations are called.
    pub functions: Functions,
    /// What every key holds at first.
    pub initial: Option<i64>,
    /// What inference and search may take, each.
    pub max_steps: u64,
    /// What the search may hold.
    pub max_bytes: u64,
}

/// Check all registers together.
pub fn check(events: &Events, options: &Options, interrupt: &AtomicBool) -> Result<Report, Malformed> {
    let registers = decode(events, options.functions, options.initial)?;
    let mut findings = baseless(&registers.baseless);
    let (mut finding, mut doubts, mut steps) = (Finding::new("not-sequential"), Vec::new(), 0);
    if findings.iter().all(|finding| finding.count == 0) {
        match decide(&registers, options, interrupt) {
            (Decision::Possible, taken) => steps = taken,
            (Decision::Impossible(case), taken) => {
                steps = taken;
                finding.add(|| case);
            }
            (Decision::Unknown(done), taken) => {
                steps = taken;
                let all = registers.operations.iter().filter(|operation| !operation.is_pending).count();
                doubts.push(format!(
                    "undecided within {} steps and {} bytes: {done} of {all} operations could be put in order",
                    options.max_steps, options.max_bytes
                ));
            }
        }
    }
    findings.push(finding);
    let report = Report::conclude(registers.count, registers.observations, findings, doubts);
    Ok(report.counting("steps", steps as usize).counting("keys", registers.keys.len()))
}

/// What is known.
enum Decision {
    Possible,
    Impossible(Case),
    /// This many operations could be put in order.
    Unknown(usize),
}

fn decide(registers: &Registers, options: &Options, interrupt: &AtomicBool) -> (Decision, u64) {
    let saturated = saturate(registers, usize::MAX, options.max_steps, interrupt);
    if let Some(circle) = saturated.circle {
        return (Decision::Impossible(circle), saturated.steps);
    }
    let budget = Budget { max_steps: options.max_steps, max_bytes: options.max_bytes };
    let (ended, steps) = search(registers, &saturated, budget, interrupt);
    let decision = match ended {
        Ended::Found => Decision::Possible,
        Ended::Exhausted(done) => Decision::Unknown(done),
        Ended::Impossible(stuck) => Decision::Impossible(stuck_case(registers, &saturated, &stuck)),
    };
    (decision, steps)
}

/// Where every order comes to an end, the furthest of them.
fn stuck_case(registers: &Registers, saturated: &Saturated, stuck: &[u32]) -> Case {
    debug_assert!(saturated.circle.is_none());
    let texts: Vec<String> = stuck.iter().take(LISTED).map(|&operation| text(registers, operation as usize)).collect();
    let rows: Vec<(u32, &'static str)> = stuck
        .iter()
        .take(LISTED)
        .map(|&operation| (registers.operations[operation as usize].row, "can't come next in any order"))
        .collect();
    Case::new(
        &rows,
        format!(
            "every order of the processes comes to an end before all is done; the furthest before {}",
            texts.join(", ")
        ),
    )
}
