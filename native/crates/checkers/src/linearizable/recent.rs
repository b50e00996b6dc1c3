//! The end of a history by itself: operations that are impossible whatever the object held before them.
//!
//! Where an object keeps what happened to it, as a counter keeps its sum, nothing that ever happened can be left out of a witness, and
//! the operations that do prove a violation stand at the end of thousands. So what returned before some moment is forgotten, and with it
//! what the object holds then: a state may stand for many ([`Model::anything`]). What was open at that moment may have taken effect
//! before it, and then it tells nothing ([`Recent`]). Whatever explains the history explains this as well; if nothing does, the history
//! is impossible. The later the moment, the less is forbidden, so the last one that is early enough is found by halving.
//!
//! Of an unordered queue too much is possible when nothing is known of it. There the moment is the last at which nothing was open, and
//! what it held then is known, because it does not depend on the order of what had happened.

use std::sync::atomic::AtomicBool;

use super::decide::{Decide, verdict};
use super::shrink::{Shrunk, Unit, minimal};
use super::{Budget, Operation};
use crate::models::{Model, Nature, State};
use crate::verdict::Verdict;

/// A witness of as many operations is told whole.
const FEW: usize = 24;

/// An object of which nothing is known at first, or one that is told from a known state on.
#[derive(Clone, Debug)]
pub struct Recent<M> {
    /// The object.
    pub model: M,
    /// The row from which on it is told.
    pub start: u32,
    /// Its state then.
    before: State,
    is_known: bool,
}

/// An action, and whether it was open when the history began to be told.
pub type Told<A> = (A, bool);

/// Nothing that was called later has happened yet. What was open then changes nothing here: the state is any, before it and after it.
const AT_FIRST: State = State::MAX - 1;

/// The end of impossible operations from which on they are impossible by themselves, cut down until none can be left out. Nothing if they
/// are few anyway, or that takes more than the budget.
pub fn end<M: Decide>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Option<Shrunk<Recent<M>>> {
    if operations.len() <= FEW {
        return None;
    }
    let mut model = model.clone();
    let Some(before) = model.anything() else {
        let found = since_all_was_quiet(model, operations)?;
        return Some(minimal(found, budget, interrupt));
    };
    let recent = Recent { model, start: 0, before, is_known: false };
    let mut searching = Searching { recent, operations, budget, interrupt };
    let (mut possible, mut impossible) = (0, FEW / 2);
    while !searching.is_impossible(impossible)? {
        if impossible >= operations.len() {
            return None;
        }
        // Not doubled: what a search takes may double with every few operations.
        (possible, impossible) = (impossible, impossible + impossible / 4);
    }
    while impossible - possible > 1 {
        let middle = possible + (impossible - possible) / 2;
        if searching.is_impossible(middle)? {
            impossible = middle;
        } else {
            possible = middle;
        }
    }
    Some(minimal(searching.last(impossible), searching.budget, interrupt))
}

/// What was called after the last moment at which nothing was open, if the object's state then is known.
fn since_all_was_quiet<M: Decide>(mut model: M, operations: &[Operation<M::Action>]) -> Option<Shrunk<Recent<M>>> {
    let mut latest = 0;
    let mut quiet = None;
    for (place, operation) in operations.iter().enumerate() {
        if place > 0 && latest < operation.invocation {
            quiet = Some(place);
        }
        latest = latest.max(operation.completion);
    }
    let (earlier, later) = operations.split_at(quiet.filter(|_| model.commutes())?);
    let mut earlier = earlier.to_vec();
    earlier.sort_by_key(|operation| model.produces(operation.action).is_none());
    let before = earlier.iter().try_fold(model.initial(), |state, operation| model.step(state, operation.action))?;
    let recent = Recent { model, start: later[0].invocation, before, is_known: true };
    let operations = recent.told(later);
    Some(Shrunk { model: recent, operations, beginning: 0, minimal: true })
}

struct Searching<'a, M: Model> {
    recent: Recent<M>,
    operations: &'a [Operation<M::Action>],
    budget: Budget,
    interrupt: &'a AtomicBool,
}

impl<M: Decide> Searching<'_, M> {
    /// Whether the last so many operations are impossible by themselves; nothing if the budget ends before that is known.
    fn is_impossible(&mut self, size: usize) -> Option<bool> {
        let Shrunk { model, operations, .. } = self.last(size);
        let (verdict, steps) = verdict(&model, &operations, self.budget, self.interrupt);
        self.budget.max_steps = self.budget.max_steps.saturating_sub(steps + operations.len() as u64);
        match verdict {
            Verdict::Violation => Some(true),
            Verdict::Valid => Some(false),
            Verdict::Unknown => None,
        }
    }

    /// The last so many operations, by their calls, and those that were open when the first of them was called.
    fn last(&self, size: usize) -> Shrunk<Recent<M>> {
        let start = self.operations[self.operations.len().saturating_sub(size)].invocation;
        let model = Recent { start, ..self.recent.clone() };
        let is_told = |operation: &&Operation<M::Action>| operation.completion > start;
        let operations = self.operations.iter().filter(is_told).copied().collect();
        let operations = model.told(&model.model.of_use(operations));
        Shrunk { model, operations, beginning: 0, minimal: true }
    }
}

impl<M: Model> Recent<M> {
    /// What it held when it began to be told, in words; nothing if it may have held anything.
    pub fn held(&self, names: &[Option<i64>]) -> Option<String> {
        self.is_known.then(|| self.model.describe(self.before, names))
    }

    fn told(&self, operations: &[Operation<M::Action>]) -> Vec<Operation<Told<M::Action>>> {
        let told = |operation: &Operation<M::Action>| Operation {
            invocation: operation.invocation,
            completion: operation.completion,
            action: (operation.action, operation.invocation < self.start),
        };
        operations.iter().map(told).collect()
    }
}

/// The operations as the object itself knows them.
pub fn plain<A: Copy>(operations: &[Operation<Told<A>>]) -> Vec<Operation<A>> {
    let plain = |operation: &Operation<Told<A>>| Operation {
        invocation: operation.invocation,
        completion: operation.completion,
        action: operation.action.0,
    };
    operations.iter().map(plain).collect()
}

/// Knows nothing of what makes a search fast: the end of a history is short, or not worth telling by itself.
impl<M: Model> Model for Recent<M> {
    type Action = Told<M::Action>;

    fn initial(&self) -> State {
        AT_FIRST
    }

    fn step(&mut self, state: State, (action, was_open): Told<M::Action>) -> Option<State> {
        match (state, was_open) {
            (AT_FIRST, true) => Some(AT_FIRST),
            (AT_FIRST, false) => self.model.step_loosely(self.before, action),
            _ => self.model.step_loosely(state, action),
        }
    }

    /// Whoever observes knows more afterwards.
    fn nature(&self, _: Told<M::Action>) -> Nature {
        Nature::Update
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        self.model.describe(if state == AT_FIRST { self.before } else { state }, names)
    }

    fn bytes(&self) -> u64 {
        self.model.bytes()
    }
}

impl<M: Decide> Decide for Recent<M> {
    fn units(&self, operations: &[Operation<Told<M::Action>>]) -> Vec<Vec<Unit>> {
        self.model.units(&plain(operations))
    }

    fn without(
        &self,
        operations: &[Operation<Told<M::Action>>],
        units: &[Unit],
    ) -> (Self, Vec<Operation<Told<M::Action>>>) {
        let (model, rest) = self.model.without(&plain(operations), units);
        let told = self.told(&rest);
        (Recent { model, ..*self }, told)
    }
}
