//! Rw-register: transactions that read and write registers, where every value is written to a key only once.
//!
//! A read tells which write it saw, and little about the order of writes. That order is inferred, from what the history shows and from
//! assumptions that the caller states ([`Inferences`]); each gives edges that are sound if it holds, and there may be anomalies that no
//! inference shows. Elle's rw-register does the same.
//!
//! - *writes follow reads*: a transaction that read one version and wrote another put the latter after the former. Always sound.
//! - *initial state*: nobody wrote what a key holds at first, so whoever saw it comes before every writer.
//! - *sequential keys*: every process sees the versions of a key in their order.
//! - *linearizable keys*: what was touched by a transaction that had completed is not later than what one touches that began afterwards.
//! - *database versions*: the database tells a number with what it reads or writes, and a later version has a greater one.
//!
//! Where every write follows a read of its key in the same transaction, the order is total and the verdict is exact.
//! Where what was seen contradicts the assumptions, that is told, and nothing is inferred of the key.

mod deeds;
mod dependencies;
mod order;
mod steps;
mod versions;

use std::sync::atomic::AtomicBool;

use self::deeds::deeds;
use self::dependencies::{dependencies, write_order};
use self::order::{Orders, orders};
use self::steps::step;
use self::versions::{Versions, found, versions};
use super::conclusion::{Ordered, conclude, named, order};
use super::consistency::Consistency;
use super::cycles::Dependency;
use super::decode::{MicroOperation, Transactions, decode};
use super::graph::Edges;
use super::report::Report;
use super::weak::{self, Observed, Weak};
use crate::events::Events;
use crate::pairing::Malformed;
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
    /// The numbers that the database told grow with the versions of a key.
    pub database_versions: bool,
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

/// Check an rw-register history.
pub fn check_rw_register(
    events: &Events,
    options: &RegisterOptions,
    interrupt: &AtomicBool,
) -> Result<Report, Malformed> {
    let transactions = decode(events, options.transaction)?;
    let versions = versions(events, &transactions)?;
    let deciding = Weak::deciding(options.consistency);
    let Inferences { sequential_keys, linearizable_keys, database_versions, .. } = options.inferences;
    // Weak models follow from who read what, unless something is assumed that is not seen by that.
    let is_told = database_versions && !versions.numbered.is_empty();
    let orders = if deciding.is_none() || sequential_keys || linearizable_keys || is_told {
        orders(&transactions, &versions, options.inferences)
    } else {
        Orders::default()
    };
    let told = |dependency: &Dependency| step(events, &transactions, &versions, &orders, dependency);
    // Dependencies know only the first read of a key; where a transaction may contradict itself, the weak levels know the others.
    let is_weak = options.consistency.rules_out("OTV") || !options.consistency.rules_out("internal");
    let mut weak = match deciding.or_else(|| is_weak.then_some(weak::CAUSAL)) {
        Some(weak) => decide_weak(events, &transactions, &versions, &orders, weak, options, interrupt),
        None => weak::Found::default(),
    };
    if deciding.is_some() {
        let ordered = Ordered { edges: weak.edges, cycles: std::mem::take(&mut weak.plain), ..Ordered::default() };
        let mut anomalies = named(&ordered, told);
        anomalies.extend(deeds(events, &transactions, &versions, &orders));
        return Ok(conclude(options.consistency, &transactions, versions.observations, &ordered, anomalies, weak));
    }
    let mut edges = Edges::default();
    let nodes = dependencies(events, &transactions, &versions, &orders, &mut edges);
    let mut ordered = order(&transactions, &versions.happened, nodes, edges, options.max_search, interrupt);
    if !options.consistency.rules_out("internal") {
        ordered.cycles.add_missing(std::mem::take(&mut weak.plain));
    }
    let mut anomalies = named(&ordered, told);
    anomalies.extend(deeds(events, &transactions, &versions, &orders));
    let mut report = conclude(options.consistency, &transactions, versions.observations, &ordered, anomalies, weak);
    doubt(&versions, &orders, options.inferences, &mut report);
    Ok(report)
}

fn decide_weak(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    orders: &Orders,
    weak: Weak,
    options: &RegisterOptions,
    interrupt: &AtomicBool,
) -> weak::Found {
    let source = |reader: u32, read: &MicroOperation| {
        let version = found(events, versions, read)?;
        if version as usize >= versions.written {
            return options.inferences.initial_state.then_some(transactions.len() as u32);
        }
        versions.writer_of(version).filter(|&writer| writer != reader)
    };
    let observed = Observed::new(transactions, &versions.happened, source);
    let step = |dependency: &Dependency| step(events, transactions, versions, orders, dependency);
    let teller = weak::Teller { events, transactions, source: &source, step: &step };
    let limits = weak::Limits { max_search: options.max_search, interrupt };
    weak::decide(&observed, weak, &|edges| write_order(versions, orders, edges), &teller, limits)
}

/// Say how much of the order is not known. That nothing is makes a valid history an unknown one.
fn doubt(versions: &Versions, orders: &Orders, inferences: Inferences, report: &mut Report) {
    let keys = orders.is_cyclic.len();
    let mut several = vec![0_u32; keys];
    // What contradicts itself says too much, not too little.
    let mut is_ordered = orders.is_cyclic.clone();
    for version in 0..versions.len() as u32 {
        let key = versions.key[version as usize] as usize;
        let is_initial = version as usize >= versions.written;
        let is_there = if is_initial { !versions.readers.of(version).is_empty() } else { versions.is_left(version) };
        several[key] += u32::from(is_there);
        is_ordered[key] |= orders.after(version).next().is_some();
    }
    let open: Vec<usize> = (0..keys).filter(|&key| several[key] > 1).collect();
    let silent = open.iter().filter(|&&key| !is_ordered[key]).count();
    if silent == 0 {
        return;
    }
    let all = [
        (inferences.initial_state, "initial-state"),
        (inferences.sequential_keys, "sequential-keys"),
        (inferences.linearizable_keys, "linearizable-keys"),
    ];
    let more: Vec<&str> = all.iter().filter(|(is_assumed, _)| !is_assumed).map(|(_, name)| *name).collect();
    let advice = if more.is_empty() { String::new() } else { format!(", assume more of them ({})", more.join(", ")) };
    report.warnings.push(format!(
        "no order of versions could be inferred for {silent} of {} keys with several: read what is written over{advice}, or let \
         the database tell versions",
        open.len()
    ));
    if silent == open.len() && report.verdict == Verdict::Valid {
        report.verdict = Verdict::Unknown;
    }
}
