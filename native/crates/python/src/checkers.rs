//! Checkers, for Python: a history file in, a dictionary of plain data out.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use schrodinger_checkers::Events;
use schrodinger_checkers::linearizable::{
    self, Budget, Explanation, Functions, Keys, Limit, Options, Progress, Report,
};
use schrodinger_checkers::pairing::Malformed;
use schrodinger_checkers::set::{self, Elements, Known, PERCENTS, Quantiles, Set, Why};
use schrodinger_history::{Columns, History};

use crate::errors::to_python;
use crate::history::HistoryFile;
use crate::interrupt::interruptible;

/// Add the checkers to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_linearizable, module)?)?;
    module.add_function(wrap_pyfunction!(check_set, module)?)
}

#[pyfunction]
#[pyo3(signature = (
    history, *, model = "cas-register", initial = None, read = "read", write = "write", cas = "cas",
    max_steps = 200_000_000, max_bytes = 2_000_000_000, threads = None,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of the Python function")]
fn check_linearizable<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    model: &str,
    initial: Option<i64>,
    read: &str,
    write: &str,
    cas: &str,
    max_steps: u64,
    max_bytes: u64,
    threads: Option<NonZero<usize>>,
) -> PyResult<Bound<'py, PyDict>> {
    let has_cas = match model {
        "cas-register" => true,
        "register" => false,
        _ => {
            return Err(PyValueError::new_err(format!(
                "no model is called {model:?}: take \"register\" or \"cas-register\""
            )));
        }
    };
    let history = Arc::clone(history.history());
    let functions = Functions {
        read: position(&history, read),
        write: position(&history, write),
        cas: position(&history, cas),
        has_cas,
    };
    let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let options = Options { functions, initial, budget: Budget { max_steps, max_bytes }, threads };
    let result = interruptible(py, move |interrupt| {
        let columns = history.columns()?;
        Ok(linearizable::check(&events(&columns), &options, interrupt))
    })?;
    match result.map_err(to_python)? {
        Ok(report) => report_dict(py, &report),
        Err(malformed) => malformed_dict(py, &malformed),
    }
}

#[pyfunction]
#[pyo3(signature = (history, *, add = "add", read = "read-all", linearizable = true))]
fn check_set<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    add: &str,
    read: &str,
    linearizable: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let history = Arc::clone(history.history());
    let functions = set::Functions { add: position(&history, add), read: position(&history, read) };
    let result = interruptible(py, move |interrupt| {
        let columns = history.columns()?;
        Ok(set::check(&events(&columns), functions, interrupt))
    })?;
    match result.map_err(to_python)? {
        Ok(set) => set_dict(py, &set, linearizable),
        Err(malformed) => malformed_dict(py, &malformed),
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

fn report_dict<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("verdict", report.verdict.name())?;
    dict.set_item("keys", report.keys)?;
    dict.set_item("operations", report.operations)?;
    dict.set_item("info", report.info)?;
    dict.set_item("failed", report.failed)?;
    dict.set_item("observations", report.observations)?;
    dict.set_item("steps", report.steps)?;
    dict.set_item("peak_bytes", report.peak_bytes)?;
    let algorithms = PyDict::new(py);
    algorithms.set_item("zones", report.by_zones)?;
    algorithms.set_item("search", report.by_search)?;
    dict.set_item("algorithms", algorithms)?;
    dict.set_item("failing_keys", keys_dict(py, &report.failing)?)?;
    dict.set_item("undecided_keys", keys_dict(py, &report.undecided)?)?;
    dict.set_item("failure", report.failure.as_ref().map(|failure| failure_dict(py, failure)).transpose()?)?;
    dict.set_item("progress", report.progress.as_ref().map(|progress| progress_dict(py, progress)).transpose()?)?;
    Ok(dict)
}

fn keys_dict<'py>(py: Python<'py>, keys: &Keys) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("count", keys.count)?;
    dict.set_item("first", &keys.first)?;
    Ok(dict)
}

fn progress_dict<'py>(py: Python<'py>, progress: &Progress) -> PyResult<Bound<'py, PyDict>> {
    let limit = match progress.limit {
        Limit::Steps => "steps",
        Limit::Bytes => "bytes",
        Limit::Interrupted => "interrupted",
    };
    let dict = PyDict::new(py);
    dict.set_item("key", progress.key)?;
    dict.set_item("limit", limit)?;
    dict.set_item("row", progress.row)?;
    dict.set_item("fraction", progress.fraction)?;
    Ok(dict)
}

fn failure_dict<'py>(py: Python<'py>, failure: &Explanation) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("key", failure.key)?;
    dict.set_item("blocked", failure.blocked)?;
    dict.set_item("blocked_return", failure.blocked_return)?;
    dict.set_item("minimal", failure.minimal)?;
    let witness = PyList::empty(py);
    for operation in &failure.witness {
        let entry = PyDict::new(py);
        entry.set_item("row", operation.row)?;
        entry.set_item("role", operation.role.name())?;
        witness.append(entry)?;
    }
    dict.set_item("witness", witness)?;
    let configurations = PyList::empty(py);
    for configuration in &failure.configurations {
        let entry = PyDict::new(py);
        entry.set_item("value", configuration.value)?;
        entry.set_item("since", configuration.since)?;
        let stuck = PyList::empty(py);
        for operation in &configuration.stuck {
            let reason = PyDict::new(py);
            reason.set_item("row", operation.row)?;
            reason.set_item("needs", operation.needs)?;
            stuck.append(reason)?;
        }
        entry.set_item("stuck", stuck)?;
        configurations.append(entry)?;
    }
    dict.set_item("configurations", configurations)?;
    Ok(dict)
}

fn set_dict<'py>(py: Python<'py>, set: &Set, linearizable: bool) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("verdict", set.verdict(linearizable).name())?;
    dict.set_item("attempts", set.attempts)?;
    dict.set_item("acknowledged", set.acknowledged)?;
    dict.set_item("reads", set.reads)?;
    dict.set_item("final_read", set.final_read)?;
    dict.set_item("stable", set.stable)?;
    let lost = elements(py, &set.lost, |entry, lost| {
        entry.set_item("element", lost.element)?;
        known(entry, lost.known)?;
        entry.set_item("last_seen", lost.last_seen)?;
        entry.set_item("missed_by", lost.missed_by)
    })?;
    dict.set_item("lost", lost)?;
    let stale = elements(py, &set.stale, |entry, stale| {
        entry.set_item("element", stale.element)?;
        known(entry, stale.known)?;
        entry.set_item("missed_by", stale.missed_by)?;
        entry.set_item("seen_by", stale.seen_by)?;
        entry.set_item("vanished", stale.vanished)
    })?;
    dict.set_item("stale", stale)?;
    let unexpected = elements(py, &set.unexpected, |entry, unexpected| {
        let (why, add) = match unexpected.why {
            Why::NeverAttempted => ("never-attempted", None),
            Why::Failed(row) => ("failed", Some(row)),
            Why::NotYetAttempted(row) => ("not-yet-attempted", Some(row)),
        };
        entry.set_item("element", unexpected.element)?;
        entry.set_item("seen_by", unexpected.seen_by)?;
        entry.set_item("why", why)?;
        entry.set_item("add", add)
    })?;
    dict.set_item("unexpected", unexpected)?;
    let duplicated = elements(py, &set.duplicated, |entry, duplicated| {
        entry.set_item("element", duplicated.element)?;
        entry.set_item("seen_by", duplicated.seen_by)?;
        entry.set_item("times", duplicated.times)
    })?;
    dict.set_item("duplicated", duplicated)?;
    for (name, numbers) in [("never_read", &set.never_read), ("recovered", &set.recovered)] {
        dict.set_item(name, elements(py, numbers, |entry, &element| entry.set_item("element", element))?)?;
    }
    dict.set_item("stale_latencies_ns", quantiles_dict(py, set.stale_latencies)?)?;
    dict.set_item("lost_latencies_ns", quantiles_dict(py, set.lost_latencies)?)?;
    Ok(dict)
}

fn elements<'py, T>(
    py: Python<'py>,
    elements: &Elements<T>,
    fill: impl Fn(&Bound<'py, PyDict>, &T) -> PyResult<()>,
) -> PyResult<Bound<'py, PyDict>> {
    let first = PyList::empty(py);
    for element in &elements.first {
        let entry = PyDict::new(py);
        fill(&entry, element)?;
        first.append(entry)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("count", elements.count)?;
    dict.set_item("first", first)?;
    Ok(dict)
}

fn known(entry: &Bound<'_, PyDict>, known: Known) -> PyResult<()> {
    entry.set_item("known_since", known.since)?;
    entry.set_item("known_by", known.by)
}

fn quantiles_dict<'py>(py: Python<'py>, quantiles: Option<Quantiles>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(quantiles) = quantiles else { return Ok(None) };
    let dict = PyDict::new(py);
    for (percent, value) in PERCENTS.into_iter().zip(quantiles) {
        dict.set_item(format!("p{percent}"), value)?;
    }
    Ok(Some(dict))
}
