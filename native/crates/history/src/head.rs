//! The head of a history file: Arrow's magic, the schema, and the two dictionaries, up to the first batch that has rows.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::Buffer;
use arrow_ipc as ipc;
use arrow_schema::{DataType, Field, SchemaRef};

use crate::columns::Kind;
use crate::decode;
use crate::frame::{self, Frame};
use crate::pending::Dictionaries;
use crate::schema;

/// The first bytes of an Arrow file. It also ends with them, without the padding.
pub const MAGIC: &[u8; 8] = b"ARROW1\0\0";

/// What the head of a history says.
pub struct Head {
    /// The functions, in the order of their numbers.
    pub functions: Vec<String>,
    /// The CLOCK_MONOTONIC reading that is time zero.
    pub origin_ns: i64,
    /// The schema of the batches.
    pub schema: SchemaRef,
    /// The words of the dictionary columns.
    pub dictionaries: Dictionaries,
    /// Where the first batch that may have rows begins.
    pub end: usize,
}

impl Head {
    /// A head that says nothing, for a file whose own can't be trusted.
    pub fn unreadable() -> Self {
        Head {
            functions: Vec::new(),
            origin_ns: 0,
            schema: schema::schema(0),
            dictionaries: Dictionaries::new(&[]),
            end: 0,
        }
    }

    /// Read the head of a file that begins with [`MAGIC`]. An error says what was found instead of a history.
    pub fn parse(bytes: &Buffer) -> Result<Self, String> {
        // Zeros pad the magic to the alignment of the writer, which is 64 in other programs.
        let padding = bytes[MAGIC.len()..].iter().take(64).take_while(|&&byte| byte == 0).count();
        let first = message(bytes, MAGIC.len() + padding)?;
        let found = first.message.header_as_schema().ok_or("its first message is no schema")?;
        let origin_ns = check_schema(found)?;
        let mut head = Head { origin_ns, schema: schema::schema(origin_ns), ..Head::unreadable() };
        head.end = first.body.end;
        loop {
            let next = message(bytes, head.end)?;
            if let Some(dictionary) = next.message.header_as_dictionary_batch() {
                head.take_dictionary(bytes, &next, dictionary, found)?;
                head.end = next.body.end;
                continue;
            }
            let empty = next.message.header_as_record_batch().is_some_and(|batch| batch.length() == 0);
            if empty {
                head.end = next.body.end;
            }
            break;
        }
        if head.functions.is_empty() {
            return Err("it names no functions".to_owned());
        }
        Ok(head)
    }

    fn take_dictionary(
        &mut self,
        bytes: &Buffer,
        frame: &Frame<'_>,
        dictionary: ipc::DictionaryBatch<'_>,
        found: ipc::Schema<'_>,
    ) -> Result<(), String> {
        let data = dictionary.data().ok_or("a dictionary is empty")?;
        let words = decode::words(bytes, &frame.body, data)?;
        let names: Vec<&str> = words.as_string::<i32>().iter().flatten().collect();
        if names.len() != words.len() {
            return Err("a dictionary has an absent word".to_owned());
        }
        let name = found
            .fields()
            .into_iter()
            .flatten()
            .find_map(|field| (field.dictionary()?.id() == dictionary.id()).then_some(field.name()?));
        match name {
            Some("type") if !names.iter().copied().eq(Kind::ALL.map(Kind::name)) => {
                Err(format!("its event types are {}", names.join(", ")))
            }
            Some("f") if names.len() > usize::from(u8::MAX) + 1 => Err("it has too many functions".to_owned()),
            Some("f") => {
                self.functions = names.into_iter().map(str::to_owned).collect();
                self.dictionaries.functions = words;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn message(bytes: &Buffer, start: usize) -> Result<Frame<'_>, String> {
    match frame::at(bytes, start) {
        Ok(Some(frame)) => Ok(frame),
        Ok(None) => Err("it is an Arrow file that ends before its first batch".to_owned()),
        Err(what) => Err(format!("it is an Arrow file whose head can't be read: {what}")),
    }
}

/// The clock's origin, if this is the schema of a history.
fn check_schema(found: ipc::Schema<'_>) -> Result<i64, String> {
    let metadata = |key: &str| {
        let entries = found.custom_metadata().into_iter().flatten();
        entries.filter(|entry| entry.key() == Some(key)).find_map(|entry| entry.value())
    };
    let version = metadata(schema::VERSION_KEY);
    let columns: Vec<String> = found.fields().into_iter().flatten().map(describe).collect();
    let expected: Vec<String> = schema::fields().iter().map(expected).collect();
    match version {
        None => Err(format!("it is an Arrow file with the columns {}", columns.join(", "))),
        Some(version) if version != schema::VERSION => {
            Err(format!("its format is version {version}, and this reads version {}", schema::VERSION))
        }
        Some(_) if columns != expected => {
            Err(format!("its columns are {}, not {}", columns.join(", "), expected.join(", ")))
        }
        Some(_) => metadata(schema::ORIGIN_KEY)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("its schema has no readable {}", schema::ORIGIN_KEY)),
    }
}

/// A column as `name: type`, read from a flatbuffer that may say anything.
fn describe(field: ipc::Field<'_>) -> String {
    format!("{}: {}", field.name().unwrap_or("(unnamed)"), type_of(field))
}

fn type_of(field: ipc::Field<'_>) -> String {
    let int = |int: ipc::Int<'_>| format!("{}{}", if int.is_signed() { "Int" } else { "UInt" }, int.bitWidth());
    let plain = match field.type_type() {
        ipc::Type::Int => field.type_as_int().map(int),
        ipc::Type::List => field
            .children()
            .and_then(|children| children.iter().next())
            .map(|child| format!("List({})", type_of(child))),
        other => other.variant_name().map(str::to_owned),
    };
    let plain = plain.unwrap_or_else(|| "(unknown)".to_owned());
    match field.dictionary() {
        Some(dictionary) => format!("Dictionary({}, {plain})", dictionary.indexType().map_or("Int32".to_owned(), int)),
        None => plain,
    }
}

/// The same for a column of ours.
fn expected(field: &Arc<Field>) -> String {
    fn name(data_type: &DataType) -> String {
        match data_type {
            DataType::List(element) => format!("List({})", name(element.data_type())),
            DataType::Dictionary(key, value) => format!("Dictionary({}, {})", name(key), name(value)),
            other => format!("{other:?}"),
        }
    }
    format!("{}: {}", field.name(), name(field.data_type()))
}
