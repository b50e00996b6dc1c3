//! What a switch may refuse, or fail at.

use std::fmt;
use std::io;

/// Why something could not be done.
#[derive(Debug)]
pub enum Error {
    /// What was asked for cannot be.
    Invalid(String),
    /// The system said no.
    Io(io::Error),
    /// The switch does not run any more, for this reason.
    Stopped(String),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(problem) => formatter.write_str(problem),
            Error::Io(error) => error.fmt(formatter),
            Error::Stopped(reason) => write!(formatter, "the switch stopped: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(error: rustix::io::Errno) -> Self {
        Error::Io(error.into())
    }
}
