//! The history of one register: its operations in numbered values.

use rustc_hash::FxHashMap;

use super::Operation;
use crate::events::Events;
use crate::models::RegisterAction;
use crate::pairing::{Malformed, NEVER, Outcome, Paired};

/// The functions of a register, as positions in the list of function names; nothing for one that the history does not have.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Observes the value.
    pub read: Option<u8>,
    /// Replaces the value.
    pub write: Option<u8>,
    /// Replaces the value if it is another.
    pub cas: Option<u8>,
    /// Whether the model has `cas` at all; if not, one in the history is a mistake.
    pub has_cas: bool,
}

/// Everything that happened to one key.
#[derive(Clone, Debug)]
pub struct KeyHistory {
    /// The key.
    pub key: Option<i64>,
    /// What happened or may have happened, by invocation.
    pub operations: Vec<Operation<RegisterAction>>,
    /// The value of each number; nothing is nil. Number zero is what the register starts with.
    pub values: Vec<Option<i64>>,
}

/// All keys, and what was left out.
#[derive(Debug, Default)]
pub struct Partition {
    /// By key.
    pub keys: Vec<KeyHistory>,
    /// Operations on registers, however they ended.
    pub operations: usize,
    /// Those that ended `info`, or not at all.
    pub info: usize,
    /// Those that failed.
    pub failed: usize,
    /// Reads and compare-and-sets that completed ok.
    pub observations: usize,
}

/// Sort operations by key, and read their values.
pub fn partition(
    events: &Events,
    paired: &[Paired],
    functions: Functions,
    initial: Option<i64>,
) -> Result<Partition, Malformed> {
    let mut builders: Vec<Builder> = Vec::new();
    let mut index_of: FxHashMap<Option<i64>, usize> = FxHashMap::default();
    let mut found = Partition::default();
    let mut malformed = Malformed::default();
    for operation in paired {
        let row = operation.invocation as usize;
        let f = Some(events.f[row]);
        if f == functions.cas && !functions.has_cas {
            malformed.add(row, "the model is a register without compare-and-set, and this is one".to_owned());
            continue;
        }
        if f != functions.read && f != functions.write && f != functions.cas {
            continue;
        }
        found.operations += 1;
        found.info += usize::from(operation.outcome == Outcome::Info);
        found.failed += usize::from(operation.outcome == Outcome::Fail);
        let decoded = if f == functions.read {
            observed(events, operation).map(Decoded::Read)
        } else if f == functions.write {
            argument::<1>(events, operation, "a write needs one value").map(|[value]| Decoded::Write(value))
        } else {
            let needs = "a compare-and-set needs two values, the expected and the new";
            argument::<2>(events, operation, needs).map(|[old, new]| Decoded::Cas(old, new))
        };
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err((row, what)) => {
                malformed.add(row, what);
                continue;
            }
        };
        if operation.outcome == Outcome::Fail || (operation.outcome == Outcome::Info && decoded.is_observation()) {
            continue;
        }
        found.observations += usize::from(operation.outcome == Outcome::Ok && !matches!(decoded, Decoded::Write(_)));
        let key = events.key(row);
        let index = *index_of.entry(key).or_insert_with(|| {
            builders.push(Builder::new(key, initial));
            builders.len() - 1
        });
        builders[index].add(operation, decoded);
    }
    found.keys = builders.into_iter().map(|builder| builder.history).collect();
    found.keys.sort_by_key(|history| history.key);
    malformed.unless(found)
}

/// An operation in the values of the history.
enum Decoded {
    Read(Option<i64>),
    Write(i64),
    Cas(i64, i64),
}

impl Decoded {
    /// A compare-and-set that changes nothing is a read.
    fn is_observation(&self) -> bool {
        match self {
            Self::Read(_) => true,
            Self::Write(_) => false,
            Self::Cas(old, new) => old == new,
        }
    }
}

/// What a read returned; nothing is nil.
fn observed(events: &Events, operation: &Paired) -> Result<Option<i64>, (usize, String)> {
    if operation.outcome != Outcome::Ok {
        return Ok(None);
    }
    let row = operation.completion as usize;
    match events.value(row) {
        None => Ok(None),
        Some([value]) => Ok(Some(*value)),
        Some(values) => Err((row, format!("a read returns one value or nil, not {} values", values.len()))),
    }
}

/// What an operation was asked to write. A completion that tells another value than the invocation is not to be trusted.
fn argument<const N: usize>(events: &Events, operation: &Paired, needs: &str) -> Result<[i64; N], (usize, String)> {
    let row = operation.invocation as usize;
    let values = events.value(row).unwrap_or(&[]);
    let Ok(argument) = <[i64; N]>::try_from(values) else {
        return Err((row, format!("{needs}; this has {}", values.len())));
    };
    if operation.outcome == Outcome::Ok {
        let row = operation.completion as usize;
        if let Some(told) = events.value(row).filter(|&told| told != argument) {
            return Err((row, format!("completes with {told:?}, and was invoked with {argument:?}")));
        }
    }
    Ok(argument)
}

struct Builder {
    history: KeyHistory,
    number_of: FxHashMap<Option<i64>, u32>,
}

impl Builder {
    fn new(key: Option<i64>, initial: Option<i64>) -> Self {
        let mut builder = Builder {
            history: KeyHistory { key, operations: Vec::new(), values: Vec::new() },
            number_of: FxHashMap::default(),
        };
        builder.number(initial);
        builder
    }

    fn number(&mut self, value: Option<i64>) -> u32 {
        *self.number_of.entry(value).or_insert_with(|| {
            self.history.values.push(value);
            self.history.values.len() as u32 - 1
        })
    }

    fn add(&mut self, operation: &Paired, decoded: Decoded) {
        let action = match decoded {
            Decoded::Read(value) => RegisterAction::Read(self.number(value)),
            Decoded::Write(value) => RegisterAction::Write(self.number(Some(value))),
            Decoded::Cas(old, new) if old == new => RegisterAction::Read(self.number(Some(old))),
            Decoded::Cas(old, new) => RegisterAction::Cas(self.number(Some(old)), self.number(Some(new))),
        };
        let completion = if operation.outcome == Outcome::Ok { operation.completion } else { NEVER };
        self.history.operations.push(Operation { invocation: operation.invocation, completion, action });
    }
}
