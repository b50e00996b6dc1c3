//! The operations of a history as a table: each invocation beside its completion.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int8Array, RecordBatch, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;

use crate::columns::Kind;
use crate::error::Error;
use crate::history::History;
use crate::pairing::{Pair, pairs};
use crate::schema;

impl History {
    /// Every operation, in the order of invocation, as one batch: index, completion, process, f, type, key, argument, value,
    /// start_ns, end_ns, detail. One that never completed has type `info`, for nobody knows how it ended, and no completion.
    pub fn operations(&self) -> Result<RecordBatch, Error> {
        let pairs = pairs(&self.columns()?);
        let batches = self.batches(0..self.rows()).map(|batch| batch.map(|(_, batch)| batch));
        let batches = batches.collect::<Result<Vec<_>, Error>>()?;
        // Every column has been checked when the file was; what is left to fail is more than two billion values in one array.
        concat_batches(&schema::schema(0), &batches)
            .and_then(|rows| table(&rows, &pairs))
            .map_err(|error| Error::Misuse(format!("the operations don't fit into one table: {error}")))
    }
}

fn table(rows: &RecordBatch, pairs: &[Pair]) -> Result<RecordBatch, ArrowError> {
    let invocations: UInt64Array = pairs.iter().map(|pair| Some(pair.invocation as u64)).collect();
    let completions: UInt64Array = pairs.iter().map(|pair| pair.completion.map(|row| row as u64)).collect();
    let column = |name: &str| rows.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(name.to_owned()));
    let invoked = |name: &str| take(column(name)?, &invocations, None);
    let completed = |name: &str| take(column(name)?, &completions, None);
    let columns = [
        ("index", row_numbers(&invocations), false),
        ("completion", row_numbers(&completions), true),
        ("process", invoked("process")?, false),
        ("f", invoked("f")?, false),
        ("type", outcomes(&completed("type")?)?, false),
        ("key", invoked("key")?, true),
        ("argument", invoked("value")?, true),
        ("value", completed("value")?, true),
        ("start_ns", invoked("time")?, false),
        ("end_ns", completed("time")?, true),
        ("detail", completed("detail")?, true),
    ];
    let fields = columns.iter().map(|(name, array, nullable)| Field::new(*name, array.data_type().clone(), *nullable));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array, _)| array).collect())
}

/// Row numbers are signed in the tables, as Arrow's other users expect of an index.
fn row_numbers(rows: &UInt64Array) -> ArrayRef {
    Arc::new(rows.unary::<_, arrow_array::types::Int64Type>(|row| row as i64))
}

/// The types of the completions, where there is none `info`.
fn outcomes(types: &dyn Array) -> Result<ArrayRef, ArrowError> {
    let types = types.as_dictionary::<arrow_array::types::Int8Type>();
    let codes = types.keys().iter().map(|code| code.unwrap_or(Kind::Info.code() as i8));
    let outcomes = DictionaryArray::try_new(Int8Array::from_iter_values(codes), types.values().clone())?;
    debug_assert_eq!(outcomes.data_type(), &schema::dictionary(DataType::Int8));
    Ok(Arc::new(outcomes))
}
