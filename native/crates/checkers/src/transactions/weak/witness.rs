//! Cycles of a weak level, told: who had seen what it should not have missed, and how.

use super::observed::{NONE, Observed};
use super::{Level, Weak};
use crate::events::Events;
use crate::transactions::cycles::Dependency;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::graph::{Graph, NO_KEY, PROCESS, SEEN, WR, WW};
use crate::transactions::report::{Entry, Sight, Step};

/// Knows the values.
pub struct Teller<'a> {
    /// The history.
    pub events: &'a Events<'a>,
    /// Its transactions.
    pub transactions: &'a Transactions,
    /// Who wrote what a read of a transaction saw, as [`Observed::new`] was told.
    pub source: &'a dyn Fn(u32, &MicroOperation) -> Option<u32>,
    /// Tells a dependency of the usual kinds.
    pub step: &'a dyn Fn(&Dependency) -> Step,
}

/// Who saw a transaction, and how: each dependency leads to where the next begins, the last to the reader.
struct Seen {
    reader: u32,
    path: Vec<Dependency>,
}

impl Teller<'_> {
    /// A cycle of `graph`, with everything that a person needs to believe it.
    pub fn told(&self, observed: &Observed, weak: Weak, graph: &Graph, cycle: &[Dependency]) -> Entry {
        if let Some(missed) = outright(observed, cycle)
            && let Some(seen) = sight(observed, weak, graph, missed)
        {
            let mut steps = self.path(&seen);
            steps.push(Step {
                from: self.row(seen.reader),
                to: self.row(missed.from),
                kind: "rw",
                key: Some(self.transactions.keys[missed.key as usize]),
                previous: self.shown(&seen, missed).last().copied(),
                value: self.written(missed.from, missed.key).next_back(),
                because: None,
            });
            return Entry::Cycle { steps };
        }
        let (mut steps, mut sights) = (Vec::new(), Vec::new());
        for dependency in cycle {
            if dependency.kind != SEEN {
                steps.push((self.step)(dependency));
            } else if let Some(seen) = sight(observed, weak, graph, dependency) {
                let &Dependency { from, to, key, .. } = dependency;
                let is_written = |value: &i64| self.written(to, key).any(|written| written == *value);
                steps.push(Step {
                    from: self.row(from),
                    to: self.row(to),
                    kind: "seen",
                    key: Some(self.transactions.keys[key as usize]),
                    previous: self.written(from, key).next_back(),
                    // A list may end in what nobody wrote.
                    value: self.shown(&seen, dependency).iter().copied().rfind(is_written),
                    because: None,
                });
                sights.push(Sight { reader: self.row(seen.reader), path: self.path(&seen) });
            }
        }
        Entry::Missed { steps, sights }
    }

    fn row(&self, transaction: u32) -> u32 {
        self.transactions.invocation[transaction as usize]
    }

    /// What the reader read of the key from `missed.to`, although it had seen `missed.from`.
    fn shown(&self, seen: &Seen, missed: &Dependency) -> &[i64] {
        let own = self.transactions.of(seen.reader as usize).iter();
        let mut reads = own.filter(|m| m.key == missed.key && m.code == Code::Read);
        let read = reads.find(|read| (self.source)(seen.reader, read) == Some(missed.to));
        read.and_then(|read| read.values(self.events)).unwrap_or_default()
    }

    /// What a transaction wrote to a key, in order.
    fn written(&self, transaction: u32, key: u32) -> impl DoubleEndedIterator<Item = i64> {
        let own = self.transactions.of(transaction as usize).iter();
        own.filter(move |m| m.key == key).filter_map(|m| m.written(self.events))
    }

    /// A path as steps; what one process did in between is left out.
    fn path(&self, seen: &Seen) -> Vec<Step> {
        let mut merged: Vec<Dependency> = Vec::new();
        for dependency in &seen.path {
            match merged.last_mut() {
                Some(last) if last.kind == PROCESS && dependency.kind == PROCESS => last.to = dependency.to,
                _ => merged.push(*dependency),
            }
        }
        merged.iter().map(|dependency| (self.step)(dependency)).collect()
    }
}

/// What was missed for certain: the key was read as it was at first, or as it was known to be before it was written.
fn outright<'a>(observed: &Observed, cycle: &'a [Dependency]) -> Option<&'a Dependency> {
    let seen = |dependency: &&Dependency| dependency.kind == SEEN;
    if let Some(initial) = cycle.iter().filter(seen).find(|dependency| dependency.to == observed.initial()) {
        return Some(initial);
    }
    match cycle {
        [one, other] if one.key == other.key && (one.kind, other.kind) == (SEEN, WW) => Some(one),
        [other, one] if one.key == other.key && (one.kind, other.kind) == (SEEN, WW) => Some(one),
        _ => None,
    }
}

/// Somebody who had seen `missed.from` and read the key from `missed.to`.
fn sight(observed: &Observed, weak: Weak, graph: &Graph, missed: &Dependency) -> Option<Seen> {
    let &Dependency { from: writer, to: source, key, .. } = missed;
    let is_read = |reader: &u32| observed.reads(*reader).iter().any(|read| (read.key, read.from) == (key, source));
    let mut readers = observed.happened().filter(|reader| is_read(reader) && *reader != writer);
    let read_from = |reader: u32| {
        let read = observed.reads(reader).iter().find(|read| read.from == writer)?;
        Some(Dependency { from: writer, to: reader, kind: WR, key: read.key })
    };
    match weak.level {
        Level::Monotonic => {
            readers.filter_map(|reader| Some((reader, read_from(reader)?))).find_map(|(reader, seen)| {
                let reads = observed.reads(reader);
                let first = reads.iter().position(|read| read.from == writer)?;
                let is_later = reads[first..].iter().any(|read| (read.key, read.from) == (key, source));
                is_later.then_some(Seen { reader, path: vec![seen] })
            })
        }
        Level::Atomic => readers.find_map(|reader| {
            let (one, other) = (writer as usize, reader as usize);
            let is_later = weak.sessions
                && observed.session[one] == observed.session[other]
                && observed.place[one] < observed.place[other];
            let in_session = is_later.then_some(Dependency { from: writer, to: reader, kind: PROCESS, key: NO_KEY });
            Some(Seen { reader, path: vec![read_from(reader).or(in_session)?] })
        }),
        Level::Causal => {
            let reached = Reached::new(graph, writer);
            let reader = readers.filter(|&reader| reached.distance(reader).is_some());
            let reader = reader.min_by_key(|&reader| reached.distance(reader))?;
            Some(Seen { reader, path: reached.path(graph, reader) })
        }
    }
}

/// Everything that one transaction happened before, by a breadth-first search.
struct Reached {
    start: u32,
    distance: Vec<u32>,
    before: Vec<(u32, u32)>,
}

impl Reached {
    fn new(graph: &Graph, start: u32) -> Reached {
        let mut reached =
            Reached { start, distance: vec![NONE; graph.nodes()], before: vec![(NONE, NONE); graph.nodes()] };
        let mut queue = vec![start];
        reached.distance[start as usize] = 0;
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            for number in graph.out(node) {
                let edge = graph.edge(number);
                if edge.kind & (WR | PROCESS) != 0 && reached.distance[edge.to as usize] == NONE {
                    reached.distance[edge.to as usize] = reached.distance[node as usize] + 1;
                    reached.before[edge.to as usize] = (node, number);
                    queue.push(edge.to);
                }
            }
        }
        reached
    }

    fn distance(&self, transaction: u32) -> Option<u32> {
        Some(self.distance[transaction as usize]).filter(|&distance| distance != NONE)
    }

    fn path(&self, graph: &Graph, transaction: u32) -> Vec<Dependency> {
        let (mut path, mut to) = (Vec::new(), transaction);
        while to != self.start {
            let (from, number) = self.before[to as usize];
            let edge = graph.edge(number);
            path.push(Dependency { from, to, kind: edge.kind, key: edge.key });
            to = from;
        }
        path.reverse();
        path
    }
}
