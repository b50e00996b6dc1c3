//! The Arrow schema of a history file, version 1.
//!
//! Time first, then who, what and about what. `type` and `f` are dictionaries written once at the head of the file, so each costs a
//! byte a row. The row number is not stored. The schema's metadata carries the version of this format and the clock's origin.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};

/// Version of the file format, in the schema's metadata under [`VERSION_KEY`].
pub const VERSION: &str = "1";
/// Metadata key that makes an Arrow file a history.
pub const VERSION_KEY: &str = "schrodinger.history";
/// Metadata key of the CLOCK_MONOTONIC reading that is time zero.
pub const ORIGIN_KEY: &str = "schrodinger.origin_ns";
/// Key in the footer's metadata: the words that values stand for, in order, with a zero byte after each. Only whoever closes a file
/// knows them all.
pub const WORDS_KEY: &str = "schrodinger.words";

/// The columns as they are stored.
pub fn fields() -> Fields {
    Fields::from(vec![
        Field::new("time", DataType::Int64, false),
        Field::new("process", DataType::Int32, false),
        Field::new("type", dictionary(DataType::Int8), false),
        Field::new("f", dictionary(DataType::UInt8), false),
        Field::new("key", DataType::Int64, true),
        Field::new("value", list(), true),
        Field::new("detail", DataType::Utf8, true),
    ])
}

/// The schema of a file whose clock has this origin.
pub fn schema(origin_ns: i64) -> SchemaRef {
    let metadata =
        HashMap::from([(VERSION_KEY.to_owned(), VERSION.to_owned()), (ORIGIN_KEY.to_owned(), origin_ns.to_string())]);
    Arc::new(Schema::new_with_metadata(fields(), metadata))
}

/// The type of a column of names, numbered by `key`.
pub fn dictionary(key: DataType) -> DataType {
    DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8))
}

/// The type of the `value` column.
pub fn list() -> DataType {
    DataType::List(element())
}

/// The elements of the `value` column. They are never null; a value that is absent is a null list.
pub fn element() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Int64, false))
}
