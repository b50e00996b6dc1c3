//! Version orders of lists: the longest read of a key shows the order of its elements, and every other read must be a beginning of it.
//!
//! Where a read is not, or an element comes twice, the order is trusted up to there and no further.

use rustc_hash::FxHashMap;

use crate::events::Events;
use crate::pairing::{Malformed, Outcome};
use crate::transactions::decode::{Code, MicroOperation, Transactions};

/// Number of no element.
pub const NONE: u32 = u32::MAX;

/// One append.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// What was appended.
    pub value: i64,
    /// The key.
    pub key: u32,
    /// Who appended it.
    pub writer: u32,
    /// Whether it is the writer's last append to the key.
    pub is_final: bool,
    /// Whether some ok read shows it.
    pub is_read: bool,
}

/// A read of an ok transaction, by the number of its micro-operation.
#[derive(Clone, Copy, Debug)]
pub struct ReadOf {
    /// The transaction.
    pub reader: u32,
    /// The micro-operation.
    pub micro_operation: u32,
}

/// What is known of one key.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The longest ok read, if there is one.
    pub longest: Option<ReadOf>,
    /// The element at each position of the longest read; [`NONE`] where nobody appended what was read.
    pub elements: Vec<u32>,
    /// How many positions are trusted.
    pub trusted: usize,
    /// The elements that happened and that no read shows, in the order of their transactions; only where the whole order is trusted.
    pub unread: Vec<u32>,
}

/// All appends and all orders.
#[derive(Debug, Default)]
pub struct Versions {
    /// By transaction, then by micro-operation.
    pub elements: Vec<Element>,
    /// By key.
    pub orders: Vec<Order>,
    /// The reads that are no beginning of their key's longest read, each with the length of what they have in common.
    pub incompatible: Vec<(ReadOf, usize)>,
    /// The first read with an element twice, of each key that has one: the read and the element's value.
    pub duplicated: Vec<(ReadOf, i64)>,
    /// Whether each transaction happened: it is ok, or nobody knows and something it appended was read.
    pub happened: Vec<bool>,
    numbers: FxHashMap<(u32, i64), u32>,
}

impl Versions {
    /// The append of `value` to `key`.
    pub fn element(&self, key: u32, value: i64) -> Option<&Element> {
        self.numbers.get(&(key, value)).map(|&number| &self.elements[number as usize])
    }

    /// The element at a trusted position, unless nobody appended it.
    pub fn at(&self, key: u32, position: usize) -> Option<&Element> {
        let order = &self.orders[key as usize];
        (position < order.trusted)
            .then(|| order.elements[position])
            .and_then(|number| self.elements.get(number as usize))
    }
}

/// Infer all version orders. An element that is appended twice makes the history malformed.
pub fn versions(events: &Events, transactions: &Transactions) -> Result<Versions, Malformed> {
    let mut versions = Versions { orders: vec![Order::default(); transactions.keys.len()], ..Versions::default() };
    number_elements(events, transactions, &mut versions)?;
    for_each_ok_read(transactions, |read, micro_operation| {
        let Some(values) = micro_operation.values(events) else { return };
        let order = &mut versions.orders[micro_operation.key as usize];
        if order.longest.is_none() || values.len() > order.trusted {
            order.longest = Some(read);
            order.trusted = values.len();
        }
    });
    for key in 0..versions.orders.len() as u32 {
        spell_out(events, transactions, key, &mut versions);
    }
    for_each_ok_read(transactions, |read, micro_operation| {
        compare(events, transactions, read, micro_operation, &mut versions)
    });
    versions.happened = happened(transactions, &versions);
    collect_unread(&mut versions);
    Ok(versions)
}

/// Every read of every ok transaction, in order.
fn for_each_ok_read(transactions: &Transactions, mut visit: impl FnMut(ReadOf, &MicroOperation)) {
    for reader in (0..transactions.len()).filter(|&t| transactions.outcome[t] == Outcome::Ok) {
        let first = transactions.offsets[reader];
        for (place, micro_operation) in transactions.of(reader).iter().enumerate() {
            if micro_operation.code == Code::Read {
                let read = ReadOf { reader: reader as u32, micro_operation: first + place as u32 };
                visit(read, micro_operation);
            }
        }
    }
}

fn number_elements(events: &Events, transactions: &Transactions, versions: &mut Versions) -> Result<(), Malformed> {
    let mut malformed = Malformed::default();
    for writer in 0..transactions.len() {
        for micro_operation in transactions.of(writer) {
            let Some(value) = micro_operation.written(events) else { continue };
            let key = micro_operation.key;
            let row = transactions.invocation[writer] as usize;
            if micro_operation.code == Code::Write {
                let name = transactions.keys[key as usize];
                malformed.add(row, format!("a list-append history writes key {name}; for registers take rw-register"));
                continue;
            }
            let number = versions.elements.len() as u32;
            if let Some(earlier) = versions.numbers.insert((key, value), number) {
                let earlier = transactions.invocation[versions.elements[earlier as usize].writer as usize];
                let name = transactions.keys[key as usize];
                malformed.add(
                    row,
                    format!(
                        "{value} is appended to key {name} a second time, after row {earlier}; elements must be unique"
                    ),
                );
            }
            let is_final = micro_operation.is_last_write;
            versions.elements.push(Element { value, key, writer: writer as u32, is_final, is_read: false });
        }
    }
    malformed.unless(())
}

/// Name the elements of the longest read, and stop trusting it at the first that comes twice.
fn spell_out(events: &Events, transactions: &Transactions, key: u32, versions: &mut Versions) {
    let Some(longest) = versions.orders[key as usize].longest else { return };
    let values = transactions.micro_operations[longest.micro_operation as usize].values(events).unwrap_or(&[]);
    let mut elements = Vec::with_capacity(values.len());
    let mut trusted = values.len();
    for (position, &value) in values.iter().enumerate() {
        let number = versions.numbers.get(&(key, value)).copied().unwrap_or(NONE);
        let is_repeated = match versions.elements.get_mut(number as usize) {
            Some(element) => std::mem::replace(&mut element.is_read, true),
            None => values[..position].contains(&value),
        };
        if is_repeated && trusted == values.len() {
            trusted = position;
            versions.duplicated.push((longest, value));
        }
        elements.push(number);
    }
    let order = &mut versions.orders[key as usize];
    (order.elements, order.trusted) = (elements, trusted);
}

/// Hold a read against the longest of its key.
fn compare(
    events: &Events,
    transactions: &Transactions,
    read: ReadOf,
    micro_operation: &MicroOperation,
    versions: &mut Versions,
) {
    let key = micro_operation.key;
    let (Some(values), Some(longest)) = (micro_operation.values(events), versions.orders[key as usize].longest) else {
        return;
    };
    let whole = transactions.micro_operations[longest.micro_operation as usize].values(events).unwrap_or(&[]);
    if whole.starts_with(values) {
        return;
    }
    let common = values.iter().zip(whole).take_while(|(one, other)| one == other).count();
    for (position, &value) in values.iter().enumerate().skip(common) {
        if values[..position].contains(&value) {
            versions.duplicated.push((read, value));
            break;
        }
    }
    for value in &values[common..] {
        if let Some(&number) = versions.numbers.get(&(key, *value)) {
            versions.elements[number as usize].is_read = true;
        }
    }
    let order = &mut versions.orders[key as usize];
    order.trusted = order.trusted.min(common);
    versions.incompatible.push((read, common));
}

fn happened(transactions: &Transactions, versions: &Versions) -> Vec<bool> {
    let mut happened: Vec<bool> = transactions.outcome.iter().map(|&outcome| outcome == Outcome::Ok).collect();
    for element in versions.elements.iter().filter(|element| element.is_read) {
        let writer = element.writer as usize;
        happened[writer] |= transactions.outcome[writer] == Outcome::Info;
    }
    happened
}

fn collect_unread(versions: &mut Versions) {
    for (number, element) in versions.elements.iter().enumerate() {
        let order = &mut versions.orders[element.key as usize];
        let is_whole = order.trusted == order.elements.len();
        if is_whole && !element.is_read && versions.happened[element.writer as usize] {
            order.unread.push(number as u32);
        }
    }
}
