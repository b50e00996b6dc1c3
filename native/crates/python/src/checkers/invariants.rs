//! `check_counter`, `check_bank`, `check_unique_ids`, `check_total_queue`.

use pyo3::prelude::*;
use schrodinger_checkers::invariants::{bank, counter, total_queue, unique_ids};

use super::{answer, position};
use crate::history::HistoryFile;

#[pyfunction]
#[pyo3(signature = (history, *, generate = "generate"))]
pub fn check_unique_ids<'py>(py: Python<'py>, history: &HistoryFile, generate: &str) -> PyResult<Bound<'py, PyAny>> {
    let generate = position(history.history(), generate);
    answer(py, history, move |events, _| unique_ids::check(events, generate))
}

#[pyfunction]
#[pyo3(signature = (history, *, add = "add", read = "read", initial = 0))]
pub fn check_counter<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    add: &str,
    read: &str,
    initial: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let functions =
        counter::Functions { add: position(history.history(), add), read: position(history.history(), read) };
    answer(py, history, move |events, _| counter::check(events, functions, initial))
}

#[pyfunction]
#[pyo3(signature = (history, *, read = "read", total = None, accounts = None, allow_negative = false))]
pub fn check_bank<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    read: &str,
    total: Option<i64>,
    accounts: Option<Vec<i64>>,
    allow_negative: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let read = position(history.history(), read);
    answer(py, history, move |events, _| {
        bank::check(events, &bank::Options { read, total, accounts: accounts.as_deref(), allow_negative })
    })
}

#[pyfunction]
#[pyo3(signature = (history, *, enqueue = "enqueue", dequeue = "dequeue", drain = "drain"))]
pub fn check_total_queue<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    enqueue: &str,
    dequeue: &str,
    drain: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let named = |function| position(history.history(), function);
    let functions = total_queue::Functions { enqueue: named(enqueue), dequeue: named(dequeue), drain: named(drain) };
    answer(py, history, move |events, _| total_queue::check(events, functions))
}
