//! Checkers: plain columns in, plain verdict out.
//!
//! The crate stands alone: it knows neither the file format of histories nor Python. Its input is [`Events`], slices borrowed from
//! whoever has them; its results are structs of numbers and short texts. Rows of the history are the only clock: row order is the
//! real-time order, so no verdict depends on a time stamp.
//!
//! - [`pairing`] makes operations of events, and names every row that makes no sense.
//! - [`linearizable`] decides linearizability of independent keys: an exact linear-time algorithm where written values are distinct,
//!   a memoised search everywhere else, a smallest witness for the first failure.
//! - [`models`] says what objects do: a register, with or without compare-and-set.
//! - [`objects`] decides queues, stacks and sets whose elements are all different, without search.
//! - [`registers`] decides sequential consistency and session guarantees of all registers together.
//! - [`transactions`] decides isolation levels by cycles of dependencies between transactions.
//! - [`invariants`] are decided in one pass: counters, banks, unique ids, the elements of queues and logs, locks, what only grows.
//! - [`set`] judges a grow-only set of unique elements.
//!
//! Nothing here recurses over input, reads a clock, draws a random number or depends on the order of a hash table. Budgets are
//! counted in steps and bytes, so the same history gets the same answer on every machine and with any number of threads.

pub mod events;
pub mod invariants;
pub mod linearizable;
pub mod models;
pub mod objects;
pub mod pairing;
pub mod registers;
pub mod set;
pub mod transactions;
pub mod verdict;

pub use events::{Events, Kind};
pub use verdict::Verdict;
