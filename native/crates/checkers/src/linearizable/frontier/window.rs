//! The required operations that are open at one moment of a history, and configurations of them, in machine words.
//!
//! Each open operation has a slot, a bit of a word, from its call to its return.

use super::gaps::{PLACES, Places, touched};
use super::order::{Basis, Order};
use super::orphans::is_blind;
use crate::linearizable::Operation;
use crate::models::{Model, Nature, State};

/// How many required operations can be open at once.
pub const SLOTS: usize = u64::BITS as usize;

/// A set of slots.
pub type Slots = u64;

/// The slots of a set, in order.
pub fn each(mut slots: Slots) -> impl Iterator<Item = usize> + Clone {
    std::iter::from_fn(move || {
        let slot = (slots != 0).then(|| slots.trailing_zeros() as usize)?;
        slots &= slots - 1;
        Some(slot)
    })
}

/// Which open operations are linearized, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Those that are linearized.
    pub done: Slots,
    /// Overwrites that may count as linearized, and may still go.
    pub free: Slots,
    /// The state.
    pub state: State,
    /// How many operations that may have happened were used.
    pub spent: u32,
    /// Which those are, for [`super::spending::Spending`].
    pub uses: u32,
    /// The same for equal multisets of scarce ones.
    pub scarce: u64,
    /// Its list of gaps, for [`super::gaps::Gaps`].
    pub gaps: u32,
}

/// The open operations.
pub struct Window<A> {
    operations: Vec<Option<Operation<A>>>,
    /// All of them.
    pub open: Slots,
    /// Those that never change the state.
    pub observations: Slots,
    /// Those that go in any state, and leave the same whatever they found.
    pub overwrites: Slots,
    /// Those that can go unseen: overwrites, of the whole object or of some places.
    pub blind: Slots,
    /// Those that find what no required operation left.
    pub orphans: Slots,
    /// By slot: how much of it that is.
    owed: [u8; SLOTS],
    /// By slot: the places where it finds something, of a model with accesses.
    pub reads: [Places; SLOTS],
    /// By slot: the places where it leaves something.
    pub writes: [Places; SLOTS],
    /// By place: who finds something there.
    pub readers: [Slots; PLACES],
    /// By place: who leaves something there.
    pub writers: [Slots; PLACES],
    /// By slot: which operation it is.
    index_of: [u32; SLOTS],
    /// What goes before what, by [`Basis`].
    pub ahead: [Ahead; 2],
}

/// What goes before open operations, by some [`Order`].
#[derive(Clone, Copy)]
pub struct Ahead {
    /// By slot: other slots.
    pub before: [Slots; SLOTS],
    /// Those before which something goes that was not yet called.
    pub early: Slots,
}

impl<A: Copy> Window<A> {
    /// Nothing is open.
    pub fn new() -> Self {
        Window {
            operations: vec![None; SLOTS],
            open: 0,
            observations: 0,
            overwrites: 0,
            blind: 0,
            orphans: 0,
            owed: [0; SLOTS],
            reads: [0; SLOTS],
            writes: [0; SLOTS],
            readers: [0; PLACES],
            writers: [0; PLACES],
            index_of: [0; SLOTS],
            ahead: [Ahead { before: [0; SLOTS], early: 0 }; 2],
        }
    }

    /// The slot that the next operation gets, unless all are taken.
    pub fn vacant(&self) -> Option<usize> {
        (self.open != Slots::MAX).then(|| self.open.trailing_ones() as usize)
    }

    /// An operation was called, which finds so much that no required operation left.
    pub fn call<M: Model<Action = A>>(&mut self, model: &M, slot: usize, operation: &Operation<A>, owed: u8) {
        self.operations[slot] = Some(*operation);
        let bit = 1 << slot;
        self.open |= bit;
        match model.nature(operation.action) {
            Nature::Observation => self.observations |= bit,
            Nature::Overwrite => self.overwrites |= bit,
            Nature::Update => {}
        }
        if self.overwrites & bit != 0 || is_blind(model, operation.action) {
            self.blind |= bit;
        }
        if model.has_accesses() {
            let accesses = model.accesses(operation.action);
            self.reads[slot] = touched(accesses, |access| access.finds.is_some());
            self.writes[slot] = touched(accesses, |access| access.leaves.is_some());
            each(self.reads[slot]).for_each(|place| self.readers[place] |= bit);
            each(self.writes[slot]).for_each(|place| self.writers[place] |= bit);
        }
        if owed > 0 {
            self.orphans |= bit;
            self.owed[slot] = owed;
        }
    }

    /// An operation returned.
    pub fn close(&mut self, slot: usize) {
        self.operations[slot] = None;
        let others = !(1 << slot);
        each(std::mem::take(&mut self.reads[slot])).for_each(|place| self.readers[place] &= others);
        each(std::mem::take(&mut self.writes[slot])).for_each(|place| self.writers[place] &= others);
        self.open &= others;
        self.observations &= others;
        self.overwrites &= others;
        self.blind &= others;
        self.orphans &= others;
        for ahead in &mut self.ahead {
            ahead.early &= others;
            ahead.before.iter_mut().for_each(|before| *before &= others);
        }
    }

    /// The slot of an operation, which it got when it was called, if it is open.
    fn slot_if_open(&self, index: u32, slot_of: &[u8]) -> Option<usize> {
        let slot = usize::from(slot_of[index as usize]);
        (self.open >> slot & 1 == 1 && self.index_of[slot] == index).then_some(slot)
    }

    /// Note what goes before the operation in `slot`, where the next to be called is `next_call`.
    fn put_in_order(&mut self, orders: &[Order; 2], slot: usize, next_call: usize, slot_of: &[u8]) {
        let bit = 1 << slot;
        for (basis, order) in orders.iter().enumerate() {
            let (mut before, mut is_early) = (0, false);
            for &other in order.before(self.index_of[slot] as usize) {
                before |= self.slot_if_open(other, slot_of).map_or(0, |other| 1 << other);
                is_early |= other as usize >= next_call;
            }
            let ahead = &mut self.ahead[basis];
            ahead.before[slot] = before;
            ahead.early = (ahead.early & !bit) | (Slots::from(is_early) << slot);
        }
    }

    /// Note what goes before each operation, where the next to be called is `next_call`.
    pub fn put_all_in_order(&mut self, orders: &[Order; 2], next_call: usize, slot_of: &[u8]) {
        for slot in each(self.open) {
            self.put_in_order(orders, slot, next_call, slot_of);
        }
    }

    /// Note what goes before the operation of this number, which was called last, and after it.
    pub fn put_last_in_order(&mut self, orders: &[Order; 2], index: usize, slot_of: &[u8]) {
        let slot = usize::from(slot_of[index]);
        self.index_of[slot] = index as u32;
        self.put_in_order(orders, slot, index + 1, slot_of);
        // What is certain is also guessed.
        for &other in orders[Basis::Guessed as usize].after(index) {
            if let Some(other) = self.slot_if_open(other, slot_of) {
                self.put_in_order(orders, other, index + 1, slot_of);
            }
        }
    }

    /// Open operations of some slots.
    pub fn among(&self, slots: Slots) -> impl Iterator<Item = (usize, &Operation<A>)> + Clone {
        each(slots & self.open).filter_map(|slot| self.operations[slot].as_ref().map(|operation| (slot, operation)))
    }

    /// The operation in an open slot.
    pub fn action(&self, slot: usize) -> Option<A> {
        self.operations[slot].as_ref().map(|operation| operation.action)
    }

    /// How much will have to be used of what may have happened, for those of `slots`.
    pub fn owed(&self, slots: Slots) -> u32 {
        each(slots & self.orphans).map(|slot| u32::from(self.owed[slot])).sum()
    }

    /// Whether everything can follow from `one` that can follow from `other`, as far as open operations and the state matter: no
    /// observation is done only in `other`, an overwrite that is not free in `one` is what it is in `other`, and the rest is the same.
    pub fn dominates(&self, one: &Configuration, other: &Configuration) -> bool {
        let differing = one.done ^ other.done;
        let updates = self.open & !self.observations & !self.blind;
        one.state == other.state
            && other.done & !one.done & self.observations == 0
            && (differing | other.free) & self.blind & !one.free == 0
            && differing & updates == 0
    }
}
