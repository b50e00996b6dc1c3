//! A mutex as Knossos has it: whoever acquires it finds it free, whoever releases it finds it held, by anybody.
//!
//! For locks that know who holds them see [`super::lock`].

use super::call::{Call, Complaint, Decoder};
use super::{Aid, Model, Nature, State};
use crate::linearizable::{Object, Operation, Part};

/// What happened to a mutex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MutexAction {
    /// It was free, and is held.
    Acquire,
    /// It was held, and is free.
    Release,
}

/// A mutex that starts free.
#[derive(Clone, Copy, Debug)]
pub struct Mutex;

const FREE: State = 0;
const HELD: State = 1;

impl Model for Mutex {
    type Action = MutexAction;

    fn initial(&self) -> State {
        FREE
    }

    fn step(&mut self, state: State, action: MutexAction) -> Option<State> {
        match action {
            MutexAction::Acquire => (state == FREE).then_some(HELD),
            MutexAction::Release => (state == HELD).then_some(FREE),
        }
    }

    fn nature(&self, _: MutexAction) -> Nature {
        Nature::Update
    }

    /// What follows an unknown acquire is a release, and what follows an unknown release an acquire: if that is unknown as well, both
    /// can be left out.
    fn aids(&self) -> usize {
        2
    }

    fn aid(&self, action: MutexAction) -> Aid {
        Aid::from(action == MutexAction::Release)
    }

    fn wants(&mut self, state: State, goal: MutexAction, wanted: &mut Vec<Aid>) {
        match (state, goal) {
            (FREE, MutexAction::Release) => wanted.push(self.aid(MutexAction::Acquire)),
            (HELD, MutexAction::Acquire) => wanted.push(self.aid(MutexAction::Release)),
            _ => {}
        }
    }

    fn commutes(&self) -> bool {
        true
    }

    fn describe(&self, state: State, _: &[Option<i64>]) -> String {
        if state == FREE { "free" } else { "held" }.to_owned()
    }
}

/// Reads the operations of a mutex.
#[derive(Debug)]
pub struct MutexDecoder;

impl Decoder for MutexDecoder {
    type Model = Mutex;

    fn functions(&self) -> Vec<&str> {
        vec!["acquire", "release"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<MutexAction>, Complaint> {
        Ok(Some(if call.function == "acquire" { MutexAction::Acquire } else { MutexAction::Release }))
    }

    fn observes(&self, _: MutexAction) -> bool {
        true
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<MutexAction>>) -> Vec<Box<dyn Part>> {
        vec![Object::whole(key, Mutex, Vec::new(), operations)]
    }
}
