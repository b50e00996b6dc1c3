//! The two files of a history, written block by block.
//!
//! The history is an Arrow IPC file: magic, schema, dictionaries, record batches, and a footer when it is closed. Arrow's own writer
//! encodes into memory; each block then goes out in one write, followed by its entry in the block list ([`crate::blocks`]). Nothing
//! is synced: what is written survives the death of the process, which is what can happen to a controller, not that of the machine.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, SchemaRef};

use crate::blocks::{self, Entry};
use crate::error::Error;
use crate::pending::{self, Dictionaries, Pending};
use crate::schema;

/// Arrow recommends 64, which would pad each of a block's 17 buffers by 32 bytes on average. Eight is what the values need.
const ALIGNMENT: usize = 8;

/// Writes one history.
pub struct HistoryWriter {
    path: PathBuf,
    list_path: PathBuf,
    file: File,
    list: File,
    encoder: FileWriter<Vec<u8>>,
    schema: SchemaRef,
    dictionaries: Dictionaries,
    end: u64,
}

impl HistoryWriter {
    /// Create both files, which must not exist, and write the head.
    pub fn create(path: &Path, functions: &[String], origin_ns: i64) -> Result<Self, Error> {
        let schema = schema::schema(origin_ns);
        let encoder = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)
            .and_then(|options| FileWriter::try_new_with_options(Vec::new(), &schema, options))
            .map_err(|error| Error::io(path, from_arrow(error)))?;
        let list_path = blocks::beside(path);
        // The list first: an empty file with a list beside it is a history whose writer was killed at once, without one it is nothing.
        let mut list = File::create_new(&list_path).map_err(|error| Error::io(&list_path, error))?;
        list.write_all(blocks::MAGIC).map_err(|error| Error::io(&list_path, error))?;
        let file = File::create_new(path).map_err(|error| Error::io(path, error))?;
        let dictionaries = Dictionaries::new(functions);
        let mut writer =
            HistoryWriter { path: path.to_owned(), list_path, file, list, encoder, schema, dictionaries, end: 0 };
        // A batch without rows, because Arrow's writer sends the dictionaries along with the first batch.
        writer.append(Pending::default())?;
        Ok(writer)
    }

    /// Write the events as one block.
    pub fn append(&mut self, events: Pending) -> Result<(), Error> {
        let rows = events.len() as u32;
        pending::batch(events, &self.schema, &self.dictionaries)
            .and_then(|batch| self.encoder.write(&batch))
            .map_err(|error| Error::io(&self.path, from_arrow(error)))?;
        self.write_block(rows)
    }

    /// Keep the words that values stand for in the footer. None is kept as nothing.
    pub fn keep_words(&mut self, words: &[String]) {
        if !words.is_empty() {
            let text: String = words.iter().map(|word| word.replace('\0', "\u{fffd}") + "\0").collect();
            self.encoder.write_metadata(schema::WORDS_KEY, text);
        }
    }

    /// Write the footer. Nothing can be appended afterwards.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.encoder.finish().map_err(|error| Error::io(&self.path, from_arrow(error)))?;
        self.write_block(0)
    }

    /// Send out what the encoder has gathered, then its entry in the list.
    fn write_block(&mut self, rows: u32) -> Result<(), Error> {
        let block = std::mem::take(self.encoder.get_mut());
        self.end += block.len() as u64;
        self.file.write_all(&block).map_err(|error| Error::io(&self.path, error))?;
        let entry = Entry::new(self.end, rows, &block);
        self.list.write_all(&entry.to_bytes()).map_err(|error| Error::io(&self.list_path, error))
    }
}

fn from_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}
