//! Models: what an object does when operations happen one at a time.
//!
//! The search knows objects only through [`Model`]. A model hands out small integers for its states and says what lets the search
//! leave out most interleavings without missing any: which actions only observe, which overwrite whatever was there, what an action
//! needs to find (*consumes*) and what it leaves behind (*produces*), and when an operation that may have happened is of use.

mod call;
mod counter;
mod foreign;
pub(crate) mod interner;
mod key_value;
mod lock;
mod mutex;
mod partners;
mod priority_queue;
mod queue;
mod queues;
mod register;
mod set;
pub(crate) mod shelf;
mod stack;
mod unordered_queue;
mod words;

use std::fmt::Debug;

use crate::linearizable::Operation;

pub use call::{Call, Complaint, Decoder};
pub use counter::{Counter, CounterAction, CounterDecoder};
pub use foreign::{Foreign, ForeignAction, ForeignDecoder, ForeignModel};
pub use interner::Interner;
pub use key_value::{ANYTHING, Access, KeyValue, KeyValueDecoder, Transaction};
pub use lock::{Lock, LockAction, LockDecoder, LockKind};
pub use mutex::{Mutex, MutexAction, MutexDecoder};
pub use priority_queue::PriorityQueue;
pub use queue::Queue;
pub use queues::{QueueAction, QueueDecoder};
pub use register::{Register, RegisterAction, RegisterDecoder, RegisterFunctions};
pub use set::{Set, SetAction, SetDecoder};
pub use stack::{Stack, StackAction, StackDecoder};
pub use unordered_queue::UnorderedQueue;
pub use words::shown;

/// A state, numbered by the model that knows it.
pub type State = u32;

/// What one action leaves behind for another to find; numbered densely from zero by the model. For a register: its value.
pub type Token = u32;

/// One of the ways in which a pending operation can be of use; numbered densely from zero by the model.
pub type Aid = u32;

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
/// A model *offers* tokens ([`Model::offers`]) only if every state offers one of them, each another, every action that is no overwrite
/// consumes one, and every action that is no observation produces one. Then an action whose token nobody consumes can be taken out of
/// any legal sequence if it overwrites, or is not required and followed by an overwrite or nothing; the search relies on that.
///
/// Of a model that only has tokens the search relies on less: an action that produces a token which no required action consumes can
/// be taken out of any legal sequence if it is not required, together with actions of unknown result.
pub trait Model {
    /// One thing that can happen to the object, with what was observed.
    type Action: Copy + Eq + Ord + Debug + Send + Sync;

    /// The state before anything happened.
    fn initial(&self) -> State;

    /// The state after `action` happened in `state`, or nothing if it can't happen there with what was observed.
    fn step(&mut self, state: State, action: Self::Action) -> Option<State>;

    /// How `action` treats the state.
    fn nature(&self, action: Self::Action) -> Nature;

    /// How many tokens there are; zero for a model without.
    fn tokens(&self) -> usize {
        0
    }

    /// Whether every state offers a token.
    fn has_offers(&self) -> bool {
        false
    }

    /// The token that `state` offers.
    fn offers(&self, _: State) -> Option<Token> {
        None
    }

    /// The state that offers `token`, of a model whose states offer one.
    fn offering(&self, _: Token) -> State {
        self.initial()
    }

    /// The token that `action` needs to find.
    fn consumes(&self, _: Self::Action) -> Option<Token> {
        None
    }

    /// The token that `action` leaves behind.
    fn produces(&self, _: Self::Action) -> Option<Token> {
        None
    }

    /// How many aids there are. Zero for a model of which nothing is known: its pending operations may be of use at any time.
    ///
    /// A model has aids only if each pending operation in any legal sequence can be put off until just before a required action that
    /// [`wants`](Model::wants) it (with nothing in between but others that it wants), or be left out.
    fn aids(&self) -> usize {
        0
    }

    /// What `action`, pending, can be of use for.
    fn aid(&self, _: Self::Action) -> Aid {
        0
    }

    /// The aids that the required action `goal` wants in `state`, before it goes.
    fn wants(&mut self, _state: State, _goal: Self::Action, _wanted: &mut Vec<Aid>) {}

    /// Whether pending actions differ only in their [`amount`](Model::amount).
    ///
    /// A model has amounts only if its states are sums: an action that changes the state can happen in any, and adds its amount; any other
    /// only finds the one sum from which [`lacks`](Model::lacks) counts.
    fn has_amounts(&self) -> bool {
        false
    }

    /// How much `action` adds; zero for one that only observes.
    fn amount(&self, _: Self::Action) -> i64 {
        0
    }

    /// What must be added to `state` for the observation `goal` to go; nothing if that is beyond all numbers.
    fn lacks(&self, _state: State, _goal: Self::Action) -> Option<i64> {
        None
    }

    /// The state after so much was added.
    fn plus(&mut self, state: State, _amount: i64) -> State {
        state
    }

    /// Whether a state is what each of at most 64 [`places`](Model::places) [`holds`](Model::holds), and an action is its
    /// [`accesses`](Model::accesses): it goes where each finds what it finds, and leaves what it leaves.
    fn has_accesses(&self) -> bool {
        false
    }

    /// What `action` finds and leaves.
    fn accesses(&self, _: Self::Action) -> &[Access] {
        &[]
    }

    /// What `state` holds in `place`.
    fn holds(&self, _state: State, _place: u32) -> u32 {
        0
    }

    /// A state of which nothing is known: each place holds [`ANYTHING`].
    fn unknown(&mut self) -> State {
        self.initial()
    }

    /// A state of which nothing is known, for [`Model::step_loosely`]; nothing for a model that has none.
    fn anything(&mut self) -> Option<State> {
        None
    }

    /// The state after `action`, where a state may stand for many: nothing if it can happen in none of them, otherwise one that stands at
    /// least for all that may come of it.
    fn step_loosely(&mut self, state: State, action: Self::Action) -> Option<State> {
        self.step(state, action)
    }

    /// The object and its operations, of which each that may have happened, but for those called in rows of `whole`, is taken apart into
    /// one for each place that it writes: what is possible is possible with those too. Nothing for a model without accesses.
    fn in_pieces(
        &self,
        _operations: &[Operation<Self::Action>],
        _whole: &[u32],
    ) -> Option<(Self, Vec<Operation<Self::Action>>)>
    where
        Self: Sized,
    {
        None
    }

    /// How many places the object has; zero for a model of which it is not known what commutes.
    ///
    /// Actions that touch different places can change places in any legal sequence, unless one of them is an observation. So a required
    /// action that changes the state can be put off until its return is the first to come, or until it, or something that touches the
    /// same place, [`concerns`](Model::concerns) an observation, or an action whose return is the first to come.
    fn places(&self) -> usize {
        0
    }

    /// The places that `action` touches, which changes the state, or is an observation of a model with accesses.
    fn touches(&self, _action: Self::Action, _places: &mut Vec<u32>) {}

    /// The places where something may have to happen before the required action `goal` goes, which can't go yet in `state` if it is an
    /// observation.
    fn concerns(&mut self, _state: State, _goal: Self::Action, _places: &mut Vec<u32>) {}

    /// By operation, in what order to try those that can go, the smallest first: a guess, which decides how soon an order is found,
    /// never whether there is one. Nothing for a model that has no guess.
    fn ranks(&self, _operations: &[Operation<Self::Action>]) -> Vec<u32> {
        Vec::new()
    }

    /// Whether the model can tell that an action will never go any more.
    fn foresees(&self) -> bool {
        false
    }

    /// Whether the required action `goal` can't go in `state`, nor in any that follows from it.
    fn is_hopeless(&self, _state: State, _goal: Self::Action) -> bool {
        false
    }

    /// Whether the state after some actions, all of known result, is the same whatever order they went in.
    fn commutes(&self) -> bool {
        false
    }

    /// What `action` is about, and nothing else; nothing for an action that is about none, or about several.
    ///
    /// Leaving out every action about one subject, and making the model [`forget`](Model::forget) it, never makes a legal sequence
    /// illegal.
    fn subject(&self, _: Self::Action) -> Option<u32> {
        None
    }

    /// Disregard a subject wherever actions that are about several mention it.
    fn forget(&mut self, _subject: u32) {}

    /// A state in words, given what the numbers in actions stand for.
    fn describe(&self, state: State, names: &[Option<i64>]) -> String;

    /// Bytes held for states.
    fn bytes(&self) -> u64 {
        0
    }
}
