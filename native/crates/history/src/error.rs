//! What can go wrong, as a user of a history sees it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a history can't be recorded or read.
#[derive(Clone, Debug)]
pub enum Error {
    /// The operating system refused.
    Io {
        /// The file it was about.
        path: PathBuf,
        /// What it said. Shared, because a failure of the background writer is told to every later caller.
        source: Arc<io::Error>,
    },
    /// The file is something else.
    NotAHistory {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        found: String,
    },
    /// The caller asked for what can't be; the text says what.
    Misuse(String),
}

impl Error {
    /// A file that could not be read or written.
    pub fn io(path: &Path, source: io::Error) -> Self {
        Error::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn not_a_history(path: &Path, found: impl Into<String>) -> Self {
        Error::NotAHistory { path: path.to_owned(), found: found.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { path, source } => write!(out, "{}: {source}", path.display()),
            Error::NotAHistory { path, found } => write!(out, "{} is not a history: {found}", path.display()),
            Error::Misuse(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
