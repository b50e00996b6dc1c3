//! The rows of a history as a stream of batches that numbers them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::error::Error;
use crate::history::History;
use crate::schema;

/// Reads the good prefix block by block: index, time, process, type, f, key, value, detail.
pub struct Table {
    history: Arc<History>,
    schema: SchemaRef,
    next: usize,
}

impl Table {
    /// The rows of `history`.
    pub fn new(history: Arc<History>) -> Self {
        let mut fields = vec![Arc::new(Field::new("index", DataType::Int64, false))];
        fields.extend(schema::fields().iter().cloned());
        Table { history, schema: Arc::new(Schema::new(fields)), next: 0 }
    }

    fn numbered(&self, number: usize) -> Result<RecordBatch, Error> {
        let (first_row, batch) = self.history.block(number)?;
        let rows = first_row as i64..(first_row + batch.num_rows()) as i64;
        let index: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
        let columns = std::iter::once(index).chain(batch.columns().iter().cloned()).collect();
        RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| Error::Misuse(error.to_string()))
    }
}

impl Iterator for Table {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        self.next += 1;
        (number < self.history.blocks())
            .then(|| self.numbered(number).map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Table {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
