//! Every anomaly of the lattice by name: the smallest history that has it, and the nearest that does not.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod oracle;
mod reference;
mod rows;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use history::{History, Transaction};
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{Inferences, Options, RegisterOptions, check_append, check_rw_register};

/// An anomaly: whether it is one of registers, the model to ask for, what has it and what has it not.
///
/// Each transaction has its process, and when it was invoked and completed. `a1 2` appends 2 to list 1, or writes it to register 1;
/// `r1 2 3` reads the list as [2, 3], the register as 3.
type Example = (&'static str, bool, &'static str, Vec<Placed>, Vec<Placed>);
type Placed = (&'static str, i32, (usize, usize));

fn concurrent(transactions: &[&'static str]) -> Vec<Placed> {
    let all = transactions.len();
    transactions.iter().enumerate().map(|(place, text)| (*text, place as i32, (place, all + place))).collect()
}

/// One after the other, each of a process of its own.
fn sequence(transactions: &[&'static str]) -> Vec<Placed> {
    transactions.iter().enumerate().map(|(place, text)| (*text, place as i32, (2 * place, 2 * place + 1))).collect()
}

/// One after the other in each process; processes side by side.
fn sessions(sessions: &[&[&'static str]]) -> Vec<Placed> {
    let mut placed = Vec::new();
    for (process, session) in (0..).zip(sessions) {
        for (place, text) in session.iter().enumerate() {
            let start = 100 * place + process as usize;
            placed.push((*text, process, (start, start + 50)));
        }
    }
    placed
}

/// Write skew of three, whose first two are one after the other, in one process or not.
fn skew(process: i32, last: &'static str) -> Vec<Placed> {
    vec![("a1 1", 0, (0, 1)), ("r2", process, (2, 3)), (last, 9, (0, 4))]
}

/// A long fork that an order holds together.
fn fork(process: i32, late: &'static str) -> Vec<Placed> {
    vec![("r1; r3 1", 8, (0, 5)), ("a1 1", 0, (0, 1)), (late, process, (2, 3)), ("a2 1; a3 1", 9, (0, 6))]
}

fn lists(name: &'static str, model: &'static str, found: &[&'static str], twin: &[&'static str]) -> Example {
    (name, false, model, concurrent(found), concurrent(twin))
}

fn examples() -> Vec<Example> {
    let strict = "strict-serializable";
    let session = "strong-session-serializable";
    let in_sessions = |name, model, found: &[&[&'static str]], twin: &[&[&'static str]]| {
        (name, false, model, sessions(found), sessions(twin))
    };
    let in_time =
        |name, found: &[&'static str], twin: &[&'static str]| (name, false, strict, sequence(found), sequence(twin));
    vec![
        lists(
            "G0",
            strict,
            &["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 2 1"],
            &["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 1 2"],
        ),
        lists("G1a", strict, &["fail a1 1", "r1 1"], &["fail a1 1", "r1"]),
        lists("G1b", strict, &["a1 1; a1 2", "r1 1"], &["a1 1; a1 2", "r1 1 2"]),
        lists("G1c", strict, &["a1 1; r2 1", "a2 1; r1 1"], &["a1 1; r2 1", "a2 1; r1"]),
        lists("G-single-item", strict, &["a1 1; a2 1", "r1; r2 1"], &["a1 1; a2 1", "r1 1; r2 1"]),
        lists(
            "G-nonadjacent-item",
            strict,
            &["a1 1", "a2 1", "r1 1; r2", "r1; r2 1"],
            &["a1 1", "a2 1", "r1 1; r2", "r1 1; r2 1"],
        ),
        lists("G2-item", strict, &["r1; a2 1", "r2; a1 1"], &["r1; a2 1", "r2 1; a1 1"]),
        lists(
            "G-monotonic",
            "monotonic-view",
            &["a1 1; a2 1", "r2 1; a3 1", "r3 1; r1"],
            &["a1 1; a2 1", "r2 1; a3 1", "r1; r3 1"],
        ),
        lists(
            "G-update",
            "update-serializable",
            &["r1; a2 1", "a1 1", "r1 1; r2"],
            &["r1; a2 1", "a1 1", "r1 1; r2 1"],
        ),
        lists("G-cursor", strict, &["r1; a1 2", "a1 1", "r1 1 2"], &["r1 1; a1 2", "a1 1", "r1 1 2"]),
        lists("lost-update", strict, &["r1; a1 1", "r1; a1 2", "r1 1 2"], &["r1; a1 1", "r1 1; a1 2", "r1 1 2"]),
        lists("dirty-update", strict, &["fail a1 1", "a1 2", "r1 1 2"], &["fail a1 1", "a1 2", "r1 2"]),
        lists("internal", strict, &["a1 1", "r1 1; r1"], &["a1 1", "r1 1; r1 1"]),
        lists("future-read", strict, &["r1 1; a1 1"], &["r1; a1 1"]),
        lists("garbage-read", strict, &["r1 7"], &["a1 7", "r1 7"]),
        lists("duplicate-elements", strict, &["a1 1", "r1 1 1"], &["a1 1", "r1 1"]),
        lists("incompatible-order", strict, &["a1 1", "a1 2", "r1 1 2", "r1 2 1"], &["a1 1", "a1 2", "r1 1 2", "r1 1"]),
        (
            "cyclic-versions",
            true,
            strict,
            concurrent(&["r1 1; a1 2", "r1 2; a1 1"]),
            concurrent(&["a1 1", "r1 1; a1 2"]),
        ),
        in_sessions(
            "OTV",
            "monotonic-atomic-view",
            &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r1 1 2; r2 1"], &["r1 1 2; r2 1 2"]],
            &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r2 1; r1 1 2"], &["r1 1 2; r2 1 2"]],
        ),
        in_sessions(
            "fractured-read",
            "read-atomic",
            &[&["a1 1; a2 1"], &["r2; r1 1"]],
            &[&["a1 1; a2 1"], &["r2 1; r1 1"]],
        ),
        in_sessions(
            "causality-violation",
            "causal-cerone",
            &[&["a1 1; a2 2"], &["r2 2; a3 3"], &["r3 3; r1"]],
            &[&["a1 1; a2 2"], &["r2 2; a3 3"], &["r3 3; r1 1"]],
        ),
        (
            "OTV-process",
            true,
            "strong-session-monotonic-atomic-view",
            sessions(&[&["a1 1", "a1 2; a2 2"], &["r2 2; r1 1"]]),
            sessions(&[&["a1 1", "a1 2; a2 2"], &["r2 2; r1 2"]]),
        ),
        in_sessions("fractured-read-process", "strong-session-read-atomic", &[&["a1 1", "r1"]], &[&["a1 1", "r1 1"]]),
        in_sessions(
            "causality-violation-process",
            "causal",
            &[&["a1 1", "a2 2"], &["r2 2; a3 3"], &["r3 3; r1"]],
            &[&["a1 1", "a2 2"], &["r2 2; a3 3"], &["r3 3; r1 1"]],
        ),
        in_sessions("G0-process", session, &[&["a1 1", "a1 2", "r1 2 1"]], &[&["a1 1", "a1 2", "r1 1 2"]]),
        in_sessions("G1c-process", session, &[&["r1 1", "a1 1"]], &[&["a1 1", "r1 1"]]),
        in_sessions("G-single-item-process", session, &[&["a1 1", "r1"]], &[&["a1 1", "r1 1"]]),
        ("G-nonadjacent-item-process", false, session, fork(0, "r2"), fork(0, "r2 1")),
        ("G2-item-process", false, session, skew(0, "r1; a2 1"), skew(0, "r1 1; a2 1")),
        in_time("G0-realtime", &["a1 1", "a1 2", "r1 2 1"], &["a1 1", "a1 2", "r1 1 2"]),
        in_time("G1c-realtime", &["r1 1", "a1 1"], &["a1 1", "r1 1"]),
        in_time("G-single-item-realtime", &["a1 1", "r1"], &["a1 1", "r1 1"]),
        ("G-nonadjacent-item-realtime", false, strict, fork(1, "r2"), fork(1, "r2 1")),
        ("G2-item-realtime", false, strict, skew(1, "r1; a2 1"), skew(1, "r1 1; a2 1")),
    ]
}

/// Those that registers can have too, of which the order of versions is inferred: by what was read before it was written over.
fn examples_of_registers() -> Vec<Example> {
    let (serializable, strict, session) = ("serializable", "strict-serializable", "strong-session-serializable");
    let of = |name, found: &[&'static str], twin: &[&'static str]| {
        (name, true, serializable, concurrent(found), concurrent(twin))
    };
    let in_sessions = |name, found: &[&[&'static str]], twin: &[&[&'static str]]| {
        (name, true, session, sessions(found), sessions(twin))
    };
    let in_time =
        |name, found: &[&'static str], twin: &[&'static str]| (name, true, strict, sequence(found), sequence(twin));
    vec![
        of("G0", &["r1 2; a1 1; a2 1", "r2 1; a1 2; a2 2"], &["a1 1; a2 1", "r2 1; a1 2; a2 2"]),
        of("G1a", &["fail a1 1", "r1 1"], &["fail a1 1", "r1"]),
        of("G1b", &["a1 1; a1 2", "r1 1"], &["a1 1; a1 2", "r1 2"]),
        of("G1c", &["a1 1; r2 2", "a2 2; r1 1"], &["a1 1; r2 2", "a2 2; r1"]),
        of("G-single-item", &["a1 1; a2 1", "r1 1; r2"], &["a1 1; a2 1", "r1 1; r2 1"]),
        of(
            "G-nonadjacent-item",
            &["a1 1", "a2 1", "r1 1; r2", "r2 1; r1"],
            &["a1 1", "a2 1", "r1 1; r2", "r2 1; r1 1"],
        ),
        of("G2-item", &["r1; r2; a1 1", "r1; r2; a2 1"], &["r1; r2; a1 1", "r1 1; r2; a2 1"]),
        of("lost-update", &["a1 1", "r1 1; a1 2", "r1 1; a1 3"], &["a1 1", "r1 1; a1 2", "r1 2; a1 3"]),
        of("dirty-update", &["fail a1 1", "r1 1; a1 2"], &["fail a1 1", "r1; a1 2"]),
        of("internal", &["a1 1; r1 2", "a1 2"], &["a1 1; r1 1", "a1 2"]),
        of("future-read", &["r1 1; a1 1"], &["r1; a1 1"]),
        of("garbage-read", &["a1 1", "r1 7"], &["a1 1", "r1 1"]),
        in_sessions("G0-process", &[&["r1 2; a1 1", "a1 2"]], &[&["a1 1", "r1 1; a1 2"]]),
        in_sessions("G1c-process", &[&["r1 1", "a2 1"], &["r2 1; a1 1"]], &[&["r1", "a2 1"], &["r2 1; a1 1"]]),
        in_sessions("G-single-item-process", &[&["a1 1", "r1"]], &[&["a1 1", "r1 1"]]),
        ("G-nonadjacent-item-process", true, session, fork(0, "r2"), fork(0, "r2 1")),
        ("G2-item-process", true, session, skew(0, "r1; a2 1"), skew(0, "r1 1; a2 1")),
        in_time("G0-realtime", &["r1 2; a1 1", "a1 2"], &["a1 1", "r1 1; a1 2"]),
        in_time("G1c-realtime", &["r1 1", "a1 1"], &["a1 1", "r1 1"]),
        in_time("G-single-item-realtime", &["a1 1", "r1"], &["a1 1", "r1 1"]),
        ("G-nonadjacent-item-realtime", true, strict, fork(1, "r2"), fork(1, "r2 1")),
        ("G2-item-realtime", true, strict, skew(1, "r1; a2 1"), skew(1, "r1 1; a2 1")),
    ]
}

/// Whether a history has the anomaly, and whether it is a violation.
fn has(name: &str, of_registers: bool, model: &str, transactions: &[Placed]) -> bool {
    let placed = transactions.iter().map(|&(text, process, interval)| Transaction::parse(text, process, interval));
    let history = History { transactions: placed.collect() };
    let (consistency, never) = (Consistency::parse(model).expect("a known model"), AtomicBool::new(false));
    let max_search = 1_000_000;
    let report = if of_registers {
        let rows = history.rows_as_registers();
        let inferences = Inferences { initial_state: true, ..Inferences::default() };
        let options = RegisterOptions { transaction: Some(0), consistency, inferences, max_search };
        check_rw_register(&rows.beginning(rows.kind.len()), &options, &never)
    } else {
        let rows = history.rows();
        let options = Options { transaction: Some(0), consistency, max_search };
        check_append(&rows.beginning(rows.kind.len()), &options, &never)
    };
    report.expect("a history").anomalies.iter().any(|anomaly| anomaly.name == name)
}

#[test]
fn every_anomaly_is_found_in_its_history_and_not_in_the_twin() {
    for (name, of_registers, model, found, twin) in examples().into_iter().chain(examples_of_registers()) {
        let rules_out = Consistency::parse(model).is_some_and(|model| model.rules_out(name));
        assert!(rules_out, "{model} allows {name}");
        assert!(has(name, of_registers, model, &found), "{name} is not found in {found:?}");
        assert!(!has(name, of_registers, model, &twin), "{name} is invented in {twin:?}");
    }
}

#[test]
fn no_anomaly_of_the_lattice_is_without_its_history_but_those_that_predicates_would_have() {
    let of_predicates = |name: &&str| {
        let class = name.trim_end_matches("-process").trim_end_matches("-realtime");
        ["G-single", "G-nonadjacent", "G2"].contains(&class)
    };
    let shown: BTreeSet<&str> = examples().iter().map(|example| example.0).collect();
    let all: BTreeSet<&str> = Consistency::anomalies().filter(|name| !of_predicates(name)).collect();
    assert_eq!(shown, all);
}
