//! Checkers, for Python.

use pyo3::prelude::*;

/// Add the checkers to the module.
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
