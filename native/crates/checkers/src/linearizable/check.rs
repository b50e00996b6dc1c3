//! Checks every key of a history, in parallel, and says what was found.
//!
//! Each key has its own budget and is decided from its own operations alone, so the result does not depend on the number of threads.
//! A key that can't be linearized outweighs any number of keys that could not be decided, and a history without a single observation
//! proves nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::decide::{Algorithm, Decision, decide};
use super::explain::{Explanation, explain};
use super::key::{Functions, KeyHistory, partition};
use super::search::Conclusion;
use super::{Budget, Limit};
use crate::events::Events;
use crate::pairing::{Malformed, pair};
use crate::verdict::Verdict;

/// How many keys are listed before the rest is only counted.
const LISTED_KEYS: usize = 20;

/// How to check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The functions of a register.
    pub functions: Functions,
    /// What every register starts with; nothing is nil.
    pub initial: Option<i64>,
    /// What each key may take.
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
    /// Operations on registers, however they ended.
    pub operations: usize,
    /// Those that ended `info`, or not at all.
    pub info: usize,
    /// Those that failed, and were left out.
    pub failed: usize,
    /// Reads and compare-and-sets that completed ok: without any, nothing was checked.
    pub observations: usize,
    /// Operations linearized over all keys, those taken back included.
    pub steps: u64,
    /// The most bytes held for any one key.
    pub peak_bytes: u64,
    /// Keys decided by zones.
    pub by_zones: usize,
    /// Keys decided by search.
    pub by_search: usize,
    /// Keys that are not linearizable, by the row where each fails.
    pub failing: Keys,
    /// Keys that could not be decided.
    pub undecided: Keys,
    /// The failure that shows first in the history.
    pub failure: Option<Failure>,
    /// The undecided key that got least far.
    pub progress: Option<Progress>,
}

/// Check a history of independent registers.
pub fn check(events: &Events, options: &Options, interrupt: &AtomicBool) -> Result<Report, Malformed> {
    let partition = partition(events, &pair(events)?, options.functions, options.initial)?;
    let decisions = decide_all(&partition.keys, options, interrupt);
    let count = |algorithm| decisions.iter().filter(|decision| decision.algorithm == algorithm).count();
    let mut report = Report {
        verdict: Verdict::Valid,
        keys: partition.keys.len(),
        operations: partition.operations,
        info: partition.info,
        failed: partition.failed,
        observations: partition.observations,
        steps: decisions.iter().map(|decision| decision.steps).sum(),
        peak_bytes: decisions.iter().map(|decision| decision.peak_bytes).max().unwrap_or(0),
        by_zones: count(Algorithm::Zones),
        by_search: count(Algorithm::Search),
        failing: Keys::default(),
        undecided: Keys::default(),
        failure: None,
        progress: None,
    };
    conclude(&mut report, &partition.keys, &decisions, options.budget, interrupt);
    Ok(report)
}

/// Decide every key, largest first so that the threads end together; the answers are in the order of the keys.
fn decide_all(keys: &[KeyHistory], options: &Options, interrupt: &AtomicBool) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(keys[index].operations.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut decided = Vec::new();
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let KeyHistory { operations, values, .. } = &keys[index];
            decided.push((index, decide(operations, values.len(), options.budget, interrupt)));
        }
        decided
    };
    let mut decided = thread::scope(|scope| {
        let others: Vec<_> = (1..options.threads.min(keys.len())).map(|_| scope.spawn(work)).collect();
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

fn conclude(report: &mut Report, keys: &[KeyHistory], decisions: &[Decision], budget: Budget, interrupt: &AtomicBool) {
    let mut failing = Vec::new();
    let mut undecided = Vec::new();
    for (history, decision) in keys.iter().zip(decisions) {
        match decision.conclusion {
            Conclusion::Linearizable => {}
            Conclusion::Blocked(row) => failing.push((row, history)),
            Conclusion::Exhausted(limit, row) => undecided.push(progress(history, limit, row)),
        }
    }
    failing.sort_by_key(|&(row, _)| row);
    undecided.sort_by(|a, b| a.fraction.total_cmp(&b.fraction).then(a.key.cmp(&b.key)));
    report.failing = listed(failing.iter().map(|(_, history)| history.key));
    report.undecided = listed(undecided.iter().map(|progress| progress.key));
    report.progress = undecided.first().copied();
    report.failure = failing.first().map(|&(row, history)| explain(history, row, budget, interrupt));
    report.verdict = match (failing.is_empty(), undecided.is_empty() && report.observations > 0) {
        (false, _) => Verdict::Violation,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Valid,
    };
}

fn listed(keys: impl ExactSizeIterator<Item = Option<i64>>) -> Keys {
    Keys { count: keys.len(), first: keys.take(LISTED_KEYS).collect() }
}

fn progress(history: &KeyHistory, limit: Limit, row: u32) -> Progress {
    let required = history.operations.iter().filter(|operation| !operation.is_pending());
    let (passed, all) = required.fold((0, 0), |(passed, all), o| (passed + usize::from(o.completion < row), all + 1));
    Progress { key: history.key, limit, row, fraction: passed as f64 / f64::from(all.max(1)) }
}
