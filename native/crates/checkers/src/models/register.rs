//! A register: read, write, and where the history has it, compare-and-set.
//!
//! Values are numbered from zero, and so are states: the state is the number of the value that the register holds. A compare-and-set
//! that failed says that the register held something else at some instant; it is treated as any failed operation, as if it had not
//! been tried. That can only make a checker more lenient, and keeps a client's honest doubt about *why* it failed from becoming a
//! violation.

use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use super::words::shown;
use super::{Model, Nature, State, Token};
use crate::events::NIL;
use crate::linearizable::{Object, Operation, Part};

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

    /// Whatever happens to it, its value is known afterwards.
    fn anything(&mut self) -> Option<State> {
        Some(self.values as State)
    }

    fn step_loosely(&mut self, state: State, action: RegisterAction) -> Option<State> {
        match self.anything() == Some(state) {
            true => action.produces().or(action.consumes()),
            false => self.step(state, action),
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
        if state as usize == self.values { "anything".to_owned() } else { shown(state, names) }
    }

    fn has_offers(&self) -> bool {
        true
    }

    fn offers(&self, state: State) -> Option<Token> {
        Some(state)
    }

    fn offering(&self, token: Token) -> State {
        token
    }

    fn consumes(&self, action: RegisterAction) -> Option<Token> {
        action.consumes()
    }

    fn produces(&self, action: RegisterAction) -> Option<Token> {
        action.produces()
    }
}

/// What the functions of a register are called.
#[derive(Clone, Debug)]
pub struct RegisterFunctions {
    /// Observes the value.
    pub read: String,
    /// Replaces the value.
    pub write: String,
    /// Replaces the value if it is another; nothing for a register without compare-and-set.
    pub cas: Option<String>,
}

/// Reads the operations of a register.
#[derive(Debug)]
pub struct RegisterDecoder<'a> {
    functions: &'a RegisterFunctions,
    values: Interner<Option<i64>>,
}

impl<'a> RegisterDecoder<'a> {
    /// Reads the operations of a register that starts with `initial`.
    pub fn new(functions: &'a RegisterFunctions, initial: Option<i64>) -> Self {
        let mut values = Interner::default();
        values.number(initial);
        RegisterDecoder { functions, values }
    }
}

/// The value that a register holds, which may be nil, as in a compare-and-set of what was never written.
fn held(value: i64) -> Option<i64> {
    (value != NIL).then_some(value)
}

impl Decoder for RegisterDecoder<'_> {
    type Model = Register;

    fn functions(&self) -> Vec<&str> {
        let RegisterFunctions { read, write, cas } = self.functions;
        [read, write].into_iter().chain(cas).map(String::as_str).collect()
    }

    fn decode(&mut self, call: &Call) -> Result<Option<RegisterAction>, Complaint> {
        if call.function == self.functions.read {
            let value = call.observed()?.and_then(held);
            return Ok(call.is_ok().then(|| RegisterAction::Read(self.values.number(value))));
        }
        if call.function == self.functions.write {
            let [value] = call.asked("a write needs one value")?;
            return Ok(Some(RegisterAction::Write(self.values.number(held(value)))));
        }
        let [old, new] = call.asked("a compare-and-set needs two values, the expected and the new")?;
        let [old, new] = [old, new].map(|value| self.values.number(held(value)));
        // A compare-and-set that changes nothing is a read.
        Ok(match old == new {
            true => call.is_ok().then_some(RegisterAction::Read(old)),
            false => Some(RegisterAction::Cas(old, new)),
        })
    }

    fn observes(&self, action: RegisterAction) -> bool {
        action.consumes().is_some()
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<RegisterAction>>) -> Vec<Box<dyn Part>> {
        let names = self.values.things().to_vec();
        vec![Object::whole(key, Register { values: names.len() }, names, operations)]
    }
}
