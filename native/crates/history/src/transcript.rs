//! A history written after the fact, with the times that its source gives.

use std::path::Path;

use crate::error::Error;
use crate::pending::{Event, Pending};
use crate::recorder::check_functions;
use crate::writer::HistoryWriter;

/// Writes one history block by block, without a clock or a thread of its own.
pub struct Transcript {
    writer: HistoryWriter,
    pending: Pending,
    functions: usize,
    rows: u64,
}

impl Transcript {
    /// Create the file, which must not exist.
    pub fn create(path: &Path, functions: &[String]) -> Result<Self, Error> {
        check_functions(functions)?;
        let writer = HistoryWriter::create(path, functions, 0)?;
        Ok(Transcript { writer, pending: Pending::default(), functions: functions.len(), rows: 0 })
    }

    /// Append one event of this time.
    pub fn write(&mut self, time: i64, event: &Event<'_>) -> Result<(), Error> {
        if usize::from(event.f) >= self.functions {
            return Err(Error::Misuse(format!("function {} of {}: they count from 0", event.f, self.functions)));
        }
        if !self.pending.has_room_for(event) {
            return Err(Error::Misuse("one event has more than two billion values".to_owned()));
        }
        self.pending.push(time, event);
        self.rows += 1;
        if self.pending.is_block() { self.write_pending() } else { Ok(()) }
    }

    /// Write what is left, and the footer. Returns how many rows there are.
    pub fn finish(self) -> Result<u64, Error> {
        self.finish_with(&[])
    }

    /// The same, with the words that values stand for, from [`crate::FIRST_WORD`] on.
    pub fn finish_with(mut self, words: &[String]) -> Result<u64, Error> {
        if self.pending.len() > 0 {
            self.write_pending()?;
        }
        self.writer.keep_words(words);
        self.writer.finish()?;
        Ok(self.rows)
    }

    fn write_pending(&mut self) -> Result<(), Error> {
        let next = Pending::like(&self.pending);
        self.writer.append(std::mem::replace(&mut self.pending, next))
    }
}
