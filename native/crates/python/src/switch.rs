//! `Switch`, for Python.

use std::os::fd::{BorrowedFd, RawFd};
use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pythonize::{depythonize, pythonize};
use schrodinger_switch::{Address, Capture, Error, Port, Wanted};

#[pyclass(frozen, module = "schrodinger_native")]
pub struct Switch(schrodinger_switch::Switch);

#[pymethods]
impl Switch {
    #[new]
    #[pyo3(signature = (ports, *, capture = None))]
    fn new(py: Python<'_>, ports: Vec<(Address, RawFd)>, capture: Option<PathBuf>) -> PyResult<Self> {
        let ports = ports
            .into_iter()
            .map(|(address, wire)| own(wire).map(|wire| Port { address, wire }))
            .collect::<Result<_, _>>()?;
        let capture = match capture {
            Some(path) => Some(Capture::create(&path).map_err(|error| of_file(&error, &path.display().to_string()))?),
            None => None,
        };
        py.detach(|| schrodinger_switch::Switch::start(ports, capture)).map(Switch).map_err(to_python)
    }

    fn replace(&self, py: Python<'_>, wanted: &Bound<'_, PyAny>) -> PyResult<()> {
        let wanted: Vec<Wanted> = depythonize(wanted).map_err(|error| PyValueError::new_err(error.to_string()))?;
        py.detach(|| self.0.replace(&wanted)).map_err(to_python)
    }

    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let reading = py.detach(|| self.0.read()).map_err(to_python)?;
        Ok(pythonize(py, &reading)?)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(to_python)
    }
}

/// A descriptor of our own for the same file; the caller's stays the caller's.
fn own(wire: RawFd) -> PyResult<std::os::fd::OwnedFd> {
    if wire < 0 {
        return Err(PyValueError::new_err(format!("{wire} is no file descriptor")));
    }
    // SAFETY: it is only borrowed for the duplication, which fails with EBADF if it is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(wire) };
    Ok(borrowed.try_clone_to_owned()?)
}

fn to_python(error: Error) -> PyErr {
    match error {
        Error::Invalid(problem) => PyValueError::new_err(problem),
        Error::Io(error) => error.into(),
        Error::Stopped(_) => PyRuntimeError::new_err(error.to_string()),
    }
}

fn of_file(error: &std::io::Error, path: &str) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, error.kind().to_string(), path.to_owned())),
        None => PyOSError::new_err(error.to_string()),
    }
}
