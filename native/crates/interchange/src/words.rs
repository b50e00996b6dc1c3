//! Words (keywords, strings, symbols, fractions) as numbers, because the values of a history are numbers.
//!
//! The first word is [`FIRST_WORD`], the next one more, in the order in which they appear. A word is kept as EDN writes it, so `:x` and
//! `"x"` are two.

use rustc_hash::FxHashMap;
use schrodinger_history::FIRST_WORD;

use crate::token::{Token, printed, quote, unescaped};

/// The words of a history.
#[derive(Default)]
pub struct Words {
    words: Vec<String>,
    numbers: FxHashMap<Box<[u8]>, i64>,
    scratch: Vec<u8>,
}

impl Words {
    /// The words, in order.
    pub fn into_inner(self) -> Vec<String> {
        self.words
    }

    /// The number that stands for what is no number: one token, or a whole form.
    pub fn number(&mut self, form: &[Token<'_>]) -> i64 {
        self.scratch.clear();
        match form {
            [Token::Keyword(word)] => {
                self.scratch.push(b':');
                self.scratch.extend_from_slice(word);
            }
            [Token::Text(word)] if word.iter().all(|&byte| byte >= b' ' && byte != b'\\') => {
                self.scratch.push(b'"');
                self.scratch.extend_from_slice(word);
                self.scratch.push(b'"');
            }
            [Token::Text(word)] => {
                let mut quoted = String::new();
                quote(&unescaped(word), &mut quoted);
                self.scratch.extend_from_slice(quoted.as_bytes());
            }
            [Token::Word(word)] => self.scratch.extend_from_slice(word),
            // A key that is a collection is the string of it.
            form => {
                let mut quoted = String::new();
                quote(&printed(form), &mut quoted);
                self.scratch.extend_from_slice(quoted.as_bytes());
            }
        }
        if let Some(&number) = self.numbers.get(self.scratch.as_slice()) {
            return number;
        }
        let number = FIRST_WORD + self.words.len() as i64;
        // No word has a zero byte; a history file keeps them apart by it.
        self.words.push(String::from_utf8_lossy(&self.scratch).replace('\0', "\u{fffd}"));
        self.numbers.insert(self.scratch.as_slice().into(), number);
        number
    }
}
