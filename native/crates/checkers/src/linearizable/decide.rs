//! Decides one register with the cheapest algorithm that is exact for its history.

use std::sync::atomic::AtomicBool;

use super::refute::refute;
use super::search::{Conclusion, Goal, search};
use super::shrink::{prefix, with_values};
use super::zones::{Zones, zones};
use super::{Budget, Limit, Operation};
use crate::models::{Register, RegisterAction};
use crate::pairing::NEVER;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// [`zones`]: all written values differ.
    Zones,
    /// [`search`], after the linear-time test of [`super::refute`].
    Search,
}

/// The answer for one key, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The answer.
    pub conclusion: Conclusion,
    /// What decided.
    pub algorithm: Algorithm,
    /// Operations linearized, those taken back included; for zones, one an operation.
    pub steps: u64,
    /// The most bytes that the search held; zero for zones, which hold a fixed few dozen bytes an operation.
    pub peak_bytes: u64,
}

/// Decide the operations of one register with `values` numbered values, sorted by invocation.
pub fn decide(
    operations: &[Operation<RegisterAction>],
    values: usize,
    budget: Budget,
    interrupt: &AtomicBool,
) -> Decision {
    let conclusion = match zones(operations, values) {
        Zones::Inapplicable => return decide_by_search(operations, values, budget, interrupt),
        Zones::Linearizable => Conclusion::Linearizable,
        Zones::Conflict(conflict) => Conclusion::Blocked(first_blocked(operations, values, &conflict)),
    };
    Decision { conclusion, algorithm: Algorithm::Zones, steps: operations.len() as u64, peak_bytes: 0 }
}

/// Decide with what works for any values: first the test that refutes, then the search, of what came before if the test refuted.
pub fn decide_by_search(
    operations: &[Operation<RegisterAction>],
    values: usize,
    budget: Budget,
    interrupt: &AtomicBool,
) -> Decision {
    let refuted = refute(operations, values);
    let mut searching = Searching { operations, values, budget, interrupt, steps: 0, peak_bytes: 0 };
    let end = refuted.unwrap_or(NEVER);
    let conclusion = match (searching.search_until(end), refuted) {
        (Conclusion::Blocked(passed), _) => Conclusion::Blocked(searching.first_blocked(passed, end)),
        (Conclusion::Linearizable | Conclusion::Exhausted(Limit::Steps | Limit::Bytes, _), Some(row)) => {
            Conclusion::Blocked(row)
        }
        (conclusion, _) => conclusion,
    };
    Decision { conclusion, algorithm: Algorithm::Search, steps: searching.steps, peak_bytes: searching.peak_bytes }
}

/// Several searches of prefixes of one history.
struct Searching<'a> {
    operations: &'a [Operation<RegisterAction>],
    values: usize,
    budget: Budget,
    interrupt: &'a AtomicBool,
    steps: u64,
    peak_bytes: u64,
}

impl Searching<'_> {
    /// Search the history as it was before row `end`.
    fn search_until(&mut self, end: u32) -> Conclusion {
        let model = Register { values: self.values };
        let budget = Budget { max_steps: self.budget.max_steps.saturating_sub(self.steps), ..self.budget };
        let operations = prefix(self.operations, end);
        let found = search(model, &operations, Goal::Verdict, budget, self.interrupt);
        self.steps += found.steps;
        self.peak_bytes = self.peak_bytes.max(found.peak_bytes);
        found.conclusion
    }

    /// The first return that can't be passed. Returns before `passed` can be, and what was before `end` is impossible. When the budget
    /// ends before the row is found, it is the last that is known to be impassable.
    fn first_blocked(&mut self, passed: u32, end: u32) -> u32 {
        let mut returns = returns(self.operations);
        returns.retain(|row| (passed..end).contains(row));
        let (mut low, mut high) = (0, returns.len() - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.search_until(returns[middle] + 1) {
                Conclusion::Linearizable => low = middle + 1,
                Conclusion::Blocked(_) => high = middle,
                Conclusion::Exhausted(..) => break,
            }
        }
        returns[high]
    }
}

/// The first return that can't be passed, given values whose operations alone can't be linearized. Those values bound it from above;
/// if what came before is impossible as well, that names other values, which bound it further, and so does what came before the middle:
/// violations may be as many as operations.
fn first_blocked(operations: &[Operation<RegisterAction>], values: usize, conflict: &[u32]) -> u32 {
    let returns = returns(operations);
    let (mut low, mut high) = (0, bound(operations, values, conflict));
    loop {
        match zones(&prefix(operations, high), values) {
            Zones::Conflict(earlier) => high = bound(operations, values, &earlier),
            Zones::Linearizable | Zones::Inapplicable => return high,
        }
        let [passed, blocked] = [low, high].map(|end| returns.partition_point(|&row| row < end));
        let middle = returns[passed + (blocked - passed) / 2];
        match zones(&prefix(operations, middle + 1), values) {
            Zones::Conflict(earlier) => high = bound(operations, values, &earlier),
            Zones::Linearizable | Zones::Inapplicable => low = middle + 1,
        }
    }
}

/// The first return that can't be passed in the operations of these values alone, which can't be linearized.
fn bound(operations: &[Operation<RegisterAction>], values: usize, conflict: &[u32]) -> u32 {
    let few = with_values(operations, values, conflict);
    let returns = returns(&few);
    let passed = returns.partition_point(|&row| zones(&prefix(&few, row + 1), values) == Zones::Linearizable);
    debug_assert!(passed < returns.len(), "the operations of conflicting values are not linearizable");
    returns[passed.min(returns.len() - 1)]
}

/// The rows of all returns, in order.
fn returns(operations: &[Operation<RegisterAction>]) -> Vec<u32> {
    let required = operations.iter().filter(|operation| !operation.is_pending());
    let mut rows: Vec<u32> = required.map(|operation| operation.completion).collect();
    rows.sort_unstable();
    rows
}
