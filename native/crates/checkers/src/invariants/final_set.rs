//! A set that is read once, in the end: what was acknowledged is there, and nothing that nobody added. After Jepsen's `set`.
//!
//! Only the last read counts, the one that was called last of those that returned: [`crate::set`] judges every read. *Lost* is an element
//! that was acknowledged before that read began and is not in it; *unexpected* one in it whose every add failed, or was called only after it
//! had returned; *duplicated* one that it has more than once; *recovered* one in it of which nobody knew.

use rustc_hash::FxHashMap;

use super::keys::each_key;
use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome, Paired};
use crate::set::Functions;

/// The adds of one element.
#[derive(Default)]
struct Element {
    /// The first add that was acknowledged before the last read began.
    acknowledged: Option<u32>,
    /// Whether an add may have happened before the last read returned.
    attempted: bool,
    /// Whether an add was acknowledged, sooner or later.
    confirmed: bool,
    /// An add that failed, or came too late.
    other: Option<u32>,
}

/// Check the last read, of each key.
pub fn check(events: &Events, functions: Functions) -> Result<Report, Malformed> {
    each_key(events, &[functions.add, functions.read], |operations| check_one(events, operations, functions))
}

fn check_one(events: &Events, paired: &[Paired], functions: Functions) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut adds: Vec<(i64, Paired)> = Vec::new();
    let mut last: Option<Paired> = None;
    let (mut operations, mut observations) = (0, 0);
    for &operation in paired {
        let row = operation.invocation as usize;
        let f = Some(events.f[row]);
        operations += usize::from(f == functions.add || f == functions.read);
        if f == functions.add {
            match events.value(row) {
                Some(&[value]) => adds.push((value, operation)),
                _ => malformed.add(row, "an element is one number".to_owned()),
            }
        } else if f == functions.read && operation.outcome == Outcome::Ok {
            if events.value(operation.completion as usize).is_none() {
                malformed.add(operation.completion as usize, "a read that is ok has a list".to_owned());
            }
            observations += 1;
            last = Some(operation);
        }
    }
    let Some(last) = last else {
        return malformed.unless(Report::conclude(operations, 0, Vec::new(), Vec::new()));
    };
    let [mut lost, mut unexpected, mut duplicated] = ["lost", "unexpected", "duplicated"].map(Finding::new);
    let mut elements: FxHashMap<i64, Element> = FxHashMap::default();
    let (mut acknowledged, mut too_late) = (0, 0);
    for &(value, add) in &adds {
        let element = elements.entry(value).or_default();
        if add.outcome == Outcome::Fail || add.invocation > last.completion {
            element.other.get_or_insert(add.invocation);
        } else {
            element.attempted = true;
        }
        element.confirmed |= add.outcome == Outcome::Ok;
        if add.outcome == Outcome::Ok && add.completion < last.invocation {
            element.acknowledged.get_or_insert(add.invocation);
            acknowledged += 1;
        } else if add.outcome == Outcome::Ok {
            too_late += 1;
        }
    }
    let mut seen: FxHashMap<i64, usize> = FxHashMap::default();
    let mut recovered = 0;
    for &value in events.value(last.completion as usize).unwrap_or(&[]) {
        let times = seen.entry(value).or_insert(0);
        *times += 1;
        let element = elements.get(&value);
        if *times == 2 {
            duplicated.add(|| {
                Case::new(
                    &[(last.invocation, "read it more than once")],
                    format!("the last read has {value} more than once"),
                )
            });
        } else if *times > 2 {
            continue;
        } else if !element.is_some_and(|element| element.attempted) {
            let read = (last.invocation, "read what can't be there");
            match element.and_then(|element| element.other) {
                None => unexpected.add(|| Case::new(&[read], format!("the last read has {value}, which nobody added"))),
                Some(add) => unexpected.add(|| {
                    let what = format!("the last read has {value}, whose add had failed or not begun");
                    Case::new(&[(add, "added it, too late or in vain"), read], what)
                }),
            }
        } else {
            recovered += usize::from(element.is_some_and(|element| !element.confirmed));
        }
    }
    for &(value, add) in &adds {
        let is_first = elements.get(&value).is_some_and(|element| element.acknowledged == Some(add.invocation));
        if is_first && !seen.contains_key(&value) {
            let rows = [(add.invocation, "added it, acknowledged"), (last.invocation, "the last read, without it")];
            lost.add(|| Case::new(&rows, format!("{value} was acknowledged, and the last read has it not")));
        }
    }
    let mut doubts = Vec::new();
    if acknowledged == 0 {
        doubts.push("no add was acknowledged before the last read began, so nothing could be lost".to_owned());
    }
    if too_late > 0 {
        let adds = if too_late == 1 { "1 add was".to_owned() } else { format!("{too_late} adds were") };
        doubts.push(format!("{adds} acknowledged only after the last read had begun"));
    }
    let findings = vec![lost, unexpected, duplicated];
    malformed.unless(Report::conclude(operations, observations, findings, doubts).counting("recovered", recovered))
}
