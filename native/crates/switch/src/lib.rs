//! An Ethernet switch in user space, whose directed links do to packets what a test asks for.
//!
//! Kernels differ in what they can do to packets (netem is a module that many lack), act on interfaces rather than on pairs, and draw
//! their chance where nobody can repeat it. Here every frame passes through this process, so that each link between two ports has
//! effects of its own, from a seed, counted one by one.
//!
//! - [`Effect`]: what can befall packets, as data;
//! - [`Fabric`]: the switch as a function of frames and times, which can be tested anywhere;
//! - [`Switch`]: the fabric between open files (TAP devices or packet sockets), in a thread of its own.

mod capture;
mod effect;
mod error;
mod fabric;
mod packet;
mod stage;
mod switch;

pub use capture::Capture;
pub use effect::{ALL, Distribution, Effect, LONGEST_NS, PARETO_AT_MOST};
pub use error::Error;
pub use fabric::{Address, Fabric, InForce, MOST_PORTS, QUEUE_BYTES, Totals, Wanted};
pub use stage::Counters;
pub use switch::{Port, Reading, Switch};
