//! Counters that only grow: from one sum that was read to the next.
//!
//! A counter that only grows is read in the order of what is read. So the sums that were read are *levels*, and what is to be found out is
//! between which two of them each addition went ([`levels`]): after the levels of the reads that had returned before it was called, and
//! before those of the reads that were called when it had returned. Reads need not be put in order any more, and time is gone but for the
//! order of additions that are possible between the same levels. What went before a level is all that had to, and some of those that could
//! have gone before or after: a *stage*, which is a machine word ([`rising`]).
//!
//! Much need not be tried:
//!
//! 1. Of two additions of the same amount that can go next, the one that returns first goes first: if it went later, the two could change
//!    places.
//! 2. One that may have happened is used only where none of the same amount that certainly did could go; that can be put off for good.
//! 3. What can be taken of what may have happened in one piece is not taken in two ([`reserve`]).
//! 4. A stage where more went that certainly did takes the place of one where that was made up by what may have happened: it has it left.
//!
//! Which stages are followed says [`climbing`]: a few thrifty ones, and all where those end.

mod climbing;
mod levels;
mod reserve;
mod rising;

use std::sync::atomic::AtomicBool;

use super::decide::Followed;
use super::search::Conclusion;
use super::{Budget, Operation};
use crate::models::CounterAction;
use climbing::Climb;
use levels::Levels;

/// The first return of a read that tells less than it must by what had returned before it was called, of a counter that only grows, or only
/// shrinks.
pub fn stale(initial: i64, operations: &[Operation<CounterAction>]) -> Option<u32> {
    Levels::new(initial, operations)?.stale
}

/// Decide a counter that starts with `initial`; operations are sorted by call. Nothing if it both grows and shrinks; no conclusion if too
/// many additions are undecided at once, or too much is to be looked at.
pub fn decide(
    initial: i64,
    operations: &[Operation<CounterAction>],
    budget: Budget,
    interrupt: &AtomicBool,
) -> Option<Followed> {
    let levels = Levels::new(initial, operations)?;
    let mut climb = Climb::new(&levels, budget, interrupt);
    let conclusion = match levels.stale {
        Some(row) => Some(Conclusion::Blocked(row)),
        None => climb.decide(),
    };
    Some(Followed {
        conclusion,
        row: climb.row,
        steps: climb.rising.steps(),
        peak_bytes: climb.peak_bytes,
        beginning: Vec::new(),
    })
}
