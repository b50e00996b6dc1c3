//! List-append: transactions that read lists and append unique elements to them. A read shows the whole order of the appends before it.

mod deeds;
mod dependencies;
mod steps;
mod versions;

use std::sync::atomic::AtomicBool;

use self::deeds::deeds;
use self::dependencies::dependencies;
use self::steps::step;
use self::versions::versions;
use super::conclusion::{conclude, named, order};
use super::consistency::Consistency;
use super::cycles::Dependency;
use super::decode::decode;
use super::graph::Edges;
use super::report::Report;
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
    let mut edges = Edges::default();
    let nodes = dependencies(events, &transactions, &versions, transactions.len(), &mut edges);
    let ordered = order(&transactions, &versions.happened, nodes, edges, options.max_search, interrupt);
    let told = |dependency: &Dependency| step(events, &transactions, &versions, dependency);
    let mut anomalies = named(&ordered.cycles, told);
    anomalies.extend(deeds(events, &transactions, &versions).into_anomalies());
    let observations = dependencies::external_reads(&transactions).count();
    Ok(conclude(options.consistency, &transactions, observations, &ordered, anomalies))
}
