//! A set to which distinct elements are only added, and which is read as a whole.
//!
//! Nothing ever leaves such a set, so of two reads one saw all that the other saw: reads stand in one order, by what they saw, and the
//! elements that a read saw and none before it did were added between the two. What no read saw was added after all of them, or never.
//! So every operation has a place, and operations that share one may go in any order: the history is linearizable exactly when
//! nothing returned before something of an earlier place was called. (The same argument for lists is in Kingsbury and Alvaro, "Elle",
//! VLDB 2020: recoverable, traceable.)

use super::{Judgement, Kin, Refutation, Role, Rule};
use crate::linearizable::Operation;
use crate::models::SetAction::{self, Add, Insert, ReadAll};

const NOBODY: u32 = u32::MAX;

/// Decide a set with `elements` numbered elements; operations are sorted by call, and the reads of all elements saw `reads`.
pub fn snapshots(operations: &[Operation<SetAction>], elements: usize, reads: &[Vec<u32>]) -> Judgement {
    let Some(adds) = adds(operations, elements) else { return Judgement::Undecided };
    let refutation = match places(operations, &adds, reads) {
        Err(refutation) => Some(refutation),
        Ok(places) => places.disorder(operations, &adds, reads),
    };
    refutation.map_or(Judgement::Linearizable, Judgement::Impossible)
}

/// What has to stay with an operation in a part of the history: only reads can be left out.
pub fn kin_of_snapshots(action: &SetAction) -> Kin {
    if matches!(action, ReadAll(_)) { Kin::Nobody } else { Kin::Everybody }
}

/// By element: the operation that adds it. Nothing if an element is added twice, or anything else happens.
fn adds(operations: &[Operation<SetAction>], elements: usize) -> Option<Vec<u32>> {
    let mut adds = vec![NOBODY; elements];
    for (operation, index) in operations.iter().zip(0..) {
        match operation.action {
            Add(element) | Insert(element) if adds[element as usize] == NOBODY => adds[element as usize] = index,
            ReadAll(_) => {}
            _ => return None,
        }
    }
    Some(adds)
}

/// Where everything stands.
struct Places {
    /// By operation: even for reads, odd for adds; [`NOBODY`] for one that did not happen.
    of: Vec<u32>,
    /// By odd place: the first read that saw what was added there, from the first on.
    first_reads: Vec<u32>,
}

/// The place of every operation, unless a read saw what was never added, or two reads each saw what the other did not.
fn places(operations: &[Operation<SetAction>], adds: &[u32], reads: &[Vec<u32>]) -> Result<Places, Refutation> {
    let mut order: Vec<(usize, u32, &[u32])> = Vec::new();
    for (operation, index) in operations.iter().zip(0..) {
        if let (ReadAll(read), false) = (operation.action, operation.is_pending()) {
            let seen = reads[read as usize].as_slice();
            order.push((seen.len(), index, seen));
        }
    }
    order.sort_unstable();
    let mut places = Places { of: vec![NOBODY; operations.len()], first_reads: Vec::new() };
    let (mut known, mut before) = (0, (NOBODY, &[][..]));
    for (count, index, seen) in order {
        let next = 2 * places.first_reads.len() as u32 + 1;
        let mut again = 0;
        for &element in seen {
            let Some(place) = places.of.get_mut(adds[element as usize] as usize) else {
                return Err(Refutation::new(Rule::NeverAdded, [(index, Role::Seen)]));
            };
            again += usize::from(*place != NOBODY);
            *place = (*place).min(next);
        }
        if again < known {
            return Err(forked(adds, before, (index, seen)));
        }
        if count > known {
            places.first_reads.push(index);
        }
        places.of[index as usize] = 2 * places.first_reads.len() as u32;
        (known, before) = (count, (index, seen));
    }
    let last = 2 * places.first_reads.len() as u32 + 1;
    for (operation, place) in operations.iter().zip(&mut places.of) {
        if *place == NOBODY && !operation.is_pending() {
            *place = last;
        }
    }
    Ok(places)
}

/// Two reads each of which saw what the other did not.
fn forked(adds: &[u32], one: (u32, &[u32]), other: (u32, &[u32])) -> Refutation {
    let only = |seen: &[u32], others: &[u32]| missing(seen, others).map(|element| (adds[element as usize], Role::Put));
    let parts = [(one.0, Role::Seen), (other.0, Role::Unseen)];
    Refutation::new(Rule::Forked, parts.into_iter().chain(only(one.1, other.1)).chain(only(other.1, one.1)))
}

/// The first element that is in `seen` and not in `others`.
fn missing(seen: &[u32], others: &[u32]) -> Option<u32> {
    let mut others = others.to_vec();
    others.sort_unstable();
    seen.iter().copied().find(|element| others.binary_search(element).is_err())
}

impl Places {
    /// An operation that returned before another of an earlier place was called.
    fn disorder(&self, operations: &[Operation<SetAction>], adds: &[u32], reads: &[Vec<u32>]) -> Option<Refutation> {
        let required = (0..operations.len() as u32).filter(|&index| !operations[index as usize].is_pending());
        let mut returns: Vec<(u32, u32)> =
            required.map(|index| (operations[index as usize].completion, index)).collect();
        returns.sort_unstable();
        let mut returned = returns.into_iter().peekable();
        let mut latest: Option<u32> = None;
        for (later, index) in operations.iter().zip(0..) {
            while let Some((_, earlier)) = returned.next_if(|&(row, _)| row < later.invocation) {
                latest = latest.filter(|&other| self.of[other as usize] >= self.of[earlier as usize]).or(Some(earlier));
            }
            match latest {
                Some(earlier) if self.of[index as usize] < self.of[earlier as usize] => {
                    return Some(self.refutation(operations, adds, reads, earlier, index));
                }
                _ => {}
            }
        }
        None
    }

    fn refutation(
        &self,
        operations: &[Operation<SetAction>],
        adds: &[u32],
        reads: &[Vec<u32>],
        earlier: u32,
        later: u32,
    ) -> Refutation {
        let read = |index: u32| match operations[index as usize].action {
            ReadAll(read) => Some(reads[read as usize].as_slice()),
            _ => None,
        };
        match (read(earlier), read(later)) {
            (Some(seen), Some(others)) => {
                let add = missing(seen, others).map(|element| (adds[element as usize], Role::Put));
                Refutation::new(Rule::Vanished, [(earlier, Role::Seen), (later, Role::Unseen)].into_iter().chain(add))
            }
            (Some(_), None) => Refutation::new(Rule::SeenOutOfTime, [(earlier, Role::Seen), (later, Role::Put)]),
            (None, Some(_)) => Refutation::new(Rule::Vanished, [(earlier, Role::Put), (later, Role::Unseen)]),
            (None, None) => {
                let saw = self.first_reads[self.of[later as usize] as usize / 2];
                Refutation::new(Rule::Vanished, [(earlier, Role::Put), (later, Role::PutFirst), (saw, Role::Unseen)])
            }
        }
    }
}
