//! What only grows, and reads of groups that must agree on one order of writes: findings with twins, and both against their definitions.
//! SCHRODINGER_FUZZ_CASES sets how many histories.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod operations;
mod oracle;
mod rows;

use operations::{FAIL, OK, Operation, assert_final, random_operations, rows as laid_out, sequence, told};
use oracle::{Random, cases};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::{long_fork, monotonic};

const CASES: usize = 20_000;
const INCREMENT: u8 = 0;
const READ: u8 = 1;
const READ_ALL: u8 = 2;
const TRANSACTIONS: long_fork::Functions = [Some(0), None, None];
const GROWING: monotonic::Functions =
    monotonic::Functions { increment: Some(INCREMENT), read: Some(READ), read_all: Some(READ_ALL) };

fn growing(operations: &[(u8, u8, &[i64], &[i64])]) -> (Verdict, Vec<&'static str>) {
    told(monotonic::check(&sequence(operations).events(), GROWING, false))
}

#[test]
fn what_goes_backwards_or_is_handed_out_twice_is_found_and_what_grows_is_not() {
    let read = |value: &'static [i64]| (READ, OK, &[][..], value);
    let inc = |value: &'static [i64]| (INCREMENT, OK, &[][..], value);
    let all = |values: &'static [i64]| (READ_ALL, OK, &[][..], values);
    assert_eq!(growing(&[read(&[2]), read(&[1])]), (Verdict::Violation, vec!["went-backwards"]));
    assert_eq!(growing(&[read(&[1]), read(&[1]), read(&[2])]), (Verdict::Valid, vec![]));
    assert_eq!(growing(&[read(&[]), read(&[1])]), (Verdict::Valid, vec![]));
    assert_eq!(growing(&[read(&[1]), inc(&[1])]), (Verdict::Violation, vec!["went-backwards"]));
    assert_eq!(growing(&[read(&[1]), inc(&[2]), read(&[2])]), (Verdict::Valid, vec![]));
    assert_eq!(growing(&[inc(&[1]), inc(&[1])]).0, Verdict::Violation);
    assert_eq!(growing(&[inc(&[1]), inc(&[2]), all(&[2, 1])]), (Verdict::Violation, vec!["off-order"]));
    assert_eq!(growing(&[inc(&[1]), inc(&[2]), all(&[1, 1, 2])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(growing(&[inc(&[1]), inc(&[2]), all(&[2])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(growing(&[inc(&[1]), all(&[1, 2, 5])]), (Verdict::Valid, vec![]));
    assert_eq!(growing(&[]).0, Verdict::Unknown);
}

#[test]
fn of_sessions_only_what_one_process_saw_is_compared() {
    let mut operations = random_operations(&mut Random(1), 1, 1, |_, operation| {
        (operation.f, operation.outcome, operation.answered) = (READ, OK, Some(vec![2]));
    });
    let older = Operation { interval: (500, 510), answered: Some(vec![1]), process: 7, ..operations[0].clone() };
    operations.push(older);
    let found = |operations: &[Operation], sessions| {
        told(monotonic::check(&laid_out(operations).events(), GROWING, sessions)).0
    };
    assert_eq!(found(&operations, false), Verdict::Violation);
    assert_eq!(found(&operations, true), Verdict::Valid);
    operations[1].process = operations[0].process;
    assert_eq!(found(&operations, true), Verdict::Violation);
}

/// The names of all that is wrong, by comparing everything with everything.
fn wrong(operations: &[Operation], sessions: bool) -> Vec<&'static str> {
    let seen = || operations.iter().filter(|o| o.is_ok() && o.f != READ_ALL);
    let all = || operations.iter().filter(|o| o.is_ok() && o.f == READ_ALL);
    let incs = || seen().filter(|o| o.f == INCREMENT);
    let backwards = seen().any(|later| {
        seen().any(|earlier| {
            earlier.is_before(later)
                && earlier.key == later.key
                && (!sessions || earlier.process == later.process)
                && (later.answered() < earlier.answered()
                    || later.f == INCREMENT && later.answered() == earlier.answered())
        })
    });
    let list = |o: &Operation| o.answered.clone().unwrap_or_default();
    let off_order = all().any(|o| list(o).windows(2).any(|pair| pair[0] > pair[1]));
    let twice = |values: &[i64]| (0..values.len()).any(|place| values[..place].contains(&values[place]));
    let same =
        |one: &Operation, other: &Operation| one != other && one.key == other.key && one.answered() == other.answered();
    let duplicated = all().any(|o| twice(&list(o))) || incs().any(|one| incs().any(|other| same(one, other)));
    let lost = !sessions && all().any(|o| incs().any(|inc| inc.is_before(o) && !list(o).contains(&inc.answered())));
    let names = [("went-backwards", backwards), ("off-order", off_order), ("duplicated", duplicated), ("lost", lost)];
    names.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

#[test]
fn what_only_grows_is_judged_by_the_definition_and_never_mended() {
    let mut violations = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(seed);
        let (sessions, keys, noise) = (random.chance(50), 1 + random.below(2), [2, 8, 20][random.below(3)]);
        let mut operations = random_operations(&mut random, 18, 4, |random, operation| {
            operation.f = [INCREMENT, READ, READ, READ_ALL][random.below(4)];
            let (begin, end) = operation.interval;
            let near = (begin + random.below(end - begin + 1)) / 10 + random.below(noise);
            operation.answered = Some(vec![near as i64]);
            operation.key = (keys == 2 && operation.f != READ_ALL).then(|| random.below(2) as i64);
        });
        let numbers: Vec<i64> =
            operations.iter().filter(|o| o.f == INCREMENT && o.outcome != FAIL).map(Operation::answered).collect();
        for operation in operations.iter_mut().filter(|o| o.f == READ_ALL) {
            let mut all: Vec<i64> = numbers.iter().copied().filter(|_| random.chance(95)).collect();
            all.sort_unstable();
            if random.chance(10) && all.len() > 1 {
                let place = random.below(all.len() - 1);
                all.swap(place, place + 1);
            }
            operation.answered = Some(all);
        }
        let rows = laid_out(&operations);
        assert_final(&rows, |events| monotonic::check(events, GROWING, sessions));
        let (_, findings) = told(monotonic::check(&rows.events(), GROWING, sessions));
        assert_eq!(findings, wrong(&operations, sessions), "seed {seed}: sessions {sessions} {operations:?}");
        violations += usize::from(!findings.is_empty());
    }
    assert!((cases(CASES) / 10..cases(CASES) * 9 / 10).contains(&violations), "{violations} were violations");
}

fn forks(transactions: &[&[i64]]) -> (Verdict, Vec<&'static str>) {
    let operations: Vec<(u8, u8, &[i64], &[i64])> = transactions.iter().map(|&steps| (0, OK, steps, steps)).collect();
    told(long_fork::check(&sequence(&operations).events(), TRANSACTIONS))
}

#[test]
fn two_reads_that_saw_two_writes_in_opposite_orders_are_a_long_fork() {
    let (write_x, write_y) = (&[2, 0, 1, 1][..], &[2, 1, 1, 1][..]);
    let (saw_x, saw_y, saw_both) =
        (&[0, 0, 1, 1, 0, 1, 0][..], &[0, 0, 0, 0, 1, 1, 1][..], &[0, 1, 1, 1, 0, 0, 1, 1][..]);
    assert_eq!(forks(&[write_x, write_y, saw_x, saw_y]), (Verdict::Violation, vec!["long-fork"]));
    assert_eq!(forks(&[write_x, write_y, saw_x, saw_both]), (Verdict::Valid, vec![]));
    assert_eq!(forks(&[write_x, saw_both, saw_x]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(forks(&[write_x, write_y, saw_x]).0, Verdict::Unknown);
    assert_eq!(forks(&[write_x, write_y]).0, Verdict::Unknown);
}

#[test]
fn a_key_that_is_written_twice_is_malformed_with_its_row() {
    let rows = sequence(&[(0, OK, &[2, 0, 1, 1], &[2, 0, 1, 1]), (0, OK, &[2, 0, 1, 2], &[2, 0, 1, 2])]);
    let malformed = long_fork::check(&rows.events(), TRANSACTIONS).err().map(|malformed| malformed.problems[0].row);
    assert_eq!(malformed, Some(2));
}

#[test]
fn long_forks_are_found_as_if_all_pairs_of_reads_were_compared() {
    let mut violations = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(4 << 40 | seed);
        let width = 2 + random.below(3) as i64;
        let (groups, blur) = (1 + random.below(2) as i64, [0, 30, 60][random.below(3)]);
        let mut fresh = 0;
        let mut operations = random_operations(&mut random, 20, 4, |random, operation| {
            if fresh < groups * width && random.chance(30) {
                operation.asked = Some(vec![2, fresh, 1, fresh + 100]);
                operation.answered = operation.asked.clone();
                fresh += 1;
            } else {
                let group = random.below(groups as usize) as i64;
                let keys = group * width..(group + 1) * width;
                operation.f = 1;
                operation.asked = Some(keys.flat_map(|key| [0, key, -1]).collect());
            }
        });
        let written: Vec<(i64, usize)> = operations
            .iter()
            .filter(|o| o.f == 0 && o.outcome != FAIL)
            .filter_map(|o| Some((o.asked.as_ref()?[1], o.interval.0)))
            .collect();
        let mut views: Vec<(Vec<i64>, Vec<bool>)> = Vec::new();
        for operation in operations.iter_mut() {
            if operation.f == 1 && operation.is_ok() {
                let keys: Vec<i64> = operation
                    .asked
                    .iter()
                    .flatten()
                    .copied()
                    .collect::<Vec<_>>()
                    .chunks(3)
                    .map(|step| step[1])
                    .collect();
                let mut seen = |key: i64| {
                    let was_written = written.iter().any(|&(other, at)| other == key && at <= operation.interval.1);
                    was_written && !random.chance(blur)
                };
                let view: Vec<bool> = keys.iter().map(|&key| seen(key)).collect();
                let step = |(&key, &is_there): (&i64, &bool)| {
                    if is_there { vec![0, key, 1, key + 100] } else { vec![0, key, 0] }
                };
                operation.answered = Some(keys.iter().zip(&view).flat_map(step).collect());
                views.push((keys, view));
            }
            operation.f = 0;
        }
        let exceeds = |one: &[bool], other: &[bool]| one.iter().zip(other).any(|(one, other)| *one && !*other);
        let is_fork = views.iter().any(|(keys, one)| {
            views.iter().any(|(others, other)| keys == others && exceeds(one, other) && exceeds(other, one))
        });
        let rows = laid_out(&operations);
        assert_final(&rows, |events| long_fork::check(events, TRANSACTIONS));
        let (_, findings) = told(long_fork::check(&rows.events(), TRANSACTIONS));
        assert_eq!(findings == ["long-fork"], is_fork, "seed {seed}: {findings:?} {operations:?}");
        assert!(is_fork || findings.is_empty(), "seed {seed}: {findings:?} {operations:?}");
        violations += usize::from(is_fork);
    }
    assert!(violations > cases(CASES) / 20, "only {violations} were violations: too few to mean anything");
}
