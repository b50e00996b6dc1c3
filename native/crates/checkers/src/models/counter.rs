//! A counter: add, increment and decrement, which tell nothing, and read, which tells the sum.

use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use super::{Aid, Model, Nature, State};
use crate::events::is_number;
use crate::linearizable::{Object, Operation, Part};

/// What happened to a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CounterAction {
    /// This much was added; it may be negative.
    Add(i64),
    /// This was the sum.
    Read(i64),
}

/// A counter. A state is a sum.
#[derive(Clone, Debug)]
pub struct Counter {
    only_grows: bool,
    sums: Interner<i64>,
}

impl Counter {
    /// A counter that starts with `initial`. One that `only_grows` is never decremented.
    pub fn new(initial: i64, only_grows: bool) -> Self {
        let mut sums = Interner::default();
        sums.number(initial);
        Counter { only_grows, sums }
    }

    /// What it starts with.
    pub fn start(&self) -> i64 {
        *self.sums.thing(self.initial())
    }
}

/// A sum of which nothing is known.
const ANYTHING: State = State::MAX;

impl Model for Counter {
    type Action = CounterAction;

    fn initial(&self) -> State {
        0
    }

    fn step(&mut self, state: State, action: CounterAction) -> Option<State> {
        let sum = *self.sums.thing(state);
        match action {
            CounterAction::Add(amount) => Some(self.sums.number(sum.wrapping_add(amount))),
            CounterAction::Read(read) => (read == sum).then_some(state),
        }
    }

    fn anything(&mut self) -> Option<State> {
        Some(ANYTHING)
    }

    fn step_loosely(&mut self, state: State, action: CounterAction) -> Option<State> {
        match (state, action) {
            (ANYTHING, CounterAction::Add(_)) => Some(ANYTHING),
            (ANYTHING, CounterAction::Read(read)) => Some(self.sums.number(read)),
            _ => self.step(state, action),
        }
    }

    fn nature(&self, action: CounterAction) -> Nature {
        if matches!(action, CounterAction::Read(_)) { Nature::Observation } else { Nature::Update }
    }

    /// Additions change places freely, so an unknown one can be put off until just before a read of another sum.
    fn aids(&self) -> usize {
        1
    }

    fn wants(&mut self, state: State, goal: CounterAction, wanted: &mut Vec<Aid>) {
        if matches!(goal, CounterAction::Read(read) if read != *self.sums.thing(state)) {
            wanted.push(0);
        }
    }

    /// Additions of what is not very large: then no sum overflows.
    fn has_amounts(&self) -> bool {
        self.sums.thing(self.initial()).unsigned_abs() < 1 << 61
    }

    fn amount(&self, action: CounterAction) -> i64 {
        match action {
            CounterAction::Add(amount) => amount,
            CounterAction::Read(_) => 0,
        }
    }

    fn lacks(&self, state: State, goal: CounterAction) -> Option<i64> {
        match goal {
            CounterAction::Read(read) => read.checked_sub(*self.sums.thing(state)),
            CounterAction::Add(_) => None,
        }
    }

    fn plus(&mut self, state: State, amount: i64) -> State {
        let sum = self.sums.thing(state).wrapping_add(amount);
        self.sums.number(sum)
    }

    fn places(&self) -> usize {
        1
    }

    fn touches(&self, _: CounterAction, places: &mut Vec<u32>) {
        places.push(0);
    }

    /// Additions don't mind each other.
    fn concerns(&mut self, _: State, goal: CounterAction, places: &mut Vec<u32>) {
        if matches!(goal, CounterAction::Read(_)) {
            places.push(0);
        }
    }

    fn foresees(&self) -> bool {
        self.only_grows
    }

    fn is_hopeless(&self, state: State, goal: CounterAction) -> bool {
        self.only_grows && matches!(goal, CounterAction::Read(read) if read < *self.sums.thing(state))
    }

    fn commutes(&self) -> bool {
        true
    }

    fn describe(&self, state: State, _: &[Option<i64>]) -> String {
        if state == ANYTHING { "at anything".to_owned() } else { self.sums.thing(state).to_string() }
    }

    fn bytes(&self) -> u64 {
        self.sums.bytes()
    }
}

/// Reads the operations of a counter.
#[derive(Debug)]
pub struct CounterDecoder {
    /// What the counter starts with.
    pub initial: i64,
}

impl Decoder for CounterDecoder {
    type Model = Counter;

    fn functions(&self) -> Vec<&str> {
        vec!["add", "increment", "inc", "decrement", "dec", "read"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<CounterAction>, Complaint> {
        if call.function == "read" {
            return match call.observed()? {
                Some(sum) if is_number(sum) => Ok(Some(CounterAction::Read(sum))),
                Some(_) => Err((call.end(), "the sum of a counter is a whole number".to_owned())),
                None if call.is_ok() => Err((call.end(), "a read of a counter returns its sum, not nil".to_owned())),
                None => Ok(None),
            };
        }
        let [amount] = match call.argument {
            None if call.function != "add" => [1],
            _ => call.asked("a counter is changed by one number")?,
        };
        if !is_number(amount) {
            return Err((call.row(), "a counter is changed by a whole number".to_owned()));
        }
        let amount = if call.function.starts_with("dec") { amount.wrapping_neg() } else { amount };
        Ok(Some(CounterAction::Add(amount)))
    }

    fn observes(&self, action: CounterAction) -> bool {
        matches!(action, CounterAction::Read(_))
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<CounterAction>>) -> Vec<Box<dyn Part>> {
        let grows = |operation: &Operation<_>| !matches!(operation.action, CounterAction::Add(amount) if amount < 0);
        let model = Counter::new(self.initial, operations.iter().all(grows));
        vec![Object::whole(key, model, Vec::new(), operations)]
    }
}
