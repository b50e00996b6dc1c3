//! A queue, emptied in the end: what was put in comes out, and nothing else, in whatever order. After Jepsen's `total-queue`.
//!
//! Beside what no [`queue`](super::queue) may do, nothing may be *lost*: acknowledged, and never taken out, though the queue was seen empty
//! (or drained) after everything had been put in. A dequeue whose end nobody knows may have taken an element; as many elements as there are
//! such dequeues are doubted, not lost. A drain may have taken any number.
//!
//! A broker whose consumers acknowledge what they got delivers it again when the acknowledgement does not arrive: it promises [at least one
//! delivery](Delivery::AtLeastOnce), and a second one is counted and not held against it.

use super::keys::each_key;
use super::queue::{Functions, traffic};
use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Paired};

/// How often what was put in may come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Not more often than it was put in.
    ExactlyOnce,
    /// However often.
    AtLeastOnce,
}

/// Check that what was put in came out, of each key.
pub fn check(events: &Events, functions: Functions, delivery: Delivery) -> Result<Report, Malformed> {
    each_key(events, &functions.all(), |operations| check_one(events, operations, functions, delivery))
}

fn check_one(
    events: &Events,
    paired: &[Paired],
    functions: Functions,
    delivery: Delivery,
) -> Result<Report, Malformed> {
    let traffic = traffic(events, paired, functions)?;
    let recovered = traffic.recovered();
    let is_emptied = traffic.seen_empty > traffic.last_acknowledged;
    let missing: usize =
        traffic.elements.iter().map(|element| element.acknowledged.saturating_sub(element.taken)).sum();
    let mut lost = Finding::new("lost");
    let mut doubts = Vec::new();
    if is_emptied && missing > traffic.taken_unseen {
        for element in traffic.elements.iter().filter(|element| element.acknowledged > element.taken) {
            lost.add(|| Case {
                rows: element.first_attempt.into_iter().collect(),
                roles: vec!["put it in, acknowledged"],
                told: format!("{} was acknowledged and never came out", element.value),
            });
        }
    } else if missing > 0 {
        let why = if is_emptied {
            "dequeues or drains whose end nobody knows may have taken what is missing"
        } else {
            "the queue was not seen empty after everything had been put in"
        };
        let elements = if missing == 1 { "element" } else { "elements" };
        doubts.push(format!("{missing} acknowledged {elements} never came out; {why}"));
    }
    let mut findings = vec![lost, traffic.unexpected];
    let redelivered = traffic.duplicated.count;
    if delivery == Delivery::ExactlyOnce {
        findings.push(traffic.duplicated);
    }
    let report = Report::conclude(traffic.operations, traffic.observations, findings, doubts);
    let report = report.counting("recovered", recovered);
    Ok(if delivery == Delivery::AtLeastOnce { report.counting("redelivered", redelivered) } else { report })
}
