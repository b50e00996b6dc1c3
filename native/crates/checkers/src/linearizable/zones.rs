//! Registers whose written values are all different: decided exactly, without search, in O(n log n).
//!
//! Gibbons and Korach ("Testing shared memories", 1997) group the operations of one written value: the write and the reads that
//! returned it. A compare-and-set hangs the block of its new value on the block of its old one, so a block here is a write, what
//! observed it, the compare-and-set that replaced it, what observed that, and so on: in any order that explains the history it stands
//! together. Inside a block the order is given. Between blocks, A must come before B when the first return in A precedes the last call
//! in B. If that relation has a cycle it has one of two blocks: take the block with the earliest first return of a shortest cycle,
//! and it also precedes the one two steps ahead. So the history is linearizable when every block is sound and no two conflict; in
//! terms of the interval between first return and last call: no two forward ones overlap (return first), and no backward one (call
//! first) lies inside a forward one.

use super::Operation;
use crate::models::{Register, RegisterAction};

/// What [`zones`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zones {
    /// There is an order that explains the history.
    Linearizable,
    /// There is none, already for the operations that touch these values.
    Conflict(Vec<u32>),
    /// Some value is written more than once, or is what the register started with: this algorithm does not apply.
    Inapplicable,
}

/// Decide the operations of one register with `values` numbered values.
pub fn zones(operations: &[Operation<RegisterAction>], values: usize) -> Zones {
    let Some(producers) = producers(operations, values) else { return Zones::Inapplicable };
    let proofs = match proofs(operations, &producers) {
        Ok(proofs) => proofs,
        Err(values) => return Zones::Conflict(values),
    };
    let mut values = match blocks(operations, &producers, &proofs) {
        Ok((blocks, next)) => match conflict(blocks) {
            None => return Zones::Linearizable,
            Some(pair) => pair.iter().flat_map(|block| chain(operations, &next, block.root)).collect(),
        },
        Err(values) => values,
    };
    for index in 0..values.len() {
        let proof = proofs.get(producers[values[index] as usize] as usize);
        if let Some(proof) = proof.and_then(|&proof| operations.get(proof as usize)) {
            values.extend(values_of(proof));
        }
    }
    Zones::Conflict(values)
}

const NOBODY: u32 = u32::MAX;

/// The producer of each value, unless a value has several.
fn producers(operations: &[Operation<RegisterAction>], values: usize) -> Option<Vec<u32>> {
    let mut producers = vec![NOBODY; values];
    for (index, operation) in operations.iter().enumerate() {
        let Some(value) = operation.action.produces() else { continue };
        if value == Register::INITIAL || producers[value as usize] != NOBODY {
            return None;
        }
        producers[value as usize] = index as u32;
    }
    Some(producers)
}

/// The earliest return and the latest call of some operations, in rows counted from one: zero is before the history.
#[derive(Clone, Copy)]
struct Extent {
    first_return: u64,
    last_call: u64,
}

impl Extent {
    const NONE: Extent = Extent { first_return: u64::MAX, last_call: 0 };

    fn include(&mut self, operation: &Operation<RegisterAction>) {
        if !operation.is_pending() {
            self.first_return = self.first_return.min(u64::from(operation.completion) + 1);
        }
        self.last_call = self.last_call.max(u64::from(operation.invocation) + 1);
    }

    fn join(&mut self, other: Extent) {
        self.first_return = self.first_return.min(other.first_return);
        self.last_call = self.last_call.max(other.last_call);
    }
}

/// The block that starts with the value `root`.
struct Block {
    root: u32,
    extent: Extent,
}

impl Block {
    fn is_forward(&self) -> bool {
        self.extent.first_return < self.extent.last_call
    }
}

/// Every block, each sound in itself, with the compare-and-set that replaces each value; or the values of what is unsound.
fn blocks(
    operations: &[Operation<RegisterAction>],
    producers: &[u32],
    proofs: &[u32],
) -> Result<(Vec<Block>, Vec<u32>), Vec<u32>> {
    let next = successors(operations, proofs)?;
    let mut reads = vec![Extent::NONE; producers.len()];
    for operation in operations {
        if let RegisterAction::Read(value) = operation.action {
            reads[value as usize].include(operation);
        }
    }
    let written = operations.iter().zip(proofs).filter_map(|(operation, &proof)| match operation.action {
        RegisterAction::Write(value) if proof != NOBODY => Some(value),
        _ => None,
    });
    let mut visited = vec![false; producers.len()];
    let mut blocks = Vec::new();
    for root in written.chain([Register::INITIAL]) {
        let mut extent = Extent::NONE;
        for value in chain(operations, &next, root) {
            visited[value as usize] = true;
            let mut producer = Extent::NONE;
            match producers[value as usize] {
                NOBODY => producer.first_return = 0,
                index => producer.include(&operations[index as usize]),
            }
            for group in [producer, reads[value as usize]] {
                if group.first_return <= extent.last_call && extent.last_call > 0 {
                    return Err(vec![value]);
                }
                extent.join(group);
            }
        }
        blocks.push(Block { root, extent });
    }
    for (operation, _) in operations.iter().zip(proofs).filter(|&(_, &proof)| proof != NOBODY) {
        match operation.action.produces() {
            Some(value) if !visited[value as usize] => return Err(vec![value]),
            _ => {}
        }
    }
    Ok((blocks, next))
}

/// By operation: the completed operation that proves that it happened, itself if it completed, or another that observed what it left;
/// [`NOBODY`] if nothing proves it. A value that was observed and has no producer is unsound.
fn proofs(operations: &[Operation<RegisterAction>], producers: &[u32]) -> Result<Vec<u32>, Vec<u32>> {
    let itself =
        |(index, operation): (usize, &Operation<_>)| if operation.is_pending() { NOBODY } else { index as u32 };
    let mut proofs: Vec<u32> = operations.iter().enumerate().map(itself).collect();
    for (index, origin) in operations.iter().enumerate().filter(|(_, operation)| !operation.is_pending()) {
        let mut observed = origin.action.consumes();
        while let Some(value) = observed.take().filter(|&value| value != Register::INITIAL) {
            let producer = producers[value as usize] as usize;
            let Some(proof) = proofs.get_mut(producer) else { return Err(values_of(origin).collect()) };
            if *proof == NOBODY {
                *proof = index as u32;
                observed = operations[producer].action.consumes();
            }
        }
    }
    Ok(proofs)
}

fn values_of(operation: &Operation<RegisterAction>) -> impl Iterator<Item = u32> + use<> {
    operation.action.consumes().into_iter().chain(operation.action.produces())
}

/// By value: the compare-and-set that replaced it. Two that did are unsound.
fn successors(operations: &[Operation<RegisterAction>], proofs: &[u32]) -> Result<Vec<u32>, Vec<u32>> {
    let mut next: Vec<u32> = Vec::new();
    for (index, operation) in operations.iter().enumerate().filter(|&(index, _)| proofs[index] != NOBODY) {
        let RegisterAction::Cas(old, new) = operation.action else { continue };
        if next.len() <= old as usize {
            next.resize(old as usize + 1, NOBODY);
        }
        let taken = std::mem::replace(&mut next[old as usize], index as u32);
        if let Some(RegisterAction::Cas(_, other)) = operations.get(taken as usize).map(|operation| operation.action) {
            return Err(vec![other, new]);
        }
    }
    Ok(next)
}

/// The values that follow each other by compare-and-set, from `root` on.
fn chain(operations: &[Operation<RegisterAction>], next: &[u32], root: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(root), |&value| {
        let index = *next.get(value as usize)?;
        operations.get(index as usize)?.action.produces()
    })
}

/// Two blocks each of which must come before the other, if there are any.
fn conflict(blocks: Vec<Block>) -> Option<[Block; 2]> {
    let (mut forward, backward): (Vec<Block>, Vec<Block>) = blocks.into_iter().partition(Block::is_forward);
    forward.sort_by_key(|block| block.extent.first_return);
    if let Some(second) = (1..forward.len()).find(|&i| forward[i].extent.first_return < forward[i - 1].extent.last_call)
    {
        return Some([forward.swap_remove(second), forward.swap_remove(second - 1)]);
    }
    for block in backward {
        let earlier = forward.partition_point(|zone| zone.extent.first_return < block.extent.last_call);
        let Some(zone) = earlier.checked_sub(1) else { continue };
        if block.extent.first_return < forward[zone].extent.last_call {
            return Some([forward.swap_remove(zone), block]);
        }
    }
    None
}
