//! A walk along the returns of a history with all configurations, and back to moments that it remembers.

use std::sync::atomic::AtomicBool;

use super::gaps::List;
use super::order::Order;
use super::orphans::orphans;
use super::passing::{Bounds, Care, Passing};
use super::spending::{Limits, Mark};
use super::window::Configuration;
use crate::linearizable::{Budget, Limit, Operation};
use crate::models::{Model, State};

/// Why a walk ends before all returns were passed, though something may pass them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What would be needed was not kept.
    Stuck,
    /// More is open at once than there are slots.
    TooManyOpen,
    /// A budget was used up.
    Exhausted,
    Interrupted,
}

/// A moment to go back to.
struct Moment {
    layer: usize,
    next_call: usize,
    configurations: Vec<Configuration>,
    spending: Mark,
    gaps: Vec<List>,
    held: Vec<u32>,
}

/// See the module.
pub struct Walk<'a, M: Model> {
    /// The object before anything happened.
    pub model: &'a M,
    /// The states that it may have been in.
    pub states: Vec<State>,
    /// Where the walk is.
    pub passing: Passing<M>,
    /// What happened, by invocation.
    pub operations: &'a [Operation<M::Action>],
    /// The returns in order, as rows and indices.
    pub returns: Vec<(u32, u32)>,
    /// The next return to pass.
    pub layer: usize,
    /// What it may take.
    pub budget: Budget,
    /// Whether somebody wants it to end.
    pub interrupt: &'a AtomicBool,
    /// Steps of walks before this one.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
    slot_of: Vec<u8>,
    orders: [Order; 2],
    /// By operation: what [`orphans`] says; nothing for many models.
    owed: Vec<u8>,
    next_call: usize,
    moments: Vec<Moment>,
    moments_bytes: u64,
}

impl<'a, M: Model + Clone> Walk<'a, M> {
    /// Nothing happened, and the object is in any of `states`.
    pub fn new(
        model: &'a M,
        states: Vec<State>,
        operations: &'a [Operation<M::Action>],
        limits: Limits,
        budget: Budget,
        interrupt: &'a AtomicBool,
    ) -> Self {
        let required = operations.iter().enumerate().filter(|(_, operation)| !operation.is_pending());
        let mut returns: Vec<(u32, u32)> =
            required.map(|(index, operation)| (operation.completion, index as u32)).collect();
        returns.sort_unstable();
        Walk {
            passing: Passing::new(model.clone(), &states, operations, limits),
            orders: Order::new(model, &states, operations),
            model,
            states,
            operations,
            returns,
            layer: 0,
            budget,
            interrupt,
            steps: 0,
            peak_bytes: 0,
            slot_of: vec![0; operations.len()],
            owed: orphans(model, operations),
            next_call: 0,
            moments: Vec::new(),
            moments_bytes: 0,
        }
    }

    /// Steps in all.
    pub fn all_steps(&self) -> u64 {
        self.steps + self.passing.steps
    }

    /// Bytes held besides those of [`Walk::passing`].
    pub fn fixed_bytes(&self) -> u64 {
        self.moments_bytes
            + 13 * self.operations.len() as u64
            + self.owed.len() as u64
            + self.orders.iter().map(Order::bytes).sum::<u64>()
    }

    /// Whether every return was passed.
    pub fn is_over(&self) -> bool {
        self.layer >= self.returns.len()
    }

    /// Pass the next return; its row, if nothing does.
    pub fn pass(&mut self, care: Care, max_steps: u64) -> Result<Option<u32>, End> {
        let (row, index) = self.returns[self.layer];
        self.call_until(row)?;
        let bytes = self.fixed_bytes();
        let bounds = Bounds {
            max_steps: max_steps.saturating_sub(self.steps),
            max_bytes: self.budget.max_bytes.saturating_sub(bytes),
            interrupt: self.interrupt,
        };
        let slot = usize::from(self.slot_of[index as usize]);
        let passed = self.passing.pass(slot, row, care, bounds);
        self.peak_bytes = self.peak_bytes.max(bytes + self.passing.bytes());
        passed.map_err(|limit| if limit == Limit::Interrupted { End::Interrupted } else { End::Exhausted })?;
        if self.passing.configurations.is_empty() {
            return Ok(Some(row));
        }
        self.layer += 1;
        Ok(None)
    }

    fn call_until(&mut self, row: u32) -> Result<(), End> {
        while let Some(operation) = self.operations.get(self.next_call).filter(|operation| operation.invocation < row) {
            if operation.is_pending() {
                self.passing.spending.call(self.next_call);
            } else {
                let slot = self.passing.window.vacant().ok_or(End::TooManyOpen)?;
                let owed = self.owed.get(self.next_call).copied().unwrap_or(0);
                self.passing.window.call(&self.passing.model, slot, operation, owed);
                self.passing.fresh |= 1 << slot;
                self.slot_of[self.next_call] = slot as u8;
                self.passing.window.put_last_in_order(&self.orders, self.next_call, &self.slot_of);
            }
            self.next_call += 1;
        }
        Ok(())
    }

    /// Forget what all configurations have in common, if that is worth it.
    pub fn settle(&mut self) {
        if !self.passing.spending.is_settled() {
            self.passing.spending.settle(&mut self.passing.configurations);
        }
        self.passing.gaps.settle(&mut self.passing.configurations);
        if self.passing.model.has_accesses() {
            self.passing.held.settle(&mut self.passing.configurations);
        }
    }

    /// Remember this moment.
    pub fn remember(&mut self) {
        let configurations = self.passing.configurations.clone();
        let spending = self.passing.spending.mark();
        let gaps = self.passing.gaps.mark();
        let held = self.passing.held.mark();
        let moment = Moment { layer: self.layer, next_call: self.next_call, configurations, spending, gaps, held };
        self.moments_bytes += moment.bytes();
        self.moments.push(moment);
    }

    /// Go back to the last moment at `layer` or before.
    pub fn go_back(&mut self, layer: usize) {
        while self.moments.len() > 1 && self.moments.last().is_some_and(|moment| moment.layer > layer) {
            self.moments_bytes -= self.moments.pop().map_or(0, |moment| moment.bytes());
        }
        let Some(moment) = self.moments.pop() else { return };
        self.moments_bytes -= moment.bytes();
        let window = &mut self.passing.window;
        for index in moment.next_call..self.next_call {
            if self.operations[index].is_pending() {
                self.passing.spending.call_back(index);
            } else {
                window.close(usize::from(self.slot_of[index]));
            }
        }
        // The return that nothing passed was closed as well.
        let end = self.returns.len().min(self.layer + 1);
        for &(_, index) in &self.returns[moment.layer..end] {
            let index = index as usize;
            if index < moment.next_call {
                let owed = self.owed.get(index).copied().unwrap_or(0);
                window.call(&self.passing.model, usize::from(self.slot_of[index]), &self.operations[index], owed);
                window.put_last_in_order(&self.orders, index, &self.slot_of);
            }
        }
        // What was called since goes after something that is open.
        window.put_all_in_order(&self.orders, moment.next_call, &self.slot_of);
        self.passing.fresh = 0;
        self.passing.configurations = moment.configurations;
        self.passing.spending.back_to(&moment.spending);
        self.passing.gaps.back_to(&moment.gaps);
        self.passing.held.back_to(&moment.held);
        self.layer = moment.layer;
        self.next_call = moment.next_call;
    }

    /// Begin again with what is scarce, and no moment to go back to.
    pub fn start_again(&mut self, limits: Limits) {
        self.steps += self.passing.steps;
        let mut passing = Passing::new(self.model.clone(), &self.states, self.operations, limits);
        passing.spending.scarce_as(&self.passing.spending);
        self.passing = passing;
        self.moments.clear();
        self.moments_bytes = 0;
        (self.layer, self.next_call) = (0, 0);
    }
}

impl Moment {
    fn bytes(&self) -> u64 {
        let own = size_of::<Self>() + self.configurations.capacity() * size_of::<Configuration>();
        (own + self.gaps.capacity() * size_of::<List>() + 4 * self.held.capacity()) as u64 + self.spending.bytes()
    }
}
