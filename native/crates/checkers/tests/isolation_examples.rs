//! Examples of the literature by their names, each with the anomalies that it must show, a model that allows it and the weakest that
//! does not. Objects are keys, lists where the version order is part of the example, registers where it follows from reads.
//!
//! - Adya, "Weak Consistency" (MIT 1999), and Adya, Liskov and O'Neil, "Generalized Isolation Level Definitions" (ICDE 2000)
//! - Berenson et al., "A Critique of ANSI SQL Isolation Levels" (SIGMOD 1995)
//! - Cerone, Bernardi and Gotsman, "A Framework for Transactional Consistency Models with Atomic Visibility" (CONCUR 2015)
//! - Fekete, O'Neil and O'Neil, "A Read-Only Transaction Anomaly Under Snapshot Isolation" (SIGMOD Record 2004)
//! - Bailis et al., "Highly Available Transactions" (VLDB 2013)
//! - Kingsbury and Alvaro, "Elle" (VLDB 2020): what it found in TiDB, YugaByte DB, FaunaDB and Dgraph, cut down

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod oracle;
mod reference;
mod registers;
mod rows;

use std::sync::atomic::AtomicBool;

use history::History;
use rows::Rows;
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{
    Inferences, Options, RegisterOptions, Report, check_append, check_rw_register,
};

/// The transactions of an example, its anomalies, a model that allows it, and a model that does not.
type Example<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a str, &'a str);

fn lists(rows: &Rows, consistency: &str) -> Report {
    let consistency = Consistency::parse(consistency).expect("a known model");
    let options = Options { transaction: Some(0), consistency, max_search: 1_000_000 };
    check_append(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false)).expect("a history")
}

fn registers(rows: &Rows, consistency: &str) -> Report {
    let consistency = Consistency::parse(consistency).expect("a known model");
    let inferences = Inferences { initial_state: true, ..Inferences::default() };
    let options = RegisterOptions { transaction: Some(0), consistency, inferences, max_search: 1_000_000 };
    check_rw_register(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false)).expect("a history")
}

fn hold(examples: &[Example], check: impl Fn(&[&str], &str) -> Report) {
    for (name, transactions, anomalies, allowed_by, ruled_out_by) in examples {
        let report = check(transactions, "strict-serializable");
        let found: Vec<&str> = report.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect();
        assert_eq!(found, *anomalies, "{name}");
        if !allowed_by.is_empty() {
            assert_eq!(check(transactions, allowed_by).verdict, Verdict::Valid, "{name}, {allowed_by}");
        }
        if !ruled_out_by.is_empty() {
            assert_eq!(check(transactions, ruled_out_by).verdict, Verdict::Violation, "{name}, {ruled_out_by}");
        }
    }
}

#[test]
fn examples_of_lists() {
    let check =
        |transactions: &[&str], consistency: &str| lists(&History::concurrent(transactions).rows(), consistency);
    hold(
        &[
            ("Adya H_wcycle", &["a1 2; a2 5", "a1 1; a2 8", "r1 1 2; r2 5 8"], &["G0"], "", "read-uncommitted"),
            // T2 sees the transfer of T1 in x and not in y.
            (
                "Adya H1, Berenson H1",
                &["a1 0; a2 0", "r1 0; a1 1; r2 0; a2 1", "r1 0 1; r2 0"],
                &["G-single-item"],
                "read-committed",
                "consistent-view",
            ),
            ("Adya H1'", &["a1 0; a2 0", "r1 0; a1 1; r2 0; a2 1", "r1 0 1; r2 0 1"], &[], "strict-serializable", ""),
            (
                "Adya H2, Berenson H2",
                &["a1 0; a2 0", "r1 0; a1 1; r2 0; a2 1", "r1 0; r2 0 1"],
                &["G-single-item"],
                "read-committed",
                "consistent-view",
            ),
            ("Adya H2'", &["a1 0; a2 0", "r1 0; a1 1; r2 0; a2 1", "r1 0; r2 0"], &[], "strict-serializable", ""),
            (
                "Adya H_wskew, Berenson H5 and A5B",
                &["a1 0; a2 0", "r1 0; r2 0; a1 1", "r1 0; r2 0; a2 1"],
                &["G2-item"],
                "snapshot-isolation",
                "repeatable-read",
            ),
            // T3 sees what T2 did, which overwrote y of T1, and then reads y of T1.
            (
                "Adya H_non2L",
                &["a1 1; a2 1", "a2 2; a1 2; a3 2", "r1 1 2; a3 3; r2 1", "r1 1 2; r2 1 2; r3 2 3"],
                &["G-single-item"],
                "read-committed",
                "consistent-view",
            ),
            ("Berenson P0", &["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 2 1"], &["G0"], "", "read-uncommitted"),
            ("Berenson A1", &["fail a1 1", "r1 1"], &["G1a"], "read-uncommitted", "read-committed"),
            ("Berenson A2, P2", &["a1 1", "r1; r1 1"], &["internal"], "read-committed", "repeatable-read"),
            (
                "Berenson P4, H4",
                &["a1 0", "r1 0; a1 130", "r1 0; a1 120", "r1 0 120 130"],
                &["G-single-item", "lost-update"],
                "read-committed",
                "cursor-stability",
            ),
            // The other transaction wrote without reading.
            (
                "Berenson P4C",
                &["a1 0", "r1 0; a1 130", "a1 120", "r1 0 120 130"],
                &["G-single-item", "G-cursor"],
                "monotonic-view",
                "cursor-stability",
            ),
            ("Berenson A5A", &["a1 1; a2 1", "r1; r2 1"], &["G-single-item"], "cursor-stability", "consistent-view"),
            (
                "Cerone long fork",
                &["a1 1", "a2 1", "r1 1; r2", "r1; r2 1"],
                &["G-nonadjacent-item"],
                "parallel-snapshot-isolation",
                "snapshot-isolation",
            ),
            (
                "Cerone lost update",
                &["r1; a1 1", "r1; a1 2", "r1 1 2"],
                &["G-single-item", "lost-update"],
                "monotonic-atomic-view",
                "update-atomic",
            ),
            ("Cerone write skew", &["r1; a2 1", "r2; a1 1"], &["G2-item"], "snapshot-isolation", "serializable"),
            (
                "Fekete read-only anomaly",
                &["r2; a2 20", "r1; r2; a1 -11", "r1; r2 20"],
                &["G2-item"],
                "snapshot-isolation",
                "serializable",
            ),
            (
                "Bailis observed transaction vanishes",
                &["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 1", "r2 1 2"],
                &["G-single-item"],
                "read-committed",
                "consistent-view",
            ),
            // T1 appends after T2, whose append it had not seen.
            (
                "Elle TiDB",
                &["a34 2; a34 1", "r34 2 1; a36 5; a34 4", "a34 5", "r34 2 1 5 4"],
                &["G-single-item", "G-cursor"],
                "read-committed",
                "snapshot-isolation",
            ),
            (
                "Elle YugaByte DB",
                &["r1; a2 1", "r2; a3 1", "r3; a1 1", "r1 1; r2 1; r3 1"],
                &["G2-item"],
                "snapshot-isolation",
                "serializable",
            ),
            ("Elle FaunaDB", &["a0 6; r0", "r0 6"], &["internal"], "read-committed", "snapshot-isolation"),
        ],
        check,
    );
}

#[test]
fn examples_of_registers() {
    let check = |transactions: &[&str], consistency: &str| {
        registers(&registers::rows(&registers::concurrent(transactions), false), consistency)
    };
    hold(
        &[
            // T1 sees what T3 wrote, and not what T2 had written that T3 saw.
            (
                "Elle Dgraph",
                &["r2432 10; r2434", "w2434 10", "w2432 10; r2434 10"],
                &["G-single-item"],
                "read-committed",
                "snapshot-isolation",
            ),
            (
                "Adya H_wskew",
                &["w1 5; w2 5", "r1 5; r2 5; w1 -1", "r1 5; r2 5; w2 -2"],
                &["G2-item"],
                "snapshot-isolation",
                "repeatable-read",
            ),
            // Which of the two was first, nobody saw.
            (
                "Berenson P4",
                &["w1 100", "r1 100; w1 130", "r1 100; w1 120"],
                &["G2-item", "lost-update"],
                "read-committed",
                "cursor-stability",
            ),
            ("Berenson A1", &["fail w1 101", "r1 101"], &["G1a"], "read-uncommitted", "read-committed"),
            ("Adya H1", &["w1 5; w2 5", "r1 5; w1 1; r2 5; w2 9", "r1 1; r2 5"], &["G-single-item"], "pl-2", "mav"),
            ("Cerone fractured reads", &["w1 1; w2 1", "r1 1; r2"], &["G-single-item"], "read-committed", "psi"),
            (
                "Cerone long fork",
                &["w1 1", "w2 1", "r1 1; r2", "r1; r2 1"],
                &["G-nonadjacent-item"],
                "parallel-snapshot-isolation",
                "snapshot-isolation",
            ),
        ],
        check,
    );
}
