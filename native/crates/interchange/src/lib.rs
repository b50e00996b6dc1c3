//! Histories of other tools, written as our own while they are read.
//!
//! - [`edn`] turns text into tokens, form by form, never more than one form at a time.
//! - [`jepsen`] makes events of the operations of a Jepsen history.
//! - [`import_edn`] streams a file of any size into a history file.

pub mod edn;
mod error;
mod import;
pub mod jepsen;
mod source;

pub use error::ImportError;
pub use import::{Imported, import_edn};
