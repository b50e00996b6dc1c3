//! What queues have in common, whatever comes out next: their operations, and how these are read from a history.

use std::marker::PhantomData;

use super::Model;
use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use crate::linearizable::{Operation, Part};

/// What happened to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueAction {
    /// The element was put in.
    Enqueue(u32),
    /// The element was taken out.
    Dequeue(u32),
    /// A dequeue found nothing.
    Empty,
    /// A dequeue of unknown end took some element that was its turn, or nothing.
    DequeueAny,
}

/// The element that an action is about, if it is about one.
pub fn element_of(action: QueueAction) -> Option<u32> {
    match action {
        QueueAction::Enqueue(element) | QueueAction::Dequeue(element) => Some(element),
        QueueAction::Empty | QueueAction::DequeueAny => None,
    }
}

/// A queue of numbered elements.
pub trait OfElements: Model<Action = QueueAction> {
    /// Why `element` can't be in such a queue, if it can't.
    fn refuse(_element: i64) -> Option<&'static str> {
        None
    }

    /// The objects that can be checked by themselves, of everything that happened to `key`; `names` are what the numbers stand for.
    fn parts(key: Option<i64>, names: Vec<Option<i64>>, operations: Vec<Operation<QueueAction>>) -> Vec<Box<dyn Part>>;
}

/// Reads the operations of a queue: numbers its elements.
#[derive(Debug)]
pub struct QueueDecoder<M> {
    numbers: Interner<Option<i64>>,
    model: PhantomData<M>,
}

impl<M> Default for QueueDecoder<M> {
    fn default() -> Self {
        QueueDecoder { numbers: Interner::default(), model: PhantomData }
    }
}

impl<M: OfElements> Decoder for QueueDecoder<M> {
    type Model = M;

    fn functions(&self) -> Vec<&str> {
        vec!["enqueue", "dequeue"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<QueueAction>, Complaint> {
        let is_enqueue = call.function == "enqueue";
        let element = if is_enqueue {
            let [element] = call.asked("an enqueue needs one element")?;
            Some(element)
        } else {
            call.observed()?
        };
        if let Some(why) = element.and_then(M::refuse) {
            return Err((if is_enqueue { call.row() } else { call.end() }, why.to_owned()));
        }
        let number = element.map(|element| self.numbers.number(Some(element)));
        Ok(Some(match number {
            Some(number) if is_enqueue => QueueAction::Enqueue(number),
            Some(number) => QueueAction::Dequeue(number),
            None if call.is_ok() => QueueAction::Empty,
            None => QueueAction::DequeueAny,
        }))
    }

    fn observes(&self, action: QueueAction) -> bool {
        !matches!(action, QueueAction::Enqueue(_))
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<QueueAction>>) -> Vec<Box<dyn Part>> {
        M::parts(key, self.numbers.things().to_vec(), operations)
    }
}
