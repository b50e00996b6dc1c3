//! Histories as lists of operations, for tests of invariants: made by hand or at random, and laid out in rows.
#![allow(dead_code, reason = "each test binary uses its own part")]

use schrodinger_checkers::invariants::Report;
use schrodinger_checkers::pairing::Malformed;
use schrodinger_checkers::{Events, Verdict};

use crate::oracle::Random;
use crate::rows::Rows;

pub const INVOKE: u8 = 0;
pub const OK: u8 = 1;
pub const FAIL: u8 = 2;
pub const INFO: u8 = 3;

/// One operation: its function, when it was invoked and completed, how, and its values then.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub process: i32,
    pub f: u8,
    pub key: Option<i64>,
    pub interval: (usize, usize),
    pub outcome: u8,
    pub asked: Option<Vec<i64>>,
    pub answered: Option<Vec<i64>>,
}

impl Operation {
    pub fn is_ok(&self) -> bool {
        self.outcome == OK
    }

    /// It had returned before the other was called.
    pub fn is_before(&self, other: &Operation) -> bool {
        self.interval.1 < other.interval.0
    }

    /// The one value that was asked for, or answered.
    pub fn asked(&self) -> i64 {
        self.asked.as_ref().map_or(0, |values| values[0])
    }

    pub fn answered(&self) -> i64 {
        self.answered.as_ref().map_or(0, |values| values[0])
    }
}

/// In rows: where a call and a return fall together, the call comes first. The operations of a process must not overlap.
pub fn rows(operations: &[Operation]) -> Rows {
    let mut moments: Vec<(usize, bool, usize)> = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        moments.push((operation.interval.0, false, number));
        moments.push((operation.interval.1, true, number));
    }
    moments.sort_unstable();
    let mut rows = Rows::default();
    for (_, is_end, number) in moments {
        let operation = &operations[number];
        let (kind, value) = match is_end {
            false => (INVOKE, &operation.asked),
            true if operation.outcome == OK => (OK, &operation.answered),
            true if operation.outcome == INFO && operation.answered.is_some() => (INFO, &operation.answered),
            true => (operation.outcome, &operation.asked),
        };
        rows.push_keyed(operation.process, kind, operation.f, operation.key, value.as_deref());
    }
    rows
}

/// Operations one after the other, each of a process of its own: function, outcome, what was asked and answered.
pub fn sequence(operations: &[(u8, u8, &[i64], &[i64])]) -> Rows {
    let placed: Vec<Operation> = operations
        .iter()
        .enumerate()
        .map(|(place, &(f, outcome, asked, answered))| Operation {
            process: place as i32,
            f,
            key: None,
            interval: (2 * place, 2 * place + 1),
            outcome,
            asked: (!asked.is_empty()).then(|| asked.to_vec()),
            answered: (!answered.is_empty()).then(|| answered.to_vec()),
        })
        .collect();
    rows(&placed)
}

/// Operations of a few processes, one after the other in each; a process whose operation ends `info` is replaced by a fresh one.
pub fn random_operations(
    random: &mut Random,
    most: usize,
    workers: usize,
    mut make: impl FnMut(&mut Random, &mut Operation),
) -> Vec<Operation> {
    let mut free_at = vec![0; workers];
    let mut process: Vec<i32> = (0..workers as i32).collect();
    let mut operations = Vec::new();
    for _ in 0..1 + random.below(most) {
        let worker = random.below(workers);
        let begin = free_at[worker] + random.below(60);
        let end = begin + random.below(90);
        free_at[worker] = end + 1;
        let mut operation = Operation {
            process: process[worker],
            f: 0,
            key: None,
            interval: (begin, end),
            outcome: [OK, OK, OK, FAIL, INFO][random.below(5)],
            asked: None,
            answered: None,
        };
        make(random, &mut operation);
        if operation.outcome == INFO {
            process[worker] += workers as i32;
        }
        operations.push(operation);
    }
    operations.sort_by_key(|operation| operation.interval);
    operations
}

/// The verdict and the names of what was found.
pub fn told(report: Result<Report, Malformed>) -> (Verdict, Vec<&'static str>) {
    let report = report.unwrap_or_else(|malformed| panic!("{malformed:?}"));
    (report.verdict, report.findings.iter().map(|finding| finding.name).collect())
}

/// What the beginning of a history violates, all of it violates.
pub fn assert_final(rows: &Rows, check: impl Fn(&Events) -> Result<Report, Malformed>) {
    let mut violated = false;
    for length in 0..=rows.kind.len() {
        let is_violated = told(check(&rows.beginning(length))).0 == Verdict::Violation;
        assert!(is_violated || !violated, "mended by row {}", length.saturating_sub(1));
        violated = is_violated;
    }
}
