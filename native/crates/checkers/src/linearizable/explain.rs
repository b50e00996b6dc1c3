//! Explains why a key can't be linearized: the return that can't be passed, a smallest set of operations that shows it, and what was
//! in the way in each configuration that got that far.

use std::sync::atomic::AtomicBool;

use super::key::KeyHistory;
use super::search::{Goal, search};
use super::shrink::shrink;
use super::{Budget, Operation};
use crate::models::{Register, RegisterAction};

/// Why one key is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key.
    pub key: Option<i64>,
    /// The invocation of the operation whose return is the first that can't be passed.
    pub blocked: u32,
    /// The row of that return.
    pub blocked_return: u32,
    /// Operations that can't be linearized by themselves, by invocation.
    pub witness: Vec<Witness>,
    /// Whether nothing can be left out of the witness; false when the budget ended before that was sure.
    pub minimal: bool,
    /// How far the witness can be linearized, in every way that gets as far as the blocked return; at most a few.
    pub configurations: Vec<Configuration>,
}

/// An operation of the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The row of its invocation.
    pub row: u32,
    /// What it has to do with the failure.
    pub role: Role,
}

/// What an operation has to do with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its return can't be passed.
    Blocked,
    /// It produced the value that the blocked operation needs.
    Source,
    /// It produced another value.
    Overwrite,
    /// It observed a value.
    Observer,
}

impl Role {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Blocked => "blocked",
            Role::Source => "source",
            Role::Overwrite => "overwrite",
            Role::Observer => "observer",
        }
    }
}

/// A configuration from which nothing could go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// What the register held; nothing is nil.
    pub value: Option<i64>,
    /// The invocation of the operation that put it there; nothing if it was there from the start.
    pub since: Option<u32>,
    /// The operations that were called and could not go.
    pub stuck: Vec<Stuck>,
}

/// An operation that could not go, because it needs another value than the register held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The row of its invocation.
    pub row: u32,
    /// The value that it needs; nothing is nil.
    pub needs: Option<i64>,
}

/// Explain a history whose return in `row` is the first that can't be passed.
pub fn explain(history: &KeyHistory, row: u32, budget: Budget, interrupt: &AtomicBool) -> Explanation {
    let values = history.values.len();
    let (witness, minimal) = shrink(&history.operations, values, row, budget, interrupt);
    let dead_ends = search(Register { values }, &witness, Goal::FirstBlocked, budget, interrupt).dead_ends;
    let blocked = history.operations.iter().find(|operation| operation.completion == row);
    let configurations = dead_ends.iter().map(|dead_end| Configuration {
        value: history.values[dead_end.state as usize],
        since: dead_end.since.map(|index| witness[index].invocation),
        stuck: dead_end.stuck.iter().filter_map(|&index| stuck(history, &witness[index])).collect(),
    });
    Explanation {
        key: history.key,
        blocked: blocked.map_or(row, |operation| operation.invocation),
        blocked_return: row,
        configurations: configurations.collect(),
        witness: witness.iter().map(|o| Witness { row: o.invocation, role: role(o, row, blocked) }).collect(),
        minimal,
    }
}

fn stuck(history: &KeyHistory, operation: &Operation<RegisterAction>) -> Option<Stuck> {
    let needs = history.values[operation.action.consumes()? as usize];
    Some(Stuck { row: operation.invocation, needs })
}

fn role(operation: &Operation<RegisterAction>, row: u32, blocked: Option<&Operation<RegisterAction>>) -> Role {
    if operation.completion == row {
        return Role::Blocked;
    }
    match operation.action.produces() {
        None => Role::Observer,
        value if value == blocked.and_then(|blocked| blocked.action.consumes()) => Role::Source,
        Some(_) => Role::Overwrite,
    }
}
