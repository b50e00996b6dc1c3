//! Linearizability: every operation seems to take effect at one instant between its call and its return (Herlihy and Wing, 1990).
//!
//! A history is linearizable exactly when the part of each object is, so objects are checked on their own, and in parallel
//! ([`check`]): keys, and where they are independent, the elements of a key. A register whose written values are all different is
//! decided exactly in linear time ([`zones`]); any other first meets a linear-time test that refutes the common anomalies
//! ([`refute`]; of a set, [`membership`]; of a fenced lock, [`lock`]), and a store is first looked at key by key ([`store`]). Queues,
//! stacks and sets whose elements are all different are decided by [`crate::objects`]; where elements repeat, FIFO queues in
//! [`lockstep`], and stacks by [`stacks`], all at once. A counter that only grows is followed from sum to sum ([`counting`]). Whatever has
//! no check of its own is decided by the [`frontier`] of all its configurations, or else searched ([`search`]). A failure is cut down to
//! operations of which none can be left out ([`shrink`]) before it is explained, and of a long history only the end is told where that is
//! impossible by itself ([`recent`]).
//!
//! An operation that failed did not happen, and is left out; one that ended `info`, or not at all, can take effect at any time after
//! its call, or never, so a read that ended so says nothing and is left out as well.

mod apart;
mod check;
mod classes;
mod concern;
mod configuration;
mod counter;
mod counting;
mod cuts;
mod decide;
mod distinct;
mod explain;
mod frontier;
mod lock;
mod lockstep;
mod membership;
pub(crate) mod memo;
mod object;
mod queue;
mod reading;
mod recent;
mod refute;
mod register;
mod search;
mod shrink;
mod specification;
mod stacks;
mod store;
mod timeline;
mod zones;

pub use check::{Failure, Keys, Options, Progress, Report, check, judge};
pub use decide::{Algorithm, Decide, Decision, decide, decide_by_search};
pub use explain::{Configuration, Explanation, Role, Stuck, Witness};
pub use object::{Object, Part};
pub use reading::{Partition, Reading};
pub use search::{Conclusion, DeadEnd, Found, Goal, search};
pub use shrink::{Shrunk, Unit, prefix, shrink};
pub use specification::{MODELS, Specification};
pub use zones::{Zones, zones};

use crate::pairing::NEVER;

/// One operation on one object, by its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<A> {
    /// The row of the call.
    pub invocation: u32,
    /// The row of the return, or [`NEVER`] for one that may or may not have happened.
    pub completion: u32,
    /// What it does.
    pub action: A,
}

impl<A> Operation<A> {
    /// Whether it may or may not have happened.
    pub fn is_pending(&self) -> bool {
        self.completion == NEVER
    }
}

/// What the search may take, for each key.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Operations linearized, those taken back included; where very many are open at once, looking at them counts as well.
    pub max_steps: u64,
    /// Bytes held at once.
    pub max_bytes: u64,
}

/// Why a search ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Budget::max_steps`].
    Steps,
    /// [`Budget::max_bytes`].
    Bytes,
    /// Somebody wanted it to end.
    Interrupted,
}
