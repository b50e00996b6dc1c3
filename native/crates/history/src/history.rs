//! A recorded history, read back as far as it can be trusted.
//!
//! Opening reads the head and the block list. The blocks, mapped, are checked when something first asks how many rows there are
//! ([`crate::trust`]); only the good prefix is ever given out. They are decoded again whenever they are read, as windows on the map,
//! so an open history costs no memory of its own. Damage is a sentence, not an error; an error is a file that was never a history.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use bytes::Bytes;
use memmap2::Mmap;

use crate::blocks::{self, Entry};
use crate::columns::Columns;
use crate::decode;
use crate::error::Error;
use crate::frame;
use crate::head::{Head, MAGIC};
use crate::rows::Rows;
use crate::schema;
use crate::trust::{self, Prefix};

/// A history file, open for reading.
pub struct History {
    path: PathBuf,
    bytes: Buffer,
    head: Head,
    list: BlockList,
    prefix: OnceLock<Prefix>,
}

/// What is beside the file: entries, or why there are none.
type BlockList = Result<Vec<Entry>, &'static str>;

impl History {
    /// Open the history at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // The list before the file: a writer still at work may add blocks in between, but never an entry before its block.
        let list = read_list(path)?;
        let bytes = map(path).map_err(|error| Error::io(path, error))?;
        let damage = head_damage(&bytes, &list);
        let head = match damage {
            Some(_) => Head::unreadable(),
            None if !bytes.starts_with(MAGIC) => return Err(Error::not_a_history(path, first_bytes(&bytes))),
            None => Head::parse(&bytes).map_err(|found| Error::not_a_history(path, found))?,
        };
        let prefix = damage.map_or_else(OnceLock::new, |damage| OnceLock::from(Prefix::nothing(damage)));
        Ok(History { path: path.to_owned(), bytes, head, list, prefix })
    }

    /// Events in the good prefix.
    pub fn rows(&self) -> usize {
        self.prefix().rows
    }

    /// Why something is not used, or why what is used is not vouched for.
    pub fn damage(&self) -> Option<&str> {
        self.prefix().damage.as_deref()
    }

    /// Whether the writer closed the file.
    pub fn complete(&self) -> bool {
        self.prefix().complete
    }

    /// The functions, in the order of their numbers. None when the head is damaged.
    pub fn functions(&self) -> &[String] {
        &self.head.functions
    }

    /// The CLOCK_MONOTONIC reading that is time zero.
    pub fn origin_ns(&self) -> i64 {
        self.head.origin_ns
    }

    /// The words that values stand for, from [`crate::FIRST_WORD`] on; none where the file has no whole footer that names them.
    pub fn words(&self) -> Vec<String> {
        let text = if self.complete() { trust::footer_metadata(&self.bytes, schema::WORDS_KEY) } else { None };
        text.map_or_else(Vec::new, |text| text.split_terminator('\0').map(str::to_owned).collect())
    }

    /// How many record batches the good prefix has.
    pub fn blocks(&self) -> usize {
        self.prefix().blocks.len()
    }

    /// One record batch, and the number of its first row.
    pub fn block(&self, number: usize) -> Result<(usize, RecordBatch), Error> {
        let block = self.prefix().blocks[number];
        // It was decoded when it was checked. Failing now, it is not the file that was checked.
        let changed = |what: &str| {
            let what = format!("block {number} changed while it was read: {what}");
            Error::io(&self.path, io::Error::new(io::ErrorKind::InvalidData, what))
        };
        let frame = frame::at(&self.bytes, block.start).map_err(changed)?.ok_or_else(|| changed("it is gone"))?;
        decode::batch(&self.bytes, &frame, &self.head.schema, &self.head.dictionaries)
            .map(|batch| (block.first_row, batch))
            .map_err(|what| changed(&what))
    }

    /// The batches that hold these rows of the good prefix, cut to them, each with the number of its first row.
    pub fn batches(&self, rows: Range<usize>) -> impl Iterator<Item = Result<(usize, RecordBatch), Error>> {
        let blocks = &self.prefix().blocks;
        let end = rows.end.min(self.rows());
        let rows = rows.start.min(end)..end;
        let first = blocks.partition_point(|block| block.first_row <= rows.start).saturating_sub(1);
        let end = blocks.partition_point(|block| block.first_row < rows.end);
        (first..end).map(move |number| {
            let (first_row, batch) = self.block(number)?;
            let skipped = rows.start.saturating_sub(first_row);
            let end = batch.num_rows().min(rows.end - first_row);
            Ok((first_row + skipped, batch.slice(skipped, end.saturating_sub(skipped))))
        })
    }

    /// The good prefix as plain columns.
    pub fn columns(&self) -> Result<Columns, Error> {
        let mut columns = Columns::with_capacity(self.rows());
        for batch in self.batches(0..self.rows()) {
            let (_, batch) = batch?;
            Rows::of(&batch).append_to(&mut columns);
        }
        Ok(columns)
    }

    fn prefix(&self) -> &Prefix {
        self.prefix.get_or_init(|| match &self.list {
            Ok(entries) => Prefix::vouched(&self.bytes, &self.head, entries.get(1..).unwrap_or_default()),
            Err(reason) => Prefix::unvouched(&self.bytes, &self.head, reason),
        })
    }
}

/// What keeps the head of a file that has a block list from being read.
fn head_damage(bytes: &[u8], list: &BlockList) -> Option<&'static str> {
    const CUT_OFF: &str = "the file ends inside its head; nothing of it can be used";
    let entries = list.as_ref().ok()?;
    if bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
        return Some(CUT_OFF);
    }
    let entry = entries.first().filter(|_| bytes.starts_with(MAGIC))?;
    match trust::checked(bytes, 0, entry) {
        Ok(_) if entry.rows == 0 => None,
        Err(_) if entry.end > bytes.len() as u64 => Some(CUT_OFF),
        _ => Some("the head fails its checksum; nothing of the file can be used"),
    }
}

fn read_list(path: &Path) -> Result<BlockList, Error> {
    let path = blocks::beside(path);
    match fs::read(&path) {
        Ok(bytes) => Ok(match blocks::parse(&bytes) {
            None => Err("the checksums can't be read: the .blocks file beside it is no block list"),
            Some(entries) => Ok(entries),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Err("the checksums are missing: there is no .blocks file beside it"))
        }
        Err(error) => Err(Error::io(&path, error)),
    }
}

fn map(path: &Path) -> io::Result<Buffer> {
    let kind = fs::metadata(path)?;
    if kind.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if !kind.is_file() {
        // Opening a pipe would wait for its writer.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let file = File::open(path)?;
    // SAFETY: a mapping is undefined where someone else changes the file. A recorder only appends, and only beyond what a reader has
    // checked. Whoever cuts a history while it is read gets SIGBUS, as from any program that maps files.
    let mapped = unsafe { Mmap::map(&file)? };
    Ok(Buffer::from(Bytes::from_owner(mapped)))
}

fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    let first = &bytes[..bytes.len().min(16)];
    format!("it begins with \"{}\", an Arrow file with \"ARROW1\"", first.escape_ascii())
}
