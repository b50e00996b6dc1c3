//! What is known about deciding a store: what happened to one of its keys by itself is what happened to a register.
//!
//! Leave everything out of an order of transactions but what they did to one key: a register explains the rest. So where it does not, there
//! is no order. That says nothing of keys together, but most of what goes wrong shows in one of them, and registers are decided quickly.

use std::sync::atomic::AtomicBool;

use rustc_hash::{FxHashMap, FxHashSet};

use super::decide::{Decide, decide};
use super::search::Conclusion;
use super::{Budget, Operation};
use crate::models::{Access, KeyValue, Model, Register, RegisterAction};

/// What deciding one key may take: at least, and for each operation on it.
const STEPS: (u64, u64) = (1 << 12, 16);
const BYTES: (u64, u64) = (1 << 20, 256);

impl Decide for KeyValue {
    fn refute(&self, operations: &[Operation<Self::Action>]) -> Option<u32> {
        let mut keys: Vec<Key> = (0..self.places()).map(|_| Key::new()).collect();
        for operation in operations {
            for access in self.accesses(operation.action) {
                keys[access.key as usize].happened(operation, access.finds, access.leaves);
            }
        }
        keys.iter().filter_map(Key::blocked).min()
    }

    fn of_use(&self, mut operations: Vec<Operation<Self::Action>>) -> Vec<Operation<Self::Action>> {
        let found = operations.iter().flat_map(|operation| self.accesses(operation.action));
        let found: FxHashSet<_> = found.filter_map(|access| Some((access.key, access.finds?))).collect();
        let is_of_use = |access: &Access| access.leaves.is_some_and(|value| found.contains(&(access.key, value)));
        operations.retain(|operation| !operation.is_pending() || self.accesses(operation.action).iter().any(is_of_use));
        operations
    }
}

/// What happened to one key.
struct Key {
    operations: Vec<Operation<RegisterAction>>,
    /// By value of the store, the first being what there is in the beginning: that of the register.
    values: FxHashMap<u32, u32>,
}

impl Key {
    fn new() -> Self {
        Key { operations: Vec::new(), values: [(Register::INITIAL, Register::INITIAL)].into_iter().collect() }
    }

    fn happened<A>(&mut self, operation: &Operation<A>, finds: Option<u32>, leaves: Option<u32>) {
        let mut number = |value| {
            let next = self.values.len() as u32;
            *self.values.entry(value).or_insert(next)
        };
        let action = match (finds.map(&mut number), leaves.map(&mut number)) {
            (None, None) => return,
            (None, Some(left)) => RegisterAction::Write(left),
            (Some(found), Some(left)) if found != left => RegisterAction::Cas(found, left),
            (Some(found), _) => RegisterAction::Read(found),
        };
        let &Operation { invocation, completion, .. } = operation;
        if !(operation.is_pending() && matches!(action, RegisterAction::Read(_))) {
            self.operations.push(Operation { invocation, completion, action });
        }
    }

    /// The first return that can't be passed, if that is soon found out.
    fn blocked(&self) -> Option<u32> {
        let count = self.operations.len() as u64;
        let budget = Budget { max_steps: STEPS.0 + STEPS.1 * count, max_bytes: BYTES.0 + BYTES.1 * count };
        let register = Register { values: self.values.len() };
        match decide(&register, &self.operations, budget, &AtomicBool::new(false)).conclusion {
            Conclusion::Blocked(row) => Some(row),
            Conclusion::Linearizable | Conclusion::Exhausted(..) => None,
        }
    }
}
