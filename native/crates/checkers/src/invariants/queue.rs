//! A queue of whatever order: what comes out was put in, and not more often than it was put in. After Jepsen's `queue`.
//!
//! - *unexpected*: taken out, though nobody had tried to put it in by then, or putting it in failed.
//! - *duplicated*: taken out more often than anybody had tried to put it in by then.
//!
//! Everything that was taken out by a row must fit to attempts before that row. The attempts of an element only grow, so counting them is
//! enough to know that each taking has an attempt of its own (Hall's condition for nested sets).

use rustc_hash::FxHashMap;

use super::keys::each_key;
use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome, Paired};

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
pub(super) struct Element {
    pub value: i64,
    pub acknowledged: usize,
    pub attempts: usize,
    pub taken: usize,
    pub first_attempt: Option<u32>,
    first_taken: u32,
}

/// What went in and what came out.
pub(super) struct Traffic {
    pub operations: usize,
    /// Dequeues and drains that completed ok.
    pub observations: usize,
    /// How many elements may have been taken out by those of unknown end: one by a dequeue, any number by a drain.
    pub taken_unseen: usize,
    /// In the order of first mention.
    pub elements: Vec<Element>,
    pub unexpected: Finding,
    pub duplicated: Finding,
    /// The return of the last enqueue that was acknowledged.
    pub last_acknowledged: Option<u32>,
    /// The call of the last dequeue that found nothing, or of the last drain.
    pub seen_empty: Option<u32>,
}

impl Traffic {
    /// How many elements came out though nobody knew whether they had been put in.
    pub fn recovered(&self) -> usize {
        let is_recovered = |element: &&Element| (element.acknowledged + 1..=element.attempts).contains(&element.taken);
        self.elements.iter().filter(is_recovered).count()
    }
}

/// Check that everything that came out had been put in, of each key.
pub fn check(events: &Events, functions: Functions) -> Result<Report, Malformed> {
    each_key(events, &functions.all(), |operations| check_one(events, operations, functions))
}

fn check_one(events: &Events, paired: &[Paired], functions: Functions) -> Result<Report, Malformed> {
    let traffic = traffic(events, paired, functions)?;
    let recovered = traffic.recovered();
    let findings = vec![traffic.unexpected, traffic.duplicated];
    Ok(Report::conclude(traffic.operations, traffic.observations, findings, Vec::new())
        .counting("recovered", recovered))
}

/// What happens in a row.
enum Moment {
    PutIn(i64),
    TakenBy(u32),
}

impl Functions {
    pub(super) fn all(self) -> [Option<u8>; 3] {
        [self.enqueue, self.dequeue, self.drain]
    }
}

/// Go through the history once.
pub(super) fn traffic(events: &Events, paired: &[Paired], functions: Functions) -> Result<Traffic, Malformed> {
    let mut malformed = Malformed::default();
    let mut moments: Vec<(u32, Moment)> = Vec::new();
    let mut acknowledged: Vec<(u32, i64)> = Vec::new();
    let mut traffic = Traffic {
        operations: 0,
        observations: 0,
        taken_unseen: 0,
        elements: Vec::new(),
        unexpected: Finding::new("unexpected"),
        duplicated: Finding::new("duplicated"),
        last_acknowledged: None,
        seen_empty: None,
    };
    for operation in paired {
        let row = operation.invocation as usize;
        let f = Some(events.f[row]);
        let (is_enqueue, is_dequeue) = (f == functions.enqueue, f == functions.dequeue || f == functions.drain);
        traffic.operations += usize::from(is_enqueue || is_dequeue);
        if is_enqueue && operation.outcome != Outcome::Fail {
            let Some(&[value]) = events.value(row) else {
                malformed.add(row, "an element is one number".to_owned());
                continue;
            };
            moments.push((operation.invocation, Moment::PutIn(value)));
            if operation.outcome == Outcome::Ok {
                acknowledged.push((operation.completion, value));
                traffic.last_acknowledged = traffic.last_acknowledged.max(Some(operation.completion));
            }
        } else if is_dequeue && operation.outcome == Outcome::Info {
            let most = if f == functions.drain { usize::MAX } else { 1 };
            traffic.taken_unseen = traffic.taken_unseen.saturating_add(most);
        } else if is_dequeue && operation.outcome == Outcome::Ok {
            traffic.observations += 1;
            let taken = events.value(operation.completion as usize).unwrap_or(&[]);
            if taken.is_empty() || f == functions.drain {
                traffic.seen_empty = traffic.seen_empty.max(Some(operation.invocation));
            }
            if taken.len() > 1 && f == functions.dequeue {
                let what = format!("a dequeue takes one element, and this took {}", taken.len());
                malformed.add(operation.completion as usize, what);
            }
            moments.push((operation.completion, Moment::TakenBy(operation.invocation)));
        }
    }
    moments.sort_unstable_by_key(|&(row, _)| row);
    let mut numbers: FxHashMap<i64, usize> = FxHashMap::default();
    for (row, moment) in moments {
        match moment {
            Moment::PutIn(value) => {
                let element = element(&mut numbers, &mut traffic.elements, value);
                element.attempts += 1;
                element.first_attempt.get_or_insert(row);
            }
            Moment::TakenBy(taker) => {
                for &value in events.value(row as usize).unwrap_or(&[]) {
                    traffic.take(&mut numbers, value, taker);
                }
            }
        }
    }
    for (_, value) in acknowledged {
        element(&mut numbers, &mut traffic.elements, value).acknowledged += 1;
    }
    malformed.unless(traffic)
}

impl Traffic {
    fn take(&mut self, numbers: &mut FxHashMap<i64, usize>, value: i64, taker: u32) {
        let element = element(numbers, &mut self.elements, value);
        element.taken += 1;
        let (first_taken, attempts, taken) = (element.first_taken, element.attempts, element.taken);
        if taken == 1 {
            element.first_taken = taker;
        }
        if attempts == 0 {
            self.unexpected.add(|| Case {
                rows: vec![taker],
                roles: vec!["took it out"],
                told: format!("{value} came out though nobody had put it in"),
            });
        } else if taken > attempts {
            self.duplicated.add(|| Case {
                rows: vec![first_taken, taker],
                roles: vec!["took it out", "took it out again"],
                told: format!("{value} was put in {} and came out {}", how_often(attempts), how_often(taken)),
            });
        }
    }
}

fn how_often(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn element<'a>(numbers: &mut FxHashMap<i64, usize>, elements: &'a mut Vec<Element>, value: i64) -> &'a mut Element {
    let number = *numbers.entry(value).or_insert(elements.len());
    if number == elements.len() {
        elements.push(Element { value, ..Element::default() });
    }
    &mut elements[number]
}
