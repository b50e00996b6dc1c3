//! `check_set`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use schrodinger_checkers::set::{self, Elements, Known, PERCENTS, Quantiles, Set, Why};

use super::{events, malformed_dict, position};
use crate::errors::to_python;
use crate::history::HistoryFile;
use crate::interrupt::interruptible;

#[pyfunction]
#[pyo3(signature = (history, *, add = "add", read = "read-all", linearizable = true))]
pub fn check_set<'py>(
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

fn set_dict<'py>(py: Python<'py>, set: &Set, linearizable: bool) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("verdict", set.verdict(linearizable).name())?;
    dict.set_item("attempts", set.attempts)?;
    dict.set_item("acknowledged", set.acknowledged)?;
    dict.set_item("reads", set.reads)?;
    dict.set_item("final_read", set.final_read)?;
    dict.set_item("stable", set.stable)?;
    let lost = elements(py, &set.lost, |entry, lost| {
        of(entry, lost.key, lost.element)?;
        known(entry, lost.known)?;
        entry.set_item("last_seen", lost.last_seen)?;
        entry.set_item("missed_by", lost.missed_by)
    })?;
    dict.set_item("lost", lost)?;
    let stale = elements(py, &set.stale, |entry, stale| {
        of(entry, stale.key, stale.element)?;
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
        of(entry, unexpected.key, unexpected.element)?;
        entry.set_item("seen_by", unexpected.seen_by)?;
        entry.set_item("why", why)?;
        entry.set_item("add", add)
    })?;
    dict.set_item("unexpected", unexpected)?;
    let duplicated = elements(py, &set.duplicated, |entry, duplicated| {
        of(entry, duplicated.key, duplicated.element)?;
        entry.set_item("seen_by", duplicated.seen_by)?;
        entry.set_item("times", duplicated.times)
    })?;
    dict.set_item("duplicated", duplicated)?;
    for (name, numbers) in [("never_read", &set.never_read), ("recovered", &set.recovered)] {
        dict.set_item(name, elements(py, numbers, |entry, named| of(entry, named.key, named.element))?)?;
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

fn of(entry: &Bound<'_, PyDict>, key: Option<i64>, element: i64) -> PyResult<()> {
    entry.set_item("key", key)?;
    entry.set_item("element", element)
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
