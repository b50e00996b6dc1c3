//! What the beginning of a history violates, every continuation violates: the promise on which a run that is judged while it goes on
//! may stop. SCHRODINGER_FUZZ_CASES sets how many histories.

mod oracle;
mod rows;

use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use rows::Rows;
use schrodinger_checkers::{Verdict, set};

const CASES: usize = 20_000;
const ADD: u8 = 0;
const READ: u8 = 1;

/// Adds and reads of a few processes; reads see what was added, with a mistake now and then.
fn random_rows(seed: u64) -> Rows {
    let mut random = Random(seed);
    let mut rows = Rows::default();
    let mut open: Vec<Option<(u8, i64)>> = vec![None; 1 + random.below(4)];
    let (mut present, mut fresh, mut retired) = (Vec::<i64>::new(), 0, 100);
    for _ in 0..6 + random.below(24) {
        let who = random.below(open.len());
        let Some((f, element)) = open[who] else {
            let f = if random.chance(50) { ADD } else { READ };
            fresh += i64::from(f == ADD);
            rows.push(who as i32, 0, f, (f == ADD).then_some(&[fresh][..]));
            open[who] = Some((f, fresh));
            continue;
        };
        open[who] = None;
        if f == READ {
            let mut seen = present.clone();
            if random.chance(15) && !seen.is_empty() {
                seen.remove(random.below(seen.len()));
            }
            if random.chance(5) {
                seen.push(1 + random.below(fresh as usize + 2) as i64);
            }
            rows.push(who as i32, 1, READ, Some(&seen));
            continue;
        }
        let outcome = 1 + random.below(3) as u8;
        if outcome == 1 || (outcome == 3 && random.chance(50)) {
            present.push(element);
        }
        if outcome == 3 {
            // The process is retired: another takes its place, under a number that was never used.
            rows.push(who as i32, 3, ADD, Some(&[element]));
            for process in rows.process.iter_mut().filter(|process| **process == who as i32) {
                *process = retired;
            }
            retired += 1;
        } else {
            rows.push(who as i32, outcome, ADD, Some(&[element]));
        }
    }
    rows
}

#[test]
fn a_set_that_is_impossible_in_the_beginning_stays_impossible() {
    let functions = set::Functions { add: Some(ADD), read: Some(READ) };
    let mut violations = 0;
    for seed in 0..cases(CASES) as u64 {
        let rows = random_rows(seed);
        let verdict = |length: usize| {
            let checked = set::check(&rows.beginning(length), functions, &AtomicBool::new(false));
            checked.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed:?}")).verdict(true)
        };
        let mut violated = false;
        for length in 0..=rows.kind.len() {
            let is_violated = verdict(length) == Verdict::Violation;
            assert!(is_violated || !violated, "seed {seed}: mended by row {}", length.saturating_sub(1));
            violated = is_violated;
        }
        violations += usize::from(violated);
    }
    assert!(violations > cases(CASES) / 10, "only {violations} were violations: too few to mean anything");
}
