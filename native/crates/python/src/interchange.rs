//! Histories from elsewhere, for Python: `Transcript` and `import_edn`.

use std::path::PathBuf;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schrodinger_history::{Event, Kind};
use schrodinger_interchange::jepsen::FIRST_LABEL;
use schrodinger_interchange::{ImportError, import_edn as import};

use crate::errors::to_python;
use crate::interrupt::interruptible;
use crate::recorder::{Value, unknown_type};

#[pyclass(frozen, module = "schrodinger_native")]
pub struct Transcript(Mutex<Option<schrodinger_history::Transcript>>);

#[pymethods]
impl Transcript {
    #[new]
    fn new(path: PathBuf, functions: Vec<String>) -> PyResult<Self> {
        let transcript = schrodinger_history::Transcript::create(&path, &functions).map_err(to_python)?;
        Ok(Transcript(Mutex::new(Some(transcript))))
    }

    #[pyo3(signature = (time_ns, r#type, process, f, key, value, detail = None))]
    #[allow(clippy::too_many_arguments, reason = "the columns of a history")]
    fn write(
        &self,
        time_ns: i64,
        r#type: &str,
        process: i32,
        f: u8,
        key: Option<i64>,
        value: &Bound<'_, PyAny>,
        detail: Option<&str>,
    ) -> PyResult<()> {
        let kind = Kind::from_name(r#type).ok_or_else(|| unknown_type(r#type))?;
        let value = Value::of(value)?;
        let event = Event { kind, process, f, key, value: value.as_slice(), detail };
        let mut open = self.0.lock();
        let transcript = open.as_mut().ok_or_else(|| PyValueError::new_err("the transcript is finished"))?;
        transcript.write(time_ns, &event).map_err(to_python)
    }

    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let Some(transcript) = self.0.lock().take() else { return Ok(()) };
        py.detach(|| transcript.finish()).map_err(to_python)
    }
}

#[pyfunction]
#[pyo3(signature = (source, target, *, keyed = None))]
pub fn import_edn(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    keyed: Option<bool>,
) -> PyResult<Bound<'_, PyDict>> {
    let named = source.clone();
    let imported = interruptible(py, move |interrupt| import(&source, &target, keyed, interrupt))?;
    let imported = imported.map_err(|error| match error {
        ImportError::File(error) => to_python(error),
        ImportError::Text { line, what } => PyValueError::new_err(format!("{}, line {line}: {what}", named.display())),
    })?;
    let dict = PyDict::new(py);
    dict.set_item("rows", imported.rows)?;
    dict.set_item("keyed", imported.keyed)?;
    let labels = PyDict::new(py);
    for (number, label) in (FIRST_LABEL..).zip(&imported.labels) {
        labels.set_item(number, label)?;
    }
    dict.set_item("labels", labels)?;
    Ok(dict)
}
