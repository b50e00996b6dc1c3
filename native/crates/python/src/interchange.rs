//! Histories from elsewhere, for Python: `Transcript`, `import_history` and `export_history`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schrodinger_history::{Event, FIRST_WORD, Kind};
use schrodinger_interchange::{Format, ImportError, Notation, export_history as export, import_history as import};

use crate::errors::to_python;
use crate::history::HistoryFile;
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
        py.detach(|| transcript.finish()).map(drop).map_err(to_python)
    }
}

#[pyfunction]
#[pyo3(signature = (source, target, *, notation = None, keyed = None))]
pub fn import_history<'py>(
    py: Python<'py>,
    source: PathBuf,
    target: PathBuf,
    notation: Option<&str>,
    keyed: Option<bool>,
) -> PyResult<Bound<'py, PyDict>> {
    let named = source.clone();
    let notation = notation.map(notation_called).transpose()?;
    let imported = interruptible(py, move |interrupt| import(&source, &target, notation, keyed, interrupt))?;
    let imported = imported.map_err(|error| failure(error, &named))?;
    let dict = PyDict::new(py);
    dict.set_item("notation", imported.notation.name())?;
    dict.set_item("rows", imported.rows)?;
    dict.set_item("keyed", imported.keyed)?;
    dict.set_item("words", numbered(py, &imported.words)?)?;
    dict.set_item("remarks", imported.remarks)?;
    Ok(dict)
}

#[pyfunction]
pub fn export_history(
    py: Python<'_>,
    history: &Bound<'_, HistoryFile>,
    target: PathBuf,
    format: &str,
) -> PyResult<u64> {
    let format = match format {
        "edn" => Format::Edn,
        "jsonl" => Format::JsonLines,
        other => return Err(PyValueError::new_err(format!("no format {other:?} is written: take edn or jsonl"))),
    };
    let (named, history) = (target.clone(), Arc::clone(history.get().history()));
    let exported = interruptible(py, move |interrupt| export(&history, &target, format, interrupt))?;
    exported.map_err(|error| failure(error, &named))
}

#[pyfunction]
pub fn copy_rows(py: Python<'_>, history: &Bound<'_, HistoryFile>, rows: Vec<usize>, target: PathBuf) -> PyResult<u64> {
    let history = history.get().history();
    py.detach(|| schrodinger_interchange::copy_rows(history, &rows, &target)).map_err(to_python)
}

/// How the text in this file is written: `edn`, `json` or `log`.
#[pyfunction]
pub fn notation(py: Python<'_>, source: PathBuf) -> PyResult<&'static str> {
    py.detach(|| Notation::of_file(&source)).map(Notation::name).map_err(|error| failure(error, &source))
}

fn notation_called(name: &str) -> PyResult<Notation> {
    let found = [Notation::Edn, Notation::Json, Notation::Log].into_iter().find(|notation| notation.name() == name);
    found.ok_or_else(|| PyValueError::new_err(format!("no notation is called {name:?}: take edn, json or log")))
}

fn failure(error: ImportError, file: &Path) -> PyErr {
    match error {
        ImportError::File(error) => to_python(error),
        ImportError::Text { line, what } => PyValueError::new_err(format!("{}, line {line}: {what}", file.display())),
    }
}

/// Words by the numbers that stand for them.
pub fn numbered<'py>(py: Python<'py>, words: &[String]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (number, word) in (FIRST_WORD..).zip(words) {
        dict.set_item(number, word)?;
    }
    Ok(dict)
}
