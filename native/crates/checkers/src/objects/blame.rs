//! Where a history first becomes impossible, and the fewest operations of a pool that show it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::pool::PoolAction;
use super::{Judgement, Refutation};
use crate::linearizable::Operation;
use crate::pairing::NEVER;

/// How an object is judged.
pub type Judge<'a, A> = &'a dyn Fn(&[Operation<A>]) -> Judgement;

/// What has to stay with an operation in a part of a history, so that the part is possible if the whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kin {
    /// Nothing: it can be left out.
    Nobody,
    /// Every operation on the same element.
    Element(u32),
    /// It has to stay in every part, because it may explain others.
    Everybody,
}

/// How a pool is judged, given its operations by call and how many elements there are.
pub type Decide = fn(&[Operation<PoolAction>], usize) -> Judgement;

/// The first return that can't be passed in a history that `refutation` refutes, given what is known of its operations in the end.
///
/// The operations of a refutation and their kin are impossible by themselves and bound that row from above.
/// If what came before is impossible too, its refutation bounds it further, and so does what came before the middle: violations may be
/// as many as operations. Where what came before is undecided, it is the first return that is known to be impassable.
pub fn first_blocked<A: Copy>(
    operations: &[Operation<A>],
    refutation: &Refutation,
    kin: fn(&A) -> Kin,
    judge: Judge<A>,
) -> u32 {
    let bound = |refutation: &Refutation| bound(operations, refutation, kin, judge);
    let returns = returns(operations);
    let (mut low, mut high) = (0, bound(refutation));
    loop {
        match judge(&without_returns(operations, high)) {
            Judgement::Impossible(earlier) => high = bound(&earlier),
            Judgement::Linearizable | Judgement::Undecided => return high,
        }
        let [passed, blocked] = [low, high].map(|end| returns.partition_point(|&row| row < end));
        if passed == blocked {
            return high;
        }
        let middle = returns[passed + (blocked - passed) / 2];
        match judge(&without_returns(operations, middle + 1)) {
            Judgement::Impossible(earlier) => high = bound(&earlier),
            Judgement::Linearizable | Judgement::Undecided => low = middle + 1,
        }
    }
}

/// The first return that can't be passed in the operations of a refutation and their kin.
fn bound<A: Copy>(operations: &[Operation<A>], refutation: &Refutation, kin: fn(&A) -> Kin, judge: Judge<A>) -> u32 {
    let is_part = |place: u32| refutation.parts.binary_search_by_key(&place, |part| part.operation).is_ok();
    let parts = refutation.parts.iter().map(|part| kin(&operations[part.operation as usize].action));
    let related: FxHashSet<Kin> = parts.filter(|&kin| kin != Kin::Nobody).chain([Kin::Everybody]).collect();
    let is_kept =
        |(operation, place): &(&Operation<A>, u32)| related.contains(&kin(&operation.action)) || is_part(*place);
    let few: Vec<Operation<A>> = operations.iter().zip(0..).filter(is_kept).map(|(operation, _)| *operation).collect();
    let returns = returns(&few);
    let is_passed = |&row: &u32| !matches!(judge(&without_returns(&few, row + 1)), Judgement::Impossible(_));
    let passed = returns.partition_point(is_passed);
    debug_assert!(passed < returns.len(), "the operations of a refutation are impossible by themselves");
    returns[passed.min(returns.len() - 1)]
}

/// The history without the returns from `row` on. Operations that had not returned by then, or not even been called, may or may not
/// happen; if they do, it is known of them what they did.
pub fn without_returns<A: Copy>(operations: &[Operation<A>], row: u32) -> Vec<Operation<A>> {
    let known = |operation: &Operation<A>| if operation.completion < row { operation.completion } else { NEVER };
    operations.iter().map(|operation| Operation { completion: known(operation), ..*operation }).collect()
}

/// The rows of all returns, in order.
fn returns<A: Copy>(operations: &[Operation<A>]) -> Vec<u32> {
    let required = operations.iter().filter(|operation| !operation.is_pending());
    let mut rows: Vec<u32> = required.map(|operation| operation.completion).collect();
    rows.sort_unstable();
    rows
}

/// How many operations may be looked at to make a refutation smaller, those looked at again included.
const LOOKS: usize = 50_000_000;

/// A refutation of the same history of a pool from which no element, and no take that found nothing, can be left out; or what was reached
/// when the budget ended.
///
/// Leaving out an element altogether leaves what else happened possible, if it was; so does leaving out an observation, but not a take of
/// which nobody knows what it took. Runs are left out first, halving, then one at a time (Zeller and Hildebrandt, "Simplifying and
/// isolating failure-inducing input", 2002).
pub fn blame(operations: &[Operation<PoolAction>], refutation: Refutation, decide: Decide) -> Refutation {
    let mut few: Vec<Operation<PoolAction>> =
        refutation.parts.iter().map(|part| operations[part.operation as usize]).collect();
    let (units, elements) = units(&mut few);
    let mut is_kept = vec![true; units.iter().flatten().max().map_or(0, |&unit| unit as usize + 1)];
    let mut found = refutation.clone();
    let mut looks = 0;
    let mut run = is_kept.len().div_ceil(2);
    while run > 0 {
        for start in (0..is_kept.len()).step_by(run) {
            let tried = start..is_kept.len().min(start + run);
            if looks > LOOKS || !is_kept[tried.clone()].contains(&true) {
                continue;
            }
            let stays = |unit: &Option<u32>| {
                unit.is_none_or(|unit| is_kept[unit as usize] && !tried.contains(&(unit as usize)))
            };
            let places: Vec<usize> = (0..few.len()).filter(|&place| stays(&units[place])).collect();
            let rest: Vec<Operation<PoolAction>> = places.iter().map(|&place| few[place]).collect();
            looks += rest.len() + elements;
            if let Judgement::Impossible(mut smaller) = decide(&rest, elements) {
                for part in &mut smaller.parts {
                    part.operation = refutation.parts[places[part.operation as usize]].operation;
                }
                found = smaller;
                is_kept[tried].fill(false);
            }
        }
        run = if run == 1 { 0 } else { run.div_ceil(2) };
    }
    found
}

/// What is left out together, numbered from zero: by operation, its element or itself; nothing for what can't be left out. The elements are
/// numbered anew, and counted.
fn units(operations: &mut [Operation<PoolAction>]) -> (Vec<Option<u32>>, usize) {
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let mut number = |element: &mut u32| {
        let next = numbers.len() as u32;
        *element = *numbers.entry(*element).or_insert(next);
        Some(*element)
    };
    let mut units: Vec<Option<u32>> = Vec::with_capacity(operations.len());
    for operation in operations.iter_mut() {
        units.push(match &mut operation.action {
            PoolAction::Put(element) | PoolAction::Take(element) => number(element),
            PoolAction::Empty | PoolAction::TakeUnknown => None,
        });
    }
    let elements = numbers.len();
    let empties = operations.iter().zip(&mut units).filter(|(operation, _)| operation.action == PoolAction::Empty);
    empties.zip(elements as u32..).for_each(|((_, unit), number)| *unit = Some(number));
    (units, elements)
}
