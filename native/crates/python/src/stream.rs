//! `Stream`, for Python.

use pyo3::prelude::*;

#[pyclass(frozen, module = "schrodinger_native")]
pub struct Stream(schrodinger_random::Stream);

#[pymethods]
impl Stream {
    #[new]
    fn new(seed: u64, process: u32) -> Self {
        Stream(schrodinger_random::Stream::new(seed, process))
    }

    fn words(&self, index: u64) -> (u64, u64, u64, u64) {
        let [first, second, third, fourth] = self.0.words(index);
        (first, second, third, fourth)
    }
}
