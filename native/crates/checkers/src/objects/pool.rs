//! Pools: what a FIFO queue, an unordered queue and a stack have in common. Elements are put in and taken out.
//!
//! [`Pool`] is the history of one pool by element, ready for rules about intervals: an element is certainly inside from the return of
//! its put to the call of its take. What can't matter is gone:
//!
//! - A put that nobody knows about, of an element that no take returned. If it happened, it and the unknown take that may have
//!   removed its element can both be left out of any order.
//! - An unknown take is only the row of its call: it may have removed any one element at any time after that, or none.
//! - A take that is pending though its element is known (in a prefix of a history) takes it at some time after its call or never. It
//!   counts as taking it in the end: whatever allows that it never did allows that it did so last of all.

use super::{Kin, Refutation, Role, Rule};
use crate::linearizable::Operation;
use crate::pairing::NEVER;

/// What happens to a pool, in numbered elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolAction {
    /// The element is put in: enqueue, push.
    Put(u32),
    /// The element is taken out: dequeue, pop.
    Take(u32),
    /// The pool is found empty.
    Empty,
    /// Nobody knows which element is taken out, if any.
    TakeUnknown,
}

impl PoolAction {
    /// What has to stay with it in a part of a history.
    pub fn kin(&self) -> Kin {
        match *self {
            PoolAction::Put(element) | PoolAction::Take(element) => Kin::Element(element),
            PoolAction::Empty => Kin::Nobody,
            PoolAction::TakeUnknown => Kin::Everybody,
        }
    }
}

/// No operation.
pub const NOBODY: u32 = u32::MAX;

/// One element that was certainly put in.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// The call and the return of its put; the return may be [`NEVER`] if it was taken.
    pub put: (u32, u32),
    /// The call and the return of its take; both are [`NEVER`] if no known take returned it.
    pub take: (u32, u32),
    /// Its number.
    pub element: u32,
}

impl Life {
    /// Whether there is an instant at which it is certainly inside.
    pub fn is_certain(&self) -> bool {
        self.put.1 < self.take.0
    }
}

/// The history of one pool with distinct elements in which what comes out had been put in.
#[derive(Debug)]
pub struct Pool {
    /// Elements that a known take returned, by the call of their put.
    pub taken: Vec<Life>,
    /// Elements that were certainly put in and that no known take returned, by the call of their put.
    pub left: Vec<Life>,
    /// Takes that found nothing, by call: their place among the operations, call and return.
    pub empties: Vec<(u32, u32, u32)>,
    /// Calls of the takes of which nobody knows what they took, in order.
    pub unknown: Vec<u32>,
    puts: Vec<u32>,
    takes: Vec<u32>,
}

/// What [`pool`] found.
pub enum Found {
    /// Every element that came out had been put in once, and came out once.
    Sound(Pool),
    /// Not so.
    Unsound(Refutation),
    /// Some element is put in more than once.
    Repeated,
}

/// Sort the operations of a pool, sorted by call, by their `elements` numbered elements.
pub fn pool(operations: &[Operation<PoolAction>], elements: usize) -> Found {
    let mut puts = vec![NOBODY; elements];
    for (operation, index) in operations.iter().zip(0..) {
        if let PoolAction::Put(element) = operation.action {
            if puts[element as usize] != NOBODY {
                return Found::Repeated;
            }
            puts[element as usize] = index;
        }
    }
    let mut takes = vec![NOBODY; elements];
    let (mut empties, mut unknown) = (Vec::new(), Vec::new());
    for (operation, index) in operations.iter().zip(0..) {
        match operation.action {
            PoolAction::Put(_) => {}
            PoolAction::Empty if operation.is_pending() => {}
            PoolAction::Empty => empties.push((index, operation.invocation, operation.completion)),
            PoolAction::TakeUnknown => unknown.push(operation.invocation),
            PoolAction::Take(element) => match take(operations, puts[element as usize], takes[element as usize], index)
            {
                Ok(true) => takes[element as usize] = index,
                Ok(false) => {}
                Err(refutation) => return Found::Unsound(refutation),
            },
        }
    }
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for put in operations {
        let PoolAction::Put(element) = put.action else { continue };
        let put = (put.invocation, put.completion);
        match operations.get(takes[element as usize] as usize) {
            Some(take) => taken.push(Life { put, take: (take.invocation, take.completion), element }),
            None if put.1 != NEVER => left.push(Life { put, take: (NEVER, NEVER), element }),
            None => {}
        }
    }
    Found::Sound(Pool { taken, left, empties, unknown, puts, takes })
}

/// Whether the take at `index` takes the element that was put in at `put` and, by now, taken at `taken`.
fn take(operations: &[Operation<PoolAction>], put: u32, taken: u32, index: u32) -> Result<bool, Refutation> {
    let operation = &operations[index as usize];
    let Some(origin) = operations.get(put as usize) else {
        let never_put = Refutation::new(Rule::NeverPut, [(index, Role::Take)]);
        return if operation.is_pending() { Ok(false) } else { Err(never_put) };
    };
    if operation.completion < origin.invocation {
        return Err(Refutation::new(Rule::TakenBeforePut, [(put, Role::Put), (index, Role::Take)]));
    }
    match operations.get(taken as usize) {
        None => Ok(!(operation.is_pending() && origin.is_pending())),
        Some(other) if !operation.is_pending() && !other.is_pending() => {
            Err(Refutation::new(Rule::TakenTwice, [(put, Role::Put), (taken, Role::Take), (index, Role::Take)]))
        }
        Some(_) => Ok(!operation.is_pending()),
    }
}

impl Pool {
    /// The put and the take of an element, as parts of a refutation.
    pub fn parts(&self, life: &Life, put: Role, take: Role) -> impl Iterator<Item = (u32, Role)> + use<> {
        let [putter, taker] = [self.puts[life.element as usize], self.takes[life.element as usize]];
        [(putter, put), (taker, take)].into_iter().filter(|&(operation, _)| operation != NOBODY)
    }

    /// The same history in which unknown takes removed `gone` of what was left, and nothing else.
    pub fn with(&self, gone: Vec<Life>, left: Vec<Life>) -> Pool {
        Pool {
            taken: self.taken.iter().copied().chain(gone).collect(),
            left,
            empties: self.empties.clone(),
            unknown: Vec::new(),
            puts: self.puts.clone(),
            takes: self.takes.clone(),
        }
    }

    /// How many unknown takes were called before `row`.
    pub fn unknown_before(&self, row: u32) -> usize {
        self.unknown.partition_point(|&call| call < row)
    }

    /// The unknown takes called before `row`, as parts of a refutation.
    pub fn unknown_parts(&self, operations: &[Operation<PoolAction>], row: u32) -> Vec<(u32, Role)> {
        let known = operations.iter().zip(0..).take_while(|(operation, _)| operation.invocation < row);
        let unknown = known.filter(|(operation, _)| operation.action == PoolAction::TakeUnknown);
        unknown.map(|(_, index)| (index, Role::MayHaveTaken)).collect()
    }
}
