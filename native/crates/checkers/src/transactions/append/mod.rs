//! List-append: transactions that read lists and append unique elements to them. A read shows the whole order of the appends before it.

mod deeds;
mod dependencies;
mod steps;
mod versions;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use self::deeds::deeds;
use self::dependencies::dependencies;
use self::steps::step;
use self::versions::versions;
use super::consistency::{Consistency, standing};
use super::cycles::{Cycles, cycles, name};
use super::decode::{Transactions, decode};
use super::graph::{Edges, Graph, PROCESS, REALTIME, RW, WR, WW};
use super::precedence::{process_order, real_time_order};
use super::report::{Anomaly, Counts, EdgeCounts, Entry, LISTED, Report, Search};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome};
use crate::verdict::Verdict;

/// What to check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The position of the function of transactions; nothing when the history has none.
    pub transaction: Option<u8>,
    /// The promise.
    pub consistency: Consistency,
    /// How many edges the search for a short cycle may look at, for each class in each component.
    pub max_search: u64,
}

/// Check a list-append history.
pub fn check_append(events: &Events, options: &Options, interrupt: &AtomicBool) -> Result<Report, Malformed> {
    let transactions = decode(events, options.transaction)?;
    let versions = versions(events, &transactions)?;
    let mut edges = Edges::default();
    let nodes = dependencies(events, &transactions, &versions, transactions.len(), &mut edges);
    process_order(&transactions, &versions.happened, &mut edges);
    let nodes = real_time_order(&transactions, &versions.happened, nodes, &mut edges);
    let counts = EdgeCounts {
        ww: edges.count(WW),
        wr: edges.count(WR),
        rw: edges.count(RW),
        process: edges.count(PROCESS),
        realtime: edges.count(REALTIME),
    };
    let cycles = if interrupt.load(Ordering::Relaxed) {
        Cycles { exhausted: true, ..Cycles::default() }
    } else {
        cycles(&Graph::new(nodes, edges), transactions.len(), options.max_search)
    };
    let search = Search { edges_visited: cycles.edges_visited, exhausted: cycles.exhausted };
    let told = |cycle: &super::cycles::Cycle| Entry::Cycle {
        steps: cycle.dependencies.iter().map(|dependency| step(events, &transactions, &versions, dependency)).collect(),
    };
    let mut anomalies = named(&cycles, told);
    anomalies.extend(deeds(events, &transactions, &versions).into_anomalies());
    let observations = dependencies::external_reads(&transactions).count();
    Ok(conclude(options.consistency, &transactions, observations, counts, anomalies, search))
}

/// Cycles by name, the most damning first.
fn named(cycles: &Cycles, told: impl Fn(&super::cycles::Cycle) -> Entry) -> Vec<Anomaly> {
    let mut found: BTreeMap<_, Anomaly> = BTreeMap::new();
    for cycle in &cycles.found {
        let (class, reach) = (cycle.class, cycle.reach);
        let anomaly = found.entry((reach, class)).or_insert_with(|| Anomaly {
            name: name(class, reach),
            count: 0,
            first: Vec::new(),
        });
        anomaly.count += 1;
        if anomaly.first.len() < LISTED {
            anomaly.first.push(told(cycle));
        }
    }
    found.into_values().collect()
}

/// The verdict of anomalies against the model that was asked for.
fn conclude(
    consistency: Consistency,
    transactions: &Transactions,
    observations: usize,
    edges: EdgeCounts,
    anomalies: Vec<Anomaly>,
    search: Search,
) -> Report {
    let ended = |wanted: Outcome| transactions.outcome.iter().filter(|&&outcome| outcome == wanted).count();
    let names = || anomalies.iter().map(|anomaly| anomaly.name.as_str());
    let mut warnings = Vec::new();
    let verdict = if names().any(|name| consistency.rules_out(name)) {
        Verdict::Violation
    } else if search.exhausted && consistency.rules_out("G-single-item") {
        warnings.push("the search for cycles with one anti-dependency ended before it was done".to_owned());
        Verdict::Unknown
    } else if observations == 0 {
        warnings.push("nothing was observed: no transaction with a read completed ok".to_owned());
        Verdict::Unknown
    } else {
        Verdict::Valid
    };
    let standing = standing(names());
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
        edges,
        not: all(standing.not),
        also_not: all(standing.also_not),
        holds: all(standing.holds),
        anomalies,
        warnings,
        search,
    }
}
