//! Why a file could not be imported or exported.

use std::fmt;

use schrodinger_history::Error;

/// What went wrong.
#[derive(Debug)]
pub enum ImportError {
    /// A file could not be read or written.
    File(Error),
    /// The text is no history.
    Text {
        /// Counted from one.
        line: usize,
        /// What was found, and what was expected.
        what: String,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::File(error) => write!(f, "{error}"),
            ImportError::Text { line, what } => write!(f, "line {line}: {what}"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<Error> for ImportError {
    fn from(error: Error) -> Self {
        ImportError::File(error)
    }
}
