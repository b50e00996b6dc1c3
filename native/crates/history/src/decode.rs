//! Record batches from checked messages, without copying: the arrays are windows on the mapped file.
//!
//! Only the layouts of this format's columns are known. Arrow validates what it is given (lengths, offsets, dictionary keys, UTF-8),
//! so bytes without a checksum can make a decoding fail, never panic or read elsewhere.

use std::ops::Range;

use arrow_array::{ArrayRef, RecordBatch, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_ipc as ipc;
use arrow_schema::{ArrowError, DataType, SchemaRef};

use crate::frame::Frame;
use crate::pending::Dictionaries;

/// The record batch in `frame`. An error says what is wrong with it.
pub fn batch(
    bytes: &Buffer,
    frame: &Frame<'_>,
    schema: &SchemaRef,
    dictionaries: &Dictionaries,
) -> Result<RecordBatch, String> {
    let header = frame.message.header_as_record_batch().ok_or("a message is no record batch")?;
    let mut reader = Reader::new(bytes, &frame.body, header)?;
    let words = [("type", &dictionaries.kinds), ("f", &dictionaries.functions)];
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let words = words.iter().find(|(name, _)| name == field.name()).map(|(_, words)| words.to_data());
        columns.push(make_array(reader.column(field.data_type(), words)?));
    }
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| error.to_string())
}

/// The words of a dictionary, whose batch has one column of text.
pub fn words(bytes: &Buffer, body: &Range<usize>, header: ipc::RecordBatch<'_>) -> Result<ArrayRef, String> {
    let words = Reader::new(bytes, body, header)?.column(&DataType::Utf8, None)?;
    Ok(make_array(words))
}

/// Goes through the nodes and buffers of one batch in their order.
struct Reader<'a> {
    bytes: &'a Buffer,
    body: &'a Range<usize>,
    nodes: Box<dyn Iterator<Item = &'a ipc::FieldNode> + 'a>,
    buffers: Box<dyn Iterator<Item = &'a ipc::Buffer> + 'a>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a Buffer, body: &'a Range<usize>, header: ipc::RecordBatch<'a>) -> Result<Self, String> {
        if header.compression().is_some() {
            return Err("a record batch is compressed".to_owned());
        }
        let nodes = header.nodes().ok_or("a record batch has no columns")?;
        let buffers = header.buffers().ok_or("a record batch has no buffers")?;
        Ok(Reader { bytes, body, nodes: Box::new(nodes.iter()), buffers: Box::new(buffers.iter()) })
    }

    fn column(&mut self, data_type: &DataType, words: Option<ArrayData>) -> Result<ArrayData, String> {
        let node = self.nodes.next().ok_or("a record batch lacks a column")?;
        let length = usize::try_from(node.length()).map_err(|_| "a column has a negative length")?;
        let validity = self.buffer(1)?;
        let validity = (node.null_count() > 0).then_some(validity);
        let mut buffers = vec![self.buffer(width(data_type))?];
        let mut children = Vec::new();
        match data_type {
            DataType::Utf8 => buffers.push(self.buffer(1)?),
            DataType::List(element) => children.push(self.column(element.data_type(), None)?),
            DataType::Dictionary(..) => children.extend(words),
            _ => {}
        }
        ArrayData::try_new(data_type.clone(), length, validity, 0, buffers, children)
            .map_err(|error: ArrowError| error.to_string())
    }

    /// The next buffer, of items of this many bytes. Arrow panics, rather than complains, at half an item and at an item astride.
    fn buffer(&mut self, width: usize) -> Result<Buffer, &'static str> {
        let buffer = self.buffers.next().ok_or("a record batch lacks a buffer")?;
        let offset = usize::try_from(buffer.offset()).map_err(|_| "a buffer has a negative offset")?;
        let length = usize::try_from(buffer.length()).map_err(|_| "a buffer has a negative length")?;
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > self.body.len()) {
            return Err("a buffer lies outside its message");
        }
        let buffer = self.bytes.slice_with_length(self.body.start + offset, length - length % width);
        if buffer.as_ptr().align_offset(width) == 0 { Ok(buffer) } else { Err("a buffer is not aligned") }
    }
}

/// Bytes of one item in the first buffer of a column: a value, a dictionary key, or an offset.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Dictionary(key, _) => width(key),
        other => other.primitive_width().unwrap_or(size_of::<i32>()),
    }
}
