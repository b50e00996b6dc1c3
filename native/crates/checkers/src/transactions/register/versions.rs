//! What was written and who read it: the versions of every register, without their order.
//!
//! A version is a value that somebody wrote, or the initial one of a key, which nobody did. Transactions *touch* a key: they read the
//! version that they found there, if that was the first thing they did and the answer is known, and leave the one that they wrote last.
//! Only versions that a transaction left are in the order of its key; one that it overwrote itself is intermediate.

use rustc_hash::FxHashMap;

use crate::events::Events;
use crate::pairing::{Malformed, Outcome};
use crate::transactions::decode::{Code, MicroOperation, Transactions};

/// Number of no version.
pub const NONE: u32 = u32::MAX;

/// What a transaction had to do with a key.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    /// Who.
    pub transaction: u32,
    /// What it found, or [`NONE`] where that is not known or no version of the order.
    pub found: u32,
    /// What it left there, or [`NONE`] if it wrote nothing.
    pub wrote: u32,
    /// The key.
    pub key: u32,
}

impl Touch {
    /// The first version that it had to do with.
    pub fn first(&self) -> u32 {
        if self.found == NONE { self.wrote } else { self.found }
    }

    /// The last one.
    pub fn last(&self) -> u32 {
        if self.wrote == NONE { self.found } else { self.wrote }
    }
}

/// All versions: those that were written, in the order of their transactions, then the initial one of each key.
#[derive(Debug, Default)]
pub struct Versions {
    /// How many were written.
    pub written: usize,
    /// By version: the key.
    pub key: Vec<u32>,
    /// By written version: the value.
    pub value: Vec<i64>,
    /// By written version: who wrote it.
    pub writer: Vec<u32>,
    /// By written version: whether the writer left it.
    pub is_final: Vec<bool>,
    /// What the database called versions, where it said so: the version and its number.
    pub numbered: Vec<(u32, i64)>,
    /// Whether each transaction happened: it is ok, or nobody knows and something it wrote was read.
    pub happened: Vec<bool>,
    /// What transactions that happened had to do with keys, in their order.
    pub touches: Vec<Touch>,
    /// By version: those that found it, each with what it left there or [`NONE`].
    pub readers: Grouped,
    /// Reads of keys that their transaction had not written.
    pub observations: usize,
    numbers: FxHashMap<(u32, i64), u32>,
}

/// Pairs, grouped by a number.
#[derive(Debug, Default)]
pub struct Grouped {
    offsets: Vec<u32>,
    members: Vec<(u32, u32)>,
}

impl Grouped {
    /// Group `items` by their first part, in their order.
    pub fn new(groups: usize, items: impl Iterator<Item = (u32, (u32, u32))> + Clone) -> Grouped {
        let mut offsets = vec![0_u32; groups + 1];
        items.clone().for_each(|(group, _)| offsets[group as usize + 1] += 1);
        for group in 0..groups {
            offsets[group + 1] += offsets[group];
        }
        let mut next = offsets.clone();
        let mut members = vec![(0, 0); offsets[groups] as usize];
        for (group, member) in items {
            let place = &mut next[group as usize];
            members[*place as usize] = member;
            *place += 1;
        }
        Grouped { offsets, members }
    }

    /// The members of one group.
    pub fn of(&self, group: u32) -> &[(u32, u32)] {
        &self.members[self.offsets[group as usize] as usize..self.offsets[group as usize + 1] as usize]
    }
}

impl Versions {
    /// The version of `key` that has this value, if somebody wrote it.
    pub fn find(&self, key: u32, value: i64) -> Option<u32> {
        self.numbers.get(&(key, value)).copied()
    }

    /// What a key holds at first.
    pub fn initial(&self, key: u32) -> u32 {
        self.written as u32 + key
    }

    /// The value of a version; the initial one has none.
    pub fn value_of(&self, version: u32) -> Option<i64> {
        self.value.get(version as usize).copied()
    }

    /// Who wrote a version and is known to have happened.
    pub fn writer_of(&self, version: u32) -> Option<u32> {
        self.writer.get(version as usize).copied().filter(|&writer| self.happened[writer as usize])
    }

    /// Whether somebody who happened left this version, which is no initial one.
    pub fn is_left(&self, version: u32) -> bool {
        self.is_final[version as usize] && self.writer_of(version).is_some()
    }

    /// All versions, the initial ones included.
    pub fn len(&self) -> usize {
        self.key.len()
    }
}

/// Number all versions. A value that is written to a key twice makes the history malformed.
pub fn versions(events: &Events, transactions: &Transactions) -> Result<Versions, Malformed> {
    let mut versions = Versions::default();
    number(events, transactions, &mut versions)?;
    versions.written = versions.key.len();
    versions.key.extend(0..transactions.keys.len() as u32);
    versions.happened = transactions.outcome.iter().map(|&outcome| outcome == Outcome::Ok).collect();
    let ok = || (0..transactions.len()).filter(|&t| transactions.outcome[t] == Outcome::Ok);
    for read in ok().flat_map(|t| transactions.of(t)).filter(|m| m.code == Code::Read) {
        versions.observations += usize::from(read.is_first);
        if let Some(version) = found(events, &versions, read).filter(|&version| (version as usize) < versions.written) {
            let writer = versions.writer[version as usize] as usize;
            versions.happened[writer] |= transactions.outcome[writer] == Outcome::Info;
        }
    }
    touch(events, transactions, &mut versions);
    let found = versions.touches.iter().filter(|touch| touch.found != NONE);
    let found = found.map(|touch| (touch.found, (touch.transaction, touch.wrote)));
    versions.readers = Grouped::new(versions.key.len(), found);
    Ok(versions)
}

/// The version that a read shows; nothing where its answer is not known or nobody wrote it.
pub fn found(events: &Events, versions: &Versions, read: &MicroOperation) -> Option<u32> {
    match *read.values(events)? {
        [value, ..] => versions.find(read.key, value),
        [] => Some(versions.initial(read.key)),
    }
}

fn number(events: &Events, transactions: &Transactions, versions: &mut Versions) -> Result<(), Malformed> {
    let mut malformed = Malformed::default();
    for writer in 0..transactions.len() {
        let row = transactions.invocation[writer] as usize;
        for micro_operation in transactions.of(writer) {
            let key = micro_operation.key;
            let name = transactions.keys[key as usize];
            let Some(value) = micro_operation.written(events) else {
                if micro_operation.values(events).is_some_and(|values| values.len() > 1) {
                    malformed.add(row, format!("a read of register {name} shows more than one value"));
                }
                continue;
            };
            if micro_operation.code == Code::Append {
                let what = format!("an rw-register history appends to key {name}; only reads and writes are possible");
                malformed.add(row, what);
            } else if versions.numbers.insert((key, value), versions.key.len() as u32).is_some() {
                malformed.add(row, format!("{value} is written to key {name} a second time; values must be unique"));
            }
            versions.key.push(key);
            versions.value.push(value);
            versions.writer.push(writer as u32);
            versions.is_final.push(micro_operation.is_last_write);
        }
    }
    malformed.unless(())
}

/// What each transaction that happened found and left, key by key.
fn touch(events: &Events, transactions: &Transactions, versions: &mut Versions) {
    // By key, the place of the last touch.
    let mut last: Vec<u32> = vec![NONE; transactions.keys.len()];
    let mut written = 0;
    for transaction in 0..transactions.len() {
        let begin = versions.touches.len();
        let mut before = NONE;
        for micro_operation in transactions.of(transaction) {
            let version = match micro_operation.code {
                Code::Version => {
                    let number = micro_operation.values(events).and_then(<[i64]>::first);
                    versions.numbered.extend(number.filter(|_| before != NONE).map(|&number| (before, number)));
                    continue;
                }
                Code::Read => found(events, versions, micro_operation),
                _ => {
                    written += 1;
                    Some(written - 1)
                }
            };
            before = version.filter(|&version| is_ordered(versions, version)).unwrap_or(NONE);
            if !versions.happened[transaction] || !(micro_operation.is_first || micro_operation.is_last_write) {
                continue;
            }
            let (transaction, key) = (transaction as u32, micro_operation.key);
            let place = &mut last[key as usize];
            if *place == NONE || (*place as usize) < begin {
                *place = versions.touches.len() as u32;
                versions.touches.push(Touch { transaction, found: NONE, wrote: NONE, key });
            }
            let is_own = versions.writer_of(before) == Some(transaction);
            let touch = &mut versions.touches[*place as usize];
            if micro_operation.is_last_write {
                touch.wrote = before;
            } else if micro_operation.code == Code::Read && !is_own {
                touch.found = before;
            }
        }
    }
    versions.touches.retain(|touch| touch.first() != NONE);
}

/// Whether a version is one of the order of its key: the initial one, or one that a transaction left that happened.
fn is_ordered(versions: &Versions, version: u32) -> bool {
    version as usize >= versions.written || versions.is_left(version)
}
