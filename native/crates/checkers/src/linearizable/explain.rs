//! Explains why an object can't be linearized: the return that can't be passed, a smallest set of operations that shows it, and what was
//! in the way in each configuration that got that far.

use std::sync::atomic::AtomicBool;

use super::decide::Decide;
use super::object::Object;
use super::recent::{Recent, end, plain};
use super::search::{Conclusion, Goal, search};
use super::shrink::{Shrunk, prefix, shrink};
use super::{Budget, Operation};
use crate::models::{Model, Nature, shown};
use crate::objects::{self, Refutation, Rule};

/// Why one object is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key.
    pub key: Option<i64>,
    /// Which of the elements at the key; nothing if it is about all that there is.
    pub element: Option<i64>,
    /// The invocation of the operation whose return is the first that can't be passed.
    pub blocked: u32,
    /// The row of that return.
    pub blocked_return: u32,
    /// Operations that can't be linearized by themselves, by invocation.
    pub witness: Vec<Witness>,
    /// The rule that the witness breaks, where the object is decided by rules; nothing where it was searched.
    pub rule: Option<Rule>,
    /// The row from which on the history is told: the witness is impossible whatever the object held then, and whichever operations had
    /// taken effect that were open then, unless it is known what it `held`. Nothing if it is told from its beginning.
    pub start: Option<u32>,
    /// What the object held before the row of the start, in words, if that is known.
    pub held: Option<String>,
    /// How many operations are not in the witness because, if there were an order of all, there would be one that begins with them; they
    /// leave the object as it was.
    pub beginning: usize,
    /// Whether nothing can be left out of the witness; false when the budget ended before that was sure.
    pub minimal: bool,
    /// How far the witness can be linearized, in ways that get as far as the blocked return; at most a few.
    pub configurations: Vec<Configuration>,
    /// Whether those are all; false where there are more, or looking for them took too long.
    pub exhaustive: bool,
}

/// An operation of the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The row of its invocation.
    pub row: u32,
    /// What it has to do with the failure.
    pub role: Role,
}

/// What an operation has to do with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its return can't be passed.
    Blocked,
    /// It produced the value or element that the blocked operation needs.
    Source,
    /// It changed the state otherwise.
    Overwrite,
    /// It only observed.
    Observer,
    /// What it has to do with the rule that is broken.
    InRule(objects::Role),
}

impl Role {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Blocked => "blocked",
            Role::Source => "source",
            Role::Overwrite => "overwrite",
            Role::Observer => "observer",
            Role::InRule(role) => role.name(),
        }
    }
}

/// A configuration from which nothing could go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The state, in words: of a register, its value.
    pub state: String,
    /// The invocation of the operation that brought it about; nothing if it was so from the start.
    pub since: Option<u32>,
    /// The operations that were called and could not go.
    pub stuck: Vec<Stuck>,
}

/// An operation that could not go in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The row of its invocation.
    pub row: u32,
    /// What it would have had to find, if that is one value or element.
    pub needs: Option<String>,
}

/// Steps that telling configurations is worth: at least, and for each operation of the witness.
const CONFIGURATIONS_STEPS: (u64, u64) = (1 << 16, 8);

/// Steps that telling the end of a long history by itself is worth, before anything else is left out of it.
const BRIEFLY: u64 = 1 << 17;

/// Explain a history whose return in `row` is the first that can't be passed.
pub fn explain<M: Decide>(object: &Object<M>, row: u32, budget: Budget, interrupt: &AtomicBool) -> Explanation {
    if let Some(refutation) = object.broken(row) {
        return explain_by_rule(object, row, &refutation);
    }
    let telling = Telling { object, row, budget, interrupt };
    let brief = Budget { max_steps: budget.max_steps.min(BRIEFLY), ..budget };
    let all = object.model.suspects(prefix(&object.model, &object.operations, row + 1));
    if let Some(recent) = end(&object.model, &all, brief, interrupt) {
        return telling.recent(recent);
    }
    let shrunk = match object.model.apart(&object.operations) {
        Some((model, apart)) => together(object, shrink(&model, &apart, row, budget, interrupt)),
        None => shrink(&object.model, &object.operations, row, budget, interrupt),
    };
    if let Some(recent) = end(&shrunk.model, &shrunk.operations, budget, interrupt) {
        return telling.recent(recent);
    }
    let (known, witness) = (shrunk.model.clone(), shrunk.operations.clone());
    telling.by_search(&known, &witness, shrunk)
}

/// What was found of elements that were told apart, as the object knows it.
fn together<M: Decide>(object: &Object<M>, apart: Shrunk<M>) -> Shrunk<M> {
    let known = |operation: &Operation<M::Action>| {
        let place = object.operations.binary_search_by_key(&operation.invocation, |known| known.invocation).ok()?;
        Some(Operation { action: object.operations[place].action, ..*operation })
    };
    let operations = apart.operations.iter().filter_map(known).collect();
    Shrunk { model: object.model.clone(), operations, ..apart }
}

/// A history whose return in `row` is the first that can't be passed.
struct Telling<'a, M: Decide> {
    object: &'a Object<M>,
    row: u32,
    budget: Budget,
    interrupt: &'a AtomicBool,
}

impl<M: Decide> Telling<'_, M> {
    /// By its end.
    fn recent(&self, shrunk: Shrunk<Recent<M>>) -> Explanation {
        let (known, witness) = (shrunk.model.model.clone(), plain(&shrunk.operations));
        let (start, held) = (Some(shrunk.model.start), shrunk.model.held(&self.object.names));
        Explanation { start, held, ..self.by_search(&known, &witness, shrunk) }
    }

    /// By where all ways to linearize a witness end. `known` is the object as it knows itself, and the `witness` as that knows it.
    fn by_search<W: Model>(&self, known: &M, witness: &[Operation<M::Action>], shrunk: Shrunk<W>) -> Explanation {
        let (object, row) = (self.object, self.row);
        let (least, each) = CONFIGURATIONS_STEPS;
        let max_steps = self.budget.max_steps.min(least + each * witness.len() as u64);
        let budget = Budget { max_steps, ..self.budget };
        let mut found = search(shrunk.model, &shrunk.operations, Goal::FirstBlocked, budget, self.interrupt);
        let is_complete = found.conclusion == Conclusion::Blocked(row);
        if !is_complete && !matches!(found.conclusion, Conclusion::Exhausted(_, furthest) if furthest == row) {
            found.dead_ends.clear();
        }
        let blocked = object.operations.iter().find(|operation| operation.completion == row);
        let configurations = found.dead_ends.iter().map(|dead_end| {
            let stuck = dead_end.stuck.iter().map(|&index| {
                let needs = known.consumes(witness[index].action).map(|token| shown(token, &object.names));
                Stuck { row: witness[index].invocation, needs }
            });
            Configuration {
                state: found.model.describe(dead_end.state, &object.names),
                since: dead_end.since.map(|index| witness[index].invocation),
                stuck: stuck.collect(),
            }
        });
        let role = |operation: &Operation<M::Action>| match blocked {
            Some(blocked) => role(known, operation, blocked),
            None => Role::Overwrite,
        };
        Explanation {
            key: object.key,
            element: object.element,
            blocked: blocked.map_or(row, |operation| operation.invocation),
            blocked_return: row,
            configurations: configurations.collect(),
            witness: witness.iter().map(|o| Witness { row: o.invocation, role: role(o) }).collect(),
            rule: None,
            start: None,
            held: None,
            beginning: shrunk.beginning,
            minimal: shrunk.minimal,
            exhaustive: is_complete && !found.more_dead_ends,
        }
    }
}

/// Explain a history whose return in `row` is the first that can't be passed, by the rule that it breaks.
fn explain_by_rule<M: Decide>(object: &Object<M>, row: u32, refutation: &Refutation) -> Explanation {
    let blocked = object.operations.iter().find(|operation| operation.completion == row);
    let witness = refutation.parts.iter().map(|part| Witness {
        row: object.operations[part.operation as usize].invocation,
        role: Role::InRule(part.role),
    });
    Explanation {
        key: object.key,
        element: object.element,
        blocked: blocked.map_or(row, |operation| operation.invocation),
        blocked_return: row,
        witness: witness.collect(),
        rule: Some(refutation.rule),
        start: None,
        held: None,
        beginning: 0,
        minimal: true,
        configurations: Vec::new(),
        exhaustive: true,
    }
}

fn role<M: Model>(model: &M, operation: &Operation<M::Action>, blocked: &Operation<M::Action>) -> Role {
    if operation.completion == blocked.completion {
        return Role::Blocked;
    }
    if model.nature(operation.action) == Nature::Observation {
        return Role::Observer;
    }
    match (model.produces(operation.action), model.consumes(blocked.action)) {
        (Some(left), Some(needed)) if left == needed => Role::Source,
        _ => Role::Overwrite,
    }
}
