//! What may go next in a configuration: required operations that can't be put off, and what may have happened and is of use.

use super::passing::{Next, Passing, Return};
use super::window::{Configuration, SLOTS, Slots, each};
use crate::linearizable::Operation;
use crate::models::{Model, Nature, Token};

impl<M: Model> Passing<M> {
    /// Linearize, on from `configuration`, whatever may go next.
    pub(super) fn go_on(&mut self, configuration: Configuration, next: Next, goal: &Return) {
        if next == Next::Pending && self.has_amounts() {
            return self.make_up(&configuration, goal);
        }
        if next != Next::Required && self.model.has_accesses() {
            let slots = if next == Next::Owed { self.window.orphans } else { !self.window.orphans };
            return self.serve(&configuration, slots, next, goal);
        }
        self.candidates.clear();
        match next {
            Next::Owed => {}
            Next::Required => self.find_required(&configuration, goal),
            Next::Pending if self.model.has_offers() => self.find_chains(&configuration, goal),
            Next::Pending => self.find_classes(&configuration, goal),
        }
        let candidates = std::mem::take(&mut self.candidates);
        for &candidate in &candidates {
            let mut after = configuration;
            let action = match (candidate as usize).checked_sub(SLOTS) {
                None => {
                    after.done |= 1 << candidate;
                    after.free &= !(1 << candidate);
                    self.window.action(candidate as usize)
                }
                Some(class) => {
                    self.spending.spend(&mut after, class as u32, goal.row);
                    Some(self.classes.classes[class].action)
                }
            };
            self.steps += 1;
            let Some((action, state)) = action.and_then(|action| Some((action, self.step(after.state, action)?)))
            else {
                continue;
            };
            if self.model.nature(action) == Nature::Overwrite {
                after.free |= self.window.overwrites & !after.done;
            }
            self.regret(&mut after, action, goal.row);
            after.state = state;
            self.touch(&mut after, action, goal.row);
            if state != configuration.state {
                self.observe(&mut after, Slots::MAX, goal.row);
            }
            self.arrive(after, goal, configuration.free & goal.bit == 0);
        }
        self.candidates = candidates;
    }

    /// Make up what observations lack by operations that may have happened, whose uses count only where they are limited.
    fn make_up(&mut self, configuration: &Configuration, goal: &Return) {
        let observations = self.window.observations & !configuration.done;
        let goals = self.window.among(observations).map(|(_, operation)| operation.action);
        let mut differences: Vec<i64> = goals.filter_map(|goal| self.model.lacks(configuration.state, goal)).collect();
        differences.sort_unstable();
        differences.dedup();
        let left = if self.spending.is_limited() { self.spending.left(configuration) } else { Vec::new() };
        for difference in differences {
            let mut after = *configuration;
            let Some(amounts) = self.amounts.as_mut() else { return };
            if self.spending.is_limited() {
                let (few, looked_at) = amounts.few(difference, &left);
                self.considered += looked_at;
                let Some(few) = few else { continue };
                few.into_iter().for_each(|class| self.spending.spend(&mut after, class, goal.row));
            } else if !amounts.may_make_up(difference, self.spending.called()) {
                continue;
            }
            self.steps += 1;
            after.state = self.model.plus(configuration.state, difference);
            self.observe(&mut after, Slots::MAX, goal.row);
            self.arrive(after, goal, configuration.free & goal.bit == 0);
        }
    }

    /// Find the slots that may go next.
    fn find_required(&mut self, configuration: &Configuration, goal: &Return) {
        if self.model.has_accesses() {
            for slot in each(self.needed(configuration, self.served(Next::Required, goal), goal)) {
                if self.lacks_of.lacking[slot] == 0 && !self.goes_later(configuration, slot) {
                    self.candidates.push(slot as u32);
                }
            }
            return;
        }
        for slot in each(self.due(configuration, goal)) {
            let action = self.window.action(slot);
            if action.is_some_and(|action| self.model.step(configuration.state, action).is_some()) {
                self.candidates.push(slot as u32);
            }
        }
    }

    /// The slots that change the state, and can't be put off.
    fn due(&mut self, configuration: &Configuration, goal: &Return) -> Slots {
        let undone = self.window.open & !configuration.done;
        let offered = self.model.offers(configuration.state);
        self.want_consumed(configuration);
        if self.concern.is_of_use() {
            let enabled = self.window.among(undone).map(|(_, operation)| operation);
            self.considered += self.concern.find(&mut self.model, configuration.state, enabled, goal.row);
        }
        let mut due = 0;
        for (slot, operation) in self.window.among(undone & !self.window.observations) {
            let is_overwrite = self.window.overwrites & (1 << slot) != 0;
            let can_wait = if self.model.has_offers() && is_overwrite {
                let produced = self.model.produces(operation.action);
                let is_of_use = |token: Token| self.is_wanted[token as usize];
                !produced.is_some_and(is_of_use) || (produced == offered && !self.hides(configuration, Some(slot)))
            } else {
                self.concern.can_wait(&self.model, operation, goal.row)
            };
            due |= Slots::from(slot == goal.slot || !(can_wait || self.goes_later(configuration, slot))) << slot;
        }
        self.want_nothing();
        due
    }

    /// Whether another open operation does the same and returns first. That goes first: the others could take its place and it theirs.
    fn goes_later(&self, configuration: &Configuration, slot: usize) -> bool {
        let others = self.window.open & !configuration.done & !self.window.overwrites;
        let Some((_, own)) = self.window.among(1 << slot).next() else { return false };
        let is_earlier =
            |(_, other): (_, &Operation<_>)| other.action == own.action && other.completion < own.completion;
        self.window.among(others).any(is_earlier)
    }

    /// Whether an overwrite that leaves the state as it is makes another free.
    fn hides(&self, configuration: &Configuration, slot: Option<usize>) -> bool {
        let other = slot.map_or(Slots::MAX, |slot| !(1 << slot));
        self.window.overwrites & !configuration.done & !configuration.free & other != 0
    }

    /// Want the tokens that something enabled consumes.
    fn want_consumed(&mut self, configuration: &Configuration) {
        if !self.model.has_offers() {
            return;
        }
        for (_, operation) in self.window.among(!configuration.done & !self.window.overwrites) {
            let consumed = self.model.consumes(operation.action);
            if let Some(token) = consumed.filter(|&token| !self.is_wanted[token as usize]) {
                self.is_wanted[token as usize] = true;
                self.wanted.push(token);
            }
        }
    }

    fn want_nothing(&mut self) {
        for token in self.wanted.drain(..) {
            self.is_wanted[token as usize] = false;
        }
    }

    /// Find the classes that produce what is wanted, or turn what is there into it by some chain; and the slots that such a chain can
    /// begin with, unless they are of use by themselves.
    fn find_chains(&mut self, configuration: &Configuration, goal: &Return) {
        let offered = self.model.offers(configuration.state);
        self.want_consumed(configuration);
        let consumed = self.wanted.len();
        let is_of_use_again = self.hides(configuration, None);
        let mut next = 0;
        while let Some(&token) = self.wanted.get(next) {
            next += 1;
            if Some(token) == offered && !is_of_use_again {
                continue;
            }
            for &class in self.classes.producing(token) {
                let source = self.model.consumes(self.classes.classes[class as usize].action);
                let starts = source.is_none() || source == offered;
                let goes_on = source
                    .filter(|&source| !self.is_wanted[source as usize] && (Some(source) != offered || is_of_use_again));
                if !starts && goes_on.is_none() {
                    continue;
                }
                if !self.spending.has(configuration, class, goal.row) {
                    self.missed.insert(class);
                    continue;
                }
                if starts {
                    self.candidates.push(class + SLOTS as u32);
                }
                if let Some(source) = goes_on {
                    self.is_wanted[source as usize] = true;
                    self.wanted.push(source);
                }
            }
        }
        for (slot, operation) in self.window.among(self.window.overwrites & !configuration.done) {
            let produced = self.model.produces(operation.action).filter(|_| slot != goal.slot);
            let through_a_chain = &self.wanted[consumed..];
            if produced.is_some_and(|token| through_a_chain.contains(&token))
                && (produced != offered || self.hides(configuration, Some(slot)))
            {
                self.candidates.push(slot as u32);
            }
        }
        self.want_nothing();
    }

    /// Find the classes that may go next, counted on from [`SLOTS`].
    fn find_classes(&mut self, configuration: &Configuration, goal: &Return) {
        if self.model.aids() > 0 {
            let undone = self.window.open & !configuration.done;
            self.actions.clear();
            self.actions.extend(self.window.among(undone).map(|(_, operation)| operation.action));
            let goals = self.actions.iter().copied();
            self.classes.useful(&mut self.model, configuration.state, goals, &mut self.candidates);
        } else {
            self.candidates.extend(0..self.classes.classes.len() as u32);
        }
        self.considered += self.candidates.len() as u64;
        let Passing { candidates, classes, spending, model, .. } = self;
        candidates.retain_mut(|candidate| {
            let class = std::mem::replace(candidate, *candidate + SLOTS as u32);
            let action = classes.classes[class as usize].action;
            spending.has(configuration, class, goal.row) && model.step(configuration.state, action).is_some()
        });
    }
}
