//! Histories written row by row, for tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use schrodinger_checkers::Events;

/// Rows of a history.
#[derive(Default)]
pub struct Rows {
    time: Vec<i64>,
    pub process: Vec<i32>,
    pub kind: Vec<u8>,
    f: Vec<u8>,
    key: Vec<i64>,
    has_key: Vec<bool>,
    offsets: Vec<usize>,
    values: Vec<i64>,
    has_value: Vec<bool>,
}

impl Rows {
    pub fn push(&mut self, process: i32, kind: u8, f: u8, value: Option<&[i64]>) {
        self.push_keyed(process, kind, f, None, value);
    }

    pub fn push_keyed(&mut self, process: i32, kind: u8, f: u8, key: Option<i64>, value: Option<&[i64]>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.time.push(self.time.len() as i64);
        self.process.push(process);
        self.kind.push(kind);
        self.f.push(f);
        self.key.push(key.unwrap_or(0));
        self.has_key.push(key.is_some());
        self.values.extend_from_slice(value.unwrap_or(&[]));
        self.offsets.push(self.values.len());
        self.has_value.push(value.is_some());
    }

    /// All of them.
    pub fn events(&self) -> Events<'_> {
        self.beginning(self.kind.len())
    }

    /// The first `rows` of them.
    pub fn beginning(&self, rows: usize) -> Events<'_> {
        Events {
            time: &self.time[..rows],
            process: &self.process[..rows],
            kind: &self.kind[..rows],
            f: &self.f[..rows],
            key: &self.key[..rows],
            key_valid: &self.has_key[..rows],
            // Nothing has been pushed: there is no offset yet, and no row asks for one.
            value_offsets: &self.offsets[..self.offsets.len().min(rows + 1)],
            values: &self.values,
            value_valid: &self.has_value[..rows],
        }
    }
}
