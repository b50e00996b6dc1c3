//! What is known about deciding and explaining FIFO queues: by rules where every element is put in at most once, in lockstep otherwise.

use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use super::decide::{Apart, Decide, Decision, Followed};
use super::distinct::{broken_pool, decide_pool, in_a_pool, queue_apart};
use super::shrink::{Unit, generic_units};
use super::{Budget, Operation, lockstep};
use crate::models::{Model, Queue, QueueAction};
use crate::objects::{Refutation, overdrawn, queue};
use crate::pairing::NEVER;

impl Decide for Queue {
    fn apart(&self, operations: &[Operation<QueueAction>]) -> Option<Apart<Self>> {
        let (operations, elements) = queue_apart(operations);
        let enqueues = operations.iter().filter(|o| matches!(o.action, QueueAction::Enqueue(_))).count();
        Some((Queue::new(elements, enqueues), operations))
    }

    fn directly(&self, operations: &[Operation<QueueAction>]) -> Option<Decision> {
        decide_pool(operations, self.tokens(), queue)
    }

    fn broken(&self, operations: &[Operation<QueueAction>], row: u32) -> Option<Refutation> {
        broken_pool(operations, self.tokens(), row, queue)
    }

    fn refute(&self, operations: &[Operation<QueueAction>]) -> Option<u32> {
        overdrawn(&in_a_pool(operations))
    }

    fn follow(
        &self,
        operations: &[Operation<QueueAction>],
        budget: Budget,
        interrupt: &AtomicBool,
    ) -> Option<Followed> {
        lockstep::decide(&in_a_pool(operations), budget, interrupt)
    }

    fn units(&self, operations: &[Operation<QueueAction>]) -> Vec<Vec<Unit>> {
        let mut units = generic_units(self, operations);
        units.push(spare_enqueues(operations));
        units
    }
}

/// Enqueues that can be left out because others of the element do: at least as many as could have come out, and each of them was called
/// and returned earlier. In any order those can be the first of the element, and then what this one put in never comes out.
fn spare_enqueues(operations: &[Operation<QueueAction>]) -> Vec<Unit> {
    let mut enqueues: FxHashMap<u32, Vec<(u32, u32)>> = FxHashMap::default();
    let mut dequeues: FxHashMap<u32, usize> = FxHashMap::default();
    let mut unknown = 0;
    for operation in operations {
        match operation.action {
            QueueAction::Enqueue(element) => {
                enqueues.entry(element).or_default().push((operation.completion, operation.invocation));
            }
            QueueAction::Dequeue(element) => *dequeues.entry(element).or_default() += 1,
            QueueAction::DequeueAny => unknown += 1,
            QueueAction::Empty => {}
        }
    }
    let mut spare = Vec::new();
    for (element, mut of_one) in enqueues {
        // What no known dequeue took can be left out together with the unknown one that may have.
        let needed = dequeues.get(&element).map_or(0, |known| known + unknown);
        of_one.sort_unstable();
        let mut calls: Vec<u32> = Vec::new();
        for (completion, call) in of_one {
            let earlier = calls.partition_point(|&other| other < call);
            if earlier >= needed {
                spare.push(call);
            }
            if completion != NEVER {
                calls.insert(earlier, call);
            }
        }
    }
    spare.sort_unstable();
    spare.into_iter().map(Unit::Operation).collect()
}
