//! Promises about registers that need no real time: sequential consistency, and the session guarantees.
//!
//! Linearizability is local, so each register can be judged by itself; these promises are not, so all registers of a history are judged
//! together. What counts is the order in which each process did its operations (its session), and who read what.
//!
//! An operation that failed did not happen. One whose end nobody knows happened if what it wrote was read, and may have otherwise; what it
//! read is not known. After it its process begins anew, for it may have happened at any later time.

mod decode;
pub mod saturate;
mod search;
pub mod sequential;
pub mod sessions;

pub use decode::{Action, Functions, Operation, Registers, decode};
