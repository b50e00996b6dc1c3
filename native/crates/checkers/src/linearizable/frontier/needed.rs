//! What can't be put off, of an object of which it is known what each action finds and leaves in each place.
//!
//! Operations that do not touch what another writes can go in either order, and trying both is what makes a search exponential in the
//! number of clients. So at a return only the operations of a *stubborn set* go (Valmari, "Stubborn sets for reduced state space
//! generation", 1991). The operation that returns is in it. With one that can go, so is each that could not change places with it; and with
//! one that can't, each that leaves what it lacks in some place: unless one of those goes, it never can. In any way to pass the return
//! the first operation of the set can be moved to the front.
//!
//! What may have happened goes just before the operation that finds what it left ([`super::serving`]). So an operation that could be
//! served counts as one that can go, and that writes what it lacks.

use super::gaps::Places;
use super::order::Basis;
use super::passing::{Passing, Return};
use super::window::{Configuration, SLOTS, Slots, each};
use crate::models::Model;

/// By slot: the places where an open operation does not find what it has to.
pub struct Lacks {
    /// All of those.
    pub lacking: [Places; SLOTS],
    /// Those where nothing that may have happened leaves it.
    beyond: [Places; SLOTS],
}

impl Lacks {
    /// Nothing is lacking.
    pub fn new() -> Self {
        Lacks { lacking: [0; SLOTS], beyond: [0; SLOTS] }
    }
}

impl<M: Model> Passing<M> {
    /// The slots that can't be put off in `configuration`, where those of `served` may be served; and what they lack, in
    /// [`Passing::lacks_of`].
    pub(super) fn needed(&mut self, configuration: &Configuration, served: Slots, goal: &Return) -> Slots {
        let undone = self.window.open & !configuration.done;
        self.find_lacks(configuration, undone, served);
        let (mut blocked, mut left, mut needed) = (0, goal.bit, goal.bit);
        while left != 0 {
            let slot = left.trailing_zeros() as usize;
            let bit = 1 << slot;
            let (before, after) = self.in_order(slot, undone, configuration.free, goal.care.order);
            let more = match self.lacks_of.beyond[slot] {
                _ if before != 0 => {
                    blocked |= bit;
                    before & before.wrapping_neg()
                }
                0 => self.conflicting(slot, undone) & !after,
                beyond => self.enabling(slot, beyond, undone),
            };
            self.is_exact &= before | after == 0;
            left = (left | (more & undone & !needed)) & !bit;
            needed |= more & undone;
        }
        needed & !blocked
    }

    /// Of `undone`: those that certainly go before what is in `slot`, or that itself if one was not yet called; and those that go after it.
    fn in_order(&self, slot: usize, undone: Slots, free: Slots, basis: Basis) -> (Slots, Slots) {
        let ahead = &self.window.ahead[basis as usize];
        let before = (ahead.before[slot] & undone & !free) | (ahead.early & 1 << slot);
        let after = each(undone).filter(|&other| ahead.before[other] >> slot & 1 == 1);
        (before, after.fold(0, |slots, other| slots | 1 << other))
    }

    fn find_lacks(&mut self, configuration: &Configuration, undone: Slots, served: Slots) {
        let called = self.spending.called();
        for (slot, operation) in self.window.among(undone) {
            let (mut lacking, mut beyond) = (0, 0);
            for (place, value) in self.lacks(configuration, operation.action) {
                lacking |= 1 << place;
                beyond |=
                    Places::from(served >> slot & 1 == 0 || !self.supplies.may_leave(place, value, called)) << place;
            }
            self.lacks_of.lacking[slot] = lacking;
            self.lacks_of.beyond[slot] = beyond;
        }
    }

    /// Those of `undone` that could not change places with the operation in `slot`.
    fn conflicting(&self, slot: usize, undone: Slots) -> Slots {
        let window = &self.window;
        let served = |slot: usize| self.lacks_of.lacking[slot] & !self.lacks_of.beyond[slot];
        let changed = window.writes[slot] | served(slot);
        let touched = window.writes[slot] | window.reads[slot];
        let others =
            each(undone).filter(|&other| served(other) & touched != 0).fold(0, |slots, other| slots | 1 << other);
        let others = each(changed).fold(others, |slots, place| slots | window.readers[place] | window.writers[place]);
        each(touched).fold(others, |slots, place| slots | window.writers[place]) & undone & !(1 << slot)
    }

    /// Those of `undone` that leave what the operation in `slot` lacks in one of some places: the place where those are the fewest.
    fn enabling(&self, slot: usize, places: Places, undone: Slots) -> Slots {
        let Some(action) = self.window.action(slot) else { return 0 };
        let wanted = self.model.accesses(action).iter().filter(|access| places >> access.key & 1 == 1);
        let leaving = wanted.map(|wanted| {
            let writers = self.window.writers[wanted.key as usize];
            let others = self.window.among(writers & undone & !(1 << slot)).filter(|(_, operation)| {
                let mut accesses = self.model.accesses(operation.action).iter();
                accesses.any(|access| access.key == wanted.key && access.leaves == wanted.finds)
            });
            others.fold(0, |slots: Slots, (other, _)| slots | 1 << other)
        });
        leaving.min_by_key(|slots| slots.count_ones()).unwrap_or(0)
    }
}
