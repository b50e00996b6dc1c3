//! Independent keys: each is an object of its own, and the history is as its worst.

use super::{Case, Finding, LISTED, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome, Paired, by_key, pair};

/// Judge the operations of each key that have one of these functions. A key on which nothing succeeded raises no doubt of its own.
pub(super) fn each_key(
    events: &Events,
    functions: &[Option<u8>],
    judge: impl Fn(&[Paired]) -> Result<Report, Malformed>,
) -> Result<Report, Malformed> {
    let mut objects = by_key(events, pair(events)?, functions);
    if objects.len() == 1 {
        return objects.pop().map_or_else(|| judge(&[]), |(_, operations)| judge(&operations));
    }
    let mut malformed = Malformed::default();
    let mut all = Report::conclude(0, 0, Vec::new(), Vec::new());
    let mut doubts = Vec::new();
    for (key, operations) in objects {
        let report = match judge(&operations) {
            Ok(report) => report,
            Err(problems) => {
                malformed.join(problems);
                continue;
            }
        };
        let of_key = |told: String| key.map_or_else(|| told.clone(), |key| format!("of key {key}, {told}"));
        if operations.iter().any(|operation| operation.outcome == Outcome::Ok) {
            doubts.extend(report.doubts.into_iter().map(of_key));
        }
        all.operations += report.operations;
        all.observations += report.observations;
        for (name, count) in report.counts {
            *all.counts.entry(name).or_insert(0) += count;
        }
        for finding in report.findings {
            let first = finding.first.into_iter().map(|case| Case { told: of_key(case.told), ..case }).collect();
            join(&mut all.findings, Finding { first, ..finding });
        }
    }
    if let Some(more) = doubts.len().checked_sub(LISTED).filter(|&more| more > 0) {
        doubts.truncate(LISTED);
        doubts.push(format!("of other keys, doubts that are not told: {more}"));
    }
    let joined = Report::conclude(all.operations, all.observations, all.findings, doubts);
    malformed.unless(Report { counts: all.counts, ..joined })
}

/// Add a finding to those of its name; the cases that are listed are the earliest.
fn join(findings: &mut Vec<Finding>, other: Finding) {
    match findings.iter_mut().find(|finding| finding.name == other.name) {
        None => findings.push(other),
        Some(finding) => {
            finding.count += other.count;
            finding.first.extend(other.first);
            finding.first.sort_by_key(|case| case.rows.iter().max().copied());
            finding.first.truncate(LISTED);
        }
    }
}
