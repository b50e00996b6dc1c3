//! A user's own model, in Python: `initial`, `step(state, operation)`, and if it has them, `partition` and `only_observes`.
//!
//! Equal operations are one action, equal states one state, and each step is asked for once; only then the interpreter lock is taken. What
//! the user's code raises first is kept and raised when the search has ended, which it soon does, because nothing can go any more.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use schrodinger_checkers::models::{Call, Foreign, ForeignAction, State};

/// One operation, as a user's model sees it.
#[pyclass(frozen, eq, hash, skip_from_py_object, module = "schrodinger_native")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelOperation {
    #[pyo3(get)]
    f: String,
    #[pyo3(get)]
    key: Option<i64>,
    argument: Option<Vec<i64>>,
    value: Option<Vec<i64>>,
    #[pyo3(get)]
    is_ok: bool,
}

#[pymethods]
impl ModelOperation {
    #[getter]
    fn argument<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.argument.as_ref().map(|values| PyTuple::new(py, values)).transpose()
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.value.as_ref().map(|values| PyTuple::new(py, values)).transpose()
    }

    fn __repr__(&self) -> String {
        let list = |values: &Option<Vec<i64>>| match values {
            Some(values) => format!("{values:?}"),
            None => "nil".to_owned(),
        };
        let key = self.key.map(|key| format!(" on key {key}")).unwrap_or_default();
        let answer = if self.is_ok { list(&self.value) } else { "unknown".to_owned() };
        format!("<{}{key} {} -> {answer}>", self.f, list(&self.argument))
    }
}

/// What is known of an action.
struct Known {
    operation: Py<ModelOperation>,
    only_observes: bool,
    part: Option<i64>,
}

#[derive(Default)]
struct Numbers {
    actions: HashMap<ModelOperation, ForeignAction>,
    known: Vec<Known>,
    states: Vec<Py<PyAny>>,
    error: Option<PyErr>,
}

/// A user's model.
pub struct PythonModel {
    step: Py<PyAny>,
    partition: Option<Py<PyAny>>,
    only_observes: Option<Py<PyAny>>,
    /// State to its number.
    number_of: Py<PyDict>,
    numbers: Mutex<Numbers>,
    broken: AtomicBool,
}

impl fmt::Debug for PythonModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonModel").finish_non_exhaustive()
    }
}

impl PythonModel {
    /// The model `model`, which must have `initial` and `step`.
    pub fn new(model: &Bound<'_, PyAny>) -> PyResult<Self> {
        let method = |name: &str| model.getattr_opt(name).map(|method| method.map(Bound::unbind));
        let this = PythonModel {
            step: model.getattr("step")?.unbind(),
            partition: method("partition")?,
            only_observes: method("only_observes")?,
            number_of: PyDict::new(model.py()).unbind(),
            numbers: Mutex::default(),
            broken: AtomicBool::new(false),
        };
        let initial = model.getattr("initial")?;
        let initial = if initial.is_callable() { initial.call0()? } else { initial };
        this.number(&initial)?;
        Ok(this)
    }

    /// What the user's code raised first.
    pub fn error(&self) -> Option<PyErr> {
        self.numbers.lock().error.take()
    }

    /// `answer`, or what takes its place when the user's code raised.
    fn or<T>(&self, answer: PyResult<T>, otherwise: T) -> T {
        answer.unwrap_or_else(|error| {
            self.broken.store(true, Ordering::Relaxed);
            self.numbers.lock().error.get_or_insert(error);
            otherwise
        })
    }

    fn number(&self, state: &Bound<'_, PyAny>) -> PyResult<State> {
        let numbers = self.number_of.bind(state.py());
        if let Some(number) = numbers.get_item(state)? {
            return number.extract();
        }
        let number = numbers.len() as State;
        numbers.set_item(state, number)?;
        self.numbers.lock().states.push(state.clone().unbind());
        Ok(number)
    }

    fn ask_step(&self, py: Python<'_>, state: State, action: ForeignAction) -> PyResult<Option<State>> {
        let (before, operation) = {
            let numbers = self.numbers.lock();
            let before = numbers.states[state as usize].clone_ref(py);
            (before, numbers.known[action as usize].operation.clone_ref(py))
        };
        let after = self.step.bind(py).call1((before, operation))?;
        if after.is_none() { Ok(None) } else { self.number(&after).map(Some) }
    }

    fn ask_known(&self, py: Python<'_>, operation: &ModelOperation) -> PyResult<Known> {
        let operation = Py::new(py, operation.clone())?;
        let only_observes = match &self.only_observes {
            Some(method) => method.bind(py).call1((&operation,))?.is_truthy()?,
            None => false,
        };
        let part = match &self.partition {
            Some(method) => part(&method.bind(py).call1((&operation,))?)?,
            None => operation.get().key,
        };
        Ok(Known { operation, only_observes, part })
    }
}

/// The number of an independent part, which is what `partition` returned.
fn part(returned: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    returned.extract().map_err(|_| {
        let given = returned.repr().map_or_else(|_| "something else".to_owned(), |text| text.to_string());
        PyTypeError::new_err(format!("partition returns the number of an independent part, or None, not {given}"))
    })
}

impl Foreign for PythonModel {
    fn step(&self, state: State, action: ForeignAction) -> Option<State> {
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        Python::attach(|py| self.or(self.ask_step(py, state, action), None))
    }

    fn only_observes(&self, action: ForeignAction) -> bool {
        self.numbers.lock().known[action as usize].only_observes
    }

    fn describe(&self, state: State) -> String {
        Python::attach(|py| {
            let state = self.numbers.lock().states[state as usize].clone_ref(py);
            self.or(state.bind(py).repr().map(|text| text.to_string()), String::new())
        })
    }

    fn action(&self, call: &Call) -> ForeignAction {
        let list = |values: Option<&[i64]>| values.map(<[i64]>::to_vec);
        let operation = ModelOperation {
            f: call.function.to_owned(),
            key: call.key,
            argument: list(call.argument),
            value: list(call.result),
            is_ok: call.is_ok(),
        };
        if let Some(action) = self.numbers.lock().actions.get(&operation) {
            return *action;
        }
        Python::attach(|py| {
            let known = match self.ask_known(py, &operation) {
                Ok(known) => known,
                Err(error) => {
                    self.or(Err(error), ());
                    match Py::new(py, operation.clone()) {
                        Ok(operation) => Known { operation, only_observes: false, part: None },
                        Err(_) => return 0,
                    }
                }
            };
            let mut numbers = self.numbers.lock();
            let number = numbers.known.len() as ForeignAction;
            numbers.known.push(known);
            numbers.actions.insert(operation, number);
            number
        })
    }

    fn partition(&self, call: &Call) -> Option<i64> {
        let action = self.action(call);
        self.numbers.lock().known.get(action as usize).and_then(|known| known.part)
    }
}
