//! A stack: push, and pop, which takes the newest element or finds the stack empty.
//!
//! Elements are numbered, and may repeat. A pop of which nobody knows the end, if it happened, took whatever was on top, or nothing.

use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use super::partners::{Handling, partners};
use super::words::bracketed;
use super::{Aid, Model, Nature, State, Token};
use crate::linearizable::{Object, Operation, Part};

/// What happened to a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackAction {
    /// The element was put on top.
    Push(u32),
    /// The element was taken from the top.
    Pop(u32),
    /// A pop found nothing.
    Empty,
    /// A pop of unknown end took what was on top, or nothing.
    PopAny,
}

/// A stack that starts empty. A state is what lies beneath the top, and the top; zero is the empty stack.
#[derive(Clone, Debug)]
pub struct Stack {
    elements: usize,
    states: Interner<(State, u32)>,
}

/// The empty stack, and below it nothing.
const EMPTY: State = 0;

/// A stack of which nothing is known. What is pushed on it is known to lie on top.
const ANYTHING: State = State::MAX;

impl Stack {
    /// A stack of this many different elements.
    pub fn new(elements: usize) -> Self {
        let mut states = Interner::default();
        states.number((EMPTY, u32::MAX));
        Stack { elements, states }
    }

    fn top(&self, state: State) -> Option<u32> {
        (state != EMPTY).then(|| self.states.thing(state).1)
    }

    fn beneath(&self, state: State) -> State {
        self.states.thing(state).0
    }
}

impl Model for Stack {
    type Action = StackAction;

    fn initial(&self) -> State {
        EMPTY
    }

    fn step(&mut self, state: State, action: StackAction) -> Option<State> {
        match action {
            StackAction::Push(element) => Some(self.states.number((state, element))),
            StackAction::Pop(element) => (self.top(state) == Some(element)).then(|| self.beneath(state)),
            StackAction::Empty => (state == EMPTY).then_some(state),
            StackAction::PopAny => Some(self.beneath(state)),
        }
    }

    fn anything(&mut self) -> Option<State> {
        Some(ANYTHING)
    }

    fn step_loosely(&mut self, state: State, action: StackAction) -> Option<State> {
        match (state, action) {
            (ANYTHING, StackAction::Pop(_) | StackAction::PopAny) => Some(ANYTHING),
            (ANYTHING, StackAction::Empty) => Some(EMPTY),
            _ => self.step(state, action),
        }
    }

    fn nature(&self, action: StackAction) -> Nature {
        if action == StackAction::Empty { Nature::Observation } else { Nature::Update }
    }

    /// Between a push and the pop of what it pushed everything comes and goes above it, so an unknown push can be put off until just
    /// before that pop; an unknown pop until somebody needs what is beneath, because by then all above it has gone.
    fn aids(&self) -> usize {
        self.elements + 1
    }

    fn aid(&self, action: StackAction) -> Aid {
        if let StackAction::Push(element) = action { element } else { self.elements as u32 }
    }

    fn wants(&mut self, state: State, goal: StackAction, wanted: &mut Vec<Aid>) {
        match goal {
            StackAction::Pop(element) if self.top(state) != Some(element) => {
                wanted.extend([element, self.elements as u32]);
            }
            StackAction::Empty if state != EMPTY => wanted.push(self.elements as u32),
            _ => {}
        }
    }

    /// What comes out last goes in first; and what can be popped comes before that.
    fn ranks(&self, operations: &[Operation<StackAction>]) -> Vec<u32> {
        let mut ranks = partners(operations, handling, |pop| pop.completion);
        for (operation, rank) in operations.iter().zip(&mut ranks) {
            match operation.action {
                StackAction::Push(_) => *rank = u32::MAX - *rank / 2,
                _ => *rank /= 2,
            }
        }
        ranks
    }

    fn tokens(&self) -> usize {
        self.elements
    }

    fn consumes(&self, action: StackAction) -> Option<Token> {
        if let StackAction::Pop(element) = action { Some(element) } else { None }
    }

    fn produces(&self, action: StackAction) -> Option<Token> {
        if let StackAction::Push(element) = action { Some(element) } else { None }
    }

    fn subject(&self, action: StackAction) -> Option<u32> {
        element_of(action)
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        let mut beneath = state;
        let mut elements = Vec::new();
        while beneath != ANYTHING {
            let Some(top) = self.top(beneath) else { break };
            elements.push(top);
            beneath = self.beneath(beneath);
        }
        let held = bracketed(elements.into_iter().rev(), names);
        if beneath == ANYTHING { format!("{held} on anything") } else { held }
    }

    fn bytes(&self) -> u64 {
        self.states.bytes()
    }
}

/// The element that an action is about, if it is about one.
pub fn element_of(action: StackAction) -> Option<u32> {
    match action {
        StackAction::Push(element) | StackAction::Pop(element) => Some(element),
        StackAction::Empty | StackAction::PopAny => None,
    }
}

fn handling(action: StackAction) -> Handling {
    match action {
        StackAction::Push(element) => Handling::Puts(element),
        StackAction::Pop(element) => Handling::Takes(element),
        StackAction::Empty | StackAction::PopAny => Handling::Neither,
    }
}

/// Reads the operations of a stack.
#[derive(Debug, Default)]
pub struct StackDecoder {
    elements: Interner<Option<i64>>,
}

impl Decoder for StackDecoder {
    type Model = Stack;

    fn functions(&self) -> Vec<&str> {
        vec!["push", "pop"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<StackAction>, Complaint> {
        if call.function == "push" {
            let [element] = call.asked("a push needs one element")?;
            return Ok(Some(StackAction::Push(self.elements.number(Some(element)))));
        }
        Ok(Some(match call.observed()? {
            Some(element) => StackAction::Pop(self.elements.number(Some(element))),
            None if call.is_ok() => StackAction::Empty,
            None => StackAction::PopAny,
        }))
    }

    fn observes(&self, action: StackAction) -> bool {
        !matches!(action, StackAction::Push(_))
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<StackAction>>) -> Vec<Box<dyn Part>> {
        let names = self.elements.things().to_vec();
        vec![Object::whole(key, Stack::new(names.len()), names, operations)]
    }
}
