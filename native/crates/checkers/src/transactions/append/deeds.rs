//! The anomalies of list-append that are no cycles.
//!
//! - *internal*: a read contradicts what its own transaction read or appended before.
//! - *future-read*: a read shows what its own transaction appends only later.
//! - *garbage-read*: a read shows what nobody appended.
//! - *G1a*, aborted read: a read shows an element of a transaction that failed.
//! - *G1b*, intermediate read: the last element that a read shows is not its writer's last append.
//! - *dirty-update*: an element of a failed transaction is followed by one of a transaction that happened.
//! - *duplicate-elements*: a read shows an element twice.
//! - *incompatible-order*: two reads of a key, neither of which is a beginning of the other; or one that shows the appends of one
//!   transaction in another order than it made them, or a later without an earlier.
//! - *lost-update*: two transactions read the same version of a key, and both appended to it.
//! - *G-cursor*: a transaction read a version and appended to the key, but after another, which had not read that version. With lost updates
//!   this is all that cursor stability does not allow beyond read committed (Adya, section 4.2): the P4 of Berenson et al.

use std::collections::BTreeMap;

use super::dependencies::{external_reads, next_written, reads_of_others, version};
use super::versions::{ReadOf, Versions};
use crate::events::Events;
use crate::pairing::Outcome;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::report::{Anomaly, Deed, Entry, LISTED};

/// What is found, by name.
#[derive(Default)]
pub struct Deeds(BTreeMap<&'static str, Anomaly>);

impl Deeds {
    fn add(&mut self, name: &'static str, deed: impl FnOnce() -> Deed) {
        let anomaly =
            self.0.entry(name).or_insert_with(|| Anomaly { name: name.to_owned(), count: 0, first: Vec::new() });
        anomaly.count += 1;
        if anomaly.first.len() < LISTED {
            anomaly.first.push(Entry::Deed(deed()));
        }
    }

    /// All of them.
    pub fn into_anomalies(self) -> impl Iterator<Item = Anomaly> {
        self.0.into_values()
    }
}

/// Look for all of them.
pub fn deeds(events: &Events, transactions: &Transactions, versions: &Versions) -> Deeds {
    let mut search = DeedSearch { events, transactions, versions, deeds: Deeds::default() };
    search.inside();
    search.orders();
    search.own_orders();
    search.intermediate_reads();
    search.lost_updates();
    search.deeds
}

struct DeedSearch<'a> {
    events: &'a Events<'a>,
    transactions: &'a Transactions,
    versions: &'a Versions,
    deeds: Deeds,
}

impl DeedSearch<'_> {
    fn row(&self, transaction: u32) -> u32 {
        self.transactions.invocation[transaction as usize]
    }

    fn key(&self, key: u32) -> i64 {
        self.transactions.keys[key as usize]
    }

    fn values(&self, read: ReadOf) -> Vec<i64> {
        self.micro_operation(read).values(self.events).unwrap_or(&[]).to_vec()
    }

    fn micro_operation(&self, read: ReadOf) -> &MicroOperation {
        &self.transactions.micro_operations[read.micro_operation as usize]
    }

    /// Each ok transaction by itself.
    fn inside(&mut self) {
        for reader in (0..self.transactions.len()).filter(|&t| self.transactions.outcome[t] == Outcome::Ok) {
            let own = self.transactions.of(reader);
            for (place, read) in own.iter().enumerate().filter(|(_, m)| m.code == Code::Read) {
                let Some(values) = read.values(self.events) else { continue };
                let (row, key) = (self.transactions.invocation[reader], self.key(read.key));
                if let Some(expected) = self.contradicted(&own[..place], read.key, values) {
                    self.deeds.add("internal", || Deed {
                        transactions: vec![row],
                        roles: vec!["contradicts itself"],
                        key,
                        values: values.to_vec(),
                        expected,
                        ..Deed::default()
                    });
                }
                let later = own[place + 1..].iter().filter(|m| m.key == read.key && m.code == Code::Append);
                let later = later.filter_map(|m| m.written(self.events));
                for value in later.filter(|value| values.contains(value)) {
                    self.deeds.add("future-read", || Deed {
                        transactions: vec![row],
                        roles: vec!["reads before it appends"],
                        key,
                        value: Some(value),
                        values: values.to_vec(),
                        ..Deed::default()
                    });
                }
            }
        }
    }

    /// What a read should have shown (or ended with, where nothing was read before), if it shows something else.
    fn contradicted(&self, before: &[MicroOperation], key: u32, values: &[i64]) -> Option<Vec<i64>> {
        let before = || before.iter().enumerate().filter(|(_, m)| m.key == key);
        let known = before().rfind(|(_, m)| m.code == Code::Read && m.values(self.events).is_some());
        let since = known.map_or(0, |(place, _)| place);
        let appended = before().filter(|(place, _)| *place >= since).filter_map(|(_, m)| m.written(self.events));
        let base = known.and_then(|(_, read)| read.values(self.events));
        let mut expected = base.map_or_else(Vec::new, <[i64]>::to_vec);
        expected.extend(appended);
        let is_right = if base.is_some() { values == expected } else { values.ends_with(&expected) };
        (!is_right).then_some(expected)
    }

    /// Every key: what its longest read shows, and the reads that differ from it.
    fn orders(&mut self) {
        for order in &self.versions.orders {
            if let Some(longest) = order.longest {
                self.shown(longest, 0);
            }
        }
        for &(read, common) in &self.versions.incompatible {
            let key = self.micro_operation(read).key;
            let Some(longest) = self.versions.orders[key as usize].longest else { continue };
            let (first, second) = (self.row(longest.reader), self.row(read.reader));
            let (key, values, expected) = (self.key(key), self.values(read), self.values(longest));
            self.deeds.add("incompatible-order", || Deed {
                transactions: vec![first, second],
                roles: vec!["read the longest list", "read another order"],
                key,
                values,
                expected,
                ..Deed::default()
            });
            self.shown(read, common);
        }
        for &(read, value) in &self.versions.duplicated {
            let (row, key, values) =
                (self.row(read.reader), self.key(self.micro_operation(read).key), self.values(read));
            self.deeds.add("duplicate-elements", || Deed {
                transactions: vec![row],
                roles: vec!["read an element twice"],
                key,
                value: Some(value),
                values,
                ..Deed::default()
            });
        }
    }

    /// What one transaction appends to a key is there in the order in which it did that, and nothing of it without what came before.
    fn own_orders(&mut self) {
        let elements = &self.versions.elements;
        let mut last: Vec<Option<usize>> = vec![None; self.versions.orders.len()];
        let earlier: Vec<Option<usize>> = (0..elements.len())
            .map(|number| {
                let last = last[elements[number].key as usize].replace(number);
                last.filter(|&last| elements[last].writer == elements[number].writer)
            })
            .collect();
        let mut is_shown = vec![false; elements.len()];
        for order in &self.versions.orders {
            let Some(longest) = order.longest else { continue };
            for &number in &order.elements[..order.trusted] {
                let Some(element) = elements.get(number as usize) else { continue };
                is_shown[number as usize] = true;
                // Where somebody else's is between them, that is a dirty write.
                let Some(earlier) = earlier[number as usize].filter(|&earlier| !is_shown[earlier]) else { continue };
                let earlier = &elements[earlier];
                let (writer, reader, key) = (self.row(element.writer), self.row(longest.reader), self.key(element.key));
                let (value, expected) = (element.value, vec![earlier.value, element.value]);
                let values = self.values(longest);
                self.deeds.add("incompatible-order", || Deed {
                    transactions: vec![writer, reader],
                    roles: vec!["appended in another order", "read this order"],
                    key,
                    value: Some(value),
                    values,
                    expected,
                });
            }
        }
    }

    /// What a read shows from `position` on: elements that should not be there.
    fn shown(&mut self, read: ReadOf, position: usize) {
        let number = self.micro_operation(read).key;
        let (key, reader) = (self.key(number), self.row(read.reader));
        let mut aborted: Option<(u32, i64)> = None;
        let values = self.micro_operation(read).values(self.events).unwrap_or(&[]);
        for &value in values.iter().skip(position) {
            let Some(element) = self.versions.element(number, value) else {
                self.deeds.add("garbage-read", || Deed {
                    transactions: vec![reader],
                    roles: vec!["read what nobody appended"],
                    key,
                    value: Some(value),
                    ..Deed::default()
                });
                continue;
            };
            let writer = self.row(element.writer);
            if self.transactions.outcome[element.writer as usize] == Outcome::Fail {
                aborted = aborted.or(Some((writer, value)));
                self.deeds.add("G1a", || Deed {
                    transactions: vec![writer, reader],
                    roles: vec!["failed", "read what it appended"],
                    key,
                    value: Some(value),
                    ..Deed::default()
                });
            } else if let Some((failed, was)) = aborted.take() {
                self.deeds.add("dirty-update", || Deed {
                    transactions: vec![failed, writer, reader],
                    roles: vec!["failed", "appended after what it had appended", "read both"],
                    key,
                    value: Some(was),
                    values: vec![was, value],
                    ..Deed::default()
                });
            }
        }
    }

    fn intermediate_reads(&mut self) {
        let mut last = None;
        for (reader, read) in reads_of_others(self.transactions) {
            let Some(&value) = read.values(self.events).and_then(<[i64]>::last) else { continue };
            let Some(element) = self.versions.element(read.key, value) else { continue };
            if last.replace((reader, read.key, value)) == Some((reader, read.key, value)) {
                continue;
            }
            let has_failed = self.transactions.outcome[element.writer as usize] == Outcome::Fail;
            if element.is_final || has_failed || element.writer == reader {
                continue;
            }
            let (writer, reader, key) = (self.row(element.writer), self.row(reader), self.key(read.key));
            self.deeds.add("G1b", || Deed {
                transactions: vec![writer, reader],
                roles: vec!["appended more afterwards", "read its intermediate state"],
                key,
                value: Some(value),
                ..Deed::default()
            });
        }
    }

    fn lost_updates(&mut self) {
        let mut updates: Vec<(u32, usize, u32)> = Vec::new();
        for (reader, read) in external_reads(self.transactions) {
            let own = self.transactions.of(reader as usize);
            if own.iter().any(|m| m.key == read.key && m.code == Code::Append)
                && let Some(version) = version(self.events, self.versions, read)
            {
                updates.push((read.key, version, reader));
            }
        }
        updates.sort_unstable();
        for same in updates.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (number, version, reader) = same[0];
            let value = version.checked_sub(1).and_then(|last| self.versions.at(number, last)).map(|last| last.value);
            let key = self.key(number);
            if same.len() == 1 {
                let next = next_written(self.versions, number, version).filter(|next| next.writer != reader);
                if let Some(between) = next.filter(|_| !self.has_read_its_own(reader, number, version)) {
                    let (between, reader) = (self.row(between.writer), self.row(reader));
                    self.deeds.add("G-cursor", || Deed {
                        transactions: vec![reader, between],
                        roles: vec!["read this version and appended, but not to it", "appended in between"],
                        key,
                        value,
                        ..Deed::default()
                    });
                }
                continue;
            }
            let transactions: Vec<u32> = same.iter().take(LISTED).map(|&(_, _, reader)| self.row(reader)).collect();
            self.deeds.add("lost-update", || Deed {
                roles: vec!["read this version and appended to it"; transactions.len()],
                transactions,
                key,
                value,
                ..Deed::default()
            });
        }
    }

    /// Whether one of the first elements of `key` is what `reader` itself appended: it read the future, and nothing follows from that.
    fn has_read_its_own(&self, reader: u32, key: u32, version: usize) -> bool {
        (0..version).any(|place| self.versions.at(key, place).is_some_and(|element| element.writer == reader))
    }
}
