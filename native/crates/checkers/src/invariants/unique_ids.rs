//! Ids that are handed out: none comes twice. After Jepsen's `unique-ids`.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome, pair};

/// Check the ids that `generate` returned.
pub fn check(events: &Events, generate: Option<u8>) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut duplicated = Finding::new("duplicate-id");
    let mut first: FxHashMap<i64, u32> = FxHashMap::default();
    let (mut operations, mut observations) = (0, 0);
    for operation in pair(events)? {
        if Some(events.f[operation.invocation as usize]) != generate {
            continue;
        }
        operations += 1;
        if operation.outcome != Outcome::Ok {
            continue;
        }
        let Some(&[id]) = events.value(operation.completion as usize) else {
            malformed.add(operation.completion as usize, "an id is one number".to_owned());
            continue;
        };
        observations += 1;
        match first.entry(id) {
            Entry::Vacant(free) => {
                free.insert(operation.invocation);
            }
            Entry::Occupied(taken) => duplicated.add(|| Case {
                rows: vec![*taken.get(), operation.invocation],
                roles: vec!["got the id", "got it again"],
                told: format!("id {id} was handed out twice"),
            }),
        }
    }
    malformed.unless(Report::conclude(operations, observations, vec![duplicated], Vec::new()))
}
