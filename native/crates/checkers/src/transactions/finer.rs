//! Names of cycles that depend on more than the kinds of their edges. Each lies across the classes of [`super::cycles`].
//!
//! - *G-update* (Adya 1999, PL-3U): all transactions that wrote something and any one that did not form a cycle. Whoever wrote nothing is
//!   left only by an anti-dependency, so such a cycle is one of those that wrote, or an anti-dependency of a reader that a path of
//!   those that wrote closes.
//! - *G-monotonic* (the same, PL-2L): a cycle with exactly one anti-dependency whose reader, taken apart into its steps, already depended
//!   on the rest of the cycle before it read what that had overwritten.
//!
//! The first contains every cycle with one anti-dependency, and the second is one, so each is looked for only where it says more than the
//! classes that were found. Both are decided as G-single is: 64 anti-dependencies at once, under a budget.

use std::sync::atomic::AtomicBool;

use super::cycles::{Class, Component, Cycle, Cycles, Open, Reach, closed_by, each_component};
use super::decode::{Code, Transactions};
use super::graph::{Edges, Graph, NO_KEY, PASS, RW, WR, WW};
use super::paths::{Path, Search};

/// A finer name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finer {
    /// See the module.
    Monotonic,
    /// See the module.
    Update,
}

impl Finer {
    /// All of them.
    pub const ALL: [Finer; 2] = [Finer::Monotonic, Finer::Update];

    /// What the literature calls it.
    pub fn name(self) -> &'static str {
        match self {
            Finer::Monotonic => "G-monotonic",
            Finer::Update => "G-update",
        }
    }

    /// The class that has all of its cycles.
    pub fn within(self) -> Class {
        match self {
            Finer::Monotonic => Class::Single,
            Finer::Update => Class::G2,
        }
    }

    /// What such a cycle is, to end a sentence about cycles.
    pub fn told(self) -> &'static str {
        match self {
            Finer::Monotonic => "one anti-dependency that come back before it",
            Finer::Update => "at most one transaction that wrote nothing",
        }
    }
}

/// What was found under finer names.
#[derive(Debug, Default)]
pub struct FinerCycles {
    /// By component.
    pub found: Vec<(Finer, Cycle)>,
    /// Which could not be decided.
    pub undecided: Vec<Finer>,
    /// Edges looked at.
    pub edges_visited: u64,
    /// Whether the search was told to stop.
    pub interrupted: bool,
}

impl FinerCycles {
    fn add(&mut self, finer: Finer, component: &Component, search: (Option<Path>, bool)) {
        let (path, is_decided) = search;
        self.found.extend(path.map(|path| (finer, Cycle::new(component.contracted(&path)))));
        if !is_decided && !self.undecided.contains(&finer) {
            self.undecided.push(finer);
        }
    }
}

/// Look for cycles of data under finer names where the `classes` that were found do not tell. At most `budget` edges are looked at for
/// each in each component, beyond the search that finds any cycle at all.
pub fn finer(
    graph: &Graph,
    transactions: &Transactions,
    classes: &Cycles,
    budget: u64,
    interrupt: &AtomicBool,
) -> FinerCycles {
    let mut all = FinerCycles::default();
    let single = classes.of_data() == Some(Class::Single);
    let several = classes.of_data() > Some(Class::Single);
    let visit = |component: &Component| {
        if single || (several && classes.undecided.contains(&Reach::Data)) {
            monotonic(component, transactions, budget, &mut all);
        }
        if several {
            updates(component, transactions, budget, &mut all);
        }
    };
    if single || several {
        all.interrupted = !each_component(graph, WW | WR | RW, transactions.len(), interrupt, visit);
    }
    all
}

/// G-update: the graph without what leads out of readers, which has either a cycle or paths to readers.
fn updates(component: &Component, transactions: &Transactions, budget: u64, all: &mut FinerCycles) {
    let kinds = WW | WR | RW;
    let is_update = |node: u32| {
        let steps = |node: u32| transactions.of(component.members[node as usize] as usize);
        !component.is_transaction(node) || steps(node).iter().any(|m| matches!(m.code, Code::Append | Code::Write))
    };
    let mut edges = Edges::default();
    for node in (0..component.members.len() as u32).filter(|&node| is_update(node)) {
        for edge in component.graph.out(node).map(|number| component.graph.edge(number)) {
            edges.add(node, edge.to, edge.kind, edge.key);
        }
    }
    let graph = Graph::new(component.members.len(), edges);
    let mut search = Search::new(&graph);
    search.left = budget;
    let among_updates = Component { graph: &graph, ..*component }.shortest(Class::G2, kinds, &mut search);
    let found = if among_updates.is_some() {
        (among_updates, true)
    } else {
        let of_readers = component.anti_dependencies().filter(|&(node, _)| !is_update(node));
        let open: Vec<Open> = of_readers.map(|(node, edge)| Open { node, edge, goal: node }).collect();
        closed_by(&open, &graph, kinds, &mut search)
    };
    all.edges_visited += search.visited;
    all.add(Finer::Update, component, found);
}

/// G-monotonic: beside each reader stands a node for every read of it that was overwritten, to which leads what the reader depended on in
/// an earlier step.
fn monotonic(component: &Component, transactions: &Transactions, budget: u64, all: &mut FinerCycles) {
    let nodes = component.members.len() as u32;
    let place = |node: u32, key: u32, is_read: bool| {
        let steps = transactions.of(component.members[node as usize] as usize);
        let depends = steps
            .iter()
            .position(|m| m.key == key && if is_read { m.is_first && m.code == Code::Read } else { m.is_last_write });
        depends.map(|place| place as u32)
    };
    let reads =
        component.anti_dependencies().filter_map(|(node, edge)| Some((node, edge, place(node, edge.key, true)?)));
    let reads: Vec<_> = reads.collect();
    let mut before: Vec<(u32, u32)> = reads.iter().map(|&(node, _, read)| (node, read)).collect();
    before.sort_unstable();
    before.dedup();
    let goal = |read: &(u32, u32)| nodes + before.partition_point(|other| other < read) as u32;
    let mut edges = Edges::default();
    for node in 0..nodes {
        for edge in component.graph.out(node).map(|number| component.graph.edge(number)) {
            if edge.kind & (WW | WR | PASS) == 0 {
                continue;
            }
            edges.add(node, edge.to, edge.kind, edge.key);
            if !component.is_transaction(edge.to) {
                continue;
            }
            // Only writes are passed on by an auxiliary node that no anti-dependency leads to.
            let next = place(edge.to, edge.key, edge.kind == WR).map(|place| goal(&(edge.to, place + 1)));
            let is_its =
                |goal: &u32| before.get((*goal - nodes) as usize).is_some_and(|(reader, _)| *reader == edge.to);
            if let Some(next) = next.filter(is_its) {
                edges.add(node, next, edge.kind, edge.key);
            }
        }
    }
    for (number, pair) in (nodes..).zip(before.windows(2)).filter(|(_, pair)| pair[0].0 == pair[1].0) {
        debug_assert!(pair[0].1 < pair[1].1, "steps in their order");
        edges.add(number, number + 1, PASS, NO_KEY);
    }
    let of_reads = before.iter().map(|&(node, _)| component.members[node as usize]);
    let members: Vec<u32> = component.members.iter().copied().chain(of_reads).collect();
    let graph = Graph::new(members.len(), edges);
    let open: Vec<Open> =
        reads.iter().map(|&(node, edge, read)| Open { node, edge, goal: goal(&(node, read)) }).collect();
    let mut search = Search::new(&graph);
    search.left = budget;
    let found = closed_by(&open, &graph, WW | WR, &mut search);
    all.edges_visited += search.visited;
    all.add(Finer::Monotonic, &Component { graph: &graph, members: &members, ..*component }, found);
}
