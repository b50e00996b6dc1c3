//! List-append: transactions that read lists and append unique elements to them. A read shows the whole order of the appends before it.

mod deeds;
mod dependencies;
mod steps;
mod versions;

use std::sync::atomic::AtomicBool;

use self::deeds::deeds;
use self::dependencies::{dependencies, write_order};
use self::steps::step;
use self::versions::{Versions, versions};
use super::conclusion::{Ordered, conclude, named, order};
use super::consistency::Consistency;
use super::cycles::{Class, Cycle, Dependency, Reach};
use super::decode::{MicroOperation, Transactions, decode};
use super::graph::Edges;
use super::report::{Anomaly, Report};
use super::weak::{self, Observed, Weak};
use crate::events::Events;
use crate::pairing::Malformed;

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
    let observations = dependencies::external_reads(&transactions).count();
    let told = |dependency: &Dependency| step(events, &transactions, &versions, dependency);
    let weakly = |weak| decide_weak(events, &transactions, &versions, weak, options, interrupt);
    let deeds: Vec<Anomaly> = deeds(events, &transactions, &versions).into_anomalies().collect();
    if let Some(deciding) = Weak::deciding(options.consistency) {
        let mut weak = weakly(deciding);
        let ordered = Ordered { edges: weak.edges, cycles: std::mem::take(&mut weak.plain), ..Ordered::default() };
        let mut anomalies = named(&ordered, told);
        anomalies.extend(deeds);
        return Ok(conclude(options.consistency, &transactions, observations, &ordered, anomalies, weak));
    }
    let mut edges = Edges::default();
    let nodes = dependencies(events, &transactions, &versions, transactions.len(), &mut edges);
    let mut ordered = order(&transactions, &versions.happened, nodes, edges, options.max_search, interrupt);
    // The order of lists is known, so a weak level is violated only where one anti-dependency is enough, or a list changed under a reader.
    let is_weak = |cycle: &Cycle| cycle.class == Class::Single && cycle.reach < Reach::Realtime;
    let mut weak = weak::Found::default();
    if ordered.cycles.found.iter().any(is_weak) || deeds.iter().any(|anomaly| anomaly.name == "internal") {
        weak = weakly(weak::CAUSAL);
        if !options.consistency.rules_out("internal") {
            ordered.cycles.add_missing(std::mem::take(&mut weak.plain));
        }
    }
    let mut anomalies = named(&ordered, told);
    anomalies.extend(deeds);
    Ok(conclude(options.consistency, &transactions, observations, &ordered, anomalies, weak))
}

fn decide_weak(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    weak: Weak,
    options: &Options,
    interrupt: &AtomicBool,
) -> weak::Found {
    let source = |reader: u32, read: &MicroOperation| {
        let position = dependencies::version(events, versions, read)?;
        match dependencies::last_written(versions, read.key, position) {
            Some(element) => (element.writer != reader).then_some(element.writer),
            None => Some(transactions.len() as u32),
        }
    };
    let observed = Observed::new(transactions, &versions.happened, source);
    let step = |dependency: &Dependency| step(events, transactions, versions, dependency);
    let teller = weak::Teller { events, transactions, source: &source, step: &step };
    let limits = weak::Limits { max_search: options.max_search, interrupt };
    weak::decide(&observed, weak, &|edges| write_order(versions, edges), &teller, limits)
}
