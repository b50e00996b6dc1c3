//! A first-in, first-out queue: enqueue, and dequeue, which takes the oldest element or finds the queue empty.
//!
//! Elements are numbered, and may repeat. A dequeue of which nobody knows the end, if it happened, took whatever was the oldest, or
//! nothing.

use super::interner::Interner;
use super::partners::{Handling, partners};
use super::queues::{OfElements, QueueAction, element_of};
use super::shelf::{self, Shelf};
use super::words::bracketed;
use super::{Aid, Model, Nature, State, Token};
use crate::linearizable::{Object, Operation, Part};

/// A queue that starts empty.
#[derive(Clone, Debug)]
pub struct Queue {
    elements: usize,
    /// By the position of an element among all ever enqueued: the element and one, zero where it has been taken.
    shelf: Shelf,
    /// Elements still in the queue, how many were ever dequeued, how many ever enqueued.
    states: Interner<(shelf::Map, u32, u32)>,
}

impl Queue {
    /// A queue of this many different elements, for a history with this many enqueues.
    pub fn new(elements: usize, enqueues: usize) -> Self {
        let mut states = Interner::default();
        states.number((shelf::EMPTY, 0, 0));
        Queue { elements, shelf: Shelf::new(enqueues), states }
    }

    fn oldest(&self, state: State) -> Option<u32> {
        let &(map, head, tail) = self.states.thing(state);
        (head < tail).then(|| self.shelf.get(map, head) - 1)
    }

    fn without_oldest(&mut self, state: State) -> State {
        let (map, head, tail) = *self.states.thing(state);
        if head == tail {
            return state;
        }
        let rest = self.shelf.set(map, head, 0);
        self.states.number((rest, head + 1, tail))
    }
}

/// Of use to those who enqueue later, or who dequeue what it puts in.
const AN_ENQUEUE: Aid = 0;
/// Of use to those who need what is behind the oldest element, or nothing at all.
const A_DEQUEUE: Aid = 1;

const HEAD: u32 = 0;
const TAIL: u32 = 1;

impl Model for Queue {
    type Action = QueueAction;

    fn initial(&self) -> State {
        0
    }

    fn step(&mut self, state: State, action: QueueAction) -> Option<State> {
        match action {
            QueueAction::Enqueue(element) => {
                let (map, head, tail) = *self.states.thing(state);
                let longer = self.shelf.set(map, tail, element + 1);
                Some(self.states.number((longer, head, tail + 1)))
            }
            QueueAction::Dequeue(element) => (self.oldest(state) == Some(element)).then(|| self.without_oldest(state)),
            QueueAction::Empty => self.oldest(state).is_none().then_some(state),
            QueueAction::DequeueAny => Some(self.without_oldest(state)),
        }
    }

    fn nature(&self, action: QueueAction) -> Nature {
        if action == QueueAction::Empty { Nature::Observation } else { Nature::Update }
    }

    /// An unknown enqueue can be put off until just before the next enqueue or the dequeue that needs it, because an enqueue and a
    /// dequeue from a queue that is not empty change places freely; an unknown dequeue until just before the next that knows what it
    /// got.
    fn aids(&self) -> usize {
        2
    }

    fn aid(&self, action: QueueAction) -> Aid {
        if matches!(action, QueueAction::Enqueue(_)) { AN_ENQUEUE } else { A_DEQUEUE }
    }

    fn wants(&mut self, state: State, goal: QueueAction, wanted: &mut Vec<Aid>) {
        let oldest = self.oldest(state);
        match goal {
            QueueAction::Enqueue(_) => wanted.push(AN_ENQUEUE),
            QueueAction::Dequeue(_) if oldest.is_none() => wanted.push(AN_ENQUEUE),
            QueueAction::Dequeue(element) if oldest != Some(element) => wanted.push(A_DEQUEUE),
            QueueAction::Empty if oldest.is_some() => wanted.push(A_DEQUEUE),
            _ => {}
        }
    }

    fn places(&self) -> usize {
        2
    }

    /// Its two ends, which have nothing to do with each other while there is anything between them.
    fn touches(&self, action: QueueAction, places: &mut Vec<u32>) {
        places.push(if matches!(action, QueueAction::Enqueue(_)) { TAIL } else { HEAD });
    }

    fn concerns(&mut self, state: State, goal: QueueAction, places: &mut Vec<u32>) {
        let is_empty = self.oldest(state).is_none();
        places.push(match goal {
            QueueAction::Enqueue(_) => TAIL,
            QueueAction::Dequeue(_) if is_empty => TAIL,
            _ => HEAD,
        });
    }

    /// What is called for first goes in first: if some enqueue can be the next without contradicting the order of the dequeues, then
    /// that whose dequeue was called first can.
    fn ranks(&self, operations: &[Operation<QueueAction>]) -> Vec<u32> {
        partners(operations, handling, |dequeue| dequeue.invocation)
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
        let &(map, _, _) = self.states.thing(state);
        bracketed(self.shelf.entries(map).iter().map(|&(_, element)| element - 1), names)
    }

    fn bytes(&self) -> u64 {
        self.shelf.bytes() + self.states.bytes()
    }
}

fn handling(action: QueueAction) -> Handling {
    match action {
        QueueAction::Enqueue(element) => Handling::Puts(element),
        QueueAction::Dequeue(element) => Handling::Takes(element),
        QueueAction::Empty | QueueAction::DequeueAny => Handling::Neither,
    }
}

impl OfElements for Queue {
    fn parts(key: Option<i64>, names: Vec<Option<i64>>, operations: Vec<Operation<QueueAction>>) -> Vec<Box<dyn Part>> {
        let enqueues = operations.iter().filter(|operation| matches!(operation.action, QueueAction::Enqueue(_)));
        let model = Queue::new(names.len(), enqueues.count());
        vec![Object::whole(key, model, names, operations)]
    }
}
