//! Dependencies of list-append transactions: what follows from the version orders.
//!
//! A read of a key is *external* when its transaction had not touched the key before; only external reads depend on others. Elements that
//! happened and that no read shows come after the last that was read, in an order that nobody knows: whoever read or wrote the last
//! comes before each of them.

use super::versions::{Element, Versions};
use crate::events::Events;
use crate::pairing::Outcome;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::fan::Fan;
use crate::transactions::graph::{Edges, Kinds, RW, WR, WW};

/// The reads of keys that their transaction had not touched before: each with its reader.
pub fn external_reads(transactions: &Transactions) -> impl Iterator<Item = (u32, &MicroOperation)> {
    let is_ok = |t: &usize| transactions.outcome[*t] == Outcome::Ok;
    (0..transactions.len()).filter(is_ok).flat_map(move |reader| {
        let reads = transactions.of(reader).iter().filter(|m| m.is_first && m.code == Code::Read);
        reads.map(move |read| (reader as u32, read))
    })
}

/// The reads of keys that their transaction had not appended to before, also those that repeat another: each with its reader.
pub fn reads_of_others(transactions: &Transactions) -> impl Iterator<Item = (u32, &MicroOperation)> {
    let is_ok = |t: &usize| transactions.outcome[*t] == Outcome::Ok;
    (0..transactions.len()).filter(is_ok).flat_map(move |reader| {
        let own = transactions.of(reader);
        own.iter().enumerate().filter_map(move |(place, read)| {
            let is_others = own[..place].iter().all(|earlier| earlier.key != read.key || earlier.code == Code::Read);
            (is_others && read.code == Code::Read).then_some((reader as u32, read))
        })
    })
}

/// The element at or after `position` whose writer happened.
pub fn next_written(versions: &Versions, key: u32, position: usize) -> Option<&Element> {
    (position..versions.orders[key as usize].trusted).find_map(|position| written_at(versions, key, position))
}

/// The element before `position` whose writer happened.
pub fn last_written(versions: &Versions, key: u32, position: usize) -> Option<&Element> {
    (0..position).rev().find_map(|position| written_at(versions, key, position))
}

fn written_at(versions: &Versions, key: u32, position: usize) -> Option<&Element> {
    versions.at(key, position).filter(|element| versions.happened[element.writer as usize])
}

/// How many elements a read shows, if that much of the order is trusted.
pub fn version(events: &Events, versions: &Versions, read: &MicroOperation) -> Option<usize> {
    let order = &versions.orders[read.key as usize];
    read.values(events).map(<[i64]>::len).filter(|&length| length <= order.trusted)
}

/// Add all dependencies. Auxiliary nodes are numbered from `nodes` on; returns how many nodes there are then.
pub fn dependencies(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    nodes: usize,
    edges: &mut Edges,
) -> usize {
    let mut unread = Unread { nodes: nodes as u32, fans: vec![None; versions.orders.len()] };
    for key in 0..versions.orders.len() as u32 {
        let order = &versions.orders[key as usize];
        let mut last: Option<&Element> = None;
        for element in (0..order.trusted).filter_map(|position| written_at(versions, key, position)) {
            if let Some(earlier) = last.replace(element) {
                edges.add(earlier.writer, element.writer, WW, key);
            }
        }
        if let Some(last) = last {
            unread.comes_after(last.writer, key, WW, versions, edges);
        }
    }
    for (reader, read) in external_reads(transactions) {
        let Some(position) = version(events, versions, read) else { continue };
        if let Some(element) = last_written(versions, read.key, position) {
            edges.add(element.writer, reader, WR, read.key);
        }
        if let Some(element) = next_written(versions, read.key, position) {
            edges.add(reader, element.writer, RW, read.key);
        } else {
            unread.comes_after(reader, read.key, RW, versions, edges);
        }
    }
    unread.nodes as usize
}

/// Add the order of writes alone, unread elements after all that were read.
pub fn write_order(versions: &Versions, edges: &mut Edges) {
    for (key, order) in (0..).zip(&versions.orders) {
        let mut last: Option<&Element> = None;
        for element in (0..order.trusted).filter_map(|position| written_at(versions, key, position)) {
            if let Some(earlier) = last.replace(element) {
                edges.add(earlier.writer, element.writer, WW, key);
            }
        }
        if let Some(last) = last {
            for &unread in &order.unread {
                edges.add(last.writer, versions.elements[unread as usize].writer, WW, key);
            }
        }
    }
}

/// The auxiliary nodes for elements that no read shows, by key.
struct Unread {
    nodes: u32,
    fans: Vec<Option<Fan>>,
}

impl Unread {
    /// All unread elements of `key` come after what `from` read or wrote.
    fn comes_after(&mut self, from: u32, key: u32, kind: Kinds, versions: &Versions, edges: &mut Edges) {
        let unread = &versions.orders[key as usize].unread;
        if unread.is_empty() {
            return;
        }
        let nodes = &mut self.nodes;
        let fan = self.fans[key as usize].get_or_insert_with(|| {
            let writers = unread.iter().map(|&number| versions.elements[number as usize].writer);
            Fan::sorted(writers.collect(), key, nodes, edges)
        });
        fan.comes_after(from, kind, edges);
    }
}
