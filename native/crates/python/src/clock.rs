//! The payload of the clock faults, for Python.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use schrodinger_clock::{FUNCTIONS, PAYLOAD};

#[pyfunction]
pub fn clock_payload(py: Python<'_>) -> (Bound<'_, PyBytes>, HashMap<&'static str, usize>) {
    (PyBytes::new(py, PAYLOAD), FUNCTIONS.into_iter().collect())
}
