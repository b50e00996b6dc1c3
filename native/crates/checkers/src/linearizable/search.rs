//! The search: Wing and Gong's, memoised after Lowe, with rules that leave out what cannot matter.
//!
//! Wing and Gong ("Testing and verifying concurrent objects", 1993) try, at each step, every operation that was called before the
//! first return that is still to come; Lowe ("Testing for linearizability", 2017) remembers configurations, a set of linearized
//! operations with a state, that led nowhere. What keeps the number of configurations near the length of the history:
//!
//! 1. An enabled observation that agrees with the state is taken at once and never reconsidered: it can be moved to the front of any
//!    way to finish.
//! 2. Operations that never completed are not required; the search ends when every *return* is passed. See [`super::classes`].
//! 3. A state whose token is still to be consumed, with no producer of it left, is left only by its last consumer. This looks ahead,
//!    so it finds that a history is impossible before it gets to where that shows; see [`Goal`].
//! 4. An overwrite whose token nobody consumes any more is taken just before another overwrite, or together with all of its kind
//!    when nothing else can go: wherever it is in a way to finish, it can be moved there.
//! 5. States whose tokens nobody consumes any more are one state to the memory.
//! 6. At a cut (see [`super::cuts`]) the state is the same on every way, so all alternatives before it are forgotten.
//!
//! Rules 2 to 6 need a model with tokens. Budgets are counted in steps (an operation linearized) and bytes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::classes::Classes;
use super::cuts::cuts;
use super::memo::{Memo, Word, word};
use super::timeline::Timeline;
use super::{Budget, Limit, Operation};
use crate::models::{Model, Nature, State};
use crate::pairing::NEVER;

/// What the search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Whether there is an order, as fast as possible. The blocked return may be too early a one: returns before it can be passed.
    Verdict,
    /// Exactly how far an order can go: the search does without rule 3.
    FirstBlocked,
}

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The operations can be put in an order that respects real time and the model.
    Linearizable,
    /// There is no order. All returns before this row can be passed; with [`Goal::FirstBlocked`] this one can't.
    Blocked(u32),
    /// A limit was reached; returns before this row were passed.
    Exhausted(Limit, u32),
}

/// What the search found, and what it took.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub conclusion: Conclusion,
    /// Operations linearized, those taken back included.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
    /// Configurations at the blocked return from which nothing could go on.
    pub dead_ends: Vec<DeadEnd>,
}

/// A configuration from which nothing can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEnd {
    /// The state.
    pub state: State,
    /// The operation that brought about the state, as an index; nothing for the initial state.
    pub since: Option<usize>,
    /// The required operations that were called and could not go, as indices.
    pub stuck: Vec<usize>,
}

/// How many dead ends are kept, and how often the flag is polled.
const DEAD_ENDS: usize = 8;
const POLL_INTERVAL: u64 = 1 << 12;

/// A candidate is the position of a required operation; or, counted on from there, a class; or this, for every overwrite that nobody
/// needs (rule 4).
const SPENT_OVERWRITES: u32 = u32::MAX;

/// Search for an order of `operations`, which are sorted by invocation.
pub fn search<M: Model>(
    model: M,
    operations: &[Operation<M::Action>],
    goal: Goal,
    budget: Budget,
    interrupt: &AtomicBool,
) -> Found {
    Search::new(model, operations, goal, budget).run(interrupt)
}

/// An operation that was linearized, and how to take it back.
struct Applied {
    candidate: u32,
    state: State,
    since: u32,
}

/// A configuration with candidates yet untried: the trail that led to it, and its part of the stack of candidates.
struct Choice {
    trail: usize,
    first: usize,
    next: usize,
}

const NOTHING: u32 = u32::MAX;

struct Search<'a, M: Model> {
    model: M,
    operations: &'a [Operation<M::Action>],
    goal: Goal,
    budget: Budget,
    required: Vec<u32>,
    timeline: Timeline,
    classes: Classes<M::Action>,
    /// By token: required consumers still to come, and producers still to come.
    consumers: Vec<u32>,
    producers: Vec<u32>,
    state: State,
    /// The operation that brought about the state.
    since: u32,
    signature: u128,
    memo: Memo,
    trail: Vec<Applied>,
    choices: Vec<Choice>,
    candidates: Vec<u32>,
    cuts: Vec<u32>,
    next_cut: usize,
    front: u32,
    steps: u64,
    peak_bytes: u64,
    dead_ends: Vec<DeadEnd>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: M, operations: &'a [Operation<M::Action>], goal: Goal, budget: Budget) -> Self {
        let tokens = model.tokens();
        let (mut consumers, mut producers, mut last) = (vec![0; tokens], vec![0; tokens], vec![0_u32; tokens]);
        let required: Vec<u32> =
            (0..operations.len() as u32).filter(|&i| !operations[i as usize].is_pending()).collect();
        for &index in &required {
            let Operation { action, completion, .. } = operations[index as usize];
            if let Some(token) = model.consumes(action) {
                consumers[token as usize] += 1;
                last[token as usize] = last[token as usize].max(completion);
            }
            if let Some(token) = model.produces(action) {
                producers[token as usize] += 1;
            }
        }
        let classes = Classes::new(&model, operations, &last);
        for class in &classes.classes {
            if let Some(token) = model.produces(class.action) {
                producers[token as usize] += class.members.len() as u32;
            }
        }
        let intervals =
            required.iter().map(|&i| (operations[i as usize].invocation, operations[i as usize].completion));
        Search {
            timeline: Timeline::new(intervals),
            cuts: cuts(&model, operations, &classes),
            state: model.initial(),
            model,
            operations,
            goal,
            budget,
            required,
            classes,
            consumers,
            producers,
            since: NOTHING,
            signature: 0,
            memo: Memo::new(),
            trail: Vec::new(),
            choices: Vec::new(),
            candidates: Vec::new(),
            next_cut: 0,
            front: 0,
            steps: 0,
            peak_bytes: 0,
            dead_ends: Vec::new(),
        }
    }

    fn run(mut self, interrupt: &AtomicBool) -> Found {
        let mut poll_at = POLL_INTERVAL;
        loop {
            self.observe();
            let Some(front) = self.timeline.front() else { return self.found(Conclusion::Linearizable) };
            self.reach(front);
            if self.bytes() > self.budget.max_bytes {
                return self.exhausted(Limit::Bytes);
            }
            if self.memo.insert(self.configuration()) {
                let first = self.candidates.len();
                self.choices.push(Choice { trail: self.trail.len(), first, next: first });
                self.find_candidates(front);
                if self.candidates.len() == first {
                    self.note_dead_end(front);
                }
            }
            if !self.take_next_alternative() {
                let front = self.front;
                return self.found(Conclusion::Blocked(front));
            }
            if self.steps > self.budget.max_steps {
                return self.exhausted(Limit::Steps);
            }
            if self.steps >= poll_at {
                poll_at = self.steps + POLL_INTERVAL;
                if interrupt.load(Ordering::Relaxed) {
                    return self.exhausted(Limit::Interrupted);
                }
            }
        }
    }

    fn exhausted(self, limit: Limit) -> Found {
        let front = self.front;
        self.found(Conclusion::Exhausted(limit, front))
    }

    fn found(self, conclusion: Conclusion) -> Found {
        Found { conclusion, steps: self.steps, peak_bytes: self.peak_bytes, dead_ends: self.dead_ends }
    }

    /// Rule 1: take every enabled observation that agrees with the state.
    fn observe(&mut self) {
        loop {
            let mut progress = false;
            let mut node = self.timeline.first();
            while let Some(position) = self.timeline.called_at(node) {
                node = self.timeline.after(node);
                let index = self.required[position];
                let action = self.operations[index as usize].action;
                if self.model.nature(action) == Nature::Observation && self.model.step(self.state, action).is_some() {
                    self.apply_required(position);
                    progress = true;
                }
            }
            if !progress {
                return;
            }
        }
    }

    /// Note how far this configuration got, and forget alternatives that a cut made pointless (rule 6).
    fn reach(&mut self, front: u32) {
        if front > self.front {
            self.front = front;
            self.dead_ends.clear();
        }
        let mut passed = false;
        while self.cuts.get(self.next_cut).is_some_and(|&cut| self.timeline.is_past(cut)) {
            self.next_cut += 1;
            passed = true;
        }
        if passed {
            self.trail.clear();
            self.choices.clear();
            self.candidates.clear();
            self.memo.forget();
        }
    }

    fn bytes(&mut self) -> u64 {
        let stacks = self.trail.capacity() * size_of::<Applied>()
            + self.choices.capacity() * size_of::<Choice>()
            + 4 * (self.candidates.capacity() + self.consumers.len() + self.producers.len() + self.required.len());
        let bytes = self.memo.bytes_to_insert() + self.timeline.bytes() + stacks as u64;
        self.peak_bytes = self.peak_bytes.max(bytes);
        bytes
    }

    fn configuration(&self) -> u128 {
        let state = match self.model.offers(self.state) {
            Some(token) if self.is_spent(token) => Word::Spent,
            _ => Word::State(self.state),
        };
        self.signature ^ word(state)
    }

    /// Whether nobody will consume the token any more.
    fn is_spent(&self, token: u32) -> bool {
        self.consumers[token as usize] == 0 && !self.classes.consume(token)
    }

    fn is_spent_overwrite(&self, position: usize) -> bool {
        let action = self.operations[self.required[position] as usize].action;
        self.model.nature(action) == Nature::Overwrite
            && self.model.produces(action).is_some_and(|token| self.is_spent(token))
    }

    /// Collect what may go next: required operations first, then those that may have happened, then what nobody needs.
    fn find_candidates(&mut self, front: u32) {
        let offered = self.model.offers(self.state);
        let awaited = offered.map_or(0, |token| self.consumers[token as usize]);
        let irreplaceable = self.goal == Goal::Verdict
            && awaited > 0
            && offered.is_some_and(|token| self.producers[token as usize] == 0);
        let start = self.candidates.len();
        let mut spent = false;
        for position in self.timeline.enabled() {
            let action = self.operations[self.required[position] as usize].action;
            if irreplaceable && !(awaited == 1 && self.model.consumes(action) == offered) {
                continue;
            }
            if self.is_spent_overwrite(position) {
                spent = true;
            } else if self.model.step(self.state, action).is_some() {
                self.candidates.push(position as u32);
            }
        }
        if !irreplaceable {
            self.find_classes(front);
        }
        self.put_urgent_first(start, front);
        if spent && !irreplaceable {
            self.candidates.push(SPENT_OVERWRITES);
        }
    }

    /// Sort candidates by how much the first return needs them, which finds an order soon where there is one: its own operation or
    /// what that consumes; what other enabled operations consume; the rest, by when it must be done. At each step, what may have
    /// happened comes after what did.
    fn put_urgent_first(&mut self, start: usize, front: u32) {
        let (model, operations, required) = (&self.model, self.operations, &self.required);
        let enabled = || self.timeline.enabled().map(|position| &operations[required[position] as usize]);
        let consumed = |operation: &Operation<M::Action>| model.consumes(operation.action);
        let urgent = enabled().find(|operation| operation.completion == front).and_then(consumed);
        let urgency = |&candidate: &u32| {
            let operation = required.get(candidate as usize).map(|&index| &operations[index as usize]);
            let (action, completion) = match operation {
                Some(operation) => (operation.action, operation.completion),
                None => (self.classes.classes[candidate as usize - required.len()].action, NEVER),
            };
            let produced = model.produces(action);
            let step = if completion == front || (produced.is_some() && produced == urgent) {
                0
            } else if produced.is_some() && enabled().any(|operation| consumed(operation) == produced) {
                1
            } else {
                2
            };
            (step, completion)
        };
        self.candidates[start..].sort_by_cached_key(urgency);
    }

    fn find_classes(&mut self, front: u32) {
        let (operations, base) = (self.operations, self.required.len() as u32);
        if self.model.tokens() == 0 {
            for class in 0..self.classes.classes.len() {
                let action = self.classes.classes[class].action;
                if self.classes.next_member(class, front, operations).is_some()
                    && self.model.step(self.state, action).is_some()
                {
                    self.candidates.push(base + class as u32);
                }
            }
            return;
        }
        if self.classes.classes.is_empty() {
            return;
        }
        let offered = self.model.offers(self.state);
        let consumed = |position: usize| self.model.consumes(operations[self.required[position] as usize].action);
        let enabled = self.timeline.enabled().filter_map(consumed);
        let available =
            |classes: &Classes<M::Action>, class: usize| classes.next_member(class, front, operations).is_some();
        let start = self.candidates.len();
        self.classes.needed(&self.model, offered, enabled, available, &mut self.candidates);
        for candidate in &mut self.candidates[start..] {
            *candidate += base;
        }
    }

    fn note_dead_end(&mut self, front: u32) {
        if front < self.front || self.dead_ends.len() >= DEAD_ENDS {
            return;
        }
        let dead_end = DeadEnd {
            state: self.state,
            since: (self.since != NOTHING).then_some(self.since as usize),
            stuck: self.timeline.enabled().map(|position| self.required[position] as usize).collect(),
        };
        if !self.dead_ends.contains(&dead_end) {
            self.dead_ends.push(dead_end);
        }
    }

    /// Go back to the latest configuration that has an untried candidate, and take it. False when there is none.
    fn take_next_alternative(&mut self) -> bool {
        while let Some(choice) = self.choices.last_mut() {
            let (trail, first, next) = (choice.trail, choice.first, choice.next);
            choice.next += 1;
            while self.trail.len() > trail {
                self.undo();
            }
            let Some(&candidate) = self.candidates.get(next) else {
                self.choices.pop();
                self.candidates.truncate(first);
                continue;
            };
            if next + 1 == self.candidates.len() {
                self.choices.pop();
                self.candidates.truncate(first);
            }
            self.apply(candidate);
            return true;
        }
        false
    }

    fn apply(&mut self, candidate: u32) {
        if candidate == SPENT_OVERWRITES {
            self.apply_spent_overwrites(None);
            return;
        }
        let position = candidate as usize;
        let Some(class) = position.checked_sub(self.required.len()) else {
            let action = self.operations[self.required[position] as usize].action;
            if self.model.nature(action) == Nature::Overwrite {
                self.apply_spent_overwrites(Some(position));
            }
            self.apply_required(position);
            return;
        };
        if self.model.nature(self.classes.classes[class].action) == Nature::Overwrite {
            self.apply_spent_overwrites(None);
        }
        self.apply_class(class);
    }

    /// Rule 4.
    fn apply_spent_overwrites(&mut self, except: Option<usize>) {
        let mut node = self.timeline.first();
        while let Some(position) = self.timeline.called_at(node) {
            node = self.timeline.after(node);
            if Some(position) != except && self.is_spent_overwrite(position) {
                self.apply_required(position);
            }
        }
    }

    fn apply_required(&mut self, position: usize) {
        let operation = self.required[position];
        let action = self.operations[operation as usize].action;
        self.change_state(position as u32, operation, action);
        self.timeline.remove(position);
        self.signature ^= word(Word::Operation(position));
        if let Some(token) = self.model.consumes(action) {
            self.consumers[token as usize] -= 1;
        }
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] -= 1;
        }
    }

    fn apply_class(&mut self, index: usize) {
        let class = &mut self.classes.classes[index];
        let (action, operation) = (class.action, class.members[class.used as usize]);
        self.signature ^= word(Word::Use(index, class.used));
        class.used += 1;
        self.change_state((self.required.len() + index) as u32, operation, action);
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] -= 1;
        }
    }

    fn change_state(&mut self, candidate: u32, operation: u32, action: M::Action) {
        self.trail.push(Applied { candidate, state: self.state, since: self.since });
        self.steps += 1;
        let after = self.model.step(self.state, action);
        debug_assert!(after.is_some(), "only operations that can go are applied");
        if self.model.nature(action) != Nature::Observation {
            self.state = after.unwrap_or(self.state);
            self.since = operation;
        }
    }

    /// Take back the operation that was linearized last.
    fn undo(&mut self) {
        let Some(Applied { candidate, state, since }) = self.trail.pop() else { return };
        (self.state, self.since) = (state, since);
        let position = candidate as usize;
        let action = match position.checked_sub(self.required.len()) {
            None => {
                self.timeline.restore(position);
                self.signature ^= word(Word::Operation(position));
                let action = self.operations[self.required[position] as usize].action;
                if let Some(token) = self.model.consumes(action) {
                    self.consumers[token as usize] += 1;
                }
                action
            }
            Some(index) => {
                let class = &mut self.classes.classes[index];
                class.used -= 1;
                self.signature ^= word(Word::Use(index, class.used));
                class.action
            }
        };
        if let Some(token) = self.model.produces(action) {
            self.producers[token as usize] += 1;
        }
    }
}
