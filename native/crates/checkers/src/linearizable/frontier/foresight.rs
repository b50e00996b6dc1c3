//! Foresight: whether somebody will still have to find what a place holds.
//!
//! What nobody will find before it is overwritten is as good as anything else that nobody finds, so states that differ only in that are
//! one state. And what somebody has to find should not be overwritten before: that can only go well if it is left there again.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use crate::linearizable::Operation;
use crate::models::Model;

/// Who finds and leaves what, and when; nothing of a model without accesses.
pub struct Foresight {
    /// By place and value: when required operations were called that find it, in order.
    found: FxHashMap<(u32, u32), Rows>,
    /// By place and value: when required operations were called that leave it, in order.
    left: FxHashMap<(u32, u32), Rows>,
    /// By place: when required operations were called that write there, in order, each with the first return of those from it on.
    written: Vec<Vec<(u32, u32)>>,
    /// By place: the first of those called after the next return, and what it has.
    next_write: Vec<usize>,
    overwritten: Vec<u32>,
    /// By place and value: what is left by operations that find it and may have happened.
    conditions: FxHashMap<(u32, u32), Vec<(u32, u32)>>,
}

impl Foresight {
    /// Look at all operations, which are sorted by invocation.
    pub fn new<M: Model>(model: &M, operations: &[Operation<M::Action>]) -> Self {
        let places = if model.has_accesses() { model.places() } else { 0 };
        let mut foresight = Foresight {
            found: FxHashMap::default(),
            left: FxHashMap::default(),
            written: vec![Vec::new(); places],
            next_write: vec![0; places],
            overwritten: vec![u32::MAX; places],
            conditions: FxHashMap::default(),
        };
        for operation in operations.iter().filter(|_| model.has_accesses()) {
            for access in model.accesses(operation.action) {
                match (access.finds, operation.is_pending()) {
                    (Some(value), true) => {
                        let left = model.accesses(operation.action).iter().filter_map(|a| Some((a.key, a.leaves?)));
                        foresight.conditions.entry((access.key, value)).or_default().extend(left);
                    }
                    (Some(value), false) => {
                        foresight.found.entry((access.key, value)).or_default().rows.push(operation.invocation);
                    }
                    (None, _) => {}
                }
                if let Some(value) = access.leaves.filter(|_| !operation.is_pending()) {
                    foresight.left.entry((access.key, value)).or_default().rows.push(operation.invocation);
                    foresight.written[access.key as usize].push((operation.invocation, operation.completion));
                }
            }
        }
        for left in foresight.conditions.values_mut() {
            left.sort_unstable();
            left.dedup();
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

    /// From now on `row` is the next return to pass.
    pub fn look_from(&mut self, row: u32) {
        for (place, writes) in self.written.iter().enumerate() {
            let next = &mut self.next_write[place];
            while writes.get(*next).is_some_and(|&(invocation, _)| invocation < row) {
                *next += 1;
            }
            while next
                .checked_sub(1)
                .and_then(|before| writes.get(before))
                .is_some_and(|&(invocation, _)| invocation > row)
            {
                *next -= 1;
            }
            self.overwritten[place] = writes.get(*next).map_or(u32::MAX, |&(_, first)| first);
        }
    }

    /// The first return of a write to `place` that is called after the next return: by then it is certainly overwritten.
    pub fn overwritten(&self, place: u32) -> u32 {
        self.overwritten[place as usize]
    }

    /// Whether somebody is called after `row` and before `until` who finds `value` in `place`.
    pub fn will_be_found(&self, place: u32, value: u32, row: u32, until: u32) -> bool {
        self.found.get(&(place, value)).is_some_and(|rows| rows.is_between(row, until))
    }

    /// What may be left, and where, by something that finds `value` in `place` and may have happened.
    pub fn follows(&self, place: u32, value: u32) -> &[(u32, u32)] {
        self.conditions.get(&(place, value)).map_or(&[], |left| left)
    }

    /// Whether somebody is called after `row` and before `until` who leaves `value` in `place`.
    pub fn will_be_left(&self, place: u32, value: u32, row: u32, until: u32) -> bool {
        self.left.get(&(place, value)).is_some_and(|rows| rows.is_between(row, until))
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let lists = self.found.values().chain(self.left.values());
        let conditions: usize = self.conditions.values().map(|left| 48 + 8 * left.capacity()).sum();
        let lists: usize = lists.map(|list| 64 + 4 * list.rows.capacity()).sum();
        (lists + 8 * self.written.iter().map(Vec::capacity).sum::<usize>() + conditions) as u64
    }
}

/// Rows in order, and a place among them: who asks goes forwards nearly always.
#[derive(Default)]
struct Rows {
    rows: Vec<u32>,
    at: Cell<usize>,
}

impl Rows {
    /// Whether one is between two rows.
    fn is_between(&self, after: u32, before: u32) -> bool {
        let mut at = self.at.get();
        while self.rows.get(at).is_some_and(|&row| row <= after) {
            at += 1;
        }
        while at.checked_sub(1).and_then(|before| self.rows.get(before)).is_some_and(|&row| row > after) {
            at -= 1;
        }
        self.at.set(at);
        self.rows.get(at).is_some_and(|&row| row < before)
    }
}
