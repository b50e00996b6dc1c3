//! Histories: recorded in Arrow while a run goes on, read back up to the last good block.
//!
//! [`Recorder`] appends events from many threads to one file on one clock; [`History`] reads it, whatever happened to its writer;
//! [`Transcript`] writes what another program recorded;
//! [`Columns`] is the form that checkers read.

mod blocks;
mod clock;
mod columns;
mod decode;
mod error;
mod frame;
mod head;
mod history;
mod operations;
mod pairing;
mod pending;
mod recorder;
mod rows;
mod schema;
mod table;
mod transcript;
mod trust;
mod writer;

pub use clock::monotonic_ns;
pub use columns::{Columns, FIRST_WORD, Kind, NEMESIS, NIL};
pub use error::Error;
pub use history::History;
pub use pairing::{Pair, pairs, problems};
pub use pending::Event;
pub use recorder::Recorder;
pub use rows::Rows;
pub use table::Table;
pub use transcript::Transcript;
