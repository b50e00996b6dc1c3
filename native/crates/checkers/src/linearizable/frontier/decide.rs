//! Decides by the frontier: a thrifty way first, and where there is none, all of them.
//!
//! **Thrifty.** At each return only configurations are kept that spent the least of what may have happened. Most histories have been
//! through such a configuration at nearly every return, and what is found is an order all the same. Where no configuration passes a
//! return, the frontier goes back some way, and is more generous there; further and more generous each time that does not help.
//!
//! **Relaxed.** All configurations are kept, but it does not matter what they spent, and what may have happened can be used without
//! limit: where no configuration passes a return then, there is no order. Where they pass, what the thriftiest used more of than there
//! was is counted from then on, up to where it did; and so on until the frontier is stuck, or uses nothing too often. This is decremental
//! state space relaxation, from the shortest path problem with limited resources (Righini and Salani, "New dynamic programming algorithms
//! for the resource constrained elementary shortest path problem", 2008). It needs a model with offers: the states of another might never end.

use std::sync::atomic::AtomicBool;

use super::passing::{Bounds, Care, Passing};
use super::spending::{Limits, Mark};
use super::window::Configuration;
use crate::linearizable::search::Conclusion;
use crate::linearizable::{Budget, Limit, Operation};
use crate::models::Model;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer; nothing where too many operations are open at once, or a limit of the frontier was reached.
    pub conclusion: Option<Conclusion>,
    /// Every return before this row can be passed.
    pub row: u32,
    /// Operations linearized.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
}

/// How many returns lie between two moments to go back to, and how many a thrifty frontier goes back first.
const STRIDE: usize = 64;
/// How generous a thrifty frontier becomes.
const MOST_EFFORT: u32 = 5;
const WIDTH: usize = 32;
/// Steps that the thrifty way is worth: at least, and for each return.
const THRIFTY_STEPS: (u64, u64) = (1 << 16, 64);

/// Decide `operations`, which are sorted by invocation.
pub fn decide<M: Model + Clone>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Outcome {
    let mut frontier = Frontier::new(model.clone(), operations, budget, interrupt);
    let conclusion = frontier.thrifty().or_else(|end| match end {
        End::Stuck | End::Exhausted if model.has_offers() => frontier.relaxed(model),
        end => Err(end),
    });
    Outcome {
        conclusion: match conclusion {
            Ok(conclusion) => Some(conclusion),
            Err(End::Interrupted) => Some(Conclusion::Exhausted(Limit::Interrupted, frontier.furthest)),
            Err(_) => None,
        },
        row: frontier.furthest,
        steps: frontier.steps + frontier.passing.steps,
        peak_bytes: frontier.peak_bytes,
    }
}

/// Why there is no answer yet.
enum End {
    /// The frontier did not keep what it would need.
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
}

struct Frontier<'a, M: Model> {
    passing: Passing<M>,
    operations: &'a [Operation<M::Action>],
    /// The returns in order, as rows and indices.
    returns: Vec<(u32, u32)>,
    slot_of: Vec<u8>,
    /// The next return to pass.
    layer: usize,
    next_call: usize,
    moments: Vec<Moment>,
    moments_bytes: u64,
    budget: Budget,
    interrupt: &'a AtomicBool,
    is_relaxed: bool,
    /// Every return before this row was passed for certain.
    furthest: u32,
    /// Steps of attempts before this one.
    steps: u64,
    peak_bytes: u64,
}

impl<'a, M: Model + Clone> Frontier<'a, M> {
    fn new(model: M, operations: &'a [Operation<M::Action>], budget: Budget, interrupt: &'a AtomicBool) -> Self {
        let required = operations.iter().enumerate().filter(|(_, operation)| !operation.is_pending());
        let mut returns: Vec<(u32, u32)> =
            required.map(|(index, operation)| (operation.completion, index as u32)).collect();
        returns.sort_unstable();
        let passing = Passing::new(model, operations, Limits::All);
        let slot_of = vec![0; operations.len()];
        Frontier {
            passing,
            operations,
            returns,
            slot_of,
            layer: 0,
            next_call: 0,
            moments: Vec::new(),
            moments_bytes: 0,
            budget,
            interrupt,
            is_relaxed: false,
            furthest: 0,
            steps: 0,
            peak_bytes: 0,
        }
    }

    /// Look for an order in which little is spent.
    fn thrifty(&mut self) -> Result<Conclusion, End> {
        let (least, each) = THRIFTY_STEPS;
        let max_steps = self.budget.max_steps.min(least + each * self.returns.len() as u64);
        let mut trouble = None;
        let mut effort = 0;
        while self.layer < self.returns.len() {
            if self.layer % STRIDE == 0 {
                self.remember();
            }
            let care = Care { slack: effort, width: WIDTH << effort };
            if let Some(row) = self.pass(care, max_steps)? {
                if self.passing.is_exact && self.passing.classes.classes.is_empty() {
                    return Ok(Conclusion::Blocked(row));
                }
                let is_new = trouble.replace(self.layer.max(trouble.unwrap_or(0))) < Some(self.layer);
                effort = if is_new { effort.max(1) } else { effort + 1 };
                if effort > MOST_EFFORT {
                    return Err(End::Stuck);
                }
                self.go_back(self.layer.saturating_sub(STRIDE << (2 * (effort - 1))));
            } else if trouble.is_some_and(|trouble| self.layer > trouble + STRIDE) {
                effort = 0;
            }
        }
        Ok(Conclusion::Linearizable)
    }

    /// Show that there is no order, or else find one.
    fn relaxed(&mut self, model: &M) -> Result<Conclusion, End> {
        self.is_relaxed = true;
        loop {
            self.start_again(model);
            while self.layer < self.returns.len() {
                if let Some(row) = self.pass(Care::FULL, self.budget.max_steps)? {
                    return Ok(Conclusion::Blocked(row));
                }
            }
            let Passing { configurations, spending, classes, .. } = &mut self.passing;
            let thriftiest = configurations.iter().min_by_key(|configuration| configuration.spent);
            if !thriftiest.is_some_and(|thriftiest| spending.make_scarce(thriftiest, classes, self.operations)) {
                return Ok(Conclusion::Linearizable);
            }
        }
    }

    /// Pass the next return; its row, if nothing does.
    fn pass(&mut self, care: Care, max_steps: u64) -> Result<Option<u32>, End> {
        let (row, index) = self.returns[self.layer];
        self.call_until(row)?;
        let bytes = self.moments_bytes + 13 * self.operations.len() as u64;
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
        if !self.is_relaxed {
            self.furthest = self.furthest.max(row + 1);
        }
        self.layer += 1;
        if self.layer % STRIDE == 0 && !self.passing.spending.is_settled() {
            self.passing.spending.settle(&mut self.passing.configurations);
        }
        Ok(None)
    }

    fn call_until(&mut self, row: u32) -> Result<(), End> {
        while let Some(operation) = self.operations.get(self.next_call).filter(|operation| operation.invocation < row) {
            if operation.is_pending() {
                self.passing.spending.call(self.next_call);
            } else {
                let slot = self.passing.window.vacant().ok_or(End::TooManyOpen)?;
                self.passing.window.call(&self.passing.model, slot, operation);
                self.passing.fresh |= 1 << slot;
                self.slot_of[self.next_call] = slot as u8;
            }
            self.next_call += 1;
        }
        Ok(())
    }

    fn remember(&mut self) {
        let configurations = self.passing.configurations.clone();
        let spending = self.passing.spending.mark();
        let moment = Moment { layer: self.layer, next_call: self.next_call, configurations, spending };
        self.moments_bytes += moment.bytes();
        self.moments.push(moment);
    }

    /// Go back to the last moment at `layer` or before.
    fn go_back(&mut self, layer: usize) {
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
                window.call(&self.passing.model, usize::from(self.slot_of[index]), &self.operations[index]);
            }
        }
        self.passing.fresh = 0;
        self.passing.configurations = moment.configurations;
        self.passing.spending.back_to(&moment.spending);
        self.layer = moment.layer;
        self.next_call = moment.next_call;
    }

    fn start_again(&mut self, model: &M) {
        self.steps += self.passing.steps;
        let mut passing = Passing::new(model.clone(), self.operations, Limits::Scarce);
        passing.spending.scarce_as(&self.passing.spending);
        self.passing = passing;
        self.moments.clear();
        self.moments_bytes = 0;
        (self.layer, self.next_call) = (0, 0);
    }
}

impl Moment {
    fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.configurations.capacity() * size_of::<Configuration>()) as u64 + self.spending.bytes()
    }
}
