//! Invariants that one pass over the history decides: what a counter can show, what a bank holds, ids that come twice, elements of a
//! queue or a log, who holds a lock.
//!
//! Each is after Jepsen's checker of that name, where it has one. What is certain counts against the database and what nobody knows for it: an operation that
//! ended `info` may have happened, one that failed did not. Of counters, sets and queues there is one for each key. Every checker has a twin in the tests that decides by the definition.

pub mod bank;
pub mod counter;
pub mod final_set;
mod keys;
pub mod lock;
pub mod log;
pub mod long_fork;
pub mod monotonic;
pub mod queue;
pub mod total_queue;
pub mod unique_ids;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::verdict::Verdict;

/// How many cases of a finding are listed before the rest is only counted.
pub const LISTED: usize = 10;

/// What a pass found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The answer.
    pub verdict: Verdict,
    /// Operations that it looked at.
    pub operations: usize,
    /// Those that observed something.
    pub observations: usize,
    /// What must not be, by name.
    pub findings: Vec<Finding>,
    /// Why a history without findings proves less than it seems.
    pub doubts: Vec<String>,
    /// What is no finding and good to know, by name.
    pub counts: BTreeMap<&'static str, usize>,
}

impl Report {
    /// A violation if there is a finding, unknown if there is a doubt or nothing was observed.
    pub(crate) fn conclude(
        operations: usize,
        observations: usize,
        findings: Vec<Finding>,
        mut doubts: Vec<String>,
    ) -> Report {
        let findings: Vec<Finding> = findings.into_iter().filter(|finding| finding.count > 0).collect();
        if observations == 0 {
            doubts.push("nothing was observed: no operation that observes completed ok".to_owned());
        }
        let verdict = match (findings.is_empty(), doubts.is_empty()) {
            (false, _) => Verdict::Violation,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Valid,
        };
        Report { verdict, operations, observations, findings, doubts, counts: BTreeMap::new() }
    }

    pub(crate) fn counting(mut self, name: &'static str, count: usize) -> Report {
        self.counts.insert(name, count);
        self
    }
}

/// One kind of thing that must not be.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its name.
    pub name: &'static str,
    /// How often.
    pub count: usize,
    /// The first few.
    pub first: Vec<Case>,
}

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Invocations of the operations.
    pub rows: Vec<u32>,
    /// What each of them did.
    pub roles: Vec<&'static str>,
    /// What happened, in a sentence without its end.
    pub told: String,
}

impl Case {
    /// Operations, each with what it did, and what that comes to.
    pub(crate) fn new(rows: &[(u32, &'static str)], told: String) -> Case {
        let (rows, roles) = rows.iter().copied().unzip();
        Case { rows, roles, told }
    }
}

impl Finding {
    pub(crate) fn new(name: &'static str) -> Finding {
        Finding { name, count: 0, first: Vec::new() }
    }

    pub(crate) fn add(&mut self, case: impl FnOnce() -> Case) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(case());
        }
    }
}
