//! Queues with distinct elements, first in first out or in any order.
//!
//! A history of a FIFO queue is linearizable exactly when no element comes out that was not put in, comes out twice or too early, no
//! two elements are put in and taken out in opposite orders, and whoever found the queue empty had an instant at which it may have been
//! (Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs", 2013; Bouajjani, Emmi, Enea and Hamza, "On reducing
//! linearizability to state reachability", 2015). A queue in any order does without the rule about pairs.
//!
//! **Takes nobody knows about.** Let an element that no known take returned be *left*. If an element that was put in after it was taken,
//! it must have been taken before, by an unknown take: it has a deadline, the first such return. A later put never has an earlier
//! deadline, because whatever overtakes the later element overtakes the earlier one as well; so which elements have to be gone by a row
//! is a prefix of them in the order of the returns of their puts. As an unknown take may end at any time after its call, the elements
//! can be matched with takes exactly when, for every row, no more of them are due by then than unknown takes were called by then.
//! Elements without a deadline stay, and no element that goes was put in after one that stays.

use super::empty::not_empty;
use super::pool::{Found, Life, Pool, PoolAction, pool};
use super::{Judgement, Refutation, Role, Rule};
use crate::linearizable::Operation;
use crate::pairing::NEVER;

/// Decide a FIFO queue with `elements` numbered elements; operations are sorted by call.
pub fn queue(operations: &[Operation<PoolAction>], elements: usize) -> Judgement {
    decide(operations, elements, |pool| overtaken(pool).or_else(|| left_behind(pool, operations)))
}

/// Decide a queue in any order with `elements` numbered elements; operations are sorted by call.
pub fn unordered_queue(operations: &[Operation<PoolAction>], elements: usize) -> Judgement {
    decide(operations, elements, |_| None)
}

fn decide(
    operations: &[Operation<PoolAction>],
    elements: usize,
    order: impl FnOnce(&Pool) -> Option<Refutation>,
) -> Judgement {
    let pool = match pool(operations, elements) {
        Found::Sound(pool) => pool,
        Found::Unsound(refutation) => return Judgement::Impossible(refutation),
        Found::Repeated => return Judgement::Undecided,
    };
    let refutation = order(&pool).or_else(|| not_empty(&pool, operations));
    refutation.map_or(Judgement::Linearizable, Judgement::Impossible)
}

/// Places in `lives` by the return of the put, pending ones left out.
fn by_put_return(lives: &[Life]) -> Vec<(u32, u32)> {
    let mut order: Vec<(u32, u32)> = lives.iter().map(|life| life.put.1).zip(0..).collect();
    order.retain(|&(row, _)| row != NEVER);
    order.sort_unstable();
    order
}

/// Two elements of which the first was put in before the second, and taken after it.
fn overtaken(pool: &Pool) -> Option<Refutation> {
    let order = by_put_return(&pool.taken);
    let (mut next, mut latest) = (0, None::<&Life>);
    for second in &pool.taken {
        while next < order.len() && order[next].0 < second.put.0 {
            let life = &pool.taken[order[next].1 as usize];
            if latest.is_none_or(|latest| latest.take.0 < life.take.0) {
                latest = Some(life);
            }
            next += 1;
        }
        if let Some(first) = latest.filter(|first| second.take.1 < first.take.0) {
            let parts =
                pool.parts(first, Role::PutFirst, Role::TakeFirst).chain(pool.parts(second, Role::Put, Role::Take));
            return Some(Refutation::new(Rule::Overtaken, parts));
        }
    }
    None
}

/// An element that was taken though more elements before it were left than unknown takes can have removed by then.
fn left_behind(pool: &Pool, operations: &[Operation<PoolAction>]) -> Option<Refutation> {
    let order = by_put_return(&pool.left);
    let mut before = 0;
    for life in &pool.taken {
        before += order[before..].iter().take_while(|&&(row, _)| row < life.put.0).count();
        if life.take.1 == NEVER || before == 0 {
            continue;
        }
        if before > pool.unknown_before(life.take.1) {
            let unknown = pool.unknown_parts(operations, life.take.1);
            let left = order.iter().take(unknown.len() + 1).map(|&(_, place)| &pool.left[place as usize]);
            let parts = left.flat_map(|left| pool.parts(left, Role::PutFirst, Role::TakeFirst));
            return Some(Refutation::new(
                Rule::LeftBehind,
                parts.chain(pool.parts(life, Role::Put, Role::Take)).chain(unknown),
            ));
        }
    }
    None
}
