//! Events become operations: every invocation is joined with the completion of the same process.
//!
//! A history that makes no sense is refused, never repaired: each [`Problem`] names the row and what is wrong with it. An invocation
//! without a completion is no problem; it ended the way `info` does, and may have happened.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::events::{Events, Kind};

/// The completion of an operation that never completed: later than every row.
pub const NEVER: u32 = u32::MAX;

/// How many problems are told before the rest is only counted.
pub const PROBLEM_LIMIT: usize = 10;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The row.
    pub row: usize,
    /// What is wrong with it, in words.
    pub what: String,
}

/// The rows of a history that make no sense: the first few, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malformed {
    /// At most [`PROBLEM_LIMIT`], in row order.
    pub problems: Vec<Problem>,
    /// All of them.
    pub count: usize,
}

impl Malformed {
    /// Another row that makes no sense.
    pub fn add(&mut self, row: usize, what: String) {
        self.count += 1;
        if self.problems.len() < PROBLEM_LIMIT {
            self.problems.push(Problem { row, what });
        }
    }

    /// What is wrong with other rows as well.
    pub fn join(&mut self, other: Malformed) {
        self.count += other.count;
        self.problems.extend(other.problems);
        self.problems.sort_by_key(|problem| problem.row);
        self.problems.truncate(PROBLEM_LIMIT);
    }

    /// `value`, unless there was a problem.
    pub fn unless<T>(mut self, value: T) -> Result<T, Malformed> {
        if self.count == 0 {
            return Ok(value);
        }
        self.problems.sort_by_key(|problem| problem.row);
        Err(self)
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It certainly happened.
    Ok,
    /// It certainly did not happen.
    Fail,
    /// It may have happened, or still will.
    Info,
}

/// One operation, by its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paired {
    /// The row of the invocation.
    pub invocation: u32,
    /// The row of the completion, or [`NEVER`].
    pub completion: u32,
    /// How it ended; `Info` when it never completed.
    pub outcome: Outcome,
}

/// Every operation of the history, in the order of invocation.
pub fn pair(events: &Events) -> Result<Vec<Paired>, Malformed> {
    let mut malformed = Malformed::default();
    if events.len() >= NEVER as usize {
        malformed.add(NEVER as usize, format!("a history of {} rows is too long; the limit is {NEVER}", events.len()));
        return malformed.unless(Vec::new());
    }
    let mut operations: Vec<Paired> = Vec::with_capacity(events.len() / 2 + 1);
    let mut open: FxHashMap<i32, usize> = FxHashMap::default();
    for row in 0..events.len() {
        let Some(kind) = events.kind(row) else { continue };
        let process = events.process[row];
        let outcome = match kind {
            Kind::Invoke => {
                match open.entry(process) {
                    Entry::Occupied(taken) => {
                        let earlier = operations[*taken.get()].invocation;
                        malformed.add(
                            row,
                            format!("process {process} invokes while its operation of row {earlier} is open"),
                        );
                    }
                    Entry::Vacant(free) => {
                        free.insert(operations.len());
                        operations.push(Paired { invocation: row as u32, completion: NEVER, outcome: Outcome::Info });
                    }
                }
                continue;
            }
            Kind::Ok => Outcome::Ok,
            Kind::Fail => Outcome::Fail,
            Kind::Info => Outcome::Info,
        };
        let Some(index) = open.remove(&process) else {
            malformed.add(row, format!("process {process} completes an operation that it did not invoke"));
            continue;
        };
        let operation = &mut operations[index];
        operation.completion = row as u32;
        operation.outcome = outcome;
        let invoked = operation.invocation as usize;
        if events.f[invoked] != events.f[row] {
            malformed
                .add(row, format!("process {process} completes another function than it invoked in row {invoked}"));
        } else if events.key(invoked) != events.key(row) {
            let [was, is] = [invoked, row].map(|row| key_text(events.key(row)));
            malformed
                .add(row, format!("process {process} completes on {is} what it invoked on {was} in row {invoked}"));
        }
    }
    malformed.unless(operations)
}

fn key_text(key: Option<i64>) -> String {
    key.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"))
}

/// The operations that have one of these functions, by key: each key is an object of its own. There is at least one object.
pub fn by_key(events: &Events, mut paired: Vec<Paired>, functions: &[Option<u8>]) -> Vec<(Option<i64>, Vec<Paired>)> {
    paired.retain(|operation| functions.contains(&Some(events.f[operation.invocation as usize])));
    let key = |operation: &Paired| events.key(operation.invocation as usize);
    let first = paired.first().and_then(key);
    if paired.iter().all(|operation| key(operation) == first) {
        return vec![(first, paired)];
    }
    let mut objects: BTreeMap<Option<i64>, Vec<Paired>> = BTreeMap::new();
    for operation in paired {
        objects.entry(key(&operation)).or_default().push(operation);
    }
    objects.into_iter().collect()
}
