//! Locks: what each finding is, with a twin that it must not be, and all of them against their definitions.
//! SCHRODINGER_FUZZ_CASES sets how many histories.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod operations;
mod oracle;
mod rows;

use operations::{FAIL, INFO, OK, Operation, assert_final, random_operations, rows as laid_out, told};
use oracle::{Random, cases};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::lock;

const CASES: usize = 20_000;
const ACQUIRE: u8 = 0;
const RELEASE: u8 = 1;
const USE: u8 = 2;
const MUTEX: lock::Options = lock::Options {
    acquire: Some(ACQUIRE),
    release: Some(RELEASE),
    use_: Some(USE),
    leased: false,
    reentrant: false,
    exclusive: true,
};

/// One after the other: process, function, outcome, token.
fn found(options: lock::Options, operations: &[(i32, u8, u8, Option<i64>)]) -> (Verdict, Vec<&'static str>) {
    let placed: Vec<Operation> = operations
        .iter()
        .enumerate()
        .map(|(place, &(process, f, outcome, token))| Operation {
            process,
            f,
            key: None,
            interval: (2 * place, 2 * place + 1),
            outcome,
            asked: None,
            answered: token.map(|token| vec![token]),
        })
        .collect();
    told(lock::check(&laid_out(&placed).events(), &options))
}

#[test]
fn a_lock_that_two_hold_is_found_and_one_that_was_given_back_is_not() {
    let acquire = |process| (process, ACQUIRE, OK, None);
    let release = |process| (process, RELEASE, OK, None);
    assert_eq!(found(MUTEX, &[acquire(0), acquire(1)]), (Verdict::Violation, vec!["held-twice"]));
    assert_eq!(found(MUTEX, &[acquire(0), release(0), acquire(1)]), (Verdict::Valid, vec![]));
    assert_eq!(found(MUTEX, &[acquire(0), (0, RELEASE, INFO, None), acquire(1)]), (Verdict::Valid, vec![]));
    assert_eq!(found(MUTEX, &[(0, ACQUIRE, INFO, None), acquire(1)]), (Verdict::Valid, vec![]));
    assert_eq!(found(MUTEX, &[acquire(0), acquire(0)]), (Verdict::Violation, vec!["held-twice"]));
    assert_eq!(found(lock::Options { reentrant: true, ..MUTEX }, &[acquire(0), acquire(0)]), (Verdict::Valid, vec![]));
    // Who is gone may have taken its session with it, and who only failed has not.
    assert_eq!(found(MUTEX, &[acquire(0), (0, USE, INFO, None), acquire(1)]), (Verdict::Valid, vec![]));
    assert_eq!(found(MUTEX, &[acquire(0), (0, 9, INFO, None), acquire(1)]), (Verdict::Valid, vec![]));
    let failed = [acquire(0), (0, USE, FAIL, None), acquire(1)];
    assert_eq!(found(MUTEX, &failed), (Verdict::Violation, vec!["held-twice"]));
    let late = [acquire(0), acquire(1), (0, USE, INFO, None)];
    assert_eq!(found(MUTEX, &late), (Verdict::Violation, vec!["held-twice"]));
    assert_eq!(found(MUTEX, &[]).0, Verdict::Unknown);
}

#[test]
fn a_lease_that_nobody_released_ended_at_a_time_that_nobody_knows() {
    let leased = lock::Options { leased: true, ..MUTEX };
    let acquire = |process| (process, ACQUIRE, OK, None);
    let late = [acquire(0), acquire(1), (0, RELEASE, OK, None)];
    assert_eq!(found(leased, &late), (Verdict::Violation, vec!["held-twice"]));
    assert_eq!(found(leased, &late[..2]), (Verdict::Valid, vec![]));
}

#[test]
fn tokens_that_do_not_rise_are_found_and_where_only_they_protect_two_may_hold_the_lock() {
    let fenced = lock::Options { exclusive: false, ..MUTEX };
    let acquire = |process, token| (process, ACQUIRE, OK, Some(token));
    let used = |process, token| (process, USE, OK, Some(token));
    assert_eq!(found(fenced, &[acquire(0, 1), acquire(1, 2), used(0, 1), used(1, 2)]), (Verdict::Valid, vec![]));
    let stale = [acquire(0, 1), acquire(1, 2), used(1, 2), used(0, 1)];
    assert_eq!(found(fenced, &stale), (Verdict::Violation, vec!["stale-holder"]));
    assert_eq!(found(fenced, &[acquire(0, 2), acquire(1, 1)]), (Verdict::Violation, vec!["token-went-backwards"]));
    assert_eq!(found(fenced, &[acquire(0, 2), acquire(1, 2)]), (Verdict::Violation, vec!["duplicated-token"]));
    assert_eq!(found(fenced, &[(0, ACQUIRE, OK, None)]).0, Verdict::Unknown);
}

/// The names of all that is wrong, by comparing everything with everything.
fn wrong(operations: &[Operation], options: lock::Options) -> Vec<&'static str> {
    let acquires = || operations.iter().filter(|o| o.f == ACQUIRE && o.is_ok());
    let released = |holder: &Operation| {
        let is_release = |o: &&Operation| o.f == RELEASE && o.process == holder.process && o.key == holder.key;
        operations.iter().filter(is_release).map(|o| o.interval.0).filter(|&at| at > holder.interval.1).min()
    };
    let gone = |holder: &Operation| {
        let is_end = |o: &&Operation| o.process == holder.process && o.outcome == INFO;
        operations.iter().filter(is_end).map(|o| o.interval.1).filter(|&at| at > holder.interval.1).min()
    };
    let holds_at = |holder: &Operation, instant: usize| {
        let until = released(holder).or((!options.leased).then_some(usize::MAX));
        let is_there = gone(holder).is_none_or(|gone| instant < gone);
        holder.interval.1 < instant && is_there && until.is_some_and(|until| instant < until)
    };
    let is_pair = |one: &Operation, other: &Operation| {
        one != other && one.key == other.key && !(options.reentrant && one.process == other.process)
    };
    let any_pair = |f: u8, is_wrong: &dyn Fn(&Operation, &Operation) -> bool| {
        let of = || operations.iter().filter(|o| o.f == f && o.is_ok());
        of().any(|one| of().any(|other| is_wrong(one, other)))
    };
    let token = |o: &Operation| o.answered.as_ref().map(|values| values[0]);
    let later = |one: &Operation, other: &Operation| {
        one.is_before(other) && one.key == other.key && token(one) > token(other) && token(other).is_some()
    };
    let twice = options.exclusive
        && acquires().any(|holder| acquires().any(|next| is_pair(holder, next) && holds_at(holder, next.interval.1)));
    let same =
        any_pair(ACQUIRE, &|one, other| is_pair(one, other) && token(one).is_some() && token(one) == token(other));
    let names = [
        ("held-twice", twice),
        ("token-went-backwards", any_pair(ACQUIRE, &later)),
        ("duplicated-token", same),
        ("stale-holder", any_pair(USE, &later)),
    ];
    names.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

#[test]
fn locks_are_judged_by_the_definition_and_never_mended() {
    let mut violations = [0; 4];
    let all = ["held-twice", "token-went-backwards", "duplicated-token", "stale-holder"];
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(seed);
        let options = lock::Options {
            leased: random.chance(50),
            reentrant: random.chance(30),
            exclusive: random.chance(70),
            ..MUTEX
        };
        let (has_tokens, has_keys, noise) = (random.chance(50), random.chance(30), [1, 4, 12][random.below(3)]);
        let operations = random_operations(&mut random, 10, 3, |random, operation| {
            operation.f = [ACQUIRE, RELEASE, USE, [ACQUIRE, RELEASE][random.below(2)]][random.below(4)];
            let (begin, end) = operation.interval;
            let token = (begin + random.below(end - begin + 1)) / 10 + random.below(noise);
            operation.answered = (has_tokens && operation.f != RELEASE).then(|| vec![token as i64]);
            operation.key = has_keys.then(|| random.below(2) as i64);
        });
        // Two returns in one row are no instant apart.
        let mut ends: Vec<usize> = operations.iter().map(|o| o.interval.1).collect();
        ends.sort_unstable();
        if ends.windows(2).any(|pair| pair[0] == pair[1]) {
            continue;
        }
        let rows = laid_out(&operations);
        assert_final(&rows, |events| lock::check(events, &options));
        let (_, findings) = told(lock::check(&rows.events(), &options));
        let wrong = wrong(&operations, options);
        assert_eq!(findings.first(), wrong.first(), "seed {seed}: {options:?} {operations:?}");
        assert_eq!(findings, wrong, "seed {seed}: {options:?} {operations:?}");
        for (count, name) in violations.iter_mut().zip(all) {
            *count += usize::from(findings.contains(&name));
        }
    }
    assert!(violations.iter().all(|&count| count > cases(CASES) / 1000), "{violations:?} of {all:?}: too few");
}
