//! List-append against the definition, on random small histories: strict serializability and serializability against every order of the
//! transactions, and the classes of cycles against every simple cycle. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod oracle;
mod reference;
mod rows;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use history::{History, Outcome, Step, Transaction, mutated, serial};
use oracle::{Random, cases};
use reference::{CLASSES, REACHES, implied};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::report::Entry;
use schrodinger_checkers::transactions::{Options, Report, check_append};

const CASES: usize = 8_000;

fn check(history: &History, consistency: &str) -> Report {
    let rows = history.rows();
    let options = Options {
        transaction: Some(0),
        consistency: Consistency::parse(consistency).expect("a known model"),
        max_search: 1_000_000,
    };
    check_append(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| panic!("{malformed:?}\n{history}"))
}

fn names(report: &Report) -> BTreeSet<&str> {
    report.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect()
}

fn random(seed: u64) -> History {
    let mut random = Random(seed);
    let mut history = serial(&mut random, 6);
    for _ in 0..random.below(3) {
        mutated(&mut random, &mut history);
    }
    history
}

/// Transactions that append to one of a few lists and may have read another, and some that only read two, all at the same time and each
/// from a replica of its own, which is behind by some appends.
fn replicated(seed: u64) -> History {
    let mut random = Random(seed);
    let (writers, readers, keys) = (2 + random.below(3), 1 + random.below(3), 2 + random.below(2));
    let mut orders = vec![Vec::new(); keys];
    let mut transactions = Vec::new();
    for number in 0..writers + readers {
        let (one, other) = (random.below(keys), random.below(keys));
        let mut steps = Vec::new();
        if number < writers {
            orders[one].push(number as i64);
            steps.push(Step::Append(one as i64, number as i64));
        } else {
            steps.push(Step::Read(one as i64, Vec::new()));
        }
        if other != one && (number >= writers || random.chance(60)) {
            steps.insert(0, Step::Read(other as i64, Vec::new()));
        }
        let interval = (number, writers + readers + number);
        transactions.push(Transaction { steps, outcome: Outcome::Ok, process: number as i32, interval });
    }
    for step in transactions.iter_mut().flat_map(|t| &mut t.steps) {
        if let Step::Read(key, seen) = step {
            let order = &orders[*key as usize];
            seen.extend(&order[..random.below(order.len() + 1)]);
        }
    }
    History { transactions }
}

#[test]
fn strict_serializability_and_serializability_agree_with_every_order_of_the_transactions() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let history = random(seed);
        if history.observes_nothing() {
            continue;
        }
        for (consistency, in_real_time) in
            [("strict-serializable", true), ("serializable", false), ("view-serializable", false)]
        {
            let expected = if history.is_serializable(in_real_time) { Verdict::Valid } else { Verdict::Violation };
            let report = check(&history, consistency);
            assert_eq!(report.verdict, expected, "seed {seed}, {consistency}\n{history}{:?}", names(&report));
            impossible += usize::from(expected == Verdict::Violation);
        }
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were impossible: too few to mean anything");
}

#[test]
fn snapshot_isolation_agrees_with_every_order_of_commits_and_every_choice_of_snapshots() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(5 << 40 | seed);
        if history.observes_nothing() {
            continue;
        }
        let in_session =
            |one: &Transaction, other: &Transaction| one.process == other.process && one.interval.1 < other.interval.0;
        for (consistency, is_possible) in [
            ("snapshot-isolation", history.is_snapshot_isolated(|_, _| false)),
            ("strong-session-snapshot-isolation", history.is_snapshot_isolated(in_session)),
            ("strong-snapshot-isolation", history.is_snapshot_isolated(|one, other| one.interval.1 < other.interval.0)),
        ] {
            let report = check(&history, consistency);
            let is_violation = report.verdict == Verdict::Violation;
            assert!(!is_violation || !is_possible, "seed {seed}, {consistency}\n{history}{:?}", names(&report));
            // Where two appends are in no known order, that each order contradicts something else may go unnoticed.
            let is_missed = !is_violation && !is_possible && history.is_order_known();
            assert!(!is_missed, "seed {seed}, {consistency}\n{history}{:?}", names(&report));
            impossible += usize::from(is_violation);
        }
    }
    assert!(impossible > cases(CASES) / 40, "only {impossible} were impossible: too few to mean anything");
}

#[test]
fn every_class_of_cycles_is_found_where_its_definition_says_so_and_nowhere_else() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..cases(CASES) as u64 {
        let history = random(6 << 40 | seed);
        let Some(dependencies) = history.dependencies() else { continue };
        let report = check(&history, "strict-serializable");
        let found = implied(names(&report).into_iter());
        assert_eq!(found, dependencies.cycles(), "seed {seed}\n{history}{:?}", names(&report));
        let is_cursor = names(&report).contains("G-cursor");
        let is_lost = names(&report).contains("lost-update");
        let is_told = is_cursor && !found.contains("G0");
        assert!(dependencies.has_cursor || !is_told, "seed {seed}\n{history}{:?}", names(&report));
        let is_missed = dependencies.has_cursor && history.is_order_known() && !is_cursor && !is_lost;
        assert!(!is_missed, "seed {seed}\n{history}{:?}", names(&report));
        found.into_iter().for_each(|name| *seen.entry(name).or_insert(0) += 1);
    }
    assert_eq!(seen.len(), CLASSES.len() * REACHES.len(), "some class was never seen: {seen:?}");
}

#[test]
fn update_serializability_is_broken_where_its_definition_says_so_and_nowhere_else() {
    let (mut broken, mut allowed) = (0, 0);
    for seed in 0..cases(CASES) as u64 / 2 {
        let history = replicated(7 << 40 | seed);
        let Some(dependencies) = history.dependencies() else { continue };
        let writes = |t: &Transaction| t.steps.iter().any(|step| matches!(step, Step::Append(..)));
        let is_update: Vec<bool> = history.transactions.iter().map(writes).collect();
        let of_data = dependencies.cycles();
        let expected = dependencies.has_cycle_of_updates(&is_update);
        let is_serializable = !of_data.contains("G2-item");
        assert!(!(expected && is_serializable), "seed {seed}\n{history}");
        assert!(expected || !of_data.contains("G-single-item"), "seed {seed}: every cycle with one is one\n{history}");
        let report = check(&history, "update-serializable");
        let found = names(&report);
        let is_found = found.contains("G-update") || implied(found.iter().copied()).contains("G-single-item");
        assert_eq!(is_found, expected, "seed {seed}\n{history}{found:?}");
        let of_all = check(&history, "strict-serializable");
        let is_out = of_all.not.contains(&"update-serializable") || of_all.also_not.contains(&"update-serializable");
        assert_eq!(is_out, report.verdict == Verdict::Violation, "seed {seed}\n{history}{found:?}");
        assert!(!names(&of_all).contains("G-update"), "seed {seed}: its other name is enough\n{history}");
        broken += usize::from(found.contains("G-update"));
        allowed += usize::from(!expected && !is_serializable);
    }
    let few = cases(CASES) / 400;
    assert!(broken > few && allowed > few / 4, "{broken} broken, {allowed} allowed: too few to mean anything");
}

#[test]
fn monotonic_view_is_broken_where_its_definition_says_so_and_nowhere_else() {
    let (mut broken, mut allowed, mut beyond) = (0, 0, 0);
    for seed in 0..cases(CASES) as u64 / 2 {
        let history = if seed % 2 == 0 { random(8 << 40 | seed) } else { replicated(8 << 40 | seed) };
        let Some(dependencies) = history.dependencies() else { continue };
        let of_data = dependencies.cycles();
        if of_data.contains("G1c") {
            continue;
        }
        let expected = history.has_cycle_of_reads(&dependencies);
        assert!(!expected || of_data.contains("G-single-item"), "seed {seed}: each is one\n{history}");
        let report = check(&history, "monotonic-view");
        let found = names(&report);
        assert_eq!(found.contains("G-monotonic"), expected, "seed {seed}\n{history}{found:?}");
        let weaker = check(&history, "monotonic-atomic-view").verdict == Verdict::Violation;
        assert!(!weaker || report.verdict == Verdict::Violation, "seed {seed}\n{history}{found:?}");
        let of_all = check(&history, "strict-serializable");
        let is_out = of_all.not.contains(&"monotonic-view") || of_all.also_not.contains(&"monotonic-view");
        assert_eq!(is_out, report.verdict == Verdict::Violation, "seed {seed}\n{history}{found:?}");
        broken += usize::from(expected);
        beyond += usize::from(expected && !weaker);
        allowed += usize::from(!expected && of_data.contains("G-single-item"));
    }
    let few = cases(CASES) / 400;
    let shown = format!("{broken} broken, {beyond} of them not of weaker models, {allowed} allowed");
    assert!(broken > few && allowed > few && beyond > few / 20, "{shown}: too few to mean anything");
}

#[test]
fn what_a_serial_store_did_shows_no_anomaly_at_all() {
    for seed in 0..cases(CASES) as u64 {
        let history = serial(&mut Random(1 << 40 | seed), 8);
        let report = check(&history, "strict-serializable");
        assert_eq!(names(&report), BTreeSet::new(), "seed {seed}\n{history}");
    }
}

#[test]
fn every_step_of_a_cycle_is_told_with_its_values_and_leads_to_the_next() {
    let mut cycles = 0;
    for seed in 0..cases(CASES) as u64 {
        let history = random(2 << 40 | seed);
        for entry in check(&history, "strict-serializable").anomalies.iter().flat_map(|anomaly| &anomaly.first) {
            let Entry::Cycle { steps } = entry else { continue };
            cycles += 1;
            for (place, step) in steps.iter().enumerate() {
                let next = &steps[(place + 1) % steps.len()];
                assert_eq!(step.to, next.from, "seed {seed}\n{history}{steps:?}");
                let told = match step.kind {
                    "ww" => step.previous.is_some() && step.value.is_some(),
                    "wr" | "rw" => step.value.is_some(),
                    _ => step.key.is_none(),
                };
                assert!(told, "seed {seed}\n{history}{steps:?}");
            }
        }
    }
    assert!(cycles > cases(CASES) / 50, "only {cycles} cycles: too few to mean anything");
}

#[test]
fn renaming_keys_and_values_changes_nothing() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(3 << 40 | seed);
        let renamed = history.renamed(|key| 1000 - key, |value| value * 7 + 3);
        let (one, other) = (check(&history, "serializable"), check(&renamed, "serializable"));
        assert_eq!((one.verdict, names(&one)), (other.verdict, names(&other)), "seed {seed}\n{history}");
    }
}

#[test]
fn an_append_that_nobody_reads_to_a_key_of_its_own_changes_nothing() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(4 << 40 | seed);
        let mut with = history.clone();
        with.transactions[0].append(99, 99);
        let (one, other) = (check(&history, "strict-serializable"), check(&with, "strict-serializable"));
        assert_eq!((one.verdict, names(&one)), (other.verdict, names(&other)), "seed {seed}\n{history}");
    }
}

/// A history of ok transactions, all of them concurrent.
fn concurrent(transactions: &[&str]) -> History {
    History::concurrent(transactions)
}

/// What is found in concurrent ok transactions.
fn found(transactions: &[&str]) -> Vec<String> {
    let report = check(&concurrent(transactions), "strict-serializable");
    report.anomalies.into_iter().map(|anomaly| anomaly.name).collect()
}

/// What is found in transactions that follow each other, each of a process of its own.
fn found_in_sequence(transactions: &[&str]) -> Vec<String> {
    let report = check(&History::sequence(transactions, false), "strict-serializable");
    report.anomalies.into_iter().map(|anomaly| anomaly.name).collect()
}

/// What is found in transactions of one process.
fn found_in_a_session(transactions: &[&str]) -> Vec<String> {
    let report = check(&History::sequence(transactions, true), "strong-session-serializable");
    report.anomalies.into_iter().map(|anomaly| anomaly.name).collect()
}

// Micro-operations are written as `a1 x` (append x to key 1) and `r1 x y` (read key 1 as [x, y]).

#[test]
fn g0_writes_interleave() {
    // Adya's write cycle: each key shows the other order.
    assert_eq!(found(&["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 2 1"]), ["G0"]);
    assert!(found(&["a1 1; a2 1", "a1 2; a2 2", "r1 1 2; r2 1 2"]).is_empty());
}

#[test]
fn g1a_an_aborted_append_is_read() {
    assert_eq!(found(&["fail a1 1", "r1 1"]), ["G1a"]);
    assert!(found(&["fail a1 1", "r1"]).is_empty());
}

#[test]
fn g1b_an_intermediate_state_is_read() {
    // What was read is also overwritten within the transaction that wrote it, hence the cycle.
    assert_eq!(found(&["a1 1; a1 2", "r1 1"]), ["G-single-item", "G1b"]);
    assert!(found(&["a1 1; a1 2", "r1 1 2"]).is_empty());
}

#[test]
fn g1c_information_flows_in_a_circle() {
    assert_eq!(found(&["a1 1; r2 1", "a2 1; r1 1"]), ["G1c"]);
    assert!(found(&["a1 1; r2 1", "a2 1; r1"]).is_empty());
}

#[test]
fn g_single_read_skew() {
    assert_eq!(found(&["a1 1; a2 1", "r1; r2 1"]), ["G-single-item"]);
    assert!(found(&["a1 1; a2 1", "r1 1; r2 1"]).is_empty());
}

#[test]
fn g_nonadjacent_long_fork() {
    // Cerone's long fork: two readers see two independent appends in opposite orders.
    assert_eq!(found(&["a1 1", "a2 1", "r1 1; r2", "r1; r2 1"]), ["G-nonadjacent-item"]);
    assert!(found(&["a1 1", "a2 1", "r1 1; r2", "r1 1; r2 1"]).is_empty());
}

#[test]
fn g2_write_skew() {
    assert_eq!(found(&["r1; a2 1", "r2; a1 1"]), ["G2-item"]);
    assert!(found(&["r1; a2 1", "r2 1; a1 1"]).is_empty());
}

#[test]
fn g_monotonic_a_transaction_has_seen_what_follows_from_what_it_then_misses() {
    let of_reads = |transactions: &[&str]| {
        let report = check(&concurrent(transactions), "monotonic-view");
        (report.verdict, names(&report).contains("G-monotonic"), names(&report).contains("OTV"))
    };
    // The third has seen what was built on the first, and misses the first; or has only overwritten it.
    assert_eq!(of_reads(&["a1 1; a2 1", "r2 1; a3 1", "r3 1; r1"]), (Verdict::Violation, true, false));
    assert_eq!(of_reads(&["a1 1; a3 1", "a3 2; r1", "r3 1 2"]), (Verdict::Violation, true, false));
    // In the other order of its steps, it read before it saw.
    assert_eq!(of_reads(&["a1 1; a2 1", "r2 1; a3 1", "r1; r3 1"]), (Verdict::Valid, false, false));
    assert_eq!(of_reads(&["a1 1; a3 1", "r1; a3 2", "r3 1 2"]), (Verdict::Valid, false, false));
    // What was seen itself vanishes.
    assert_eq!(of_reads(&["a1 1; a2 1", "r2 1; r1"]), (Verdict::Violation, true, true));
}

#[test]
fn g_update_what_writes_or_one_who_only_reads_is_in_a_circle() {
    let of_updates = |transactions: &[&str]| {
        let report = check(&concurrent(transactions), "update-serializable");
        (report.verdict, names(&report).contains("G-update"))
    };
    // Write skew; and a reader who sees the second of two updates that are ordered by a third, without the first.
    assert_eq!(of_updates(&["r1; a2 1", "r2; a1 1"]), (Verdict::Violation, true));
    assert_eq!(of_updates(&["r1; a2 1", "a1 1", "r1 1; r2"]), (Verdict::Violation, true));
    // Adya: the same is seen by nobody, or by two who disagree about updates that have nothing to do with each other.
    assert_eq!(of_updates(&["r1; a2 1", "a1 1", "r1 1; r2 1"]), (Verdict::Valid, false));
    assert_eq!(of_updates(&["a1 1", "a2 1", "r1 1; r2", "r1; r2 1"]), (Verdict::Valid, false));
}

#[test]
fn realtime_variants_need_that_one_ended_before_the_other_began() {
    assert_eq!(found_in_sequence(&["a1 1", "a1 2", "r1 2 1"]), ["G0-realtime"]);
    assert_eq!(found_in_sequence(&["r1 1", "a1 1"]), ["G1c-realtime"]);
    assert_eq!(found_in_sequence(&["a1 1", "r1"]), ["G-single-item-realtime"]);
    assert!(found_in_sequence(&["a1 1", "a1 2", "r1 1 2"]).is_empty());
    assert!(found_in_sequence(&["a1 1", "r1 1"]).is_empty());
    assert!(found(&["a1 1", "a1 2", "r1 2 1"]).is_empty());
    assert!(found(&["a1 1", "r1"]).is_empty());
}

#[test]
fn process_variants_need_that_one_process_did_both() {
    assert_eq!(found_in_a_session(&["a1 1", "a1 2", "r1 2 1"]), ["G0-process"]);
    assert_eq!(found_in_a_session(&["r1 1", "a1 1"]), ["G1c-process"]);
    assert_eq!(found_in_a_session(&["a1 1", "r1"]), ["G-single-item-process"]);
    assert!(found_in_a_session(&["a1 1", "r1 1"]).is_empty());
}

/// What is found in transactions, each with its process and its interval.
fn found_in(transactions: &[(&str, i32, (usize, usize))]) -> Vec<String> {
    let placed = transactions.iter().map(|&(text, process, interval)| Transaction::parse(text, process, interval));
    let report = check(&History { transactions: placed.collect() }, "strict-serializable");
    report.anomalies.into_iter().map(|anomaly| anomaly.name).collect()
}

#[test]
fn g2_item_process_and_realtime_two_anti_dependencies_meet_between_two_transactions_in_order() {
    let skew = |process, seen| {
        found_in(&[("a1 1", 0, (0, 1)), ("r2", process, (2, 3)), (["r1; a2 1", "r1 1; a2 1"][seen], 9, (0, 4))])
    };
    assert_eq!(skew(0, 0), ["G2-item-process"]);
    assert_eq!(skew(1, 0), ["G2-item-realtime"]);
    assert!(skew(0, 1).is_empty() && skew(1, 1).is_empty());
}

#[test]
fn g_nonadjacent_item_process_and_realtime_an_order_stands_between_two_anti_dependencies() {
    let fork = |process, seen| {
        let late = ["r2", "r2 1"][seen];
        found_in(&[("r1; r3 1", 8, (0, 5)), ("a1 1", 0, (0, 1)), (late, process, (2, 3)), ("a2 1; a3 1", 9, (0, 6))])
    };
    assert_eq!(fork(0, 0), ["G-nonadjacent-item-process"]);
    assert_eq!(fork(1, 0), ["G-nonadjacent-item-realtime"]);
    assert!(fork(0, 1).is_empty() && fork(1, 1).is_empty());
}

#[test]
fn internal_a_transaction_contradicts_itself() {
    assert_eq!(found(&["a1 1", "r1 1; r1"]), ["internal"]);
    assert_eq!(found(&["a1 1; r1"]), ["internal"]);
    assert!(found(&["a1 1; r1 1"]).is_empty());
}

#[test]
fn future_read_a_transaction_sees_what_it_appends_later() {
    assert!(found(&["r1 1; a1 1"]).contains(&"future-read".to_owned()));
    assert!(found(&["r1; a1 1"]).is_empty());
}

#[test]
fn garbage_read_nobody_appended_it() {
    assert_eq!(found(&["r1 7"]), ["garbage-read"]);
    assert!(found(&["a1 7", "r1 7"]).is_empty());
}

#[test]
fn dirty_update_an_append_follows_an_aborted_one() {
    assert_eq!(found(&["fail a1 1", "a1 2", "r1 1 2"]), ["G1a", "dirty-update"]);
    assert!(found(&["fail a1 1", "a1 2", "r1 2"]).is_empty());
}

#[test]
fn duplicate_elements_one_append_shows_twice() {
    assert_eq!(found(&["a1 1", "r1 1 1"]), ["duplicate-elements"]);
    assert!(found(&["a1 1", "a1 2", "r1 1 2"]).is_empty());
}

#[test]
fn incompatible_order_two_reads_that_no_order_explains() {
    assert_eq!(found(&["a1 1", "a1 2", "r1 1 2", "r1 2 1"]), ["incompatible-order"]);
    assert!(found(&["a1 1", "a1 2", "r1 1 2", "r1 1"]).is_empty());
}

#[test]
fn incompatible_order_a_list_shows_the_appends_of_one_transaction_turned_round() {
    assert_eq!(found(&["a1 3; a1 4", "a1 1", "r1 1 4 3; r1 1 4 3"]), ["G1b", "incompatible-order"]);
    assert_eq!(found(&["a1 3; a1 4", "a1 1", "a1 5", "r1 1 4 3 5"]), ["incompatible-order"]);
    assert_eq!(found(&["a1 3; a1 4", "a1 1", "a1 5", "r1 1 4 5 3"]), ["G0", "G1b", "incompatible-order"]);
    assert!(found(&["a1 3; a1 4", "a1 1", "a1 5", "r1 1 3 4 5"]).is_empty());
}

#[test]
fn lost_update_two_transactions_build_on_the_same_version() {
    let names = found(&["r1; a1 1", "r1; a1 2", "r1 1 2"]);
    assert!(names.contains(&"lost-update".to_owned()) && names.contains(&"G-single-item".to_owned()), "{names:?}");
    assert!(found(&["r1; a1 1", "r1 1; a1 2", "r1 1 2"]).is_empty());
}

#[test]
fn g_cursor_a_transaction_appends_after_one_that_it_had_not_seen() {
    let names = found(&["r1; a1 2", "a1 1", "r1 1 2"]);
    assert!(names.contains(&"G-cursor".to_owned()) && names.contains(&"G-single-item".to_owned()), "{names:?}");
    assert!(!names.contains(&"lost-update".to_owned()), "{names:?}");
    assert!(found(&["r1 1; a1 2", "a1 1", "r1 1 2"]).is_empty());
}

#[test]
fn an_append_that_may_have_happened_is_believed_when_it_is_read_and_only_then() {
    assert!(found(&["info a1 1", "r1"]).is_empty());
    assert!(found(&["info a1 1", "r1 1"]).is_empty());
    assert_eq!(found(&["info a1 1; a2 1", "r1 1; r2"]), ["G-single-item"]);
}

#[test]
fn a_stale_read_is_g_single_in_real_time() {
    assert_eq!(found_in_sequence(&["a1 1", "r1 1; a1 2", "r1 1"]), ["G-single-item-realtime"]);
    assert!(found_in_sequence(&["a1 1", "r1 1; a1 2", "r1 1 2"]).is_empty());
}

#[test]
fn what_is_appended_and_never_read_comes_after_what_is_also_for_one_who_appended_it() {
    assert!(found(&["a1 1", "r1 1; a1 2"]).is_empty());
    assert_eq!(found(&["r1; a1 1; a2 1", "r2; a2 2; a1 2"]), ["G2-item"]);
}

#[test]
fn an_outcome_without_reads_proves_nothing() {
    let report = check(&concurrent(&["a1 1", "a1 2"]), "serializable");
    assert_eq!(report.verdict, Verdict::Unknown);
}

#[test]
fn weaker_models_accept_what_they_allow() {
    let skew = concurrent(&["r1; a2 1", "r2; a1 1"]);
    assert_eq!(check(&skew, "snapshot-isolation").verdict, Verdict::Valid);
    assert_eq!(check(&skew, "serializable").verdict, Verdict::Violation);
    let fork = concurrent(&["a1 1", "a2 1", "r1 1; r2", "r1; r2 1"]);
    assert_eq!(check(&fork, "parallel-snapshot-isolation").verdict, Verdict::Valid);
    assert_eq!(check(&fork, "snapshot-isolation").verdict, Verdict::Violation);
}

#[test]
fn a_budget_of_nothing_changes_no_verdict_that_is_the_acyclicity_of_a_graph() {
    let rows = concurrent(&["r1; a2 1", "r2; a3 1", "r3; a1 1"]).rows();
    let verdict = |consistency: &str, max_search: u64| {
        let consistency = Consistency::parse(consistency).expect("a known model");
        let options = Options { transaction: Some(0), consistency, max_search };
        check_append(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false)).expect("a history")
    };
    for budget in [0, 1_000_000] {
        assert_eq!(verdict("read-committed", budget).verdict, Verdict::Valid);
        assert_eq!(verdict("snapshot-isolation", budget).verdict, Verdict::Valid);
        assert_eq!(verdict("update-serializable", budget).verdict, Verdict::Violation);
        assert_eq!(verdict("repeatable-read", budget).verdict, Verdict::Violation);
        assert_eq!(verdict("serializable", budget).verdict, Verdict::Violation);
    }
}

#[test]
fn a_history_that_is_no_list_append_history_is_malformed_and_says_where() {
    let mut twice = concurrent(&["a1 1", "r1 1"]);
    twice.transactions.push(Transaction::parse("a1 1", 9, (50, 51)));
    let rows = twice.rows();
    let options = Options {
        transaction: Some(0),
        consistency: Consistency::parse("serializable").expect("a known model"),
        max_search: 1_000,
    };
    let malformed = check_append(&rows.beginning(rows.kind.len()), &options, &AtomicBool::new(false));
    let malformed = malformed.expect_err("an element twice");
    assert!(malformed.problems[0].what.contains("appended to key 1 a second time"), "{malformed:?}");
    assert_eq!(twice.transactions[0].outcome, Outcome::Ok);
}
