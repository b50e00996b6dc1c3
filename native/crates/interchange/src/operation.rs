//! The operations of a Jepsen history.
//!
//! An operation is a map with `:type`, `:f`, `:process`, `:value` and perhaps `:time` and `:error`; in newer versions it carries the tag
//! `#jepsen.history.Op`. The keys may be keywords, symbols or strings, so JSON fits too. Two entries are ours: `:key`, the independent key
//! where it is not part of the value, and `:fault`, which says that a mark of the nemesis is the edge of a fault.

use schrodinger_history::Kind;

use crate::token::{Token, entries, items, name, told};

/// One operation as the text has it.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'t, 'a> {
    /// What happened.
    pub kind: Kind,
    /// Who did it.
    pub who: Who<'a>,
    /// The function; `txn` where there is none and the value is a transaction.
    pub f: &'a [u8],
    /// The independent key, where it is an entry of its own.
    pub key: Option<&'t [Token<'a>]>,
    /// The tokens of the value, none where there is no value.
    pub value: &'t [Token<'a>],
    /// Nanoseconds.
    pub time: Option<i64>,
    /// The tokens of the error, or of our own `detail`.
    pub error: &'t [Token<'a>],
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'a> {
    /// The nemesis.
    Nemesis,
    /// A client with a number.
    Number(i64),
    /// A client with a name.
    Named(&'a [u8]),
    /// The text does not say.
    Nobody,
}

/// The operation that a form is.
pub fn operation<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<Operation<'t, 'a>, String> {
    let Some(Token::OpenMap(_)) = tokens.first() else {
        return Err(format!("an operation is a map such as {{:type :invoke, …}}, not {}", told(tokens)));
    };
    let (mut kind, mut edge, mut f, mut who, mut time, mut key) = (None, None, None, Who::Nobody, None, None);
    let (mut value, mut error): (&[Token], &[Token]) = (&[], &[]);
    for (entry, found) in entries(tokens) {
        match (name(entry), found.first()) {
            (Some(b"type"), Some(&token)) => kind = Some(kind_of(token)?),
            (Some(b"fault"), Some(&token)) => edge = kind_of(token).ok(),
            (Some(b"f"), Some(&token)) => f = name(token),
            (Some(b"process"), Some(&token)) => who = who_of(token)?,
            (Some(b"time"), Some(&token)) => time = time_of(token)?,
            (Some(b"key"), _) => key = Some(found),
            (Some(b"value"), _) => value = found,
            (Some(b"error" | b"detail"), Some(&token)) if token != Token::Nil => error = found,
            _ => {}
        }
    }
    let missing = |what: &str| format!("an operation has no {what}: {}", told(tokens));
    let kind = kind.ok_or_else(|| missing(":type"))?;
    let is_edge = |kind: &Kind| matches!(kind, Kind::Inject | Kind::Heal);
    if is_edge(&kind) && who != Who::Nemesis {
        return Err(format!("only process -1, the nemesis, can {} a fault: {}", kind.name(), told(tokens)));
    }
    let f = f.or_else(|| is_transaction(value).then_some(b"txn")).ok_or_else(|| missing(":f"))?;
    Ok(Operation { kind: edge.filter(is_edge).unwrap_or(kind), who, f, key, value, time, error })
}

fn kind_of(token: Token<'_>) -> Result<Kind, String> {
    let kind = name(token).and_then(|word| Kind::ALL.into_iter().find(|kind| kind.name().as_bytes() == word));
    kind.ok_or_else(|| {
        format!("an operation's :type is {}; it can be :invoke, :ok, :fail or :info (inject, heal)", told(&[token]))
    })
}

/// Nanoseconds; others write them as floats too.
fn time_of(token: Token<'_>) -> Result<Option<i64>, String> {
    let float = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<f64>().ok();
    match token {
        Token::Nil => return Ok(None),
        Token::Int(number) => return Ok(Some(number)),
        // What is beyond 64 bits would be cut to the last instant there is.
        Token::Word(word) => match float(word) {
            Some(number) if number.abs() < i64::MAX as f64 => return Ok(Some(number as i64)),
            _ => {}
        },
        _ => {}
    }
    let remedy =
        "give a number of nanoseconds, of at most 64 bits, or none: then the order of the operations is all there is";
    Err(format!("an operation's :time is {}: {remedy}", told(&[token])))
}

fn who_of(token: Token<'_>) -> Result<Who<'_>, String> {
    match token {
        Token::Nil => Ok(Who::Nobody),
        Token::Int(-1) | Token::Keyword(b"nemesis") | Token::Text(b"nemesis") | Token::Word(b"nemesis") => {
            Ok(Who::Nemesis)
        }
        Token::Int(number) if number >= 0 => Ok(Who::Number(number)),
        Token::Keyword(word) | Token::Text(word) | Token::Word(word) | Token::Big(word) => Ok(Who::Named(word)),
        other => Err(format!("process {} is neither a number from 0 on nor a name", told(&[other]))),
    }
}

/// Whether a value is a list of micro-operations.
pub fn is_transaction(value: &[Token<'_>]) -> bool {
    matches!(value, [Token::Open(_), Token::Open(_), first, ..] if micro_operation(*first).is_some())
}

/// The code of a message that is sent to a log, and of logs that are polled.
pub const SEND: i64 = 4;
/// See [`SEND`].
pub const POLL: i64 = 5;

/// The code of a micro-operation by its name.
pub fn micro_operation(token: Token<'_>) -> Option<i64> {
    match name(token)? {
        b"r" | b"read" => Some(0),
        b"append" => Some(1),
        b"w" | b"write" => Some(2),
        b"version" => Some(3),
        b"send" => Some(SEND),
        b"poll" => Some(POLL),
        _ => None,
    }
}

/// Whether an operation shows that the values of the history are `[key value]`: by a tag, or because it is invoked with `[k nil]`, which
/// is how an operation looks that asks for something. A compare-and-set may expect something and set nil.
pub fn shows_keys(operation: &Operation<'_, '_>) -> bool {
    if matches!(operation.value.first(), Some(Token::OpenPair(_))) {
        return true;
    }
    let mut found = items(operation.value);
    let (key, value, rest) = (found.next(), found.next(), found.next());
    operation.kind == Kind::Invoke
        && operation.f != b"cas"
        && operation.key.is_none()
        && matches!(operation.value.first(), Some(Token::Open(_)))
        && key.is_some_and(|key| key != [Token::Nil])
        && value == Some(&[Token::Nil])
        && rest.is_none()
}
