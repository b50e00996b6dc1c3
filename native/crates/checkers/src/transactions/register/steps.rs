//! What a dependency is about: the versions, and why one is known to be before the other.

use super::order::{Because, Orders};
use super::versions::{NONE, Touch, Versions, found};
use crate::events::Events;
use crate::pairing::{NEVER, Outcome};
use crate::transactions::cycles::Dependency;
use crate::transactions::decode::{Code, Transactions};
use crate::transactions::graph::{NO_KEY, PROCESS, REALTIME, RW, WR, WW};
use crate::transactions::report::Step;

/// A dependency with its key, its values and its reason.
pub fn step(
    events: &Events,
    transactions: &Transactions,
    versions: &Versions,
    orders: &Orders,
    dependency: &Dependency,
) -> Step {
    let &Dependency { from, to, kind, key } = dependency;
    let of = |transaction: u32| touch(versions, transaction, key);
    let versions_of = match kind {
        WW => Some((of(from).map(|touch| touch.wrote), of(to).map(|touch| touch.wrote))),
        RW => Some((of(from).map(|touch| touch.found), of(to).map(|touch| touch.wrote))),
        _ => None,
    };
    let reason = match versions_of {
        Some((Some(one), Some(other))) if one != NONE && other != NONE => {
            Some(because(transactions, versions, orders, one, other).0.name())
        }
        _ => None,
    };
    let value_of = |version: Option<u32>| version.and_then(|version| versions.value_of(version));
    let (kind, previous, value) = match (kind, versions_of) {
        (WW, Some((one, other))) => ("ww", value_of(one), value_of(other)),
        (RW, Some((one, other))) => ("rw", value_of(one), value_of(other)),
        (WR, _) => {
            let reads = transactions.of(to as usize).iter().filter(|m| m.key == key && m.code == Code::Read);
            let seen = reads.filter_map(|read| found(events, versions, read));
            let mut seen = seen.filter(|&version| versions.writer_of(version) == Some(from));
            ("wr", None, value_of(seen.next()))
        }
        (PROCESS, _) => ("process", None, None),
        (REALTIME, _) => ("realtime", None, None),
        _ => ("unknown", None, None),
    };
    Step {
        from: transactions.invocation[from as usize],
        to: transactions.invocation[to as usize],
        kind,
        key: (key != NO_KEY).then(|| transactions.keys[key as usize]),
        previous,
        value,
        because: reason,
    }
}

/// What a transaction had to do with a key.
fn touch(versions: &Versions, transaction: u32, key: u32) -> Option<&Touch> {
    let begin = versions.touches.partition_point(|touch| touch.transaction < transaction);
    versions.touches[begin..].iter().take_while(|touch| touch.transaction == transaction).find(|touch| touch.key == key)
}

/// Why one version is directly before another, and the transactions that show it.
pub fn because(
    transactions: &Transactions,
    versions: &Versions,
    orders: &Orders,
    earlier: u32,
    later: u32,
) -> (Because, Vec<u32>) {
    if let Some(&(reader, _)) = versions.readers.of(earlier).iter().find(|&&(_, wrote)| wrote == later) {
        return (Because::WritesFollowReads, vec![reader]);
    }
    let numbers = |wanted: u32| versions.numbered.iter().filter(move |pair| pair.0 == wanted).map(|pair| pair.1);
    let is_told = orders.inferences.database_versions;
    if is_told && numbers(earlier).any(|one| numbers(later).any(|other| one < other)) {
        return (Because::DatabaseVersions, [earlier, later].iter().filter_map(|&v| versions.writer_of(v)).collect());
    }
    if earlier as usize >= versions.written {
        return (Because::InitialState, versions.writer_of(later).into_iter().collect());
    }
    let touching = |version: u32| {
        let key = versions.key[version as usize];
        let touches = versions.touches.iter().filter(move |touch| touch.key == key);
        touches.filter(move |touch| touch.found == version || touch.wrote == version).map(|touch| touch.transaction)
    };
    let span = |version: u32| orders.spans.get(version as usize).copied().unwrap_or((NEVER, 0));
    if span(earlier).0 < span(later).1.saturating_sub(1) {
        let is_first = |&t: &u32| {
            transactions.outcome[t as usize] == Outcome::Ok && transactions.completion[t as usize] == span(earlier).0
        };
        let is_last = |&t: &u32| transactions.invocation[t as usize] + 1 == span(later).1;
        let witnesses = touching(earlier).find(is_first).into_iter().chain(touching(later).find(is_last));
        return (Because::LinearizableKeys, witnesses.collect());
    }
    let process = |transaction: u32| transactions.process[transaction as usize];
    let pairs = touching(earlier).flat_map(|one| touching(later).map(move |other| (one, other)));
    let seen = pairs.filter(|&(one, other)| one < other && process(one) == process(other));
    (Because::SequentialKeys, seen.take(1).flat_map(|(one, other)| [one, other]).collect())
}
