//! FIFO queues in which elements repeat: enqueues and dequeues are put in order in lockstep.
//!
//! Which enqueue a dequeue took from is not known where elements repeat, and how concurrent enqueues were ordered shows only when their
//! elements are dequeued, much later. A search that goes through time has to guess, and learns too late that it guessed wrong. So both
//! ends of the queue are followed at once, whatever lies between them in time: the n-th enqueue together with the n-th dequeue, which is
//! of the same element (Lee and Mathur, "Fixed parameter tractable linearizability monitoring", 2025).
//!
//! **Two orders are enough.** Let the enqueues and the dequeues each be in an order that keeps real time, with those that found nothing
//! among the dequeues, such that
//!
//! - the n-th enqueue and the n-th dequeue that found something are of the same element,
//! - the n-th enqueue was not called after that dequeue, or any dequeue behind it, had returned,
//! - no enqueue had returned before a dequeue was called that found nothing when fewer were dequeued, or before one in front of that.
//!
//! Then the two can be merged, and what is merged is legal: every dequeue after its enqueue, those that found nothing after as many
//! enqueues as dequeues. If they could not, these demands and real time would go round in a circle. As both orders are total, the shortest
//! circle passes each once: from some enqueue to a dequeue, and from one not before that to an enqueue not behind the first. If real time
//! demands both, four instants are in a circle; if it does not, one of the three conditions is broken. Conversely, any order that
//! explains the history falls apart into two such orders.
//!
//! **Stages.** What two orders have taken so far at either end is all that matters for what they can take next ([`side`]), so all
//! pairs of orders are followed at once, dequeue by dequeue. Conditions are about the first return of what is not taken yet, which only
//! rises. So whatever could be taken and was not still can be later, and much need not be tried:
//!
//! 1. Of two enqueues of an element that can be next, the one that returns first goes first: if it went later, or not at all, the two
//!    can change places. Of two dequeues likewise, unless that would be in the way of a dequeue that found nothing.
//! 2. A dequeue that found nothing goes as soon as it can.
//! 3. An enqueue that may have happened is used only where no certain one is as good, and the one called first before all others.
//! 4. A dequeue that may have happened removes an element only where that is in the way: where the element to be dequeued next was put in
//!    after it, or the queue was found empty.
//! 5. Of two stages with the same dequeues, one that enqueued nothing else than the other, and used no more enqueues of any element that
//!    may have happened, takes the other's place: it can have the rest removed when it likes ([`stepping`]).
//!
//! Where everything happened for certain few stages remain: never more than eighty, in histories of 100,000 operations by ten clients.
//! Where much may have happened, there are many ways to waste it; a few thrifty stages are followed first, and all of them where those
//! end ([`thrift`]). The first is quick to find an order; only the second can say that there is none, and then it says exactly where.

mod side;
mod stepping;
mod supply;
mod thrift;

use std::sync::atomic::AtomicBool;

use super::decide::Followed;
use super::{Budget, Operation};
use crate::objects::PoolAction;
use stepping::Lockstep;
use thrift::Following;

/// Decide a FIFO queue; operations are sorted by call. Nothing if too many are open at once.
pub fn decide(operations: &[Operation<PoolAction>], budget: Budget, interrupt: &AtomicBool) -> Option<Followed> {
    let lockstep = Lockstep::new(operations)?;
    Some(Following::new(lockstep, budget, interrupt).decide())
}
