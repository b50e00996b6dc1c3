//! An unordered queue, a bag: enqueue, and dequeue, which takes any element or finds none.
//!
//! Where no dequeue found it empty, elements have nothing to do with each other, and each is checked on its own, unless all of them
//! differ.

use super::call::by_subject;
use super::queues::{OfElements, QueueAction, element_of};
use super::shelf::{self, Shelf};
use super::words::bracketed;
use super::{Aid, Model, Nature, State, Token};
use crate::linearizable::{Object, Operation, Part};

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
        if let QueueAction::Enqueue(element) = action { element } else { self.elements as u32 }
    }

    fn wants(&mut self, state: State, goal: QueueAction, wanted: &mut Vec<Aid>) {
        match goal {
            QueueAction::Dequeue(element) if self.shelf.get(state, element) == 0 => wanted.push(element),
            QueueAction::Empty if state != shelf::EMPTY => wanted.push(self.elements as u32),
            _ => {}
        }
    }

    fn commutes(&self) -> bool {
        true
    }

    fn places(&self) -> usize {
        self.elements
    }

    fn touches(&self, action: QueueAction, places: &mut Vec<u32>) {
        places.extend(element_of(action));
    }

    /// An element that is there can be taken, whatever else happens to it.
    fn concerns(&mut self, state: State, goal: QueueAction, places: &mut Vec<u32>) {
        match goal {
            QueueAction::Dequeue(element) if self.shelf.get(state, element) == 0 => places.push(element),
            QueueAction::Empty => places.extend(self.shelf.entries(state).into_iter().map(|(element, _)| element)),
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

impl OfElements for UnorderedQueue {
    fn parts(key: Option<i64>, names: Vec<Option<i64>>, operations: Vec<Operation<QueueAction>>) -> Vec<Box<dyn Part>> {
        let finds_nothing = operations.iter().any(|operation| operation.action == QueueAction::Empty);
        if finds_nothing || enqueues_once(names.len(), &operations) {
            return vec![Object::whole(key, UnorderedQueue::new(names.len()), names, operations)];
        }
        // An unknown dequeue is of use only to those who find the bag empty.
        let of_element = by_subject(names.len(), operations, element_of);
        let parts = names.into_iter().zip(of_element).map(|(name, operations)| {
            let alone =
                operations.iter().map(|operation| Operation { action: renumbered(operation.action), ..*operation });
            Object::element(key, name, UnorderedQueue::new(1), vec![name], alone.collect())
        });
        parts.collect()
    }
}

fn renumbered(action: QueueAction) -> QueueAction {
    match action {
        QueueAction::Enqueue(_) => QueueAction::Enqueue(0),
        QueueAction::Dequeue(_) => QueueAction::Dequeue(0),
        other => other,
    }
}

/// Whether no element is enqueued twice, so that the bag is decided as a whole in a few passes.
fn enqueues_once(elements: usize, operations: &[Operation<QueueAction>]) -> bool {
    let mut is_known = vec![false; elements];
    operations.iter().all(|operation| match operation.action {
        QueueAction::Enqueue(element) => !std::mem::replace(&mut is_known[element as usize], true),
        _ => true,
    })
}
