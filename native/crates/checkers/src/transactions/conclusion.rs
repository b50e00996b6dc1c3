//! From dependencies to the report: the orders that clients saw are added, cycles are looked for, and the lattice says what they mean.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::consistency::{Consistency, standing};
use super::cycles::{Class, Cycles, Dependency, Reach, cycles, name};
use super::decode::Transactions;
use super::finer::{Finer, FinerCycles, finer};
use super::graph::{Edges, Graph, PROCESS, REALTIME, RW, WR, WW};
use super::precedence::{process_order, real_time_order};
use super::report::{Anomaly, Counts, EdgeCounts, Entry, LISTED, Report, Search, Step};
use super::weak::{self, Weak};
use crate::pairing::Outcome;
use crate::verdict::Verdict;

/// The cycles of a history, and how many edges there are.
#[derive(Default)]
pub struct Ordered {
    /// By kind.
    pub edges: EdgeCounts,
    /// What was found.
    pub cycles: Cycles,
    /// What was found under finer names.
    pub finer: FinerCycles,
}

/// Add process order and real time to the dependencies in `edges`, which have `nodes` nodes, and look for cycles.
pub fn order(
    transactions: &Transactions,
    happened: &[bool],
    nodes: usize,
    mut edges: Edges,
    max_search: u64,
    interrupt: &AtomicBool,
) -> Ordered {
    process_order(transactions, happened, &mut edges);
    let nodes = real_time_order(transactions, happened, nodes, &mut edges);
    let counts = EdgeCounts {
        ww: edges.count(WW),
        wr: edges.count(WR),
        rw: edges.count(RW),
        process: edges.count(PROCESS),
        realtime: edges.count(REALTIME),
    };
    if interrupt.load(Ordering::Relaxed) {
        let cycles = Cycles { interrupted: true, ..Cycles::default() };
        return Ordered { edges: counts, cycles, finer: FinerCycles::default() };
    }
    let graph = Graph::new(nodes, edges);
    let mut cycles = cycles(&graph, transactions.len(), max_search, interrupt);
    let finer = finer(&graph, transactions, &cycles, max_search, interrupt);
    cycles.edges_visited += finer.edges_visited;
    cycles.interrupted |= finer.interrupted;
    Ordered { edges: counts, cycles, finer }
}

/// Cycles by name, the most damning first, finer names before all, of each name the shortest first.
pub fn named(ordered: &Ordered, told: impl Fn(&Dependency) -> Step) -> Vec<Anomaly> {
    let mut found: BTreeMap<_, Anomaly> = BTreeMap::new();
    let of_classes = ordered.cycles.found.iter().map(|cycle| (Err((cycle.reach, cycle.class)), cycle));
    let finer = ordered.finer.found.iter().map(|(finer, cycle)| (Ok(*finer), cycle));
    let mut shortest_first: Vec<_> = finer.chain(of_classes).collect();
    shortest_first.sort_by_key(|(_, cycle)| cycle.dependencies.len());
    for (what, cycle) in shortest_first {
        let anomaly = found.entry(what).or_insert_with(|| Anomaly {
            name: what.map_or_else(|(reach, class)| name(class, reach), |finer| finer.name().to_owned()),
            count: 0,
            first: Vec::new(),
        });
        anomaly.count += 1;
        if anomaly.first.len() < LISTED {
            anomaly.first.push(Entry::Cycle { steps: cycle.dependencies.iter().map(&told).collect() });
        }
    }
    found.into_values().collect()
}

/// The verdict of anomalies against the model that was asked for. A model that is decided by a weak level needs no more than that, if it
/// holds: then nothing is known of stronger ones.
pub fn conclude(
    consistency: Consistency,
    transactions: &Transactions,
    observations: usize,
    ordered: &Ordered,
    mut anomalies: Vec<Anomaly>,
    weak: weak::Found,
) -> Report {
    let Ordered { edges, cycles, finer } = ordered;
    // One anti-dependency tells the same, and so does a transaction or a key that contradicts itself, where the verdict does not need the
    // weaker name.
    let limit = Weak::deciding(consistency).and_then(Weak::model);
    let is_decisive = |anomaly: &Anomaly| {
        matches!(anomaly.name.as_str(), "internal" | "cyclic-versions") && consistency.rules_out(&anomaly.name)
    };
    let is_broken = anomalies.iter().any(is_decisive);
    let is_told = |weaker: &Anomaly| {
        let reach = if weaker.name.ends_with("-process") { Reach::Process } else { Reach::Data };
        let same = name(Class::Single, reach);
        let is_there = cycles.found.iter().any(|cycle| (cycle.class, cycle.reach) == (Class::Single, reach));
        (is_there && (consistency.rules_out(&same) || !consistency.rules_out(&weaker.name)))
            || (limit.is_none() && is_broken)
    };
    let (silent, told): (Vec<Anomaly>, Vec<Anomaly>) = weak.anomalies.into_iter().partition(is_told);
    let mut silent: Vec<String> = silent.into_iter().map(|anomaly| anomaly.name).collect();
    silent.extend(weak.plain.found.iter().map(|cycle| name(cycle.class, cycle.reach)));
    anomalies.extend(told);
    // A finer name is told where the verdict rests on it; elsewhere the other name of the cycle is enough.
    let rests_on = |finer: &Finer| {
        consistency.rules_out(finer.name()) && !consistency.rules_out(&name(finer.within(), Reach::Data))
    };
    let is_finer = |anomaly: &Anomaly| Finer::ALL.iter().any(|finer| finer.name() == anomaly.name && !rests_on(finer));
    let (finer_names, told): (Vec<Anomaly>, Vec<Anomaly>) = anomalies.into_iter().partition(is_finer);
    silent.extend(finer_names.into_iter().map(|anomaly| anomaly.name));
    let anomalies = told;
    let exhausted = !cycles.undecided.is_empty() || !finer.undecided.is_empty();
    let search = Search { edges_visited: cycles.edges_visited, exhausted };
    let ended = |wanted: Outcome| transactions.outcome.iter().filter(|&&outcome| outcome == wanted).count();
    let names = || anomalies.iter().map(|anomaly| anomaly.name.as_str());
    let mut warnings = weak.warnings;
    let single = (!cycles.undecided.is_empty()).then_some("exactly one anti-dependency");
    for of in single.into_iter().chain(finer.undecided.iter().map(|finer| finer.told())) {
        warnings.push(format!(
            "the search for cycles with {of} ended before it was done; {} edges were looked at, and a larger budget may find some",
            search.edges_visited
        ));
    }
    let verdict = if names().any(|name| consistency.rules_out(name)) {
        Verdict::Violation
    } else if cycles.interrupted {
        warnings.push("the check was interrupted".to_owned());
        Verdict::Unknown
    } else if cycles.undecided.iter().any(|&reach| needs_single(consistency, reach))
        || finer.undecided.iter().any(rests_on)
        || (weak.is_undecided && consistency.rules_out("causality-violation"))
    {
        Verdict::Unknown
    } else if observations == 0 {
        warnings.push("nothing was observed: no transaction read anything but what it wrote itself".to_owned());
        Verdict::Unknown
    } else {
        Verdict::Valid
    };
    let limit = Weak::deciding(consistency).and_then(Weak::model);
    let all_names = names().chain(silent.iter().map(String::as_str));
    let standing = standing(all_names, |model| limit.is_none_or(|limit| limit.implies(model)));
    let all = |models: Vec<Consistency>| models.into_iter().map(Consistency::name).collect();
    Report {
        verdict,
        consistency: consistency.name(),
        transactions: Counts {
            ok: ended(Outcome::Ok),
            failed: ended(Outcome::Fail),
            info: ended(Outcome::Info),
            micro_operations: transactions.micro_operations.len(),
        },
        keys: transactions.keys.len(),
        edges: *edges,
        not: all(standing.not),
        also_not: all(standing.also_not),
        holds: all(standing.holds),
        anomalies,
        warnings,
        search,
    }
}

/// Whether the model stands or falls with cycles that have exactly one anti-dependency. Where it also rules out those with several that
/// are not adjacent, or any, these were looked for in linear time, and every cycle with one is among them.
fn needs_single(consistency: Consistency, reach: Reach) -> bool {
    consistency.rules_out(&name(Class::Single, reach)) && !consistency.rules_out(&name(Class::Nonadjacent, reach))
}
