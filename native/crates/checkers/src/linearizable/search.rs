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
//! 7. An operation that may have happened is tried only where a required one wants it, if the model can say so.
//!
//! 8. An operation is put off while it touches no place of the object where something has to happen. See [`super::concern`].
//! 9. Where an operation that was called can never go any more, nothing is tried. This looks ahead as rule 3 does.
//!
//! Rules 3 to 6 need a model whose states offer tokens. Budgets are counted in steps (an operation linearized, or many considered) and bytes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::classes::Classes;
use super::concern::Concern;
use super::configuration::{Configuration, SPENT_OVERWRITES};
use super::cuts::cuts;
use super::memo::Memo;
use super::{Budget, Limit, Operation};
use crate::models::{Model, State, Token};
use crate::pairing::NEVER;

/// What the search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Whether there is an order, as fast as possible. The blocked return may be too early a one: returns before it can be passed.
    Verdict,
    /// Exactly how far an order can go: the search does without rules 3 and 9.
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
pub struct Found<M> {
    /// The model, which knows the states.
    pub model: M,
    /// The answer.
    pub conclusion: Conclusion,
    /// Operations linearized, those taken back included.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
    /// Configurations at the blocked return from which nothing could go on, at most a few.
    pub dead_ends: Vec<DeadEnd>,
    /// Whether there were more.
    pub more_dead_ends: bool,
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

/// Looking at this many open operations counts as a step, so that a budget bounds the time also where thousands are open at once.
const CONSIDERED_IN_A_STEP: u64 = 64;

/// Search for an order of `operations`, which are sorted by invocation.
pub fn search<M: Model>(
    model: M,
    operations: &[Operation<M::Action>],
    goal: Goal,
    budget: Budget,
    interrupt: &AtomicBool,
) -> Found<M> {
    Search::new(model, operations, goal, budget).run(interrupt)
}

/// A configuration with candidates yet untried: the trail that led to it, and its part of the stack of candidates.
struct Choice {
    trail: usize,
    first: usize,
    next: usize,
}

struct Search<'a, M: Model> {
    at: Configuration<'a, M>,
    goal: Goal,
    budget: Budget,
    memo: Memo,
    choices: Vec<Choice>,
    /// The candidates of all choices, end to end.
    candidates: Vec<u32>,
    /// What enabled operations consume; only of use while candidates are sorted.
    awaited: Vec<Token>,
    concern: Concern,
    cuts: Vec<u32>,
    next_cut: usize,
    front: u32,
    peak_bytes: u64,
    dead_ends: Vec<DeadEnd>,
    more_dead_ends: bool,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: M, operations: &'a [Operation<M::Action>], goal: Goal, budget: Budget) -> Self {
        let at = Configuration::new(model, operations);
        Search {
            cuts: cuts(&at.model, operations, &at.classes),
            concern: Concern::new(&at.model, &at.classes.classes),
            at,
            goal,
            budget,
            memo: Memo::new(),
            choices: Vec::new(),
            candidates: Vec::new(),
            awaited: Vec::new(),
            next_cut: 0,
            front: 0,
            peak_bytes: 0,
            dead_ends: Vec::new(),
            more_dead_ends: false,
        }
    }

    fn run(mut self, interrupt: &AtomicBool) -> Found<M> {
        let mut poll_at = POLL_INTERVAL;
        loop {
            self.at.observe();
            let Some(front) = self.at.timeline.front() else { return self.found(Conclusion::Linearizable) };
            self.reach(front);
            if self.bytes() > self.budget.max_bytes {
                return self.exhausted(Limit::Bytes);
            }
            if self.memo.insert(self.at.signature()) {
                let first = self.candidates.len();
                self.choices.push(Choice { trail: self.at.depth(), first, next: first });
                self.find_candidates(front);
                if self.candidates.len() == first {
                    self.note_dead_end(front);
                }
            }
            if !self.take_next_alternative() {
                let front = self.front;
                return self.found(Conclusion::Blocked(front));
            }
            if self.at.steps > self.budget.max_steps {
                return self.exhausted(Limit::Steps);
            }
            if self.at.steps >= poll_at {
                poll_at = self.at.steps + POLL_INTERVAL;
                if interrupt.load(Ordering::Relaxed) {
                    return self.exhausted(Limit::Interrupted);
                }
            }
        }
    }

    fn exhausted(self, limit: Limit) -> Found<M> {
        let front = self.front;
        self.found(Conclusion::Exhausted(limit, front))
    }

    fn found(self, conclusion: Conclusion) -> Found<M> {
        let Search { at, peak_bytes, dead_ends, more_dead_ends, .. } = self;
        Found { steps: at.steps, model: at.model, conclusion, peak_bytes, dead_ends, more_dead_ends }
    }

    /// Note how far this configuration got, and forget alternatives that a cut made pointless (rule 6).
    fn reach(&mut self, front: u32) {
        if front > self.front {
            self.front = front;
            self.dead_ends.clear();
            self.more_dead_ends = false;
        }
        let mut passed = false;
        while self.cuts.get(self.next_cut).is_some_and(|&cut| self.at.timeline.is_past(cut)) {
            self.next_cut += 1;
            passed = true;
        }
        if passed {
            self.at.commit();
            self.choices.clear();
            self.candidates.clear();
            self.memo.forget();
        }
    }

    fn bytes(&mut self) -> u64 {
        let stacks = self.choices.capacity() * size_of::<Choice>() + 4 * self.candidates.capacity();
        let bytes = self.memo.bytes_to_insert() + self.at.bytes() + self.concern.bytes() + stacks as u64;
        self.peak_bytes = self.peak_bytes.max(bytes);
        bytes
    }

    /// Collect what may go next: the most urgent first, and last of all what nobody needs.
    fn find_candidates(&mut self, front: u32) {
        let offered = self.at.model.offers(self.at.state);
        let awaited = offered.map_or(0, |token| self.at.consumers[token as usize]);
        let irreplaceable = self.goal == Goal::Verdict
            && awaited > 0
            && offered.is_some_and(|token| self.at.producers[token as usize] == 0);
        let start = self.candidates.len();
        let mut spent = false;
        let mut considered = 0;
        if self.goal == Goal::Verdict && self.is_hopeless() {
            return;
        }
        if self.concern.is_of_use() {
            let Configuration { model, state, timeline, required, operations, .. } = &mut self.at;
            let enabled = timeline.enabled().map(|position| &operations[required[position] as usize]);
            considered += self.concern.find(model, *state, enabled, front);
        }
        for position in self.at.timeline.enabled() {
            considered += 1;
            let operation = &self.at.operations[self.at.required[position] as usize];
            if self.concern.can_wait(&self.at.model, operation, front) {
                continue;
            }
            let action = operation.action;
            if irreplaceable && !(awaited == 1 && self.at.model.consumes(action) == offered) {
                continue;
            }
            if self.at.is_spent_overwrite(position) {
                spent = true;
            } else if self.at.model.step(self.at.state, action).is_some() {
                self.candidates.push(position as u32);
            }
        }
        self.at.steps += considered / CONSIDERED_IN_A_STEP;
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
        let (model, operations, required) = (&self.at.model, self.at.operations, &self.at.required);
        if !self.at.ranks.is_empty() {
            let classes = &self.at.classes;
            let operation = |candidate: usize| match candidate.checked_sub(required.len()) {
                None => required[candidate],
                Some(class) => classes.next(class),
            };
            self.candidates[start..].sort_by_key(|&candidate| self.at.ranks[operation(candidate as usize) as usize]);
            return;
        }
        let enabled = || self.at.timeline.enabled().map(|position| &operations[required[position] as usize]);
        let consumed = |operation: &Operation<M::Action>| model.consumes(operation.action);
        let urgent = enabled().find(|operation| operation.completion == front).and_then(consumed);
        self.awaited.clear();
        self.awaited.extend(enabled().filter_map(consumed));
        self.awaited.sort_unstable();
        let awaited = &self.awaited;
        let urgency = |&candidate: &u32| {
            let operation = required.get(candidate as usize).map(|&index| &operations[index as usize]);
            let (action, completion) = match operation {
                Some(operation) => (operation.action, operation.completion),
                None => (self.at.classes.classes[candidate as usize - required.len()].action, NEVER),
            };
            let produced = model.produces(action);
            let step = if completion == front || (produced.is_some() && produced == urgent) {
                0
            } else if produced.is_some_and(|token| awaited.binary_search(&token).is_ok()) {
                1
            } else {
                2
            };
            (step, completion)
        };
        self.candidates[start..].sort_by_cached_key(urgency);
    }

    fn find_classes(&mut self, front: u32) {
        if self.at.classes.classes.is_empty() {
            return;
        }
        let start = self.candidates.len();
        self.find_useful_classes(front);
        if !self.at.model.has_offers() {
            self.keep_possible_classes(start, front);
        }
        let base = self.at.required.len() as u32;
        for candidate in &mut self.candidates[start..] {
            *candidate += base;
        }
    }

    /// Whether some operation that was called will never go any more (rule 9).
    fn is_hopeless(&self) -> bool {
        let is_hopeless = |position| self.at.model.is_hopeless(self.at.state, self.at.operation(position).action);
        self.at.model.foresees() && self.at.timeline.enabled().any(is_hopeless)
    }

    fn find_useful_classes(&mut self, front: u32) {
        let Configuration { model, classes, state, timeline, required, operations, .. } = &mut self.at;
        let operations = *operations;
        let enabled = timeline.enabled().map(|position| operations[required[position] as usize].action);
        if model.has_offers() {
            let offered = model.offers(*state);
            let consumed = enabled.filter_map(|action| model.consumes(action));
            let available = |classes: &Classes<M::Action>, class: usize| classes.is_available(class, front, operations);
            classes.needed(model, offered, consumed, available, &mut self.candidates);
        } else if model.aids() > 0 {
            classes.useful(model, *state, enabled, &mut self.candidates);
        } else {
            self.candidates.extend(0..classes.classes.len() as u32);
        }
    }

    /// Of the classes among the candidates, keep those that have a member, can go, and produce nothing or what is still consumed.
    fn keep_possible_classes(&mut self, start: usize, front: u32) {
        let mut kept = start;
        for next in start..self.candidates.len() {
            let class = self.candidates[next] as usize;
            let Configuration { model, classes, consumers, operations, state, .. } = &mut self.at;
            let action = classes.classes[class].action;
            if classes.is_available(class, front, operations)
                && model.produces(action).is_none_or(|token| consumers[token as usize] > 0)
                && model.step(*state, action).is_some()
            {
                self.candidates[kept] = class as u32;
                kept += 1;
            }
        }
        self.at.steps += ((self.candidates.len() - start) as u64) / CONSIDERED_IN_A_STEP;
        self.candidates.truncate(kept);
    }

    fn note_dead_end(&mut self, front: u32) {
        if front < self.front || self.more_dead_ends {
            return;
        }
        let dead_end = DeadEnd {
            state: self.at.state,
            since: self.at.since(),
            stuck: self.at.timeline.enabled().map(|position| self.at.required[position] as usize).collect(),
        };
        if self.dead_ends.contains(&dead_end) {
            return;
        }
        self.more_dead_ends = self.dead_ends.len() >= DEAD_ENDS;
        if !self.more_dead_ends {
            self.dead_ends.push(dead_end);
        }
    }

    /// Go back to the latest configuration that has an untried candidate, and take it. False when there is none.
    fn take_next_alternative(&mut self) -> bool {
        while let Some(choice) = self.choices.last_mut() {
            let (trail, first, next) = (choice.trail, choice.first, choice.next);
            choice.next += 1;
            self.at.back_to(trail);
            let Some(&candidate) = self.candidates.get(next) else {
                self.choices.pop();
                self.candidates.truncate(first);
                continue;
            };
            if next + 1 == self.candidates.len() {
                self.choices.pop();
                self.candidates.truncate(first);
            }
            self.at.apply(candidate);
            return true;
        }
        false
    }
}
