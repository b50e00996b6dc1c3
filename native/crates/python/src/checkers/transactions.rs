//! `check_append`, `check_rw_register`, and the lattice of models.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::{self, Inferences, Options, RegisterOptions};

use super::{answer, position};
use crate::history::HistoryFile;

#[pyfunction]
#[pyo3(signature = (history, *, consistency = "strict-serializable", transaction = "txn", max_search = 5_000_000))]
pub fn check_append<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    consistency: &str,
    transaction: &str,
    max_search: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let options = Options {
        transaction: position(history.history(), transaction),
        consistency: parse_consistency(consistency)?,
        max_search,
    };
    answer(py, history, move |events, interrupt| transactions::check_append(events, &options, interrupt))
}

#[pyfunction]
#[pyo3(signature = (
    history, *, consistency = "strict-serializable", inferences = default_inferences(), transaction = "txn",
    max_search = 5_000_000,
))]
pub fn check_rw_register<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    consistency: &str,
    inferences: Vec<String>,
    transaction: &str,
    max_search: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let options = RegisterOptions {
        transaction: position(history.history(), transaction),
        consistency: parse_consistency(consistency)?,
        inferences: parse_inferences(&inferences)?,
        max_search,
    };
    answer(py, history, move |events, interrupt| transactions::check_rw_register(events, &options, interrupt))
}

const INFERENCES: [&str; 4] = ["initial-state", "database-versions", "sequential-keys", "linearizable-keys"];

/// Those that hold of every database whose clients write no nil, and that tells no wrong versions.
fn default_inferences() -> Vec<String> {
    INFERENCES[..2].iter().map(|name| (*name).to_owned()).collect()
}

fn parse_inferences(names: &[String]) -> PyResult<Inferences> {
    let mut inferences = Inferences::default();
    for name in names {
        match name.as_str() {
            "initial-state" => inferences.initial_state = true,
            "sequential-keys" => inferences.sequential_keys = true,
            "linearizable-keys" => inferences.linearizable_keys = true,
            "database-versions" => inferences.database_versions = true,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "no inference is called {name:?}: take any of {}",
                    INFERENCES.join(", ")
                )));
            }
        }
    }
    Ok(inferences)
}

#[pyfunction]
pub fn consistency_models() -> Vec<&'static str> {
    Consistency::all().map(Consistency::name).collect()
}

#[pyfunction]
pub fn consistency_aliases() -> BTreeMap<&'static str, &'static str> {
    Consistency::all().flat_map(|model| model.aliases().iter().map(move |alias| (*alias, model.name()))).collect()
}

#[pyfunction]
pub fn rules_out(consistency: &str, anomaly: &str) -> PyResult<bool> {
    Ok(parse_consistency(consistency)?.rules_out(anomaly))
}

/// The model of this name.
fn parse_consistency(name: &str) -> PyResult<Consistency> {
    Consistency::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Consistency::all().map(Consistency::name).collect();
        PyValueError::new_err(format!("no consistency model is called {name:?}: take one of {}", known.join(", ")))
    })
}
