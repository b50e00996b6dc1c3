//! A text that is read piece by piece, form by form, in whatever notation.

use std::io::Read;

use crate::error::ImportError;
use crate::token::{Stop, Token};
use crate::{edn, json, log};

/// How much is read at once.
const PIECE: usize = 1 << 20;
/// A form longer than this is no operation. Its tokens take up to 24 times as much.
const LONGEST_FORM: usize = 1 << 25;
/// Room for more tokens than this is not made in advance.
const MOST_TOKENS_AT_ONCE: usize = 1 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Maps, one after the other or in a vector or list.
    Edn,
    /// Objects, one after the other or in an array.
    Json,
    /// Lines of a log.
    Log,
}

impl Notation {
    /// What a text is, by its beginning: as much of it as is there.
    pub fn of(text: &[u8]) -> Notation {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let start = edn::skip_blank(text, 0);
        let start = if text.get(start) == Some(&b'[') { edn::skip_blank(text, start + 1) } else { start };
        match text.get(start) {
            Some(b'{') if is_object(&text[start + 1..]) => Notation::Json,
            Some(b'{' | b'#' | b'(' | b'[') => Notation::Edn,
            _ if text.split(|&byte| byte == b'\n').any(log::is_operation) => Notation::Log,
            _ => Notation::Edn,
        }
    }

    /// What others call it.
    pub const fn name(self) -> &'static str {
        match self {
            Notation::Edn => "edn",
            Notation::Json => "json",
            Notation::Log => "log",
        }
    }
}

/// What a file is that has no text, by its first bytes, and what helps.
pub fn other_than_text(beginning: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"\x1f\x8b", "the file is compressed: gunzip makes a history of it"),
        (b"\x28\xb5\x2f\xfd", "the file is compressed: unzstd makes a history of it"),
        (b"\xfd7zXZ\0", "the file is compressed: unxz makes a history of it"),
        (b"BZh", "the file is compressed: bunzip2 makes a history of it"),
        (b"PK\x03\x04", "the file is an archive: unzip it, and give the history that is in it"),
        (b"PAR1", "the file is Parquet: write the table as an Arrow file"),
        (b"JEPSEN", "the file is Jepsen's own of a test: give the history.edn or history.txt beside it"),
        (b"\xff\xfe", "the text is UTF-16: write it as UTF-8"),
        (b"\xfe\xff", "the text is UTF-16: write it as UTF-8"),
    ];
    KNOWN.into_iter().find(|(bytes, _)| beginning.starts_with(bytes)).map(|(_, what)| what)
}

/// Whether what follows `{` is JSON: a string, a colon, and a value, which in EDN could only be a keyword.
fn is_object(text: &[u8]) -> bool {
    let start = json::skip_blank(text, 0);
    let Some(b'"') = text.get(start) else { return text.get(start) == Some(&b'}') };
    let Some(length) = text[start + 1..].iter().position(|&byte| byte == b'"') else { return false };
    let colon = json::skip_blank(text, start + length + 2);
    let rest = &text[json::skip_blank(text, colon + 1).min(text.len())..];
    let is_word = rest.first().is_some_and(u8::is_ascii_alphabetic);
    text.get(colon) == Some(&b':')
        && (!is_word || [&b"true"[..], b"false", b"null"].iter().any(|word| rest.starts_with(word)))
}

/// The forms of a file: those of its one big vector, or those that stand one after the other.
pub struct Forms<R> {
    reader: R,
    notation: Notation,
    text: Vec<u8>,
    at: usize,
    /// Lines before `text`.
    lines: usize,
    is_all: bool,
    is_inside_vector: bool,
    has_begun: bool,
    /// Tokens of the longest form so far, within reason.
    longest: usize,
}

impl<R: Read> Forms<R> {
    /// The forms that `reader` has.
    pub fn new(reader: R, notation: Notation) -> Self {
        Forms {
            reader,
            notation,
            text: Vec::new(),
            at: 0,
            lines: 0,
            is_all: false,
            is_inside_vector: false,
            has_begun: false,
            longest: 64,
        }
    }

    /// Hand the next form to `visit`; false when there is none.
    pub fn next(&mut self, visit: impl FnOnce(&[Token<'_>]) -> Result<(), String>) -> Result<bool, ImportError> {
        if self.notation == Notation::Log {
            return self.next_line(visit);
        }
        loop {
            self.at = edn::skip_blank(&self.text, self.at);
            match self.text.get(self.at) {
                None if self.is_all => {
                    let unfinished = "the file ends inside the vector of operations";
                    return if self.is_inside_vector { Err(self.wrong(self.at, unfinished)) } else { Ok(false) };
                }
                None => self.read_more()?,
                // A comment that goes on in the next piece.
                Some(b';') if !self.is_all => self.read_more_of_form()?,
                Some(b';') => self.at = self.text.len(),
                Some(b'[' | b'(') if !self.has_begun => {
                    (self.has_begun, self.is_inside_vector) = (true, true);
                    self.at += 1;
                }
                Some(b']' | b')') if self.is_inside_vector => {
                    self.is_inside_vector = false;
                    self.at += 1;
                }
                Some(_) => break,
            }
        }
        self.has_begun = true;
        let read = if self.notation == Notation::Json { json::form } else { edn::form };
        loop {
            // One allocation for most operations.
            let mut tokens = Vec::with_capacity(self.longest);
            match read(&self.text, self.at, self.is_all, &mut tokens) {
                Ok(end) => {
                    // A form that was discarded leaves none.
                    let visited = if tokens.is_empty() { Ok(()) } else { visit(&tokens) };
                    visited.map_err(|what| self.wrong(self.at, &what))?;
                    self.longest = tokens.len().clamp(self.longest, MOST_TOKENS_AT_ONCE);
                    self.at = end;
                    return Ok(true);
                }
                Err(Stop::Wrong { at, what }) => return Err(self.wrong(at, &what)),
                Err(Stop::Incomplete) if self.is_all => {
                    return Err(self.wrong(self.at, "the file ends inside the form that begins here"));
                }
                Err(Stop::Incomplete) => self.read_more_of_form()?,
            }
        }
    }

    /// The same for a log: the next line that is an operation.
    fn next_line(&mut self, visit: impl FnOnce(&[Token<'_>]) -> Result<(), String>) -> Result<bool, ImportError> {
        loop {
            let rest = &self.text[self.at..];
            let end = match rest.iter().position(|&byte| byte == b'\n') {
                Some(end) => end,
                None if !self.is_all => {
                    self.read_more_of_form()?;
                    continue;
                }
                None if rest.is_empty() => return Ok(false),
                None => rest.len(),
            };
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            if log::is_operation(line) {
                let mut tokens = Vec::new();
                let read = log::form(line, &mut tokens).map_err(|stop| match stop {
                    Stop::Wrong { what, .. } => what,
                    Stop::Incomplete => "no operation".to_owned(),
                });
                read.and_then(|()| visit(&tokens)).map_err(|what| self.wrong(self.at, &what))?;
                self.at = (self.at + end + 1).min(self.text.len());
                return Ok(true);
            }
            self.at = (self.at + end + 1).min(self.text.len());
        }
    }

    fn read_more_of_form(&mut self) -> Result<(), ImportError> {
        if self.text.len() - self.at > LONGEST_FORM {
            return Err(self.wrong(self.at, "what begins here is too long to be an operation"));
        }
        self.read_more()
    }

    /// Drop what is done with, and read a piece; a form that needs many pieces gets larger ones.
    fn read_more(&mut self) -> Result<(), ImportError> {
        let is_first = self.lines == 0 && self.text.is_empty();
        self.lines += newlines(&self.text[..self.at]);
        self.text.drain(..self.at);
        self.at = 0;
        let wanted = PIECE.max(self.text.len()) as u64;
        let read = self.reader.by_ref().take(wanted).read_to_end(&mut self.text);
        let read = read.map_err(|error| ImportError::Text { line: self.lines + 1, what: error.to_string() })?;
        self.is_all = (read as u64) < wanted;
        if is_first && self.text.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        Ok(())
    }

    fn wrong(&self, at: usize, what: &str) -> ImportError {
        ImportError::Text {
            line: self.lines + newlines(&self.text[..at.min(self.text.len())]) + 1,
            what: what.to_owned(),
        }
    }
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notation_is_told_by_its_beginning() {
        for (text, notation) in [
            (r#"{"type": "ok"}"#, Notation::Json),
            (r#" [ {"index":0}"#, Notation::Json),
            (r#"{"value":null}"#, Notation::Json),
            (r#"{"type" "ok"}"#, Notation::Edn),
            (r#"{"type" :ok}"#, Notation::Edn),
            ("; a comment\n({:type :ok}", Notation::Edn),
            ("#jepsen.history.Op{:type :ok}", Notation::Edn),
            ("lein test\nINFO  jepsen.util - 0\t:invoke\t:read\tnil\n", Notation::Log),
            ("hello", Notation::Edn),
            ("", Notation::Edn),
            ("\u{feff}{\"a\": 1}", Notation::Json),
        ] {
            assert_eq!(Notation::of(text.as_bytes()), notation, "{text}");
        }
    }
}
