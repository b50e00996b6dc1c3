//! A text that is read piece by piece, form by form.

use std::io::Read;

use crate::edn::{Stop, Token, form, skip_blank};
use crate::error::ImportError;

/// How much is read at once.
const PIECE: usize = 1 << 20;
/// A form longer than this is no operation.
const LONGEST_FORM: usize = 1 << 28;

/// The forms of a file: those of its one big vector, or those that stand one after the other.
pub struct Forms<R> {
    reader: R,
    text: Vec<u8>,
    at: usize,
    /// Lines before `text`.
    lines: usize,
    is_all: bool,
    is_inside_vector: bool,
    has_begun: bool,
}

impl<R: Read> Forms<R> {
    /// The forms that `reader` has.
    pub fn new(reader: R) -> Self {
        Forms { reader, text: Vec::new(), at: 0, lines: 0, is_all: false, is_inside_vector: false, has_begun: false }
    }

    /// Hand the next form to `visit`; false when there is none.
    pub fn next(&mut self, visit: impl FnOnce(&[Token<'_>]) -> Result<(), String>) -> Result<bool, ImportError> {
        loop {
            self.at = skip_blank(&self.text, self.at);
            match self.text.get(self.at) {
                None if self.is_all => {
                    let unfinished = "the file ends inside the vector of operations";
                    return if self.is_inside_vector { Err(self.wrong(self.at, unfinished)) } else { Ok(false) };
                }
                None => self.read_more()?,
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
        loop {
            // One allocation for most operations.
            let mut tokens = Vec::with_capacity(64);
            match form(&self.text, self.at, self.is_all, &mut tokens) {
                Ok(end) => {
                    let visited = visit(&tokens);
                    visited.map_err(|what| self.wrong(self.at, &what))?;
                    self.at = end;
                    return Ok(true);
                }
                Err(Stop::Wrong { at, what }) => return Err(self.wrong(at, &what)),
                Err(Stop::Incomplete) if self.is_all => {
                    return Err(self.wrong(self.at, "the file ends inside the form that begins here"));
                }
                Err(Stop::Incomplete) if self.text.len() - self.at > LONGEST_FORM => {
                    return Err(self.wrong(self.at, "the form that begins here is too long to be an operation"));
                }
                Err(Stop::Incomplete) => {}
            }
            self.read_more()?;
        }
    }

    /// Drop what is done with, and read a piece; a form that needs many pieces gets larger ones.
    fn read_more(&mut self) -> Result<(), ImportError> {
        self.lines += newlines(&self.text[..self.at]);
        self.text.drain(..self.at);
        self.at = 0;
        let wanted = PIECE.max(self.text.len()) as u64;
        let read = self.reader.by_ref().take(wanted).read_to_end(&mut self.text);
        let read = read.map_err(|error| ImportError::Text { line: self.lines + 1, what: error.to_string() })?;
        self.is_all = (read as u64) < wanted;
        Ok(())
    }

    fn wrong(&self, at: usize, what: &str) -> ImportError {
        ImportError::Text { line: self.lines + newlines(&self.text[..at]) + 1, what: what.to_owned() }
    }
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}
