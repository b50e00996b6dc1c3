//! Serving: what an action lacks is brought about by operations that may have happened, just before it goes.
//!
//! Each of those is put into a gap of the order so far ([`super::gaps`]), or after all; by then somebody finds what it left for the first
//! time, so it had not to be put into any order before. One whose values nobody finds is never put anywhere.

use rustc_hash::FxHashMap;

use super::gaps::{Places, Touch, touched};
use super::order::Basis;
use super::passing::{Care, Next, Passing, Return};
use super::window::{Configuration, Slots, each};
use crate::linearizable::Operation;
use crate::linearizable::classes::Classes;
use crate::models::{ANYTHING, Model};

/// What a place holds that nobody will find; no value has this number.
const NOBODYS: u32 = u32::MAX - 1;

/// How many ways to serve one action are followed, unless all matter.
const MOST_WAYS: usize = 256;

/// What may have happened, by what it leaves; nothing of a model without accesses.
pub struct Supplies {
    /// By place and value: the classes that leave it there.
    leaving: FxHashMap<(u32, u32), Vec<u32>>,
    /// By class.
    supplies: Vec<Supply>,
}

struct Supply {
    leaves: Places,
    /// It goes only where it finds something.
    is_conditional: bool,
    /// When its members were called, in order.
    called: Vec<u32>,
}

impl Supplies {
    /// What classes leave.
    pub fn new<M: Model>(model: &M, classes: &Classes<M::Action>, operations: &[Operation<M::Action>]) -> Self {
        let mut leaving: FxHashMap<(u32, u32), Vec<u32>> = FxHashMap::default();
        let mut supplies = Vec::new();
        for (index, class) in classes.classes.iter().enumerate().filter(|_| model.has_accesses()) {
            let accesses = model.accesses(class.action);
            for (place, value) in accesses.iter().filter_map(|access| Some((access.key, access.leaves?))) {
                leaving.entry((place, value)).or_default().push(index as u32);
            }
            supplies.push(Supply {
                leaves: touched(accesses, |access| access.leaves.is_some()),
                is_conditional: accesses.iter().any(|access| access.finds.is_some()),
                called: class.members.iter().map(|&member| operations[member as usize].invocation).collect(),
            });
        }
        Supplies { leaving, supplies }
    }

    /// Whether something that may have happened leaves `value` in `place`, and was called, where so many of each class were.
    pub fn may_leave(&self, place: u32, value: u32, called: &[u32]) -> bool {
        let leaving = self.leaving.get(&(place, value));
        leaving.is_some_and(|classes| classes.iter().any(|&class| called[class as usize] > 0))
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let called: usize = self.supplies.iter().map(|supply| size_of::<Supply>() + 4 * supply.called.len()).sum();
        let lists: usize = self.leaving.values().map(|classes| 48 + 4 * classes.capacity()).sum();
        (called + lists) as u64
    }
}

impl<M: Model> Passing<M> {
    /// A required action went last in `configuration`: some gaps are hidden by it, and some seen.
    pub(super) fn touch(&mut self, configuration: &mut Configuration, action: M::Action, row: u32) {
        if !self.model.has_accesses() {
            return;
        }
        let accesses = self.model.accesses(action);
        let reads = touched(accesses, |access| access.finds.is_some());
        let writes = touched(accesses, |access| access.leaves.is_some());
        self.gaps.touch(configuration, usize::MAX, Touch { reads, writes, row });
        if writes & !reads != 0 {
            self.free_hidden(configuration);
        }
    }

    /// Note what would be hidden in a gap.
    fn free_hidden(&self, configuration: &mut Configuration) {
        let gaps = self.gaps.of(configuration);
        for (slot, operation) in self.window.among(self.window.blind & !configuration.done & !configuration.free) {
            let places = self.window.writes[slot];
            let is_hidden = gaps.iter().any(|gap| places & !gap.hidden == 0 && operation.invocation < gap.row);
            configuration.free |= Slots::from(is_hidden) << slot;
        }
    }

    /// Go on from `configuration` by what any of `slots` needs, and that.
    pub(super) fn serve(&mut self, configuration: &Configuration, slots: Slots, next: Next, goal: &Return) {
        let needed = self.needed(configuration, self.served(next, goal), goal);
        let served = slots & needed;
        self.go_before(configuration, served, !needed, goal);
        let mut ways = Vec::new();
        for slot in each(served & self.window.open & !configuration.done) {
            let Some(action) = self.window.action(slot) else { continue };
            if self.first_lack(configuration, action).is_none() {
                continue;
            }
            let mut tried = 0;
            ways.push((*configuration, self.model.accesses(action).len()));
            while let Some((way, left)) = ways.pop() {
                tried += 1;
                if tried > MOST_WAYS && goal.care != Care::FULL {
                    self.is_exact = false;
                    ways.clear();
                    break;
                }
                match self.first_lack(&way, action) {
                    None => self.go(way, slot, action, goal, configuration.free & goal.bit == 0),
                    Some(_) if left == 0 => {}
                    Some(lack) => self.supply(&way, lack, goal, |after| ways.push((after, left - 1))),
                }
            }
        }
    }

    /// Those that may be served when that is gone on with.
    pub(super) fn served(&self, next: Next, goal: &Return) -> Slots {
        if goal.care.order == Basis::Guessed && next != Next::Pending { self.window.orphans } else { Slots::MAX }
    }

    /// Of what could be put off otherwise, let go what would be overwritten by something that serves one of `slots`.
    fn go_before(&mut self, configuration: &Configuration, slots: Slots, others: Slots, goal: &Return) {
        if goal.care == Care::FULL {
            return;
        }
        let mut places = 0;
        for (_, operation) in self.window.among(slots & !configuration.done) {
            for lack in self.lacks(configuration, operation.action) {
                for &class in self.supplies.leaving.get(&lack).map_or(&[][..], |classes| classes) {
                    if self.spending.called()[class as usize] > 0 {
                        places |= self.supplies.supplies[class as usize].leaves & !(1 << lack.0);
                    }
                }
            }
        }
        for slot in each(others & self.window.open & !self.window.observations & !configuration.done) {
            let Some(action) = self.window.action(slot) else { continue };
            let touches = self.window.reads[slot] | self.window.writes[slot];
            if touches & places != 0 && self.first_lack(configuration, action).is_none() {
                self.steps += 1;
                self.go(*configuration, slot, action, goal, configuration.free & goal.bit == 0);
            }
        }
    }

    /// What `action` finds, and `configuration` has not.
    pub(super) fn first_lack(&self, configuration: &Configuration, action: M::Action) -> Option<(u32, u32)> {
        self.lacks(configuration, action).next()
    }

    pub(super) fn lacks(&self, configuration: &Configuration, action: M::Action) -> impl Iterator<Item = (u32, u32)> {
        let held = self.held.of(configuration.state);
        let accesses = self.model.accesses(action).iter();
        let lacking = accesses.filter(|access| access.lacks(held[access.key as usize]));
        lacking.filter_map(|access| Some((access.key, access.finds?)))
    }

    /// The action in `slot` goes, which lacks nothing any more.
    fn go(&mut self, mut after: Configuration, slot: usize, action: M::Action, goal: &Return, is_new: bool) {
        let bit = 1 << slot;
        if after.done & bit == 0 {
            let Some(state) = self.step(after.state, action) else { return };
            after.done |= bit;
            after.free &= !bit;
            self.regret(&mut after, action, goal.row);
            after.state = state;
            self.touch(&mut after, action, goal.row);
            self.observe(&mut after, Slots::MAX, goal.row);
        }
        self.arrive(after, goal, is_new);
    }

    /// Find what can follow when `value` was left in `place` by something that may have happened.
    fn supply(
        &mut self,
        configuration: &Configuration,
        (place, value): (u32, u32),
        goal: &Return,
        mut found: impl FnMut(Configuration),
    ) {
        let count = self.supplies.leaving.get(&(place, value)).map_or(0, Vec::len);
        for number in 0..count {
            let class = self.supplies.leaving[&(place, value)][number];
            self.considered += 1;
            if !self.spending.has(configuration, class, goal.row) {
                continue;
            }
            let action = self.classes.classes[class as usize].action;
            let used = self.spending.used(configuration, class) as usize;
            let Supply { leaves, is_conditional, ref called } = self.supplies.supplies[class as usize];
            if is_conditional && self.first_lack(configuration, action).is_some() {
                continue;
            }
            let gaps = self.gaps.of(configuration);
            let mut moments = vec![(usize::MAX, leaves)];
            if !is_conditional && goal.care != Care::FULL {
                let invocation = called.get(used).copied().unwrap_or(u32::MAX);
                for (at, gap) in gaps.iter().enumerate().rev() {
                    let changes = leaves & gap.open;
                    let can_go = changes >> place & 1 == 1 && leaves & !(gap.hidden | gap.open) == 0;
                    if can_go && invocation < gap.row && moments.iter().all(|&(_, other)| other != changes) {
                        moments.push((at, changes));
                    }
                }
            }
            for (at, changes) in moments {
                self.steps += 1;
                found(self.put(configuration, class, at, changes, goal));
            }
        }
    }

    /// `configuration` with a member of `class` in a gap, where it changes just some places.
    fn put(
        &mut self,
        configuration: &Configuration,
        class: u32,
        at: usize,
        changes: Places,
        goal: &Return,
    ) -> Configuration {
        let mut after = *configuration;
        self.spending.spend(&mut after, class, goal.row);
        let action = self.classes.classes[class as usize].action;
        let accesses = self.model.accesses(action).iter().filter(|access| changes >> access.key & 1 == 1);
        let written: Vec<(u32, u32)> = accesses.filter_map(|access| Some((access.key, access.leaves?))).collect();
        for &(place, value) in &written {
            after.spent += u32::from(self.loses(&after, place, value, goal.row));
        }
        after.state = self.held.with(after.state, written.into_iter());
        let reads = touched(self.model.accesses(action), |access| access.finds.is_some());
        let Supply { leaves, .. } = self.supplies.supplies[class as usize];
        self.gaps.touch(&mut after, at, Touch { reads, writes: leaves, row: goal.row });
        self.free_hidden(&mut after);
        self.observe(&mut after, Slots::MAX, goal.row);
        after
    }

    /// Count what is lost when `action` goes in `configuration`, of what somebody has to find.
    pub(super) fn regret(&mut self, configuration: &mut Configuration, action: M::Action, row: u32) {
        if !self.model.has_accesses() {
            return;
        }
        let written = self.model.accesses(action).iter().filter_map(|access| Some((access.key, access.leaves?)));
        let lost = written.filter(|&(place, value)| self.loses(configuration, place, value, row)).count();
        configuration.spent += lost as u32;
    }

    /// Whether somebody has to find what is in `place`, which nobody will leave there again, and which would be overwritten by `value`.
    fn loses(&self, configuration: &Configuration, place: u32, value: u32, row: u32) -> bool {
        let held = self.held.of(configuration.state)[place as usize];
        if [value, NOBODYS, ANYTHING].contains(&held) {
            return false;
        }
        if self.left_by(self.window.writers[place as usize] & !configuration.done, place, held) {
            return false;
        }
        let until = self.overwritten(configuration, place);
        self.is_sought(configuration, place, held, row) && !self.foresight.will_be_left(place, held, row, until)
    }

    /// Whether somebody has to find `value` in `place` before it is overwritten.
    fn is_sought(&self, configuration: &Configuration, place: u32, value: u32, row: u32) -> bool {
        self.found_by(self.window.readers[place as usize] & !configuration.done, place, value)
            || self.foresight.will_be_found(place, value, row, self.overwritten(configuration, place))
    }

    /// Whether one of `slots` finds `value` in `place`.
    fn found_by(&self, slots: Slots, place: u32, value: u32) -> bool {
        let mut accesses = self.window.among(slots).flat_map(|(_, operation)| self.model.accesses(operation.action));
        accesses.any(|access| access.key == place && access.finds == Some(value))
    }

    /// Whether one of `slots` leaves `value` in `place`.
    fn left_by(&self, slots: Slots, place: u32, value: u32) -> bool {
        let mut accesses = self.window.among(slots).flat_map(|(_, operation)| self.model.accesses(operation.action));
        accesses.any(|access| access.key == place && access.leaves == Some(value))
    }

    /// The return by which `place` is certainly overwritten, by something that was not yet called, or is not yet linearized and can't go
    /// any more before what is held there came about.
    fn overwritten(&self, configuration: &Configuration, place: u32) -> u32 {
        let writers = self.window.writers[place as usize] & !configuration.done & !configuration.free;
        let gaps = self.gaps.of(configuration);
        let was_hidden = |called: u32| gaps.iter().any(|gap| gap.hidden >> place & 1 == 1 && called < gap.row);
        let last = self.window.among(writers).filter(|(_, operation)| !was_hidden(operation.invocation));
        let first = last.map(|(_, operation)| operation.completion).min();
        first.unwrap_or(u32::MAX).min(self.foresight.overwritten(place))
    }

    /// Disregard what is held where nobody will find it.
    pub(super) fn disregard(&mut self, configuration: &mut Configuration, row: u32) {
        for place in 0..if self.model.has_accesses() { self.model.places() as u32 } else { 0 } {
            let held = self.held.of(configuration.state)[place as usize];
            if held == NOBODYS || held == ANYTHING {
                continue;
            }
            let follows = || self.foresight.follows(place, held).iter();
            if !self.is_sought(configuration, place, held, row)
                && !follows().any(|&(place, value)| self.is_sought(configuration, place, value, row))
            {
                configuration.state = self.held.with(configuration.state, [(place, NOBODYS)].into_iter());
            }
        }
    }
}
