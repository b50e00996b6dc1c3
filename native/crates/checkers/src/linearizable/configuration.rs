//! One configuration of a search: which operations are linearized, and the state that they led to.
//!
//! It changes by one operation at a time, forth and back, in constant time, and keeps what the rules of [`super::search`] ask for: what
//! is enabled, who will still consume or produce each token, and a signature for the memory.

use super::Operation;
use super::classes::Classes;
use super::memo::{Word, word};
use super::timeline::Timeline;
use crate::models::{Model, Nature, State};

/// A candidate is the position of a required operation; or, counted on from there, a class; or this, for every overwrite that nobody
/// needs (rule 4).
pub const SPENT_OVERWRITES: u32 = u32::MAX;

/// An operation that was linearized, and how to take it back.
struct Applied {
    candidate: u32,
    state: State,
    since: u32,
}

const NOTHING: u32 = u32::MAX;

/// See the module.
pub struct Configuration<'a, M: Model> {
    /// The object.
    pub model: M,
    /// Every operation, sorted by invocation.
    pub operations: &'a [Operation<M::Action>],
    /// Those that must be linearized, as indices.
    pub required: Vec<u32>,
    /// Those of them that are not linearized yet.
    pub timeline: Timeline,
    /// Those that may have happened.
    pub classes: Classes<M::Action>,
    /// By operation: in what order to try those that can go; empty for a model without a guess.
    pub ranks: Vec<u32>,
    /// By token: required consumers still to come.
    pub consumers: Vec<u32>,
    /// By token: producers still to come.
    pub producers: Vec<u32>,
    /// The state.
    pub state: State,
    /// Operations linearized, those taken back included.
    pub steps: u64,
    since: u32,
    /// Bytes held from the start to the end.
    fixed_bytes: u64,
    signature: u128,
    trail: Vec<Applied>,
}

impl<'a, M: Model> Configuration<'a, M> {
    /// Nothing is linearized.
    pub fn new(model: M, operations: &'a [Operation<M::Action>]) -> Self {
        let tokens = model.tokens();
        let (mut consumers, mut producers, mut last) = (vec![0; tokens], vec![0; tokens], vec![0_u32; tokens]);
        let required: Vec<u32> =
            (0..operations.len() as u32).filter(|&i| !operations[i as usize].is_pending()).collect();
        for &index in &required {
            let Operation { action, completion, .. } = operations[index as usize];
            if let Some(token) = model.consumes(action) {
                consumers[token as usize] += 1;
                last[token as usize] = last[token as usize].max(completion);
            }
            if let Some(token) = model.produces(action) {
                producers[token as usize] += 1;
            }
        }
        let classes = Classes::new(&model, operations, &last);
        for class in &classes.classes {
            if let Some(token) = model.produces(class.action) {
                producers[token as usize] += class.members.len() as u32;
            }
        }
        let intervals =
            required.iter().map(|&i| (operations[i as usize].invocation, operations[i as usize].completion));
        let timeline = Timeline::new(intervals);
        let ranks = model.ranks(operations);
        let counts = 4 * (consumers.len() + producers.len() + required.len() + ranks.len());
        Configuration {
            fixed_bytes: timeline.bytes() + classes.bytes() + counts as u64,
            timeline,
            state: model.initial(),
            model,
            operations,
            required,
            ranks,
            classes,
            consumers,
            producers,
            steps: 0,
            since: NOTHING,
            signature: 0,
            trail: Vec::new(),
        }
    }

    /// The required operation in this position.
    pub fn operation(&self, position: usize) -> &'a Operation<M::Action> {
        &self.operations[self.required[position] as usize]
    }

    /// The operation that brought about the state, as an index; nothing for the initial state.
    pub fn since(&self) -> Option<usize> {
        (self.since != NOTHING).then_some(self.since as usize)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.fixed_bytes + self.model.bytes() + (self.trail.capacity() * size_of::<Applied>()) as u64
    }

    /// How many operations can be taken back.
    pub fn depth(&self) -> usize {
        self.trail.len()
    }

    /// Make what is linearized now final.
    pub fn commit(&mut self) {
        self.trail.clear();
    }

    /// Take back operations until only this many are left to take back.
    pub fn back_to(&mut self, depth: usize) {
        while self.trail.len() > depth {
            self.undo();
        }
    }

    /// Rule 1: take every enabled observation that agrees with the state.
    pub fn observe(&mut self) {
        loop {
            let mut progress = false;
            let mut node = self.timeline.first();
            while let Some(position) = self.timeline.called_at(node) {
                node = self.timeline.after(node);
                let index = self.required[position];
                let action = self.operations[index as usize].action;
                if self.model.nature(action) == Nature::Observation && self.model.step(self.state, action).is_some() {
                    self.apply_required(position);
                    progress = true;
                }
            }
            if !progress {
                return;
            }
        }
    }

    /// The signature, the same for configurations from which the same can follow (rule 5).
    pub fn signature(&self) -> u128 {
        let state = match self.model.offers(self.state) {
            Some(token) if self.is_spent(token) => Word::Spent,
            _ => Word::State(self.state),
        };
        self.signature ^ word(state)
    }

    /// Whether nobody will consume the token any more.
    pub fn is_spent(&self, token: u32) -> bool {
        self.consumers[token as usize] == 0 && !self.classes.consume(token)
    }

    /// Whether it overwrites, and nobody will consume what it produces.
    pub fn is_spent_overwrite(&self, position: usize) -> bool {
        let action = self.operations[self.required[position] as usize].action;
        self.model.nature(action) == Nature::Overwrite
            && self.model.produces(action).is_some_and(|token| self.is_spent(token))
    }

    /// Linearize a candidate, and before an overwrite those that nobody needs.
    pub fn apply(&mut self, candidate: u32) {
        if candidate == SPENT_OVERWRITES {
            self.apply_spent_overwrites(None);
            return;
        }
        let position = candidate as usize;
        let Some(class) = position.checked_sub(self.required.len()) else {
            let action = self.operations[self.required[position] as usize].action;
            if self.model.nature(action) == Nature::Overwrite {
                self.apply_spent_overwrites(Some(position));
            }
            self.apply_required(position);
            return;
        };
        if self.model.nature(self.classes.classes[class].action) == Nature::Overwrite {
            self.apply_spent_overwrites(None);
        }
        self.apply_class(class);
    }

    /// Rule 4.
    fn apply_spent_overwrites(&mut self, except: Option<usize>) {
        let mut node = self.timeline.first();
        while let Some(position) = self.timeline.called_at(node) {
            node = self.timeline.after(node);
            if Some(position) != except && self.is_spent_overwrite(position) {
                self.apply_required(position);
            }
        }
    }

    fn apply_required(&mut self, position: usize) {
        let operation = self.required[position];
        let action = self.operations[operation as usize].action;
        self.change_state(position as u32, operation, action);
        self.timeline.remove(position);
        self.signature ^= word(Word::Operation(position));
        if let Some(token) = self.model.consumes(action) {
            self.consumers[token as usize] -= 1;
        }
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] -= 1;
        }
    }

    fn apply_class(&mut self, index: usize) {
        let class = &mut self.classes.classes[index];
        let (action, operation) = (class.action, class.members[class.used as usize]);
        self.signature ^= word(Word::Use(index, class.used));
        class.used += 1;
        self.change_state((self.required.len() + index) as u32, operation, action);
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] -= 1;
        }
    }

    fn change_state(&mut self, candidate: u32, operation: u32, action: M::Action) {
        self.trail.push(Applied { candidate, state: self.state, since: self.since });
        self.steps += 1;
        let after = self.model.step(self.state, action);
        debug_assert!(after.is_some(), "only operations that can go are applied");
        if self.model.nature(action) != Nature::Observation {
            self.state = after.unwrap_or(self.state);
            self.since = operation;
        }
    }

    /// Take back the operation that was linearized last.
    fn undo(&mut self) {
        let Some(Applied { candidate, state, since }) = self.trail.pop() else { return };
        (self.state, self.since) = (state, since);
        let position = candidate as usize;
        let action = match position.checked_sub(self.required.len()) {
            None => {
                self.timeline.restore(position);
                self.signature ^= word(Word::Operation(position));
                let action = self.operations[self.required[position] as usize].action;
                if let Some(token) = self.model.consumes(action) {
                    self.consumers[token as usize] += 1;
                }
                action
            }
            Some(index) => {
                let class = &mut self.classes.classes[index];
                class.used -= 1;
                self.signature ^= word(Word::Use(index, class.used));
                class.action
            }
        };
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] += 1;
        }
    }
}
