//! `enter`, for Python.

use std::ffi::OsString;

use pyo3::prelude::*;

#[pyfunction]
pub fn enter(py: Python<'_>, arguments: Vec<OsString>) -> i32 {
    py.detach(|| schrodinger_enter::main(arguments))
}
