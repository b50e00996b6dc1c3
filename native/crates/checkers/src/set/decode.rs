//! The adds and reads of a set, with elements numbered.

use rustc_hash::FxHashMap;

use crate::events::Events;
use crate::pairing::{Malformed, Outcome, Paired};

/// The functions of a set, as positions in the list of function names; nothing for one that the history does not have.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Adds an element.
    pub add: Option<u8>,
    /// Observes all elements.
    pub read: Option<u8>,
}

/// One element: its name in the history and its add.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// As in the history.
    pub value: i64,
    /// Its add, the one that may have happened or else one that failed; nothing for one that was only read.
    pub add: Option<Paired>,
}

/// A read that completed ok. What it returned is the value of its completion.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// The row of the call.
    pub invocation: u32,
    /// The row of the return.
    pub completion: u32,
}

/// Everything that happened to the set.
#[derive(Debug, Default)]
pub struct SetHistory {
    /// Which set it is, where the history has several.
    pub key: Option<i64>,
    /// Every element that was added or read, in the order of first mention.
    pub elements: Vec<Element>,
    /// By invocation.
    pub reads: Vec<Read>,
    /// The elements that each read returned, by number, end to end; read `i` has those from `offsets[i]` up to `offsets[i + 1]`.
    pub seen: Vec<u32>,
    /// See `seen`.
    pub offsets: Vec<usize>,
}

impl SetHistory {
    /// The elements that read number `read` returned.
    pub fn seen_by(&self, read: usize) -> &[u32] {
        &self.seen[self.offsets[read]..self.offsets[read + 1]]
    }
}

/// Read the adds and reads of the set at `key`.
pub fn decode(
    events: &Events,
    key: Option<i64>,
    paired: &[Paired],
    functions: Functions,
) -> Result<SetHistory, Malformed> {
    let mut history = SetHistory { key, offsets: vec![0], ..SetHistory::default() };
    let mut malformed = Malformed::default();
    let mut number_of: FxHashMap<i64, u32> = FxHashMap::default();
    let mut number = |value: i64, elements: &mut Vec<Element>| {
        *number_of.entry(value).or_insert_with(|| {
            elements.push(Element { value, add: None });
            elements.len() as u32 - 1
        }) as usize
    };
    for operation in paired {
        let row = operation.invocation as usize;
        let f = Some(events.f[row]);
        if f == functions.add {
            let value = match element(events, operation) {
                Ok(value) => value,
                Err((row, what)) => {
                    malformed.add(row, what);
                    continue;
                }
            };
            let index = number(value, &mut history.elements);
            // Who tries again what certainly failed adds it once.
            match &mut history.elements[index].add {
                Some(earlier) if earlier.outcome != Outcome::Fail && operation.outcome != Outcome::Fail => {
                    let first = earlier.invocation;
                    let what = format!("element {value} is added again, after row {first}: elements are unique");
                    malformed.add(row, what);
                }
                Some(earlier) if earlier.outcome != Outcome::Fail => {}
                add => *add = Some(*operation),
            }
        } else if operation.outcome == Outcome::Ok {
            let Some(values) = events.value(operation.completion as usize) else {
                malformed.add(
                    operation.completion as usize,
                    "a read returns a list of elements, and this has none".to_owned(),
                );
                continue;
            };
            history.seen.extend(values.iter().map(|&value| number(value, &mut history.elements) as u32));
            history.offsets.push(history.seen.len());
            history.reads.push(Read { invocation: operation.invocation, completion: operation.completion });
        }
    }
    malformed.unless(history)
}

/// The element that an add adds.
fn element(events: &Events, operation: &Paired) -> Result<i64, (usize, String)> {
    let row = operation.invocation as usize;
    let Some(&[value]) = events.value(row) else {
        return Err((row, format!("an add needs one element; this has {}", events.value(row).unwrap_or(&[]).len())));
    };
    if operation.outcome == Outcome::Ok {
        let row = operation.completion as usize;
        if let Some(told) = events.value(row).filter(|&told| told != [value]) {
            return Err((row, format!("completes with {told:?}, and was invoked with [{value}]")));
        }
    }
    Ok(value)
}
