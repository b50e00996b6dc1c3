//! Errors of the history, as Python's own exceptions.

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use schrodinger_history::Error;

/// `OSError` with its number, text and file, so that Python picks the subclass, or `ValueError`.
pub fn to_python(error: Error) -> PyErr {
    match &error {
        Error::Io { path, source } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, describe(source), path.display().to_string())),
            None => PyOSError::new_err(error.to_string()),
        },
        Error::NotAHistory { .. } | Error::Misuse(_) => PyValueError::new_err(error.to_string()),
    }
}

/// The text without the "(os error 28)" that Rust adds; Python prints the number itself.
fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_owned())
}
