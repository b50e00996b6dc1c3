//! What happened to one object, which is decided and explained by itself.

use std::sync::atomic::AtomicBool;

use super::decide::{Decide, Decision, decide};
use super::explain::{Explanation, explain};
use super::{Budget, Operation};
use crate::objects::Refutation;

/// One object of a history, whatever its model. Objects are independent, so a history is linearizable exactly if each of them is.
pub trait Part: Send + Sync {
    /// The key of the history that it belongs to.
    fn key(&self) -> Option<i64>;

    /// How many operations it has.
    fn operations(&self) -> usize;

    /// Whether it is linearizable.
    fn decide(&self, budget: Budget, interrupt: &AtomicBool) -> Decision;

    /// Why it is not, if the return in `row` is the first that can't be passed.
    fn explain(&self, row: u32, budget: Budget, interrupt: &AtomicBool) -> Explanation;

    /// The returns before `row`, as a fraction of all.
    fn fraction(&self, row: u32) -> f64;
}

/// What happened to one object of the model `M`.
#[derive(Clone, Debug)]
pub struct Object<M: Decide> {
    /// The key of the history that it belongs to.
    pub key: Option<i64>,
    /// Which of the elements at the key it is; nothing if it is all that there is.
    pub element: Option<i64>,
    /// The object before anything happened.
    pub model: M,
    /// What the numbers in actions stand for; nothing is nil.
    pub names: Vec<Option<i64>>,
    /// What happened or may have happened, by invocation.
    pub operations: Vec<Operation<M::Action>>,
}

impl<M: Decide + 'static> Object<M> {
    /// All that happened to `key`.
    pub fn whole(
        key: Option<i64>,
        model: M,
        names: Vec<Option<i64>>,
        operations: Vec<Operation<M::Action>>,
    ) -> Box<dyn Part> {
        Box::new(Object { key, element: None, model, names, operations })
    }

    /// What happened to one element at `key`.
    pub fn element(
        key: Option<i64>,
        element: Option<i64>,
        model: M,
        names: Vec<Option<i64>>,
        operations: Vec<Operation<M::Action>>,
    ) -> Box<dyn Part> {
        Box::new(Object { key, element, model, names, operations })
    }
}

impl<M: Decide> Object<M> {
    /// The rule for distinct elements that is broken, if the return in `row` is the first that can't be passed and the object is decided by
    /// rules. Two values are enough for some registers; they are told as registers all the same.
    pub fn broken(&self, row: u32) -> Option<Refutation> {
        let is_told_by_rules = self.element.is_some() || !self.model.has_offers();
        is_told_by_rules.then(|| self.model.broken(&self.operations, row)).flatten()
    }
}

impl<M: Decide> Part for Object<M> {
    fn key(&self) -> Option<i64> {
        self.key
    }

    fn operations(&self) -> usize {
        self.operations.len()
    }

    fn decide(&self, budget: Budget, interrupt: &AtomicBool) -> Decision {
        decide(&self.model, &self.operations, budget, interrupt)
    }

    fn explain(&self, row: u32, budget: Budget, interrupt: &AtomicBool) -> Explanation {
        explain(self, row, budget, interrupt)
    }

    fn fraction(&self, row: u32) -> f64 {
        let required = self.operations.iter().filter(|operation| !operation.is_pending());
        let (passed, all) = required.fold((0, 0), |(passed, all), o| (passed + u32::from(o.completion < row), all + 1));
        f64::from(passed) / f64::from(all.max(1))
    }
}
