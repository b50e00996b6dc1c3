//! The anomalies of registers that are no cycles of dependencies.
//!
//! - *internal*: a read contradicts what its own transaction read or wrote before.
//! - *future-read*: a read shows what its own transaction writes only later.
//! - *garbage-read*: a read shows what nobody wrote.
//! - *G1a*, aborted read: a read shows what a transaction wrote that failed.
//! - *G1b*, intermediate read: a read shows what its writer overwrote itself.
//! - *dirty-update*: a transaction that happened read what a failed one had written, and wrote the same key.
//! - *lost-update*: two transactions read the same version of a key, and both wrote the key.
//! - *cyclic-versions*: what is assumed of a key and what was seen of it contradict each other.

use std::collections::BTreeMap;

use super::order::Orders;
use super::steps::because;
use super::versions::{NONE, Versions};
use crate::events::Events;
use crate::pairing::Outcome;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::report::{Anomaly, Deed, Entry, LISTED};

/// Look for all of them.
pub fn deeds(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    orders: &Orders,
) -> impl Iterator<Item = Anomaly> + use<> {
    let mut search = DeedSearch { events, transactions, versions, orders, found: BTreeMap::new() };
    search.reads();
    search.lost_updates();
    search.cyclic_versions();
    search.found.into_values()
}

struct DeedSearch<'a> {
    events: &'a Events<'a>,
    transactions: &'a Transactions,
    versions: &'a Versions,
    orders: &'a Orders,
    found: BTreeMap<&'static str, Anomaly>,
}

impl DeedSearch<'_> {
    fn add(&mut self, name: &'static str, parts: &[(u32, &'static str)], key: u32, deed: Deed) {
        let new = || Anomaly { name: name.to_owned(), count: 0, first: Vec::new() };
        let anomaly = self.found.entry(name).or_insert_with(new);
        anomaly.count += 1;
        if anomaly.first.len() < LISTED {
            let row = |transaction: u32| self.transactions.invocation[transaction as usize];
            anomaly.first.push(Entry::Deed(Deed {
                transactions: parts.iter().map(|&(transaction, _)| row(transaction)).collect(),
                roles: parts.iter().map(|&(_, role)| role).collect(),
                key: self.transactions.keys[key as usize],
                ..deed
            }));
        }
    }

    /// Each read of an ok transaction by itself.
    fn reads(&mut self) {
        let transactions = self.transactions;
        // By key: who last had to do with it, and what it held then; and who last wrote it.
        let mut known: Vec<(u32, Option<i64>)> = vec![(NONE, None); transactions.keys.len()];
        let mut written_by = vec![NONE; transactions.keys.len()];
        for reader in (0..transactions.len() as u32).filter(|&t| transactions.outcome[t as usize] == Outcome::Ok) {
            for micro_operation in transactions.of(reader as usize) {
                let key = micro_operation.key;
                let Some(values) = micro_operation.values(self.events) else { continue };
                let value = values.first().copied();
                if micro_operation.code == Code::Version {
                    continue;
                }
                let before = std::mem::replace(&mut known[key as usize], (reader, value));
                if micro_operation.code != Code::Read {
                    written_by[key as usize] = reader;
                    continue;
                }
                if before.0 == reader && before.1 != value {
                    let expected = before.1.into_iter().collect();
                    let deed = Deed { value, values: value.into_iter().collect(), expected, ..Deed::default() };
                    self.add("internal", &[(reader, "contradicts itself")], key, deed);
                    // Where it only saw the key change, it read from somebody else a second time.
                    if written_by[key as usize] != reader {
                        self.external_read(reader, micro_operation, value);
                    }
                } else if before.0 != reader {
                    self.external_read(reader, micro_operation, value);
                }
            }
        }
    }

    fn external_read(&mut self, reader: u32, read: &MicroOperation, value: Option<i64>) {
        let Some(value) = value else { return };
        let (key, deed) = (read.key, Deed { value: Some(value), ..Deed::default() });
        let Some(version) = self.versions.find(key, value) else {
            return self.add("garbage-read", &[(reader, "read what nobody wrote")], key, deed);
        };
        let (writer, is_final) = (self.versions.writer[version as usize], self.versions.is_final[version as usize]);
        if writer == reader {
            self.add("future-read", &[(reader, "reads before it writes")], key, deed);
        } else if self.transactions.outcome[writer as usize] == Outcome::Fail {
            self.add("G1a", &[(writer, "failed"), (reader, "read what it wrote")], key, deed.clone());
            let is_update = |m: &&MicroOperation| m.key == key && m.is_last_write;
            let written =
                self.transactions.of(reader as usize).iter().find(is_update).and_then(|m| m.written(self.events));
            if let Some(written) = written {
                let values = vec![value, written];
                let parts = [(writer, "failed"), (reader, "overwrote what it had written")];
                self.add("dirty-update", &parts, key, Deed { values, ..deed });
            }
        } else if !is_final {
            let parts = [(writer, "wrote more afterwards"), (reader, "read its intermediate state")];
            self.add("G1b", &parts, key, deed);
        }
    }

    fn lost_updates(&mut self) {
        for version in 0..self.versions.len() as u32 {
            let updates = || self.versions.readers.of(version).iter().filter(|&&(_, wrote)| wrote != NONE);
            if updates().nth(1).is_some() {
                let role = "read this version and overwrote it";
                let parts: Vec<_> = updates().take(LISTED).map(|&(transaction, _)| (transaction, role)).collect();
                let deed = Deed { value: self.versions.value_of(version), ..Deed::default() };
                self.add("lost-update", &parts, self.versions.key[version as usize], deed);
            }
        }
    }

    fn cyclic_versions(&mut self) {
        for circle in &self.orders.circles {
            let key = self.versions.key[circle[0] as usize];
            let mut parts: Vec<(u32, &'static str)> = Vec::new();
            for (place, &version) in circle.iter().enumerate() {
                let next = circle[(place + 1) % circle.len()];
                let (reason, witnesses) = because(self.transactions, self.versions, self.orders, version, next);
                parts.extend(witnesses.into_iter().map(|transaction| (transaction, reason.name())));
            }
            let mut seen = std::collections::BTreeSet::new();
            parts.retain(|part| seen.insert(*part));
            let values = circle.iter().filter_map(|&version| self.versions.value_of(version)).collect();
            self.add("cyclic-versions", &parts, key, Deed { values, ..Deed::default() });
        }
    }
}
