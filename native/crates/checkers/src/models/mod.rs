//! Models: what an object does when operations happen one at a time.
//!
//! The search knows objects only through [`Model`]. A model hands out small integers for its states and says three things that let
//! the search leave out most interleavings without missing any: which actions only observe, which overwrite whatever was there, and
//! what an action needs to find (*consumes*) and what it leaves behind (*produces*).

mod register;

use std::fmt::Debug;

pub use register::{Register, RegisterAction};

/// A state, numbered by the model that knows it.
pub type State = u32;

/// What one action leaves behind for another to find; numbered densely from zero by the model. For a register: its value.
pub type Token = u32;

/// How an action treats the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It never changes the state, so it may go as soon as it can.
    Observation,
    /// It can happen in any state, and what it leaves does not depend on what it found.
    Overwrite,
    /// Anything else.
    Update,
}

/// A sequential object.
///
/// A model has tokens (`tokens() > 0`) only if every state offers exactly one of them, every action that is no overwrite consumes
/// one, and every action that is no observation produces one. Then an action whose token nobody consumes can be taken out of any
/// legal sequence if it overwrites, or is not required and followed by an overwrite or nothing; the search relies on that. A model for
/// which this does not hold returns zero, and is searched with the rules that hold for every object.
pub trait Model {
    /// One thing that can happen to the object, with what was observed.
    type Action: Copy + Eq + Ord + Debug;

    /// The state before anything happened.
    fn initial(&self) -> State;

    /// The state after `action` happened in `state`, or nothing if it can't happen there with what was observed.
    fn step(&mut self, state: State, action: Self::Action) -> Option<State>;

    /// How `action` treats the state.
    fn nature(&self, action: Self::Action) -> Nature;

    /// How many tokens there are; zero for a model without.
    fn tokens(&self) -> usize;

    /// The token that `state` offers.
    fn offers(&self, state: State) -> Option<Token>;

    /// The token that `action` needs to find.
    fn consumes(&self, action: Self::Action) -> Option<Token>;

    /// The token that `action` leaves behind.
    fn produces(&self, action: Self::Action) -> Option<Token>;
}
