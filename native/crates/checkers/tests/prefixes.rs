//! What the beginning of a history violates, every continuation violates: the promise on which a run that is judged while it goes on
//! may stop. SCHRODINGER_FUZZ_CASES sets how many histories.

#![allow(clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod history;
mod operations;
mod oracle;
mod reference;
mod rows;

use std::sync::atomic::AtomicBool;

use history::{mutated, serial};
use operations::{random_operations, rows as laid_out};
use oracle::{Random, cases, random_history};
use rows::Rows;
use schrodinger_checkers::invariants::bank;
use schrodinger_checkers::linearizable::{Budget, Operation, Options, Specification, check};
use schrodinger_checkers::models::{RegisterAction, RegisterFunctions};
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{self, check_append};
use schrodinger_checkers::{Events, Verdict, set};

const CASES: usize = 8_000;
const ADD: u8 = 0;
const READ: u8 = 1;
const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// Adds and reads of a few processes; reads see what was added, with a mistake now and then.
fn random_rows(seed: u64) -> Rows {
    let mut random = Random(seed);
    let mut rows = Rows::default();
    let mut open: Vec<Option<(u8, i64)>> = vec![None; 1 + random.below(4)];
    let (mut present, mut fresh, mut retired) = (Vec::<i64>::new(), 0, 100);
    for _ in 0..6 + random.below(24) {
        let who = random.below(open.len());
        let Some((f, element)) = open[who] else {
            let f = if random.chance(50) { ADD } else { READ };
            fresh += i64::from(f == ADD);
            rows.push(who as i32, 0, f, (f == ADD).then_some(&[fresh][..]));
            open[who] = Some((f, fresh));
            continue;
        };
        open[who] = None;
        if f == READ {
            let mut seen = present.clone();
            if random.chance(15) && !seen.is_empty() {
                seen.remove(random.below(seen.len()));
            }
            if random.chance(5) {
                seen.push(1 + random.below(fresh as usize + 2) as i64);
            }
            rows.push(who as i32, 1, READ, Some(&seen));
            continue;
        }
        let outcome = 1 + random.below(3) as u8;
        if outcome == 1 || (outcome == 3 && random.chance(50)) {
            present.push(element);
        }
        if outcome == 3 {
            // The process is retired: another takes its place, under a number that was never used.
            rows.push(who as i32, 3, ADD, Some(&[element]));
            for process in rows.process.iter_mut().filter(|process| **process == who as i32) {
                *process = retired;
            }
            retired += 1;
        } else {
            rows.push(who as i32, outcome, ADD, Some(&[element]));
        }
    }
    rows
}

/// Whether the whole history is a violation; what its beginning violates, it violates.
fn violated(seed: u64, rows: &Rows, check: impl Fn(&Events) -> Verdict) -> bool {
    let mut violated = false;
    for length in 0..=rows.kind.len() {
        let is_violated = check(&rows.beginning(length)) == Verdict::Violation;
        assert!(is_violated || !violated, "seed {seed}: mended by row {}", length.saturating_sub(1));
        violated = is_violated;
    }
    violated
}

/// Of all seeds, a fair part must be violations.
fn some_are_violated(quick: usize, is_violated: impl Fn(u64) -> bool) {
    let violations = (0..cases(quick) as u64).filter(|&seed| is_violated(seed)).count();
    assert!(violations > cases(quick) / 20, "only {violations} were violations: too few to mean anything");
}

#[test]
fn a_set_that_is_impossible_in_the_beginning_stays_impossible() {
    let functions = set::Functions { add: Some(ADD), read: Some(READ) };
    some_are_violated(CASES, |seed| {
        violated(seed, &random_rows(seed), |events| {
            let checked = set::check(events, functions, &AtomicBool::new(false));
            checked.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed:?}")).verdict(true)
        })
    });
}

/// Operations of a register as rows, each in a process of its own.
fn register_rows(operations: &[Operation<RegisterAction>]) -> Rows {
    let mut moments: Vec<(u32, bool, usize)> = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        moments.push((operation.invocation, false, number));
        if !operation.is_pending() {
            moments.push((operation.completion, true, number));
        }
    }
    moments.sort_unstable();
    let mut rows = Rows::default();
    let value = |value: u32| (value > 0).then(|| i64::from(value));
    for (_, is_end, number) in moments {
        let (f, values) = match operations[number].action {
            RegisterAction::Read(seen) => (0, value(seen).filter(|_| is_end).map(|seen| vec![seen])),
            RegisterAction::Write(new) => (1, Some(vec![i64::from(new)])),
            RegisterAction::Cas(old, new) => (2, Some(vec![i64::from(old), i64::from(new)])),
        };
        rows.push(number as i32, u8::from(is_end), f, values.as_deref());
    }
    rows
}

#[test]
fn a_register_that_is_impossible_in_the_beginning_stays_impossible() {
    let [read, write, cas] = FUNCTIONS.map(str::to_owned);
    let functions = RegisterFunctions { read, write, cas: Some(cas) };
    let budget = Budget { max_steps: 1_000_000, max_bytes: 1 << 24 };
    let specification = Specification::Register(functions);
    let options = Options { model: "cas-register".to_owned(), specification, initial: None, budget, threads: 1 };
    some_are_violated(CASES, |seed| {
        violated(seed, &register_rows(&random_history(seed, 8)), |events| {
            let report = check(events, &FUNCTIONS, &options, &AtomicBool::new(false));
            report.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed:?}")).verdict
        })
    });
}

#[test]
fn lists_that_are_impossible_in_the_beginning_stay_impossible() {
    for consistency in ["strict-serializable", "snapshot-isolation", "read-committed"] {
        let options = transactions::Options {
            transaction: Some(0),
            consistency: Consistency::parse(consistency).expect("a known model"),
            max_search: 1_000_000,
        };
        some_are_violated(CASES / 16, |seed| {
            let mut random = Random(seed);
            let mut history = serial(&mut random, 7);
            for _ in 0..random.below(4) {
                mutated(&mut random, &mut history);
            }
            violated(seed, &history.rows(), |events| {
                let report = check_append(events, &options, &AtomicBool::new(false));
                let report = report.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed:?}"));
                // What was read and never written may yet be written: then a model without real time allows the read.
                let is_final = |name: &str| name != "garbage-read" && options.consistency.rules_out(name);
                let is_final = report.anomalies.iter().any(|anomaly| is_final(&anomaly.name));
                if is_final { report.verdict } else { Verdict::Valid }
            })
        });
    }
}

#[test]
fn a_bank_that_is_impossible_in_the_beginning_stays_impossible() {
    some_are_violated(CASES, |seed| {
        let mut random = Random(seed);
        let total = random.chance(50).then_some(10);
        let operations = random_operations(&mut random, 8, 4, |random, operation| {
            let mistake = if random.chance(15) { 1 + random.below(9) as i64 } else { 0 };
            let first = random.below(11) as i64;
            operation.answered = Some(vec![0, first, 1, 10 - first - mistake]);
        });
        let options = bank::Options { read: Some(0), total, accounts: Some(&[0, 1]), allow_negative: false };
        violated(seed, &laid_out(&operations), |events| {
            let report = bank::check(events, &options);
            report.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed:?}")).verdict
        })
    });
}
