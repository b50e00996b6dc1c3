//! Session guarantees of registers: Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (PDIS 1994), in the form of
//! Viotti and Vukolić, "Consistency in Non-Transactional Distributed Storage Systems" (ACM Computing Surveys 49, 2016).
//!
//! There is one order of all writes, which nobody knows, and a read returns the last write of its key among those that it sees. It sees
//! what it returned, and what the guarantees make it see:
//!
//! - *read your writes*: whatever its session wrote before;
//! - *monotonic reads*: whatever the reads of its session before it returned;
//! - *monotonic writes*: writes of a session are in the order of that session;
//! - *writes follow reads*: what a session read is before what it writes afterwards.
//!
//! So each guarantee puts writes before others, and some guarantees hold together only if all that they put in order has no circle. Such a
//! circle is named by the guarantees that it needs: a process that sees two writes of another in the wrong order breaks monotonic reads or
//! monotonic writes, and nobody can say which. *Monotonic writes* alone is broken by no history: whoever sees the writes in the wrong order
//! may have asked different replicas. All four together also carry what was seen from session to session, which makes them causal
//! consistency (Brzeziński et al., 2004): that is decided as well when all are asked for.
//!
//! This needs to know who wrote what was read; a key with a value that is written twice is left out, which is said.

use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use super::decode::{Baseless, Functions, NONE, Operation, Registers, decode};
use super::saturate::causal_circle;
use crate::events::Events;
use crate::invariants::{Case, Finding, Report};
use crate::pairing::Malformed;
use crate::transactions::components::{Only, cyclic_components};
use crate::transactions::cycles::{Dependency, short_cycles};
use crate::transactions::graph::{Edges, Graph, Kinds, PASS};

/// A set of guarantees, as bits.
pub type Guarantees = Kinds;

/// A read sees what its session wrote before.
pub const READ_YOUR_WRITES: Guarantees = 1;
/// A read sees what its session read before.
pub const MONOTONIC_READS: Guarantees = 2;
/// Writes of a session are in its order.
pub const MONOTONIC_WRITES: Guarantees = 4;
/// What a session read is before what it writes.
pub const WRITES_FOLLOW_READS: Guarantees = 8;
/// All of them.
pub const ALL: Guarantees = 15;

/// By bits, what is broken when no smaller set is.
const NAMES: [&str; 16] = [
    "",
    "read-your-writes",
    "monotonic-reads",
    "read-your-writes+monotonic-reads",
    "monotonic-writes",
    "read-your-writes+monotonic-writes",
    "monotonic-reads+monotonic-writes",
    "read-your-writes+monotonic-reads+monotonic-writes",
    "writes-follow-reads",
    "read-your-writes+writes-follow-reads",
    "monotonic-reads+writes-follow-reads",
    "read-your-writes+monotonic-reads+writes-follow-reads",
    "monotonic-writes+writes-follow-reads",
    "read-your-writes+monotonic-writes+writes-follow-reads",
    "monotonic-reads+monotonic-writes+writes-follow-reads",
    "read-your-writes+monotonic-reads+monotonic-writes+writes-follow-reads",
];

/// How many edges the search for a short circle looks at in each part of the history.
const MAX_SEARCH: u64 = 5_000_000;

/// The guarantee of this name.
pub fn parse(name: &str) -> Option<Guarantees> {
    (0..4).map(|bit| 1 << bit).find(|&guarantee: &Guarantees| NAMES[guarantee as usize] == name)
}

/// The names of the guarantees.
pub fn names() -> impl Iterator<Item = &'static str> {
    (0..4).map(|bit| NAMES[1 << bit])
}

/// What to check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What operations are called.
    pub functions: Functions,
    /// What every key holds at first.
    pub initial: Option<i64>,
    /// What was promised; at least one.
    pub guarantees: Guarantees,
}

/// Check the guarantees.
pub fn check(events: &Events, options: &Options, interrupt: &AtomicBool) -> Result<Report, Malformed> {
    let registers = decode(events, options.functions, options.initial)?;
    let mut findings = baseless(&registers.baseless);
    let order = Order::new(&registers);
    let graph = Graph::new(order.nodes as usize, order.edges);
    // Circles begin at what was written; auxiliary nodes come after that.
    let written = registers.operations.len() + registers.keys.len();
    let mut broken: Vec<Guarantees> = Vec::new();
    let is_any_broken = !cyclic_components(&Only { graph: &graph, kinds: options.guarantees | ALWAYS }).is_empty();
    let is_asked = |set: &Guarantees| is_any_broken && set & options.guarantees == *set;
    let mut sets: Vec<Guarantees> = (1..=ALL).filter(is_asked).collect();
    sets.sort_by_key(|set| set.count_ones());
    for set in sets {
        if broken.iter().any(|smaller| smaller & set == *smaller) {
            continue;
        }
        let circles = short_cycles(&graph, set | ALWAYS, written, MAX_SEARCH, interrupt);
        if circles.is_empty() {
            continue;
        }
        broken.push(set);
        let mut finding = Finding::new(NAMES[set as usize]);
        for circle in circles {
            finding.add(|| case(&registers, &circle));
        }
        findings.push(finding);
    }
    if options.guarantees == ALL && broken.is_empty() {
        findings.extend(causal_circle(&registers, "all-together", interrupt));
    }
    let mut doubts = Vec::new();
    let ambiguous = registers.is_ambiguous.iter().filter(|&&is_ambiguous| is_ambiguous).count();
    if ambiguous > 0 {
        doubts.push(format!(
            "{ambiguous} of {} keys held a value that was written twice: who read from whom is not known there",
            registers.keys.len()
        ));
    }
    if options.guarantees == MONOTONIC_WRITES {
        doubts
            .push("no history shows that monotonic writes alone is broken; ask for monotonic-reads with it".to_owned());
    }
    Ok(Report::conclude(registers.count, registers.observations, findings, doubts))
}

/// Reads of what nobody wrote, which no guarantee allows.
pub fn baseless(reads: &[Baseless]) -> Vec<Finding> {
    let [mut garbage, mut aborted] = ["garbage-read", "aborted-read"].map(Finding::new);
    for read in reads {
        let shown = |number: Option<i64>| number.map_or_else(|| "nil".to_owned(), |number| number.to_string());
        let what = format!("{} of key {}", shown(read.value), shown(read.key));
        if read.failed == NONE {
            garbage.add(|| Case::new(&[(read.row, "read what nobody wrote")], format!("nobody wrote {what}")));
        } else {
            let rows = [(read.failed, "failed to write it"), (read.row, "read it")];
            aborted.add(|| Case::new(&rows, format!("{what} was read, and its write had failed")));
        }
    }
    vec![garbage, aborted]
}

/// An edge that belongs to no guarantee: nothing is written before what a key holds at first.
const ALWAYS: Kinds = 16;

/// What the guarantees put in order. Nodes are operations, then what the keys hold at first, then auxiliary ones, which stand for all that a
/// session wrote to a key or read so far.
struct Order<'a> {
    registers: &'a Registers,
    edges: Edges,
    nodes: u32,
}

/// What a session wrote to a key: its writes in order, each with its auxiliary node, and for each that it read itself how many were told.
#[derive(Default)]
struct Own {
    writes: Vec<(u32, u32)>,
    told: FxHashMap<u32, usize>,
}

impl<'a> Order<'a> {
    fn new(registers: &'a Registers) -> Order<'a> {
        let nodes = (registers.operations.len() + registers.keys.len()) as u32;
        let mut order = Order { registers, edges: Edges::default(), nodes };
        for session in registers.sessions() {
            order.session(session);
        }
        order
    }

    fn node(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    fn session(&mut self, session: std::ops::Range<usize>) {
        let registers = self.registers;
        let initial = |key: u32| registers.operations.len() as u32 + key;
        let (mut last_write, mut all_read) = (None, None);
        let mut last_read: FxHashMap<u32, u32> = FxHashMap::default();
        let mut written: FxHashMap<u32, Own> = FxHashMap::default();
        for place in session {
            let (current, Operation { key, action, is_pending, .. }) = (place as u32, registers.operations[place]);
            if registers.is_ambiguous[key as usize] {
                continue;
            }
            let source = action.consumes().and_then(|value| match registers.source(place) {
                Some(writer) => Some(writer as u32),
                None => (value == 0).then(|| initial(key)),
            });
            if let Some(source) = source.filter(|_| !is_pending) {
                if let Some(own) = written.get_mut(&key) {
                    own_writes_are_seen(own, source, &mut self.edges);
                }
                if let Some(seen) = last_read.insert(key, source) {
                    self.edges.add(seen, source, MONOTONIC_READS, key);
                }
                if source != initial(key) {
                    let node = self.node();
                    self.edges.add(source, node, WRITES_FOLLOW_READS, key);
                    if let Some(earlier) = all_read.replace(node) {
                        self.edges.add(earlier, node, PASS, key);
                    }
                }
            }
            if action.produces().is_some() {
                self.edges.add(initial(key), current, ALWAYS, key);
                // A compare-and-set found what it replaced, whatever was promised.
                if let Some(source) = source {
                    self.edges.add(source, current, ALWAYS, key);
                }
                if let Some(earlier) = last_write.replace(current) {
                    self.edges.add(earlier, current, MONOTONIC_WRITES, key);
                }
                if let Some(all_read) = all_read {
                    self.edges.add(all_read, current, PASS, key);
                }
                let node = self.node();
                let own = written.entry(key).or_default();
                self.edges.add(current, node, READ_YOUR_WRITES, key);
                if let Some(&(_, earlier)) = own.writes.last() {
                    self.edges.add(earlier, node, PASS, key);
                }
                own.writes.push((current, node));
            }
        }
    }
}

/// All that the session wrote to the key is before what it reads there now. If that is one of its own, all others are.
fn own_writes_are_seen(own: &mut Own, source: u32, edges: &mut Edges) {
    let Some(place) = own.writes.iter().rposition(|&(write, _)| write == source) else {
        if let Some(&(_, all)) = own.writes.last() {
            edges.add(all, source, PASS, 0);
        }
        return;
    };
    if let Some(&(_, all_before)) = place.checked_sub(1).and_then(|before| own.writes.get(before)) {
        edges.add(all_before, source, PASS, 0);
    }
    let from = own.told.insert(source, own.writes.len()).unwrap_or(0).max(place + 1);
    for &(write, _) in &own.writes[from..] {
        edges.add(write, source, READ_YOUR_WRITES, 0);
    }
}

/// A circle of writes, told by the operations that put each before the next.
fn case(registers: &Registers, circle: &[Dependency]) -> Case {
    let (mut rows, mut told) = (Vec::new(), Vec::new());
    let written = |node: u32| match registers.operations.get(node as usize) {
        Some(operation) => {
            let value = operation.action.produces().unwrap_or(0);
            format!("{} of {}", registers.shown(operation.key, value), registers.key(operation.key))
        }
        None => {
            let key = node - registers.operations.len() as u32;
            format!("the initial {} of {}", registers.shown(key, 0), registers.key(key))
        }
    };
    for step in circle.iter().filter(|step| step.kind != ALWAYS) {
        let (one, other, why) = shown_by(registers, step);
        rows.extend([(one, "did this first"), (other, "did that afterwards")]);
        told.push(format!("{} is before {}, for one process {why}", written(step.from), written(step.to)));
    }
    if circle.iter().any(|step| step.kind == ALWAYS && registers.operations.get(step.from as usize).is_some()) {
        told.push("a compare-and-set replaced what it found".to_owned());
    }
    rows.dedup_by_key(|(row, _)| *row);
    Case::new(&rows, told.join("; "))
}

/// The operations of one session that show that a write is before another.
fn shown_by(registers: &Registers, step: &Dependency) -> (u32, u32, &'static str) {
    let row = |place: usize| registers.operations[place].row;
    let (from, to) = (step.from as usize, step.to as usize);
    let reads = |place: &usize, node: usize| match registers.source(*place) {
        Some(source) => source == node,
        None => {
            let operation = registers.operations[*place];
            operation.action.consumes() == Some(0) && registers.operations.len() + operation.key as usize == node
        }
    };
    let session_of = |place: usize| registers.sessions().find(|session| session.contains(&place)).unwrap_or(0..0);
    match step.kind {
        READ_YOUR_WRITES => {
            let read = (from..session_of(from).end).find(|place| reads(place, to)).unwrap_or(from);
            (row(from), row(read), "wrote the one and then read the other")
        }
        WRITES_FOLLOW_READS => {
            let read = (session_of(to).start..to + 1).rfind(|place| reads(place, from)).unwrap_or(to);
            (row(read), row(to), "read the one and then wrote the other")
        }
        MONOTONIC_WRITES => (row(from), row(to), "wrote the one and then the other"),
        _ => {
            let pair = registers.sessions().find_map(|session| {
                let mut earlier = None;
                session.clone().find_map(|place| {
                    earlier = earlier.or(reads(&place, from).then_some(place));
                    Some((earlier?, place)).filter(|_| reads(&place, to))
                })
            });
            let (one, other) = pair.unwrap_or((0, 0));
            (row(one), row(other), "read the one and then the other")
        }
    }
}
