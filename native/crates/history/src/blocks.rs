//! The block list: `<path>.blocks`, which says how far a history can be trusted.
//!
//! ```text
//! "SCHRBLK1"                                   magic
//! end: u64, rows: u32, crc32: u32              one entry a block, little endian
//! ```
//!
//! A block is the bytes from the end of the block before (the first begins at byte 0) up to `end`. Its entry is appended after the
//! block itself, so a block with an entry was written whole, and one without is not used. The first block is the head of the file:
//! magic, schema, dictionaries and a batch without rows. Every further block is one record batch, until one with no rows, which is
//! the footer. A list kept beside the file, and not in it, leaves the history a plain Arrow file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The first bytes of a block list.
pub const MAGIC: &[u8; 8] = b"SCHRBLK1";
const ENTRY: usize = 16;

/// One block: where it ends, how many rows it has, and the CRC-32 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub end: u64,
    pub rows: u32,
    pub crc: u32,
}

impl Entry {
    /// The entry of a block with these bytes that ends at `end`.
    pub fn new(end: u64, rows: u32, bytes: &[u8]) -> Self {
        Entry { end, rows, crc: crc32fast::hash(bytes) }
    }

    /// As it is stored.
    pub fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..8].copy_from_slice(&self.end.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.rows.to_le_bytes());
        bytes[12..].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }
}

/// Where the block list of a history is.
pub fn beside(history: &Path) -> PathBuf {
    let mut name = OsString::from(history);
    name.push(".blocks");
    PathBuf::from(name)
}

/// The entries in the bytes of a block list, or `None` when it is no block list. Half an entry at the end is left out: its writer
/// was killed over it.
pub fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    Some(bytes.strip_prefix(MAGIC)?.chunks_exact(ENTRY).map(parse_entry).collect())
}

fn parse_entry(bytes: &[u8]) -> Entry {
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    Entry { end: u64::from(word(0)) | u64::from(word(4)) << 32, rows: word(8), crc: word(12) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_file_and_half_an_entry_is_left_out() {
        let entries = [Entry::new(1 << 40, 0, b"head"), Entry { end: 7, rows: u32::MAX, crc: 1 }];
        let mut bytes = MAGIC.to_vec();
        entries.iter().for_each(|entry| bytes.extend(entry.to_bytes()));
        assert_eq!(parse(&bytes), Some(entries.to_vec()));
        assert_eq!(parse(&bytes[..bytes.len() - 1]), Some(entries[..1].to_vec()));
        assert_eq!(parse(b"SCHRBLK2"), None);
    }
}
