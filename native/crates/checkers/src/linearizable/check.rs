//! Checks every object of a history, in parallel, and says what was found.
//!
//! Each object has its own budget and is decided from its own operations alone, so the result does not depend on the number of threads.
//! An object that can't be linearized outweighs any number of those that could not be decided, and a history without a single observation
//! proves nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustc_hash::FxHashSet;

use super::decide::{Algorithm, Decision};
use super::explain::Explanation;
use super::object::Part;
use super::reading::{Partition, Reading};
use super::search::Conclusion;
use super::specification::Specification;
use super::{Budget, Limit};
use crate::events::Events;
use crate::pairing::Malformed;
use crate::verdict::Verdict;

/// How many keys are listed before the rest is only counted.
const LISTED_KEYS: usize = 20;

/// Steps that explaining a violation is worth: at least, for each step of deciding, and for each operation.
const EXPLAINING_STEPS: (u64, u64, u64) = (1 << 20, 4, 32);

/// How to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the model is called, for messages.
    pub model: String,
    /// What the objects are.
    pub specification: Specification,
    /// What every register, counter or key starts with; nothing is nil.
    pub initial: Option<i64>,
    /// What each object may take.
    pub budget: Budget,
    /// How many threads work; at least one does.
    pub threads: usize,
}

/// Some keys: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// All of them.
    pub count: usize,
    /// The first few.
    pub first: Vec<Option<i64>>,
}

/// The first failure.
pub type Failure = Explanation;

/// How far a key was checked before a limit was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The key.
    pub key: Option<i64>,
    /// The limit.
    pub limit: Limit,
    /// Every return before this row can be passed.
    pub row: u32,
    /// Those returns, as a fraction of all.
    pub fraction: f64,
}

/// What was found, and what it took.
#[derive(Clone, Debug)]
pub struct Report {
    /// The answer. Unknown when nothing was observed.
    pub verdict: Verdict,
    /// How many keys there are.
    pub keys: usize,
    /// How many objects there are: keys, or their elements where those are independent.
    pub objects: usize,
    /// Operations on objects, however they ended.
    pub operations: usize,
    /// Those that ended `info`, or not at all.
    pub info: usize,
    /// Those that failed, and were left out.
    pub failed: usize,
    /// Operations that completed ok and told something about the state: without any, nothing was checked.
    pub observations: usize,
    /// Operations linearized over all objects, those taken back included.
    pub steps: u64,
    /// The most bytes held for any one object.
    pub peak_bytes: u64,
    /// Objects decided by zones.
    pub by_zones: usize,
    /// Objects with distinct elements decided by rules about intervals.
    pub by_intervals: usize,
    /// Objects decided by search.
    pub by_search: usize,
    /// Keys that are not linearizable, by the row where each first fails.
    pub failing: Keys,
    /// Keys that could not be decided.
    pub undecided: Keys,
    /// The failure that shows first in the history.
    pub failure: Option<Failure>,
    /// The undecided object that got least far.
    pub progress: Option<Progress>,
}

/// Check a history whose functions are called `functions`.
pub fn check(
    events: &Events,
    functions: &[&str],
    options: &Options,
    interrupt: &AtomicBool,
) -> Result<Report, Malformed> {
    let reading = Reading { events, functions, model: &options.model };
    let partition = options.specification.read(&reading, options.initial)?;
    Ok(judge(partition, options.budget, options.threads, interrupt))
}

/// Decide every object of a history that was read, and sum up.
pub fn judge(partition: Partition, budget: Budget, threads: usize, interrupt: &AtomicBool) -> Report {
    let parts = &partition.parts;
    let decisions = decide_all(parts, budget, threads, interrupt);
    let count = |algorithm| decisions.iter().filter(|decision| decision.algorithm == algorithm).count();
    let mut report = Report {
        verdict: Verdict::Valid,
        keys: partition.keys,
        objects: parts.len(),
        operations: partition.operations,
        info: partition.info,
        failed: partition.failed,
        observations: partition.observations,
        steps: decisions.iter().map(|decision| decision.steps).sum(),
        peak_bytes: decisions.iter().map(|decision| decision.peak_bytes).max().unwrap_or(0),
        by_zones: count(Algorithm::Zones),
        by_intervals: count(Algorithm::Intervals),
        by_search: count(Algorithm::Search),
        failing: Keys::default(),
        undecided: Keys::default(),
        failure: None,
        progress: None,
    };
    conclude(&mut report, parts, &decisions, budget, interrupt);
    report
}

/// Decide every object, largest first so that the threads end together; the answers are in the order of the objects.
fn decide_all(parts: &[Box<dyn Part>], budget: Budget, threads: usize, interrupt: &AtomicBool) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(parts[index].operations()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut decided = Vec::new();
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            decided.push((index, parts[index].decide(budget, interrupt)));
        }
        decided
    };
    let mut decided = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(parts.len())).map(|_| scope.spawn(work)).collect();
        let mut decided = work();
        for other in others {
            match other.join() {
                Ok(theirs) => decided.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        decided
    });
    decided.sort_by_key(|&(index, _)| index);
    decided.into_iter().map(|(_, decision)| decision).collect()
}

fn conclude(
    report: &mut Report,
    parts: &[Box<dyn Part>],
    decisions: &[Decision],
    budget: Budget,
    interrupt: &AtomicBool,
) {
    let mut failing = Vec::new();
    let mut undecided = Vec::new();
    for (part, decision) in parts.iter().zip(decisions) {
        match decision.conclusion {
            Conclusion::Linearizable => {}
            Conclusion::Blocked(row) => failing.push((row, part, decision.steps)),
            Conclusion::Exhausted(limit, row) => {
                undecided.push(Progress { key: part.key(), limit, row, fraction: part.fraction(row) });
            }
        }
    }
    failing.sort_by_key(|&(row, ..)| row);
    undecided.sort_by(|a, b| a.fraction.total_cmp(&b.fraction).then(a.key.cmp(&b.key)));
    report.failing = listed(failing.iter().map(|(_, part, _)| part.key()));
    report.undecided = listed(undecided.iter().map(|progress| progress.key));
    report.progress = undecided.first().copied();
    report.failure = failing.first().map(|&(row, part, steps)| {
        let (least, each_step, each) = EXPLAINING_STEPS;
        let max_steps = least + each_step * steps + each * part.operations() as u64;
        let budget = Budget { max_steps: budget.max_steps.min(max_steps), ..budget };
        part.explain(row, budget, interrupt)
    });
    report.verdict = match (failing.is_empty(), undecided.is_empty() && report.observations > 0) {
        (false, _) => Verdict::Violation,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Valid,
    };
}

/// Each key once, as it comes first: several objects may belong to one.
fn listed(keys: impl Iterator<Item = Option<i64>>) -> Keys {
    let mut seen = FxHashSet::default();
    let distinct: Vec<Option<i64>> = keys.filter(|&key| seen.insert(key)).collect();
    Keys { count: distinct.len(), first: distinct.into_iter().take(LISTED_KEYS).collect() }
}
