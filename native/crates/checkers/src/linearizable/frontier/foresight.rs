//! Foresight: whether somebody will still have to find what a place holds.
//!
//! What nobody will find before it is overwritten is as good as anything else that nobody finds, so states that differ only in that are
//! one state. And what somebody has to find should not be overwritten before: that can only go well if it is left there again.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::linearizable::Operation;
use crate::models::Model;

/// Who finds and leaves what, and when; nothing of a model without accesses.
pub struct Foresight {
    /// By place and value: when required operations were called that find it, in order.
    found: FxHashMap<(u32, u32), Vec<u32>>,
    /// By place and value: when required operations were called that leave it, in order.
    left: FxHashMap<(u32, u32), Vec<u32>>,
    /// By place: when required operations were called that write there, in order, each with the first return of those from it on.
    written: Vec<Vec<(u32, u32)>>,
    /// What operations find that may have happened.
    may_be_found: FxHashSet<(u32, u32)>,
}

impl Foresight {
    /// Look at all operations, which are sorted by invocation.
    pub fn new<M: Model>(model: &M, operations: &[Operation<M::Action>]) -> Self {
        let mut foresight = Foresight {
            found: FxHashMap::default(),
            left: FxHashMap::default(),
            written: vec![Vec::new(); if model.has_accesses() { model.places() } else { 0 }],
            may_be_found: FxHashSet::default(),
        };
        for operation in operations.iter().filter(|_| model.has_accesses()) {
            for access in model.accesses(operation.action) {
                match (access.finds, operation.is_pending()) {
                    (Some(value), true) => drop(foresight.may_be_found.insert((access.key, value))),
                    (Some(value), false) => {
                        foresight.found.entry((access.key, value)).or_default().push(operation.invocation);
                    }
                    (None, _) => {}
                }
                if let Some(value) = access.leaves.filter(|_| !operation.is_pending()) {
                    foresight.left.entry((access.key, value)).or_default().push(operation.invocation);
                    foresight.written[access.key as usize].push((operation.invocation, operation.completion));
                }
            }
        }
        for writes in &mut foresight.written {
            let mut first = u32::MAX;
            for (_, completion) in writes.iter_mut().rev() {
                first = first.min(*completion);
                *completion = first;
            }
        }
        foresight
    }

    /// The first return of a write to `place` that is called after `row`: by then it is certainly overwritten.
    pub fn overwritten(&self, place: u32, row: u32) -> u32 {
        let writes = &self.written[place as usize];
        writes.get(writes.partition_point(|&(invocation, _)| invocation < row)).map_or(u32::MAX, |&(_, first)| first)
    }

    /// Whether somebody is called after `row` and before `until` who finds `value` in `place`, or may be.
    pub fn will_be_found(&self, place: u32, value: u32, row: u32, until: u32) -> bool {
        is_between(self.found.get(&(place, value)), row, until) || self.may_be_found.contains(&(place, value))
    }

    /// Whether somebody is called after `row` and before `until` who leaves `value` in `place`.
    pub fn will_be_left(&self, place: u32, value: u32, row: u32, until: u32) -> bool {
        is_between(self.left.get(&(place, value)), row, until)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let lists = self.found.values().chain(self.left.values());
        let lists: usize = lists.map(|list| 48 + 4 * list.capacity()).sum();
        (lists + 8 * self.written.iter().map(Vec::capacity).sum::<usize>() + 16 * self.may_be_found.capacity()) as u64
    }
}

fn is_between(rows: Option<&Vec<u32>>, after: u32, before: u32) -> bool {
    rows.is_some_and(|rows| rows.get(rows.partition_point(|&row| row <= after)).is_some_and(|&row| row < before))
}
