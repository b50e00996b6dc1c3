//! One operation as the history has it, and how models read it.
//!
//! A [`Decoder`] turns the operations of one key into actions of its model. What makes no sense is refused with the row and the
//! reason, never repaired.

use super::Model;
use crate::events::Events;
use crate::linearizable::Operation;
use crate::linearizable::Part;
use crate::pairing::{NEVER, Outcome, Paired};

/// A row that makes no sense, and why.
pub type Complaint = (usize, String);

/// One operation of the history.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its rows, and how it ended.
    pub paired: Paired,
    /// Who called.
    pub process: i32,
    /// The name of the function.
    pub function: &'a str,
    /// The independent key.
    pub key: Option<i64>,
    /// What it was called with; nothing is nil.
    pub argument: Option<&'a [i64]>,
    /// What it returned, if it completed ok; nothing is nil.
    pub result: Option<&'a [i64]>,
}

impl<'a> Call<'a> {
    /// The operation `paired` of a history whose functions are called `functions`.
    pub fn new(events: &Events<'a>, paired: Paired, functions: &'a [&'a str]) -> Self {
        let row = paired.invocation as usize;
        let returned = (paired.outcome == Outcome::Ok).then_some(paired.completion as usize);
        Call {
            paired,
            process: events.process[row],
            function: functions.get(events.f[row] as usize).copied().unwrap_or("?"),
            key: events.key(row),
            argument: events.value(row),
            result: returned.and_then(|row| events.value(row)),
        }
    }

    /// Whether it certainly happened.
    pub fn is_ok(&self) -> bool {
        self.paired.outcome == Outcome::Ok
    }

    /// What it was asked, which must be `N` values. A completion that tells other values is not to be trusted.
    pub fn asked<const N: usize>(&self, needs: &str) -> Result<[i64; N], Complaint> {
        let values = self.argument.unwrap_or(&[]);
        let Ok(argument) = <[i64; N]>::try_from(values) else {
            return Err((self.row(), format!("{needs}; this has {}", values.len())));
        };
        match self.result {
            Some(told) if told != argument => {
                Err((self.end(), format!("completes with {told:?}, and was invoked with {argument:?}")))
            }
            _ => Ok(argument),
        }
    }

    /// What it returned, if it completed ok: one value, or nil.
    pub fn observed(&self) -> Result<Option<i64>, Complaint> {
        match self.result {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(values) => {
                let what = format!("a {} returns one value or nil, not {} values", self.function, values.len());
                Err((self.end(), what))
            }
        }
    }

    /// The row of the invocation.
    pub fn row(&self) -> usize {
        self.paired.invocation as usize
    }

    /// The row of the completion.
    pub fn end(&self) -> usize {
        self.paired.completion as usize
    }

    /// It, with what it did.
    pub fn operation<A>(&self, action: A) -> Operation<A> {
        let completion = if self.is_ok() { self.paired.completion } else { NEVER };
        Operation { invocation: self.paired.invocation, completion, action }
    }
}

/// Reads what happened to one object.
pub trait Decoder {
    /// What the object is.
    type Model: Model;

    /// The functions that it has.
    fn functions(&self) -> Vec<&str>;

    /// What `call` did, or nothing if that says nothing: an observation whose result nobody knows.
    fn decode(&mut self, call: &Call) -> Result<Option<<Self::Model as Model>::Action>, Complaint>;

    /// Whether an action that certainly happened tells something about the state.
    fn observes(&self, action: <Self::Model as Model>::Action) -> bool;

    /// The objects that can be checked by themselves, of everything that happened to `key`.
    fn parts(self, key: Option<i64>, operations: Vec<Operation<<Self::Model as Model>::Action>>) -> Vec<Box<dyn Part>>;
}

/// The operations about each of `count` subjects; those that are about none are left out.
pub fn by_subject<A: Copy>(
    count: usize,
    operations: Vec<Operation<A>>,
    subject: impl Fn(A) -> Option<u32>,
) -> Vec<Vec<Operation<A>>> {
    let mut sorted = vec![Vec::new(); count];
    for operation in operations {
        if let Some(subject) = subject(operation.action) {
            sorted[subject as usize].push(operation);
        }
    }
    sorted
}
