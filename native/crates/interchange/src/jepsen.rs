//! The operations of a Jepsen history, as events.
//!
//! An operation is a map with `:type`, `:f`, `:process`, `:value` and perhaps `:time` and `:error`; in newer versions it carries the tag
//! `#jepsen.history.Op`. Values become lists of integers:
//!
//! - a number is a list of one, `nil` is no list, a vector, list or set its numbers, whatever they are nested in;
//! - a transaction `[[:append 1 2] [:r 1 nil]]` is its micro-operations end to end, each `code, key, count, values…`;
//! - a transfer `{:from 0 :to 1 :amount 5}` is `0, 1, 5`, any other map its entries one after the other;
//! - where the history has independent keys, `[k v]` is the key and the value.
//!
//! Words (strings, keywords, floats) are numbered from [`FIRST_LABEL`] in the order in which they appear.

use rustc_hash::FxHashMap;
use schrodinger_history::{Kind, NEMESIS};

use crate::edn::Token;

/// Words get numbers from here on: far from what workloads write.
pub const FIRST_LABEL: i64 = i64::MIN / 2;
/// Processes that go on after an operation of unknown end get numbers from here on.
const FIRST_FRESH: i32 = 1 << 30;

/// One operation as the text has it.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'t, 'a> {
    /// invoke, ok, fail or info.
    pub kind: Kind,
    /// Who; nothing for the nemesis and others that are no number.
    pub process: Option<i64>,
    /// The function.
    pub f: &'a [u8],
    /// The tokens of the value.
    pub value: &'t [Token<'a>],
    /// Nanoseconds.
    pub time: Option<i64>,
    /// The tokens of the error, if it has one.
    pub error: &'t [Token<'a>],
}

/// The operation that a form is.
pub fn operation<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<Operation<'t, 'a>, String> {
    let Some(Token::OpenMap(_)) = tokens.first() else {
        return Err(format!("an operation is a map such as {{:type :invoke, …}}, not {}", text(tokens)));
    };
    let (mut kind, mut f, mut process, mut time) = (None, None, None, None);
    let (mut value, mut error): (&[Token], &[Token]) = (&[], &[]);
    for (key, found) in Entries(&tokens[1..tokens.len() - 1]) {
        match (name(key), found.first()) {
            (Some(b"type"), Some(token)) => kind = Some(kind_of(*token)?),
            (Some(b"f"), Some(Token::Keyword(word) | Token::Word(word))) => f = Some(*word),
            (Some(b"f"), Some(Token::Nil)) => f = Some(b"nil"),
            (Some(b"process"), Some(Token::Int(number))) => process = Some(Some(*number)),
            (Some(b"process"), Some(_)) => process = Some(None),
            (Some(b"time"), Some(Token::Int(number))) => time = Some(*number),
            (Some(b"value"), _) => value = found,
            (Some(b"error"), _) => error = found,
            _ => {}
        }
    }
    let missing = |what: &str| format!("an operation has no {what}: {}", text(tokens));
    Ok(Operation {
        kind: kind.ok_or_else(|| missing(":type"))?,
        process: process.ok_or_else(|| missing(":process"))?,
        f: f.ok_or_else(|| missing(":f"))?,
        value,
        time,
        error,
    })
}

fn kind_of(token: Token<'_>) -> Result<Kind, String> {
    match name(token) {
        Some(b"invoke") => Ok(Kind::Invoke),
        Some(b"ok") => Ok(Kind::Ok),
        Some(b"fail") => Ok(Kind::Fail),
        Some(b"info") => Ok(Kind::Info),
        _ => Err(format!("an operation's :type is {}; it can be :invoke, :ok, :fail or :info", text(&[token]))),
    }
}

fn name<'a>(token: Token<'a>) -> Option<&'a [u8]> {
    match token {
        Token::Keyword(word) | Token::Word(word) => Some(word),
        _ => None,
    }
}

/// The entries of a map: each key (its first token) with the tokens of its value.
struct Entries<'t, 'a>(&'t [Token<'a>]);

impl<'t, 'a> Iterator for Entries<'t, 'a> {
    type Item = (Token<'a>, &'t [Token<'a>]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = take_form(self.0)?;
        let (value, rest) = take_form(rest)?;
        self.0 = rest;
        Some((key[0], value))
    }
}

/// The first form, and what follows it.
fn take_form<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t [Token<'a>], &'t [Token<'a>])> {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(_) | Token::OpenMap(_) => depth += 1,
            Token::Close => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(tokens.split_at(place + 1));
        }
    }
    None
}

/// The forms in a collection.
fn items<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t [Token<'a>]> {
    let mut rest = match tokens {
        [Token::Open(_) | Token::OpenMap(_), inside @ .., Token::Close] => inside,
        _ => &[],
    };
    std::iter::from_fn(move || {
        let (item, after) = take_form(rest)?;
        rest = after;
        Some(item)
    })
}

/// Tokens as text, for messages: the first few.
pub fn text(tokens: &[Token<'_>]) -> String {
    const SHOWN: usize = 40;
    let words = tokens.iter().take(SHOWN).map(|token| match token {
        Token::Nil => "nil".to_owned(),
        Token::Bool(value) => value.to_string(),
        Token::Int(number) => number.to_string(),
        Token::Keyword(word) => format!(":{}", String::from_utf8_lossy(word)),
        Token::Word(word) => String::from_utf8_lossy(word).into_owned(),
        Token::Open(_) => "[".to_owned(),
        Token::OpenMap(_) => "{".to_owned(),
        Token::Close => "]".to_owned(),
    });
    let more = if tokens.len() > SHOWN { " …" } else { "" };
    words.collect::<Vec<_>>().join(" ") + more
}

/// Whether an operation shows that the history has independent keys: the invocation of a read of `[k nil]`.
pub fn shows_keys(operation: &Operation<'_, '_>) -> bool {
    let mut found = items(operation.value);
    let (key, value, rest) = (found.next(), found.next(), found.next());
    operation.kind == Kind::Invoke
        && operation.f == b"read"
        && key.is_some_and(|key| key.len() == 1)
        && value == Some(&[Token::Nil])
        && rest.is_none()
}

/// Turns operations into rows, and remembers what it must between them.
#[derive(Default)]
pub struct Encoder {
    keyed: bool,
    labels: Vec<String>,
    numbers: FxHashMap<Vec<u8>, i64>,
    processes: FxHashMap<i64, Process>,
    fresh: i32,
    /// The values of the row that was encoded last.
    pub values: Vec<i64>,
}

/// What a process is called now, and whether it has an operation of unknown end.
#[derive(Clone, Copy)]
struct Process {
    current: i32,
    is_retired: bool,
}

/// The key of a row, and whether it has a list at all.
pub type Encoded = (Option<i64>, bool);

impl Encoder {
    /// For a history whose values are `[k v]`, if it is `keyed`.
    pub fn new(keyed: bool) -> Self {
        Encoder { keyed, ..Encoder::default() }
    }

    /// Whether values are `[k v]`.
    pub fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// The words that were numbered, in order.
    pub fn into_labels(self) -> Vec<String> {
        self.labels
    }

    /// The process of a row.
    pub fn process(&mut self, operation: &Operation<'_, '_>) -> Result<i32, String> {
        let Some(number) = operation.process else { return Ok(NEMESIS) };
        let small = i32::try_from(number).ok().filter(|number| (0..FIRST_FRESH).contains(number));
        let small = small.ok_or_else(|| format!("process {number} is no number below {FIRST_FRESH}"))?;
        let process = self.processes.entry(number).or_insert(Process { current: small, is_retired: false });
        if process.is_retired && operation.kind == Kind::Invoke {
            *process = Process { current: FIRST_FRESH + self.fresh, is_retired: false };
            self.fresh += 1;
        }
        process.is_retired |= operation.kind == Kind::Info;
        Ok(process.current)
    }

    /// Encode the value of an operation into [`Encoder::values`].
    pub fn value(&mut self, operation: &Operation<'_, '_>) -> Result<Encoded, String> {
        self.values.clear();
        if !self.keyed {
            return Ok((None, self.encode(operation.value, operation.kind)));
        }
        let mut pair = items(operation.value);
        match (pair.next(), pair.next(), pair.next()) {
            (Some([key]), Some(value), None) => {
                let key = self.number(*key);
                Ok((Some(key), self.encode(value, operation.kind)))
            }
            _ if matches!(operation.value, [] | [Token::Nil]) => Ok((None, false)),
            _ => Err(format!(
                "the history has independent keys, and this value is no [key value]: {}",
                text(operation.value)
            )),
        }
    }

    /// Whether there is a list at all.
    fn encode(&mut self, value: &[Token<'_>], kind: Kind) -> bool {
        match value {
            [] | [Token::Nil] => return false,
            [Token::OpenMap(_), ..] => self.encode_map(value),
            [Token::Open(_), Token::Open(_), second, ..] if micro_operation(*second).is_some() => {
                items(value).for_each(|step| self.encode_step(step, kind));
            }
            _ => self.encode_all(value),
        }
        true
    }

    fn encode_map(&mut self, map: &[Token<'_>]) {
        let inside = &map[1..map.len() - 1];
        let entry = |wanted: &[u8]| Entries(inside).find(|(key, _)| name(*key) == Some(wanted)).map(|(_, value)| value);
        match (entry(b"from"), entry(b"to"), entry(b"amount")) {
            (Some(from), Some(to), Some(amount)) => {
                [from, to, amount].into_iter().for_each(|part| self.encode_all(part))
            }
            _ => self.encode_all(map),
        }
    }

    /// Every scalar, whatever it is nested in.
    fn encode_all(&mut self, tokens: &[Token<'_>]) {
        for &token in tokens {
            if !matches!(token, Token::Open(_) | Token::OpenMap(_) | Token::Close) {
                let number = self.number(token);
                self.values.push(number);
            }
        }
    }

    /// One micro-operation, `[:r key value]`.
    fn encode_step(&mut self, step: &[Token<'_>], kind: Kind) {
        let mut parts = items(step);
        let code = parts.next().and_then(|f| micro_operation(f[0])).unwrap_or(0);
        let key = parts.next().map_or(0, |key| self.number(key[0]));
        self.values.extend([code, key, 0]);
        let count = self.values.len() - 1;
        match parts.next() {
            None | Some([Token::Nil]) => {
                // A read that saw nothing, or one that nobody has answered.
                self.values[count] = if kind == Kind::Ok { 0 } else { -1 };
            }
            Some(value) => {
                self.encode_all(value);
                self.values[count] = (self.values.len() - count - 1) as i64;
            }
        }
    }

    fn number(&mut self, token: Token<'_>) -> i64 {
        let word = match token {
            Token::Int(number) => return number,
            Token::Bool(value) => return i64::from(value),
            Token::Keyword(word) => [b":", word].concat(),
            Token::Word(word) => word.to_vec(),
            Token::Nil | Token::Open(_) | Token::OpenMap(_) | Token::Close => b"nil".to_vec(),
        };
        if let Some(&number) = self.numbers.get(&word) {
            return number;
        }
        let number = FIRST_LABEL + self.labels.len() as i64;
        self.labels.push(String::from_utf8_lossy(&word).into_owned());
        self.numbers.insert(word, number);
        number
    }
}

/// The code of a micro-operation by its name.
fn micro_operation(token: Token<'_>) -> Option<i64> {
    match name(token)? {
        b"r" | b"read" => Some(0),
        b"append" => Some(1),
        b"w" | b"write" => Some(2),
        _ => None,
    }
}
