//! Long forks: two reads that saw two writes in opposite orders. After Jepsen's `long-fork`, the anomaly that parallel snapshot isolation
//! allows and snapshot isolation does not.
//!
//! Every key is written once, so a read of a group of keys sees a set of writes. Where there is one order of all writes, the sets that reads of
//! the same group saw contain one another like the layers of an onion: sorted by size, each is part of the next. Two neighbours that are not
//! are a fork. So one sort decides what Jepsen decides by comparing all pairs.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome};
use crate::transactions::decode::{Code, Transactions, decode};

/// A read of a group: which of its keys had been written.
struct View {
    count: usize,
    written: Vec<bool>,
    row: u32,
}

#[derive(Clone, Copy)]
struct Write {
    value: i64,
    row: u32,
    failed: bool,
}

/// The functions of transactions: one for all, or one for reads and one for writes, as Jepsen's workload has them.
pub type Functions = [Option<u8>; 3];

/// Check the transactions that only read, two keys or more, against each other.
pub fn check(events: &Events, functions: Functions) -> Result<Report, Malformed> {
    let mut decoded = Vec::with_capacity(functions.len());
    for function in functions.into_iter().flatten() {
        decoded.push(decode(events, Some(function))?);
    }
    let writes = writes(events, &decoded)?;
    let [mut forks, mut unexpected] = ["long-fork", "unexpected"].map(Finding::new);
    let mut groups: FxHashMap<Vec<i64>, Vec<View>> = FxHashMap::default();
    let mut order: Vec<Vec<i64>> = Vec::new();
    let mut observations = 0;
    let all =
        || decoded.iter().flat_map(|transactions| (0..transactions.len()).map(move |number| (transactions, number)));
    for (transactions, number) in all() {
        let steps = transactions.of(number);
        let only_reads = steps.iter().all(|step| step.code == Code::Read && step.values(events).is_some());
        if transactions.outcome[number] != Outcome::Ok || !only_reads {
            continue;
        }
        let row = transactions.invocation[number];
        let mut seen: Vec<(i64, bool)> = Vec::with_capacity(steps.len());
        for step in steps {
            let value = step.values(events).unwrap_or(&[]).last().copied();
            let key = transactions.keys[step.key as usize];
            let write = writes.get(&key);
            match (value, write) {
                (None, _) => {}
                (Some(value), Some(write))
                    if write.value == value && !write.failed && write.row < transactions.completion[number] => {}
                (Some(value), Some(write)) if write.value == value => unexpected.add(|| {
                    let rows = [(write.row, "wrote it, too late or in vain"), (row, "read what can't be there")];
                    Case::new(&rows, format!("{value} was read of key {key}, whose write had failed or not begun"))
                }),
                (Some(value), _) => unexpected.add(|| {
                    Case::new(
                        &[(row, "read what can't be there")],
                        format!("{value} was read of key {key}, and nobody wrote it"),
                    )
                }),
            }
            seen.push((key, value.is_some()));
        }
        seen.sort_unstable();
        seen.dedup_by_key(|&mut (key, _)| key);
        if seen.len() < 2 {
            continue;
        }
        observations += 1;
        let written: Vec<bool> = seen.iter().map(|&(_, is_written)| is_written).collect();
        let view = View { count: written.iter().filter(|&&is_written| is_written).count(), written, row };
        let keys: Vec<i64> = seen.into_iter().map(|(key, _)| key).collect();
        match groups.entry(keys) {
            Entry::Occupied(mut views) => views.get_mut().push(view),
            Entry::Vacant(free) => {
                order.push(free.key().clone());
                free.insert(vec![view]);
            }
        }
    }
    for keys in &order {
        let mut views = groups.remove(keys).unwrap_or_default();
        views.sort_by(|one, other| (one.count, &one.written, one.row).cmp(&(other.count, &other.written, other.row)));
        views.dedup_by(|later, earlier| later.written == earlier.written);
        for pair in views.windows(2) {
            if let Some((only_first, only_second)) = fork(&pair[0], &pair[1]) {
                let [first, second] = [only_first, only_second].map(|place| keys[place]);
                let told = format!(
                    "one read saw key {first} and not key {second}, another saw key {second} and not key {first}"
                );
                let rows = [(pair[0].row, "saw one order of the writes"), (pair[1].row, "saw the other order")];
                forks.add(|| Case::new(&rows, told));
            }
        }
    }
    let mut doubts = Vec::new();
    if observations > 0 && observations == order.len() {
        doubts.push("no group of keys was read more than once, so no two reads could be compared".to_owned());
    }
    Ok(Report::conclude(all().count(), observations, vec![forks, unexpected], doubts).counting("groups", order.len()))
}

/// The one write of each key.
fn writes(events: &Events, decoded: &[Transactions]) -> Result<FxHashMap<i64, Write>, Malformed> {
    let mut malformed = Malformed::default();
    let mut writes: FxHashMap<i64, Write> = FxHashMap::default();
    let all = decoded.iter().flat_map(|transactions| (0..transactions.len()).map(move |number| (transactions, number)));
    for (transactions, number) in all {
        let (row, failed) = (transactions.invocation[number], transactions.outcome[number] == Outcome::Fail);
        for step in transactions.of(number) {
            let Some(value) = step.written(events) else { continue };
            let key = transactions.keys[step.key as usize];
            match writes.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(Write { value, row, failed });
                }
                Entry::Occupied(mut taken) if taken.get().failed => {
                    taken.insert(Write { value, row, failed });
                }
                Entry::Occupied(taken) if !failed => malformed.add(
                    row as usize,
                    format!(
                        "key {key} is written again, after row {}: long forks show only where every key is written once",
                        taken.get().row
                    ),
                ),
                Entry::Occupied(_) => {}
            }
        }
    }
    malformed.unless(writes)
}

/// The places of a key that only the first saw and of one that only the second saw, if there are both.
fn fork(first: &View, second: &View) -> Option<(usize, usize)> {
    let only =
        |one: &View, other: &View| (0..one.written.len()).find(|&place| one.written[place] && !other.written[place]);
    Some((only(first, second)?, only(second, first)?))
}
