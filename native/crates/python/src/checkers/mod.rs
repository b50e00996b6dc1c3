//! Checkers, for Python: a history file in, a dictionary of plain data out. One file a checker.
//!
//! A checker whose report derives `Serialize` needs no more than [`answer`]: the report becomes plain data as it is, field by field.

mod foreign;
mod invariants;
mod linearizable;
mod registers;
mod set;
mod transactions;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pythonize::pythonize;
use schrodinger_checkers::Events;
use schrodinger_checkers::pairing::Malformed;
use schrodinger_history::{Columns, History};
use serde::Serialize;

use crate::errors::to_python;
use crate::history::HistoryFile;
use crate::interrupt::interruptible;

/// Add the checkers to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(invariants::check_unique_ids, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_counter, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_bank, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_queue, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_total_queue, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_final_set, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_monotonic, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_long_fork, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_lock, module)?)?;
    module.add_function(wrap_pyfunction!(invariants::check_log, module)?)?;
    module.add_function(wrap_pyfunction!(linearizable::check_linearizable, module)?)?;
    module.add_class::<foreign::ModelOperation>()?;
    module.add_function(wrap_pyfunction!(linearizable::linearizable_models, module)?)?;
    module.add_function(wrap_pyfunction!(registers::check_sequential, module)?)?;
    module.add_function(wrap_pyfunction!(registers::check_session_guarantees, module)?)?;
    module.add_function(wrap_pyfunction!(set::check_set, module)?)?;
    module.add_function(wrap_pyfunction!(transactions::check_append, module)?)?;
    module.add_function(wrap_pyfunction!(transactions::check_rw_register, module)?)?;
    module.add_function(wrap_pyfunction!(transactions::consistency_models, module)?)?;
    module.add_function(wrap_pyfunction!(transactions::consistency_aliases, module)?)?;
    module.add_function(wrap_pyfunction!(transactions::rules_out, module)?)
}

/// Run `check` over the columns of `history` without the interpreter lock, and turn its report, or what is malformed, into plain data.
fn answer<'py, R: Serialize + Send>(
    py: Python<'py>,
    history: &HistoryFile,
    check: impl FnOnce(&Events, &AtomicBool) -> Result<R, Malformed> + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let history = Arc::clone(history.history());
    let result = interruptible(py, move |interrupt| {
        let columns = history.columns()?;
        Ok(check(&events(&columns), interrupt))
    })?;
    match result.map_err(to_python)? {
        Ok(report) => pythonize(py, &report).map_err(|error| PyValueError::new_err(error.to_string())),
        Err(malformed) => Ok(malformed_dict(py, &malformed)?.into_any()),
    }
}

fn position(history: &History, function: &str) -> Option<u8> {
    history.functions().iter().position(|name| name == function).and_then(|position| u8::try_from(position).ok())
}

fn events(columns: &Columns) -> Events<'_> {
    Events {
        time: &columns.time,
        process: &columns.process,
        kind: &columns.kind,
        f: &columns.f,
        key: &columns.key,
        key_valid: &columns.key_valid,
        value_offsets: &columns.value_offsets,
        values: &columns.values,
        value_valid: &columns.value_valid,
    }
}

fn malformed_dict<'py>(py: Python<'py>, malformed: &Malformed) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("verdict", "malformed")?;
    dict.set_item("problem_count", malformed.count)?;
    let problems = malformed.problems.iter().map(|problem| format!("row {}: {}", problem.row, problem.what));
    dict.set_item("problems", PyList::new(py, problems)?)?;
    Ok(dict)
}
