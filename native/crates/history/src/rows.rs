//! One batch of a history, column by column, each as its own type.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type, Int64Type, UInt8Type};
use arrow_array::{Array, Int64Array, ListArray, RecordBatch, StringArray};

use crate::columns::{Columns, Kind};

/// The columns of a batch that has the schema of a history.
pub struct Rows<'a> {
    /// Nanoseconds since the origin.
    pub time: &'a [i64],
    /// The processes.
    pub process: &'a [i32],
    kind: &'a [i8],
    /// Positions in the list of functions.
    pub f: &'a [u8],
    key: &'a Int64Array,
    value: &'a ListArray,
    detail: &'a StringArray,
}

impl<'a> Rows<'a> {
    /// Look into a batch that came out of a [`crate::History`]. Its columns have been checked to be of these types.
    pub fn of(batch: &'a RecordBatch) -> Self {
        let column = |at: usize| batch.column(at);
        Rows {
            time: column(0).as_primitive::<Int64Type>().values(),
            process: column(1).as_primitive::<Int32Type>().values(),
            kind: column(2).as_dictionary::<Int8Type>().keys().values(),
            f: column(3).as_dictionary::<UInt8Type>().keys().values(),
            key: column(4).as_primitive::<Int64Type>(),
            value: column(5).as_list::<i32>(),
            detail: column(6).as_string::<i32>(),
        }
    }

    /// What happened. Arrow has checked the codes against the dictionary, which is [`Kind::ALL`].
    pub fn kind(&self, row: usize) -> Kind {
        Kind::ALL[self.kind[row] as usize]
    }

    /// The key, if there is one.
    pub fn key(&self, row: usize) -> Option<i64> {
        self.key.is_valid(row).then(|| self.key.value(row))
    }

    /// What was carried, if anything.
    pub fn value(&self, row: usize) -> Option<&'a [i64]> {
        let offsets = self.value.value_offsets();
        let values = self.value.values().as_primitive::<Int64Type>().values();
        self.value.is_valid(row).then(|| &values[offsets[row] as usize..offsets[row + 1] as usize])
    }

    /// Why it failed, in words.
    pub fn detail(&self, row: usize) -> Option<&'a str> {
        self.detail.is_valid(row).then(|| self.detail.value(row))
    }

    /// Append all rows, without their details.
    pub fn append_to(&self, columns: &mut Columns) {
        for row in 0..self.time.len() {
            let (time, process) = (self.time[row], self.process[row]);
            columns.push(time, process, self.kind(row), self.f[row], self.key(row), self.value(row));
        }
    }
}
