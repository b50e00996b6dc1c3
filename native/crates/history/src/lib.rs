//! Histories: recorded in Arrow while a run goes on, read back up to the last good block.

mod columns;

pub use columns::{Columns, Kind, NEMESIS};
