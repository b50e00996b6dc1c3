//! Invariants: what each finds, with a twin that it must not; the counter's bounds against their definition; and what honest objects did,
//! with operations of unknown end, is never called a violation. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod oracle;
mod rows;

use oracle::{Random, cases};
use rows::Rows;
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::{Report, bank, counter, total_queue, unique_ids};

const CASES: usize = 20_000;
const INVOKE: u8 = 0;
const OK: u8 = 1;
const FAIL: u8 = 2;
const INFO: u8 = 3;

/// One operation: its function, when it was invoked and completed, how, and its values then.
#[derive(Clone, Debug)]
struct Operation {
    f: u8,
    interval: (usize, usize),
    outcome: u8,
    asked: Option<Vec<i64>>,
    answered: Option<Vec<i64>>,
}

/// Each operation in a process of its own.
fn rows(operations: &[Operation]) -> Rows {
    let mut moments: Vec<(usize, usize, bool)> = Vec::new();
    for (process, operation) in operations.iter().enumerate() {
        moments.push((operation.interval.0, process, false));
        moments.push((operation.interval.1, process, true));
    }
    moments.sort_unstable_by_key(|&(moment, process, is_end)| (moment, is_end, process));
    let mut rows = Rows::default();
    for (_, process, is_end) in moments {
        let operation = &operations[process];
        let (kind, value) = match is_end {
            false => (INVOKE, &operation.asked),
            true if operation.outcome == OK => (OK, &operation.answered),
            true => (operation.outcome, &operation.asked),
        };
        rows.push(process as i32, kind, operation.f, value.as_deref());
    }
    rows
}

/// Operations one after the other: function, outcome, what was asked and answered.
fn sequence(operations: &[(u8, u8, &[i64], &[i64])]) -> Rows {
    let mut placed = Vec::new();
    for (place, &(f, outcome, asked, answered)) in operations.iter().enumerate() {
        placed.push(Operation {
            f,
            interval: (2 * place, 2 * place + 1),
            outcome,
            asked: (!asked.is_empty()).then(|| asked.to_vec()),
            answered: (!answered.is_empty()).then(|| answered.to_vec()),
        });
    }
    rows(&placed)
}

/// The verdict and the names of what was found.
fn told(report: Result<Report, schrodinger_checkers::pairing::Malformed>) -> (Verdict, Vec<&'static str>) {
    let report = report.unwrap_or_else(|malformed| panic!("{malformed:?}"));
    (report.verdict, report.findings.iter().map(|finding| finding.name).collect())
}

fn ids(operations: &[(u8, u8, &[i64], &[i64])]) -> (Verdict, Vec<&'static str>) {
    let rows = sequence(operations);
    told(unique_ids::check(&rows.beginning(rows.kind.len()), Some(0)))
}

#[test]
fn an_id_that_is_handed_out_twice_is_found_and_a_failed_one_does_not_count() {
    assert_eq!(ids(&[(0, OK, &[], &[5]), (0, OK, &[], &[5])]), (Verdict::Violation, vec!["duplicate-id"]));
    assert_eq!(ids(&[(0, OK, &[], &[5]), (0, OK, &[], &[6]), (0, FAIL, &[], &[])]), (Verdict::Valid, vec![]));
    assert_eq!(ids(&[(0, INFO, &[], &[])]).0, Verdict::Unknown);
}

fn count(rows: &Rows) -> (Verdict, Vec<&'static str>) {
    let functions = counter::Functions { add: Some(0), read: Some(1) };
    told(counter::check(&rows.beginning(rows.kind.len()), functions, 0))
}

#[test]
fn a_count_outside_its_bounds_is_found_and_one_that_an_unknown_add_explains_is_not() {
    let read = |value: &'static [i64]| (1, OK, &[][..], value);
    assert_eq!(count(&sequence(&[(0, OK, &[3], &[3]), read(&[2])])), (Verdict::Violation, vec!["impossible-count"]));
    assert_eq!(count(&sequence(&[(0, OK, &[3], &[3]), read(&[4])])), (Verdict::Violation, vec!["impossible-count"]));
    assert_eq!(count(&sequence(&[(0, FAIL, &[3], &[]), read(&[3])])), (Verdict::Violation, vec!["impossible-count"]));
    assert_eq!(count(&sequence(&[(0, INFO, &[3], &[]), read(&[3])])), (Verdict::Valid, vec![]));
    assert_eq!(count(&sequence(&[(0, INFO, &[-3], &[]), read(&[-3])])), (Verdict::Valid, vec![]));
    assert_eq!(count(&sequence(&[(0, INFO, &[3], &[]), read(&[0])])), (Verdict::Valid, vec![]));
}

#[test]
fn the_bounds_of_a_count_are_those_of_the_definition() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(seed);
        let operations: Vec<Operation> = (0..1 + random.below(8))
            .map(|_| {
                let begin = random.below(20);
                let interval = (begin, begin + random.below(10));
                let f = random.below(2) as u8;
                let amount = random.below(9) as i64 - 4;
                let outcome = [OK, OK, FAIL, INFO][random.below(4)];
                let asked = (f == 0).then(|| vec![amount]);
                Operation { f, interval, outcome, asked, answered: Some(vec![amount]) }
            })
            .collect();
        let is_impossible = operations.iter().filter(|read| read.f == 1 && read.outcome == OK).any(|read| {
            let adds = || operations.iter().filter(|add| add.f == 0 && add.outcome != FAIL);
            let amount = |add: &Operation| add.asked.as_ref().map_or(0, |asked| asked[0]);
            let is_certain = |add: &&Operation| add.outcome == OK && add.interval.1 < read.interval.0;
            let is_possible = |add: &&Operation| !is_certain(add) && add.interval.0 <= read.interval.1;
            let certain: i64 = adds().filter(is_certain).map(amount).sum();
            let least = certain + adds().filter(is_possible).map(amount).filter(|a| *a < 0).sum::<i64>();
            let most = certain + adds().filter(is_possible).map(amount).filter(|a| *a > 0).sum::<i64>();
            read.answered.as_ref().is_some_and(|value| value[0] < least || value[0] > most)
        });
        let (verdict, _) = count(&rows(&operations));
        assert_eq!(verdict == Verdict::Violation, is_impossible, "seed {seed}: {operations:?}");
        impossible += usize::from(is_impossible);
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were impossible: too few to mean anything");
}

fn balances(reads: &[&[i64]], options: bank::Options) -> (Verdict, Vec<&'static str>) {
    let operations: Vec<(u8, u8, &[i64], &[i64])> = reads.iter().map(|&read| (0, OK, &[][..], read)).collect();
    let rows = sequence(&operations);
    told(bank::check(&rows.beginning(rows.kind.len()), &options))
}

#[test]
fn money_that_appears_is_found_and_money_that_moves_is_not() {
    let options = bank::Options { read: Some(0), total: None, accounts: Some(&[0, 1]), allow_negative: false };
    let found = |reads: &[&[i64]]| balances(reads, options);
    assert_eq!(found(&[&[0, 5, 1, 5], &[0, 5, 1, 6]]), (Verdict::Violation, vec!["wrong-total"]));
    assert_eq!(found(&[&[0, 11, 1, -1]]), (Verdict::Violation, vec!["negative-balance"]));
    assert_eq!(found(&[&[0, 10]]), (Verdict::Violation, vec!["wrong-accounts"]));
    assert_eq!(found(&[&[0, 5, 0, 5]]), (Verdict::Violation, vec!["wrong-accounts"]));
    assert_eq!(found(&[&[0, 5, 1, 5], &[0, 2, 1, 8]]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[]).0, Verdict::Unknown);
    let allowed = bank::Options { allow_negative: true, ..options };
    assert_eq!(balances(&[&[0, 11, 1, -1]], allowed), (Verdict::Valid, vec![]));
    let promised = bank::Options { total: Some(11), ..options };
    assert_eq!(balances(&[&[0, 5, 1, 5]], promised), (Verdict::Violation, vec!["wrong-total"]));
}

const QUEUE: total_queue::Functions = total_queue::Functions { enqueue: Some(0), dequeue: Some(1), drain: Some(2) };

fn queue(rows: &Rows) -> (Verdict, Vec<&'static str>) {
    told(total_queue::check(&rows.beginning(rows.kind.len()), QUEUE))
}

#[test]
fn elements_that_are_lost_unexpected_or_duplicated_are_found() {
    let put = |value: &'static [i64]| (0, OK, value, value);
    let take = |value: &'static [i64]| (1, OK, &[][..], value);
    let queue = |operations: &[(u8, u8, &[i64], &[i64])]| queue(&sequence(operations));
    assert_eq!(queue(&[put(&[1]), take(&[])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(queue(&[put(&[1]), put(&[2]), (2, OK, &[], &[2])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(queue(&[take(&[7]), put(&[7])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(queue(&[(0, FAIL, &[7], &[]), take(&[7])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), take(&[1])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), take(&[])]), (Verdict::Valid, vec![]));
    assert_eq!(queue(&[(0, INFO, &[1], &[]), take(&[1]), take(&[])]), (Verdict::Valid, vec![]));
    assert_eq!(queue(&[put(&[1]), (1, INFO, &[], &[]), take(&[])]), (Verdict::Unknown, vec![]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), put(&[2])]), (Verdict::Unknown, vec![]));
}

#[test]
fn what_an_honest_queue_did_is_never_a_violation() {
    let mut valid = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(1 << 40 | seed);
        let (mut content, mut operations): (Vec<i64>, Vec<Operation>) = (Vec::new(), Vec::new());
        let count = 2 + random.below(10);
        for instant in 0..count {
            let at = 10 * instant + 5;
            let interval = (at - 1 - random.below(5), at + 1 + random.below(15));
            let outcome = [OK, OK, OK, OK, FAIL, INFO][random.below(6)];
            let happens = outcome == OK || (outcome == INFO && random.chance(50));
            let is_last = instant + 1 == count;
            let operation = if !is_last && random.chance(50) {
                let value = vec![instant as i64];
                content.extend(happens.then_some(instant as i64));
                Operation { f: 0, interval, outcome, asked: Some(value.clone()), answered: Some(value) }
            } else {
                let all = if is_last { content.len() } else { content.len().min(1) };
                let taken: Vec<i64> = if happens { content.drain(..all).collect() } else { Vec::new() };
                let answered = (!taken.is_empty()).then_some(taken);
                Operation { f: if is_last { 2 } else { 1 }, interval, outcome, asked: None, answered }
            };
            operations.push(operation);
        }
        let (verdict, findings) = queue(&rows(&operations));
        assert_ne!(verdict, Verdict::Violation, "seed {seed}: {findings:?} {operations:?}");
        valid += usize::from(verdict == Verdict::Valid);
    }
    assert!(valid > cases(CASES) / 10, "only {valid} were decided: too few to mean anything");
}

#[test]
fn values_that_make_no_sense_are_malformed_with_their_row() {
    let rows = sequence(&[(0, OK, &[], &[1, 2])]);
    let events = rows.beginning(rows.kind.len());
    let row = |problem: schrodinger_checkers::pairing::Malformed| problem.problems[0].row;
    assert_eq!(unique_ids::check(&events, Some(0)).map_err(row).err(), Some(1));
    let counter = counter::check(&events, counter::Functions { add: None, read: Some(0) }, 0);
    assert_eq!(counter.map_err(row).err(), Some(1));
    assert_eq!(total_queue::check(&events, QUEUE).map_err(row).err(), Some(0));
    let odd = sequence(&[(0, OK, &[], &[1, 2, 3])]);
    let options = bank::Options { read: Some(0), total: None, accounts: None, allow_negative: false };
    assert_eq!(bank::check(&odd.beginning(odd.kind.len()), &options).map_err(row).err(), Some(1));
}
