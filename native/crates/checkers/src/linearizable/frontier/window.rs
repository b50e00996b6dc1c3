//! The required operations that are open at one moment of a history, and configurations of them, in machine words.
//!
//! Each open operation has a slot, a bit of a word, from its call to its return.

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
        if owed > 0 {
            self.orphans |= bit;
            self.owed[slot] = owed;
        }
    }

    /// An operation returned.
    pub fn close(&mut self, slot: usize) {
        self.operations[slot] = None;
        let others = !(1 << slot);
        self.open &= others;
        self.observations &= others;
        self.overwrites &= others;
        self.blind &= others;
        self.orphans &= others;
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
