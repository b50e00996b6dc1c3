//! The native core of Schrodinger, for Python: one thin layer over crates that know nothing of Python.
//!
//! A file here converts arguments, releases the interpreter lock for anything that may take a millisecond, and turns errors into
//! exceptions. What is done is done beneath.

mod checkers;
mod interrupt;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    checkers::register(module)
}
