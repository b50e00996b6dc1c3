//! A register: read, write, and where the history has it, compare-and-set.
//!
//! Values are numbered from zero, and so are states: the state is the number of the value that the register holds. A compare-and-set
//! that failed says that the register held something else at some instant; it is treated as any failed operation, as if it had not
//! been tried. That can only make a checker more lenient, and keeps a client's honest doubt about *why* it failed from becoming a
//! violation.

use super::words::shown;
use super::{Model, Nature, State, Token};

/// What happened to a register, in numbered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterAction {
    /// The value was observed.
    Read(u32),
    /// The value was written.
    Write(u32),
    /// The first value was there, and was replaced by the second, which differs.
    Cas(u32, u32),
}

impl RegisterAction {
    /// The value that must be there.
    pub fn consumes(self) -> Option<u32> {
        match self {
            Self::Read(value) | Self::Cas(value, _) => Some(value),
            Self::Write(_) => None,
        }
    }

    /// The value that is left behind.
    pub fn produces(self) -> Option<u32> {
        match self {
            Self::Write(value) | Self::Cas(_, value) => Some(value),
            Self::Read(_) => None,
        }
    }
}

/// A register with `values` numbered values, which starts with value zero.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// How many values there are.
    pub values: usize,
}

impl Register {
    /// The number of the value that every register starts with.
    pub const INITIAL: u32 = 0;
}

impl Model for Register {
    type Action = RegisterAction;

    fn initial(&self) -> State {
        Self::INITIAL
    }

    fn step(&mut self, state: State, action: RegisterAction) -> Option<State> {
        match action {
            RegisterAction::Read(value) => (state == value).then_some(state),
            RegisterAction::Write(value) => Some(value),
            RegisterAction::Cas(old, new) => (state == old).then_some(new),
        }
    }

    fn nature(&self, action: RegisterAction) -> Nature {
        match action {
            RegisterAction::Read(_) => Nature::Observation,
            RegisterAction::Write(_) => Nature::Overwrite,
            RegisterAction::Cas(..) => Nature::Update,
        }
    }

    fn tokens(&self) -> usize {
        self.values
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        shown(state, names)
    }

    fn has_offers(&self) -> bool {
        true
    }

    fn offers(&self, state: State) -> Option<Token> {
        Some(state)
    }

    fn consumes(&self, action: RegisterAction) -> Option<Token> {
        action.consumes()
    }

    fn produces(&self, action: RegisterAction) -> Option<Token> {
        action.produces()
    }
}
