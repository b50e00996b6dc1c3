//! Rw-register against the definition, on random small histories: what some order of the transactions explains is never a violation, and
//! where every write follows a known read of its key, what no order explains always is. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod oracle;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use rows::Rows;
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{Inferences, RegisterOptions, Report, check_rw_register};

const CASES: usize = 10_000;
const OK: u8 = 1;
const FAIL: u8 = 2;
const INFO: u8 = 3;
const ALL: Inferences = Inferences { initial_state: true, sequential_keys: true, linearizable_keys: true };
const INITIAL: Inferences = Inferences { initial_state: true, sequential_keys: false, linearizable_keys: false };

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Read(i64, Option<i64>),
    Write(i64, i64),
}

#[derive(Clone, Debug)]
struct Transaction {
    steps: Vec<Step>,
    outcome: u8,
    process: i32,
    interval: (usize, usize),
}

fn rows(history: &[Transaction]) -> Rows {
    let mut moments: Vec<(usize, bool, &Transaction)> = Vec::new();
    for transaction in history {
        moments.push((transaction.interval.0, false, transaction));
        moments.push((transaction.interval.1, true, transaction));
    }
    moments.sort_by_key(|&(moment, is_end, _)| (moment, is_end));
    let mut rows = Rows::default();
    for (_, is_end, transaction) in moments {
        let kind = if is_end { transaction.outcome } else { 0 };
        let mut values = Vec::new();
        for step in &transaction.steps {
            match *step {
                Step::Write(key, value) => values.extend([2, key, 1, value]),
                Step::Read(key, _) if kind != OK => values.extend([0, key, -1]),
                Step::Read(key, None) => values.extend([0, key, 0]),
                Step::Read(key, Some(value)) => values.extend([0, key, 1, value]),
            }
        }
        rows.push(transaction.process, kind, 0, Some(&values));
    }
    rows
}

fn check(history: &[Transaction], consistency: &str, inferences: Inferences) -> Report {
    let rows = rows(history);
    let consistency = Consistency::parse(consistency).expect("a known model");
    let options = RegisterOptions { transaction: Some(0), consistency, inferences, max_search: 1_000_000 };
    check_rw_register(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| panic!("{malformed:?}\n{history:?}"))
}

/// The definition: some order of all ok transactions and some of the unknown ones explains every read.
fn is_serializable(history: &[Transaction], in_real_time: bool) -> bool {
    let candidates: Vec<&Transaction> = history.iter().filter(|t| t.outcome != FAIL).collect();
    place(&candidates, (1 << candidates.len()) - 1, &BTreeMap::new(), in_real_time)
}

fn place(candidates: &[&Transaction], left: u32, store: &BTreeMap<i64, i64>, in_real_time: bool) -> bool {
    let remaining: Vec<usize> = (0..candidates.len()).filter(|index| left & (1 << index) != 0).collect();
    remaining.iter().all(|&index| candidates[index].outcome == INFO)
        || remaining.iter().any(|&index| {
            let next = candidates[index];
            let is_early = in_real_time
                && remaining
                    .iter()
                    .map(|&other| candidates[other])
                    .any(|other| other.outcome == OK && other.interval.1 < next.interval.0);
            let mut after = store.clone();
            let is_possible = !is_early
                && next.steps.iter().all(|step| match *step {
                    Step::Write(key, value) => {
                        after.insert(key, value);
                        true
                    }
                    Step::Read(key, seen) => next.outcome == INFO || after.get(&key).copied() == seen,
                });
            is_possible && place(candidates, left & !(1 << index), &after, in_real_time)
        })
}

/// What a store that runs one transaction at a time did; with `updates`, every write follows a read of its key.
fn serial(random: &mut Random, updates: bool) -> Vec<Transaction> {
    let (count, keys, width) = (2 + random.below(5), 1 + random.below(3), 1 + random.below(4));
    let (mut store, mut fresh) = (BTreeMap::new(), 0);
    let mut history = Vec::new();
    for instant in 0..count {
        // Nobody knows what a transaction of unknown end read, so its writes follow no read.
        let outcome = [OK, OK, OK, OK, OK, OK, FAIL, if updates { OK } else { INFO }][random.below(8)];
        let happens = outcome == OK || (outcome == INFO && random.chance(60));
        let (before, mut steps) = (store.clone(), Vec::new());
        for _ in 0..1 + random.below(3) {
            let key = random.below(keys) as i64;
            let is_write = random.chance(50);
            let is_touched = steps.iter().any(|step| matches!(*step, Step::Read(k, _) | Step::Write(k, _) if k == key));
            if !is_write || (updates && !is_touched) {
                steps.push(Step::Read(key, store.get(&key).copied()));
            }
            if is_write {
                fresh += 1;
                store.insert(key, fresh);
                steps.push(Step::Write(key, fresh));
            }
        }
        if !happens {
            store = before;
        }
        let begin = (10 * instant).saturating_sub(10 * random.below(width) + random.below(5));
        let end = 10 * instant + 1 + 10 * random.below(width);
        // Processes never overlap: each transaction that overlaps another of its process gets a fresh one.
        let process = random.below(2) as i32;
        let is_busy = |other: &Transaction| {
            other.process == process
                && (other.outcome == INFO || (other.interval.1 >= begin && other.interval.0 <= end))
        };
        let process = if history.iter().any(is_busy) { 10 + instant as i32 } else { process };
        history.push(Transaction { steps, outcome, process, interval: (begin, end) });
    }
    // A process's transactions must follow each other: one that begins before an earlier one of its process gets a fresh one too.
    for index in 1..history.len() {
        let (earlier, rest) = history.split_at_mut(index);
        let current = &mut rest[0];
        if earlier.iter().any(|other| other.process == current.process && other.interval.0 >= current.interval.0) {
            current.process = 100 + index as i32;
        }
    }
    history
}

/// Let a read see another version.
fn mutate(random: &mut Random, history: &mut [Transaction]) {
    let values: Vec<(i64, i64)> = history
        .iter()
        .flat_map(|t| &t.steps)
        .filter_map(|step| if let Step::Write(key, value) = *step { Some((key, value)) } else { None })
        .collect();
    let index = random.below(history.len());
    let steps = &mut history[index].steps;
    let place = random.below(steps.len());
    if let Step::Read(key, seen) = &mut steps[place] {
        let others: Vec<i64> = values.iter().filter(|(k, _)| k == key).map(|&(_, value)| value).collect();
        *seen = if others.is_empty() || random.chance(20) { None } else { Some(others[random.below(others.len())]) };
    }
}

fn random(seed: u64, updates: bool) -> Vec<Transaction> {
    let mut random = Random(seed);
    let mut history = serial(&mut random, updates);
    for _ in 0..random.below(4) {
        mutate(&mut random, &mut history);
    }
    history
}

#[test]
fn what_some_order_explains_is_never_a_violation() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let history = random(seed, false);
        for (consistency, inferences, in_real_time) in
            [("strict-serializable", ALL, true), ("serializable", INITIAL, false)]
        {
            let report = check(&history, consistency, inferences);
            let is_violation = report.verdict == Verdict::Violation;
            impossible += usize::from(is_violation);
            let is_explained = is_serializable(&history, in_real_time);
            assert!(!is_violation || !is_explained, "seed {seed}, {consistency}\n{history:?}\n{:?}", report.anomalies);
        }
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were violations: too few to mean anything");
}

#[test]
fn where_every_write_follows_a_read_the_verdict_is_exact() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let history = random(1 << 40 | seed, true);
        let is_explained = is_serializable(&history, false);
        let report = check(&history, "serializable", INITIAL);
        let is_violation = report.verdict == Verdict::Violation;
        assert_eq!(is_violation, !is_explained, "seed {seed}\n{history:?}\n{:?}", report.anomalies);
        impossible += usize::from(is_violation);
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were violations: too few to mean anything");
}

/// What is found in concurrent transactions such as `w1 5; r2` (read nothing) or `r2 7`; `fail` and `info` before them.
fn found(transactions: &[&str]) -> BTreeSet<String> {
    let parse = |(place, text): (usize, &&str)| {
        let (outcome, steps) = match text.split_once(' ') {
            Some(("fail", rest)) => (FAIL, rest),
            Some(("info", rest)) => (INFO, rest),
            _ => (OK, *text),
        };
        let step = |step: &str| {
            let mut words = step.split(' ');
            let head = words.next().expect("a step");
            let key = head[1..].parse().expect("a key");
            let value = words.next().map(|word| word.parse().expect("a value"));
            if head.starts_with('w') { Step::Write(key, value.expect("a value")) } else { Step::Read(key, value) }
        };
        let interval = (place, transactions.len() + place);
        Transaction { steps: steps.split("; ").map(step).collect(), outcome, process: place as i32, interval }
    };
    let history: Vec<Transaction> = transactions.iter().enumerate().map(parse).collect();
    check(&history, "serializable", INITIAL).anomalies.into_iter().map(|anomaly| anomaly.name).collect()
}

fn is_only(found: &BTreeSet<String>, name: &str) -> bool {
    found.len() == 1 && found.contains(name)
}

#[test]
fn each_anomaly_is_found_and_its_twin_is_not() {
    for (name, broken, sound) in [
        ("G1a", &["fail w1 1", "r1 1"][..], &["fail w1 1", "r1"][..]),
        ("G1b", &["w1 1; w1 2", "r1 1"], &["w1 1; w1 2", "r1 2"]),
        ("G1c", &["w1 1; r2 1", "w2 1; r1 1"], &["w1 1; r2 1", "w2 1; r1"]),
        ("G-single-item", &["w1 1; w2 1", "r1; r2 1"], &["w1 1; w2 1", "r1 1; r2 1"]),
        ("G-nonadjacent-item", &["w1 1", "w2 1", "r1 1; r2", "r1; r2 1"], &["w1 1", "w2 1", "r1 1; r2", "r1; r2"]),
        ("G2-item", &["r1; w2 1", "r2; w1 1"], &["r1; w2 1", "r2 1; w1 1"]),
        ("internal", &["w1 1; r1"], &["w1 1; r1 1"]),
        ("future-read", &["r1 1; w1 1"], &["r1; w1 1"]),
        ("garbage-read", &["r1 9"], &["w1 9", "r1 9"]),
    ] {
        assert!(is_only(&found(broken), name), "{name} in {broken:?}: {:?}", found(broken));
        let twin = found(sound);
        assert!(twin.is_empty(), "{sound:?}: {twin:?}");
    }
    let lost = found(&["w1 1", "r1 1; w1 2", "r1 1; w1 3"]);
    assert!(lost.contains("lost-update"), "{lost:?}");
    assert!(found(&["w1 1", "r1 1; w1 2", "r1 2; w1 3"]).is_empty());
}

#[test]
fn without_an_assumption_that_says_anything_the_verdict_is_unknown() {
    let history = vec![
        Transaction { steps: vec![Step::Write(1, 1)], outcome: OK, process: 0, interval: (0, 1) },
        Transaction { steps: vec![Step::Read(1, Some(1))], outcome: OK, process: 1, interval: (2, 3) },
    ];
    let report = check(&history, "serializable", Inferences::default());
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.warnings[0].contains("no order of writes could be inferred"));
}
