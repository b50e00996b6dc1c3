//! Why a program did not run, or did not run inside.

use std::fmt;

/// What was wrong, in words, and what the helper then ends with.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The arguments say nothing that could be done.
    Usage(String),
    /// The target cannot be entered.
    NotEntered(String),
    /// There is such a program, and it cannot be run there.
    NotExecutable(String),
    /// There is no such program.
    NotFound(String),
}

impl Error {
    /// As env(1), chroot(1) and timeout(1) have it.
    #[must_use]
    pub fn status(&self) -> i32 {
        match self {
            Error::Usage(_) | Error::NotEntered(_) => 125,
            Error::NotExecutable(_) => 126,
            Error::NotFound(_) => 127,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Error::Usage(words) | Error::NotEntered(words) | Error::NotExecutable(words) | Error::NotFound(words)) =
            self;
        formatter.write_str(words)
    }
}

impl std::error::Error for Error {}
