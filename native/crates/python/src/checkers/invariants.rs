//! `check_counter`, `check_bank`, `check_unique_ids` and the other invariants that one pass decides.

use pyo3::prelude::*;
use schrodinger_checkers::invariants::total_queue::Delivery;
use schrodinger_checkers::invariants::{
    bank, counter, final_set, lock, log, long_fork, monotonic, queue, total_queue, unique_ids,
};
use schrodinger_checkers::set;

use super::{answer, position};
use crate::history::HistoryFile;

#[pyfunction]
#[pyo3(signature = (history, *, generate = "generate"))]
pub fn check_unique_ids<'py>(py: Python<'py>, history: &HistoryFile, generate: &str) -> PyResult<Bound<'py, PyAny>> {
    let generate = position(history.history(), generate);
    answer(py, history, move |events, _| unique_ids::check(events, generate))
}

#[pyfunction]
#[pyo3(signature = (history, *, add = "add", read = "read", initial = 0))]
pub fn check_counter<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    add: &str,
    read: &str,
    initial: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let functions =
        counter::Functions { add: position(history.history(), add), read: position(history.history(), read) };
    answer(py, history, move |events, _| counter::check(events, functions, initial))
}

#[pyfunction]
#[pyo3(signature = (history, *, read = "read", total = None, accounts = None, allow_negative = false))]
pub fn check_bank<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    read: &str,
    total: Option<i64>,
    accounts: Option<Vec<i64>>,
    allow_negative: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let read = position(history.history(), read);
    answer(py, history, move |events, _| {
        bank::check(events, &bank::Options { read, total, accounts: accounts.as_deref(), allow_negative })
    })
}

#[pyfunction]
#[pyo3(signature = (history, *, enqueue = "enqueue", dequeue = "dequeue", drain = "drain"))]
pub fn check_queue<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    enqueue: &str,
    dequeue: &str,
    drain: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let functions = queue_functions(history, enqueue, dequeue, drain);
    answer(py, history, move |events, _| queue::check(events, functions))
}

#[pyfunction]
#[pyo3(signature = (history, *, enqueue = "enqueue", dequeue = "dequeue", drain = "drain", redelivers = false))]
pub fn check_total_queue<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    enqueue: &str,
    dequeue: &str,
    drain: &str,
    redelivers: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let functions = queue_functions(history, enqueue, dequeue, drain);
    let delivery = if redelivers { Delivery::AtLeastOnce } else { Delivery::ExactlyOnce };
    answer(py, history, move |events, _| total_queue::check(events, functions, delivery))
}

fn queue_functions(history: &HistoryFile, enqueue: &str, dequeue: &str, drain: &str) -> queue::Functions {
    let named = |function| position(history.history(), function);
    queue::Functions { enqueue: named(enqueue), dequeue: named(dequeue), drain: named(drain) }
}

#[pyfunction]
#[pyo3(signature = (history, *, add = "add", read = "read"))]
pub fn check_final_set<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    add: &str,
    read: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let functions = set::Functions { add: position(history.history(), add), read: position(history.history(), read) };
    answer(py, history, move |events, _| final_set::check(events, functions))
}

#[pyfunction]
#[pyo3(signature = (history, *, increment = "inc", read = "read", read_all = "read-all", sessions = false))]
pub fn check_monotonic<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    increment: &str,
    read: &str,
    read_all: &str,
    sessions: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let named = |function| position(history.history(), function);
    let functions = monotonic::Functions { increment: named(increment), read: named(read), read_all: named(read_all) };
    answer(py, history, move |events, _| monotonic::check(events, functions, sessions))
}

#[pyfunction]
#[pyo3(signature = (history, *, transaction = "txn", read = "read", write = "write"))]
pub fn check_long_fork<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    transaction: &str,
    read: &str,
    write: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let functions = [transaction, read, write].map(|function| position(history.history(), function));
    answer(py, history, move |events, _| long_fork::check(events, functions))
}

#[pyfunction]
#[pyo3(signature = (
    history, *, acquire = "acquire", release = "release", use_ = "use", leased = false, reentrant = false, exclusive = true
))]
#[allow(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub fn check_lock<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    acquire: &str,
    release: &str,
    use_: &str,
    leased: bool,
    reentrant: bool,
    exclusive: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let named = |function| position(history.history(), function);
    let (acquire, release, use_) = (named(acquire), named(release), named(use_));
    let options = lock::Options { acquire, release, use_, leased, reentrant, exclusive };
    answer(py, history, move |events, _| lock::check(events, &options))
}

#[pyfunction]
#[pyo3(signature = (
    history, *, send = "send", poll = "poll", transaction = "txn", assign = "assign", subscribe = "subscribe"
))]
pub fn check_log<'py>(
    py: Python<'py>,
    history: &HistoryFile,
    send: &str,
    poll: &str,
    transaction: &str,
    assign: &str,
    subscribe: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let named = |function| position(history.history(), function);
    let functions = log::Functions {
        send: named(send),
        poll: named(poll),
        transaction: named(transaction),
        assign: named(assign),
        subscribe: named(subscribe),
    };
    answer(py, history, move |events, _| log::check(events, functions))
}
