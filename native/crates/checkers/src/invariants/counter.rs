//! A counter: every read lies between what must have been added and what may have been. After Jepsen's `counter`, with negative amounts.
//!
//! A read includes every add that was acknowledged before it began, and may include any add that was invoked before it ended and did not
//! fail. So it is at least the former's sum with every negative amount of the latter, and at most with every positive one. The bounds are
//! necessary for linearizability; the search with the counter's model decides it.

use super::keys::each_key;
use super::{Case, Finding, Report};
use crate::events::{Events, is_number};
use crate::pairing::{Malformed, NEVER, Outcome, Paired};

/// The functions of a counter.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Adds an amount.
    pub add: Option<u8>,
    /// Observes the sum.
    pub read: Option<u8>,
}

/// The sums of positive and of negative amounts.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    positive: i128,
    negative: i128,
}

impl Sums {
    fn add(&mut self, amount: i64) {
        if amount < 0 {
            self.negative += i128::from(amount);
        } else {
            self.positive += i128::from(amount);
        }
    }
}

/// What happens in a row.
#[derive(Clone, Copy)]
enum Moment {
    Invoked(i64),
    Acknowledged(i64),
    ReadBegan(usize),
    ReadEnded(usize),
}

struct Read {
    invocation: u32,
    value: i64,
    acknowledged: Sums,
}

/// Check a counter that starts at `initial`, or one for each key.
pub fn check(events: &Events, functions: Functions, initial: i64) -> Result<Report, Malformed> {
    each_key(events, &[functions.add, functions.read], |operations| check_one(events, operations, functions, initial))
}

fn check_one(events: &Events, paired: &[Paired], functions: Functions, initial: i64) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut moments: Vec<(u32, Moment)> = Vec::new();
    let mut reads: Vec<Read> = Vec::new();
    let mut operations = 0;
    for operation in paired {
        let (row, f) = (operation.invocation as usize, Some(events.f[operation.invocation as usize]));
        operations += usize::from(f == functions.add || f == functions.read);
        if f == functions.add && operation.outcome != Outcome::Fail {
            let Some(&[amount]) = events.value(row).filter(|amount| amount.iter().copied().all(is_number)) else {
                malformed.add(row, "an amount is one whole number".to_owned());
                continue;
            };
            moments.push((operation.invocation, Moment::Invoked(amount)));
            if operation.outcome == Outcome::Ok {
                moments.push((operation.completion, Moment::Acknowledged(amount)));
            }
        } else if f == functions.read && operation.outcome == Outcome::Ok && operation.completion != NEVER {
            let end = operation.completion as usize;
            let Some(&[value]) = events.value(end).filter(|count| count.iter().copied().all(is_number)) else {
                malformed.add(end, "a count is one whole number".to_owned());
                continue;
            };
            moments.push((operation.invocation, Moment::ReadBegan(reads.len())));
            moments.push((operation.completion, Moment::ReadEnded(reads.len())));
            reads.push(Read { invocation: operation.invocation, value, acknowledged: Sums::default() });
        }
    }
    moments.sort_unstable_by_key(|&(row, _)| row);
    let mut impossible = Finding::new("impossible-count");
    let (mut invoked, mut acknowledged) = (Sums::default(), Sums::default());
    for (_, moment) in moments {
        match moment {
            Moment::Invoked(amount) => invoked.add(amount),
            Moment::Acknowledged(amount) => acknowledged.add(amount),
            Moment::ReadBegan(read) => reads[read].acknowledged = acknowledged,
            Moment::ReadEnded(read) => {
                let Read { invocation, value, acknowledged: before } = reads[read];
                let least = i128::from(initial) + before.positive + invoked.negative;
                let most = i128::from(initial) + before.negative + invoked.positive;
                if !(least..=most).contains(&i128::from(value)) {
                    impossible.add(|| Case {
                        rows: vec![invocation],
                        roles: vec!["read an impossible count"],
                        told: format!("the counter was read as {value}; it must have been between {least} and {most}"),
                    });
                }
            }
        }
    }
    malformed.unless(Report::conclude(operations, reads.len(), vec![impossible], Vec::new()))
}
