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
    FAIL, INFO, OK, Step, Transaction, concurrent, dependencies, in_process, in_real_time, is_serializable, mutate,
    parse, rows, sequence, serial, share_a_key,
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
            ("view-serializable", INITIAL, is_serializable(&history, false, |_, _| false)),
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
            ("view-serializable", INITIAL, is_serializable(&history, false, |_, _| false)),
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

fn found_in(history: &[Transaction], inferences: Inferences) -> BTreeSet<String> {
    check(history, "serializable", inferences).anomalies.into_iter().map(|anomaly| anomaly.name).collect()
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
        ("internal", &["w1 1", "r1 1; r1"], &["w1 1", "r1 1; r1 1"]),
        ("future-read", &["r1 1; w1 1"], &["r1; w1 1"]),
        ("garbage-read", &["r1 9"], &["w1 9", "r1 9"]),
    ] {
        let twin = found_in(&concurrent(sound), INITIAL);
        assert!(twin.is_empty(), "{sound:?}: {twin:?}");
        let found = found_in(&concurrent(broken), INITIAL);
        assert!(is_only(&found, name), "{name} in {broken:?}: {found:?}");
    }
    for (name, broken, sound) in [
        ("lost-update", ["w1 1", "r1 1; w1 2", "r1 1; w1 3"], ["w1 1", "r1 1; w1 2", "r1 2; w1 3"]),
        ("dirty-update", ["fail w1 1", "r1 1; w1 2", "r1 2"], ["fail w1 1", "r1; w1 2", "r1 2"]),
    ] {
        let found = found_in(&concurrent(&broken), INITIAL);
        assert!(found.contains(name), "{name}: {found:?}");
        assert!(found_in(&concurrent(&sound), INITIAL).is_empty());
    }
}

#[test]
fn g0_shows_where_the_database_tells_the_order_of_writes() {
    // Values are the numbers that the database tells: each key shows the other order.
    let broken = concurrent(&["w1 1; w2 4", "w1 2; w2 3", "r1 2; r2 4"]);
    let sound = concurrent(&["w1 1; w2 3", "w1 2; w2 4", "r1 2; r2 4"]);
    let names = |history: &[Transaction]| {
        let report = checked(history, true, "serializable", INITIAL);
        report.anomalies.into_iter().map(|anomaly| anomaly.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&broken), ["G0"]);
    assert!(names(&sound).is_empty());
}

#[test]
fn each_cycle_that_needs_an_order_of_time_is_found_and_its_twin_is_not() {
    let interleaved = |late: &[&str], other: &str, in_one_process: bool| {
        let mut history = sequence(late, in_one_process);
        history.push(parse(other, 9, (0, 2 * late.len() + 1)));
        history
    };
    let orders = [(true, "process"), (false, "realtime")];
    for (in_one_process, reach) in orders {
        let in_order = |texts: &[&str]| found_in(&sequence(texts, in_one_process), INITIAL);
        let meanwhile = |late: &[&str], other: &str| found_in(&interleaved(late, other, in_one_process), INITIAL);
        let expect = |broken: BTreeSet<String>, class: &str, sound: BTreeSet<String>| {
            assert!(is_only(&broken, &format!("{class}-{reach}")), "{class}-{reach}: {broken:?}");
            assert!(sound.is_empty(), "{class}-{reach}: {sound:?}");
        };
        expect(in_order(&["r1 1", "w1 1"]), "G1c", in_order(&["w1 1", "r1 1"]));
        expect(in_order(&["w1 1", "r1"]), "G-single-item", in_order(&["r1", "w1 1"]));
        expect(
            meanwhile(&["w1 1", "r2"], "r1; w2 1"),
            "G2-item",
            meanwhile(&["w1 1", "r2 1"], "r1; w2 1")
                .difference(&BTreeSet::from(["G-single-item".to_owned()]))
                .cloned()
                .collect(),
        );
        let mut fork = interleaved(&["w1 1", "r2"], "w2 1; w3 1", in_one_process);
        fork.push(parse("r1; r3 1", 8, (0, 6)));
        let mut sound = interleaved(&["w1 1", "r2 1"], "w2 1; w3 1", in_one_process);
        sound.push(parse("r1; r3 1", 8, (0, 6)));
        expect(found_in(&fork, INITIAL), "G-nonadjacent-item", found_in(&sound, INITIAL));
        // G0 needs an order of writes that says otherwise: the database's.
        let told = |texts: &[&str]| {
            let report = checked(&sequence(texts, in_one_process), true, "serializable", INITIAL);
            report.anomalies.into_iter().map(|anomaly| anomaly.name).collect::<BTreeSet<_>>()
        };
        expect(told(&["w1 2", "w1 1", "r1 2"]), "G0", told(&["w1 1", "w1 2", "r1 2"]));
    }
}

#[test]
fn cyclic_versions_are_told_once_a_key_and_the_key_says_nothing_more() {
    let linearizable = Inferences { linearizable_keys: true, ..INITIAL };
    let stale = sequence(&["w1 1", "w1 2", "r1 1"], false);
    assert!(is_only(&found_in(&stale, linearizable), "cyclic-versions"));
    assert!(found_in(&sequence(&["w1 1", "w1 2", "r1 2"], false), linearizable).is_empty());
    let sequential = Inferences { sequential_keys: true, ..INITIAL };
    assert!(found_in(&sequence(&["w1 1", "w1 2", "r1 1"], true), sequential).contains("cyclic-versions"));
    assert!(found_in(&stale, sequential).iter().all(|name| name != "cyclic-versions"));
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

#[test]
fn renaming_keys_and_values_changes_nothing() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(4 << 40 | seed, seed % 2 == 0);
        let mut renamed = history.clone();
        for step in renamed.iter_mut().flat_map(|t| &mut t.steps) {
            *step = match *step {
                Step::Read(key, seen) => Step::Read(1_000 - key, seen.map(|value| value * 7 + 3)),
                Step::Write(key, value) => Step::Write(1_000 - key, value * 7 + 3),
            };
        }
        let (one, other) = (check(&history, "serializable", ALL), check(&renamed, "serializable", ALL));
        assert_eq!((one.verdict, names(&one)), (other.verdict, names(&other)), "seed {seed}\n{history:?}");
    }
}

#[test]
fn a_write_that_nobody_reads_to_a_key_of_its_own_changes_nothing_and_assuming_more_never_unfinds() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(5 << 40 | seed, seed % 2 == 0);
        let mut with = history.clone();
        with[0].steps.push(Step::Write(99, 99));
        let (one, other) = (check(&history, "serializable", ALL), check(&with, "serializable", ALL));
        assert_eq!(names(&one), names(&other), "seed {seed}\n{history:?}");
        let less = check(&history, "serializable", INITIAL);
        let is_lost = less.verdict == Verdict::Violation && one.verdict != Verdict::Violation;
        assert!(!is_lost, "seed {seed}\n{history:?}");
    }
}

#[test]
fn thousands_at_once_before_thousands_more_take_few_edges() {
    let count = 2_000;
    let mut history = Vec::new();
    // Each phase is over when the next begins, so whoever is in it comes before all of the next.
    for phase in 0..3 {
        for place in 0..count {
            let begin = 2 * phase * count + place;
            let value = (phase * count + place) as i64 + 1;
            let steps = vec![Step::Write(1, value)];
            history.push(Transaction { steps, outcome: OK, process: value as i32, interval: (begin, begin + count) });
        }
    }
    // And many read one version, which many overwrote.
    for place in 0..2 * count {
        let begin = 6 * count + place;
        let mut steps = vec![Step::Read(1, Some(3 * count as i64))];
        if place % 2 == 0 {
            steps.push(Step::Write(1, (3 * count + place) as i64 + 1));
        }
        let process = (3 * count + place) as i32 + 1;
        history.push(Transaction { steps, outcome: OK, process, interval: (begin, begin + 2 * count) });
    }
    let report = check(&history, "serializable", ALL);
    assert_eq!(report.verdict, Verdict::Violation, "lost updates");
    let edges = report.edges.ww + report.edges.rw;
    assert!(edges < 40 * history.len(), "{edges} edges between {} transactions", history.len());
}
