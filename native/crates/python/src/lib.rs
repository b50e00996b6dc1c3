//! The native core of Schrodinger, for Python: one thin layer over crates that know nothing of Python.
//!
//! A file here converts arguments, releases the interpreter lock for anything that may take a millisecond, and turns errors into
//! exceptions. What is done is done beneath, and what it means is said in the stub, `schrodinger_native/_native.pyi`,
//! what is returned in `schrodinger_native/results.py`.

mod arrow;
mod checkers;
mod clock;
mod enter;
mod errors;
mod history;
mod interchange;
mod interrupt;
mod recorder;
mod stream;
mod switch;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<recorder::Recorder>()?;
    module.add_class::<history::HistoryFile>()?;
    module.add_class::<history::Operations>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<switch::Switch>()?;
    module.add_class::<interchange::Transcript>()?;
    module.add_function(wrap_pyfunction!(clock::clock_payload, module)?)?;
    module.add_function(wrap_pyfunction!(enter::enter, module)?)?;
    module.add_function(wrap_pyfunction!(interchange::import_history, module)?)?;
    module.add_function(wrap_pyfunction!(interchange::export_history, module)?)?;
    module.add_function(wrap_pyfunction!(interchange::copy_rows, module)?)?;
    module.add_function(wrap_pyfunction!(interchange::notation, module)?)?;
    checkers::register(module)
}
