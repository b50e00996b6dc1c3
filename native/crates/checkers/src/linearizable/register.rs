//! What is known about deciding and explaining a register.
//!
//! Written values that all differ are decided by [`zones`]; for others there is [`refute`]. What can be left out of a history is one
//! read; a value with everything that touches it and everything that hangs on it by compare-and-set, because whatever remains finds
//! the register as before; or one producer of a value that nobody consumes, because what follows it overwrites.

use super::Operation;
use super::decide::{Algorithm, Decide, Decision, returns};
use super::distinct::{broken, by_rules};
use super::refute::refute;
use super::search::Conclusion;
use super::shrink::{Unit, prefix};
use super::zones::{Zones, zones};
use crate::models::{Register, RegisterAction};
use crate::objects::{Refutation, element, kin_in_a_set};

type Operations = Vec<Operation<RegisterAction>>;

impl Decide for Register {
    fn directly(&self, operations: &[Operation<RegisterAction>]) -> Option<Decision> {
        let conclusion = match zones(operations, self.values) {
            Zones::Inapplicable => return self.as_element(operations),
            Zones::Linearizable => Conclusion::Linearizable,
            Zones::Conflict(conflict) => Conclusion::Blocked(first_blocked(operations, self.values, &conflict)),
        };
        Some(Decision { conclusion, algorithm: Algorithm::Zones, steps: operations.len() as u64, peak_bytes: 0 })
    }

    fn broken(&self, operations: &[Operation<RegisterAction>], row: u32) -> Option<Refutation> {
        if self.values > 2 { None } else { broken(operations, row, &element) }
    }

    fn refute(&self, operations: &[Operation<RegisterAction>]) -> Option<u32> {
        refute(operations, self.values)
    }

    fn units(&self, operations: &[Operation<RegisterAction>]) -> Vec<Vec<Unit>> {
        let values = value_units(operations, self.values);
        vec![values, read_units(operations), spare_units(operations, self.values)]
    }

    fn without(&self, operations: &[Operation<RegisterAction>], units: &[Unit]) -> (Self, Operations) {
        (*self, without(operations, self.values, units))
    }

    fn suspects(&self, operations: Operations) -> Operations {
        match zones(&operations, self.values) {
            Zones::Conflict(conflict) => with_values(&operations, self.values, &conflict),
            _ => operations,
        }
    }
}

impl Register {
    /// Decide a register with one value besides the initial one, as an element of a set, if that value is written once.
    fn as_element(&self, operations: &[Operation<RegisterAction>]) -> Option<Decision> {
        if self.values > 2 { None } else { by_rules(operations, kin_in_a_set, &element) }
    }
}

/// The first return that can't be passed, given values whose operations alone can't be linearized. Those values bound it from above;
/// if what came before is impossible as well, that names other values, which bound it further, and so does what came before the middle:
/// violations may be as many as operations.
fn first_blocked(operations: &[Operation<RegisterAction>], values: usize, conflict: &[u32]) -> u32 {
    let returns = returns(operations);
    let (mut low, mut high) = (0, bound(operations, values, conflict));
    loop {
        match zones(&prefix(&Register { values }, operations, high), values) {
            Zones::Conflict(earlier) => high = bound(operations, values, &earlier),
            Zones::Linearizable | Zones::Inapplicable => return high,
        }
        let [passed, blocked] = [low, high].map(|end| returns.partition_point(|&row| row < end));
        let middle = returns[passed + (blocked - passed) / 2];
        match zones(&prefix(&Register { values }, operations, middle + 1), values) {
            Zones::Conflict(earlier) => high = bound(operations, values, &earlier),
            Zones::Linearizable | Zones::Inapplicable => low = middle + 1,
        }
    }
}

/// The first return that can't be passed in the operations of these values alone, which can't be linearized.
fn bound(operations: &[Operation<RegisterAction>], values: usize, conflict: &[u32]) -> u32 {
    let few = with_values(operations, values, conflict);
    let returns = returns(&few);
    let passed = returns
        .partition_point(|&row| zones(&prefix(&Register { values }, &few, row + 1), values) == Zones::Linearizable);
    debug_assert!(passed < returns.len(), "the operations of conflicting values are not linearizable");
    returns[passed.min(returns.len() - 1)]
}

/// The operations that touch only `kept` values and those that they follow by compare-and-set.
fn with_values(operations: &[Operation<RegisterAction>], values: usize, kept: &[u32]) -> Operations {
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

/// `operations` without some units.
fn without(operations: &[Operation<RegisterAction>], values: usize, units: &[Unit]) -> Operations {
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
            Unit::Subject(value) => gone_values.push(*value),
        }
    }
    gone_rows.sort_unstable();
    close(&mut is_gone, &gone_values, &followers);
    let mut rest = select(operations, |value| !is_gone[value as usize]);
    rest.retain(|operation| gone_rows.binary_search(&operation.invocation).is_err());
    rest
}

fn value_units(operations: &[Operation<RegisterAction>], values: usize) -> Vec<Unit> {
    let mut seen = vec![false; values];
    let touched = operations.iter().flat_map(|operation| [operation.action.consumes(), operation.action.produces()]);
    let new = touched.flatten().filter(|&value| !std::mem::replace(&mut seen[value as usize], true));
    new.map(Unit::Subject).collect()
}

fn read_units(operations: &[Operation<RegisterAction>]) -> Vec<Unit> {
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
