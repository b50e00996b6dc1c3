//! Ctrl-C in long native calls.
//!
//! Python runs signal handlers only on its main thread, and only when the interpreter is asked to. So the work goes to a thread of
//! its own, without the interpreter lock, while the calling thread waits and asks a few times a second. When a handler raises, the
//! flag is set, the work gives up at its next look at the flag, and the handler's exception is what the caller sees.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often the calling thread looks for signals: fast enough for a person, too slow to cost anything.
const POLL: Duration = Duration::from_millis(50);

/// Do `work` without the interpreter lock, and raise what a signal handler raises meanwhile. `work` polls the flag it is given and
/// returns, with anything, soon after it is set.
pub fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> T + Send) -> PyResult<T> {
    let interrupted = AtomicBool::new(false);
    let (done, mut finished) = channel();
    thread::scope(|scope| {
        let flag = &interrupted;
        let worker = scope.spawn(move || done.send(work(flag)));
        let outcome = loop {
            let waited;
            (waited, finished) = py.detach(move || (finished.recv_timeout(POLL), finished));
            match waited {
                Ok(value) => break Ok(value),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(raised) = py.check_signals() {
                        interrupted.store(true, Ordering::Relaxed);
                        break Err(raised);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(PyRuntimeError::new_err(
                        "a native call failed an assertion of its own; standard error names it",
                    ));
                }
            }
        };
        // Joined here, and its panic taken here, so that leaving the scope neither holds the interpreter lock nor panics again.
        py.detach(|| drop(worker.join()));
        outcome
    })
}
