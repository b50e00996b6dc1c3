//! Cycles of dependencies: which classes of anomaly there are, and one short cycle of each to show.
//!
//! The classes are Adya's, in Elle's refinement, weakest first: only writes (G0); writes and reads (G1c); exactly one anti-dependency
//! (G-single); several, no two of them next to each other (G-nonadjacent); any number (G2). Each is looked for with dependencies of data
//! alone, then with process order, then with real time as well. All edges here are about single items, hence the suffix `-item`.
//!
//! Whether a class has a cycle is a question about strongly connected components and takes linear time, except for G-single: there each
//! anti-dependency must be closed by a path without any, which is decided for 64 of them at once, under a budget. Shortest cycles come from
//! breadth-first searches in which passing through an auxiliary node is free; they have a budget of visited edges, and beyond it the
//! best cycle so far is taken. Within one component, a cycle suppresses every class that it implies. [`super::finer`] has the names
//! that lie across these classes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::components::{Apart, Only, cyclic_components};
use super::graph::{Edge, Graph, Kinds, PASS, PROCESS, REALTIME, RW, WR, WW};
use super::paths::{Path, Search, length};
use super::reachability::connected;

/// What the kinds of a cycle's data edges make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Only write-write.
    G0,
    /// Also write-read.
    G1c,
    /// Exactly one anti-dependency.
    Single,
    /// Several, none next to another.
    Nonadjacent,
    /// Any.
    G2,
}

/// Which orders beyond data a cycle needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// None.
    Data,
    /// That of a process.
    Process,
    /// Real time.
    Realtime,
}

const CLASSES: [Class; 5] = [Class::G0, Class::G1c, Class::Single, Class::Nonadjacent, Class::G2];
const REACHES: [Reach; 3] = [Reach::Data, Reach::Process, Reach::Realtime];

impl Class {
    fn kinds(self) -> Kinds {
        match self {
            Class::G0 => WW,
            Class::G1c => WW | WR,
            Class::Single | Class::Nonadjacent | Class::G2 => WW | WR | RW,
        }
    }
}

impl Reach {
    fn kinds(self) -> Kinds {
        match self {
            Reach::Data => 0,
            Reach::Process => PROCESS,
            Reach::Realtime => PROCESS | REALTIME,
        }
    }
}

/// The name of an anomaly.
pub fn name(class: Class, reach: Reach) -> String {
    let class = match class {
        Class::G0 => "G0",
        Class::G1c => "G1c",
        Class::Single => "G-single-item",
        Class::Nonadjacent => "G-nonadjacent-item",
        Class::G2 => "G2-item",
    };
    let reach = match reach {
        Reach::Data => "",
        Reach::Process => "-process",
        Reach::Realtime => "-realtime",
    };
    format!("{class}{reach}")
}

/// An edge from transaction to transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The earlier transaction.
    pub from: u32,
    /// The later one.
    pub to: u32,
    /// One bit.
    pub kind: Kinds,
    /// The key it is about, or [`super::graph::NO_KEY`].
    pub key: u32,
}

/// A cycle and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// What its edges make of it.
    pub class: Class,
    /// Which orders it needs.
    pub reach: Reach,
    /// Each leads to where the next begins.
    pub dependencies: Vec<Dependency>,
}

impl Cycle {
    /// What its edges make of it.
    pub fn new(dependencies: Vec<Dependency>) -> Cycle {
        let (class, reach) = classify(&dependencies);
        Cycle { class, reach, dependencies }
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Cycles {
    /// By component, then by class.
    pub found: Vec<Cycle>,
    /// Edges looked at in search of short cycles.
    pub edges_visited: u64,
    /// Where it could not be decided whether there is a cycle with exactly one anti-dependency.
    pub undecided: Vec<Reach>,
    /// Whether the search was told to stop.
    pub interrupted: bool,
}

impl Cycles {
    /// Add cycles that were found elsewhere, unless one was found here that is no weaker.
    pub fn add_missing(&mut self, others: Cycles) {
        for other in others.found {
            if !self.found.iter().any(|found| found.class <= other.class && found.reach <= other.reach) {
                self.found.push(other);
            }
        }
    }

    /// The most damning class of a cycle of data alone, as far as is decided.
    pub fn of_data(&self) -> Option<Class> {
        self.found.iter().filter(|cycle| cycle.reach == Reach::Data).map(|cycle| cycle.class).min()
    }
}

/// What the edges of a cycle make of it.
pub fn classify(dependencies: &[Dependency]) -> (Class, Reach) {
    let has = |kind: Kinds| dependencies.iter().any(|dependency| dependency.kind == kind);
    let rw = |place: usize| dependencies[place % dependencies.len()].kind == RW;
    let count = (0..dependencies.len()).filter(|&place| rw(place)).count();
    let class = match count {
        0 if has(WR) => Class::G1c,
        0 => Class::G0,
        1 => Class::Single,
        _ if (0..dependencies.len()).any(|place| rw(place) && rw(place + 1)) => Class::G2,
        _ => Class::Nonadjacent,
    };
    let reach = match (has(REALTIME), has(PROCESS)) {
        (true, _) => Reach::Realtime,
        (false, true) => Reach::Process,
        (false, false) => Reach::Data,
    };
    (class, reach)
}

/// Every class of cycle in `graph`, whose first `transactions` nodes are transactions. At most `budget` edges are looked at for each
/// class beyond the one search that finds any cycle at all.
pub fn cycles(graph: &Graph, transactions: usize, budget: u64, interrupt: &AtomicBool) -> Cycles {
    let mut all = Cycles::default();
    let everything = WW | WR | RW | PROCESS | REALTIME;
    let classify = |component: &Component| component.classes(budget, &mut all);
    all.interrupted = !each_component(graph, everything, transactions, interrupt, classify);
    all
}

/// A short cycle of edges of these `kinds`, none of them an anti-dependency, in each component that has one.
pub fn short_cycles(
    graph: &Graph,
    kinds: Kinds,
    transactions: usize,
    budget: u64,
    interrupt: &AtomicBool,
) -> Vec<Vec<Dependency>> {
    let mut all = Vec::new();
    each_component(graph, kinds, transactions, interrupt, |component| {
        let mut search = Search::new(component.graph);
        search.left = budget;
        let path = component.shortest(Class::G1c, kinds, &mut search);
        all.extend(path.map(|path| component.contracted(&path)));
    });
    all
}

/// Every component with a cycle of these kinds; false if interrupted.
pub fn each_component(
    graph: &Graph,
    kinds: Kinds,
    transactions: usize,
    interrupt: &AtomicBool,
    mut visit: impl FnMut(&Component),
) -> bool {
    let mut number_of = Vec::new();
    for members in cyclic_components(&Only { graph, kinds }) {
        if interrupt.load(Ordering::Relaxed) {
            return false;
        }
        number_of.resize(graph.nodes(), u32::MAX);
        for (number, &member) in members.iter().enumerate() {
            number_of[member as usize] = number as u32;
        }
        let part = graph.part(&members, |node| Some(number_of[node as usize]).filter(|&number| number != u32::MAX));
        members.iter().for_each(|&member| number_of[member as usize] = u32::MAX);
        visit(&Component { graph: &part, members: &members, transactions });
    }
    true
}

/// One strongly connected component, with numbers of its own.
pub struct Component<'a> {
    /// The edges between its nodes.
    pub graph: &'a Graph,
    /// What its nodes are numbered in the whole.
    pub members: &'a [u32],
    /// How many nodes of the whole are transactions.
    pub transactions: usize,
}

impl Component<'_> {
    fn classes(&self, budget: u64, all: &mut Cycles) {
        let first = all.found.len();
        let mut search = Search::new(self.graph);
        for reach in REACHES {
            for class in CLASSES {
                let is_implied = all.found[first..].iter().any(|found| found.class <= class && found.reach <= reach);
                if is_implied {
                    continue;
                }
                search.left = budget;
                let kinds = class.kinds() | reach.kinds();
                let path = if class == Class::Single {
                    let (path, is_decided) = self.single(kinds, &mut search);
                    if !is_decided && !all.undecided.contains(&reach) {
                        all.undecided.push(reach);
                    }
                    path
                } else {
                    self.shortest(class, kinds, &mut search)
                };
                if let Some(path) = path {
                    all.found.push(Cycle::new(simple(self.contracted(&path))));
                }
            }
        }
        all.edges_visited += search.visited;
    }

    /// A short cycle with exactly one anti-dependency, and whether it is decided that there is one or none. Without anti-dependencies
    /// there must be no cycle.
    fn single(&self, kinds: Kinds, search: &mut Search) -> (Option<Path>, bool) {
        let open: Vec<Open> = self.anti_dependencies().map(|(node, edge)| Open { node, edge, goal: node }).collect();
        closed_by(&open, self.graph, kinds & !RW, search)
    }

    /// All anti-dependencies, each with where it starts.
    pub fn anti_dependencies(&self) -> impl Iterator<Item = (u32, Edge)> {
        let nodes = (0..self.members.len() as u32).filter(|&node| self.is_transaction(node));
        let edges = nodes.flat_map(move |node| self.graph.out(node).map(move |number| (node, self.graph.edge(number))));
        edges.filter(|(_, edge)| edge.kind == RW)
    }

    /// Whether a node is a transaction.
    pub fn is_transaction(&self, node: u32) -> bool {
        (self.members[node as usize] as usize) < self.transactions
    }

    /// A short cycle of these kinds, as edges with where they start.
    pub fn shortest(&self, class: Class, kinds: Kinds, search: &mut Search) -> Option<Path> {
        let only = Only { graph: self.graph, kinds };
        let is_apart = class == Class::Nonadjacent;
        let parts = if is_apart { cyclic_components(&Apart(only)) } else { cyclic_components(&only) };
        let layers = if is_apart { 2 } else { 1 };
        let mut part_of = vec![u32::MAX; self.graph.nodes() * layers];
        for (number, part) in parts.iter().enumerate() {
            part.iter().for_each(|&state| part_of[state as usize] = number as u32);
        }
        let mut best: Option<Path> = None;
        for &state in parts.iter().flatten() {
            let node = state / layers as u32;
            if !self.is_transaction(node) || (is_apart && state % 2 == 1) {
                continue;
            }
            let starts = self.graph.out(node).map(|number| self.graph.edge(number));
            for edge in starts.filter(|edge| edge.kind & kinds != 0 && (kinds & RW == 0 || edge.kind == RW)) {
                let begin = if is_apart { edge.to * 2 + 1 } else { edge.to };
                if part_of[begin as usize] != part_of[state as usize] {
                    continue;
                }
                let limit = best.as_ref().map_or(usize::MAX, length);
                if let Some(rest) = search.path(begin, state, kinds, is_apart, limit - 1, best.is_none()) {
                    best = Some(closed(node, edge, rest));
                }
                if best.as_ref().is_some_and(|path| length(path) <= 2) || (search.left == 0 && best.is_some()) {
                    return best;
                }
            }
        }
        best
    }

    /// Edges from transaction to transaction, auxiliary nodes left out.
    pub fn contracted(&self, path: &Path) -> Vec<Dependency> {
        let mut dependencies: Vec<Dependency> = Vec::new();
        for &(node, edge) in path {
            let to = self.members[edge.to as usize];
            match dependencies.last_mut() {
                Some(last) if edge.kind == PASS => last.to = to,
                _ => {
                    let from = self.members[node as usize];
                    dependencies.push(Dependency { from, to, kind: edge.kind, key: edge.key });
                }
            }
        }
        dependencies
    }
}

/// An edge out of a node, and where a path must lead that makes a cycle of it.
pub struct Open {
    /// Where the edge starts.
    pub node: u32,
    /// The edge.
    pub edge: Edge,
    /// What stands for the same transaction at the end of the path.
    pub goal: u32,
}

/// A short cycle of one of these edges and a path of `kinds` in `graph`, which has no cycle of them, and whether it is decided that there
/// is one or none. `search` is a search in `graph`.
pub fn closed_by(open: &[Open], graph: &Graph, kinds: Kinds, search: &mut Search) -> (Option<Path>, bool) {
    let closing: Vec<(u32, u32)> = open.iter().map(|open| (open.edge.to, open.goal)).collect();
    let mut budget = search.left;
    let found = connected(&Only { graph, kinds }, &closing, &mut budget);
    search.visited += search.left - budget;
    let mut best: Option<Path> = None;
    for &Open { node, edge, goal } in found.pairs.iter().map(|&pair| &open[pair]) {
        let limit = best.as_ref().map_or(usize::MAX, length);
        if let Some(rest) = search.path(edge.to, goal, kinds, false, limit - 1, best.is_none()) {
            best = Some(closed(node, edge, rest));
        }
        if best.as_ref().is_some_and(|path| length(path) <= 2) || search.left == 0 {
            break;
        }
    }
    let is_decided = best.is_some() || !found.exhausted;
    (best, is_decided)
}

/// A cycle that comes to no transaction twice, within one that may. Where a part can be cut out, either it or the rest is of the same class or
/// of a more damning one.
fn simple(mut dependencies: Vec<Dependency>) -> Vec<Dependency> {
    let mut place = 0;
    while place < dependencies.len() {
        let from = dependencies[place].from;
        if let Some(again) = (place + 1..dependencies.len()).find(|&later| dependencies[later].from == from) {
            let part: Vec<Dependency> = dependencies.drain(place..again).collect();
            if (classify(&part), part.len()) <= (classify(&dependencies), dependencies.len()) {
                dependencies = part;
            }
            place = 0;
        } else {
            place += 1;
        }
    }
    dependencies
}

/// A path that begins with `edge` out of `node`.
fn closed(node: u32, edge: Edge, rest: Path) -> Path {
    std::iter::once((node, edge)).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_that_comes_to_a_transaction_twice_is_cut_to_the_more_damning_part() {
        let steps = |path: &[(u32, u32, Kinds)]| -> Vec<Dependency> {
            path.iter().map(|&(from, to, kind)| Dependency { from, to, kind, key: 0 }).collect()
        };
        let whole = steps(&[(0, 1, RW), (1, 2, WR), (2, 3, RW), (3, 1, WW), (1, 0, WW)]);
        assert_eq!(simple(whole), steps(&[(0, 1, RW), (1, 0, WW)]));
        let adjacent = steps(&[(0, 1, RW), (1, 2, RW), (2, 3, WW), (3, 1, RW), (1, 4, WW), (4, 0, WR)]);
        assert_eq!(simple(adjacent), steps(&[(0, 1, RW), (1, 4, WW), (4, 0, WR)]));
        let once = steps(&[(0, 1, RW), (1, 0, RW)]);
        assert_eq!(simple(once.clone()), once);
    }
}
