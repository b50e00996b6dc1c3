//! How configurations pass one return.

use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use super::amounts::Amounts;
use super::foresight::Foresight;
use super::gaps::Gaps;
use super::held::Held;
use super::needed::Lacks;
use super::order::Basis;
use super::serving::Supplies;
use super::spending::{Limits, NONE, Spending};
use super::window::{Configuration, Slots, Window, each};
use crate::linearizable::classes::Classes;
use crate::linearizable::concern::Concern;
use crate::linearizable::{Limit, Operation};
use crate::models::{Model, State, Token};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// How much more than the thriftiest a configuration may have spent.
    pub slack: u32,
    /// How many configurations there may be.
    pub width: usize,
    /// What order is heeded. Where it is a guess, it is also one that what may have happened is only of use for what is owed.
    pub order: Basis,
}

impl Care {
    /// Keep everything that matters.
    pub const FULL: Care = Care { slack: u32::MAX, width: usize::MAX, order: Basis::Certain };
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
pub(super) struct Return {
    /// The slot of what returns, and the set of just that.
    pub(super) slot: usize,
    pub(super) bit: Slots,
    pub(super) row: u32,
    /// What the thriftiest had spent before.
    least: u32,
    pub(super) care: Care,
}

/// What to go on with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Operations that must be linearized.
    Required,
    /// Those that may have happened, for what no required operation left.
    Owed,
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
    /// Whether every configuration that matters was kept, except that rule 7 was followed.
    pub is_exact: bool,
    /// Operations linearized, and many configurations or operations looked at.
    pub steps: u64,
    pub(super) considered: u64,
    fixed_bytes: u64,
    /// What may have happened.
    pub classes: Classes<M::Action>,
    pub(super) concern: Concern,
    /// What states are, of a model with accesses.
    pub held: Held,
    /// What may have gone unseen, of such a model.
    pub gaps: Gaps,
    pub(super) supplies: Supplies,
    pub(super) foresight: Foresight,
    /// What open operations lack in the configuration that is gone on from.
    pub(super) lacks_of: Lacks,
    pub(super) amounts: Option<Amounts>,
    passed: Vec<Configuration>,
    /// What the thriftiest that passed has spent more than [`Return::least`].
    thriftiest: u32,
    /// Configurations to go on from, by what they have spent more than [`Return::least`].
    agenda: Vec<Vec<(Configuration, Next)>>,
    /// Configurations reached at this return, each with the place of the one before with the same state.
    reached: Vec<(Configuration, u32)>,
    last_of: FxHashMap<State, u32>,
    pub(super) candidates: Vec<u32>,
    pub(super) wanted: Vec<Token>,
    pub(super) is_wanted: Vec<bool>,
    /// What is gone on from now, as a place in the agenda.
    level: usize,
    pub(super) actions: Vec<M::Action>,
    /// Classes that were of use at this return, and used up.
    pub(super) missed: FxHashSet<u32>,
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
        let foresight = Foresight::new(&model, operations);
        let supplies = Supplies::new(&model, &classes, operations);
        // What is put into gaps need not go where it would keep others from going later.
        let connecting = if model.has_accesses() { &[][..] } else { &classes.classes };
        let concern = Concern::new(&model, connecting);
        let mut held = Held::new(if model.has_accesses() { model.places() } else { 0 });
        let mut start = |&state| Configuration {
            done: 0,
            free: 0,
            state: held_in(&model, state, &mut held),
            spent: 0,
            uses: NONE,
            scarce: 0,
            gaps: 0,
        };
        let is_wanted = vec![false; model.tokens()];
        Passing {
            window: Window::new(),
            spending: Spending::new(&classes, operations, limits),
            configurations: states.iter().map(&mut start).collect(),
            held,
            fresh: 0,
            is_exact: true,
            steps: 0,
            considered: 0,
            fixed_bytes: classes.bytes() + concern.bytes() + supplies.bytes() + foresight.bytes(),
            supplies,
            foresight,
            concern,
            gaps: Gaps::new(),
            lacks_of: Lacks::new(),
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
            + self.gaps.bytes()
            + self.held.bytes()
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
        let least = before.iter().map(|configuration| self.cost(configuration)).min().unwrap_or(0);
        let bit = 1 << slot;
        let goal = Return { slot, bit, row, least, care };
        self.foresight.look_from(row);
        self.passed.clear();
        self.missed.clear();
        self.reached.clear();
        self.last_of.clear();
        self.thriftiest = u32::MAX;
        self.considered += before.len() as u64;
        for configuration in &mut before {
            self.observe(configuration, self.fresh, row);
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
    pub(super) fn arrive(&mut self, configuration: Configuration, goal: &Return, is_new: bool) {
        if !self.is_better(configuration, goal) {
            return;
        }
        let extra = self.cost(&configuration).saturating_sub(goal.least);
        let is_done = configuration.done & goal.bit != 0;
        if is_done || (is_new && configuration.free & goal.bit != 0) {
            self.passed.push(configuration);
            self.thriftiest = self.thriftiest.min(extra);
        }
        if !is_done {
            self.plan(extra, configuration, Next::Required);
            if self.window.orphans & !configuration.done != 0 {
                self.plan(extra, configuration, Next::Owed);
            }
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
        (goal.care == Care::FULL || (one.spent <= other.spent && self.cost(one) <= self.cost(other)))
            && self.window.dominates(one, other)
            && self.spending.is_no_poorer(one, other, goal.row)
    }

    /// What a configuration has spent, or will have to for what is open.
    fn cost(&self, configuration: &Configuration) -> u32 {
        configuration.spent + self.window.owed(!configuration.done)
    }

    /// Of those that passed, keep the ones that no other is as good as, the thriftiest if those are too many.
    fn keep_best(&mut self, mut kept: Vec<Configuration>, goal: &Return) {
        let mut passed = std::mem::take(&mut self.passed);
        for configuration in &mut passed {
            configuration.done &= !goal.bit;
            configuration.free &= !goal.bit;
            self.disregard(configuration, goal.row);
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
            kept.sort_by_key(|configuration| self.cost(configuration));
            kept.truncate(goal.care.width);
            self.is_exact = false;
        }
        self.configurations = kept;
        self.passed = passed;
    }

    /// The state after something happened in `state`, if it can.
    pub(super) fn step(&mut self, state: State, action: M::Action) -> Option<State> {
        match self.model.has_accesses() {
            true => self.held.step(state, self.model.accesses(action)),
            false => self.model.step(state, action),
        }
    }

    /// Take every observation of `slots` that agrees with the state (rule 2), and note what overwrites with what is there (rule 3).
    pub(super) fn observe(&mut self, configuration: &mut Configuration, slots: Slots, row: u32) {
        let state = configuration.state;
        let undone = slots & self.window.open & !configuration.done;
        for slot in each(undone & self.window.observations) {
            let Some(action) = self.window.action(slot) else { continue };
            if self.step(state, action).is_some() {
                configuration.done |= 1 << slot;
                self.touch(configuration, action, row);
            }
        }
        for slot in each(undone & self.window.overwrites) {
            let changes = self.window.action(slot).is_none_or(|action| self.step(state, action) != Some(state));
            configuration.free |= Slots::from(!changes) << slot;
        }
    }
}

/// A state of `model`, as [`Held`] numbers those of a model with accesses.
fn held_in<M: Model>(model: &M, state: State, held: &mut Held) -> State {
    match model.has_accesses() {
        true => held.number((0..model.places() as u32).map(|place| model.holds(state, place))),
        false => state,
    }
}
