//! `HistoryFile` and `Operations`, for Python.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString, PyTuple};
use schrodinger_history::{History, Kind, Rows, Table, problems};

use crate::arrow;
use crate::errors::to_python;
use crate::interchange::numbered;

#[pyclass(frozen, module = "schrodinger_native")]
pub struct HistoryFile(Arc<History>);

impl HistoryFile {
    /// The history beneath, for the checkers.
    pub fn history(&self) -> &Arc<History> {
        &self.0
    }

    /// Of these rows those of the processes that are wanted.
    fn collected<'py>(
        &self,
        py: Python<'py>,
        rows: Range<usize>,
        wanted: impl Fn(i32) -> bool,
    ) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let names = Names {
            kinds: Kind::ALL.map(|kind| PyString::intern(py, kind.name())),
            functions: self.0.functions().iter().map(|name| PyString::new(py, name)).collect(),
        };
        let mut events = Vec::new();
        for batch in self.0.batches(rows) {
            let (first_row, batch) = batch.map_err(to_python)?;
            names.append_events(py, first_row, &batch, &wanted, &mut events)?;
            py.check_signals()?;
        }
        Ok(events)
    }
}

#[pymethods]
impl HistoryFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let history = py.detach(|| History::open(&path)).map_err(to_python)?;
        Ok(HistoryFile(Arc::new(history)))
    }

    #[getter]
    fn rows(&self, py: Python<'_>) -> usize {
        py.detach(|| self.0.rows())
    }

    #[getter]
    fn damage(&self, py: Python<'_>) -> Option<&str> {
        py.detach(|| self.0.damage())
    }

    #[getter]
    fn complete(&self, py: Python<'_>) -> bool {
        py.detach(|| self.0.complete())
    }

    #[getter]
    fn functions(&self) -> Vec<String> {
        self.0.functions().to_vec()
    }

    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        numbered(py, &py.detach(|| self.0.words()))
    }

    #[getter]
    fn origin_ns(&self) -> i64 {
        self.0.origin_ns()
    }

    /// The consumer's wish for another schema may be declined, and is: converting is its business.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        py.detach(|| self.0.rows());
        arrow::stream(py, Table::new(Arc::clone(&self.0)))
    }

    #[pyo3(signature = (start = 0, stop = None))]
    fn events<'py>(&self, py: Python<'py>, start: usize, stop: Option<usize>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let rows = py.detach(|| self.0.rows());
        self.collected(py, start..stop.map_or(rows, |stop| stop.min(rows)), |_| true)
    }

    fn events_of<'py>(&self, py: Python<'py>, process: i32) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let rows = py.detach(|| self.0.rows());
        self.collected(py, 0..rows, |of| of == process)
    }

    #[pyo3(signature = (limit = 10))]
    fn problems(&self, py: Python<'_>, limit: usize) -> PyResult<Vec<String>> {
        py.detach(|| Ok(problems(&self.0.columns()?, self.0.functions(), limit))).map_err(to_python)
    }
}

/// The words of the two dictionary columns, made once for all rows.
struct Names<'py> {
    kinds: [Bound<'py, PyString>; 6],
    functions: Vec<Bound<'py, PyString>>,
}

impl<'py> Names<'py> {
    fn append_events(
        &self,
        py: Python<'py>,
        first_row: usize,
        batch: &RecordBatch,
        wanted: &impl Fn(i32) -> bool,
        events: &mut Vec<Bound<'py, PyTuple>>,
    ) -> PyResult<()> {
        let rows = Rows::of(batch);
        for row in (0..batch.num_rows()).filter(|&row| wanted(rows.process[row])) {
            let event = (
                first_row + row,
                rows.time[row],
                rows.process[row],
                &self.kinds[usize::from(rows.kind(row).code())],
                &self.functions[usize::from(rows.f[row])],
                rows.key(row),
                rows.value(row).map(|values| PyTuple::new(py, values)).transpose()?,
                rows.detail(row),
            );
            events.push(event.into_pyobject(py)?);
        }
        Ok(())
    }
}

#[pyclass(frozen, module = "schrodinger_native")]
pub struct Operations(RecordBatch);

#[pymethods]
impl Operations {
    #[new]
    fn new(py: Python<'_>, history: &Bound<'_, HistoryFile>) -> PyResult<Self> {
        let history = history.get();
        py.detach(|| history.0.operations()).map(Operations).map_err(to_python)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = RecordBatchIterator::new([Ok(self.0.clone())], self.0.schema());
        arrow::stream(py, batches)
    }
}
