//! Transactions out of events.
//!
//! The value of a transaction is its micro-operations end to end, each `code, key, count, values…`: code 0 reads, 1 appends, 2 writes;
//! a count of -1 is a read whose result is not known. The completion of an ok transaction repeats its invocation with the reads filled in.
//! Behind a micro-operation it may have one of code 3, on the same key, whose one value is the number that the database gave to the
//! version that was read or written there: a revision, a commit timestamp, whatever grows with the versions of a key.

use rustc_hash::FxHashMap;

use crate::events::Events;
use crate::pairing::{Malformed, Outcome, pair};

/// What a micro-operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Observes a key.
    Read,
    /// Adds one element to the end of a list.
    Append,
    /// Overwrites a register.
    Write,
    /// Tells the database's number for the version that the micro-operation before it read or wrote.
    Version,
}

impl Code {
    fn from(number: i64) -> Option<Code> {
        match number {
            0 => Some(Code::Read),
            1 => Some(Code::Append),
            2 => Some(Code::Write),
            3 => Some(Code::Version),
            _ => None,
        }
    }
}

/// One micro-operation. Its values are `Events::values[start..start + count]`.
#[derive(Clone, Copy, Debug)]
pub struct MicroOperation {
    /// The key, numbered in order of first mention.
    pub key: u32,
    start: u32,
    count: u32,
    /// What it does.
    pub code: Code,
    /// Whether it is the first of its transaction that is known to have to do with the key.
    pub is_first: bool,
    /// Whether it is the last of its transaction that writes the key.
    pub is_last_write: bool,
}

/// The count of a read whose result is not known.
const UNKNOWN: u32 = u32::MAX;

impl MicroOperation {
    /// What was observed or written; nothing when that is not known.
    pub fn values<'a>(&self, events: &Events<'a>) -> Option<&'a [i64]> {
        let start = self.start as usize;
        (self.count != UNKNOWN).then(|| &events.values[start..start + self.count as usize])
    }

    /// The one value that an append or a write carries.
    pub fn written(&self, events: &Events<'_>) -> Option<i64> {
        matches!(self.code, Code::Append | Code::Write).then(|| events.values[self.start as usize])
    }
}

/// Every transaction, in the order of invocation.
#[derive(Debug, Default)]
pub struct Transactions {
    /// The row of each invocation.
    pub invocation: Vec<u32>,
    /// The row of each completion, or [`crate::pairing::NEVER`].
    pub completion: Vec<u32>,
    /// Who ran it.
    pub process: Vec<i32>,
    /// How it ended.
    pub outcome: Vec<Outcome>,
    /// The micro-operations of all transactions, end to end.
    pub micro_operations: Vec<MicroOperation>,
    /// Transaction `i` has those from `offsets[i]` up to `offsets[i + 1]`.
    pub offsets: Vec<u32>,
    /// The names of the keys, by number.
    pub keys: Vec<i64>,
}

impl Transactions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.invocation.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.invocation.is_empty()
    }

    /// The micro-operations of one transaction.
    pub fn of(&self, transaction: usize) -> &[MicroOperation] {
        &self.micro_operations[self.offsets[transaction] as usize..self.offsets[transaction + 1] as usize]
    }
}

/// Pick out the transactions: the operations whose function has this position. Other operations are skipped.
pub fn decode(events: &Events, function: Option<u8>) -> Result<Transactions, Malformed> {
    let mut malformed = Malformed::default();
    if u32::try_from(events.values.len()).is_err() {
        malformed.add(0, format!("{} values are too many for one check", events.values.len()));
        return malformed.unless(Transactions::default());
    }
    let paired = pair(events)?;
    let mut marks = Marks::default();
    let mut transactions = Transactions { offsets: vec![0], ..Transactions::default() };
    let mut numbers: FxHashMap<i64, u32> = FxHashMap::default();
    for operation in paired {
        let invoked = operation.invocation as usize;
        if Some(events.f[invoked]) != function {
            continue;
        }
        let row = if operation.outcome == Outcome::Ok { operation.completion as usize } else { invoked };
        if let Err(what) = micro_operations(events, row, &mut transactions, &mut numbers) {
            malformed.add(row, what);
        } else if row != invoked && !same_requests(events, invoked, row) {
            malformed
                .add(row, format!("the transaction completes with other micro-operations than row {invoked} invoked"));
        }
        transactions.invocation.push(operation.invocation);
        transactions.completion.push(operation.completion);
        transactions.process.push(events.process[invoked]);
        transactions.outcome.push(operation.outcome);
        let begin = transactions.offsets[transactions.offsets.len() - 1] as usize;
        marks.mark(&mut transactions.micro_operations[begin..]);
        transactions.offsets.push(transactions.micro_operations.len() as u32);
    }
    malformed.unless(transactions)
}

/// Which micro-operations are first and last on their keys, in one pass forth and one back: by key, the last transaction that touched it
/// and the last that wrote it.
#[derive(Default)]
struct Marks {
    touched: Vec<u32>,
    written: Vec<u32>,
    transaction: u32,
}

impl Marks {
    fn mark(&mut self, own: &mut [MicroOperation]) {
        self.transaction += 1;
        let keys = own.iter().map(|m| m.key as usize + 1).max().unwrap_or(0);
        if keys > self.touched.len() {
            self.touched.resize(keys, 0);
            self.written.resize(keys, 0);
        }
        for micro_operation in own.iter_mut().filter(|m| m.count != UNKNOWN && m.code != Code::Version) {
            let last = std::mem::replace(&mut self.touched[micro_operation.key as usize], self.transaction);
            micro_operation.is_first = last != self.transaction;
        }
        for micro_operation in own.iter_mut().rev().filter(|m| matches!(m.code, Code::Append | Code::Write)) {
            let last = std::mem::replace(&mut self.written[micro_operation.key as usize], self.transaction);
            micro_operation.is_last_write = last != self.transaction;
        }
    }
}

/// Append the micro-operations of `row` to the columns.
fn micro_operations(
    events: &Events,
    row: usize,
    transactions: &mut Transactions,
    numbers: &mut FxHashMap<i64, u32>,
) -> Result<(), String> {
    let mut scanner = Scanner::of(events, row)?;
    while let Some(found) = scanner.next(events)? {
        let key = *numbers.entry(found.key).or_insert_with(|| {
            transactions.keys.push(found.key);
            transactions.keys.len() as u32 - 1
        });
        let Found { code, start, count, .. } = found;
        let (is_first, is_last_write) = (false, false);
        transactions.micro_operations.push(MicroOperation { key, start, count, code, is_first, is_last_write });
    }
    Ok(())
}

/// Whether both rows ask for the same: the same codes and keys, and the same values where something is written. Versions are told in
/// the answer only.
fn same_requests(events: &Events, invoked: usize, completed: usize) -> bool {
    let (Ok(mut asked), Ok(mut answered)) = (Scanner::of(events, invoked), Scanner::of(events, completed)) else {
        return false;
    };
    loop {
        let (Ok(one), Ok(other)) = (asked.next(events), answered.next_step(events)) else { return false };
        let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
        let writes_alike =
            one.code == Code::Read || events.values[one.start as usize] == events.values[other.start as usize];
        if one.code != other.code || one.key != other.key || !writes_alike {
            return false;
        }
    }
}

#[derive(Clone, Copy)]
struct Found {
    code: Code,
    key: i64,
    start: u32,
    count: u32,
}

/// Goes through the values of one row.
struct Scanner {
    at: usize,
    end: usize,
    /// The key of the micro-operation before, unless that told a version.
    last: Option<i64>,
}

impl Scanner {
    fn of(events: &Events, row: usize) -> Result<Scanner, String> {
        if !events.value_valid[row] {
            return Err("a transaction without micro-operations: its value is nil".to_owned());
        }
        Ok(Scanner { at: events.value_offsets[row], end: events.value_offsets[row + 1], last: None })
    }

    /// The next that reads or writes.
    fn next_step(&mut self, events: &Events) -> Result<Option<Found>, String> {
        loop {
            match self.next(events)? {
                Some(found) if found.code == Code::Version => {}
                other => return Ok(other),
            }
        }
    }

    fn next(&mut self, events: &Events) -> Result<Option<Found>, String> {
        if self.at == self.end {
            return Ok(None);
        }
        let &[code, key, count, ..] = &events.values[self.at..self.end] else {
            return Err("the last micro-operation is cut short: a code, a key and a count are needed".to_owned());
        };
        let code = Code::from(code).ok_or_else(|| {
            format!("no micro-operation has code {code}: 0 reads, 1 appends, 2 writes, 3 tells a version")
        })?;
        let start = self.at + 3;
        let length = usize::try_from(count).unwrap_or(0);
        if count < -1 || length > self.end - start {
            return Err(format!(
                "a micro-operation on key {key} claims {count} values, and {} follow",
                self.end - start
            ));
        }
        if code != Code::Read && count != 1 {
            let does = if code == Code::Version { "tells" } else { "writes" };
            return Err(format!("a micro-operation on key {key} {does} {count} values instead of one"));
        }
        if code == Code::Version && self.last != Some(key) {
            return Err(format!("a version of key {key} is told that no micro-operation before it read or wrote"));
        }
        self.last = (code != Code::Version).then_some(key);
        self.at = start + length;
        let count = if count < 0 { UNKNOWN } else { length as u32 };
        Ok(Some(Found { code, key, start: start as u32, count }))
    }
}
