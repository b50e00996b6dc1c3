//! Transactional isolation: which anomalies a history of transactions shows, and which consistency models those rule out.
//!
//! After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (VLDB 2020), which rests on Adya's
//! thesis (MIT 1999): clients append unique elements to lists, so that a read shows the order of all appends before it, and from that
//! order follow dependencies between transactions. A cycle of dependencies is an anomaly; which one depends on the kinds of its edges.
//!
//! - [`decode`] makes columns of micro-operations out of events.
//! - [`append`] infers version orders and dependencies of lists, and finds the anomalies that are no cycles.
//! - [`register`] infers them for registers, from assumptions that it states.
//! - [`graph`] holds dependencies, process order and real-time order in one compact form; [`components`] finds its cyclic parts.
//! - [`cycles`] classifies them and finds short cycles to show.
//! - `finer` looks for what has a name of its own for more than the kinds of its edges.
//! - [`weak`] decides the models up to causal by themselves, exactly.
//! - [`consistency`] is the lattice of models: what an anomaly rules out, and what still holds.
//!
//! The verdict at any level is the acyclicity of a graph, in linear time. Only the search for a *short* cycle has a budget, in visited
//! edges, and where the mere existence of a cycle needs a search (exactly one anti-dependency, and the finer names) an exhausted budget
//! is said.

pub mod append;
pub mod components;
mod conclusion;
pub mod consistency;
pub mod cycles;
pub mod decode;
mod fan;
mod finer;
pub mod graph;
mod paths;
mod precedence;
mod reachability;
pub mod register;
pub mod report;
pub mod weak;

pub use append::{Options, check_append};
pub use register::{Inferences, RegisterOptions, check_rw_register};
pub use report::Report;
