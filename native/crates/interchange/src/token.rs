//! What every notation is read into: one form at a time, as a flat list of tokens that borrow from the text.
//!
//! A history may be larger than memory, so there is no tree of it, and nesting is a count rather than recursion. A token that begins a
//! collection says how many tokens further it ends, so a form is skipped in one step.

use std::borrow::Cow;

/// One piece of a form. Texts are ranges of the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// `nil`, or JSON's `null`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number that fits.
    Int(i64),
    /// A whole number that does not fit into 64 bits.
    Big(&'a [u8]),
    /// `:name`, without the colon.
    Keyword(&'a [u8]),
    /// A string, without its quotes, with its escapes.
    Text(&'a [u8]),
    /// Anything else that is one word: a symbol, a float, a ratio, a character.
    Word(&'a [u8]),
    /// `[`, `(` or `#{`: how many tokens further its [`Token::Close`] is.
    Open(usize),
    /// The same, of the pair of an independent key and a value.
    OpenPair(usize),
    /// `{`: how many tokens further it ends.
    OpenMap(usize),
    /// What ends it.
    Close,
}

/// Why there is no form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes end before the form does; more of them may help.
    Incomplete,
    /// They can't be what they should be, from this position on.
    Wrong {
        /// Where.
        at: usize,
        /// What was found.
        what: String,
    },
}

impl Stop {
    /// What is wrong at this position.
    pub fn wrong(at: usize, what: impl Into<String>) -> Stop {
        Stop::Wrong { at, what: what.into() }
    }
}

/// Forms may be nested this deep: far more than any history is, and a bound for whoever walks them.
pub const DEEPEST: usize = 64;

/// End the collection that began with the token at `place`.
pub fn close(tokens: &mut Vec<Token<'_>>, place: usize) {
    let distance = tokens.len() - place;
    if let Token::Open(end) | Token::OpenPair(end) | Token::OpenMap(end) = &mut tokens[place] {
        *end = distance;
    }
    tokens.push(Token::Close);
}

/// The name that a keyword, a string or a symbol is.
pub fn name<'a>(token: Token<'a>) -> Option<&'a [u8]> {
    match token {
        Token::Keyword(word) | Token::Text(word) | Token::Word(word) => Some(word),
        _ => None,
    }
}

/// Whether a keyword of this name, after its colon, is a keyword to everybody.
pub fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+*!?<>=/$&%:".contains(byte))
}

/// The first form, and what follows it.
pub fn split_form<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t [Token<'a>], &'t [Token<'a>])> {
    match tokens.first()? {
        Token::Open(distance) | Token::OpenPair(distance) | Token::OpenMap(distance) => {
            tokens.split_at_checked(distance + 1)
        }
        Token::Close => None,
        _ => Some(tokens.split_at(1)),
    }
}

/// The forms in a collection; none in what is no collection.
pub fn items<'t, 'a>(tokens: &'t [Token<'a>]) -> Items<'t, 'a> {
    match tokens {
        [Token::Open(_) | Token::OpenPair(_) | Token::OpenMap(_), inside @ .., Token::Close] => Items(inside),
        _ => Items(&[]),
    }
}

/// See [`items`].
pub struct Items<'t, 'a>(&'t [Token<'a>]);

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = &'t [Token<'a>];

    fn next(&mut self) -> Option<Self::Item> {
        let (item, rest) = split_form(self.0)?;
        self.0 = rest;
        Some(item)
    }
}

/// The entries of a map: each key (its first token) with the tokens of its value.
pub fn entries<'t, 'a>(map: &'t [Token<'a>]) -> impl Iterator<Item = (Token<'a>, &'t [Token<'a>])> {
    let mut forms = items(map);
    std::iter::from_fn(move || Some((*forms.next()?.first()?, forms.next()?)))
}

/// The number that this is. `Err` says that it is one and does not fit.
pub fn integer(bytes: &[u8]) -> Option<Result<i64, ()>> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, bytes),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Eighteen digits always fit.
    if digits.len() <= 18 {
        let number = digits.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
        return Some(Ok(if is_negative { -number } else { number }));
    }
    let number = digits.iter().try_fold(0_i64, |number, &digit| {
        let (shifted, digit) = (number.checked_mul(10)?, i64::from(digit - b'0'));
        if is_negative { shifted.checked_sub(digit) } else { shifted.checked_add(digit) }
    });
    Some(number.ok_or(()))
}

/// A string without its escapes, which EDN and JSON share: `\n`, `\"`, `\u00e9` and the like. What is no escape stays.
pub fn unescaped(text: &[u8]) -> Cow<'_, str> {
    if !text.contains(&b'\\') {
        return String::from_utf8_lossy(text);
    }
    let text = String::from_utf8_lossy(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = after.chars();
        rest = match characters.next() {
            Some('n') => push(&mut plain, '\n', characters.as_str()),
            Some('t') => push(&mut plain, '\t', characters.as_str()),
            Some('r') => push(&mut plain, '\r', characters.as_str()),
            Some('b') => push(&mut plain, '\u{8}', characters.as_str()),
            Some('f') => push(&mut plain, '\u{c}', characters.as_str()),
            Some('u') => match code_point(characters.as_str()) {
                Some((character, rest)) => push(&mut plain, character, rest),
                None => push(&mut plain, '\\', after),
            },
            Some(other) => push(&mut plain, other, characters.as_str()),
            None => push(&mut plain, '\\', ""),
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn push<'a>(plain: &mut String, character: char, rest: &'a str) -> &'a str {
    plain.push(character);
    rest
}

/// The character after `\u`, two of which make one outside the basic plane, and what follows.
fn code_point(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let (first, rest) = (unit(text)?, text.get(4..)?);
    if let Some(character) = char::from_u32(first) {
        return Some((character, rest));
    }
    let second = rest.strip_prefix("\\u").and_then(unit).filter(|second| (0xDC00..0xE000).contains(second));
    match second {
        Some(second) if first < 0xDC00 => {
            let character = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?;
            Some((character, rest.get(6..)?))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, rest)),
    }
}

/// Put `text` in quotes, with what must be escaped in EDN and JSON alike.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Tokens as EDN, for messages and details: the first few.
pub fn told(tokens: &[Token<'_>]) -> String {
    const SHOWN: usize = 60;
    const LONGEST: usize = 300;
    let text = printed(&tokens[..tokens.len().min(SHOWN)]);
    let is_all = tokens.len() <= SHOWN && text.chars().nth(LONGEST).is_none();
    // Whatever a file has, a terminal is not to obey.
    let plain = text.chars().take(LONGEST).map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter });
    plain.chain(if is_all { "" } else { " …" }.chars()).collect()
}

/// Tokens as EDN; a set is a vector.
pub fn printed(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    let mut open = Vec::new();
    for token in tokens {
        if !text.is_empty() && !text.ends_with(['[', '{']) && *token != Token::Close {
            text.push(' ');
        }
        match token {
            Token::Nil => text.push_str("nil"),
            Token::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Token::Int(number) => text.push_str(&number.to_string()),
            Token::Keyword(word) => {
                text.push(':');
                text.push_str(&String::from_utf8_lossy(word));
            }
            Token::Text(word) => quote(&unescaped(word), &mut text),
            Token::Word(word) | Token::Big(word) => text.push_str(&String::from_utf8_lossy(word)),
            Token::Open(_) | Token::OpenPair(_) => {
                text.push('[');
                open.push(']');
            }
            Token::OpenMap(_) => {
                text.push('{');
                open.push('}');
            }
            Token::Close => text.extend(open.pop()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        for (text, plain) in [
            ("plain", "plain"),
            (r#"a \"b\" \\ \n"#, "a \"b\" \\ \n"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83d", "\u{fffd}"),
            (r"\u12", r"\u12"),
            ("\\", "\\"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), plain, "{text}");
        }
        let mut quoted = String::new();
        quote("a\"\\\n\u{1}é", &mut quoted);
        assert_eq!(unescaped(&quoted.as_bytes()[1..quoted.len() - 1]), "a\"\\\n\u{1}é");
    }

    #[test]
    fn a_number_fits_or_is_too_large_or_is_none() {
        assert_eq!(integer(b"-42"), Some(Ok(-42)));
        assert_eq!(integer(b"999999999999999999"), Some(Ok(999_999_999_999_999_999)));
        assert_eq!(integer(b"-9223372036854775808"), Some(Ok(i64::MIN)));
        assert_eq!(integer(b"9223372036854775808"), Some(Err(())));
        for word in [&b""[..], b"-", b"+x", b"1.5", b"1x"] {
            assert_eq!(integer(word), None);
        }
    }
}
