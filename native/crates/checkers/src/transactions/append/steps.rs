//! What a dependency is about: the values that make one transaction come before another.

use super::dependencies::{last_written, next_written, version};
use super::versions::Versions;
use crate::events::Events;
use crate::transactions::cycles::Dependency;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::graph::{NO_KEY, PROCESS, REALTIME, RW, WR, WW};
use crate::transactions::report::Step;

/// A dependency with its key and values.
pub fn step(events: &Events, transactions: &Transactions, versions: &Versions, dependency: &Dependency) -> Step {
    let &Dependency { from, to, kind, key } = dependency;
    let read_by = |transaction: u32| {
        let read = transactions.of(transaction as usize).iter().find(|m| m.key == key && m.code == Code::Read);
        let trusted = read.filter(|read: &&MicroOperation| version(events, versions, read).is_some());
        trusted.and_then(|read| read.values(events)).unwrap_or_default()
    };
    let mut because = None;
    let (name, previous, value) = match kind {
        WR => {
            let reads = transactions.of(to as usize).iter().filter(|m| m.key == key && m.code == Code::Read);
            let seen = reads.filter_map(|read| last_written(versions, key, version(events, versions, read)?));
            ("wr", None, seen.filter(|element| element.writer == from).map(|element| element.value).next())
        }
        RW => {
            let seen = read_by(from);
            let next = next_written(versions, key, seen.len()).filter(|next| next.writer == to);
            let next = next.map_or_else(|| unread_of(versions, key, to), |next| Some(next.value));
            ("rw", seen.last().copied(), next)
        }
        WW => {
            let (previous, next) = neighbours(versions, key, from, to);
            let Neighbour { value, is_unread } = next.unwrap_or_default();
            because = is_unread.then_some(UNREAD);
            ("ww", previous, value)
        }
        PROCESS => ("process", None, None),
        REALTIME => ("realtime", None, None),
        _ => ("unknown", None, None),
    };
    Step {
        from: transactions.invocation[from as usize],
        to: transactions.invocation[to as usize],
        kind: name,
        key: (key != NO_KEY).then(|| transactions.keys[key as usize]),
        previous,
        value,
        because,
    }
}

/// Why an element that nobody read comes after all that were read: lost elements do, too.
const UNREAD: &str = "unread";

/// The next element of a key.
#[derive(Default)]
struct Neighbour {
    value: Option<i64>,
    /// Nobody read it, so where it is is not known, only that it is behind what was read.
    is_unread: bool,
}

/// Two elements of a key, the second of which `to` appended directly after `from` had appended the first.
fn neighbours(versions: &Versions, key: u32, from: u32, to: u32) -> (Option<i64>, Option<Neighbour>) {
    let trusted = versions.orders[key as usize].trusted;
    for position in 0..trusted {
        let Some(element) = versions.at(key, position).filter(|element| element.writer == from) else { continue };
        match next_written(versions, key, position + 1) {
            Some(next) if next.writer == to => {
                return (Some(element.value), Some(Neighbour { value: Some(next.value), is_unread: false }));
            }
            None => {
                let value = unread_of(versions, key, to);
                return (Some(element.value), Some(Neighbour { value, is_unread: true }));
            }
            Some(_) => {}
        }
    }
    (None, None)
}

fn unread_of(versions: &Versions, key: u32, writer: u32) -> Option<i64> {
    let unread = versions.orders[key as usize].unread.iter().map(|&number| &versions.elements[number as usize]);
    unread.filter(|element| element.writer == writer).map(|element| element.value).next()
}
