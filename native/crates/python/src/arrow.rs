//! Tables handed to Python without copying: the Arrow PyCapsule interface, which polars, pyarrow, pandas and DuckDB read.

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// The batches as the capsule that `__arrow_c_stream__` returns. Dropping the capsule releases a stream that nobody took.
pub fn stream<'py>(
    py: Python<'py>,
    batches: impl RecordBatchReader + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), c"arrow_array_stream")
}
