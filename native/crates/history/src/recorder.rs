//! The recorder: the hot path of a run.
//!
//! Recording takes a lock, reads the clock under it (so the order of rows is the order of time), and appends to plain vectors. A
//! thread of its own takes them away every flush interval, or sooner when a block is full, and writes them; only the swap happens
//! under the lock. What a killed process loses is what was recorded since the last write. A write that fails is remembered, and
//! every later call says so: a history with a hole must not look like a history.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::clock::monotonic_ns;
use crate::error::Error;
use crate::pending::{Event, Pending};
use crate::writer::HistoryWriter;

/// As many functions as a one-byte dictionary key leaves when one value stays unused.
const MOST_FUNCTIONS: usize = 255;

/// Records one history.
pub struct Recorder {
    shared: Arc<Shared>,
    functions: usize,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    origin_ns: i64,
    gather: Mutex<Gather>,
    wake: Condvar,
    /// Taken before `gather`, so that blocks are written in the order in which they were taken.
    writer: Mutex<HistoryWriter>,
}

#[derive(Default)]
struct Gather {
    pending: Pending,
    recorded: u64,
    closed: bool,
    failure: Option<Error>,
}

impl Recorder {
    /// Create the file and start the thread that writes it. Time zero is `origin_ns` on CLOCK_MONOTONIC, or now.
    pub fn create(
        path: &Path,
        functions: &[String],
        origin_ns: Option<i64>,
        flush_interval: Duration,
    ) -> Result<Self, Error> {
        check_functions(functions)?;
        if flush_interval.is_zero() {
            return Err(Error::Misuse("the flush interval is zero".to_owned()));
        }
        let origin_ns = origin_ns.unwrap_or_else(monotonic_ns);
        let shared = Arc::new(Shared {
            origin_ns,
            gather: Mutex::default(),
            wake: Condvar::new(),
            writer: Mutex::new(HistoryWriter::create(path, functions, origin_ns)?),
        });
        let flushed = Arc::clone(&shared);
        let flusher = thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || flushed.write_until_closed(flush_interval))
            .map_err(|error| Error::io(path, error))?;
        Ok(Recorder { shared, functions: functions.len(), flusher: Mutex::new(Some(flusher)) })
    }

    /// The CLOCK_MONOTONIC reading that is time zero.
    pub fn origin_ns(&self) -> i64 {
        self.shared.origin_ns
    }

    /// How many events were recorded.
    pub fn events(&self) -> u64 {
        self.shared.gather.lock().recorded
    }

    /// Nanoseconds since the origin.
    pub fn now(&self) -> i64 {
        monotonic_ns() - self.shared.origin_ns
    }

    /// Append one event, stamped now. Returns its row.
    pub fn record(&self, event: &Event<'_>) -> Result<u64, Error> {
        if usize::from(event.f) >= self.functions {
            return Err(Error::Misuse(format!("function {} of {}: they count from 0", event.f, self.functions)));
        }
        let mut gather = self.shared.gather.lock();
        if let Some(failure) = &gather.failure {
            return Err(failure.clone());
        }
        if gather.closed {
            return Err(Error::Misuse("the history is closed".to_owned()));
        }
        if !gather.pending.has_room_for(event) {
            return Err(Error::Misuse(
                "more than two billion values, or bytes of detail, wait to be written".to_owned(),
            ));
        }
        gather.pending.push(self.now(), event);
        let row = gather.recorded;
        gather.recorded += 1;
        if gather.pending.is_block() {
            self.shared.wake.notify_one();
        }
        Ok(row)
    }

    /// Write everything recorded so far.
    pub fn flush(&self) -> Result<(), Error> {
        self.shared.write_pending()
    }

    /// Write what is left, and the footer. Closing twice does nothing the second time.
    pub fn close(&self) -> Result<(), Error> {
        let Some(flusher) = self.stop() else {
            return Ok(());
        };
        // The thread's own failures are in `failure`, which the next line raises.
        drop(flusher.join());
        self.shared.write_pending()?;
        self.shared.writer.lock().finish()
    }

    fn stop(&self) -> Option<JoinHandle<()>> {
        self.shared.gather.lock().closed = true;
        self.shared.wake.notify_one();
        self.flusher.lock().take()
    }
}

impl Drop for Recorder {
    /// Leaves what a killed process would leave, complete up to here: only `close` vouches for a history by giving it a footer.
    fn drop(&mut self) {
        if let Some(flusher) = self.stop() {
            drop(flusher.join());
            drop(self.shared.write_pending());
        }
    }
}

/// Whether a history can have these functions.
pub fn check_functions(functions: &[String]) -> Result<(), Error> {
    if functions.is_empty() || functions.len() > MOST_FUNCTIONS {
        let count = functions.len();
        return Err(Error::Misuse(format!("a history has 1 to {MOST_FUNCTIONS} functions, not {count}")));
    }
    if let Some(twice) = (1..functions.len()).find(|&at| functions[..at].contains(&functions[at])) {
        return Err(Error::Misuse(format!("the function {:?} is given twice", functions[twice])));
    }
    Ok(())
}

impl Shared {
    fn write_until_closed(&self, flush_interval: Duration) {
        let mut due = Instant::now() + flush_interval;
        loop {
            let mut gather = self.gather.lock();
            while !gather.closed && !gather.pending.is_block() {
                if self.wake.wait_until(&mut gather, due).timed_out() {
                    break;
                }
            }
            let closed = gather.closed;
            drop(gather);
            due = Instant::now() + flush_interval;
            if closed || self.write_pending().is_err() {
                return;
            }
        }
    }

    fn write_pending(&self) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        let mut gather = self.gather.lock();
        if let Some(failure) = &gather.failure {
            return Err(failure.clone());
        }
        if gather.pending.len() == 0 {
            return Ok(());
        }
        let next = Pending::like(&gather.pending);
        let pending = std::mem::replace(&mut gather.pending, next);
        drop(gather);
        writer.append(pending).inspect_err(|failure| self.gather.lock().failure = Some(failure.clone()))
    }
}
