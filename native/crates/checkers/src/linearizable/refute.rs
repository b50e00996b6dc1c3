//! A linear-time test that finds the common anomalies of a register before any search: it refutes, and never accepts.
//!
//! What an operation observed must have been written by somebody who was called before it returned, and must not have been overwritten
//! for good: if every producer of the value had returned before another producer began, which itself returned before the observer
//! began, the value was gone. What it finds is a violation whatever the search could afford; what it does not find may be one still.

use super::Operation;
use crate::models::{Register, RegisterAction};

/// The row of the first return that some observation makes impossible, if the test finds one.
pub fn refute(operations: &[Operation<RegisterAction>], values: usize) -> Option<u32> {
    let mut newest = Newest::default();
    let mut last_return = vec![None; values];
    let mut overwritten_since = vec![None; operations.len()];
    for Moment { row, index } in moments(operations) {
        let operation = &operations[index];
        let (consumes, produces) = (operation.action.consumes(), operation.action.produces());
        if row == operation.invocation {
            if let Some(value) = produces {
                last_return[value as usize] = last_return[value as usize].max(Some(operation.completion));
            }
            overwritten_since[index] = consumes.and_then(|value| newest.of_another_value(value));
            continue;
        }
        if let Some(value) = consumes {
            let possible = match (last_return[value as usize], overwritten_since[index]) {
                (Some(returned), Some(since)) => returned > since,
                (Some(_), None) => true,
                (None, since) => value == Register::INITIAL && since.is_none(),
            };
            if !possible {
                return Some(row);
            }
        }
        if let Some(value) = produces {
            newest.returned(value, operation.invocation);
        }
    }
    None
}

/// A call or a return.
struct Moment {
    row: u32,
    index: usize,
}

/// Every call and return, in order.
fn moments(operations: &[Operation<RegisterAction>]) -> impl Iterator<Item = Moment> {
    let packed = |row: u32, index: usize| (u64::from(row) << 32) | index as u64;
    let mut moments: Vec<u64> = Vec::with_capacity(2 * operations.len());
    for (index, operation) in operations.iter().enumerate() {
        moments.push(packed(operation.invocation, index));
        if !operation.is_pending() {
            moments.push(packed(operation.completion, index));
        }
    }
    moments.sort_unstable();
    moments.into_iter().map(|packed| Moment { row: (packed >> 32) as u32, index: packed as u32 as usize })
}

/// Of the producers that returned, the one that was called last, and the one called last of those with any other value.
#[derive(Default)]
struct Newest {
    first: Option<(u32, u32)>,
    second: Option<(u32, u32)>,
}

impl Newest {
    fn returned(&mut self, value: u32, call: u32) {
        match self.first {
            Some((first, called)) if first == value => self.first = Some((value, called.max(call))),
            Some((_, called)) if called > call => {
                if self.second.is_none_or(|(_, called)| called < call) {
                    self.second = Some((value, call));
                }
            }
            _ => self.second = self.first.replace((value, call)),
        }
    }

    /// The last call of a producer of anything but `value` that returned.
    fn of_another_value(&self, value: u32) -> Option<u32> {
        let other = if self.first.is_some_and(|(first, _)| first == value) { self.second } else { self.first };
        other.map(|(_, call)| call)
    }
}
