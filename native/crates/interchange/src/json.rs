//! JSON, as the tokens that EDN has, so that everything after is the same for both.
//!
//! JSON lacks what histories need, so tools write it in strings. A key of an object that is a number is that number (`{"0": 100}` are
//! balances), a string that begins with a colon is a keyword, and `5.0` is `5`.

use crate::token::{DEEPEST, Stop, Token, close, integer, is_name};

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// After `[`.
    ValueOrEnd,
    Key,
    /// After `{`.
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// Read the value that begins at `start`, which is no white space, into `tokens`. Returns where it ends. `is_all` says that no more bytes
/// follow, so that a number may end with them.
pub fn form<'a>(text: &'a [u8], start: usize, is_all: bool, tokens: &mut Vec<Token<'a>>) -> Result<usize, Stop> {
    tokens.clear();
    // Where each open collection begins, and whether it is an object.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut next = Next::Value;
    let mut at = start;
    loop {
        at = skip_blank(text, at);
        let Some(&byte) = text.get(at) else { return Err(Stop::Incomplete) };
        let is_value = matches!(next, Next::Value | Next::ValueOrEnd);
        match byte {
            b'[' | b'{' if is_value => {
                let is_object = byte == b'{';
                open.push((tokens.len(), is_object));
                if open.len() > DEEPEST {
                    return Err(Stop::wrong(at, format!("values are nested more than {DEEPEST} deep")));
                }
                tokens.push(if is_object { Token::OpenMap(0) } else { Token::Open(0) });
                next = if is_object { Next::KeyOrEnd } else { Next::ValueOrEnd };
                at += 1;
                continue;
            }
            b']' | b'}' if matches!(next, Next::ValueOrEnd | Next::KeyOrEnd | Next::CommaOrEnd) => {
                let Some((place, _)) = open.pop().filter(|&(_, is_object)| is_object == (byte == b'}')) else {
                    return Err(unexpected(at, byte));
                };
                close(tokens, place);
                at += 1;
            }
            b',' if next == Next::CommaOrEnd => {
                next = if open.last().is_some_and(|&(_, is_object)| is_object) { Next::Key } else { Next::Value };
                at += 1;
                continue;
            }
            b':' if next == Next::Colon => {
                next = Next::Value;
                at += 1;
                continue;
            }
            b'"' if matches!(next, Next::Key | Next::KeyOrEnd) => {
                let end = string_end(text, at + 1)?;
                tokens.push(key(&text[at + 1..end]));
                next = Next::Colon;
                at = end + 1;
                continue;
            }
            b'"' if is_value => {
                let end = string_end(text, at + 1)?;
                tokens.push(string(&text[at + 1..end]));
                at = end + 1;
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' if is_value => {
                let end = word_end(text, at, is_all)?;
                tokens.push(word(at, &text[at..end])?);
                at = end;
            }
            _ => return Err(unexpected(at, byte)),
        }
        if open.is_empty() {
            return Ok(at);
        }
        next = Next::CommaOrEnd;
    }
}

/// The first position at or after `at` that is no white space.
pub fn skip_blank(text: &[u8], at: usize) -> usize {
    let blank = text.get(at..).unwrap_or_default().iter();
    at + blank.take_while(|&&byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

fn unexpected(at: usize, byte: u8) -> Stop {
    Stop::wrong(at, format!("no JSON: {:?} is not what may come here", char::from(byte)))
}

fn string_end(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match text.get(at) {
            None => return Err(Stop::Incomplete),
            Some(b'"') => return Ok(at),
            Some(b'\\') => at += 2,
            Some(b'\n') => return Err(Stop::wrong(at, "no JSON: a string does not end in its line")),
            Some(_) => at += 1,
        }
    }
}

fn word_end(text: &[u8], at: usize, is_all: bool) -> Result<usize, Stop> {
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    match text[at..].iter().position(|byte| !of_word(byte)) {
        Some(length) => Ok(at + length),
        None if is_all => Ok(text.len()),
        None => Err(Stop::Incomplete),
    }
}

fn key(text: &[u8]) -> Token<'_> {
    match integer(text) {
        Some(Ok(number)) => Token::Int(number),
        _ => string(text),
    }
}

fn string(text: &[u8]) -> Token<'_> {
    match text {
        [b':', name @ ..] if is_name(name) => Token::Keyword(name),
        _ => Token::Text(text),
    }
}

fn word(at: usize, text: &[u8]) -> Result<Token<'_>, Stop> {
    match text {
        b"null" => Ok(Token::Nil),
        b"true" => Ok(Token::Bool(true)),
        b"false" => Ok(Token::Bool(false)),
        [b'-' | b'0'..=b'9', ..] => match integer(whole(text)) {
            Some(Ok(number)) => Ok(Token::Int(number)),
            Some(Err(())) => Ok(Token::Big(text)),
            None => Ok(Token::Word(text)),
        },
        _ => Err(Stop::wrong(at, format!("no JSON: {:?} is no value", String::from_utf8_lossy(text)))),
    }
}

/// A number without a fraction that is zero.
fn whole(text: &[u8]) -> &[u8] {
    match text.iter().position(|&byte| byte == b'.') {
        Some(point) if point + 1 < text.len() && text[point + 1..].iter().all(|&byte| byte == b'0') => &text[..point],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edn;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, Stop> {
        let mut tokens = Vec::new();
        form(text.as_bytes(), 0, true, &mut tokens).map(|end| {
            assert_eq!(end, text.len(), "{text}");
            tokens
        })
    }

    #[test]
    fn json_becomes_the_tokens_of_edn() {
        for (json, edn) in [
            (r#"{"type": "ok", "value": [1, -2, null, true]}"#, r#"{"type" "ok", "value" [1 -2 nil true]}"#),
            (r#"{"0": 100, "1": 5.0}"#, "{0 100, 1 5}"),
            (r#"[":r", "a \" b", 1.5, 1e3]"#, r#"[:r "a \" b" 1.5 1e3]"#),
            ("{}", "{}"),
            ("[[], {}]", "[[] {}]"),
            ("99999999999999999999", "99999999999999999999"),
        ] {
            let mut expected = Vec::new();
            assert_eq!(edn::form(edn.as_bytes(), 0, true, &mut expected), Ok(edn.len()));
            assert_eq!(tokens(json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_is_wrong() {
        for (text, position) in [
            ("[1 2]", 3),
            ("[1,]", 3),
            (r#"{"a" 1}"#, 5),
            (r#"{"a": }"#, 6),
            ("{1: 2}", 1),
            ("[1}", 2),
            ("nope", 0),
            ("\"a\nb\"", 2),
        ] {
            assert!(
                matches!(tokens(text), Err(Stop::Wrong { at, .. }) if at == position),
                "{text}: {:?}",
                tokens(text)
            );
        }
        assert!(matches!(tokens(&"[".repeat(1000)), Err(Stop::Wrong { .. })));
        for text in ["[1", "{\"a", "\"a", "[", ""] {
            assert_eq!(tokens(text), Err(Stop::Incomplete), "{text}");
        }
    }
}
