//! Events on their way to the file: gathered row by row, turned into one Arrow batch without copying the columns.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, UInt8Array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, SchemaRef};

use crate::columns::{Columns, Kind};
use crate::schema;

/// A block is written when this many rows wait, whatever the clock says. Large enough that a block's own overhead (some 600 bytes)
/// vanishes, small enough that the lost tail of a fast run stays small.
const BLOCK_ROWS: usize = 16_384;
/// The same for the bytes of lists and details.
const BLOCK_BYTES: usize = 4 << 20;
/// Arrow's 32-bit offsets end here. Reached only when the disk takes nothing for a long time, or by one absurd value.
const MOST: usize = i32::MAX as usize;

/// One event, without its time.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What happened.
    pub kind: Kind,
    /// The process that did it; [`crate::NEMESIS`] for faults.
    pub process: i32,
    /// Position in the history's list of functions.
    pub f: u8,
    /// The independent key, if there is one.
    pub key: Option<i64>,
    /// What it carries.
    pub value: Option<&'a [i64]>,
    /// Why it failed, in words.
    pub detail: Option<&'a str>,
}

/// The events of the next block.
#[derive(Default)]
pub struct Pending {
    columns: Columns,
    details: String,
    detail_ends: Vec<i32>,
    detail_valid: Vec<bool>,
}

impl Pending {
    /// Nothing, with room for as many rows as the block before had.
    pub fn like(previous: &Pending) -> Self {
        let rows = previous.columns.len();
        Pending {
            columns: Columns::with_capacity(rows),
            details: String::with_capacity(previous.details.len()),
            detail_ends: Vec::with_capacity(rows),
            detail_valid: Vec::with_capacity(rows),
        }
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is enough for a block already.
    pub fn is_block(&self) -> bool {
        self.len() >= BLOCK_ROWS || self.columns.values.len() * size_of::<i64>() + self.details.len() >= BLOCK_BYTES
    }

    /// Whether one more event fits into what a block can hold.
    pub fn has_room_for(&self, event: &Event<'_>) -> bool {
        let values = self.columns.values.len() + event.value.map_or(0, <[i64]>::len);
        let details = self.details.len() + event.detail.map_or(0, str::len);
        values <= MOST && details <= MOST && self.len() < MOST
    }

    /// Append an event that [`Self::has_room_for`].
    pub fn push(&mut self, time: i64, event: &Event<'_>) {
        self.columns.push(time, event.process, event.kind, event.f, event.key, event.value);
        self.details.push_str(event.detail.unwrap_or(""));
        self.detail_ends.push(self.details.len() as i32);
        self.detail_valid.push(event.detail.is_some());
    }
}

/// The two dictionaries of a file, shared by all its batches.
pub struct Dictionaries {
    /// The words for event types.
    pub kinds: ArrayRef,
    /// The functions.
    pub functions: ArrayRef,
}

impl Dictionaries {
    /// The dictionaries of a file that records these functions.
    pub fn new(functions: &[String]) -> Self {
        Dictionaries {
            kinds: Arc::new(StringArray::from_iter_values(Kind::ALL.map(Kind::name))),
            functions: Arc::new(StringArray::from_iter_values(functions)),
        }
    }
}

/// The events as one batch of the file.
pub fn batch(pending: Pending, schema: &SchemaRef, dictionaries: &Dictionaries) -> Result<RecordBatch, ArrowError> {
    let Pending { columns, details, detail_ends, detail_valid } = pending;
    let kinds = Int8Array::from_iter_values(columns.kind.iter().map(|&code| code as i8));
    let values = Int64Array::from(columns.values);
    let value_offsets = columns.value_offsets.iter().map(|&offset| offset as i32).collect();
    let detail_offsets = std::iter::once(0).chain(detail_ends).collect();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(columns.time)),
        Arc::new(Int32Array::from(columns.process)),
        Arc::new(DictionaryArray::try_new(kinds, dictionaries.kinds.clone())?),
        Arc::new(DictionaryArray::try_new(UInt8Array::from(columns.f), dictionaries.functions.clone())?),
        Arc::new(Int64Array::try_new(columns.key.into(), validity(columns.key_valid))?),
        Arc::new(ListArray::try_new(
            schema::element(),
            OffsetBuffer::new(value_offsets),
            Arc::new(values),
            validity(columns.value_valid),
        )?),
        Arc::new(StringArray::try_new(
            OffsetBuffer::new(detail_offsets),
            Buffer::from(details.into_bytes()),
            validity(detail_valid),
        )?),
    ];
    RecordBatch::try_new(schema.clone(), arrays)
}

fn validity(valid: Vec<bool>) -> Option<NullBuffer> {
    Some(NullBuffer::from(valid))
}
