//! A priority queue: enqueue, and dequeue, which takes the smallest element or finds the queue empty.
//!
//! Elements are whole numbers and may repeat. A dequeue of which nobody knows the end, if it happened, took whatever was the smallest, or
//! nothing.

use super::queues::{OfElements, QueueAction, element_of};
use super::shelf::{self, Shelf};
use super::words::bracketed;
use super::{Aid, Model, Nature, State, Token};
use crate::events::is_number;
use crate::linearizable::{Object, Operation, Part};

/// A priority queue that starts empty. Elements are numbered by size; a state is a map: how often it has each.
#[derive(Clone, Debug)]
pub struct PriorityQueue {
    elements: usize,
    shelf: Shelf,
}

impl PriorityQueue {
    /// A queue of this many different elements.
    pub fn new(elements: usize) -> Self {
        PriorityQueue { elements, shelf: Shelf::new(elements) }
    }
}

impl Model for PriorityQueue {
    type Action = QueueAction;

    fn initial(&self) -> State {
        shelf::EMPTY
    }

    fn step(&mut self, state: State, action: QueueAction) -> Option<State> {
        let smallest = self.shelf.first(state);
        match (action, smallest) {
            (QueueAction::Enqueue(element), _) => {
                let count = self.shelf.get(state, element);
                Some(self.shelf.set(state, element, count + 1))
            }
            (QueueAction::Dequeue(element), Some((smallest, count))) if element == smallest => {
                Some(self.shelf.set(state, element, count - 1))
            }
            (QueueAction::Dequeue(_), _) => None,
            (QueueAction::Empty, _) => smallest.is_none().then_some(state),
            (QueueAction::DequeueAny, Some((smallest, count))) => Some(self.shelf.set(state, smallest, count - 1)),
            (QueueAction::DequeueAny, None) => Some(state),
        }
    }

    fn nature(&self, action: QueueAction) -> Nature {
        if action == QueueAction::Empty { Nature::Observation } else { Nature::Update }
    }

    /// An unknown enqueue is of use just before its element is taken: until then it could only be in the way. An unknown dequeue is just
    /// before somebody takes what is larger, or finds nothing; those that went before then take what was in the way, for that is
    /// what is smallest.
    fn aids(&self) -> usize {
        self.elements + 1
    }

    fn aid(&self, action: QueueAction) -> Aid {
        if let QueueAction::Enqueue(element) = action { element } else { self.elements as u32 }
    }

    fn wants(&mut self, state: State, goal: QueueAction, wanted: &mut Vec<Aid>) {
        let smallest = self.shelf.first(state).map(|(smallest, _)| smallest);
        match goal {
            QueueAction::Dequeue(element) => {
                if self.shelf.get(state, element) == 0 {
                    wanted.push(element);
                }
                if smallest.is_some_and(|smallest| smallest < element) {
                    wanted.push(self.elements as u32);
                }
            }
            QueueAction::Empty if smallest.is_some() => wanted.push(self.elements as u32),
            _ => {}
        }
    }

    fn commutes(&self) -> bool {
        true
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

impl OfElements for PriorityQueue {
    fn refuse(element: i64) -> Option<&'static str> {
        (!is_number(element)).then_some("what a priority queue holds has an order: it is a whole number")
    }

    fn parts(
        key: Option<i64>,
        names: Vec<Option<i64>>,
        mut operations: Vec<Operation<QueueAction>>,
    ) -> Vec<Box<dyn Part>> {
        let mut by_size: Vec<u32> = (0..names.len() as u32).collect();
        by_size.sort_unstable_by_key(|&number| names[number as usize]);
        let mut size_of = vec![0; names.len()];
        (0..).zip(&by_size).for_each(|(size, &number)| size_of[number as usize] = size);
        for operation in &mut operations {
            operation.action = match operation.action {
                QueueAction::Enqueue(number) => QueueAction::Enqueue(size_of[number as usize]),
                QueueAction::Dequeue(number) => QueueAction::Dequeue(size_of[number as usize]),
                other => other,
            };
        }
        let names: Vec<Option<i64>> = by_size.iter().map(|&number| names[number as usize]).collect();
        vec![Object::whole(key, PriorityQueue::new(names.len()), names, operations)]
    }
}
