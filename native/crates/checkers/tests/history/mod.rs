//! Small list-append histories: written by hand, produced by a serial store, spoilt at random, and judged by the definition.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::oracle::Random;
use crate::reference::Dependencies;
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
        self.rows_by(Transaction::encoded)
    }

    /// The rows of registers, each of which shows the last of what a list would show.
    pub fn rows_as_registers(&self) -> Rows {
        self.rows_by(|t, with_results| {
            let mut values = Vec::new();
            for step in &t.steps {
                match step {
                    Step::Append(key, value) => values.extend([2, *key, 1, *value]),
                    Step::Read(key, _) if !with_results => values.extend([0, *key, -1]),
                    Step::Read(key, seen) => match seen.last() {
                        Some(&last) => values.extend([0, *key, 1, last]),
                        None => values.extend([0, *key, 0]),
                    },
                }
            }
            values
        })
    }

    /// The rows as `encoded`, with the results of reads or without.
    pub fn rows_by(&self, encoded: impl Fn(&Transaction, bool) -> Vec<i64>) -> Rows {
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
            rows.push(t.process, kind, 0, Some(&encoded(t, kind == 1)));
        }
        rows
    }

    /// Whether each transaction happened: it is ok, or nobody knows and something that it appended was read.
    fn happened(&self) -> Vec<bool> {
        let of_ok = self.transactions.iter().filter(|t| t.outcome == Outcome::Ok).flat_map(|t| &t.steps);
        let seen: Vec<(i64, i64)> = of_ok
            .filter_map(|step| if let Step::Read(key, seen) = step { Some((key, seen)) } else { None })
            .flat_map(|(key, seen)| seen.iter().map(|value| (*key, *value)))
            .collect();
        let is_seen = |step: &Step| matches!(step, Step::Append(key, value) if seen.contains(&(*key, *value)));
        let happened = |t: &Transaction| match t.outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => t.steps.iter().any(is_seen),
        };
        self.transactions.iter().map(happened).collect()
    }

    /// The dependencies, word for word; nothing if the reads of a key are not beginnings of one list of different elements.
    pub fn dependencies(&self) -> Option<Dependencies> {
        let mut found = Dependencies::new(self.transactions.len());
        let happened = self.happened();
        let all: Vec<(usize, &Transaction)> = self.transactions.iter().enumerate().collect();
        let ok = || all.iter().filter(|(_, t)| t.outcome == Outcome::Ok);
        let appends = |key: i64| {
            let steps = all.iter().flat_map(|(writer, t)| t.steps.iter().map(move |step| (*writer, step)));
            let of_key = steps.filter_map(move |(writer, step)| match step {
                Step::Append(k, value) if *k == key => Some((writer, *value)),
                _ => None,
            });
            of_key.filter(|(writer, _)| happened[*writer]).collect::<Vec<_>>()
        };
        let keys: BTreeSet<i64> = all.iter().flat_map(|(_, t)| &t.steps).map(step_key).collect();
        for key in keys {
            let appends = appends(key);
            let writer_of = |value: i64| appends.iter().find(|(_, v)| *v == value).map(|(writer, _)| *writer);
            let reads = ok().flat_map(|(_, t)| &t.steps).filter_map(|step| match step {
                Step::Read(k, seen) if *k == key => Some(seen),
                _ => None,
            });
            let reads: Vec<&Vec<i64>> = reads.collect();
            let empty = Vec::new();
            let longest = reads.iter().max_by_key(|seen| seen.len()).copied().unwrap_or(&empty);
            let is_twice = longest.iter().enumerate().any(|(place, value)| longest[..place].contains(value));
            if is_twice || !reads.iter().all(|seen| longest.starts_with(seen)) {
                return None;
            }
            // Every element with its writer: those that were read in their order, then those that nobody read, in any.
            let read: Vec<usize> = longest.iter().filter_map(|value| writer_of(*value)).collect();
            let unread = appends.iter().filter(|(_, value)| !longest.contains(value)).map(|(writer, _)| *writer);
            let unread: Vec<usize> = unread.collect();
            let mut of_key = Dependencies::new(self.transactions.len());
            for (place, from) in read.iter().enumerate() {
                read[place + 1..].iter().chain(&unread).for_each(|to| of_key.ww.add(*from, *to));
            }
            for (reader, t) in ok() {
                let first = t.steps.iter().find(|step| step_key(step) == key);
                let Some(Step::Read(_, seen)) = first else { continue };
                let before: Vec<usize> = seen.iter().filter_map(|value| writer_of(*value)).collect();
                before.last().iter().for_each(|writer| of_key.wr.add(**writer, *reader));
                read[before.len()..].iter().chain(&unread).for_each(|writer| of_key.rw.add(*reader, *writer));
            }
            let writes = of_key.ww.closed();
            found.has_cursor |= !writes.has_circle() && of_key.rw.then(&writes).has_circle();
            found.ww = found.ww.or(&of_key.ww);
            found.wr = found.wr.or(&of_key.wr);
            found.rw = found.rw.or(&of_key.rw);
            found.by_key.push((key, [of_key.ww, of_key.wr, of_key.rw]));
        }
        for (one, earlier) in ok() {
            for (other, later) in all.iter().filter(|(other, _)| happened[*other]) {
                if earlier.interval.1 < later.interval.0 {
                    found.realtime.add(*one, *other);
                    if earlier.process == later.process {
                        found.process.add(*one, *other);
                    }
                }
            }
        }
        Some(found)
    }

    /// Monotonic view by its definition: some transaction, taken apart into its steps, depended on another before it read what the other, or
    /// one that the other depends on, had overwritten.
    pub fn has_cycle_of_reads(&self, dependencies: &Dependencies) -> bool {
        let leads = dependencies.ww.or(&dependencies.wr).closed();
        let of =
            |step: &Step| dependencies.by_key.iter().find(|(key, _)| *key == step_key(step)).map(|(_, of_key)| of_key);
        (0..self.transactions.len()).filter(|&t| self.transactions[t].outcome == Outcome::Ok).any(|reader| {
            let steps = &self.transactions[reader].steps;
            let is_first = |place: usize| steps[..place].iter().all(|step| step_key(step) != step_key(&steps[place]));
            let is_last_append = |place: usize| {
                let mut later = steps[place + 1..].iter().filter(|step| matches!(step, Step::Append(..)));
                matches!(steps[place], Step::Append(..)) && later.all(|step| step_key(step) != step_key(&steps[place]))
            };
            let is_read = |place: usize| matches!(steps[place], Step::Read(..)) && is_first(place);
            let depends = |place: usize, on: usize| {
                let [ww, wr, _] = of(&steps[place]).expect("every key");
                (is_read(place) && wr.has(on, reader)) || (is_last_append(place) && ww.has(on, reader))
            };
            (0..steps.len()).filter(|&read| is_read(read)).any(|read| {
                let [_, _, rw] = of(&steps[read]).expect("every key");
                let overwrote: Vec<usize> = (0..self.transactions.len()).filter(|&t| rw.has(reader, t)).collect();
                let known = |before: usize| (0..self.transactions.len()).filter(move |&t| depends(before, t));
                (0..read).flat_map(known).any(|t| overwrote.iter().any(|&other| other == t || leads.has(other, t)))
            })
        })
    }

    /// Whether the order of all appends is known: of no key two transactions appended what nobody read.
    pub fn is_order_known(&self) -> bool {
        let happened = self.happened();
        let ok = self.transactions.iter().filter(|t| t.outcome == Outcome::Ok);
        let reads: Vec<(i64, &Vec<i64>)> = ok
            .flat_map(|t| &t.steps)
            .filter_map(|step| if let Step::Read(key, seen) = step { Some((*key, seen)) } else { None })
            .collect();
        let is_read = |key: i64, value: i64| reads.iter().any(|(k, seen)| *k == key && seen.contains(&value));
        let mut unread: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
        for (writer, t) in self.transactions.iter().enumerate().filter(|(writer, _)| happened[*writer]) {
            for step in &t.steps {
                if let Step::Append(key, value) = step
                    && !is_read(*key, *value)
                {
                    unread.entry(*key).or_default().insert(writer);
                }
            }
        }
        unread.values().all(|writers| writers.len() < 2)
    }

    /// Snapshot isolation by its definition: transactions commit in some order, all ok ones and some of the unknown; each reads from a snapshot,
    /// which is what some beginning of that order left, and its own appends; and none that committed after its snapshot and before it
    /// appended to a key that it appends to. `is_seen(u, t)` says that `u` must be in the snapshot of `t`.
    pub fn is_snapshot_isolated(&self, is_seen: impl Fn(&Transaction, &Transaction) -> bool) -> bool {
        let candidates: Vec<&Transaction> = self.transactions.iter().filter(|t| t.outcome != Outcome::Fail).collect();
        commit(&candidates, &mut Vec::new(), &is_seen)
    }

    /// The definition: some order of all ok transactions and some of the unknown ones, in which every read shows exactly what was
    /// appended before, and which keeps real time if asked.
    pub fn is_serializable(&self, in_real_time: bool) -> bool {
        let candidates: Vec<&Transaction> = self.transactions.iter().filter(|t| t.outcome != Outcome::Fail).collect();
        place(&candidates, (1 << candidates.len()) - 1, &BTreeMap::new(), in_real_time)
    }
}

/// Whether the transactions that have not committed can, after those that have.
fn commit(
    candidates: &[&Transaction],
    committed: &mut Vec<usize>,
    is_seen: &impl Fn(&Transaction, &Transaction) -> bool,
) -> bool {
    let left: Vec<usize> = (0..candidates.len()).filter(|index| !committed.contains(index)).collect();
    if left.iter().all(|&index| candidates[index].outcome == Outcome::Info) {
        return true;
    }
    left.iter().any(|&index| {
        let next = candidates[index];
        let has_snapshot = (0..=committed.len()).any(|snapshot| {
            let must_see =
                |&other: &usize| candidates[other].outcome == Outcome::Ok && is_seen(candidates[other], next);
            let is_fresh = (0..candidates.len())
                .filter(|&other| other != index)
                .filter(must_see)
                .all(|other| committed[..snapshot].contains(&other));
            let appends = |index: usize, key: i64| {
                candidates[index].steps.iter().any(|step| matches!(step, Step::Append(k, _) if *k == key))
            };
            let is_alone = committed[snapshot..].iter().all(|&other| {
                let mut own = next.steps.iter().filter(|step| matches!(step, Step::Append(..)));
                own.all(|step| !appends(other, step_key(step)))
            });
            is_fresh && is_alone && reads_from(candidates, &committed[..snapshot], next)
        });
        if !has_snapshot {
            return false;
        }
        committed.push(index);
        let is_possible = commit(candidates, committed, is_seen);
        committed.pop();
        is_possible
    })
}

/// Whether every read of `next` shows what `committed` left, with its own appends.
fn reads_from(candidates: &[&Transaction], committed: &[usize], next: &Transaction) -> bool {
    if next.outcome == Outcome::Info {
        return true;
    }
    let mut store: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for step in committed.iter().flat_map(|&index| &candidates[index].steps) {
        if let Step::Append(key, value) = step {
            store.entry(*key).or_default().push(*value);
        }
    }
    next.steps.iter().all(|step| match step {
        Step::Append(key, value) => {
            store.entry(*key).or_default().push(*value);
            true
        }
        Step::Read(key, seen) => store.get(key).map_or(&[][..], Vec::as_slice) == seen,
    })
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
