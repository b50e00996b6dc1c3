//! `check_linearizable`.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use schrodinger_checkers::linearizable::{
    self, Budget, Explanation, Keys, Limit, MODELS, Options, Progress, Report, Specification,
};
use schrodinger_checkers::models::{Foreign, RegisterFunctions};
use schrodinger_checkers::objects::Rule;

use super::foreign::PythonModel;
use super::{events, malformed_dict};
use crate::errors::to_python;
use crate::history::HistoryFile;
use crate::interrupt::interruptible;

#[pyfunction]
#[pyo3(signature = (
    history, *, model = Model::Named("cas-register".to_owned()), initial = None, read = "read", write = "write", cas = "cas",
    max_steps = 200_000_000, max_bytes = 2_000_000_000, threads = None,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of the Python function")]
pub fn check_linearizable<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    model: Model,
    initial: Option<i64>,
    read: &str,
    write: &str,
    cas: &str,
    max_steps: u64,
    max_bytes: u64,
    threads: Option<NonZero<usize>>,
) -> PyResult<Bound<'py, PyDict>> {
    let functions = RegisterFunctions { read: read.to_owned(), write: write.to_owned(), cas: Some(cas.to_owned()) };
    let (specification, own) = match &model {
        Model::Named(name) => (Specification::named(name, functions).ok_or_else(|| unknown_model(name))?, None),
        Model::Own(model) => {
            let own = Arc::new(PythonModel::new(model.bind(py))?);
            (Specification::Foreign(Arc::clone(&own) as Arc<dyn Foreign>), Some(own))
        }
    };
    let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let budget = Budget { max_steps, max_bytes };
    let options = Options { model: model.name(), specification, initial, budget, threads };
    let history = Arc::clone(history.history());
    let result = interruptible(py, move |interrupt| {
        let columns = history.columns()?;
        let functions: Vec<&str> = history.functions().iter().map(String::as_str).collect();
        Ok(linearizable::check(&events(&columns), &functions, &options, interrupt))
    })?;
    if let Some(error) = own.and_then(|own| own.error()) {
        return Err(error);
    }
    match result.map_err(to_python)? {
        Ok(report) => report_dict(py, &report),
        Err(malformed) => malformed_dict(py, &malformed),
    }
}

/// One of the models by its name, or a user's own.
#[derive(FromPyObject)]
pub enum Model {
    #[pyo3(transparent)]
    Named(String),
    #[pyo3(transparent)]
    Own(Py<PyAny>),
}

impl Model {
    fn name(&self) -> String {
        match self {
            Model::Named(name) => name.clone(),
            Model::Own(_) => "of your own".to_owned(),
        }
    }
}

fn unknown_model(name: &str) -> PyErr {
    PyValueError::new_err(format!("no model is called {name:?}: take one of {}", MODELS.join(", ")))
}

/// The names of all models.
#[pyfunction]
pub fn linearizable_models() -> Vec<&'static str> {
    MODELS.to_vec()
}

fn report_dict<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("verdict", report.verdict.name())?;
    dict.set_item("keys", report.keys)?;
    dict.set_item("objects", report.objects)?;
    dict.set_item("operations", report.operations)?;
    dict.set_item("info", report.info)?;
    dict.set_item("failed", report.failed)?;
    dict.set_item("observations", report.observations)?;
    dict.set_item("steps", report.steps)?;
    dict.set_item("peak_bytes", report.peak_bytes)?;
    let algorithms = PyDict::new(py);
    algorithms.set_item("zones", report.by_zones)?;
    algorithms.set_item("intervals", report.by_intervals)?;
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
    dict.set_item("element", failure.element)?;
    dict.set_item("blocked", failure.blocked)?;
    dict.set_item("blocked_return", failure.blocked_return)?;
    dict.set_item("start", failure.start)?;
    dict.set_item("held", failure.held.as_deref())?;
    dict.set_item("beginning", failure.beginning)?;
    dict.set_item("minimal", failure.minimal)?;
    dict.set_item("rule", failure.rule.map(Rule::name))?;
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
        entry.set_item("state", &configuration.state)?;
        entry.set_item("since", configuration.since)?;
        let stuck = PyList::empty(py);
        for operation in &configuration.stuck {
            let reason = PyDict::new(py);
            reason.set_item("row", operation.row)?;
            reason.set_item("needs", operation.needs.as_deref())?;
            stuck.append(reason)?;
        }
        entry.set_item("stuck", stuck)?;
        configurations.append(entry)?;
    }
    dict.set_item("configurations", configurations)?;
    dict.set_item("exhaustive", failure.exhaustive)?;
    Ok(dict)
}
