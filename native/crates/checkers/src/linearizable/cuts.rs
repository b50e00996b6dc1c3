//! Cuts: rows at which no operation is open and the state is the same whatever the order of all before.
//!
//! At a cut the history falls apart: what comes after can be linearized on every way or on none, so a search that gets there need
//! never look back. A quiet row is a cut if one producer began after every other had returned, so that it is the last in any order,
//! and no operation that may have happened could still be needed after that producer began. Of a model without tokens less is known.

use super::Operation;
use super::classes::Classes;
use crate::models::{Model, Nature};

/// The rows of the last returns before the cuts, in order.
pub fn cuts<M: Model>(model: &M, operations: &[Operation<M::Action>], classes: &Classes<M::Action>) -> Vec<u32> {
    if !model.has_offers() {
        return cuts_without_tokens(model, operations, classes);
    }
    let mut pending: Vec<(u32, u32)> = Vec::new();
    for class in &classes.classes {
        let until = classes.needed_until(model, class);
        pending.extend(class.members.iter().map(|&member| (operations[member as usize].invocation, until)));
    }
    pending.sort_unstable();
    let mut pending = pending.into_iter().peekable();
    let mut rows = Vec::new();
    let mut needed_until = 0;
    let mut quiet = Quiet::default();
    for operation in operations.iter().filter(|operation| !operation.is_pending()) {
        if operation.invocation > quiet.last_return && quiet.last_return > 0 {
            while let Some((_, until)) = pending.next_if(|&(invocation, _)| invocation < quiet.last_return) {
                needed_until = needed_until.max(until);
            }
            if quiet.is_determined() && needed_until <= quiet.last_producer.0 {
                rows.push(quiet.last_return);
            }
        }
        quiet.last_return = quiet.last_return.max(operation.completion);
        if model.nature(operation.action) != Nature::Observation {
            quiet.produce(operation.invocation, operation.completion);
        }
    }
    rows
}

/// The cuts of a model whose states offer no token: quiet rows before which nothing pending was called, if the order of what changes
/// the state can't matter (its actions commute), or can't differ (no two were open at once since the last cut).
fn cuts_without_tokens<M: Model>(
    model: &M,
    operations: &[Operation<M::Action>],
    classes: &Classes<M::Action>,
) -> Vec<u32> {
    let pending = classes.classes.iter().flat_map(|class| &class.members);
    let first_pending = pending.map(|&member| operations[member as usize].invocation).min().unwrap_or(u32::MAX);
    let mut rows = Vec::new();
    let (mut last_return, mut last_change, mut is_forced) = (0, 0, true);
    for operation in operations.iter().filter(|operation| !operation.is_pending()) {
        if operation.invocation > first_pending {
            break;
        }
        if operation.invocation > last_return && last_return > 0 && (model.commutes() || is_forced) {
            rows.push(last_return);
            is_forced = true;
        }
        last_return = last_return.max(operation.completion);
        if model.nature(operation.action) != Nature::Observation {
            is_forced &= operation.invocation > last_change;
            last_change = last_change.max(operation.completion);
        }
    }
    rows
}

/// What is known of the operations so far.
#[derive(Default)]
struct Quiet {
    last_return: u32,
    /// Invocation and completion of the producer that was invoked last.
    last_producer: (u32, u32),
    /// The last completion among all other producers.
    others_return: u32,
}

impl Quiet {
    /// Another producer, invoked after all before.
    fn produce(&mut self, invocation: u32, completion: u32) {
        self.others_return = self.others_return.max(self.last_producer.1);
        self.last_producer = (invocation, completion);
    }

    fn is_determined(&self) -> bool {
        self.others_return <= self.last_producer.0
    }
}
