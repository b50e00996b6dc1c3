//! How far a history file can be trusted: its blocks in order, until one is not what was written.
//!
//! With a block list, a block counts when its entry is there, its bytes have the entry's checksum, and it decodes to the entry's
//! rows. Without one, what parses is used, and the damage says that nothing vouches for it.

use arrow_buffer::Buffer;

use crate::blocks::Entry;
use crate::decode;
use crate::frame;
use crate::head::Head;

const KILLED: &str = "no footer: the writer was killed, or is still writing";
/// What Arrow's end of stream looks like. The footer follows it.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// The last bytes of an Arrow file: the first ones, without their padding.
const END_MAGIC: &[u8] = b"ARROW1";

/// The blocks that can be trusted, and why the rest, if any, can't.
#[derive(Default)]
pub struct Prefix {
    /// The record batches, in order.
    pub blocks: Vec<Block>,
    /// Rows of all blocks.
    pub rows: usize,
    /// The writer closed the file, and its footer is whole.
    pub complete: bool,
    /// Why something is not used, or why what is used is not vouched for.
    pub damage: Option<String>,
}

/// One record batch.
#[derive(Clone, Copy)]
pub struct Block {
    /// Where its message begins.
    pub start: usize,
    /// Number of its first row in the history.
    pub first_row: usize,
}

impl Prefix {
    /// Nothing, because of this.
    pub fn nothing(damage: &str) -> Self {
        Prefix { damage: Some(damage.to_owned()), ..Prefix::default() }
    }

    /// Check the blocks by the entries that follow the head's.
    pub fn vouched(bytes: &Buffer, head: &Head, entries: &[Entry]) -> Self {
        let mut prefix = Prefix::default();
        let mut start = head.end;
        for (number, entry) in entries.iter().enumerate() {
            match check_block(bytes, head, start, entry) {
                Ok(end) if entry.rows == 0 => {
                    prefix.complete = true;
                    start = end;
                    break;
                }
                Ok(end) => {
                    prefix.push(start, entry.rows as usize);
                    start = end;
                }
                Err(what) => {
                    prefix.damage = Some(format!("block {number} {what}; it and what follows are not used"));
                    return prefix;
                }
            }
        }
        let beyond = bytes.len() - start;
        prefix.damage = match (prefix.complete, beyond) {
            (true, 0) => None,
            (true, _) => Some(format!("{beyond} bytes follow the footer")),
            (false, 0) => Some(KILLED.to_owned()),
            (false, _) => Some(format!("{KILLED}; the last {beyond} bytes have no checksum and are not used")),
        };
        prefix
    }

    /// Take every block that parses; `reason` is why there is no list.
    pub fn unvouched(bytes: &Buffer, head: &Head, reason: &str) -> Self {
        let mut prefix = Prefix::default();
        let mut start = head.end;
        let ending = loop {
            match frame::at(bytes, start) {
                Ok(None) if is_footer(&bytes[start..]) => {
                    prefix.complete = true;
                    break None;
                }
                Ok(None) => break Some("the footer can't be read".to_owned()),
                Err(_) if start == bytes.len() => break Some(KILLED.to_owned()),
                Err(what) => break Some(format!("block {} is not used: {what}", prefix.blocks.len())),
                Ok(Some(frame)) => match decode::batch(bytes, &frame, &head.schema, &head.dictionaries) {
                    Ok(batch) => {
                        prefix.push(start, batch.num_rows());
                        start = frame.body.end;
                    }
                    Err(what) => break Some(format!("block {} is not used: {what}", prefix.blocks.len())),
                },
            }
        };
        let ending = ending.map_or(String::new(), |ending| format!("; {ending}"));
        prefix.damage = Some(format!("{reason}, so nothing vouches for what was read{ending}"));
        prefix
    }

    fn push(&mut self, start: usize, rows: usize) {
        self.blocks.push(Block { start, first_row: self.rows });
        self.rows += rows;
    }
}

/// Where the block that begins at `start` ends, if it is what its entry says.
fn check_block(bytes: &Buffer, head: &Head, start: usize, entry: &Entry) -> Result<usize, String> {
    let block = checked(bytes, start, entry)?;
    let end = start + block.len();
    if entry.rows == 0 {
        return if is_footer(block) { Ok(end) } else { Err("is neither rows nor a footer".to_owned()) };
    }
    let frame = frame::at(bytes, start)?.ok_or("has no rows")?;
    let batch = decode::batch(bytes, &frame, &head.schema, &head.dictionaries)?;
    if frame.body.end != end || batch.num_rows() != entry.rows as usize {
        return Err("is not what its entry says".to_owned());
    }
    Ok(end)
}

/// The bytes from `start` to the end that `entry` gives, if they have its checksum.
pub fn checked<'a>(bytes: &'a [u8], start: usize, entry: &Entry) -> Result<&'a [u8], &'static str> {
    let end = usize::try_from(entry.end).unwrap_or(usize::MAX);
    if end > bytes.len() {
        return Err("is cut off");
    }
    let block = bytes.get(start..end).ok_or("ends before it begins")?;
    if crc32fast::hash(block) == entry.crc { Ok(block) } else { Err("fails its checksum") }
}

/// What the footer, the last part of a complete file, has under this key.
pub fn footer_metadata<'a>(bytes: &'a [u8], key: &str) -> Option<&'a str> {
    let (before, length) = bytes.strip_suffix(END_MAGIC)?.split_last_chunk::<4>()?;
    let length = usize::try_from(i32::from_le_bytes(*length)).ok()?;
    let footer = arrow_ipc::root_as_footer(before.get(before.len().checked_sub(length)?..)?).ok()?;
    footer.custom_metadata()?.iter().find(|entry| entry.key() == Some(key)).and_then(|entry| entry.value())
}

fn is_footer(bytes: &[u8]) -> bool {
    bytes.starts_with(&END_OF_STREAM) && bytes.ends_with(END_MAGIC)
}
