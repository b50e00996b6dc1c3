//! Dependencies of transactions on registers: what follows from the order of versions.
//!
//! Whoever wrote or read a version comes before whoever wrote one that is directly after it. Where many come before many, a [`Fan`] stands
//! between them, and nobody comes before itself.

use super::order::{Orders, without};
use super::versions::{NONE, Versions, found};
use crate::events::Events;
use crate::pairing::Outcome;
use crate::transactions::decode::{Code, Transactions};
use crate::transactions::fan::Fan;
use crate::transactions::graph::{Edges, Kinds, RW, WR, WW};

/// Ranges of this many versions are written out.
const FEW: usize = 4;

/// Add all dependencies. Returns how many nodes there are then.
pub fn dependencies(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    orders: &Orders,
    edges: &mut Edges,
) -> usize {
    for reader in (0..transactions.len()).filter(|&t| transactions.outcome[t] == Outcome::Ok) {
        for read in transactions.of(reader).iter().filter(|m| m.is_first && m.code == Code::Read) {
            if let Some(writer) = found(events, versions, read).and_then(|version| versions.writer_of(version)) {
                edges.add(writer, reader as u32, WR, read.key);
            }
        }
    }
    let mut after = After { versions, orders, nodes: transactions.len() as u32, fans: Vec::new(), next: 0 };
    after.fans.resize(orders.places_of.len(), None);
    for version in 0..versions.len() as u32 {
        after.version(version, edges);
    }
    after.nodes as usize
}

/// Add the order of writes alone. The ranges of versions that linearizable keys gives are those between two completions: together they are
/// no longer than the history.
pub fn write_order(versions: &Versions, orders: &Orders, edges: &mut Edges) {
    let mut add = |earlier: u32, later: u32| {
        if let (Some(one), Some(other)) = (versions.writer_of(earlier), versions.writer_of(later)) {
            edges.add(one, other, WW, versions.key[earlier as usize]);
        }
    };
    orders.direct.iter().for_each(|&(earlier, later)| add(earlier, later));
    for (earlier, range) in (0..).zip(&orders.later) {
        orders.sorted[range.start as usize..range.end as usize].iter().for_each(|&later| add(earlier, later));
    }
}

struct After<'a> {
    versions: &'a Versions,
    orders: &'a Orders,
    nodes: u32,
    /// Over the writers of a key, in the order of [`Orders::sorted`].
    fans: Vec<Option<Fan>>,
    /// Where the pairs of the next version begin.
    next: usize,
}

impl After<'_> {
    /// Whoever touched `version` comes before the writers of those directly after it.
    fn version(&mut self, version: u32, edges: &mut Edges) {
        let listed = &self.orders.direct[self.next..];
        let listed = &listed[..listed.iter().take_while(|pair| pair.0 == version).count()];
        self.next += listed.len();
        let range = &self.orders.later[version as usize];
        if listed.is_empty() && range.is_empty() {
            return;
        }
        let key = self.versions.key[version as usize];
        let mut writers: Vec<u32> = listed.iter().filter_map(|pair| self.versions.writer_of(pair.1)).collect();
        let mut range = range.clone();
        if range.len() <= FEW {
            writers.extend(self.writers(&range, version));
            range = 0..0;
        }
        writers.sort_unstable();
        writers.dedup();
        let readers = self.versions.readers.of(version).iter().map(|&(reader, wrote)| (reader, wrote, RW));
        let writer = self.versions.writer_of(version).map(|writer| (writer, version, WW));
        let before: Vec<(u32, u32, Kinds)> = writer.into_iter().chain(readers).collect();
        let rest: Vec<u32> =
            without(&range, self.place(version)).into_iter().flat_map(|part| self.cover(key, &part, edges)).collect();
        let is_many = writers.len() > FEW && before.len() > FEW;
        let fan = is_many.then(|| Fan::sorted(writers.clone(), key, &mut self.nodes, edges));
        for &(from, wrote, kind) in &before {
            let own = self.place(wrote);
            let is_within = range.contains(&own) && own != self.place(version);
            match &fan {
                Some(fan) => fan.comes_after(from, kind, edges),
                None => writers.iter().for_each(|&to| edges.add(from, to, kind, key)),
            }
            if is_within {
                for part in without(&range, self.place(version)).iter().flat_map(|part| without(part, own)) {
                    self.cover(key, &part, edges).into_iter().for_each(|to| edges.add(from, to, kind, key));
                }
            } else {
                rest.iter().for_each(|&to| edges.add(from, to, kind, key));
            }
        }
    }

    fn place(&self, version: u32) -> u32 {
        if version == NONE { NONE } else { self.orders.place.get(version as usize).copied().unwrap_or(NONE) }
    }

    fn writers(&self, range: &std::ops::Range<u32>, except: u32) -> impl Iterator<Item = u32> + '_ {
        let versions = self.orders.sorted.get(range.start as usize..range.end as usize).unwrap_or(&[]).iter();
        versions.filter(move |&&version| version != except).filter_map(|&version| self.versions.writer_of(version))
    }

    /// Nodes that stand for the writers of a range of versions of `key`.
    fn cover(&mut self, key: u32, range: &std::ops::Range<u32>, edges: &mut Edges) -> Vec<u32> {
        if range.len() <= FEW {
            return self.writers(range, NONE).collect();
        }
        let (versions, orders, nodes) = (self.versions, self.orders, &mut self.nodes);
        let places = &orders.places_of[key as usize];
        let fan = self.fans[key as usize].get_or_insert_with(|| {
            // The initial version has no writer, and is in no range: it is before every other, or its key contradicts itself.
            let nobody = *nodes;
            *nodes += 1;
            let sorted = orders.sorted[places.start as usize..places.end as usize].iter();
            let writers = sorted.map(|&version| versions.writer_of(version).unwrap_or(nobody)).collect();
            Fan::new(writers, key, nodes, edges)
        });
        fan.cover((range.start - places.start) as usize..(range.end - places.start) as usize)
    }
}
