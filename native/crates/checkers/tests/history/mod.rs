//! Small list-append histories: written by hand, produced by a serial store, spoilt at random, and judged by the definition.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::fmt;

use crate::oracle::Random;
use crate::rows::Rows;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Fail,
    Info,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Append(i64, i64),
    Read(i64, Vec<i64>),
}

#[derive(Clone, Debug)]
pub struct Transaction {
    pub steps: Vec<Step>,
    pub outcome: Outcome,
    pub process: i32,
    /// When it was invoked, and when it completed.
    pub interval: (usize, usize),
}

impl Transaction {
    /// From `fail a1 2; r1 2 3`.
    pub fn parse(text: &str, process: i32, interval: (usize, usize)) -> Transaction {
        let (outcome, steps) = match text.split_once(' ') {
            Some(("fail", rest)) => (Outcome::Fail, rest),
            Some(("info", rest)) => (Outcome::Info, rest),
            _ => (Outcome::Ok, text),
        };
        let steps = steps.split("; ").map(|step| {
            let mut words = step.split(' ');
            let head = words.next().expect("a step");
            let key = head[1..].parse().expect("a key");
            let values: Vec<i64> = words.map(|word| word.parse().expect("a value")).collect();
            if head.starts_with('a') { Step::Append(key, values[0]) } else { Step::Read(key, values) }
        });
        Transaction { steps: steps.collect(), outcome, process, interval }
    }

    pub fn append(&mut self, key: i64, value: i64) {
        self.steps.push(Step::Append(key, value));
    }

    fn encoded(&self, with_results: bool) -> Vec<i64> {
        let mut values = Vec::new();
        for step in &self.steps {
            match step {
                Step::Append(key, value) => values.extend([1, *key, 1, *value]),
                Step::Read(key, _) if !with_results => values.extend([0, *key, -1]),
                Step::Read(key, seen) => {
                    values.extend([0, *key, seen.len() as i64]);
                    values.extend(seen);
                }
            }
        }
        values
    }
}

#[derive(Clone, Debug)]
pub struct History {
    pub transactions: Vec<Transaction>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for t in &self.transactions {
            writeln!(f, "{:?} process {} {:?} {:?}", t.interval, t.process, t.outcome, t.steps)?;
        }
        Ok(())
    }
}

impl History {
    /// All at the same time, each in a process of its own.
    pub fn concurrent(transactions: &[&str]) -> History {
        let count = transactions.len();
        let parse = |(place, text): (usize, &&str)| Transaction::parse(text, place as i32, (place, count + place));
        History { transactions: transactions.iter().enumerate().map(parse).collect() }
    }

    /// One after the other; `in_one_process` without anybody seeing the clock.
    pub fn sequence(transactions: &[&str], in_one_process: bool) -> History {
        let parse = |(place, text): (usize, &&str)| {
            let process = if in_one_process { 0 } else { place as i32 };
            Transaction::parse(text, process, (2 * place, 2 * place + 1))
        };
        History { transactions: transactions.iter().enumerate().map(parse).collect() }
    }

    pub fn renamed(&self, key: impl Fn(i64) -> i64, value: impl Fn(i64) -> i64) -> History {
        let mut renamed = self.clone();
        for step in renamed.transactions.iter_mut().flat_map(|t| &mut t.steps) {
            *step = match step {
                Step::Append(k, v) => Step::Append(key(*k), value(*v)),
                Step::Read(k, seen) => Step::Read(key(*k), seen.iter().map(|v| value(*v)).collect()),
            };
        }
        renamed
    }

    pub fn observes_nothing(&self) -> bool {
        let is_ok = |t: &&Transaction| t.outcome == Outcome::Ok;
        // A read of a key that its own transaction appended to before says nothing of others.
        !self.transactions.iter().filter(is_ok).any(|t| {
            (0..t.steps.len()).any(|place| match &t.steps[place] {
                Step::Read(key, _) => t.steps[..place].iter().all(|step| step_key(step) != *key),
                Step::Append(..) => false,
            })
        })
    }

    /// The rows, in the order of time.
    pub fn rows(&self) -> Rows {
        let mut moments: Vec<(usize, bool, &Transaction)> = Vec::new();
        for t in &self.transactions {
            moments.push((t.interval.0, false, t));
            moments.push((t.interval.1, true, t));
        }
        moments.sort_by_key(|(moment, is_end, _)| (*moment, *is_end));
        let mut rows = Rows::default();
        for (_, is_end, t) in moments {
            let kind = match (is_end, t.outcome) {
                (false, _) => 0,
                (true, Outcome::Ok) => 1,
                (true, Outcome::Fail) => 2,
                (true, Outcome::Info) => 3,
            };
            rows.push(t.process, kind, 0, Some(&t.encoded(kind == 1)));
        }
        rows
    }

    /// The definition: some order of all ok transactions and some of the unknown ones, in which every read shows exactly what was
    /// appended before, and which keeps real time if asked.
    pub fn is_serializable(&self, in_real_time: bool) -> bool {
        let candidates: Vec<&Transaction> = self.transactions.iter().filter(|t| t.outcome != Outcome::Fail).collect();
        place(&candidates, (1 << candidates.len()) - 1, &BTreeMap::new(), in_real_time)
    }
}

fn step_key(step: &Step) -> i64 {
    match step {
        Step::Append(key, _) | Step::Read(key, _) => *key,
    }
}

fn place(candidates: &[&Transaction], left: u32, store: &BTreeMap<i64, Vec<i64>>, in_real_time: bool) -> bool {
    let remaining: Vec<usize> = (0..candidates.len()).filter(|index| left & (1 << index) != 0).collect();
    if remaining.iter().all(|&index| candidates[index].outcome == Outcome::Info) {
        return true;
    }
    remaining.iter().any(|&index| {
        let next = candidates[index];
        let comes_too_early = in_real_time
            && remaining.iter().any(|&other| {
                candidates[other].outcome == Outcome::Ok && candidates[other].interval.1 < next.interval.0
            });
        if comes_too_early {
            return false;
        }
        let mut after = store.clone();
        let is_possible = next.steps.iter().all(|step| match step {
            Step::Append(key, value) => {
                after.entry(*key).or_default().push(*value);
                true
            }
            Step::Read(key, seen) => {
                next.outcome == Outcome::Info || after.get(key).map_or(&[][..], Vec::as_slice) == seen
            }
        });
        is_possible && place(candidates, left & !(1 << index), &after, in_real_time)
    })
}

/// What a store that runs one transaction at a time did, under concurrent clients; strictly serializable.
pub fn serial(random: &mut Random, most: usize) -> History {
    let count = 2 + random.below(most - 1);
    let (keys, width) = (1 + random.below(3), 1 + random.below(4));
    let mut store: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut fresh = 0;
    let mut transactions: Vec<Transaction> = Vec::new();
    // Each takes effect at its own instant; intervals reach out of it by up to `width` others.
    for instant in 0..count {
        let (begin, end) = (instant * 10, instant * 10 + 1);
        let interval =
            (begin.saturating_sub(random.below(width) * 10 + random.below(5)), end + random.below(width) * 10);
        let outcome = match random.below(10) {
            0 => Outcome::Fail,
            1 | 2 => Outcome::Info,
            _ => Outcome::Ok,
        };
        let happens = outcome == Outcome::Ok || (outcome == Outcome::Info && random.chance(60));
        let mut steps = Vec::new();
        let before = store.clone();
        for _ in 0..1 + random.below(3) {
            let key = random.below(keys) as i64;
            if random.chance(50) {
                fresh += 1;
                store.entry(key).or_default().push(fresh);
                steps.push(Step::Append(key, fresh));
            } else {
                steps.push(Step::Read(key, store.get(&key).cloned().unwrap_or_default()));
            }
        }
        if !happens {
            store = before;
        }
        transactions.push(Transaction { steps, outcome, process: 0, interval });
    }
    assign_processes(random, &mut transactions);
    History { transactions }
}

/// Give each transaction a process that is free, and that was not retired.
fn assign_processes(random: &mut Random, transactions: &mut [Transaction]) {
    let mut order: Vec<usize> = (0..transactions.len()).collect();
    order.sort_by_key(|&index| transactions[index].interval);
    let mut free_from: Vec<usize> = Vec::new();
    for index in order {
        let (begin, end) = transactions[index].interval;
        let free: Vec<usize> = (0..free_from.len()).filter(|&process| free_from[process] < begin).collect();
        let process = if !free.is_empty() && random.chance(70) {
            free[random.below(free.len())]
        } else {
            free_from.push(0);
            free_from.len() - 1
        };
        free_from[process] = if transactions[index].outcome == Outcome::Info { usize::MAX } else { end };
        transactions[index].process = process as i32;
    }
}

/// Spoil one thing: a stale, swapped, shortened or mixed read, an outcome, or the order of events.
pub fn mutated(random: &mut Random, history: &mut History) {
    let index = random.below(history.transactions.len());
    let t = &mut history.transactions[index];
    let reads: Vec<usize> = (0..t.steps.len()).filter(|&place| matches!(t.steps[place], Step::Read(..))).collect();
    if reads.is_empty() || random.chance(10) {
        if t.outcome == Outcome::Ok && random.chance(50) {
            t.outcome = Outcome::Fail;
        }
        return;
    }
    let place = reads[random.below(reads.len())];
    let Step::Read(_, seen) = &mut t.steps[place] else { return };
    match random.below(6) {
        0 | 1 => seen.truncate(seen.len().saturating_sub(1 + random.below(2))),
        2 if seen.len() > 1 => {
            let last = seen.len() - 1;
            seen.swap(last, last - 1);
        }
        3 if !seen.is_empty() => {
            seen.remove(0);
        }
        4 if !seen.is_empty() => seen.push(seen[random.below(seen.len())]),
        _ => seen.push(1 + random.below(12) as i64),
    }
}
