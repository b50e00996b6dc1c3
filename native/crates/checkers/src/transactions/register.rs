//! Rw-register: transactions that read and write registers, where every value is written to a key only once.
//!
//! A read tells which write it saw, and little about the order of writes. That order is inferred, from what the history shows and from
//! assumptions that the caller states ([`Inferences`]); each gives edges that are sound if it holds, and there may be anomalies that no
//! inference shows. Elle's rw-register does the same. One version order per key is never materialised: "everything after" is a
//! [`Fan`] or a chain of barriers, so that the number of edges stays linear.
//!
//! Where every write follows a read of its key in the same transaction, the order is total but for the initial state, and the verdict is exact.
//!
//! - *writes follow reads*: a transaction that read one version and wrote another put the latter after the former. Always sound.
//! - *initial state*: nobody wrote what a key holds at first, so whoever saw it comes before every writer.
//! - *sequential keys*: every process sees the versions of a key in their order.
//! - *linearizable keys*: what completed before a write began is older than what it wrote.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use super::conclusion::{conclude, named, order};
use super::consistency::Consistency;
use super::cycles::Dependency;
use super::decode::{Code, MicroOperation, Transactions, decode};
use super::fan::Fan;
use super::graph::{Edges, Kinds, NO_KEY, PASS, PROCESS, REALTIME, RW, WR, WW};
use super::report::{Anomaly, Deed, Entry, LISTED, Report, Step};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome};
use crate::verdict::Verdict;

/// What may be assumed of the order of versions, beyond that writes follow reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inferences {
    /// Nobody writes what a key holds at first.
    pub initial_state: bool,
    /// Each key is sequentially consistent.
    pub sequential_keys: bool,
    /// Each key is linearizable.
    pub linearizable_keys: bool,
}

/// What to check.
#[derive(Clone, Copy, Debug)]
pub struct RegisterOptions {
    /// The position of the function of transactions; nothing when the history has none.
    pub transaction: Option<u8>,
    /// The promise.
    pub consistency: Consistency,
    /// What may be assumed.
    pub inferences: Inferences,
    /// How many edges the search for a short cycle may look at, for each class in each component.
    pub max_search: u64,
}

/// One version of a key: a value that somebody wrote.
#[derive(Clone, Debug)]
struct Version {
    key: u32,
    writer: u32,
    /// Whether it is the writer's last write to the key.
    is_final: bool,
    /// Those that read it before they had touched the key.
    readers: Vec<u32>,
}

/// Check an rw-register history.
pub fn check_rw_register(
    events: &Events,
    options: &RegisterOptions,
    interrupt: &AtomicBool,
) -> Result<Report, Malformed> {
    let transactions = decode(events, options.transaction)?;
    let mut history = Registers::new(events, &transactions)?;
    history.take_reads();
    let mut edges = Edges::default();
    let nodes = history.dependencies(options.inferences, &mut edges);
    let ordered = order(&transactions, &history.happened, nodes, edges, options.max_search, interrupt);
    let mut anomalies = named(&ordered.cycles, |dependency| history.step(dependency));
    anomalies.extend(std::mem::take(&mut history.found).into_values());
    let mut report = conclude(options.consistency, &transactions, history.observations, &ordered, anomalies);
    if ordered.edges.ww + ordered.edges.rw == 0 {
        report
            .warnings
            .push("no order of writes could be inferred; assume more, or write what was read before".to_owned());
        if report.verdict == Verdict::Valid {
            report.verdict = Verdict::Unknown;
        }
    }
    Ok(report)
}

struct Registers<'a> {
    events: &'a Events<'a>,
    transactions: &'a Transactions,
    versions: Vec<Version>,
    numbers: FxHashMap<(u32, i64), u32>,
    /// Those that saw a key before anybody had written it, by key.
    initial: Vec<Vec<u32>>,
    happened: Vec<bool>,
    observations: usize,
    found: BTreeMap<&'static str, Anomaly>,
}

impl<'a> Registers<'a> {
    /// Number what was written. A value that is written to a key twice makes the history malformed.
    fn new(events: &'a Events<'a>, transactions: &'a Transactions) -> Result<Self, Malformed> {
        let mut malformed = Malformed::default();
        let (mut versions, mut numbers) = (Vec::<Version>::new(), FxHashMap::default());
        for writer in 0..transactions.len() {
            let own = transactions.of(writer);
            let row = transactions.invocation[writer] as usize;
            for (place, micro_operation) in own.iter().enumerate() {
                let key = micro_operation.key;
                let name = transactions.keys[key as usize];
                let Some(value) = micro_operation.written(events) else {
                    if micro_operation.values(events).is_some_and(|values| values.len() > 1) {
                        malformed.add(row, format!("a read of register {name} shows more than one value"));
                    }
                    continue;
                };
                if micro_operation.code == Code::Append {
                    malformed.add(
                        row,
                        format!("an rw-register history appends to key {name}; only reads and writes are possible"),
                    );
                } else if numbers.insert((key, value), versions.len() as u32).is_some() {
                    malformed
                        .add(row, format!("{value} is written to key {name} a second time; values must be unique"));
                }
                let is_final = !own[place + 1..].iter().any(|later| later.key == key && later.code == Code::Write);
                versions.push(Version { key, writer: writer as u32, is_final, readers: Vec::new() });
            }
        }
        let happened = transactions.outcome.iter().map(|&outcome| outcome == Outcome::Ok).collect();
        malformed.unless(Registers {
            events,
            transactions,
            versions,
            numbers,
            initial: vec![Vec::new(); transactions.keys.len()],
            happened,
            observations: 0,
            found: BTreeMap::new(),
        })
    }

    fn row(&self, transaction: u32) -> u32 {
        self.transactions.invocation[transaction as usize]
    }

    fn add(&mut self, name: &'static str, parts: &[(u32, &'static str)], key: u32, value: Option<i64>) {
        let deed = Deed {
            transactions: parts.iter().map(|&(transaction, _)| self.row(transaction)).collect(),
            roles: parts.iter().map(|&(_, role)| role).collect(),
            key: self.transactions.keys[key as usize],
            value,
            ..Deed::default()
        };
        let new = || Anomaly { name: name.to_owned(), count: 0, first: Vec::new() };
        let anomaly = self.found.entry(name).or_insert_with(new);
        anomaly.count += 1;
        if anomaly.first.len() < LISTED {
            anomaly.first.push(Entry::Deed(deed));
        }
    }

    /// Who read what, and what no order of versions is needed to see.
    fn take_reads(&mut self) {
        let transactions = self.transactions;
        for reader in (0..transactions.len() as u32).filter(|&t| transactions.outcome[t as usize] == Outcome::Ok) {
            let own = transactions.of(reader as usize);
            for (place, read) in own.iter().enumerate().filter(|(_, m)| m.code == Code::Read) {
                let Some(values) = read.values(self.events) else { continue };
                let value = values.first().copied();
                let before = own[..place]
                    .iter()
                    .rfind(|earlier| earlier.key == read.key && earlier.values(self.events).is_some());
                match before.map(|earlier| earlier.values(self.events).and_then(|values| values.first().copied())) {
                    Some(expected) if expected != value => {
                        self.add("internal", &[(reader, "contradicts itself")], read.key, value);
                    }
                    Some(_) => {}
                    None => self.take_external_read(reader, read, value, &own[place + 1..]),
                }
            }
        }
        for version in &self.versions {
            let writer = version.writer as usize;
            self.happened[writer] |= transactions.outcome[writer] == Outcome::Info && !version.readers.is_empty();
        }
    }

    fn take_external_read(&mut self, reader: u32, read: &MicroOperation, value: Option<i64>, later: &[MicroOperation]) {
        self.observations += 1;
        let key = read.key;
        let Some(value) = value else {
            self.initial[key as usize].push(reader);
            return;
        };
        let Some(&number) = self.numbers.get(&(key, value)) else {
            self.add("garbage-read", &[(reader, "read what nobody wrote")], key, Some(value));
            return;
        };
        let version = &mut self.versions[number as usize];
        let (writer, is_final) = (version.writer, version.is_final);
        if writer == reader {
            debug_assert!(later.iter().any(|m| m.code == Code::Write));
            self.add("future-read", &[(reader, "reads before it writes")], key, Some(value));
            return;
        }
        version.readers.push(reader);
        if self.transactions.outcome[writer as usize] == Outcome::Fail {
            self.add("G1a", &[(writer, "failed"), (reader, "read what it wrote")], key, Some(value));
        } else if !is_final {
            let parts = [(writer, "wrote more afterwards"), (reader, "read its intermediate state")];
            self.add("G1b", &parts, key, Some(value));
        }
    }

    /// Add all dependencies; returns how many nodes there are then.
    fn dependencies(&mut self, inferences: Inferences, edges: &mut Edges) -> usize {
        let mut nodes = self.transactions.len() as u32;
        let mut lost = Vec::new();
        for (number, version) in self.versions.iter().enumerate() {
            let key = version.key;
            let has_happened = self.happened[version.writer as usize];
            if has_happened {
                version.readers.iter().for_each(|&reader| edges.add(version.writer, reader, WR, key));
            }
            // Writes follow reads: those that read this version and then wrote the key put theirs after it.
            let updaters: Vec<u32> =
                version.readers.iter().copied().filter(|&reader| self.writes(reader, key)).collect();
            if updaters.len() > 1 {
                lost.push((number, updaters.clone()));
            }
            if !updaters.is_empty() {
                let fan = Fan::new(updaters, key, &mut nodes, edges);
                if has_happened {
                    fan.comes_after(version.writer, WW, edges);
                }
                version.readers.iter().for_each(|&reader| fan.comes_after(reader, RW, edges));
            }
        }
        for (number, updaters) in lost {
            let (key, writer) = (self.versions[number].key, self.versions[number].writer);
            let written = self.transactions.of(writer as usize).iter().rfind(|m| m.key == key && m.code == Code::Write);
            let value = written.and_then(|m| m.written(self.events));
            let parts: Vec<_> =
                updaters.iter().take(LISTED).map(|&t| (t, "read this version and overwrote it")).collect();
            self.add("lost-update", &parts, key, value);
        }
        if inferences.initial_state {
            let mut writers: Vec<Vec<u32>> = vec![Vec::new(); self.initial.len()];
            for version in self.versions.iter().filter(|version| self.happened[version.writer as usize]) {
                writers[version.key as usize].push(version.writer);
            }
            for (key, (readers, writers)) in self.initial.iter().zip(writers).enumerate() {
                if !readers.is_empty() && !writers.is_empty() {
                    let fan = Fan::new(writers, key as u32, &mut nodes, edges);
                    readers.iter().for_each(|&reader| fan.comes_after(reader, RW, edges));
                }
            }
        }
        if inferences.sequential_keys {
            self.sequential_keys(edges);
        }
        if inferences.linearizable_keys {
            self.linearizable_keys(&mut nodes, edges);
        }
        nodes as usize
    }

    fn writes(&self, transaction: u32, key: u32) -> bool {
        self.transactions.of(transaction as usize).iter().any(|m| m.key == key && m.code == Code::Write)
    }

    /// The keys that a transaction touched, each once, with how it depends on what comes after: it wrote it, or only read it.
    fn touched(&self, transaction: u32) -> impl Iterator<Item = (u32, Kinds)> {
        let own = self.transactions.of(transaction as usize);
        own.iter().enumerate().filter_map(move |(place, m)| {
            let is_first = own[..place].iter().all(|earlier| earlier.key != m.key);
            is_first.then(|| (m.key, if self.writes(transaction, m.key) { WW } else { RW }))
        })
    }

    /// What a process touched earlier is older than what it writes later.
    fn sequential_keys(&self, edges: &mut Edges) {
        let mut last: FxHashMap<(i32, u32), (u32, Kinds)> = FxHashMap::default();
        for transaction in (0..self.transactions.len() as u32).filter(|&t| self.happened[t as usize]) {
            let process = self.transactions.process[transaction as usize];
            for (key, kind) in self.touched(transaction) {
                let earlier = last.insert((process, key), (transaction, kind));
                if let (Some((earlier, how)), WW) = (earlier, kind) {
                    edges.add(earlier, transaction, how, key);
                }
            }
        }
    }

    /// What was touched by who had completed is older than what is written by who had not begun: a chain of barriers for each key.
    fn linearizable_keys(&self, nodes: &mut u32, edges: &mut Edges) {
        let is_done = |&t: &u32| self.transactions.outcome[t as usize] == Outcome::Ok;
        let mut completed: Vec<u32> = (0..self.transactions.len() as u32).filter(is_done).collect();
        completed.sort_unstable_by_key(|&t| self.transactions.completion[t as usize]);
        let mut completed = completed.into_iter().peekable();
        let mut barriers: Vec<Option<u32>> = vec![None; self.transactions.keys.len()];
        for transaction in (0..self.transactions.len() as u32).filter(|&t| self.happened[t as usize]) {
            let invoked = self.transactions.invocation[transaction as usize];
            while let Some(done) = completed.next_if(|&t| self.transactions.completion[t as usize] < invoked) {
                for (key, kind) in self.touched(done) {
                    let barrier = *nodes;
                    *nodes += 1;
                    if let Some(earlier) = barriers[key as usize].replace(barrier) {
                        edges.add(earlier, barrier, PASS, key);
                    }
                    edges.add(done, barrier, kind, key);
                }
            }
            for (key, _) in self.touched(transaction).filter(|&(_, kind)| kind == WW) {
                if let Some(barrier) = barriers[key as usize] {
                    edges.add(barrier, transaction, PASS, key);
                }
            }
        }
    }

    /// A dependency with its key and values.
    fn step(&self, dependency: &Dependency) -> Step {
        let &Dependency { from, to, kind, key } = dependency;
        let value_of = |transaction: u32, code: Code| {
            let found = self.transactions.of(transaction as usize).iter().find(|m| m.key == key && m.code == code);
            found.and_then(|m| m.values(self.events)).and_then(|values| values.first().copied())
        };
        let (name, previous, value) = match kind {
            WW => ("ww", value_of(from, Code::Write), value_of(to, Code::Write)),
            WR => ("wr", None, value_of(to, Code::Read)),
            RW => ("rw", value_of(from, Code::Read), value_of(to, Code::Write)),
            PROCESS => ("process", None, None),
            REALTIME => ("realtime", None, None),
            _ => ("unknown", None, None),
        };
        let key = (key != NO_KEY).then(|| self.transactions.keys[key as usize]);
        Step { from: self.row(from), to: self.row(to), kind: name, key, previous, value }
    }
}
