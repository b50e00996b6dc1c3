//! Cuts an impossible history of a register down to operations of which none can be left out.
//!
//! Leaving out an operation is sound only if it can never make an explicable history inexplicable; otherwise what remains proves
//! nothing. What may go is a [`Unit`]: one read; a value with everything that touches it and everything that hangs on it by
//! compare-and-set, because whatever remains finds the register as before; or one producer of a value that nobody consumes, because
//! what follows it overwrites. Runs of units are tried together first, halving. A unit that could not be left out stays necessary
//! while others go, unless a compare-and-set that went made it smaller, so passes are repeated until one leaves out nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decide::decide;
use super::refute::refute;
use super::search::Conclusion;
use super::zones::{Zones, zones};
use super::{Budget, Operation};
use crate::models::RegisterAction;
use crate::pairing::NEVER;

type Operations = Vec<Operation<RegisterAction>>;

/// What can be left out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The operation with this invocation: a read, or a producer of a value that nobody consumes.
    Operation(u32),
    /// Everything that touches this value, or a value that follows it by compare-and-set.
    Value(u32),
}

/// The history as it was just before `row`: operations that had not returned may or may not have happened.
pub fn prefix(operations: &[Operation<RegisterAction>], row: u32) -> Operations {
    let called = operations.iter().filter(|operation| operation.invocation < row);
    let known = called.map(|operation| match operation.completion {
        completion if completion < row => *operation,
        _ => Operation { completion: NEVER, ..*operation },
    });
    known.filter(|operation| !(operation.is_pending() && matches!(operation.action, RegisterAction::Read(_)))).collect()
}

/// The operations that touch only `kept` values and those that they follow by compare-and-set.
pub fn with_values(operations: &[Operation<RegisterAction>], values: usize, kept: &[u32]) -> Operations {
    let mut is_kept = vec![false; values];
    let mut sources: Vec<Vec<u32>> = vec![Vec::new(); values];
    for operation in operations {
        if let RegisterAction::Cas(old, new) = operation.action {
            sources[new as usize].push(old);
        }
    }
    close(&mut is_kept, kept, &sources);
    select(operations, |value| is_kept[value as usize])
}

/// Everything that can be left out of `operations`.
pub fn units(operations: &[Operation<RegisterAction>], values: usize) -> Vec<Unit> {
    let mut units = value_units(operations, values);
    units.extend(read_units(operations, values));
    units.extend(spare_units(operations, values));
    units
}

/// `operations` without some units.
pub fn without(operations: &[Operation<RegisterAction>], values: usize, units: &[Unit]) -> Operations {
    let mut is_gone = vec![false; values];
    let mut followers: Vec<Vec<u32>> = vec![Vec::new(); values];
    for operation in operations {
        if let RegisterAction::Cas(old, new) = operation.action {
            followers[old as usize].push(new);
        }
    }
    let mut gone_rows = Vec::new();
    let mut gone_values = Vec::new();
    for unit in units {
        match unit {
            Unit::Operation(row) => gone_rows.push(*row),
            Unit::Value(value) => gone_values.push(*value),
        }
    }
    gone_rows.sort_unstable();
    close(&mut is_gone, &gone_values, &followers);
    let mut rest = select(operations, |value| !is_gone[value as usize]);
    rest.retain(|operation| gone_rows.binary_search(&operation.invocation).is_err());
    rest
}

/// Operations of the history up to and including the return in `row`, which can't be passed, such that none can be left out. The flag
/// says whether that is so, or the budget ran out while trying.
pub fn shrink(
    operations: &[Operation<RegisterAction>],
    values: usize,
    row: u32,
    budget: Budget,
    interrupt: &AtomicBool,
) -> (Operations, bool) {
    let mut shrinking = Shrinking { values, budget, interrupt, minimal: true, current: prefix(operations, row + 1) };
    if let Zones::Conflict(conflict) = zones(&shrinking.current, values) {
        shrinking.current = with_values(&shrinking.current, values, &conflict);
    }
    let mut before = usize::MAX;
    while shrinking.current.len() < before {
        before = shrinking.current.len();
        for units in [value_units, read_units, spare_units] {
            let units = units(&shrinking.current, values);
            shrinking.leave_out(units);
        }
    }
    (shrinking.current, shrinking.minimal)
}

struct Shrinking<'a> {
    values: usize,
    budget: Budget,
    interrupt: &'a AtomicBool,
    minimal: bool,
    current: Operations,
}

impl Shrinking<'_> {
    /// Leave out as many units as possible, so that the rest is still impossible. Every trial costs a step an operation, whatever it
    /// takes to decide: there may be as many trials as operations.
    fn leave_out(&mut self, mut units: Vec<Unit>) {
        let mut size = units.len().next_power_of_two();
        while size > 0 {
            let mut start = 0;
            while start < units.len() {
                if self.budget.max_steps == 0 || self.interrupt.load(Ordering::Relaxed) {
                    self.minimal = false;
                    return;
                }
                self.spend(self.current.len() as u64);
                let end = units.len().min(start + size);
                let rest = without(&self.current, self.values, &units[start..end]);
                if rest.len() == self.current.len() || self.is_impossible(&rest) {
                    self.current = rest;
                    units.drain(start..end);
                } else {
                    start = end;
                }
            }
            size /= 2;
        }
    }

    fn is_impossible(&mut self, operations: &[Operation<RegisterAction>]) -> bool {
        if refute(operations, self.values).is_some() {
            return true;
        }
        let decision = decide(operations, self.values, self.budget, self.interrupt);
        self.spend(decision.steps);
        self.minimal &= !matches!(decision.conclusion, Conclusion::Exhausted(..));
        matches!(decision.conclusion, Conclusion::Blocked(_))
    }

    fn spend(&mut self, steps: u64) {
        self.budget.max_steps = self.budget.max_steps.saturating_sub(steps);
    }
}

fn value_units(operations: &[Operation<RegisterAction>], values: usize) -> Vec<Unit> {
    let mut seen = vec![false; values];
    let touched = operations.iter().flat_map(|operation| [operation.action.consumes(), operation.action.produces()]);
    let new = touched.flatten().filter(|&value| !std::mem::replace(&mut seen[value as usize], true));
    new.map(Unit::Value).collect()
}

fn read_units(operations: &[Operation<RegisterAction>], _: usize) -> Vec<Unit> {
    let reads = operations.iter().filter(|operation| matches!(operation.action, RegisterAction::Read(_)));
    reads.map(|operation| Unit::Operation(operation.invocation)).collect()
}

fn spare_units(operations: &[Operation<RegisterAction>], values: usize) -> Vec<Unit> {
    let mut consumed = vec![false; values];
    for value in operations.iter().filter_map(|operation| operation.action.consumes()) {
        consumed[value as usize] = true;
    }
    let spare = operations
        .iter()
        .filter(|operation| operation.action.produces().is_some_and(|value| !consumed[value as usize]));
    spare.map(|operation| Unit::Operation(operation.invocation)).collect()
}

/// Add `values` and everything that `edges` lead to from them.
fn close(reached: &mut [bool], values: &[u32], edges: &[Vec<u32>]) {
    let mut todo = values.to_vec();
    while let Some(value) = todo.pop() {
        if !std::mem::replace(&mut reached[value as usize], true) {
            todo.extend(&edges[value as usize]);
        }
    }
}

/// The operations that touch only values that `keep`.
fn select(operations: &[Operation<RegisterAction>], keep: impl Fn(u32) -> bool) -> Operations {
    let keeps = |value: Option<u32>| value.is_none_or(&keep);
    operations.iter().filter(|o| keeps(o.action.consumes()) && keeps(o.action.produces())).copied().collect()
}
