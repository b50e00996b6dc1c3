//! A queue, emptied in the end: what was put in comes out, and nothing else, in whatever order. After Jepsen's `total-queue`.
//!
//! - *lost*: acknowledged, and never taken out, though the queue was seen empty (or drained) after everything had been put in. A dequeue
//!   whose end nobody knows may have taken an element; as many elements as there are such dequeues are doubted, not lost.
//! - *unexpected*: taken out, though nobody had tried to put it in by then, or putting it in failed.
//! - *duplicated*: taken out more often than it was put in.

use rustc_hash::FxHashMap;

use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome, pair};

/// The functions of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Puts an element in.
    pub enqueue: Option<u8>,
    /// Takes one out, or finds the queue empty.
    pub dequeue: Option<u8>,
    /// Takes all out.
    pub drain: Option<u8>,
}

/// What is known of one element.
#[derive(Default)]
struct Element {
    acknowledged: usize,
    attempts: usize,
    taken: usize,
    first_attempt: Option<u32>,
    first_taken: Option<(u32, u32)>,
    last_taken: u32,
}

/// Check that what was put in came out.
pub fn check(events: &Events, functions: Functions) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut elements: FxHashMap<i64, Element> = FxHashMap::default();
    let mut order: Vec<i64> = Vec::new();
    let (mut operations, mut observations, mut unknown_dequeues) = (0, 0, 0);
    let (mut last_acknowledged, mut seen_empty) = (None, None);
    for operation in pair(events)? {
        let row = operation.invocation as usize;
        let f = Some(events.f[row]);
        let (is_enqueue, is_dequeue) = (f == functions.enqueue, f == functions.dequeue || f == functions.drain);
        operations += usize::from(is_enqueue || is_dequeue);
        if is_enqueue && operation.outcome != Outcome::Fail {
            let Some(&[value]) = events.value(row) else {
                malformed.add(row, "an element is one number".to_owned());
                continue;
            };
            let element = elements.entry(value).or_insert_with(|| {
                order.push(value);
                Element::default()
            });
            element.attempts += 1;
            element.first_attempt.get_or_insert(operation.invocation);
            if operation.outcome == Outcome::Ok {
                element.acknowledged += 1;
                last_acknowledged = last_acknowledged.max(Some(operation.completion));
            }
        } else if is_dequeue && operation.outcome == Outcome::Info {
            unknown_dequeues += 1;
        } else if is_dequeue && operation.outcome == Outcome::Ok {
            observations += 1;
            let taken = events.value(operation.completion as usize).unwrap_or(&[]);
            if taken.is_empty() || f == functions.drain {
                seen_empty = seen_empty.max(Some(operation.invocation));
            }
            for &value in taken {
                let element = elements.entry(value).or_insert_with(|| {
                    order.push(value);
                    Element::default()
                });
                element.taken += 1;
                element.first_taken.get_or_insert((operation.invocation, operation.completion));
                element.last_taken = operation.invocation;
            }
        }
    }
    let is_emptied = seen_empty > last_acknowledged;
    let missing: usize = elements.values().map(|element| element.acknowledged.saturating_sub(element.taken)).sum();
    let [mut lost, mut unexpected, mut duplicated] = ["lost", "unexpected", "duplicated"].map(Finding::new);
    for value in order {
        let Some(element) = elements.get(&value) else { continue };
        let was_early =
            element.first_taken.is_some_and(|(_, end)| element.first_attempt.is_none_or(|attempt| attempt > end));
        if let (true, Some((taker, _))) = (was_early, element.first_taken) {
            unexpected.add(|| Case {
                rows: vec![taker],
                roles: vec!["took it out"],
                told: format!("{value} came out though nobody had put it in"),
            });
        } else if element.taken > element.attempts {
            duplicated.add(|| Case {
                rows: element.first_taken.map(|(row, _)| row).into_iter().chain([element.last_taken]).collect(),
                roles: vec!["took it out", "took it out again"],
                told: format!("{value} was put in {} times and came out {} times", element.attempts, element.taken),
            });
        } else if element.acknowledged > element.taken && is_emptied && missing > unknown_dequeues {
            lost.add(|| Case {
                rows: element.first_attempt.into_iter().collect(),
                roles: vec!["put it in, acknowledged"],
                told: format!("{value} was acknowledged and never came out"),
            });
        }
    }
    let mut doubts = Vec::new();
    if missing > 0 && lost.count == 0 {
        let why = if is_emptied {
            "dequeues whose end nobody knows may have taken them"
        } else {
            "the queue was not seen empty after everything had been put in"
        };
        doubts.push(format!("{missing} acknowledged elements never came out; {why}"));
    }
    malformed.unless(Report::conclude(operations, observations, vec![lost, unexpected, duplicated], doubts))
}
