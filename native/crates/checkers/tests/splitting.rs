//! Transactions on keys that have nothing to do with each other: histories put together are as the worst of them, and what satisfies a
//! model satisfies it when some keys are left out. Each history is judged as lists and as registers. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod oracle;
mod reference;
mod rows;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use history::{History, Step, Transaction, mutated, serial};
use oracle::{Random, cases};
use reference::implied;
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{
    Inferences, Options, RegisterOptions, Report, check_append, check_rw_register,
};

const CASES: usize = 120;
const INFERENCES: Inferences =
    Inferences { initial_state: true, sequential_keys: false, linearizable_keys: false, database_versions: false };
const DEEDS: [&str; 10] = [
    "G1a",
    "G1b",
    "G-cursor",
    "dirty-update",
    "duplicate-elements",
    "future-read",
    "garbage-read",
    "incompatible-order",
    "internal",
    "lost-update",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lists,
    Registers,
}

fn check(history: &History, kind: Kind, consistency: Consistency) -> Report {
    let never = AtomicBool::new(false);
    let max_search = 1_000_000;
    match kind {
        Kind::Lists => {
            let rows = history.rows();
            let options = Options { transaction: Some(0), consistency, max_search };
            check_append(&rows.beginning(rows.kind.len()), &options, &never)
        }
        Kind::Registers => {
            let rows = history.rows_as_registers();
            let options = RegisterOptions { transaction: Some(0), consistency, inferences: INFERENCES, max_search };
            check_rw_register(&rows.beginning(rows.kind.len()), &options, &never)
        }
    }
    .unwrap_or_else(|malformed| panic!("{malformed:?}\n{history}"))
}

/// What a serial store did, some of whose reads came from older replicas.
fn random(random: &mut Random) -> History {
    let mut history = serial(random, 5);
    let stale = [0, 0, 20, 50][random.below(4)];
    for step in history.transactions.iter_mut().flat_map(|t| &mut t.steps) {
        if let Step::Read(_, seen) = step
            && random.chance(stale)
        {
            seen.truncate(random.below(seen.len() + 1));
        }
    }
    for _ in 0..[0, 0, 1][random.below(3)] {
        mutated(random, &mut history);
    }
    history
}

/// Both at the same time, with keys, values and processes of their own.
fn together(one: &History, other: &History, later: usize) -> History {
    let renamed = other.renamed(|key| key + 100, |value| value + 1_000);
    let moved = renamed.transactions.into_iter().map(|t| Transaction {
        process: t.process + 1_000,
        interval: (t.interval.0 + later, t.interval.1 + later),
        ..t
    });
    History { transactions: one.transactions.iter().cloned().chain(moved).collect() }
}

/// Without what happened to other keys than these, and without transactions of which nothing is left.
fn about(history: &History, is_kept: impl Fn(i64) -> bool) -> History {
    let mut part = history.clone();
    for t in &mut part.transactions {
        t.steps.retain(|step| match step {
            Step::Append(key, _) | Step::Read(key, _) => is_kept(*key),
        });
    }
    part.transactions.retain(|t| !t.steps.is_empty());
    part
}

/// Cycles that need no real time, with those that they imply, and anomalies that are no cycles.
fn found(report: &Report) -> BTreeSet<String> {
    let names = || report.anomalies.iter().map(|anomaly| anomaly.name.as_str());
    let cycles = implied(names()).into_iter().filter(|name| !name.ends_with("-realtime"));
    cycles.chain(names().filter(|name| DEEDS.contains(name)).map(str::to_owned)).collect()
}

#[test]
fn histories_on_different_keys_are_together_as_the_worst_of_them() {
    let (mut broken, mut valid) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let mut choices = Random(seed);
        let (one, other) = (random(&mut choices), random(&mut choices));
        let both = together(&one, &other, choices.below(60));
        for kind in [Kind::Lists, Kind::Registers] {
            for model in Consistency::all() {
                let of = |history: &History| check(history, kind, model).verdict;
                let alone = [of(&one), of(&other)];
                let verdict = of(&both);
                let shown = || format!("seed {seed}, {kind:?}, {}\n{one}and\n{other}", model.name());
                let is_broken = alone.contains(&Verdict::Violation);
                assert_eq!(verdict == Verdict::Violation, is_broken, "{}", shown());
                if !is_broken && kind == Kind::Lists {
                    let expected = if alone.contains(&Verdict::Valid) { Verdict::Valid } else { Verdict::Unknown };
                    assert_eq!(verdict, expected, "{}", shown());
                }
                broken += usize::from(is_broken);
                valid += usize::from(verdict == Verdict::Valid);
            }
            let all = |history: &History| found(&check(history, kind, Consistency::all().last().expect("a model")));
            let of_parts: BTreeSet<String> = all(&one).union(&all(&other)).cloned().collect();
            assert_eq!(all(&both), of_parts, "seed {seed}, {kind:?}\n{one}and\n{other}");
        }
    }
    let few = cases(CASES);
    assert!(broken > few && valid > few, "{broken} broken, {valid} valid: too few to mean anything");
}

#[test]
fn what_satisfies_a_model_satisfies_it_without_some_of_its_keys() {
    let (mut valid, mut smaller) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let history = random(&mut Random(1 << 40 | seed));
        for parity in [0, 1] {
            let part = about(&history, |key| key % 2 == parity);
            if part.transactions.is_empty() {
                continue;
            }
            smaller += usize::from(part.transactions.len() < history.transactions.len());
            for kind in [Kind::Lists, Kind::Registers] {
                for model in Consistency::all() {
                    if check(&history, kind, model).verdict == Verdict::Violation {
                        continue;
                    }
                    let verdict = check(&part, kind, model).verdict;
                    let is_kept = verdict != Verdict::Violation;
                    assert!(is_kept, "seed {seed}, {kind:?}, {}\n{history}but\n{part}", model.name());
                    valid += 1;
                }
            }
        }
    }
    let few = cases(CASES);
    assert!(valid > few && smaller > few / 10, "{valid} valid, {smaller} smaller: too few to mean anything");
}
