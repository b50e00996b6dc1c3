//! `Recorder`, for Python.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};
use schrodinger_history::{Event, Kind};

use crate::errors::to_python;

#[pyclass(frozen, module = "schrodinger_native")]
pub struct Recorder(schrodinger_history::Recorder);

#[pymethods]
impl Recorder {
    #[new]
    #[pyo3(signature = (path, functions, *, origin_ns = None, flush_interval_ms = 100))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        functions: Vec<String>,
        origin_ns: Option<i64>,
        flush_interval_ms: u64,
    ) -> PyResult<Self> {
        let flush_interval = Duration::from_millis(flush_interval_ms);
        py.detach(|| schrodinger_history::Recorder::create(&path, &functions, origin_ns, flush_interval))
            .map(Recorder)
            .map_err(to_python)
    }

    #[getter]
    fn origin_ns(&self) -> i64 {
        self.0.origin_ns()
    }

    #[getter]
    fn events(&self) -> u64 {
        self.0.events()
    }

    fn now(&self) -> i64 {
        self.0.now()
    }

    #[pyo3(signature = (r#type, process, f, key, value, detail = None))]
    fn record(
        &self,
        r#type: &str,
        process: i32,
        f: i64,
        key: Option<i64>,
        value: &Bound<'_, PyAny>,
        detail: Option<&str>,
    ) -> PyResult<u64> {
        let kind = Kind::from_name(r#type).ok_or_else(|| unknown_type(r#type))?;
        let f = u8::try_from(f).map_err(|_| PyValueError::new_err(format!("there is no function {f}")))?;
        let value = Value::of(value)?;
        self.0.record(&Event { kind, process, f, key, value: value.as_slice(), detail }).map_err(to_python)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.flush()).map_err(to_python)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(to_python)
    }
}

/// What an event carries. The common shapes take no allocation.
pub enum Value {
    Absent,
    One([i64; 1]),
    Pair([i64; 2]),
    Many(Vec<i64>),
}

impl Value {
    /// Of a Python value.
    pub fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Value::Absent);
        }
        if value.is_instance_of::<PyInt>() {
            return Ok(Value::One([value.extract()?]));
        }
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return match tuple.len() {
                2 => Ok(Value::Pair(tuple.extract::<(i64, i64)>()?.into())),
                _ => tuple.iter().map(|element| element.extract()).collect::<PyResult<_>>().map(Value::Many),
            };
        }
        if let Ok(list) = value.cast::<PyList>() {
            return list.iter().map(|element| element.extract()).collect::<PyResult<_>>().map(Value::Many);
        }
        let type_name = value.get_type().name()?;
        Err(PyTypeError::new_err(format!("a value is an int, a tuple of int or None, not {type_name}")))
    }

    /// As an event carries it.
    pub fn as_slice(&self) -> Option<&[i64]> {
        match self {
            Value::Absent => None,
            Value::One(value) => Some(value),
            Value::Pair(values) => Some(values),
            Value::Many(values) => Some(values),
        }
    }
}

/// What is said of a name that is no type of event.
pub fn unknown_type(name: &str) -> PyErr {
    let known = Kind::ALL.map(Kind::name).join(", ");
    PyValueError::new_err(format!("{name:?} is no type of event; they are {known}"))
}
