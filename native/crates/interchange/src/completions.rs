//! Invocations for a history that has none.
//!
//! Some tools, and many examples in the literature, write down only what completed. When an operation began is not known then, except
//! that a process does one thing at a time: it began after its process had ended the one before. To invoke each at that moment, as early
//! as can be, claims no order in real time that there may not have been. It is what Elle concludes from such a history.
//!
//! Invocations come before what is read later, so all completions are held in memory.

use rustc_hash::FxHashMap;
use schrodinger_history::{Columns, Error, Event, Kind, NEMESIS, Transcript};

/// Functions that ask for what they complete with, so that nothing is known when they are invoked.
const ASKS: [&str; 9] = ["read", "read-all", "dequeue", "drain", "generate", "get", "pop", "poll", "peek"];

/// The completions so far.
#[derive(Default)]
pub struct Completions {
    columns: Columns,
    details: FxHashMap<usize, Box<str>>,
}

impl Completions {
    /// One more.
    pub fn push(&mut self, time: i64, event: &Event<'_>) {
        if let Some(detail) = event.detail {
            self.details.insert(self.columns.len(), detail.into());
        }
        self.columns.push(time, event.process, event.kind, event.f, event.key, event.value);
    }

    /// Write them all, each invocation as early as it can have been.
    pub fn write(&self, functions: &[String], transcript: &mut Transcript) -> Result<(), Error> {
        let columns = &self.columns;
        // For each row the next one of its process, from the end.
        let mut next: Vec<Option<usize>> = vec![None; columns.len()];
        let mut first: FxHashMap<i32, usize> = FxHashMap::default();
        for row in (0..columns.len()).rev().filter(|&row| columns.process[row] != NEMESIS) {
            next[row] = first.insert(columns.process[row], row);
        }
        let begun = columns.time.first().copied().unwrap_or(0);
        for row in (0..columns.len()).filter(|&row| first.get(&columns.process[row]) == Some(&row)) {
            self.invoke(row, begun, functions, transcript)?;
        }
        for (row, next) in next.iter().enumerate() {
            let event = Event {
                kind: Kind::from_code(columns.kind[row]).unwrap_or(Kind::Info),
                process: columns.process[row],
                f: columns.f[row],
                key: columns.key(row),
                value: columns.value(row),
                detail: self.details.get(&row).map(|detail| &**detail),
            };
            transcript.write(columns.time[row], &event)?;
            if let Some(next) = *next {
                self.invoke(next, columns.time[row], functions, transcript)?;
            }
        }
        Ok(())
    }

    fn invoke(&self, row: usize, time: i64, functions: &[String], transcript: &mut Transcript) -> Result<(), Error> {
        let f = self.columns.f[row];
        let function = functions.get(usize::from(f)).map_or("", String::as_str);
        let asked = match self.columns.value(row) {
            _ if ASKS.contains(&function) => None,
            Some(steps) if function == "txn" => Some(unanswered(steps)),
            value => value.map(<[i64]>::to_vec),
        };
        let (process, key) = (self.columns.process[row], self.columns.key(row));
        let event = Event { kind: Kind::Invoke, process, f, key, value: asked.as_deref(), detail: None };
        transcript.write(time, &event)
    }
}

/// The micro-operations of a transaction before its reads were answered. What is no transaction is left as it is.
fn unanswered(steps: &[i64]) -> Vec<i64> {
    let (mut asked, mut rest) = (Vec::with_capacity(steps.len()), steps);
    while let [code, key, count, after @ ..] = rest {
        let Some(after_values) = usize::try_from((*count).max(0)).ok().and_then(|count| after.get(count..)) else {
            return steps.to_vec();
        };
        let values = &after[..after.len() - after_values.len()];
        match code {
            0 => asked.extend([0, *key, -1]),
            // The database tells a version in its answer.
            3 => {}
            _ => asked.extend([*code, *key, *count].into_iter().chain(values.iter().copied())),
        }
        rest = after_values;
    }
    asked
}
