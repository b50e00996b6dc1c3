//! A model that somebody else wrote, in another language: it says how it steps, and nothing more need be known.
//!
//! States and actions are numbered by whoever wrote it. Each step is asked for once and remembered, for all threads and all objects: to
//! ask may be a thousand times as slow as to remember.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::call::{Call, Complaint, Decoder};
use super::{Model, Nature, State};
use crate::linearizable::{Object, Operation, Part};

/// What happened, numbered.
pub type ForeignAction = u32;

/// A model that somebody else wrote. The initial state is number zero.
pub trait Foreign: Debug + Send + Sync {
    /// The state after `action` happened in `state`, or nothing if it can't happen there.
    fn step(&self, state: State, action: ForeignAction) -> Option<State>;

    /// Whether `action` never changes the state.
    fn only_observes(&self, action: ForeignAction) -> bool;

    /// A state in words.
    fn describe(&self, state: State) -> String;

    /// What `call` did.
    fn action(&self, call: &Call) -> ForeignAction;

    /// Which of the independent parts of the object `call` is about.
    fn partition(&self, call: &Call) -> Option<i64>;
}

/// A step that was asked for: from where, what, and to where it leads, if anywhere.
type Steps = FxHashMap<(State, ForeignAction), Option<State>>;

/// A model that somebody else wrote, with what it said so far.
#[derive(Clone, Debug)]
pub struct ForeignModel {
    foreign: Arc<dyn Foreign>,
    steps: Arc<Mutex<Steps>>,
}

impl ForeignModel {
    /// The model `foreign`, of which nothing was asked yet.
    pub fn new(foreign: Arc<dyn Foreign>) -> Self {
        ForeignModel { foreign, steps: Arc::default() }
    }
}

impl Model for ForeignModel {
    type Action = ForeignAction;

    fn initial(&self) -> State {
        0
    }

    fn step(&mut self, state: State, action: ForeignAction) -> Option<State> {
        // What a panic elsewhere left is whole: entries are inserted in one go.
        let known = self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&(state, action)).copied();
        known.unwrap_or_else(|| {
            let after = self.foreign.step(state, action);
            self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert((state, action), after);
            after
        })
    }

    fn nature(&self, action: ForeignAction) -> Nature {
        if self.foreign.only_observes(action) { Nature::Observation } else { Nature::Update }
    }

    fn describe(&self, state: State, _: &[Option<i64>]) -> String {
        self.foreign.describe(state)
    }

    fn bytes(&self) -> u64 {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner).capacity();
        (steps * (size_of::<((State, ForeignAction), Option<State>)>() + 1)) as u64
    }
}

/// Reads the operations of an object that somebody else describes.
#[derive(Debug)]
pub struct ForeignDecoder {
    model: ForeignModel,
    functions: Vec<String>,
}

impl ForeignDecoder {
    /// Reads the operations of an object of this model, which takes all `functions` that a history has.
    pub fn new(model: ForeignModel, functions: &[&str]) -> Self {
        ForeignDecoder { model, functions: functions.iter().map(|&function| function.to_owned()).collect() }
    }
}

impl Decoder for ForeignDecoder {
    type Model = ForeignModel;

    fn functions(&self) -> Vec<&str> {
        self.functions.iter().map(String::as_str).collect()
    }

    fn decode(&mut self, call: &Call) -> Result<Option<ForeignAction>, Complaint> {
        let action = self.model.foreign.action(call);
        Ok((call.is_ok() || !self.model.foreign.only_observes(action)).then_some(action))
    }

    fn observes(&self, _: ForeignAction) -> bool {
        true
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<ForeignAction>>) -> Vec<Box<dyn Part>> {
        vec![Object::whole(key, self.model, Vec::new(), operations)]
    }
}
