//! Orphans: what is read that no required operation can have written.
//!
//! Such a read shows that something took effect of which nobody knows, whatever the order. To use it costs nothing, therefore: it is
//! owed. What else is used of what may have happened costs, and is tried where there is no other way.

use crate::linearizable::Operation;
use crate::models::{Model, Nature};

/// The required writes of one place.
#[derive(Default)]
struct Writes {
    /// Completions in order, each with the last invocation of those up to it.
    ended: Vec<(u32, u32)>,
    /// Value, invocation and last completion of those of the same value up to it, in this order.
    of_value: Vec<(u32, u32, u32)>,
}

impl Writes {
    fn sort(&mut self) {
        self.ended.sort_unstable();
        let mut last = 0;
        for (_, invocation) in &mut self.ended {
            last = last.max(*invocation);
            *invocation = last;
        }
        self.of_value.sort_unstable();
        let (mut value_before, mut last) = (u32::MAX, 0);
        for (value, _, completion) in &mut self.of_value {
            last = if *value == value_before { last.max(*completion) } else { *completion };
            (value_before, *completion) = (*value, last);
        }
    }

    /// Whether one of them, or the beginning, can be the last before an operation, and leaves it `value`.
    fn can_leave(&self, value: u32, initial: u32, invocation: u32, completion: u32) -> bool {
        let before = self.ended.partition_point(|&(ended, _)| ended < invocation);
        let Some(&(_, last)) = before.checked_sub(1).and_then(|at| self.ended.get(at)) else {
            return value == initial || self.of_value_before(value, completion).is_some();
        };
        // What ended before that began was overwritten.
        self.of_value_before(value, completion).is_some_and(|ended| ended >= last)
    }

    /// The last completion of writes of `value` called before row `until`.
    fn of_value_before(&self, value: u32, until: u32) -> Option<u32> {
        let count = self.of_value.partition_point(|&(other, invocation, _)| (other, invocation) < (value, until));
        let &(other, _, ended) = self.of_value.get(count.checked_sub(1)?)?;
        (other == value).then_some(ended)
    }
}

/// By operation: how many values it finds that no required operation can have left; nothing for a model without accesses.
pub fn orphans<M: Model>(model: &M, operations: &[Operation<M::Action>]) -> Vec<u8> {
    if !model.has_accesses() || operations.iter().all(|operation| !operation.is_pending()) {
        return Vec::new();
    }
    let mut writes: Vec<Writes> = Vec::new();
    writes.resize_with(model.places(), Writes::default);
    for operation in operations.iter().filter(|operation| !operation.is_pending()) {
        for access in model.accesses(operation.action) {
            if let (Some(value), Some(writes)) = (access.leaves, writes.get_mut(access.key as usize)) {
                writes.ended.push((operation.completion, operation.invocation));
                writes.of_value.push((value, operation.invocation, operation.completion));
            }
        }
    }
    writes.iter_mut().for_each(Writes::sort);
    let initial = model.initial();
    let owed = |operation: &Operation<M::Action>| {
        let found = model.accesses(operation.action).iter().filter_map(|access| Some((access.key, access.finds?)));
        let is_owed = |&(place, value): &(u32, u32)| {
            let Operation { invocation, completion, .. } = *operation;
            let writes = &writes[place as usize];
            !writes.can_leave(value, model.holds(initial, place), invocation, completion)
        };
        u8::try_from(found.filter(is_owed).count()).unwrap_or(u8::MAX)
    };
    operations.iter().map(|operation| if operation.is_pending() { 0 } else { owed(operation) }).collect()
}

/// Whether `action` writes, and goes whatever it finds, though it may leave some places as they are.
pub fn is_blind<M: Model>(model: &M, action: M::Action) -> bool {
    model.has_accesses()
        && model.nature(action) == Nature::Update
        && model.accesses(action).iter().all(|access| access.finds.is_none())
}
