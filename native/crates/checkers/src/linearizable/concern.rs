//! What can be put off: operations that touch no place where something has to happen now.
//!
//! Two operations that touch different places of an object (elements of a set, keys of a store, the two ends of a queue) can go in either
//! order, and trying both is what makes a search exponential in the number of clients. So an operation that changes the state is put
//! off until it matters: until its return is the first to come, or it touches a place that concerns an observation that was called, or
//! the operation whose return is the first to come; or until it touches the same place as another that matters. In any way to finish,
//! everything else can be moved behind what matters. Where it is known what observations find of each place, those wait in the same way. This is partial-order reduction (Godefroid, 1996) by persistent sets.

use super::Operation;
use super::classes::Class;
use crate::models::{Model, Nature};

/// The places of an object that are of concern.
pub struct Concern {
    /// By place: the place that stands for all that pending operations connect with it.
    group: Vec<u32>,
    /// By place that stands for others: whether it is of concern.
    is_concerned: Vec<bool>,
    concerned: Vec<u32>,
    places: Vec<u32>,
}

impl Concern {
    /// No place is of concern. What may have happened connects places.
    pub fn new<M: Model>(model: &M, classes: &[Class<M::Action>]) -> Self {
        let mut group: Vec<u32> = (0..model.places() as u32).collect();
        let mut places = Vec::new();
        let classes = if group.is_empty() { &[] } else { classes };
        for class in classes {
            places.clear();
            model.touches(class.action, &mut places);
            for pair in places.windows(2) {
                let [one, other] = [pair[0], pair[1]].map(|place| group[place as usize]);
                group.iter_mut().filter(|group| **group == other).for_each(|group| *group = one);
            }
        }
        let is_concerned = vec![false; group.len()];
        Concern { group, is_concerned, concerned: Vec::new(), places }
    }

    /// Whether anything is known of places.
    pub fn is_of_use(&self) -> bool {
        !self.group.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (5 * self.group.len()) as u64
    }

    /// Find the places of concern in the state of `model`, where the required operations `enabled` were called and `front` is the first
    /// return to come. Gives how many operations were looked at.
    pub fn find<'a, M: Model>(
        &mut self,
        model: &mut M,
        state: u32,
        enabled: impl Iterator<Item = &'a Operation<M::Action>> + Clone,
        front: u32,
    ) -> u64
    where
        M::Action: 'a,
    {
        for place in self.concerned.drain(..) {
            self.is_concerned[place as usize] = false;
        }
        let mut looked_at = 0;
        let is_seen = |model: &M, action| model.nature(action) == Nature::Observation;
        for operation in enabled.clone() {
            // What only finds some places can wait as everything else can, until one of them matters.
            if operation.completion == front || (is_seen(model, operation.action) && !model.has_accesses()) {
                self.places.clear();
                model.concerns(state, operation.action, &mut self.places);
                self.add_places();
            }
            looked_at += 1;
        }
        // What touches one place that matters and others makes those matter as well.
        let mut before = usize::MAX;
        while before != self.concerned.len() {
            before = self.concerned.len();
            for operation in enabled.clone() {
                if self.touches(model, operation.action) && self.places.len() > 1 {
                    if model.has_accesses() && is_seen(model, operation.action) {
                        self.places.clear();
                        model.concerns(state, operation.action, &mut self.places);
                    }
                    self.add_places();
                }
                looked_at += 1;
            }
        }
        looked_at
    }

    /// Whether a required operation can be put off.
    pub fn can_wait<M: Model>(&mut self, model: &M, operation: &Operation<M::Action>, front: u32) -> bool {
        self.is_of_use()
            && operation.completion != front
            && model.nature(operation.action) != Nature::Observation
            && !self.touches(model, operation.action)
    }

    /// Whether `action` touches a place of concern, or no place in particular.
    pub fn touches<M: Model>(&mut self, model: &M, action: M::Action) -> bool {
        self.places.clear();
        model.touches(action, &mut self.places);
        let is_concerned = |place: &u32| self.is_concerned[self.group[*place as usize] as usize];
        self.places.is_empty() || self.places.iter().any(is_concerned)
    }

    fn add_places(&mut self) {
        for place in self.places.drain(..) {
            let group = self.group[place as usize];
            if !std::mem::replace(&mut self.is_concerned[group as usize], true) {
                self.concerned.push(group);
            }
        }
    }
}
