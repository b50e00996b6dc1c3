//! What is known about deciding and explaining queues, stacks and sets: by rules, where every element is put in at most once. Other stacks
//! are followed.

use std::sync::atomic::AtomicBool;

use super::apart::told_apart;
use super::decide::{Algorithm, Apart, Decide, Decision, Followed};
use super::search::Conclusion;
use super::{Budget, Operation, membership, stacks};
use crate::models::{Model, QueueAction, Set, SetAction, Stack, StackAction, UnorderedQueue};
use crate::objects::{
    self, Judge, Judgement, Kin, PoolAction, Refutation, blame, first_blocked, kin_of_snapshots, overdrawn, snapshots,
    stack, unordered_queue, without_returns,
};

impl From<QueueAction> for PoolAction {
    fn from(action: QueueAction) -> PoolAction {
        match action {
            QueueAction::Enqueue(element) => PoolAction::Put(element),
            QueueAction::Dequeue(element) => PoolAction::Take(element),
            QueueAction::Empty => PoolAction::Empty,
            QueueAction::DequeueAny => PoolAction::TakeUnknown,
        }
    }
}

impl From<StackAction> for PoolAction {
    fn from(action: StackAction) -> PoolAction {
        match action {
            StackAction::Push(element) => PoolAction::Put(element),
            StackAction::Pop(element) => PoolAction::Take(element),
            StackAction::Empty => PoolAction::Empty,
            StackAction::PopAny => PoolAction::TakeUnknown,
        }
    }
}

impl Decide for UnorderedQueue {
    fn apart(&self, operations: &[Operation<QueueAction>]) -> Option<Apart<Self>> {
        let (operations, elements) = queue_apart(operations);
        Some((UnorderedQueue::new(elements), operations))
    }

    fn directly(&self, operations: &[Operation<QueueAction>]) -> Option<Decision> {
        decide_pool(operations, self.tokens(), unordered_queue)
    }

    fn broken(&self, operations: &[Operation<QueueAction>], row: u32) -> Option<Refutation> {
        broken_pool(operations, self.tokens(), row, unordered_queue)
    }

    fn refute(&self, operations: &[Operation<QueueAction>]) -> Option<u32> {
        overdrawn(&in_a_pool(operations))
    }
}

impl Decide for Stack {
    fn apart(&self, operations: &[Operation<StackAction>]) -> Option<Apart<Self>> {
        let handled = |action| match action {
            StackAction::Push(element) => Some((element, true)),
            StackAction::Pop(element) => Some((element, false)),
            StackAction::Empty | StackAction::PopAny => None,
        };
        let renumbered = |action, element| match action {
            StackAction::Push(_) => StackAction::Push(element),
            StackAction::Pop(_) => StackAction::Pop(element),
            other => other,
        };
        let (operations, elements) = told_apart(operations, handled, renumbered);
        Some((Stack::new(elements), operations))
    }

    fn directly(&self, operations: &[Operation<StackAction>]) -> Option<Decision> {
        decide_pool(operations, self.tokens(), stack)
    }

    fn broken(&self, operations: &[Operation<StackAction>], row: u32) -> Option<Refutation> {
        broken_pool(operations, self.tokens(), row, stack)
    }

    fn refute(&self, operations: &[Operation<StackAction>]) -> Option<u32> {
        overdrawn(&in_a_pool(operations))
    }

    fn follow(
        &self,
        operations: &[Operation<StackAction>],
        budget: Budget,
        interrupt: &AtomicBool,
    ) -> Option<Followed> {
        stacks::decide(&in_a_pool(operations), budget, interrupt)
    }
}

impl Decide for Set {
    fn directly(&self, operations: &[Operation<SetAction>]) -> Option<Decision> {
        let (elements, reads) = (self.elements(), self.seen());
        by_rules(operations, kin_of_snapshots, &|history| snapshots(history, elements, &reads))
    }

    fn broken(&self, operations: &[Operation<SetAction>], row: u32) -> Option<Refutation> {
        let (elements, reads) = (self.elements(), self.seen());
        broken(operations, row, &|history| snapshots(history, elements, &reads))
    }

    fn refute(&self, operations: &[Operation<SetAction>]) -> Option<u32> {
        membership::refute(self, operations)
    }
}

/// The operations of a queue, with elements that come back told apart.
pub fn queue_apart(operations: &[Operation<QueueAction>]) -> (Vec<Operation<QueueAction>>, usize) {
    let handled = |action| match action {
        QueueAction::Enqueue(element) => Some((element, true)),
        QueueAction::Dequeue(element) => Some((element, false)),
        QueueAction::Empty | QueueAction::DequeueAny => None,
    };
    let renumbered = |action, element| match action {
        QueueAction::Enqueue(_) => QueueAction::Enqueue(element),
        QueueAction::Dequeue(_) => QueueAction::Dequeue(element),
        other => other,
    };
    told_apart(operations, handled, renumbered)
}

/// The operations as they happen to a pool.
pub fn in_a_pool<A: Copy + Into<PoolAction>>(operations: &[Operation<A>]) -> Vec<Operation<PoolAction>> {
    let action =
        |o: &Operation<A>| Operation { invocation: o.invocation, completion: o.completion, action: o.action.into() };
    operations.iter().map(action).collect()
}

/// Decide a pool by the rules for distinct elements, where they apply.
pub fn decide_pool<A: Copy + Into<PoolAction>>(
    operations: &[Operation<A>],
    elements: usize,
    decide: objects::Decide,
) -> Option<Decision> {
    let operations = in_a_pool(operations);
    // The rules take it for known what a take returned. In a history that was cut short before it did, it may not have happened, and one
    // of unknown end may have taken the element.
    let is_pending = |o: &Operation<PoolAction>| o.is_pending() && matches!(o.action, PoolAction::Take(_));
    let is_unknown = |o: &Operation<PoolAction>| o.action == PoolAction::TakeUnknown;
    if operations.iter().any(is_pending) && operations.iter().any(is_unknown) {
        return None;
    }
    by_rules(&operations, PoolAction::kin, &|history| decide(history, elements))
}

/// The rule for distinct elements that a pool breaks whose return in `row` is the first that can't be passed.
pub fn broken_pool<A: Copy + Into<PoolAction>>(
    operations: &[Operation<A>],
    elements: usize,
    row: u32,
    decide: objects::Decide,
) -> Option<Refutation> {
    let operations = in_a_pool(operations);
    let refutation = broken(&operations, row, &|history| decide(history, elements))?;
    Some(blame(&without_returns(&operations, row + 1), refutation, decide))
}

/// Decide an object by the rules for distinct elements, where they apply.
pub fn by_rules<A: Copy>(operations: &[Operation<A>], kin: fn(&A) -> Kin, judge: Judge<A>) -> Option<Decision> {
    let conclusion = match judge(operations) {
        Judgement::Linearizable => Conclusion::Linearizable,
        Judgement::Impossible(refutation) => Conclusion::Blocked(first_blocked(operations, &refutation, kin, judge)),
        Judgement::Undecided => return None,
    };
    Some(Decision { conclusion, algorithm: Algorithm::Intervals, steps: operations.len() as u64, peak_bytes: 0 })
}

/// The rule that is broken by operations of which the return in `row` is the first that can't be passed.
pub fn broken<A: Copy>(operations: &[Operation<A>], row: u32, judge: Judge<A>) -> Option<Refutation> {
    match judge(&without_returns(operations, row + 1)) {
        Judgement::Impossible(refutation) => Some(refutation),
        Judgement::Linearizable | Judgement::Undecided => None,
    }
}
