//! Rw-register against the definition, on random small histories: what some order of the transactions explains is never a violation, and
//! where every write follows a known read of its key, what no order explains always is. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod oracle;
mod reference;
mod registers;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use reference::{CLASSES, REACHES, implied};
use registers::{
    FAIL, INFO, OK, Step, Transaction, dependencies, in_process, in_real_time, is_serializable, mutate, rows, serial,
    share_a_key,
};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{Inferences, RegisterOptions, Report, check_rw_register};

const CASES: usize = 10_000;
const ALL: Inferences =
    Inferences { initial_state: true, sequential_keys: true, linearizable_keys: true, database_versions: true };
const INITIAL: Inferences =
    Inferences { initial_state: true, sequential_keys: false, linearizable_keys: false, database_versions: true };

fn check(history: &[Transaction], consistency: &str, inferences: Inferences) -> Report {
    checked(history, false, consistency, inferences)
}

/// `told` with the database's numbers of versions.
fn checked(history: &[Transaction], told: bool, consistency: &str, inferences: Inferences) -> Report {
    let rows = rows(history, told);
    let consistency = Consistency::parse(consistency).expect("a known model");
    let options = RegisterOptions { transaction: Some(0), consistency, inferences, max_search: 1_000_000 };
    check_rw_register(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| panic!("{malformed:?}\n{history:?}"))
}

fn names(report: &Report) -> BTreeSet<&str> {
    report.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect()
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
fn what_some_order_explains_is_never_a_violation_where_the_order_keeps_what_is_assumed() {
    let mut impossible = 0;
    let sequential = Inferences { sequential_keys: true, ..INITIAL };
    let linearizable = Inferences { linearizable_keys: true, ..INITIAL };
    for seed in 0..cases(CASES) as u64 {
        let history = random(seed, false);
        let key_in_process = |one: &Transaction, other: &Transaction| share_a_key(one, other) && in_process(one, other);
        let key_in_time = |one: &Transaction, other: &Transaction| share_a_key(one, other) && in_real_time(one, other);
        for (consistency, inferences, is_explained) in [
            ("strict-serializable", ALL, is_serializable(&history, false, in_real_time)),
            ("strong-session-serializable", sequential, is_serializable(&history, false, in_process)),
            ("serializable", INITIAL, is_serializable(&history, false, |_, _| false)),
            ("serializable", sequential, is_serializable(&history, false, key_in_process)),
            ("serializable", linearizable, is_serializable(&history, false, key_in_time)),
        ] {
            let report = check(&history, consistency, inferences);
            let is_violation = report.verdict == Verdict::Violation;
            impossible += usize::from(is_violation);
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
        for (consistency, inferences, is_explained) in [
            ("serializable", INITIAL, is_serializable(&history, false, |_, _| false)),
            ("strict-serializable", INITIAL, is_serializable(&history, false, in_real_time)),
        ] {
            let report = check(&history, consistency, inferences);
            let is_violation = report.verdict == Verdict::Violation;
            assert_eq!(is_violation, !is_explained, "seed {seed}\n{history:?}\n{:?}", report.anomalies);
            impossible += usize::from(is_violation);
        }
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were violations: too few to mean anything");
}

#[test]
fn where_the_database_tells_every_version_the_verdict_is_exact() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut history = random(2 << 40 | seed, false);
        // Of what nobody knows to have happened no version is told, unless somebody reads it.
        history.iter_mut().filter(|t| t.outcome == INFO).for_each(|t| t.outcome = FAIL);
        for (consistency, is_explained) in [
            ("serializable", is_serializable(&history, true, |_, _| false)),
            ("strict-serializable", is_serializable(&history, true, in_real_time)),
        ] {
            let report = checked(&history, true, consistency, INITIAL);
            let is_violation = report.verdict == Verdict::Violation;
            assert_eq!(is_violation, !is_explained, "seed {seed}\n{history:?}\n{:?}", report.anomalies);
            impossible += usize::from(is_violation);
        }
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were violations: too few to mean anything");
}

#[test]
fn every_class_of_cycles_is_found_where_its_definition_says_so_and_nowhere_else() {
    let mut seen = BTreeMap::new();
    for seed in 0..cases(CASES) as u64 {
        let history = random(3 << 40 | seed, seed % 3 == 0);
        let inferences = Inferences {
            initial_state: seed % 5 != 0,
            sequential_keys: seed % 2 == 0,
            linearizable_keys: seed % 7 < 3,
            database_versions: false,
        };
        let (expected, cyclic) = dependencies(&history, inferences);
        let report = check(&history, "strict-serializable", inferences);
        let found = implied(names(&report).into_iter());
        assert_eq!(found, expected.cycles(), "seed {seed}, {inferences:?}\n{history:?}\n{:?}", names(&report));
        let told = report.anomalies.iter().find(|anomaly| anomaly.name == "cyclic-versions");
        assert_eq!(told.map_or(0, |anomaly| anomaly.count), cyclic.len(), "seed {seed}\n{history:?}");
        found.into_iter().for_each(|name| *seen.entry(name).or_insert(0) += 1);
        *seen.entry("cyclic-versions".to_owned()).or_insert(0) += cyclic.len();
    }
    assert_eq!(seen.len(), CLASSES.len() * REACHES.len() + 1, "some class was never seen: {seen:?}");
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
        Transaction { steps: vec![Step::Write(1, 2)], outcome: OK, process: 0, interval: (4, 5) },
    ];
    let report = check(&history, "serializable", Inferences::default());
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.warnings[0].contains("no order of versions could be inferred for 1 of 1 keys"));
    assert!(report.warnings[0].contains("assume more of them (initial-state, sequential-keys, linearizable-keys)"));
    let report = check(&history[..2], "serializable", Inferences::default());
    assert_eq!(report.verdict, Verdict::Valid, "one version needs no order");
}
