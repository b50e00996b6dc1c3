//! What comes out of a pool had been put in as often: the rule that still tells something where elements repeat and much is unknown.

use rustc_hash::FxHashMap;

use super::pool::PoolAction;
use crate::linearizable::Operation;
use crate::pairing::NEVER;

/// The first return by which an element was taken more often than puts of it had been called, in operations sorted by call.
pub fn overdrawn(operations: &[Operation<PoolAction>]) -> Option<u32> {
    let mut puts: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut takes: Vec<(u32, u32)> = Vec::new();
    for operation in operations {
        match operation.action {
            PoolAction::Put(element) => puts.entry(element).or_default().push(operation.invocation),
            PoolAction::Take(element) if operation.completion != NEVER => takes.push((operation.completion, element)),
            _ => {}
        }
    }
    takes.sort_unstable();
    let mut taken: FxHashMap<u32, usize> = FxHashMap::default();
    let is_overdrawn = |&(row, element): &(u32, u32)| {
        let count = taken.entry(element).or_default();
        *count += 1;
        puts.get(&element).and_then(|calls| calls.get(*count - 1)).is_none_or(|&call| call > row)
    };
    takes.into_iter().find(is_overdrawn).map(|(row, _)| row)
}
