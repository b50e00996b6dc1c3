//! A part of a history: what happened between two rows, whatever came before.
//!
//! Cut any order of the whole history where the part begins. What comes after the cut is an order of the part from some state: all that
//! was called in it is there, what was open at the cut may be, and so may what may have happened before. So where no state is one from
//! which such an order passes a return, nothing passes that return in the whole history either, and what came before need not be looked at.

use crate::linearizable::Operation;
use crate::models::{Model, Nature, State};
use crate::pairing::NEVER;

/// See the module.
pub struct Part<A> {
    /// What happened or may have happened, by invocation.
    pub operations: Vec<Operation<A>>,
    /// The states that it may begin in, as far as they matter.
    pub states: Vec<State>,
}

impl<A: Copy> Part<A> {
    /// What happened from row `from` on and before row `until`, of a model with offers or accesses.
    pub fn new<M: Model<Action = A>>(model: &M, operations: &[Operation<A>], from: u32, until: u32) -> Self {
        let called = operations.iter().take_while(|operation| operation.invocation < until);
        let mut part: Vec<Operation<A>> = called.filter(|operation| operation.completion >= from).copied().collect();
        for operation in &mut part {
            if operation.invocation < from || operation.completion >= until {
                operation.completion = NEVER;
            }
        }
        part.retain(|operation| !(operation.is_pending() && model.nature(operation.action) == Nature::Observation));
        let states = if from == 0 { vec![model.initial()] } else { Self::wanted(model, &part) };
        Part { operations: part, states }
    }

    /// What happened after the required observation `first`, which tells the state, and before row `until`. What was open while it was may
    /// have gone before it or after.
    pub fn after<M: Model<Action = A>>(
        model: &mut M,
        operations: &[Operation<A>],
        first: &Operation<A>,
        until: u32,
    ) -> Option<Self> {
        let start = model.initial();
        let state = model.lacks(start, first.action).map(|difference| model.plus(start, difference))?;
        let part = Self::new(model, operations, first.invocation, until);
        let mut operations = part.operations;
        for operation in operations.iter_mut().filter(|operation| operation.invocation <= first.completion) {
            operation.completion = NEVER;
        }
        operations
            .retain(|operation| !(operation.is_pending() && model.nature(operation.action) == Nature::Observation));
        Some(Part { operations, states: vec![state] })
    }

    /// Where nothing wants what a state offers, all can follow from any other that can follow from it.
    fn wanted<M: Model<Action = A>>(model: &M, part: &[Operation<A>]) -> Vec<State> {
        let consumed = part.iter().filter_map(|operation| model.consumes(operation.action));
        let mut states: Vec<State> = consumed.map(|token| model.offering(token)).collect();
        states.push(model.initial());
        states.sort_unstable();
        states.dedup();
        states
    }
}
