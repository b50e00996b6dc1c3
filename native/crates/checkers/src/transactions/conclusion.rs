//! From dependencies to the report: the orders that clients saw are added, cycles are looked for, and the lattice says what they mean.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::consistency::{Consistency, standing};
use super::cycles::{Class, Cycles, Dependency, Reach, cycles, name};
use super::decode::{Code, Transactions};
use super::graph::{Edges, Graph, PROCESS, REALTIME, RW, WR, WW};
use super::precedence::{process_order, real_time_order};
use super::report::{Anomaly, Counts, EdgeCounts, Entry, LISTED, Report, Search, Step};
use super::weak::{self, Weak};
use crate::pairing::Outcome;
use crate::verdict::Verdict;

/// A cycle that comes to at most one transaction that wrote nothing. It is always one of another name as well.
const OF_UPDATES: &str = "G-update";

/// The cycles of a history, and how many edges there are.
#[derive(Default)]
pub struct Ordered {
    /// By kind.
    pub edges: EdgeCounts,
    /// What was found.
    pub cycles: Cycles,
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
    let cycles = if interrupt.load(Ordering::Relaxed) {
        Cycles { interrupted: true, ..Cycles::default() }
    } else {
        let writes = |t: usize| transactions.of(t).iter().any(|m| matches!(m.code, Code::Append | Code::Write));
        let is_update: Vec<bool> = (0..transactions.len()).map(writes).collect();
        cycles(&Graph::new(nodes, edges), &is_update, max_search, interrupt)
    };
    Ordered { edges: counts, cycles }
}

/// Cycles by name, the most damning first, of each name the shortest first.
pub fn named(cycles: &Cycles, told: impl Fn(&Dependency) -> Step) -> Vec<Anomaly> {
    let mut found: BTreeMap<_, Anomaly> = BTreeMap::new();
    let of_classes = cycles.found.iter().map(|cycle| (Some((cycle.reach, cycle.class)), cycle));
    let of_updates = cycles.of_updates.iter().map(|cycle| (None, cycle));
    let mut shortest_first: Vec<_> = of_updates.chain(of_classes).collect();
    shortest_first.sort_by_key(|(_, cycle)| cycle.dependencies.len());
    for (class, cycle) in shortest_first {
        let anomaly = found.entry(class).or_insert_with(|| Anomaly {
            name: class.map_or(OF_UPDATES.to_owned(), |(reach, class)| name(class, reach)),
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
    let Ordered { edges, cycles } = ordered;
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
    // It is told where the verdict rests on it; otherwise its other name tells the same.
    let needs_updates = consistency.rules_out(OF_UPDATES) && !consistency.rules_out(&name(Class::G2, Reach::Data));
    if !needs_updates {
        anomalies.retain(|anomaly| anomaly.name != OF_UPDATES);
        silent.extend((!cycles.of_updates.is_empty()).then(|| OF_UPDATES.to_owned()));
    }
    let exhausted = !cycles.undecided.is_empty() || cycles.of_updates_undecided;
    let search = Search { edges_visited: cycles.edges_visited, exhausted };
    let ended = |wanted: Outcome| transactions.outcome.iter().filter(|&&outcome| outcome == wanted).count();
    let names = || anomalies.iter().map(|anomaly| anomaly.name.as_str());
    let mut warnings = weak.warnings;
    if search.exhausted {
        let most = if cycles.undecided.is_empty() {
            "at most one transaction that wrote nothing"
        } else {
            "exactly one anti-dependency"
        };
        warnings.push(format!(
            "the search for cycles with {most} ended before it was done; {} edges were looked at, and a larger \
             budget may find some",
            search.edges_visited
        ));
    }
    let verdict = if names().any(|name| consistency.rules_out(name)) {
        Verdict::Violation
    } else if cycles.interrupted {
        warnings.push("the check was interrupted".to_owned());
        Verdict::Unknown
    } else if cycles.undecided.iter().any(|&reach| needs_single(consistency, reach))
        || (cycles.of_updates_undecided && needs_updates)
        || (weak.is_undecided && consistency.rules_out("causality-violation"))
    {
        Verdict::Unknown
    } else if observations == 0 {
        warnings.push("nothing was observed: no transaction with a read completed ok".to_owned());
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
