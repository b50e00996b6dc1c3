//! An unordered queue, a bag: enqueue, and dequeue, which takes any element or finds none.
//!
//! Where no dequeue found it empty, elements have nothing to do with each other, and each is checked on its own.

use super::queue::{QueueAction, element_of};
use super::shelf::{self, Shelf};
use super::words::bracketed;
use super::{Aid, Model, Nature, State, Token};

/// A bag that starts empty. A state is a map: how often it has each element.
#[derive(Clone, Debug)]
pub struct UnorderedQueue {
    elements: usize,
    shelf: Shelf,
}

impl UnorderedQueue {
    /// A bag of this many different elements.
    pub fn new(elements: usize) -> Self {
        UnorderedQueue { elements, shelf: Shelf::new(elements) }
    }

    fn with(&mut self, state: State, element: u32, count: u32) -> State {
        self.shelf.set(state, element, count)
    }
}

impl Model for UnorderedQueue {
    type Action = QueueAction;

    fn initial(&self) -> State {
        shelf::EMPTY
    }

    /// A dequeue of unknown end takes the first element that is there. It matters only to those who find the bag empty, and for them
    /// every element must have gone, so it does not matter which.
    fn step(&mut self, state: State, action: QueueAction) -> Option<State> {
        match action {
            QueueAction::Enqueue(element) => {
                let count = self.shelf.get(state, element);
                Some(self.with(state, element, count + 1))
            }
            QueueAction::Dequeue(element) => {
                let count = self.shelf.get(state, element).checked_sub(1)?;
                Some(self.with(state, element, count))
            }
            QueueAction::Empty => (state == shelf::EMPTY).then_some(state),
            QueueAction::DequeueAny => match self.shelf.first(state) {
                Some((element, count)) => Some(self.with(state, element, count - 1)),
                None => Some(state),
            },
        }
    }

    fn nature(&self, action: QueueAction) -> Nature {
        if action == QueueAction::Empty { Nature::Observation } else { Nature::Update }
    }

    /// An unknown enqueue is of use just before its element is taken; an unknown dequeue just before nothing is found.
    fn aids(&self) -> usize {
        self.elements + 1
    }

    fn aid(&self, action: QueueAction) -> Aid {
        element_of(action).unwrap_or(self.elements as u32)
    }

    fn wants(&mut self, state: State, goal: QueueAction, wanted: &mut Vec<Aid>) {
        match goal {
            QueueAction::Dequeue(element) if self.shelf.get(state, element) == 0 => wanted.push(element),
            QueueAction::Empty if state != shelf::EMPTY => wanted.push(self.elements as u32),
            _ => {}
        }
    }

    fn tokens(&self) -> usize {
        self.elements
    }

    fn consumes(&self, action: QueueAction) -> Option<Token> {
        if let QueueAction::Dequeue(element) = action { Some(element) } else { None }
    }

    fn produces(&self, action: QueueAction) -> Option<Token> {
        if let QueueAction::Enqueue(element) = action { Some(element) } else { None }
    }

    fn subject(&self, action: QueueAction) -> Option<u32> {
        element_of(action)
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        let held = self.shelf.entries(state);
        let repeated = held.iter().flat_map(|&(element, count)| (0..count).map(move |_| element));
        bracketed(repeated, names)
    }

    fn bytes(&self) -> u64 {
        self.shelf.bytes()
    }
}
