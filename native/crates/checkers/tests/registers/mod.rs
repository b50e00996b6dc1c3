//! Small rw-register histories: produced by a serial store, spoilt at random, and judged by the definition.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use schrodinger_checkers::transactions::Inferences;

use crate::oracle::Random;
use crate::reference::{Dependencies, Relation};
use crate::rows::Rows;

pub const OK: u8 = 1;
pub const FAIL: u8 = 2;
pub const INFO: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Read(i64, Option<i64>),
    Write(i64, i64),
}

#[derive(Clone, Debug)]
pub struct Transaction {
    pub steps: Vec<Step>,
    pub outcome: u8,
    pub process: i32,
    pub interval: (usize, usize),
}

/// From `w1 5; r2` (read nothing) or `r2 7`; `fail` and `info` before it.
pub fn parse(text: &str, process: i32, interval: (usize, usize)) -> Transaction {
    let (outcome, steps) = match text.split_once(' ') {
        Some(("fail", rest)) => (FAIL, rest),
        Some(("info", rest)) => (INFO, rest),
        _ => (OK, text),
    };
    let step = |step: &str| {
        let mut words = step.split(' ');
        let head = words.next().expect("a step");
        let key = head[1..].parse().expect("a key");
        let value = words.next().map(|word| word.parse().expect("a value"));
        if head.starts_with('w') { Step::Write(key, value.expect("a value")) } else { Step::Read(key, value) }
    };
    Transaction { steps: steps.split("; ").map(step).collect(), outcome, process, interval }
}

/// All at the same time, each in a process of its own.
pub fn concurrent(transactions: &[&str]) -> Vec<Transaction> {
    let count = transactions.len();
    let placed = transactions.iter().enumerate();
    placed.map(|(place, text)| parse(text, place as i32, (place, count + place))).collect()
}

/// One after the other, in one process or each in its own.
pub fn sequence(transactions: &[&str], in_one_process: bool) -> Vec<Transaction> {
    let process = |place: usize| if in_one_process { 0 } else { place as i32 };
    let placed = transactions.iter().enumerate();
    placed.map(|(place, text)| parse(text, process(place), (2 * place, 2 * place + 1))).collect()
}

/// The rows, in the order of time; `told` with the numbers of versions, which are their values.
pub fn rows(history: &[Transaction], told: bool) -> Rows {
    let mut moments: Vec<(usize, bool, &Transaction)> = Vec::new();
    for transaction in history {
        moments.push((transaction.interval.0, false, transaction));
        moments.push((transaction.interval.1, true, transaction));
    }
    moments.sort_by_key(|&(moment, is_end, _)| (moment, is_end));
    let mut rows = Rows::default();
    for (_, is_end, transaction) in moments {
        let kind = if is_end { transaction.outcome } else { 0 };
        let mut values = Vec::new();
        for step in &transaction.steps {
            match *step {
                Step::Write(key, value) => values.extend([2, key, 1, value]),
                Step::Read(key, _) if kind != OK => values.extend([0, key, -1]),
                Step::Read(key, None) => values.extend([0, key, 0]),
                Step::Read(key, Some(value)) => values.extend([0, key, 1, value]),
            }
            if let (true, OK, Step::Write(key, value) | Step::Read(key, Some(value))) = (told, kind, step) {
                values.extend([3, *key, 1, *value]);
            }
        }
        rows.push(transaction.process, kind, 0, Some(&values));
    }
    rows
}

/// The definition: some order of all ok transactions and some of the unknown ones explains every read. `comes_first(one, other)` says that
/// they must be in this order; `in_order`, that values of a key only grow.
pub fn is_serializable(
    history: &[Transaction],
    in_order: bool,
    comes_first: impl Fn(&Transaction, &Transaction) -> bool,
) -> bool {
    let candidates: Vec<&Transaction> = history.iter().filter(|t| t.outcome != FAIL).collect();
    let all = (1 << candidates.len()) - 1;
    place(&candidates, all, &BTreeMap::new(), in_order, &comes_first)
}

/// One had completed before the other was invoked.
pub fn in_real_time(one: &Transaction, other: &Transaction) -> bool {
    one.outcome == OK && one.interval.1 < other.interval.0
}

/// The same, in one process.
pub fn in_process(one: &Transaction, other: &Transaction) -> bool {
    one.process == other.process && in_real_time(one, other)
}

/// Whether both have to do with some key.
pub fn share_a_key(one: &Transaction, other: &Transaction) -> bool {
    one.steps.iter().any(|step| other.steps.iter().any(|another| key_of(step) == key_of(another)))
}

fn key_of(step: &Step) -> i64 {
    match *step {
        Step::Read(key, _) | Step::Write(key, _) => key,
    }
}

fn place(
    candidates: &[&Transaction],
    left: u32,
    store: &BTreeMap<i64, i64>,
    in_order: bool,
    comes_first: &impl Fn(&Transaction, &Transaction) -> bool,
) -> bool {
    let remaining: Vec<usize> = (0..candidates.len()).filter(|index| left & (1 << index) != 0).collect();
    remaining.iter().all(|&index| candidates[index].outcome == INFO)
        || remaining.iter().any(|&index| {
            let next = candidates[index];
            let is_early = remaining.iter().any(|&other| other != index && comes_first(candidates[other], next));
            let mut after = store.clone();
            let is_possible = !is_early
                && next.steps.iter().all(|step| match *step {
                    Step::Write(key, value) => {
                        let before = after.insert(key, value);
                        !in_order || before.is_none_or(|before| before < value)
                    }
                    Step::Read(key, seen) => next.outcome == INFO || after.get(&key).copied() == seen,
                });
            is_possible && place(candidates, left & !(1 << index), &after, in_order, comes_first)
        })
}

/// What a transaction that happened had to do with a key: the version that it found, if it is known and in the order of the key, and the
/// one that it left. The initial version is `Some(None)`.
type Touch = (usize, Option<Option<i64>>, Option<i64>);

/// The dependencies, word for word, with all that `inferences` say of the order of versions; and the keys of which they contradict each
/// other, which are left out.
pub fn dependencies(history: &[Transaction], inferences: Inferences) -> (Dependencies, BTreeSet<i64>) {
    let ok = |t: usize| history[t].outcome == OK;
    let first_read = |t: usize, key: i64| match history[t].steps.iter().find(|step| key_of(step) == key) {
        Some(Step::Read(_, seen)) if ok(t) => Some(*seen),
        _ => None,
    };
    let keys: BTreeSet<i64> = history.iter().flat_map(|t| &t.steps).map(key_of).collect();
    let writer_of =
        |key: i64, value: i64| (0..history.len()).find(|&t| history[t].steps.contains(&Step::Write(key, value)));
    let is_read = |key: i64, value: i64| (0..history.len()).any(|t| first_read(t, key) == Some(Some(value)));
    let is_info_seen = |t: usize| {
        let seen = |step: &Step| matches!(*step, Step::Write(key, value) if is_read(key, value));
        history[t].outcome == INFO && history[t].steps.iter().any(seen)
    };
    let happened: Vec<bool> = (0..history.len()).map(|t| ok(t) || is_info_seen(t)).collect();
    let mut found = Dependencies::new(history.len());
    let mut cyclic = BTreeSet::new();
    for key in keys {
        let left_by = |t: usize| {
            let mut writes = history[t].steps.iter().filter_map(|step| match *step {
                Step::Write(k, value) if k == key => Some(value),
                _ => None,
            });
            writes.next_back().filter(|_| happened[t])
        };
        let touches: Vec<Touch> = (0..history.len())
            .filter(|&t| happened[t])
            .map(|t| {
                let is_ordered = |seen: &Option<i64>| match *seen {
                    None => inferences.initial_state,
                    Some(value) => {
                        writer_of(key, value).is_some_and(|writer| writer != t && left_by(writer) == Some(value))
                    }
                };
                (t, first_read(t, key).filter(is_ordered), left_by(t))
            })
            .collect();
        let mut versions: Vec<Option<i64>> = vec![None];
        versions.extend(touches.iter().filter_map(|touch| touch.2).map(Some));
        let number = |version: Option<i64>| versions.iter().position(|other| *other == version).expect("a version");
        let mut before = Relation::new(versions.len());
        for (t, read, wrote) in &touches {
            if let (Some(read), Some(_)) = (read, wrote) {
                before.add(number(*read), number(*wrote));
            }
            for (u, other_read, other_wrote) in &touches {
                let both = |one: &Option<Option<i64>>, wrote: &Option<i64>| {
                    one.iter().copied().chain(wrote.map(Some)).map(number).collect::<Vec<_>>()
                };
                let (mine, theirs) = (both(read, wrote), both(other_read, other_wrote));
                let (one, other) = (&history[*t], &history[*u]);
                if (inferences.sequential_keys && in_process(one, other))
                    || (inferences.linearizable_keys && in_real_time(one, other))
                {
                    mine.iter().for_each(|&v| theirs.iter().for_each(|&w| before.add(v, w)));
                }
            }
        }
        let was_read = touches.iter().any(|touch| touch.1 == Some(None));
        if inferences.initial_state && was_read {
            (1..versions.len()).for_each(|version| before.add(0, version));
        }
        let before = before.closed();
        let is_cyclic = before.has_circle();
        if is_cyclic {
            cyclic.insert(key);
        }
        for t in 0..history.len() {
            if let Some(Some(value)) = first_read(t, key)
                && let Some(writer) = writer_of(key, value).filter(|&writer| happened[writer])
            {
                found.wr.add(writer, t);
            }
        }
        for later in touches.iter().filter(|touch| !is_cyclic && touch.2.is_some()) {
            let is_later = |version: Option<i64>| before.has(number(version), number(later.2));
            for (t, read, wrote) in &touches {
                if wrote.is_some_and(|wrote| is_later(Some(wrote))) {
                    found.ww.add(*t, later.0);
                }
                if read.is_some_and(is_later) {
                    found.rw.add(*t, later.0);
                }
            }
        }
    }
    for (one, earlier) in history.iter().enumerate() {
        for (other, later) in history.iter().enumerate().filter(|(other, _)| happened[*other]) {
            if in_real_time(earlier, later) {
                found.realtime.add(one, other);
                if earlier.process == later.process {
                    found.process.add(one, other);
                }
            }
        }
    }
    (found, cyclic)
}

/// What a store that runs one transaction at a time did; with `updates`, every write follows a read of its key.
pub fn serial(random: &mut Random, updates: bool) -> Vec<Transaction> {
    let (count, keys, width) = (2 + random.below(5), 1 + random.below(3), 1 + random.below(4));
    let (mut store, mut fresh) = (BTreeMap::new(), 0);
    let mut history = Vec::new();
    for instant in 0..count {
        // Nobody knows what a transaction of unknown end read, so its writes follow no read.
        let outcome = [OK, OK, OK, OK, OK, OK, FAIL, if updates { OK } else { INFO }][random.below(8)];
        let happens = outcome == OK || (outcome == INFO && random.chance(60));
        let (before, mut steps) = (store.clone(), Vec::new());
        for _ in 0..1 + random.below(3) {
            let key = random.below(keys) as i64;
            let is_write = random.chance(50);
            let is_touched = steps.iter().any(|step| matches!(*step, Step::Read(k, _) | Step::Write(k, _) if k == key));
            if !is_write || (updates && !is_touched) {
                steps.push(Step::Read(key, store.get(&key).copied()));
            }
            if is_write {
                fresh += 1;
                store.insert(key, fresh);
                steps.push(Step::Write(key, fresh));
            }
        }
        if !happens {
            store = before;
        }
        let begin = (10 * instant).saturating_sub(10 * random.below(width) + random.below(5));
        let end = 10 * instant + 1 + 10 * random.below(width);
        // Processes never overlap: each transaction that overlaps another of its process gets a fresh one.
        let process = random.below(2) as i32;
        let is_busy = |other: &Transaction| {
            other.process == process
                && (other.outcome == INFO || (other.interval.1 >= begin && other.interval.0 <= end))
        };
        let process = if history.iter().any(is_busy) { 10 + instant as i32 } else { process };
        history.push(Transaction { steps, outcome, process, interval: (begin, end) });
    }
    // A process's transactions must follow each other: one that begins before an earlier one of its process gets a fresh one too.
    for index in 1..history.len() {
        let (earlier, rest) = history.split_at_mut(index);
        let current = &mut rest[0];
        if earlier.iter().any(|other| other.process == current.process && other.interval.0 >= current.interval.0) {
            current.process = 100 + index as i32;
        }
    }
    history
}

/// Let a read see another version.
pub fn mutate(random: &mut Random, history: &mut [Transaction]) {
    let values: Vec<(i64, i64)> = history
        .iter()
        .flat_map(|t| &t.steps)
        .filter_map(|step| if let Step::Write(key, value) = *step { Some((key, value)) } else { None })
        .collect();
    let index = random.below(history.len());
    let steps = &mut history[index].steps;
    let place = random.below(steps.len());
    if let Step::Read(key, seen) = &mut steps[place] {
        let others: Vec<i64> = values.iter().filter(|(k, _)| k == key).map(|&(_, value)| value).collect();
        *seen = if others.is_empty() || random.chance(20) { None } else { Some(others[random.below(others.len())]) };
    }
}
