//! Cuts an impossible history of one object down to operations of which none can be left out.
//!
//! Leaving out an operation is sound only if it can never make an explicable history inexplicable; otherwise what remains proves
//! nothing. What may go is a [`Unit`]: an observation, or everything about one subject, and what else the model knows of
//! ([`Decide::units`]). Runs of units are tried together first, halving. A unit that could not be left out stays necessary while others
//! go, unless it became smaller, so passes are repeated until one leaves out nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decide::{Decide, verdict};
use super::{Budget, Operation};
use crate::models::{Model, Nature};
use crate::pairing::NEVER;
use crate::verdict::Verdict;

/// What can be left out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The operation with this invocation: an observation, or what the model knows to be of no consequence.
    Operation(u32),
    /// Everything about this subject (of a register: about this value, or a value that follows it by compare-and-set).
    Subject(u32),
}

/// The history as it was just before `row`: operations that had not returned may or may not have happened.
pub fn prefix<M: Model>(model: &M, operations: &[Operation<M::Action>], row: u32) -> Vec<Operation<M::Action>> {
    let called = operations.iter().filter(|operation| operation.invocation < row);
    let known = called.map(|operation| match operation.completion {
        completion if completion < row => *operation,
        _ => Operation { completion: NEVER, ..*operation },
    });
    known
        .filter(|operation| !(operation.is_pending() && model.nature(operation.action) == Nature::Observation))
        .collect()
}

/// Observations, and subjects.
pub fn generic_units<M: Model>(model: &M, operations: &[Operation<M::Action>]) -> Vec<Vec<Unit>> {
    let mut subjects: Vec<u32> = operations.iter().filter_map(|operation| model.subject(operation.action)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let observations = operations.iter().filter(|operation| model.nature(operation.action) == Nature::Observation);
    let observations = observations.map(|operation| Unit::Operation(operation.invocation));
    vec![subjects.into_iter().map(Unit::Subject).collect(), observations.collect()]
}

/// The operations without some of their [`generic_units`].
pub fn generic_without<M: Model + Clone>(
    model: &M,
    operations: &[Operation<M::Action>],
    units: &[Unit],
) -> (M, Vec<Operation<M::Action>>) {
    let (mut rows, mut subjects) = (Vec::new(), Vec::new());
    for unit in units {
        match unit {
            Unit::Operation(row) => rows.push(*row),
            Unit::Subject(subject) => subjects.push(*subject),
        }
    }
    rows.sort_unstable();
    subjects.sort_unstable();
    let mut rest = operations.to_vec();
    rest.retain(|operation| {
        let is_gone = |subject| subjects.binary_search(&subject).is_ok();
        rows.binary_search(&operation.invocation).is_err() && !model.subject(operation.action).is_some_and(is_gone)
    });
    let mut model = model.clone();
    subjects.into_iter().for_each(|subject| model.forget(subject));
    (model, rest)
}

/// An impossible history of which nothing can be left out, or of which that is not sure.
#[derive(Clone, Debug)]
pub struct Shrunk<M: Model> {
    /// The object, without what was left out.
    pub model: M,
    /// Operations that it can't explain.
    pub operations: Vec<Operation<M::Action>>,
    /// How many operations were left out because an order of all could begin with them.
    pub beginning: usize,
    /// Nothing can be left out; false when the budget ended before that was sure.
    pub minimal: bool,
}

/// Operations of the history up to and including the return in `row`, which can't be passed, such that none can be left out.
pub fn shrink<M: Decide>(
    model: &M,
    operations: &[Operation<M::Action>],
    row: u32,
    budget: Budget,
    interrupt: &AtomicBool,
) -> Shrunk<M> {
    let mut operations = prefix(model, operations, row + 1);
    let mut budget = budget;
    let mut beginning = 0;
    if let Some(followed) = model.follow(&operations, budget, interrupt) {
        budget.max_steps = budget.max_steps.saturating_sub(followed.steps);
        beginning = followed.beginning.len();
        let mut is_kept = vec![true; operations.len()];
        followed.beginning.iter().for_each(|&place| is_kept[place as usize] = false);
        let mut is_kept = is_kept.into_iter();
        operations.retain(|_| is_kept.next().unwrap_or(true));
    }
    let current = Shrunk { model: model.clone(), operations: model.suspects(operations), beginning, minimal: true };
    minimal(current, budget, interrupt)
}

/// Impossible operations, cut down until none can be left out.
pub fn minimal<M: Decide>(current: Shrunk<M>, budget: Budget, interrupt: &AtomicBool) -> Shrunk<M> {
    let mut shrinking = Shrinking { budget, interrupt, current };
    let mut before = usize::MAX;
    while shrinking.current.operations.len() < before {
        before = shrinking.current.operations.len();
        for round in 0..shrinking.units().len() {
            let units = shrinking.units().swap_remove(round);
            shrinking.leave_out(units);
        }
    }
    shrinking.current
}

struct Shrinking<'a, M: Model> {
    budget: Budget,
    interrupt: &'a AtomicBool,
    current: Shrunk<M>,
}

impl<M: Decide> Shrinking<'_, M> {
    fn units(&self) -> Vec<Vec<Unit>> {
        self.current.model.units(&self.current.operations)
    }

    /// Leave out as many units as possible, so that the rest is still impossible. Every trial costs a step an operation, whatever it
    /// takes to decide: there may be as many trials as operations.
    fn leave_out(&mut self, mut units: Vec<Unit>) {
        let mut size = units.len().next_power_of_two();
        while size > 0 {
            let mut start = 0;
            while start < units.len() {
                if self.budget.max_steps == 0 || self.interrupt.load(Ordering::Relaxed) {
                    self.current.minimal = false;
                    return;
                }
                self.spend(self.current.operations.len() as u64);
                let end = units.len().min(start + size);
                let (model, rest) = self.current.model.without(&self.current.operations, &units[start..end]);
                if self.is_impossible(&model, &rest) {
                    self.current = Shrunk { model, operations: rest, ..self.current };
                    units.drain(start..end);
                } else {
                    start = end;
                }
            }
            size /= 2;
        }
    }

    fn is_impossible(&mut self, model: &M, operations: &[Operation<M::Action>]) -> bool {
        if operations.len() == self.current.operations.len() {
            return true;
        }
        let (verdict, steps) = verdict(model, operations, self.budget, self.interrupt);
        self.spend(steps);
        self.current.minimal &= verdict != Verdict::Unknown;
        verdict == Verdict::Violation
    }

    fn spend(&mut self, steps: u64) {
        self.budget.max_steps = self.budget.max_steps.saturating_sub(steps);
    }
}
