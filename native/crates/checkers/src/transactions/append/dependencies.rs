//! Dependencies of list-append transactions: what follows from the version orders.
//!
//! A read of a key is *external* when its transaction had not touched the key before; only external reads depend on others. Elements that
//! happened and that no read shows come after the last that was read, in an order that nobody knows: whoever read or wrote the last
//! comes before each of them. Two chains of auxiliary nodes say so with a linear number of edges, also for one who is among them.

use super::versions::{Element, Versions};
use crate::events::Events;
use crate::pairing::Outcome;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::graph::{Edges, PASS, RW, WR, WW};

/// The reads of keys that their transaction had not touched before: each with its reader.
pub fn external_reads(transactions: &Transactions) -> impl Iterator<Item = (u32, &MicroOperation)> {
    let is_ok = |t: &usize| transactions.outcome[*t] == Outcome::Ok;
    (0..transactions.len()).filter(is_ok).flat_map(move |reader| {
        let own = transactions.of(reader);
        own.iter().enumerate().filter_map(move |(place, micro_operation)| {
            let is_first = own[..place].iter().all(|earlier| earlier.key != micro_operation.key);
            (is_first && micro_operation.code == Code::Read).then_some((reader as u32, micro_operation))
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
    let mut unread = Unread { nodes: nodes as u32, chains: vec![None; versions.orders.len()] };
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
        } else if position == versions.orders[read.key as usize].elements.len() {
            unread.comes_after(reader, read.key, RW, versions, edges);
        }
    }
    unread.nodes as usize
}

/// The auxiliary nodes for elements that no read shows.
struct Unread {
    nodes: u32,
    chains: Vec<Option<Chains>>,
}

/// Writers `0..n` of a key: node `forward + i` leads to writer `i` and all after it, node `backward + i` to `i` and all before it.
#[derive(Clone)]
struct Chains {
    writers: Vec<u32>,
    forward: u32,
    backward: u32,
}

impl Unread {
    /// All unread elements of `key` come after what `from` read or wrote.
    fn comes_after(&mut self, from: u32, key: u32, kind: u8, versions: &Versions, edges: &mut Edges) {
        if versions.orders[key as usize].unread.is_empty() {
            return;
        }
        if self.chains[key as usize].is_none() {
            self.chains[key as usize] = Some(self.build(key, versions, edges));
        }
        let Some(chains) = &self.chains[key as usize] else { return };
        let count = chains.writers.len() as u32;
        match chains.writers.binary_search(&from) {
            Err(_) => edges.add(from, chains.forward, kind, key),
            Ok(own) => {
                let own = own as u32;
                if own + 1 < count {
                    edges.add(from, chains.forward + own + 1, kind, key);
                }
                if own > 0 {
                    edges.add(from, chains.backward + own - 1, kind, key);
                }
            }
        }
    }

    fn build(&mut self, key: u32, versions: &Versions, edges: &mut Edges) -> Chains {
        let unread = &versions.orders[key as usize].unread;
        let mut writers: Vec<u32> = unread.iter().map(|&number| versions.elements[number as usize].writer).collect();
        writers.dedup();
        let count = writers.len() as u32;
        let (forward, backward) = (self.nodes, self.nodes + count);
        self.nodes += 2 * count;
        for (place, &writer) in (0..count).zip(&writers) {
            edges.add(forward + place, writer, PASS, key);
            edges.add(backward + place, writer, PASS, key);
            if place + 1 < count {
                edges.add(forward + place, forward + place + 1, PASS, key);
                edges.add(backward + place + 1, backward + place, PASS, key);
            }
        }
        Chains { writers, forward, backward }
    }
}
