//! What is known about deciding counters: one that only grows, or only shrinks, is followed from sum to sum.

use std::sync::atomic::AtomicBool;

use super::decide::{Decide, Followed};
use super::{Budget, Operation, counting};
use crate::models::{Counter, CounterAction};

impl Decide for Counter {
    fn refute(&self, operations: &[Operation<CounterAction>]) -> Option<u32> {
        counting::stale(self.start(), operations)
    }

    fn follow(
        &self,
        operations: &[Operation<CounterAction>],
        budget: Budget,
        interrupt: &AtomicBool,
    ) -> Option<Followed> {
        counting::decide(self.start(), operations, budget, interrupt)
    }
}
