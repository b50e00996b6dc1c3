//! Invariants: what each finds, with a twin that it must not; each against its definition; what honest objects did, with operations of
//! unknown end, is never called a violation; and what the beginning of a history violates, all of it violates. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod operations;
mod oracle;
mod rows;

use operations::{
    FAIL, INFO, INVOKE, OK, Operation, assert_final, random_operations, rows as laid_out, sequence, told,
};
use oracle::{Random, cases};
use rows::Rows;
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::total_queue::Delivery;
use schrodinger_checkers::invariants::{bank, counter, final_set, queue, total_queue, unique_ids};
use schrodinger_checkers::set;

const CASES: usize = 20_000;
fn ids(operations: &[(u8, u8, &[i64], &[i64])]) -> (Verdict, Vec<&'static str>) {
    let rows = sequence(operations);
    told(unique_ids::check(&rows.events(), Some(0)))
}

#[test]
fn an_id_that_is_handed_out_twice_is_found_and_a_failed_one_does_not_count() {
    assert_eq!(ids(&[(0, OK, &[], &[5]), (0, OK, &[], &[5])]), (Verdict::Violation, vec!["duplicate-id"]));
    assert_eq!(ids(&[(0, OK, &[], &[5]), (0, OK, &[], &[6]), (0, FAIL, &[], &[])]), (Verdict::Valid, vec![]));
    assert_eq!(ids(&[(0, INFO, &[], &[])]).0, Verdict::Unknown);
}

#[test]
fn ids_are_unique_by_the_definition() {
    let mut violations = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(4 << 40 | seed);
        let operations = random_operations(&mut random, 6, 4, |random, operation| {
            operation.f = u8::from(random.chance(20));
            operation.answered = Some(vec![random.below(9) as i64]);
        });
        let given: Vec<i64> = operations.iter().filter(|o| o.f == 0 && o.is_ok()).map(Operation::answered).collect();
        let is_twice = (0..given.len()).any(|place| given[..place].contains(&given[place]));
        let expected = match (is_twice, given.is_empty()) {
            (true, _) => Verdict::Violation,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Valid,
        };
        let rows = laid_out(&operations);
        assert_final(&rows, |events| unique_ids::check(events, Some(0)));
        let (verdict, _) = told(unique_ids::check(&rows.events(), Some(0)));
        assert_eq!(verdict, expected, "seed {seed}: {operations:?}");
        violations += usize::from(is_twice);
    }
    assert!(violations > cases(CASES) / 10, "only {violations} were violations: too few to mean anything");
}

const COUNTER: counter::Functions = counter::Functions { add: Some(0), read: Some(1) };

fn count(rows: &Rows) -> (Verdict, Vec<&'static str>) {
    told(counter::check(&rows.events(), COUNTER, 0))
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
        let operations = random_operations(&mut random, 8, 4, |random, operation| {
            operation.f = random.below(2) as u8;
            let amount = random.below(9) as i64 - 4;
            operation.asked = (operation.f == 0).then(|| vec![amount]);
            operation.answered = Some(vec![amount]);
        });
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
        let rows = laid_out(&operations);
        assert_final(&rows, |events| counter::check(events, COUNTER, 0));
        let (verdict, _) = count(&rows);
        assert_eq!(verdict == Verdict::Violation, is_impossible, "seed {seed}: {operations:?}");
        impossible += usize::from(is_impossible);
    }
    assert!(impossible > cases(CASES) / 10, "only {impossible} were impossible: too few to mean anything");
}

fn balances(reads: &[&[i64]], options: bank::Options) -> (Verdict, Vec<&'static str>) {
    let mut rows = Rows::default();
    for read in reads {
        rows.push_keyed(0, INVOKE, 0, None, None);
        rows.push_keyed(0, OK, 0, None, Some(read));
    }
    told(bank::check(&rows.events(), &options))
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
    assert_eq!(balances(&[&[0, 11, 1, -1], &[0, 5, 1, 5]], allowed), (Verdict::Valid, vec![]));
    let promised = bank::Options { total: Some(11), ..options };
    assert_eq!(balances(&[&[0, 5, 1, 5]], promised), (Verdict::Violation, vec!["wrong-total"]));
    let nothing_said = bank::Options { accounts: None, ..options };
    let found = |reads: &[&[i64]]| balances(reads, nothing_said);
    assert_eq!(found(&[&[0, 5]]).0, Verdict::Unknown, "what would it have to add up to?");
    assert_eq!(found(&[&[], &[], &[]]).0, Verdict::Unknown, "nobody saw money");
    assert_eq!(
        found(&[&[], &[0, 5, 1, 5], &[0, 2, 1, 8]]),
        (Verdict::Valid, vec![]),
        "the accounts were still to come"
    );
    assert_eq!(found(&[&[0, 5, 1, 5], &[]]), (Verdict::Violation, vec!["wrong-total"]), "they were lost");
    assert_eq!(balances(&[&[]], bank::Options { total: Some(11), ..nothing_said }).1, ["wrong-total"]);
}

#[test]
fn each_key_is_a_bank_of_its_own() {
    let options = bank::Options { read: Some(0), total: None, accounts: None, allow_negative: false };
    let found = |last: i64| {
        let mut rows = Rows::default();
        for (key, balance) in [(1, 5), (2, 70), (1, 5), (2, last)] {
            rows.push_keyed(0, INVOKE, 0, Some(key), None);
            rows.push_keyed(0, OK, 0, Some(key), Some(&[0, balance, 1, 1]));
        }
        told(bank::check(&rows.events(), &options))
    };
    assert_eq!(found(70), (Verdict::Valid, vec![]));
    assert_eq!(found(5), (Verdict::Violation, vec!["wrong-total"]));
}

/// Accounts with balances, most of which add up to ten.
fn random_balances(random: &mut Random) -> Vec<i64> {
    let count = if random.chance(10) { 2 + random.below(3) } else { 3 };
    let mut accounts: Vec<i64> = (0..count as i64).collect();
    if random.chance(5) {
        accounts[0] = accounts[1];
    }
    let mut left = if random.chance(10) { random.below(20) as i64 } else { 10 };
    let mut balances = Vec::new();
    for (place, account) in accounts.iter().enumerate() {
        let most = if random.chance(5) { 14 } else { left.max(0) + 1 };
        let balance = if place + 1 == count { left } else { random.below(most as usize) as i64 };
        left -= balance;
        balances.extend([*account, balance]);
    }
    balances
}

#[test]
fn balances_are_judged_by_the_definition() {
    let (mut found, mut valid) = ([0; 3], 0);
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(5 << 40 | seed);
        let operations = random_operations(&mut random, 6, 4, |random, operation| {
            operation.f = u8::from(random.chance(30));
            operation.answered = (operation.f == 0).then(|| random_balances(random));
        });
        let options = bank::Options {
            read: Some(0),
            total: random.chance(50).then_some(10),
            accounts: random.chance(50).then_some(&[0, 1, 2]),
            allow_negative: random.chance(50),
        };
        let reads = operations.iter().filter(|o| o.f == 0 && o.is_ok());
        let reads: Vec<&[i64]> = reads.map(|read| read.answered.as_deref().unwrap_or(&[])).collect();
        let part = |read: &[i64], which: usize| read.chunks(2).map(|pair| pair[which]).collect::<Vec<i64>>();
        let has_wrong_accounts = |read: &&&[i64]| {
            let mut accounts = part(read, 0);
            accounts.sort_unstable();
            accounts.windows(2).any(|pair| pair[0] == pair[1]) || options.accounts.is_some_and(|all| all != accounts)
        };
        let sums = reads.iter().filter(|read| !has_wrong_accounts(read)).map(|read| part(read, 1));
        let sums: Vec<Vec<i64>> = sums.collect();
        let sum = |balances: &Vec<i64>| balances.iter().sum::<i64>();
        let total = options.total.or(sums.first().map(sum));
        let is_wrong = sums.iter().any(|balances| Some(sum(balances)) != total);
        let is_negative = !options.allow_negative && sums.iter().flatten().any(|&balance| balance < 0);
        let told_of = [is_wrong, is_negative, reads.iter().any(|read| has_wrong_accounts(&read))];
        let names = ["wrong-total", "negative-balance", "wrong-accounts"];
        let expected: Vec<&str> =
            names.into_iter().zip(told_of).filter(|(_, told)| *told).map(|(name, _)| name).collect();
        let rows = laid_out(&operations);
        assert_final(&rows, |events| bank::check(events, &options));
        let (verdict, findings) = told(bank::check(&rows.events(), &options));
        assert_eq!(findings, expected, "seed {seed}: {options:?} {operations:?}");
        assert_eq!(verdict == Verdict::Violation, !expected.is_empty(), "seed {seed}: {operations:?}");
        told_of.iter().zip(&mut found).for_each(|(&told, count)| *count += usize::from(told));
        valid += usize::from(verdict == Verdict::Valid);
    }
    let few = cases(CASES) / 50;
    assert!(
        valid > few && found.iter().all(|&count| count > few),
        "{valid} valid, {found:?}: too few to mean anything"
    );
}

const QUEUE: queue::Functions = queue::Functions { enqueue: Some(0), dequeue: Some(1), drain: Some(2) };

fn emptied_queue(rows: &Rows) -> (Verdict, Vec<&'static str>) {
    told(total_queue::check(&rows.events(), QUEUE, Delivery::ExactlyOnce))
}

#[test]
fn elements_that_are_lost_unexpected_or_duplicated_are_found() {
    let put = |value: &'static [i64]| (0, OK, value, value);
    let take = |value: &'static [i64]| (1, OK, &[][..], value);
    let queue = |operations: &[(u8, u8, &[i64], &[i64])]| emptied_queue(&sequence(operations));
    assert_eq!(queue(&[put(&[1]), take(&[])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(queue(&[put(&[1]), put(&[2]), (2, OK, &[], &[2])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(queue(&[take(&[7]), put(&[7])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(queue(&[(0, FAIL, &[7], &[]), take(&[7])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), take(&[1])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), take(&[])]), (Verdict::Valid, vec![]));
    assert_eq!(queue(&[(0, INFO, &[1], &[]), take(&[1]), take(&[])]), (Verdict::Valid, vec![]));
    assert_eq!(queue(&[put(&[1]), (1, INFO, &[], &[]), take(&[])]), (Verdict::Unknown, vec![]));
    assert_eq!(queue(&[put(&[1]), take(&[1]), put(&[2])]), (Verdict::Unknown, vec![]));
    let two = [put(&[1]), put(&[2])];
    let then = |drained: (u8, u8, &'static [i64], &'static [i64])| queue(&[&two[..], &[drained, take(&[])]].concat());
    assert_eq!(then((2, INFO, &[], &[])), (Verdict::Unknown, vec![]), "it may have taken both");
    assert_eq!(then((1, INFO, &[], &[])), (Verdict::Violation, vec!["lost"]), "it may have taken one");
    assert_eq!(then((2, FAIL, &[], &[])), (Verdict::Violation, vec!["lost"]), "it took none");
}

#[test]
fn what_a_queue_may_deliver_again_is_counted_and_all_else_is_found() {
    let put = |value: &'static [i64]| (0, OK, value, value);
    let take = |value: &'static [i64]| (1, OK, &[][..], value);
    let report = |operations: &[(u8, u8, &[i64], &[i64])]| {
        total_queue::check(&sequence(operations).events(), QUEUE, Delivery::AtLeastOnce)
    };
    let twice = report(&[put(&[1]), take(&[1]), take(&[1]), take(&[])]);
    assert_eq!(twice.as_ref().map(|report| report.counts.get("redelivered").copied()).ok(), Some(Some(1)));
    assert_eq!(told(twice), (Verdict::Valid, vec![]));
    let lost = [put(&[1]), put(&[2]), take(&[1]), take(&[1]), take(&[])];
    assert_eq!(told(report(&lost)), (Verdict::Violation, vec!["lost"]), "the second delivery is not that of another");
    assert_eq!(told(report(&[take(&[7])])), (Verdict::Violation, vec!["unexpected"]));
}

#[test]
fn a_queue_of_whatever_order_may_keep_what_it_got_and_give_it_only_once() {
    let found = |operations: &[(u8, u8, &[i64], &[i64])]| told(queue::check(&sequence(operations).events(), QUEUE));
    let put = |value: &'static [i64]| (0, OK, value, value);
    let take = |value: &'static [i64]| (1, OK, &[][..], value);
    assert_eq!(found(&[put(&[1]), put(&[2]), take(&[2])]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[take(&[1]), put(&[1])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(found(&[put(&[1]), take(&[1]), take(&[1])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(found(&[put(&[1]), take(&[1]), take(&[1]), put(&[1])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(found(&[put(&[1]), take(&[1]), put(&[1]), take(&[1])]), (Verdict::Valid, vec![]));
}

/// Each taking has an attempt of its own that began before it ended, whichever order they are given out in.
fn has_attempts(takings: &[usize], attempts: &mut Vec<usize>) -> bool {
    let Some((&end, rest)) = takings.split_first() else { return true };
    (0..attempts.len()).filter(|&place| attempts[place] <= end).collect::<Vec<_>>().into_iter().any(|place| {
        let begin = attempts.remove(place);
        let fits = has_attempts(rest, attempts);
        attempts.insert(place, begin);
        fits
    })
}

#[test]
fn what_comes_out_of_a_queue_is_judged_as_if_all_ways_to_match_it_were_tried() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(2 << 40 | seed);
        let operations = random_operations(&mut random, 9, 4, |random, operation| {
            operation.f = random.below(3) as u8;
            let count = if operation.f == 2 { random.below(3) } else { usize::from(random.chance(90)) };
            let values: Vec<i64> = (0..count).map(|_| random.below(3) as i64).collect();
            operation.answered = (!values.is_empty()).then(|| values.clone());
            if operation.f == 0 {
                operation.asked = Some(values.first().map_or(vec![0], |&value| vec![value]));
            }
        });
        let is_impossible = (0..3).any(|value| {
            let is_attempt = |o: &&Operation| o.f == 0 && o.outcome != FAIL && o.asked() == value;
            let mut attempts = operations.iter().filter(is_attempt).map(|o| o.interval.0).collect();
            let ends = |o: &Operation| {
                let times = o.answered.iter().flatten().filter(|&&taken| taken == value).count();
                vec![o.interval.1; times]
            };
            let takings: Vec<usize> = operations.iter().filter(|o| o.f > 0 && o.is_ok()).flat_map(ends).collect();
            !has_attempts(&takings, &mut attempts)
        });
        let rows = laid_out(&operations);
        assert_final(&rows, |events| queue::check(events, QUEUE));
        let (verdict, findings) = told(queue::check(&rows.events(), QUEUE));
        assert_eq!(verdict == Verdict::Violation, is_impossible, "seed {seed}: {findings:?} {operations:?}");
        impossible += usize::from(is_impossible);
    }
    assert!((cases(CASES) / 10..cases(CASES) * 9 / 10).contains(&impossible), "{impossible} were impossible");
}

const SET: set::Functions = set::Functions { add: Some(0), read: Some(1) };

#[test]
fn only_the_last_read_of_a_set_decides_what_was_lost() {
    let found = |operations: &[(u8, u8, &[i64], &[i64])]| told(final_set::check(&sequence(operations).events(), SET));
    let add = |value: &'static [i64]| (0, OK, value, value);
    let read = |values: &'static [i64]| (1, OK, &[][..], values);
    assert_eq!(found(&[add(&[1]), read(&[7]), read(&[1])]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[add(&[1]), add(&[2]), read(&[2])]), (Verdict::Violation, vec!["lost"]));
    assert_eq!(found(&[add(&[1]), read(&[1, 9])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(found(&[add(&[1]), (0, FAIL, &[9], &[]), read(&[1, 9])]), (Verdict::Violation, vec!["unexpected"]));
    assert_eq!(found(&[add(&[1]), (0, INFO, &[9], &[]), read(&[1, 9])]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[add(&[1]), (0, INFO, &[9], &[]), read(&[1])]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[add(&[1]), read(&[1, 1])]), (Verdict::Violation, vec!["duplicated"]));
    assert_eq!(found(&[add(&[1]), read(&[1]), add(&[2])]), (Verdict::Unknown, vec![]));
    assert_eq!(found(&[add(&[1])]), (Verdict::Unknown, vec![]));
}

#[test]
fn the_last_read_of_a_set_is_judged_by_the_definition() {
    let mut violations = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(3 << 40 | seed);
        let operations = random_operations(&mut random, 8, 4, |random, operation| {
            operation.f = random.below(2) as u8;
            operation.asked = (operation.f == 0).then(|| vec![random.below(5) as i64]);
            let repeated = random.chance(5).then_some(0);
            let seen = (0..5).filter(|_| random.chance(60)).chain(repeated).collect();
            operation.answered = if operation.f == 0 { operation.asked.clone() } else { Some(seen) };
        });
        let reads = operations.iter().filter(|o| o.f == 1 && o.is_ok());
        let expected = reads.max_by_key(|read| read.interval.0).map_or(vec![], |last| {
            let seen = last.answered.as_deref().unwrap_or(&[]);
            let adds = |value: i64| operations.iter().filter(move |o| o.f == 0 && o.asked() == value);
            let is_lost =
                |value: i64| adds(value).any(|add| add.is_ok() && add.is_before(last)) && !seen.contains(&value);
            let may_be_there = |value: i64| adds(value).any(|add| add.outcome != FAIL && !last.is_before(add));
            let is_repeated = |value: i64| seen.iter().filter(|&&other| other == value).count() > 1;
            let mut names = vec![];
            names.extend((0..5).any(is_lost).then_some("lost"));
            names.extend(seen.iter().any(|&value| !may_be_there(value)).then_some("unexpected"));
            names.extend((0..5).any(is_repeated).then_some("duplicated"));
            names
        });
        // Reads that began together: which of them is the last is a matter of rows.
        let begun: Vec<usize> = operations.iter().filter(|o| o.f == 1 && o.is_ok()).map(|o| o.interval.0).collect();
        if begun.iter().filter(|&begin| Some(begin) == begun.iter().max()).count() > 1 {
            continue;
        }
        let (_, findings) = told(final_set::check(&laid_out(&operations).events(), SET));
        assert_eq!(findings, expected, "seed {seed}: {operations:?}");
        violations += usize::from(!findings.is_empty());
    }
    assert!(violations > cases(CASES) / 10, "only {violations} were violations: too few to mean anything");
}

#[test]
fn what_an_honest_queue_did_is_never_a_violation() {
    let mut valid = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(1 << 40 | seed);
        let (mut content, mut operations): (Vec<i64>, Vec<Operation>) = (Vec::new(), Vec::new());
        let count = 2 + random.below(10);
        for instant in 0..count {
            let (at, process) = (10 * instant + 5, instant as i32);
            let interval = (at - 1 - random.below(5), at + 1 + random.below(15));
            let outcome = [OK, OK, OK, OK, FAIL, INFO][random.below(6)];
            let happens = outcome == OK || (outcome == INFO && random.chance(50));
            let is_last = instant + 1 == count;
            let operation = if !is_last && random.chance(50) {
                let value = vec![instant as i64];
                content.extend(happens.then_some(instant as i64));
                Operation {
                    process,
                    f: 0,
                    key: None,
                    interval,
                    outcome,
                    asked: Some(value.clone()),
                    answered: Some(value),
                }
            } else {
                let f = if is_last || random.chance(20) { 2 } else { 1 };
                let all = if f == 2 { content.len() } else { content.len().min(1) };
                let taken: Vec<i64> = if happens { content.drain(..all).collect() } else { Vec::new() };
                let answered = (!taken.is_empty() && outcome == OK).then_some(taken);
                Operation { process, f, key: None, interval, outcome, asked: None, answered }
            };
            operations.push(operation);
        }
        let (verdict, findings) = emptied_queue(&laid_out(&operations));
        assert_ne!(verdict, Verdict::Violation, "seed {seed}: {findings:?} {operations:?}");
        valid += usize::from(verdict == Verdict::Valid);
    }
    assert!(valid > cases(CASES) / 10, "only {valid} were decided: too few to mean anything");
}

#[test]
fn values_that_make_no_sense_are_malformed_with_their_row() {
    let rows = sequence(&[(0, OK, &[], &[1, 2])]);
    let events = rows.events();
    let row = |problem: schrodinger_checkers::pairing::Malformed| problem.problems[0].row;
    assert_eq!(unique_ids::check(&events, Some(0)).map_err(row).err(), Some(1));
    let counter = counter::check(&events, counter::Functions { add: None, read: Some(0) }, 0);
    assert_eq!(counter.map_err(row).err(), Some(1));
    assert_eq!(total_queue::check(&events, QUEUE, Delivery::ExactlyOnce).map_err(row).err(), Some(0));
    let odd = sequence(&[(0, OK, &[], &[1, 2, 3])]);
    let options = bank::Options { read: Some(0), total: None, accounts: None, allow_negative: false };
    assert_eq!(bank::check(&odd.events(), &options).map_err(row).err(), Some(1));
}

#[test]
fn what_is_no_number_is_not_added_up() {
    const A_WORD: i64 = i64::MIN / 2;
    let row = |problem: schrodinger_checkers::pairing::Malformed| problem.problems[0].row;
    let options = bank::Options { read: Some(0), total: None, accounts: None, allow_negative: false };
    let fractions = sequence(&[(0, OK, &[], &[0, 10]), (0, OK, &[], &[0, A_WORD])]);
    assert_eq!(bank::check(&fractions.events(), &options).map_err(row).err(), Some(3));
    assert_eq!(balances(&[&[0, i64::MIN]], options), (Verdict::Violation, vec!["wrong-accounts"]));
    let counted = sequence(&[(1, OK, &[], &[A_WORD])]);
    assert_eq!(counter::check(&counted.events(), COUNTER, 0).map_err(row).err(), Some(1));
    let added = sequence(&[(0, OK, &[A_WORD], &[A_WORD])]);
    assert_eq!(counter::check(&added.events(), COUNTER, 0).map_err(row).err(), Some(0));
}

/// Random adds, enqueues and reads of a few keys: values are small, so that much of it is impossible.
fn keyed_operations(random: &mut Random) -> Vec<Operation> {
    random_operations(random, 9, 4, |random, operation| {
        operation.f = random.below(2) as u8;
        operation.key = [None, Some(1), Some(2)][random.below(3)];
        let value = vec![random.below(4) as i64];
        operation.asked = (operation.f == 0).then(|| value.clone());
        operation.answered = random.chance(80).then_some(value);
    })
}

#[test]
fn each_key_is_judged_by_itself_and_a_history_is_as_its_worst_key() {
    const QUEUE: queue::Functions = queue::Functions { enqueue: Some(0), dequeue: Some(1), drain: None };
    type Check = fn(&Rows) -> (Verdict, Vec<&'static str>);
    let checks: [Check; 4] = [
        count,
        |rows| told(final_set::check(&rows.events(), SET)),
        |rows| told(queue::check(&rows.events(), QUEUE)),
        |rows| told(total_queue::check(&rows.events(), QUEUE, Delivery::ExactlyOnce)),
    ];
    let (mut split, mut violations) = (0, [0; 4]);
    for seed in 0..cases(CASES) as u64 / 4 {
        let mut operations = keyed_operations(&mut Random(6 << 40 | seed));
        operations
            .iter_mut()
            .filter(|o| o.f == 1 && o.is_ok())
            .for_each(|o| o.answered = o.answered.take().or(Some(vec![0])));
        let of_key = |key: Option<i64>| operations.iter().filter(|o| o.key == key).cloned().collect::<Vec<Operation>>();
        let parts: Vec<Vec<Operation>> =
            [None, Some(1), Some(2)].map(of_key).into_iter().filter(|part| part.iter().any(Operation::is_ok)).collect();
        for (number, check) in checks.iter().enumerate() {
            let (verdict, mut names) = check(&laid_out(&operations));
            let alone: Vec<(Verdict, Vec<&str>)> = parts.iter().map(|part| check(&laid_out(part))).collect();
            let worst = [Verdict::Violation, Verdict::Unknown].into_iter().find(|v| alone.iter().any(|(a, _)| a == v));
            let expected = if parts.is_empty() { Verdict::Unknown } else { worst.unwrap_or(Verdict::Valid) };
            assert_eq!(verdict, expected, "check {number}, seed {seed}: {operations:?}");
            let mut of_parts: Vec<&str> = alone.into_iter().flat_map(|(_, names)| names).collect();
            names.sort_unstable();
            of_parts.sort_unstable();
            of_parts.dedup();
            assert_eq!(names, of_parts, "check {number}, seed {seed}: {operations:?}");
            violations[number] += usize::from(verdict == Verdict::Violation);
        }
        split += usize::from(parts.len() > 1);
    }
    let few = cases(CASES) / 80;
    assert!(split > few && violations.iter().all(|&count| count > few), "{split} split, {violations:?}");
}

#[test]
fn the_elements_of_several_sets_are_judged_set_by_set() {
    let check = |operations: &[Operation]| {
        let rows = laid_out(operations);
        set::check(&rows.events(), SET, &std::sync::atomic::AtomicBool::new(false))
    };
    let (mut violations, mut valid) = (0, 0);
    for seed in 0..cases(CASES) as u64 / 4 {
        let mut operations = keyed_operations(&mut Random(7 << 40 | seed));
        for number in 0..operations.len() {
            let (earlier, rest) = operations.split_at_mut(number);
            let operation = &mut rest[0];
            if operation.f == 0 {
                let is_there = |o: &Operation| (o.f, o.key, &o.asked) == (0, operation.key, &operation.asked);
                if earlier.iter().any(is_there) {
                    operation.asked = Some(vec![100 + number as i64]);
                }
                operation.answered = operation.asked.clone();
            } else {
                operation.answered = operation.answered.take().or(Some(vec![]));
            }
        }
        let found = check(&operations).unwrap_or_else(|malformed| panic!("{malformed:?}"));
        let of_key = |key: Option<i64>| operations.iter().filter(|o| o.key == key).cloned().collect::<Vec<Operation>>();
        let parts = [None, Some(1), Some(2)].map(|key| check(&of_key(key)).unwrap_or_default());
        let counts = |set: &set::Set| {
            let odd = [set.lost.count, set.stale.count, set.unexpected.count, set.duplicated.count];
            let rest =
                [set.attempts, set.acknowledged, set.reads, set.stable, set.never_read.count, set.recovered.count];
            odd.into_iter().chain(rest).collect::<Vec<usize>>()
        };
        let sums = (0..10).map(|place| parts.iter().map(|part| counts(part)[place]).sum::<usize>());
        assert_eq!(counts(&found), sums.collect::<Vec<usize>>(), "seed {seed}: {operations:?}");
        let is_read = parts.iter().filter(|part| part.acknowledged > 0).all(|part| part.final_read);
        assert!(found.acknowledged == 0 || found.final_read == is_read, "seed {seed}: {operations:?}");
        let told: Vec<Option<i64>> = found.lost.first.iter().map(|lost| lost.key).collect();
        assert!(told.iter().all(|key| parts[key.map_or(0, |key| key as usize)].lost.count > 0), "seed {seed}");
        violations += usize::from(found.verdict(true) == Verdict::Violation);
        valid += usize::from(found.verdict(true) == Verdict::Valid);
    }
    let few = cases(CASES) / 800;
    assert!(violations > few && valid > few / 5, "{violations} violations, {valid} valid: too few to mean anything");
}
