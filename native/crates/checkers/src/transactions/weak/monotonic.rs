//! Monotonic atomic view: a transaction that has seen one effect of another has, from then on, seen all of them.
//!
//! Whoever reads a key from one transaction, after it read anything from another that wrote the key as well, puts the other before the
//! one. The read committed of Biswas and Enea (OOPSLA 2019), by the algorithm of Møldrup and Pavlogiannis (AWDIT, PLDI 2025): each
//! transaction's reads are gone through backwards, with the next two writers that each key is read from; O(n^1.5) micro-operations.

use super::observed::{NONE, Observed};
use super::saw;
use crate::transactions::graph::Edges;

/// The writers that a key is read from next: the next one, and the next that is not the same.
#[derive(Clone, Copy)]
struct Next {
    reader: u32,
    one: u32,
    other: u32,
}

/// Add what must come before what.
pub fn monotonic(observed: &Observed, edges: &mut Edges) {
    let mut next = vec![Next { reader: NONE, one: NONE, other: NONE }; observed.keys];
    // By writer: who read from it last, and whether that was the place where it did so first.
    let mut seen_by = vec![NONE; observed.transactions() + 1];
    let mut first_sights: Vec<bool> = Vec::new();
    let mut later: Vec<u32> = Vec::new();
    for reader in observed.happened().filter(|&t| observed.reads(t).len() > 1) {
        first_sights.clear();
        for read in observed.reads(reader) {
            first_sights.push(std::mem::replace(&mut seen_by[read.from as usize], reader) != reader);
        }
        later.clear();
        for (read, &is_first) in observed.reads(reader).iter().zip(&first_sights).rev() {
            if is_first {
                let writer = read.from;
                let mut meet = |key: u32| {
                    let Next { reader: whose, one, other } = next[key as usize];
                    let from = if one == writer { other } else { one };
                    if whose == reader && from != NONE {
                        saw(observed, writer, from, key, edges);
                    }
                };
                let writes = observed.writes(writer);
                if writes.len() <= later.len() {
                    writes.iter().for_each(|&key| meet(key));
                } else {
                    later.iter().filter(|key| writes.binary_search(key).is_ok()).for_each(|&key| meet(key));
                }
            }
            let entry = &mut next[read.key as usize];
            if entry.reader != reader {
                *entry = Next { reader, one: read.from, other: NONE };
                later.push(read.key);
            } else if entry.one != read.from {
                *entry = Next { reader, one: read.from, other: entry.one };
            }
        }
    }
}
