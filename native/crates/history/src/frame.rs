//! Arrow's encapsulated messages, found in bytes that nobody may have vouched for.
//!
//! A message is `ff ff ff ff`, the length of its metadata, the metadata (a flatbuffer) and a body; a length of zero ends the stream.
//! Arrow's own reader slices buffers by what the metadata says and panics where they do not fit. Here every offset is checked before
//! it is used, and the flatbuffer by its verifier.

use std::ops::Range;

use arrow_ipc::{Message, root_as_message};

const CONTINUATION: [u8; 4] = [0xff; 4];
const PREFIX: usize = 8;

/// One message within the bytes of a file.
pub struct Frame<'a> {
    /// What it is.
    pub message: Message<'a>,
    /// Where its body lies. The next message begins where the body ends.
    pub body: Range<usize>,
}

/// The message that begins at `start`, or `None` where the stream ends there. An error says what was found instead.
pub fn at(bytes: &[u8], start: usize) -> Result<Option<Frame<'_>>, &'static str> {
    const SHORT: &str = "the file ends inside a message";
    let rest = bytes.get(start..).ok_or(SHORT)?;
    let (prefix, rest) = rest.split_at_checked(PREFIX).ok_or(SHORT)?;
    let (continuation, length) = prefix.split_at(CONTINUATION.len());
    if continuation != CONTINUATION {
        return Err("no Arrow message begins here");
    }
    let length = u32::from_le_bytes(std::array::from_fn(|at| length[at])) as usize;
    if length == 0 {
        return Ok(None);
    }
    let metadata = rest.get(..length).ok_or(SHORT)?;
    let message = root_as_message(metadata).map_err(|_| "the metadata of a message can't be read")?;
    let body_length = usize::try_from(message.bodyLength()).map_err(|_| "a message has a negative length")?;
    if rest.len() - length < body_length {
        return Err(SHORT);
    }
    let body = start + PREFIX + length;
    Ok(Some(Frame { message, body: body..body + body_length }))
}
