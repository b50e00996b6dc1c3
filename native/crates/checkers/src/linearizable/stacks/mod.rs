//! Stacks in which elements repeat: everything that the stack can be is followed at once, from return to return.
//!
//! Which push a pop took from is not known where elements repeat, and how concurrent pushes were ordered shows only when they are popped,
//! much later. A search has to guess, and learns too late that it guessed wrong. Here nothing is guessed: all orders that explain the
//! history so far are kept. They differ in which of the operations that are open went already, of which there are few ways, and in what
//! is on the stack then, of which there are very many; but those have most of their parts in common ([`diagram`]). That is how a parser
//! follows all derivations of a sentence on one graph-structured stack (Tomita, "An efficient augmented-context-free parsing algorithm",
//! 1987), and why stacks with a bounded number of clients are decided in polynomial time (Lee and Mathur, "Fixed parameter tractable
//! linearizability monitoring", 2025).
//!
//! **Everything is put off until a return needs it.** An order of all that returned so far can be changed afterwards where that is no
//! concern of what is on the stack. So each return needs only one of these ([`passing`]):
//!
//! 1. A push puts its element *beneath* any of those on top that can have been pushed after its call, or on top of all.
//! 2. A pop takes its element from *beneath* any of those on top that can have been pushed after its call. What else is above it was
//!    popped before, by pops that are open, as their elements are: they go now.
//! 3. A pop and an open push of its element go together, one right after the other, which is nobody's concern.
//! 4. A pop that found nothing does as one whose element is below all others.
//!
//! Nothing else need be tried. Take any order of the whole history. What a push puts on the stack and an open pop takes before the push
//! returns can go together when either returns: all between the two came and went above it. A push whose element stays can be moved, in
//! the same way, to just before the push of what comes to lie on it. A pop that is not needed by what lies below its element can be moved
//! to where its element is first in the way of another, or to its own return: what has been pushed since lies above, and what was pushed
//! after its call still lies there or has come and gone.
//!
//! When an element can have been pushed at the latest is kept with it: at the return of the push, or before the one that lay above it
//! when it was put beneath. What returned after that is of no concern, because only what returns later comes to be put before it. So that
//! stacks which are as good as the same are the same, times are told only as far as the calls of what is still open tell them apart.
//!
//! **What may have happened** is never required. A push goes together with a pop that needs its element; a pop takes what is in the way of
//! another, the one called last first, of those that can. How many went is told in each configuration. There are many ways to waste them;
//! a few thrifty configurations are followed first, and all of them where those end ([`following`]). The first is quick to find an order;
//! only the second can say that there is none, and then it says exactly where.

mod diagram;
mod following;
mod passing;
mod window;

use std::sync::atomic::AtomicBool;

use super::decide::Followed;
use super::{Budget, Operation};
use crate::objects::PoolAction;
use following::Following;
use passing::Passing;

/// Decide a stack; operations are sorted by call. Nothing if too many are open at once.
pub fn decide(operations: &[Operation<PoolAction>], budget: Budget, interrupt: &AtomicBool) -> Option<Followed> {
    Following::new(Passing::new(operations, budget), interrupt).decide()
}
