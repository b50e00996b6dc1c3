//! How configurations pass one return.

use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use super::amounts::Amounts;
use super::spending::{Limits, NONE, Spending};
use super::window::{Configuration, SLOTS, Slots, Window, each};
use crate::linearizable::classes::Classes;
use crate::linearizable::concern::Concern;
use crate::linearizable::{Limit, Operation};
use crate::models::{Model, Nature, State, Token};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// How much more than the thriftiest a configuration may have spent.
    pub slack: u32,
    /// How many configurations there may be.
    pub width: usize,
}

impl Care {
    /// Keep everything that matters.
    pub const FULL: Care = Care { slack: u32::MAX, width: usize::MAX };
}

/// What an attempt may take in all.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// Of [`Passing::steps`].
    pub max_steps: u64,
    /// Of [`Passing::bytes`].
    pub max_bytes: u64,
    /// Whether somebody wants it to end.
    pub interrupt: &'a AtomicBool,
}

/// Looking at this many configurations counts as a step.
const CONSIDERED_IN_A_STEP: u64 = 64;

/// A return to pass.
#[derive(Clone, Copy)]
struct Return {
    slot: usize,
    bit: Slots,
    row: u32,
    /// What the thriftiest had spent before.
    least: u32,
    care: Care,
}

/// What to go on with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Operations that must be linearized.
    Required,
    /// Those that may have happened.
    Pending,
}

/// The object with what was called and is possible.
pub struct Passing<M: Model> {
    /// The object.
    pub model: M,
    /// The open operations.
    pub window: Window<M::Action>,
    /// What was used of those that may have happened.
    pub spending: Spending,
    /// The configurations that passed every return so far.
    pub configurations: Vec<Configuration>,
    /// Slots that were called since the last return.
    pub fresh: Slots,
    /// Whether every configuration that matters was kept, except that rule 6 was followed.
    pub is_exact: bool,
    /// Operations linearized, and many configurations or operations looked at.
    pub steps: u64,
    considered: u64,
    fixed_bytes: u64,
    /// What may have happened.
    pub classes: Classes<M::Action>,
    concern: Concern,
    amounts: Option<Amounts>,
    passed: Vec<Configuration>,
    /// What the thriftiest that passed has spent more than [`Return::least`].
    thriftiest: u32,
    /// Configurations to go on from, by what they have spent more than [`Return::least`].
    agenda: Vec<Vec<(Configuration, Next)>>,
    /// Configurations reached at this return, each with the place of the one before with the same state.
    reached: Vec<(Configuration, u32)>,
    last_of: FxHashMap<State, u32>,
    candidates: Vec<u32>,
    wanted: Vec<Token>,
    is_wanted: Vec<bool>,
    /// What is gone on from now, as a place in the agenda.
    level: usize,
    actions: Vec<M::Action>,
    /// Classes that were of use at this return, and used up.
    missed: FxHashSet<u32>,
}

impl<M: Model> Passing<M> {
    /// Nothing happened, and the object is in any of `states`.
    pub fn new(model: M, states: &[State], operations: &[Operation<M::Action>], limits: Limits) -> Self {
        let mut needed_until = vec![0; model.tokens()];
        for operation in operations.iter().filter(|operation| !operation.is_pending()) {
            if let Some(token) = model.consumes(operation.action) {
                needed_until[token as usize] = operation.completion.max(needed_until[token as usize]);
            }
        }
        let classes = Classes::new(&model, operations, &needed_until);
        let concern = Concern::new(&model, &classes);
        let start = |&state| Configuration { done: 0, free: 0, state, spent: 0, uses: NONE, scarce: 0 };
        let is_wanted = vec![false; model.tokens()];
        Passing {
            window: Window::new(),
            spending: Spending::new(&classes, operations, limits),
            configurations: states.iter().map(start).collect(),
            fresh: 0,
            is_exact: true,
            steps: 0,
            considered: 0,
            fixed_bytes: classes.bytes() + concern.bytes(),
            concern,
            amounts: Amounts::new(&model, &classes, operations),
            model,
            classes,
            passed: Vec::new(),
            thriftiest: u32::MAX,
            agenda: Vec::new(),
            reached: Vec::new(),
            last_of: FxHashMap::default(),
            candidates: Vec::new(),
            wanted: Vec::new(),
            is_wanted,
            level: 0,
            actions: Vec::new(),
            missed: FxHashSet::default(),
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let agenda: usize = self.agenda.iter().map(Vec::capacity).sum();
        let configurations = self.configurations.capacity() + self.passed.capacity() + 2 * agenda;
        let reached = self.reached.capacity() * size_of::<(Configuration, u32)>() + 16 * self.last_of.capacity();
        (configurations * size_of::<Configuration>() + reached) as u64
            + self.spending.bytes()
            + self.model.bytes()
            + self.fixed_bytes
    }

    /// Whether pending operations differ only in their amounts.
    pub fn has_amounts(&self) -> bool {
        self.amounts.is_some()
    }

    /// What was of use at the last return, and used up.
    pub fn missed(&self) -> Vec<M::Action> {
        let mut missed: Vec<M::Action> =
            self.missed.iter().map(|&class| self.classes.classes[class as usize].action).collect();
        missed.sort_unstable();
        missed
    }

    /// Pass the return in `row` of the operation in `slot`, which is closed. Or say which bound was reached.
    pub fn pass(&mut self, slot: usize, row: u32, care: Care, bounds: Bounds) -> Result<(), Limit> {
        let mut before = std::mem::take(&mut self.configurations);
        let least = before.iter().map(|configuration| configuration.spent).min().unwrap_or(0);
        let bit = 1 << slot;
        let goal = Return { slot, bit, row, least, care };
        self.passed.clear();
        self.missed.clear();
        self.reached.clear();
        self.last_of.clear();
        self.thriftiest = u32::MAX;
        self.considered += before.len() as u64;
        for configuration in &mut before {
            self.observe(configuration, self.fresh);
            self.arrive(*configuration, &goal, true);
        }
        self.fresh = 0;
        while self.level < self.agenda.len() {
            self.check(bounds)?;
            match self.agenda[self.level].pop() {
                None => self.level += 1,
                Some(_) if self.level as u32 > self.thriftiest.saturating_add(care.slack) => self.is_exact = false,
                Some((configuration, next)) => self.go_on(configuration, next, &goal),
            }
        }
        self.level = 0;
        self.window.close(slot);
        before.clear();
        self.keep_best(before, &goal);
        self.check(bounds)
    }

    fn check(&mut self, bounds: Bounds) -> Result<(), Limit> {
        self.steps += self.considered / CONSIDERED_IN_A_STEP;
        self.considered %= CONSIDERED_IN_A_STEP;
        if self.steps > bounds.max_steps {
            return Err(Limit::Steps);
        }
        if self.bytes() > bounds.max_bytes {
            return Err(Limit::Bytes);
        }
        match bounds.interrupt.load(Ordering::Relaxed) {
            true => Err(Limit::Interrupted),
            false => Ok(()),
        }
    }

    /// Reach a configuration, where `is_new` if the one before did not pass: it passes, or is gone on from, or both. For the last moment
    /// of a free overwrite to go is its return.
    fn arrive(&mut self, configuration: Configuration, goal: &Return, is_new: bool) {
        if !self.is_better(configuration, goal) {
            return;
        }
        let extra = configuration.spent - goal.least;
        let is_done = configuration.done & goal.bit != 0;
        if is_done || (is_new && configuration.free & goal.bit != 0) {
            self.passed.push(configuration);
            self.thriftiest = self.thriftiest.min(extra);
        }
        if !is_done {
            self.plan(extra, configuration, Next::Required);
            if !self.classes.classes.is_empty() {
                self.plan(extra + 1, configuration, Next::Pending);
            }
        }
    }

    fn plan(&mut self, extra: u32, configuration: Configuration, next: Next) {
        let level = self.level.max(extra as usize);
        if self.agenda.len() <= level {
            self.agenda.resize_with(level + 1, Vec::new);
        }
        self.agenda[level].push((configuration, next));
    }

    /// Remember a configuration, unless one as good was reached at this return.
    fn is_better(&mut self, configuration: Configuration, goal: &Return) -> bool {
        let last = self.last_of.get(&configuration.state).copied().unwrap_or(NONE);
        let mut at = last;
        while let Some(&(reached, before)) = self.reached.get(at as usize) {
            self.considered += 1;
            if self.is_as_good(&reached, &configuration, goal) {
                return false;
            }
            at = before;
        }
        self.last_of.insert(configuration.state, self.reached.len() as u32);
        self.reached.push((configuration, last));
        true
    }

    fn is_as_good(&self, one: &Configuration, other: &Configuration, goal: &Return) -> bool {
        (goal.care == Care::FULL || one.spent <= other.spent)
            && self.window.dominates(one, other)
            && self.spending.is_no_poorer(one, other, goal.row)
    }

    /// Of those that passed, keep the ones that no other is as good as, the thriftiest if those are too many.
    fn keep_best(&mut self, mut kept: Vec<Configuration>, goal: &Return) {
        let mut passed = std::mem::take(&mut self.passed);
        for configuration in &mut passed {
            configuration.done &= !goal.bit;
            configuration.free &= !goal.bit;
        }
        passed.sort_by_key(|c| (c.state, c.spent, !c.free, !c.done));
        let mut first_of_state = 0;
        for configuration in &passed {
            if kept.get(first_of_state).is_some_and(|first: &Configuration| first.state != configuration.state) {
                first_of_state = kept.len();
            }
            let rivals = &kept[first_of_state..];
            self.considered += rivals.len() as u64;
            if !rivals.iter().any(|other| self.is_as_good(other, configuration, goal)) {
                kept.push(*configuration);
            }
        }
        if kept.len() > goal.care.width {
            kept.sort_by_key(|configuration| configuration.spent);
            kept.truncate(goal.care.width);
            self.is_exact = false;
        }
        self.configurations = kept;
        self.passed = passed;
    }

    /// Take every observation of `slots` that agrees with the state (rule 2), and note what overwrites with what is there (rule 3).
    fn observe(&mut self, configuration: &mut Configuration, slots: Slots) {
        let state = configuration.state;
        let undone = slots & self.window.open & !configuration.done;
        for slot in each(undone & self.window.observations) {
            let agrees = self.window.action(slot).is_some_and(|action| self.model.step(state, action).is_some());
            configuration.done |= Slots::from(agrees) << slot;
        }
        for slot in each(undone & self.window.overwrites) {
            let changes = self.window.action(slot).is_none_or(|action| self.model.step(state, action) != Some(state));
            configuration.free |= Slots::from(!changes) << slot;
        }
    }

    /// Linearize, on from `configuration`, whatever may go next.
    fn go_on(&mut self, configuration: Configuration, next: Next, goal: &Return) {
        if next == Next::Pending && self.has_amounts() {
            return self.make_up(&configuration, goal);
        }
        self.candidates.clear();
        match next {
            Next::Required => self.find_required(&configuration, goal),
            Next::Pending if self.model.has_offers() => self.find_chains(&configuration, goal),
            Next::Pending => self.find_classes(&configuration, goal),
        }
        let candidates = std::mem::take(&mut self.candidates);
        for &candidate in &candidates {
            let mut after = configuration;
            let action = match (candidate as usize).checked_sub(SLOTS) {
                None => {
                    after.done |= 1 << candidate;
                    after.free &= !(1 << candidate);
                    self.window.action(candidate as usize)
                }
                Some(class) => {
                    self.spending.spend(&mut after, class as u32, goal.row);
                    Some(self.classes.classes[class].action)
                }
            };
            self.steps += 1;
            let Some((action, state)) = action.and_then(|action| Some((action, self.model.step(after.state, action)?)))
            else {
                continue;
            };
            if self.model.nature(action) == Nature::Overwrite {
                after.free |= self.window.overwrites & !after.done;
            }
            after.state = state;
            if state != configuration.state {
                self.observe(&mut after, Slots::MAX);
            }
            self.arrive(after, goal, configuration.free & goal.bit == 0);
        }
        self.candidates = candidates;
    }

    /// Make up what observations lack by operations that may have happened, whose uses count only where they are limited.
    fn make_up(&mut self, configuration: &Configuration, goal: &Return) {
        let observations = self.window.observations & !configuration.done;
        let goals = self.window.among(observations).map(|(_, operation)| operation.action);
        let mut differences: Vec<i64> = goals.filter_map(|goal| self.model.lacks(configuration.state, goal)).collect();
        differences.sort_unstable();
        differences.dedup();
        let left = if self.spending.is_limited() { self.spending.left(configuration) } else { Vec::new() };
        for difference in differences {
            let mut after = *configuration;
            let Some(amounts) = self.amounts.as_mut() else { return };
            if self.spending.is_limited() {
                let (few, looked_at) = amounts.few(difference, &left);
                self.considered += looked_at;
                let Some(few) = few else { continue };
                few.into_iter().for_each(|class| self.spending.spend(&mut after, class, goal.row));
            } else if !amounts.may_make_up(difference, self.spending.called()) {
                continue;
            }
            self.steps += 1;
            after.state = self.model.plus(configuration.state, difference);
            self.observe(&mut after, Slots::MAX);
            self.arrive(after, goal, configuration.free & goal.bit == 0);
        }
    }

    /// Find the slots that may go next.
    fn find_required(&mut self, configuration: &Configuration, goal: &Return) {
        let undone = self.window.open & !configuration.done;
        let offered = self.model.offers(configuration.state);
        self.want_consumed(configuration);
        if self.concern.is_of_use() {
            let enabled = self.window.among(undone).map(|(_, operation)| operation);
            self.considered += self.concern.find(&mut self.model, configuration.state, enabled, goal.row);
        }
        for (slot, operation) in self.window.among(undone & !self.window.observations) {
            let is_overwrite = self.window.overwrites & (1 << slot) != 0;
            let can_wait = if self.model.has_offers() && is_overwrite {
                let produced = self.model.produces(operation.action);
                let is_of_use = |token: Token| self.is_wanted[token as usize];
                !produced.is_some_and(is_of_use) || (produced == offered && !self.hides(configuration, Some(slot)))
            } else {
                self.concern.can_wait(&self.model, operation, goal.row)
            };
            // Of several that do the same, the one that returns first goes first: the others could take its place and it theirs.
            let mut others = self.window.among(undone & !self.window.overwrites);
            let goes_later =
                others.any(|(_, other)| other.action == operation.action && other.completion < operation.completion);
            if (slot == goal.slot || !(can_wait || goes_later))
                && self.model.step(configuration.state, operation.action).is_some()
            {
                self.candidates.push(slot as u32);
            }
        }
        self.want_nothing();
    }

    /// Whether an overwrite that leaves the state as it is makes another free.
    fn hides(&self, configuration: &Configuration, slot: Option<usize>) -> bool {
        let other = slot.map_or(Slots::MAX, |slot| !(1 << slot));
        self.window.overwrites & !configuration.done & !configuration.free & other != 0
    }

    /// Want the tokens that something enabled consumes.
    fn want_consumed(&mut self, configuration: &Configuration) {
        if !self.model.has_offers() {
            return;
        }
        for (_, operation) in self.window.among(!configuration.done & !self.window.overwrites) {
            let consumed = self.model.consumes(operation.action);
            if let Some(token) = consumed.filter(|&token| !self.is_wanted[token as usize]) {
                self.is_wanted[token as usize] = true;
                self.wanted.push(token);
            }
        }
    }

    fn want_nothing(&mut self) {
        for token in self.wanted.drain(..) {
            self.is_wanted[token as usize] = false;
        }
    }

    /// Find the classes that produce what is wanted, or turn what is there into it by some chain; and the slots that such a chain can
    /// begin with, unless they are of use by themselves.
    fn find_chains(&mut self, configuration: &Configuration, goal: &Return) {
        let offered = self.model.offers(configuration.state);
        self.want_consumed(configuration);
        let consumed = self.wanted.len();
        let is_of_use_again = self.hides(configuration, None);
        let mut next = 0;
        while let Some(&token) = self.wanted.get(next) {
            next += 1;
            if Some(token) == offered && !is_of_use_again {
                continue;
            }
            for &class in self.classes.producing(token) {
                let source = self.model.consumes(self.classes.classes[class as usize].action);
                let starts = source.is_none() || source == offered;
                let goes_on = source
                    .filter(|&source| !self.is_wanted[source as usize] && (Some(source) != offered || is_of_use_again));
                if !starts && goes_on.is_none() {
                    continue;
                }
                if !self.spending.has(configuration, class, goal.row) {
                    self.missed.insert(class);
                    continue;
                }
                if starts {
                    self.candidates.push(class + SLOTS as u32);
                }
                if let Some(source) = goes_on {
                    self.is_wanted[source as usize] = true;
                    self.wanted.push(source);
                }
            }
        }
        for (slot, operation) in self.window.among(self.window.overwrites & !configuration.done) {
            let produced = self.model.produces(operation.action).filter(|_| slot != goal.slot);
            let through_a_chain = &self.wanted[consumed..];
            if produced.is_some_and(|token| through_a_chain.contains(&token))
                && (produced != offered || self.hides(configuration, Some(slot)))
            {
                self.candidates.push(slot as u32);
            }
        }
        self.want_nothing();
    }

    /// Find the classes that may go next, counted on from [`SLOTS`].
    fn find_classes(&mut self, configuration: &Configuration, goal: &Return) {
        if self.model.aids() > 0 {
            let undone = self.window.open & !configuration.done;
            self.actions.clear();
            self.actions.extend(self.window.among(undone).map(|(_, operation)| operation.action));
            let goals = self.actions.iter().copied();
            self.classes.useful(&mut self.model, configuration.state, goals, &mut self.candidates);
        } else {
            self.candidates.extend(0..self.classes.classes.len() as u32);
        }
        self.considered += self.candidates.len() as u64;
        let Passing { candidates, classes, spending, model, .. } = self;
        candidates.retain_mut(|candidate| {
            let class = std::mem::replace(candidate, *candidate + SLOTS as u32);
            let action = classes.classes[class as usize].action;
            spending.has(configuration, class, goal.row) && model.step(configuration.state, action).is_some()
        });
    }
}
