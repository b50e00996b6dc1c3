//! The models that there are, by name. Names are those of Knossos and Jepsen where they have one.

use std::sync::Arc;

use super::reading::{Partition, Reading};
use crate::models::{
    CounterDecoder, Foreign, ForeignDecoder, ForeignModel, KeyValueDecoder, LockDecoder, LockKind, MutexDecoder,
    PriorityQueue, Queue, QueueDecoder, RegisterDecoder, RegisterFunctions, SetDecoder, StackDecoder, UnorderedQueue,
};
use crate::pairing::Malformed;

/// What the objects of a history are.
#[derive(Clone, Debug)]
pub enum Specification {
    /// A register with these functions.
    Register(RegisterFunctions),
    /// A counter.
    Counter,
    /// A set.
    Set,
    /// A first-in-first-out queue.
    Queue,
    /// A queue without order.
    UnorderedQueue,
    /// A queue of which the smallest element comes out first.
    PriorityQueue,
    /// A stack.
    Stack,
    /// A mutex that anybody may release.
    Mutex,
    /// A lock that knows its owner.
    Lock(LockKind),
    /// Keys and values with transactions; the keys of the history are those of one store.
    KeyValue {
        /// Knossos's multi-register: it has nothing but transactions.
        only_transactions: bool,
    },
    /// What somebody else described.
    Foreign(Arc<dyn Foreign>),
}

/// The names of all models.
pub const MODELS: [&str; 15] = [
    "cas-register",
    "register",
    "counter",
    "set",
    "fifo-queue",
    "unordered-queue",
    "priority-queue",
    "stack",
    "mutex",
    "owner-aware-mutex",
    "reentrant-mutex",
    "fenced-mutex",
    "reentrant-fenced-mutex",
    "multi-register",
    "key-value",
];

impl Specification {
    /// The model of this name, one of [`MODELS`]; a register has `functions`.
    pub fn named(name: &str, functions: RegisterFunctions) -> Option<Self> {
        let lock = |reentrant, fenced| Self::Lock(LockKind { reentrant, fenced });
        Some(match name {
            "cas-register" => Self::Register(functions),
            "register" => Self::Register(RegisterFunctions { cas: None, ..functions }),
            "counter" => Self::Counter,
            "set" => Self::Set,
            "fifo-queue" => Self::Queue,
            "unordered-queue" => Self::UnorderedQueue,
            "priority-queue" => Self::PriorityQueue,
            "stack" => Self::Stack,
            "mutex" => Self::Mutex,
            "owner-aware-mutex" => lock(false, false),
            "reentrant-mutex" => lock(true, false),
            "fenced-mutex" => lock(false, true),
            "reentrant-fenced-mutex" => lock(true, true),
            "multi-register" => Self::KeyValue { only_transactions: true },
            "key-value" => Self::KeyValue { only_transactions: false },
            _ => return None,
        })
    }

    /// The objects of a history. `initial` is what every register, counter or key of a store starts with; nothing is nil, of a counter
    /// zero.
    pub fn read(&self, reading: &Reading, initial: Option<i64>) -> Result<Partition, Malformed> {
        match self {
            Self::Register(functions) => reading.by_key(|| RegisterDecoder::new(functions, initial)),
            Self::Counter => reading.by_key(|| CounterDecoder { initial: initial.unwrap_or(0) }),
            Self::Set => reading.by_key(SetDecoder::default),
            Self::Queue => reading.by_key(QueueDecoder::<Queue>::default),
            Self::UnorderedQueue => reading.by_key(QueueDecoder::<UnorderedQueue>::default),
            Self::PriorityQueue => reading.by_key(QueueDecoder::<PriorityQueue>::default),
            Self::Stack => reading.by_key(StackDecoder::default),
            Self::Mutex => reading.by_key(|| MutexDecoder),
            Self::Lock(kind) => reading.by_key(|| LockDecoder::new(*kind)),
            Self::KeyValue { only_transactions } => {
                reading.at_once(|| KeyValueDecoder::new(*only_transactions, initial))
            }
            Self::Foreign(foreign) => {
                let model = ForeignModel::new(Arc::clone(foreign));
                let decoder = || ForeignDecoder::new(model.clone(), reading.functions);
                reading.by(decoder, |call| foreign.partition(call))
            }
        }
    }
}
