//! `check_sequential`, `check_session_guarantees`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use schrodinger_checkers::registers::{Functions, sequential, sessions};

use super::{answer, position};
use crate::history::HistoryFile;

#[pyfunction]
#[pyo3(signature = (
    history, *, initial = None, read = "read", write = "write", cas = "cas", max_steps = 200_000_000,
    max_bytes = 2_000_000_000,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of the Python function")]
pub fn check_sequential<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    initial: Option<i64>,
    read: &str,
    write: &str,
    cas: &str,
    max_steps: u64,
    max_bytes: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let options =
        sequential::Options { functions: functions(history, read, write, cas), initial, max_steps, max_bytes };
    answer(py, history, move |events, interrupt| sequential::check(events, &options, interrupt))
}

#[pyfunction]
#[pyo3(signature = (history, *, guarantees = None, initial = None, read = "read", write = "write", cas = "cas"))]
pub fn check_session_guarantees<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    guarantees: Option<Vec<String>>,
    initial: Option<i64>,
    read: &str,
    write: &str,
    cas: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let guarantees = match guarantees {
        None => sessions::ALL,
        Some(names) => parse(&names)?,
    };
    let options = sessions::Options { functions: functions(history, read, write, cas), initial, guarantees };
    answer(py, history, move |events, interrupt| sessions::check(events, &options, interrupt))
}

fn functions(history: &HistoryFile, read: &str, write: &str, cas: &str) -> Functions {
    let named = |function| position(history.history(), function);
    Functions { read: named(read), write: named(write), cas: named(cas) }
}

fn parse(names: &[String]) -> PyResult<sessions::Guarantees> {
    let mut guarantees = 0;
    for name in names {
        guarantees |= sessions::parse(name).ok_or_else(|| {
            let known: Vec<&str> = sessions::names().collect();
            PyValueError::new_err(format!("no session guarantee is called {name:?}: take any of {}", known.join(", ")))
        })?;
    }
    if guarantees == 0 {
        return Err(PyValueError::new_err("no session guarantee is named: leave them out to ask for all four"));
    }
    Ok(guarantees)
}
