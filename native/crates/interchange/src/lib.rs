//! Histories of other tools, written as our own while they are read, and ours written for other tools.
//!
//! - [`edn`], [`json`] and [`log`] turn text into [`token`]s, form by form, never more than one form at a time.
//! - [`operation`] understands a form as an operation, [`values`] makes lists of integers of what it carries.
//! - [`import_history`] streams a file of any size into a history file, [`export_history`] back; [`copy_rows`] takes a part.

mod completions;
pub mod edn;
mod error;
mod export;
mod import;
pub mod json;
pub mod log;
pub mod operation;
mod processes;
mod slice;
mod source;
pub mod token;
pub mod values;
mod words;

pub use error::ImportError;
pub use export::{Format, export_history};
pub use import::{Imported, import_history};
pub use slice::copy_rows;
pub use source::Notation;
