//! What a check of transactions found, as plain data.

use serde::Serialize;

use crate::verdict::Verdict;

/// How many entries of an anomaly are listed before the rest is only counted.
pub const LISTED: usize = 10;

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Against [`Report::consistency`].
    pub verdict: Verdict,
    /// The model that was asked for.
    pub consistency: &'static str,
    /// How many transactions there are.
    pub transactions: Counts,
    /// How many keys they touch.
    pub keys: usize,
    /// How many dependencies were found, by kind.
    pub edges: EdgeCounts,
    /// What was found, the most damning first.
    pub anomalies: Vec<Anomaly>,
    /// The weakest models that are ruled out.
    pub not: Vec<&'static str>,
    /// The stronger ones, ruled out with them.
    pub also_not: Vec<&'static str>,
    /// The strongest models that are not ruled out.
    pub holds: Vec<&'static str>,
    /// Why less could be concluded than a reader may think.
    pub warnings: Vec<String>,
    /// How far the search for short cycles got.
    pub search: Search,
}

/// Transactions by outcome, and their micro-operations.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Certainly happened.
    pub ok: usize,
    /// Certainly did not.
    pub failed: usize,
    /// Nobody knows.
    pub info: usize,
    /// Of all transactions.
    pub micro_operations: usize,
}

/// Dependencies by kind. Real-time order is counted in the compact form.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct EdgeCounts {
    /// Write after write.
    pub ww: usize,
    /// Read of a write.
    pub wr: usize,
    /// Overwritten read.
    pub rw: usize,
    /// Of one process.
    pub process: usize,
    /// Completed before.
    pub realtime: usize,
}

/// One kind of anomaly.
#[derive(Clone, Debug, Serialize)]
pub struct Anomaly {
    /// Its name in the literature.
    pub name: String,
    /// How many; of cycles one is counted for each strongly connected component that shows it.
    pub count: usize,
    /// The first few.
    pub first: Vec<Entry>,
}

/// One anomaly: a cycle, or some transactions and what they did.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// Each step leads to where the next begins, and the last to where the first began.
    Cycle {
        /// In order.
        steps: Vec<Step>,
    },
    /// A cycle with steps of the kind `seen`, each of which somebody's sight explains.
    Missed {
        /// As in a cycle.
        steps: Vec<Step>,
        /// One for each step of the kind `seen`, in their order.
        sights: Vec<Sight>,
    },
    /// Transactions, each with its part in it.
    Deed(Deed),
}

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The invocation of the earlier transaction.
    pub from: u32,
    /// The invocation of the later one.
    pub to: u32,
    /// ww, wr, rw, process, realtime or seen.
    pub kind: &'static str,
    /// The key that it is about.
    pub key: Option<i64>,
    /// ww, seen: what `from` wrote. rw: the version that `from` read, nothing for the initial one.
    pub previous: Option<i64>,
    /// What `to` wrote (ww, rw, seen) or read (wr).
    pub value: Option<i64>,
    /// ww and rw of registers: what says that one version is before the other. ww of lists: that nobody read the later one.
    pub because: Option<&'static str>,
}

/// Somebody had seen one transaction, and read a key from another that must come after it, for both wrote the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// The invocation of the transaction that saw.
    pub reader: u32,
    /// How it had seen the first: each step leads to where the next begins, the last to the reader.
    pub path: Vec<Step>,
}

/// An anomaly that is no cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// Invocations of the transactions.
    pub transactions: Vec<u32>,
    /// What each of them did.
    pub roles: Vec<&'static str>,
    /// The key.
    pub key: i64,
    /// The element in question, if it is one.
    pub value: Option<i64>,
    /// What was read, where that is the point.
    pub values: Vec<i64>,
    /// What was expected instead, where something was.
    pub expected: Vec<i64>,
}

/// How far the search for cycles got.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Search {
    /// Edges looked at in search of short cycles.
    pub edges_visited: u64,
    /// Whether the budget ended before every class was decided.
    pub exhausted: bool,
}
