//! The orders that clients could see by themselves: of each process, and of real time.
//!
//! Real time is an interval order, which may have a quadratic number of edges. A chain of *barriers* represents it with a linear
//! number: a transaction that completed leads to the barrier of that moment, each barrier to the next, and a barrier to every
//! transaction that was invoked after it. Completions with no invocation between them share a barrier.

use rustc_hash::FxHashMap;

use super::decode::Transactions;
use super::graph::{Edges, NO_KEY, PASS, PROCESS, REALTIME};
use crate::pairing::Outcome;

/// Add the edges of process order: between transactions that happened.
pub fn process_order(transactions: &Transactions, happened: &[bool], edges: &mut Edges) {
    let mut last: FxHashMap<i32, u32> = FxHashMap::default();
    for (transaction, _) in happened.iter().enumerate().filter(|(_, happened)| **happened) {
        let current = transaction as u32;
        if let Some(earlier) = last.insert(transactions.process[transaction], current) {
            // One whose end nobody saw may have happened at any later time.
            if transactions.outcome[earlier as usize] == Outcome::Ok {
                edges.add(earlier, current, PROCESS, NO_KEY);
            }
        }
    }
}

/// Add the edges of real time, with barriers numbered from `nodes` on. Returns how many nodes there are then.
pub fn real_time_order(transactions: &Transactions, happened: &[bool], nodes: usize, edges: &mut Edges) -> usize {
    let mut completed: Vec<u32> = (0..transactions.len() as u32)
        .filter(|&t| happened[t as usize] && transactions.outcome[t as usize] == Outcome::Ok)
        .collect();
    completed.sort_unstable_by_key(|&t| transactions.completion[t as usize]);
    let mut barriers = nodes;
    let mut is_open = false;
    let mut next = completed.into_iter().peekable();
    for transaction in (0..transactions.len()).filter(|&t| happened[t]) {
        let invoked = transactions.invocation[transaction];
        while let Some(done) = next.next_if(|&t| transactions.completion[t as usize] < invoked) {
            if !is_open {
                if barriers > nodes {
                    edges.add(barriers as u32 - 1, barriers as u32, PASS, NO_KEY);
                }
                barriers += 1;
                is_open = true;
            }
            edges.add(done, barriers as u32 - 1, REALTIME, NO_KEY);
        }
        is_open = false;
        if barriers > nodes {
            edges.add(barriers as u32 - 1, transaction as u32, PASS, NO_KEY);
        }
    }
    barriers
}
