//! A grow-only set of unique elements: every element that was acknowledged must be there from then on.
//!
//! After Jepsen's `set-full`, and Kyle Kingsbury's reasons for it: a final read alone shows what is lost, and all reads together show
//! what was invisible for a while. An element is *known* from the row where its add was acknowledged, or where the first read that
//! saw it returned, whichever comes first. From then on every read that begins has to see it. An element that should never have been
//! seen is *unexpected*, and not judged further.
//!
//! - *lost*: known, and absent from every read that began after some point, of which there is one.
//! - *stale*: absent from a read that began after it was known, but not lost. A violation only if reads are to be linearizable.
//! - *never read*: acknowledged, seen by no read, and no read began after the acknowledgement. Nobody looked; nothing is proven.
//! - *unexpected*: seen, though nobody had tried to add it, or the add certainly failed.
//! - *duplicated*: more than once in one read.
//! - *recovered*: seen, though its add ended without anybody knowing. No violation, and good to know.
//!
//! Time is linear in the size of the history, all elements of all reads included. Each key is a set of its own; without a key there is one.

mod decode;
mod judge;

pub use decode::Functions;

use judge::Judged;

use std::sync::atomic::AtomicBool;

use crate::events::Events;
use crate::pairing::{Malformed, by_key, pair};
use crate::verdict::Verdict;

/// How many elements of each kind are listed before the rest is only counted.
pub const LISTED: usize = 10;

/// Elements of one kind: how many, and the first to become so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements<T> {
    /// All of them.
    pub count: usize,
    /// The first few.
    pub first: Vec<T>,
}

impl<T> Default for Elements<T> {
    fn default() -> Self {
        Elements { count: 0, first: Vec::new() }
    }
}

impl<T> Elements<T> {
    fn add(&mut self, element: T) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(element);
        }
    }

    /// Those of another set as well.
    fn join(&mut self, other: Elements<T>, first: impl Fn(&T) -> (u32, i64)) {
        self.count += other.count;
        if !other.first.is_empty() {
            self.first.extend(other.first);
            self.first.sort_by_key(first);
            self.first.truncate(LISTED);
        }
    }
}

/// Why an element must be there: an operation that returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// The row of the return.
    pub since: u32,
    /// The invocation of the operation: the add, or the first read that saw it.
    pub by: u32,
}

/// An element of which nothing more is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The set, where the history has several.
    pub key: Option<i64>,
    /// The element.
    pub element: i64,
}

/// An element that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The set, where the history has several.
    pub key: Option<i64>,
    /// The element.
    pub element: i64,
    /// Since when it must be there.
    pub known: Known,
    /// The last read that saw it, by its invocation; nothing if none did.
    pub last_seen: Option<u32>,
    /// The first read, by its invocation, after which no read saw it.
    pub missed_by: u32,
}

/// An element that was invisible for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The set, where the history has several.
    pub key: Option<i64>,
    /// The element.
    pub element: i64,
    /// Since when it must be there.
    pub known: Known,
    /// The first read that should have seen it, by its invocation.
    pub missed_by: u32,
    /// The read, by its invocation, from which on every read saw it, or at least the last that did.
    pub seen_by: u32,
    /// How often it vanished: runs of reads, in the order of their invocations, that lacked it.
    pub vanished: usize,
}

/// Why nobody should have seen an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody tried to add it.
    NeverAttempted,
    /// The add in this row certainly failed.
    Failed(u32),
    /// The add in this row was invoked after the read had returned.
    NotYetAttempted(u32),
}

/// An element that nobody should have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The set, where the history has several.
    pub key: Option<i64>,
    /// The element.
    pub element: i64,
    /// The first read that saw it, by its invocation.
    pub seen_by: u32,
    /// Why it should not have.
    pub why: Why,
}

/// An element that was there more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicated {
    /// The set, where the history has several.
    pub key: Option<i64>,
    /// The element.
    pub element: i64,
    /// The first read, by its invocation, that had it more than once.
    pub seen_by: u32,
    /// How often that read had it.
    pub times: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Adds invoked.
    pub attempts: usize,
    /// Adds acknowledged.
    pub acknowledged: usize,
    /// Reads that completed ok.
    pub reads: usize,
    /// Elements that must be there and are.
    pub stable: usize,
    /// Elements that are gone.
    pub lost: Elements<Lost>,
    /// Elements that were invisible for a while.
    pub stale: Elements<Stale>,
    /// Elements that nobody should have seen.
    pub unexpected: Elements<Unexpected>,
    /// Elements that were there more than once.
    pub duplicated: Elements<Duplicated>,
    /// Acknowledged elements that nobody looked for.
    pub never_read: Elements<Named>,
    /// Elements seen though nobody knew whether their add happened.
    pub recovered: Elements<Named>,
    /// Whether some read began after the last acknowledged add, of every set that has one.
    pub final_read: bool,
    /// Nanoseconds from when each stale element was known until the return of the read from which on every read saw it.
    pub stale_latencies: Option<Quantiles>,
    /// Nanoseconds from when each lost element was known until the call of the first read that showed it gone.
    pub lost_latencies: Option<Quantiles>,
}

/// The 0, 50, 95, 99 and 100 percent quantiles.
pub type Quantiles = [i64; 5];

/// The quantiles that [`Quantiles`] has, in percent.
pub const PERCENTS: [usize; 5] = [0, 50, 95, 99, 100];

impl Set {
    /// What was found of two sets together.
    fn and(mut self, other: Set) -> Set {
        self.final_read = match (self.acknowledged > 0, other.acknowledged > 0) {
            (true, true) => self.final_read && other.final_read,
            (true, false) => self.final_read,
            (false, true) => other.final_read,
            (false, false) => self.final_read || other.final_read,
        };
        self.attempts += other.attempts;
        self.acknowledged += other.acknowledged;
        self.reads += other.reads;
        self.stable += other.stable;
        self.lost.join(other.lost, |lost| (lost.known.since, lost.element));
        self.stale.join(other.stale, |stale| (stale.known.since, stale.element));
        self.unexpected.join(other.unexpected, |unexpected| (unexpected.seen_by, unexpected.element));
        self.duplicated.join(other.duplicated, |duplicated| (duplicated.seen_by, duplicated.element));
        // These stay by key.
        self.never_read.join(other.never_read, |_| (0, 0));
        self.recovered.join(other.recovered, |_| (0, 0));
        self
    }

    /// The answer; `linearizable` if an element that is known must be seen by every read that begins later, not just in the end. Without
    /// a read that began after the last acknowledged add, what is not a violation is unknown.
    pub fn verdict(&self, linearizable: bool) -> Verdict {
        let is_stale = linearizable && self.stale.count > 0;
        if is_stale || self.lost.count + self.unexpected.count + self.duplicated.count > 0 {
            Verdict::Violation
        } else if self.final_read && self.acknowledged > 0 {
            Verdict::Valid
        } else {
            Verdict::Unknown
        }
    }
}

/// Check a history of one set, or of one for each key.
pub fn check(events: &Events, functions: Functions, interrupt: &AtomicBool) -> Result<Set, Malformed> {
    let mut malformed = Malformed::default();
    let mut judged: Option<Judged> = None;
    for (key, operations) in by_key(events, pair(events)?, &[functions.add, functions.read]) {
        match decode::decode(events, key, &operations, functions) {
            Ok(history) => {
                let of_key = judge::judge(events, &history, interrupt);
                judged = Some(match judged {
                    Some(others) => others.and(of_key),
                    None => of_key,
                });
            }
            Err(problems) => malformed.join(problems),
        }
    }
    malformed.unless(judged.unwrap_or_default().into_set())
}
