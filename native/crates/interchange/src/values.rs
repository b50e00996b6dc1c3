//! The values of operations, as the lists of integers that a history has.
//!
//! - A number is a list of one, `nil` is no list, a vector, list or set its numbers, whatever they are nested in; `nil` among them is
//!   [`NIL`].
//! - A transaction `[[:append 1 2] [:r 1 nil]]` is its micro-operations end to end, each `code, key, count, values…`.
//! - So are the steps of an operation on logs: `[:send k v]`, `[:send k [offset v]]`, `[:poll {k [[offset v] …]}]`, the last a step a log.
//! - A transfer `{:from 0 :to 1 :amount 5}` is `0, 1, 5`, any other map its entries one after the other.
//! - Where the history has independent keys, `[k v]` is the key and the value.
//!
//! What is no number becomes one ([`crate::words`]); a whole number that does not fit is refused, since sums of such would be wrong.

use schrodinger_history::{Kind, NIL};

use crate::operation::{Operation, POLL, SEND, is_transaction, micro_operation};
use crate::token::{Token, entries, items, name, told};
use crate::words::Words;

/// Encodes values one after the other.
#[derive(Default)]
pub struct Values {
    /// Whether values are `[k v]`.
    pub keyed: bool,
    /// What the numbers of words mean.
    pub words: Words,
    /// The list of the operation that was encoded last.
    pub list: Vec<i64>,
}

impl Values {
    /// The key of a client's operation, and whether it has a list at all, which is [`Values::list`].
    pub fn encode(&mut self, operation: &Operation<'_, '_>) -> Result<(Option<i64>, bool), String> {
        self.list.clear();
        let kind = operation.kind;
        if let Some(key) = operation.key {
            return Ok((self.key(key)?, self.value(operation.value, kind)?));
        }
        if !self.keyed || is_why(operation) {
            return Ok((None, !is_why(operation) && self.value(operation.value, kind)?));
        }
        let mut pair = items(operation.value);
        match (pair.next(), pair.next(), pair.next()) {
            (Some(key), Some(value), None) => Ok((self.key(key)?, self.value(value, kind)?)),
            _ if matches!(operation.value, [] | [Token::Nil]) => Ok((None, false)),
            _ => Err(format!(
                "the history has independent keys, and this value is no [key value]: {}",
                told(operation.value)
            )),
        }
    }

    fn key(&mut self, form: &[Token<'_>]) -> Result<Option<i64>, String> {
        if form == [Token::Nil] { Ok(None) } else { self.number(form).map(Some) }
    }

    /// The value of the nemesis, if it is made of numbers; in words it is the detail of its row.
    pub fn of_nemesis(&mut self, value: &[Token<'_>]) -> bool {
        self.list.clear();
        let numbers = match value {
            [Token::Open(_), inside @ .., Token::Close] => inside,
            scalar => scalar,
        };
        for token in numbers {
            let Token::Int(number) = token else { return false };
            self.list.push(*number);
        }
        !value.is_empty()
    }

    /// Whether there is a list at all.
    fn value(&mut self, value: &[Token<'_>], kind: Kind) -> Result<bool, String> {
        match value {
            [] | [Token::Nil] => return Ok(false),
            [Token::OpenMap(_), ..] => self.map(value)?,
            value if is_transaction(value) => {
                for step in items(value) {
                    self.step(step, kind)?;
                }
            }
            _ => self.all(value)?,
        }
        Ok(true)
    }

    fn map(&mut self, map: &[Token<'_>]) -> Result<(), String> {
        let entry = |wanted: &[u8]| entries(map).find(|(key, _)| name(*key) == Some(wanted)).map(|(_, value)| value);
        match (entry(b"from"), entry(b"to"), entry(b"amount")) {
            (Some(from), Some(to), Some(amount)) => [from, to, amount].into_iter().try_for_each(|part| self.all(part)),
            _ => self.all(map),
        }
    }

    /// Every scalar, whatever it is nested in.
    fn all(&mut self, tokens: &[Token<'_>]) -> Result<(), String> {
        for token in tokens {
            match token {
                Token::Open(_) | Token::OpenPair(_) | Token::OpenMap(_) | Token::Close => {}
                Token::Int(number) => self.list.push(*number),
                _ => {
                    let number = self.number(&[*token])?;
                    self.list.push(number);
                }
            }
        }
        Ok(())
    }

    /// One micro-operation, `[:r key value]`.
    fn step(&mut self, step: &[Token<'_>], kind: Kind) -> Result<(), String> {
        let mut parts = items(step);
        let code = parts.next().and_then(|f| micro_operation(f[0]));
        let code = code
            .ok_or_else(|| format!("a micro-operation is [:r key value], [:append …] or [:w …], not {}", told(step)))?;
        if code == POLL {
            return parts.next().map_or(Ok(()), |logs| self.poll(logs));
        }
        let key = parts.next().map_or(Ok(NIL), |key| self.number(key))?;
        self.list.extend([code, key, 0]);
        let count = self.list.len() - 1;
        match parts.next() {
            // Sent, and nobody knows where to.
            Some([Token::Open(_), Token::Nil, message @ .., Token::Close]) if code == SEND => {
                self.all(message)?;
                self.list[count] = 1;
            }
            // A read that saw nothing, or one that nobody has answered.
            None | Some([Token::Nil]) if code == 0 => self.list[count] = if kind == Kind::Ok { 0 } else { -1 },
            value => {
                self.all(value.unwrap_or_default())?;
                self.list[count] = (self.list.len() - count - 1) as i64;
            }
        }
        Ok(())
    }

    /// What was polled from each log: `{k [[offset v] …]}`.
    fn poll(&mut self, logs: &[Token<'_>]) -> Result<(), String> {
        let mut forms = items(logs);
        while let (Some(log), Some(messages)) = (forms.next(), forms.next()) {
            let log = self.number(log)?;
            self.list.extend([POLL, log, 0]);
            let count = self.list.len() - 1;
            self.all(messages)?;
            self.list[count] = (self.list.len() - count - 1) as i64;
        }
        Ok(())
    }

    /// One number for a scalar, or for a whole form.
    fn number(&mut self, form: &[Token<'_>]) -> Result<i64, String> {
        match form {
            [Token::Int(number)] => Ok(*number),
            [Token::Bool(value)] => Ok(i64::from(*value)),
            [Token::Nil] => Ok(NIL),
            [Token::Big(digits)] => Err(format!("{} does not fit into 64 bits", String::from_utf8_lossy(digits))),
            form => Ok(self.words.number(form)),
        }
    }
}

/// Whether the value says why an operation failed, as in `:info :write :timed-out`.
pub fn is_why(operation: &Operation<'_, '_>) -> bool {
    matches!((operation.kind, operation.value), (Kind::Fail | Kind::Info, [Token::Keyword(_)]))
}
