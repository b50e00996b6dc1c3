//! Decides by the frontier: a thrifty way first, and where there is none, all of them.
//!
//! **Thrifty.** At each return only configurations are kept that spent the least of what may have happened. Most histories have been
//! through such a configuration at nearly every return, and what is found is an order all the same. Where no configuration passes a
//! return, the frontier goes back some way, and is more generous there; further and more generous each time that does not help.
//!
//! **Relaxed.** All configurations are kept, but it does not matter what they spent, and what may have happened can be used without
//! limit, but for what thrift ran short of: where no configuration passes a return then, there is no order. Where they pass, what the
//! thriftiest used more of than there was is counted from then on, up to where it did; and so on until the frontier is stuck, or uses
//! nothing too often. This is decremental state space relaxation, from the shortest path problem with limited resources (Righini and
//! Salani, "New dynamic programming algorithms for the resource constrained elementary shortest path problem", 2008). It needs a model
//! with offers: the states of another might never end. A [`Part`] of the history comes first: since what ran short was called.
//!
//! Of a model with amounts, a counter, the relaxed way only shows that there is no order: whatever was called may make up a difference, as
//! often as it takes. Parts come first again, each from an observation on.
//!
//! Of a store of keys the relaxed way is that what may have happened is taken apart, into a write for each key, which can be used without
//! limit. It is tried on parts of the history only. The few transactions that leave what was found where thrift got stuck stay whole.

use std::sync::atomic::AtomicBool;

use super::order::Basis;
use super::part::Part;
use super::passing::{Care, Passing};
use super::spending::Limits;
use super::walk::{End, Walk};
use crate::linearizable::search::Conclusion;
use crate::linearizable::{Budget, Limit, Operation};
use crate::models::{Model, Nature};

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
/// How generous a thrifty frontier becomes, where there is a relaxed way and where there is none.
const MOST_EFFORT: [u32; 2] = [3, 5];
/// How generous it becomes in the end, where what may have happened in pieces did not show that there is no order.
const MOST_GENEROUS: u32 = 6;
const WIDTH: usize = 32;
/// How many operations that may have happened are not taken apart, at most: they are open as long as the part lasts.
const MOST_WHOLE: usize = 8;
/// How many returns before the one that thrift did not pass are looked at with what may have happened in pieces, at most.
const MOST_PIECEWISE: usize = 64 * STRIDE;
/// One in so many of the steps left is worth one attempt to show that there is no order of a part with what may have happened in pieces.
const PIECEWISE: u64 = 32;
/// Steps that the thrifty way is worth: at least, and for each return.
const THRIFTY_STEPS: (u64, u64) = (1 << 16, 64);
/// Steps that it is worth at least for a store of keys, which has no relaxed way for the whole history.
const THRIFTY_STEPS_OF_A_STORE: u64 = 1 << 20;

/// Decide `operations`, which are sorted by invocation.
pub fn decide<M: Model + Clone>(
    model: &M,
    operations: &[Operation<M::Action>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Outcome {
    let mut walk = Walk::new(model, vec![model.initial()], operations, Limits::All, budget, interrupt);
    let mut shortage = Shortage { row: 0, missed: Vec::new() };
    let mut furthest = 0;
    let conclusion = thrifty(&mut walk, &mut furthest, &mut shortage, false).or_else(|end| match end {
        End::Stuck | End::Exhausted if model.has_offers() => match part(&mut walk, &shortage)? {
            Some(row) => Ok(Conclusion::Blocked(row)),
            None => relaxed(&mut walk, &shortage),
        },
        End::Stuck | End::Exhausted if walk.passing.has_amounts() => match nearby(&mut walk, shortage.row)? {
            Some(row) => Ok(Conclusion::Blocked(row)),
            None => unlimited(&mut walk),
        },
        End::Stuck | End::Exhausted if model.has_accesses() => generous(&mut walk, &mut furthest, &mut shortage, end),
        end => Err(end),
    });
    Outcome {
        conclusion: match conclusion {
            Ok(conclusion) => Some(conclusion),
            Err(End::Interrupted) => Some(Conclusion::Exhausted(Limit::Interrupted, furthest)),
            Err(_) => None,
        },
        row: furthest,
        steps: walk.all_steps(),
        peak_bytes: walk.peak_bytes,
    }
}

/// Where a thrifty frontier got stuck last, and what it had nothing left of there.
struct Shortage<A> {
    row: u32,
    missed: Vec<A>,
}

/// Look for an order in which little is spent, with more and more effort. Every return before row `furthest` was passed for certain.
fn thrifty<M: Model + Clone>(
    walk: &mut Walk<M>,
    furthest: &mut u32,
    shortage: &mut Shortage<M::Action>,
    is_generous: bool,
) -> Result<Conclusion, End> {
    let (mut least, each) = THRIFTY_STEPS;
    if walk.model.has_accesses() {
        least = THRIFTY_STEPS_OF_A_STORE;
    }
    let max_steps = least + each * walk.returns.len() as u64;
    let max_steps = max_steps.saturating_add(walk.all_steps()).min(walk.budget.max_steps);
    let has_another_way = walk.model.has_offers() || walk.passing.has_amounts() || walk.model.has_accesses();
    let usual = MOST_EFFORT[usize::from(!has_another_way)];
    let mut trouble = None;
    let (mut effort, mut most_effort) = if is_generous { (usual, MOST_GENEROUS) } else { (0, usual) };
    while !walk.is_over() {
        if walk.layer % STRIDE == 0 {
            walk.settle();
            walk.remember();
        }
        let row = walk.returns[walk.layer].0;
        let order = if effort <= 1 { Basis::Guessed } else { Basis::Certain };
        if walk.pass(Care { slack: effort, width: WIDTH << effort, order }, max_steps)?.is_none() {
            *furthest = (row + 1).max(*furthest);
            if trouble.is_some_and(|trouble| walk.layer > trouble + STRIDE) {
                (effort, most_effort) = (0, usual);
            }
            continue;
        }
        if walk.passing.is_exact && walk.passing.classes.classes.is_empty() {
            return Ok(Conclusion::Blocked(row));
        }
        *shortage = Shortage { row, missed: walk.passing.missed() };
        let is_new = trouble.replace(walk.layer.max(trouble.unwrap_or(0))) < Some(walk.layer);
        effort = if is_new { effort.max(1) } else { effort + 1 };
        if effort > most_effort {
            return Err(End::Stuck);
        }
        walk.go_back(walk.layer.saturating_sub(STRIDE << (2 * (effort - 1))));
    }
    Ok(Conclusion::Linearizable)
}

/// Where thrift ended, show that there is no order, with what may have happened in pieces; or else be more generous there; and so on
/// wherever it gets stuck after that.
fn generous<M: Model + Clone>(
    walk: &mut Walk<M>,
    furthest: &mut u32,
    shortage: &mut Shortage<M::Action>,
    mut end: End,
) -> Result<Conclusion, End> {
    loop {
        let row = shortage.row;
        match piecewise(walk, row) {
            Ok(Some(row)) => return Ok(Conclusion::Blocked(row)),
            Ok(None) | Err(End::Exhausted) => {}
            Err(end) => return Err(end),
        }
        if end != End::Stuck {
            return Err(end);
        }
        match thrifty(walk, furthest, shortage, true) {
            Err(next) if shortage.row > row => end = next,
            conclusion => return conclusion,
        }
    }
}

/// Show that there is no order of the part of a history that ends where thrift got stuck, and begins some returns before or, if that is
/// earlier, when what ran short there was called first. Gives the return that nothing passes.
fn part<M: Model + Clone>(walk: &mut Walk<M>, shortage: &Shortage<M::Action>) -> Result<Option<u32>, End> {
    let passed = walk.returns.partition_point(|&(row, _)| row < shortage.row);
    let near = walk.returns.get(passed.saturating_sub(2 * STRIDE)).map_or(0, |&(row, _)| row);
    let pending = walk.operations.iter().filter(|operation| operation.is_pending());
    let called = pending.filter(|o| shortage.missed.contains(&o.action)).map(|operation| operation.invocation);
    let from = called.chain([near]).min().unwrap_or(0);
    if from <= walk.returns.first().map_or(0, |&(row, _)| row) {
        return Ok(None);
    }
    let model = walk.model;
    let part = Part::new(model, walk.operations, from, shortage.row + 1);
    within(walk, model, part, 1, |inner| relaxed(inner, shortage))
}

/// Show that there is no order of the part of a history that ends where thrift got stuck, in `row`, and begins at an observation some
/// returns before; or more and more returns. Gives the return that nothing passes.
fn nearby<M: Model + Clone>(walk: &mut Walk<M>, row: u32) -> Result<Option<u32>, End> {
    let passed = walk.returns.partition_point(|&(other, _)| other < row);
    let mut returns = 2 * STRIDE;
    while let Some(&(near, _)) = passed.checked_sub(returns).and_then(|layer| walk.returns.get(layer)) {
        returns *= 4;
        let before = walk.operations.iter().filter(|operation| operation.completion <= near);
        let Some(first) = before
            .filter(|operation| walk.model.nature(operation.action) == Nature::Observation)
            .max_by_key(|operation| operation.completion)
        else {
            return Ok(None);
        };
        let mut model = walk.model.clone();
        let Some(part) = Part::after(&mut model, walk.operations, first, row + 1) else { return Ok(None) };
        if let Some(row) = within(walk, &model, part, 1, |inner| unlimited(inner))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Show that there is no order of a part of the history that ends where thrift got stuck, in `row`, even where what may have happened is
/// taken apart, and can be used without limit; but for the few that leave what is found by the operation that returns there. The part
/// begins some returns before; or more and more returns.
fn piecewise<M: Model + Clone>(walk: &mut Walk<M>, row: u32) -> Result<Option<u32>, End> {
    let whole = leaving(walk, row);
    let passed = walk.returns.partition_point(|&(other, _)| other < row);
    let mut returns = STRIDE;
    while returns <= MOST_PIECEWISE {
        let near = passed.checked_sub(returns).and_then(|layer| walk.returns.get(layer)).map_or(0, |&(row, _)| row);
        let part = Part::new(walk.model, walk.operations, near, row + 1);
        // Also what was open where the part begins or ends is taken apart.
        let Some((mut model, mut operations)) = walk.model.in_pieces(&part.operations, &whole) else { return Ok(None) };
        let states = vec![if near == 0 { model.initial() } else { model.unknown() }];
        // What has to go before the part ends, or then, goes once at most before.
        let optional = operations.iter_mut().filter(|operation| whole.contains(&operation.invocation));
        for (operation, completion) in optional.zip(row + 1..) {
            operation.completion = completion;
        }
        let part = Part { operations, states };
        let found = within(walk, &model, part, PIECEWISE, |inner| unlimited(inner))?;
        if found.is_some() || near == 0 {
            return Ok(found.map(|_| row));
        }
        returns *= 8;
    }
    Ok(None)
}

/// When operations were called that may have happened, go whatever they find, and leave something that is found by the operation that
/// returns in `row`; nothing if those are many.
fn leaving<M: Model + Clone>(walk: &Walk<M>, row: u32) -> Vec<u32> {
    let model = walk.model;
    let stuck = walk.operations.iter().find(|operation| operation.completion == row);
    let found: Vec<(u32, u32)> = stuck
        .map_or(&[][..], |operation| model.accesses(operation.action))
        .iter()
        .filter_map(|access| Some((access.key, access.finds?)))
        .collect();
    let leaves = |operation: &&Operation<M::Action>| {
        let accesses = model.accesses(operation.action);
        accesses.iter().any(|access| access.leaves.is_some_and(|value| found.contains(&(access.key, value))))
            && accesses.iter().all(|access| access.finds.is_none())
    };
    let pending = walk.operations.iter().filter(|operation| operation.is_pending() && operation.invocation < row);
    let rows: Vec<u32> = pending.filter(leaves).map(|operation| operation.invocation).collect();
    if rows.len() <= MOST_WHOLE { rows } else { Vec::new() }
}

/// The return that nothing passes in a part of the history, which is decided as `decide` does, in one of so many of the steps left.
fn within<M: Model + Clone>(
    walk: &mut Walk<M>,
    model: &M,
    Part { operations, states }: Part<M::Action>,
    one_in: u64,
    decide: impl Fn(&mut Walk<M>) -> Result<Conclusion, End>,
) -> Result<Option<u32>, End> {
    let bytes = walk.fixed_bytes() + walk.passing.bytes() + (size_of_val(&operations[..]) + 4 * states.len()) as u64;
    let budget = Budget {
        max_steps: walk.budget.max_steps.saturating_sub(walk.all_steps()) / one_in,
        max_bytes: walk.budget.max_bytes.saturating_sub(bytes),
    };
    let mut inner = Walk::new(model, states, &operations, Limits::Scarce, budget, walk.interrupt);
    let conclusion = decide(&mut inner);
    walk.steps += inner.all_steps();
    walk.peak_bytes = walk.peak_bytes.max(bytes + inner.peak_bytes);
    match conclusion {
        Ok(Conclusion::Blocked(row)) => Ok(Some(row)),
        Ok(_) | Err(End::Stuck) => Ok(None),
        Err(end) => Err(end),
    }
}

/// Show that there is no order, even where whatever may have happened can be used without limit.
fn unlimited<M: Model + Clone>(walk: &mut Walk<M>) -> Result<Conclusion, End> {
    walk.start_again(Limits::Scarce);
    while !walk.is_over() {
        if walk.layer % STRIDE == 0 {
            walk.settle();
        }
        if let Some(row) = walk.pass(Care::FULL, walk.budget.max_steps)? {
            return Ok(Conclusion::Blocked(row));
        }
    }
    Err(End::Stuck)
}

/// Show that there is no order, or else find one.
fn relaxed<M: Model + Clone>(walk: &mut Walk<M>, shortage: &Shortage<M::Action>) -> Result<Conclusion, End> {
    for action in &shortage.missed {
        let Passing { classes, spending, .. } = &mut walk.passing;
        if let Ok(class) = classes.classes.binary_search_by_key(action, |class| class.action) {
            spending.make_scarce_until(class as u32, shortage.row);
        }
    }
    loop {
        walk.start_again(Limits::Scarce);
        while !walk.is_over() {
            if walk.layer % STRIDE == 0 {
                walk.settle();
            }
            if let Some(row) = walk.pass(Care::FULL, walk.budget.max_steps)? {
                return Ok(Conclusion::Blocked(row));
            }
        }
        let Passing { configurations, spending, classes, .. } = &mut walk.passing;
        let thriftiest = configurations.iter().min_by_key(|configuration| configuration.spent);
        if !thriftiest.is_some_and(|thriftiest| spending.make_scarce(thriftiest, classes, walk.operations)) {
            return Ok(Conclusion::Linearizable);
        }
    }
}
