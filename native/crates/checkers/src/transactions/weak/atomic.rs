//! Read atomic: a transaction sees all effects of another, or none (Bailis et al., "Scalable Atomic Visibility with RAMP Transactions",
//! SIGMOD 2014).
//!
//! Whoever reads a key from one transaction, and from another that wrote the key as well reads anything (or, with sessions, comes after it
//! in its session), puts the other before the one. After AWDIT: of each session the last writer of each key is kept, for the earlier ones
//! are before it; for whom a transaction read from, the smaller of what one wrote and the other read is gone through; O(n^1.5).
//! A transaction that saw a key change put either writer before the other.

use super::observed::{NONE, Observed};
use super::saw;
use crate::transactions::graph::Edges;

/// Add what must come before what.
pub fn atomic(observed: &Observed, sessions: bool, edges: &mut Edges) {
    let mut read_by = vec![(NONE, NONE); observed.keys];
    let mut seen_by = vec![NONE; observed.transactions() + 1];
    let mut distinct: Vec<u32> = Vec::new();
    for reader in observed.happened().filter(|&t| observed.reads(t).len() > 1) {
        distinct.clear();
        for read in observed.reads(reader) {
            let (whose, first) = read_by[read.key as usize];
            if whose != reader {
                read_by[read.key as usize] = (reader, read.from);
                distinct.push(read.key);
            } else if first != read.from {
                for (one, other) in [(first, read.from), (read.from, first)] {
                    if one != observed.initial() {
                        saw(observed, one, other, read.key, edges);
                    }
                }
            }
        }
        for read in observed.reads(reader) {
            let writer = read.from;
            if std::mem::replace(&mut seen_by[writer as usize], reader) == reader {
                continue;
            }
            let mut meet = |key: u32| {
                let (whose, from) = read_by[key as usize];
                if whose == reader && from != writer {
                    saw(observed, writer, from, key, edges);
                }
            };
            let writes = observed.writes(writer);
            if writes.len() <= distinct.len() {
                writes.iter().for_each(|&key| meet(key));
            } else {
                distinct.iter().filter(|key| writes.binary_search(key).is_ok()).for_each(|&key| meet(key));
            }
        }
    }
    if sessions {
        own_session(observed, edges);
    }
}

/// What a session wrote last before each read.
fn own_session(observed: &Observed, edges: &mut Edges) {
    let mut last = vec![(NONE, NONE); observed.keys];
    for (session, members) in observed.by_session().enumerate() {
        for &transaction in members {
            for read in observed.reads(transaction) {
                let (whose, writer) = last[read.key as usize];
                if whose == session as u32 && writer != read.from {
                    saw(observed, writer, read.from, read.key, edges);
                }
            }
            for &key in observed.writes(transaction) {
                last[key as usize] = (session as u32, transaction);
            }
        }
    }
}
