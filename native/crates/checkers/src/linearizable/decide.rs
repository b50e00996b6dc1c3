//! Decides one object with the cheapest algorithm that is exact for its history.
//!
//! A model that has a check of its own, exact for the histories it takes, is asked first ([`Decide::directly`]). Then comes a test that
//! refutes the common anomalies, if the model has one, and then the search.

use std::sync::atomic::AtomicBool;

use super::search::{Conclusion, Goal, search};
use super::shrink::{Unit, generic_units, generic_without, prefix};
use super::{Budget, Limit, Operation, frontier};
use crate::models::{ForeignModel, Model, Mutex, PriorityQueue};
use crate::objects::Refutation;
use crate::pairing::NEVER;
use crate::verdict::Verdict;

/// Steps that it is worth to look for the first return that can't be passed, where it is known that there is one: at least, and for each
/// operation.
const ROW_STEPS: (u64, u64) = (1 << 20, 16);
/// Of a store of keys, and of a counter, the search gets only one in so many of the steps that are left where the frontier did not decide:
/// it is a last resort that nearly never helps, and an answer that is not to be had should not be waited for.
const HOPELESS: u64 = 32;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// [`super::zones`]: a register of which all written values differ.
    Zones,
    /// [`crate::objects`]: a queue, a stack or an element of a set, of which all elements differ.
    Intervals,
    /// [`search`], after the linear-time test of the model, if it has one.
    Search,
}

/// The answer for one object, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The answer.
    pub conclusion: Conclusion,
    /// What decided.
    pub algorithm: Algorithm,
    /// Operations linearized, those taken back included; for other algorithms, one an operation.
    pub steps: u64,
    /// The most bytes that the search held; zero for others, which hold a fixed few dozen bytes an operation.
    pub peak_bytes: u64,
}

/// What came of following all orders at once, in a way of the model's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The answer; nothing if this way can't tell.
    pub conclusion: Option<Conclusion>,
    /// Every return before this row can be passed.
    pub row: u32,
    /// Operations linearized.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
    /// Places of operations that take out all that they put in, and with which there is an order that begins if there is any. So the rest
    /// by itself can be put in order exactly if all can.
    pub beginning: Vec<u32>,
}

/// An object and its operations.
pub type Apart<M> = (M, Vec<Operation<<M as Model>::Action>>);

/// A model with what is known about deciding and explaining it. Nothing need be known.
pub trait Decide: Model + Clone + Send + Sync {
    /// Decide the operations, which are sorted by invocation, by a check that is exact for them; nothing if there is none.
    fn directly(&self, _operations: &[Operation<Self::Action>]) -> Option<Decision> {
        None
    }

    /// The rule that operations break which can't pass the return in `row` and no earlier one, if [`Decide::directly`] decides by rules.
    fn broken(&self, _operations: &[Operation<Self::Action>], _row: u32) -> Option<Refutation> {
        None
    }

    /// The row of the first return that a test of linear time shows to be impossible, if it does. That may be a later return than the
    /// first that can't be passed.
    fn refute(&self, _operations: &[Operation<Self::Action>]) -> Option<u32> {
        None
    }

    /// Decide the operations by following all orders at once in a way of the model's own, if it has one that can take them.
    fn follow(
        &self,
        _operations: &[Operation<Self::Action>],
        _budget: Budget,
        _interrupt: &AtomicBool,
    ) -> Option<Followed> {
        None
    }

    /// Everything that can be left out of the operations without making a possible history impossible, in the order in which it
    /// should be tried.
    fn units(&self, operations: &[Operation<Self::Action>]) -> Vec<Vec<Unit>> {
        generic_units(self, operations)
    }

    /// The operations without some units, and the object that they happened to.
    fn without(&self, operations: &[Operation<Self::Action>], units: &[Unit]) -> (Self, Vec<Operation<Self::Action>>) {
        generic_without(self, operations, units)
    }

    /// The object and its operations, where elements that come back have a number of their own each time; nothing if it has none.
    fn apart(&self, _operations: &[Operation<Self::Action>]) -> Option<Apart<Self>> {
        None
    }

    /// The operations without those that may have happened and that nobody can have observed: an order of all is one without them.
    fn of_use(&self, mut operations: Vec<Operation<Self::Action>>) -> Vec<Operation<Self::Action>> {
        let mut consumed: Vec<_> = operations.iter().filter_map(|operation| self.consumes(operation.action)).collect();
        consumed.sort_unstable();
        let is_spare = |token| consumed.binary_search(&token).is_err();
        operations.retain(|o| !(o.is_pending() && self.produces(o.action).is_some_and(is_spare)));
        operations
    }

    /// Operations among which those that make the history impossible are certainly to be found; all of them, if nothing is known.
    fn suspects(&self, operations: Vec<Operation<Self::Action>>) -> Vec<Operation<Self::Action>> {
        operations
    }
}

impl Decide for ForeignModel {}
impl Decide for Mutex {}
impl Decide for PriorityQueue {}

/// Decide the operations of one object, sorted by invocation.
pub fn decide<M: Decide>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Decision {
    model.directly(operations).unwrap_or_else(|| decide_by_search(model, operations, budget, interrupt))
}

/// Decide with what works for any history: first the test that refutes, then frontier and search, of what came before if the test
/// refuted.
pub fn decide_by_search<M: Decide>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Decision {
    let refuted = model.refute(operations);
    let max_steps = match refuted {
        Some(_) => budget.max_steps.min(ROW_STEPS.0 + ROW_STEPS.1 * operations.len() as u64),
        None => budget.max_steps,
    };
    let budget = Budget { max_steps, ..budget };
    let mut searching = Searching { model, operations, budget, interrupt, steps: 0, peak_bytes: 0 };
    let end = refuted.unwrap_or(NEVER);
    let (conclusion, passed) = searching.decide_until(end);
    let conclusion = match (conclusion, refuted) {
        (Conclusion::Blocked(blocked), _) => Conclusion::Blocked(searching.first_blocked(passed, blocked)),
        (Conclusion::Linearizable | Conclusion::Exhausted(Limit::Steps | Limit::Bytes, _), Some(row)) => {
            Conclusion::Blocked(row)
        }
        (conclusion, _) => conclusion,
    };
    Decision { conclusion, algorithm: Algorithm::Search, steps: searching.steps, peak_bytes: searching.peak_bytes }
}

/// Whether the operations are linearizable, without saying where they are not, and what it took; unknown when a limit was reached.
pub fn verdict<M: Decide>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> (Verdict, u64) {
    let (conclusion, steps) = match model.directly(operations) {
        Some(decision) => (decision.conclusion, decision.steps),
        None if model.refute(operations).is_some() => (Conclusion::Blocked(0), operations.len() as u64),
        None => {
            let mut searching = Searching { model, operations, budget, interrupt, steps: 0, peak_bytes: 0 };
            let (conclusion, _) = searching.decide_until(NEVER);
            (conclusion, searching.steps)
        }
    };
    let verdict = match conclusion {
        Conclusion::Linearizable => Verdict::Valid,
        Conclusion::Blocked(_) => Verdict::Violation,
        Conclusion::Exhausted(..) => Verdict::Unknown,
    };
    (verdict, steps)
}

/// Several attempts at prefixes of one history.
struct Searching<'a, M: Decide> {
    model: &'a M,
    operations: &'a [Operation<M::Action>],
    budget: Budget,
    interrupt: &'a AtomicBool,
    steps: u64,
    peak_bytes: u64,
}

impl<M: Decide> Searching<'_, M> {
    /// Decide the history as it was before row `end`; and the row before which all returns can be passed. If no order passes the
    /// return in [`Conclusion::Blocked`], another return after that row may be the first.
    fn decide_until(&mut self, end: u32) -> (Conclusion, u32) {
        let operations = prefix(self.model, self.operations, end);
        let budget = Budget { max_steps: self.left(), ..self.budget };
        if let Some(followed) = self.model.follow(&operations, budget, self.interrupt) {
            self.steps += followed.steps;
            self.peak_bytes = self.peak_bytes.max(followed.peak_bytes);
            if let Some(conclusion) = followed.conclusion {
                return (conclusion, followed.row);
            }
        }
        // Where states offer nothing the frontier has no hint what to put off: it is of use only where much may have happened.
        if !self.model.has_offers()
            && !self.model.has_accesses()
            && operations.iter().all(|operation| !operation.is_pending())
        {
            return self.search(&operations, 1);
        }
        let budget = Budget { max_steps: self.left(), ..self.budget };
        let outcome = frontier::decide(self.model, &operations, budget, self.interrupt);
        self.steps += outcome.steps;
        self.peak_bytes = self.peak_bytes.max(outcome.peak_bytes);
        match outcome.conclusion {
            Some(conclusion) => (conclusion, outcome.row),
            None => match self.search(&operations, self.part_of_a_last_resort()) {
                (Conclusion::Exhausted(limit, row), _) => {
                    let row = row.max(outcome.row);
                    (Conclusion::Exhausted(limit, row), row)
                }
                (conclusion, row) => (conclusion, row.max(outcome.row)),
            },
        }
    }

    fn part_of_a_last_resort(&self) -> u64 {
        if self.model.has_accesses() || self.model.has_amounts() { HOPELESS } else { 1 }
    }

    fn left(&self) -> u64 {
        self.budget.max_steps.saturating_sub(self.steps)
    }

    /// Search with a part of what is left of the budget, and give what was found with the row before which all returns can be passed.
    fn search(&mut self, operations: &[Operation<M::Action>], part: u64) -> (Conclusion, u32) {
        let budget = Budget { max_steps: self.left() / part, ..self.budget };
        let found = search(self.model.clone(), operations, Goal::Verdict, budget, self.interrupt);
        self.steps += found.steps;
        self.peak_bytes = self.peak_bytes.max(found.peak_bytes);
        match found.conclusion {
            // The search may have looked ahead.
            Conclusion::Blocked(row) if self.model.has_offers() || self.model.foresees() => {
                (Conclusion::Blocked(returns(operations).last().copied().unwrap_or(row)), row)
            }
            Conclusion::Blocked(row) | Conclusion::Exhausted(_, row) => (found.conclusion, row),
            Conclusion::Linearizable => (found.conclusion, NEVER),
        }
    }

    /// The first return that can't be passed. Returns before `passed` can be, and the one in `blocked` can't. When the budget ends
    /// before the row is found, it is the last that is known to be impassable.
    fn first_blocked(&mut self, passed: u32, blocked: u32) -> u32 {
        let mut returns = returns(self.operations);
        returns.retain(|row| (passed..=blocked).contains(row));
        while returns.len() > 1 {
            let middle = returns[(returns.len() - 1) / 2];
            match self.decide_until(middle + 1) {
                (Conclusion::Linearizable, _) => returns.retain(|&row| row > middle),
                (Conclusion::Blocked(blocked), passed) => returns.retain(|row| (passed..=blocked).contains(row)),
                (Conclusion::Exhausted(..), _) => break,
            }
        }
        returns.last().copied().unwrap_or(blocked)
    }
}

/// The rows of all returns, in order.
pub fn returns<A>(operations: &[Operation<A>]) -> Vec<u32> {
    let required = operations.iter().filter(|operation| !operation.is_pending());
    let mut rows: Vec<u32> = required.map(|operation| operation.completion).collect();
    rows.sort_unstable();
    rows
}
