//! EDN, the data notation of Clojure.
//!
//! Written by hand because readers of whole documents, which is what EDN libraries are, build a tree of everything. What carries no data
//! is skipped: comments, `#_` with the form after it, metadata, commas, and tags such as `#jepsen.history.Op`; of all tags only
//! `#jepsen.independent/tuple` means something.

use crate::token::{DEEPEST, Stop, Token, close, integer, items, told};

/// Read the form that begins at `start`, which is no white space, into `tokens`. Returns where it ends. `is_all` says that no more bytes
/// follow, so that a word may end with them. A form that is discarded leaves no tokens.
pub fn form<'a>(text: &'a [u8], start: usize, is_all: bool, tokens: &mut Vec<Token<'a>>) -> Result<usize, Stop> {
    tokens.clear();
    let mut open: Vec<(usize, u8)> = Vec::new();
    // The forms that `#_` discards: where their tokens begin, and how deep.
    let mut discards: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    let mut is_pair = false;
    loop {
        at = skip_blank(text, at);
        let Some(&byte) = text.get(at) else { return Err(Stop::Incomplete) };
        match byte {
            b';' => return Err(Stop::Incomplete),
            b'[' | b'(' => {
                open.push((tokens.len(), if byte == b'[' { b']' } else { b')' }));
                tokens.push(if is_pair { Token::OpenPair(0) } else { Token::Open(0) });
                at += 1;
            }
            b'{' => {
                open.push((tokens.len(), b'}'));
                tokens.push(Token::OpenMap(0));
                at += 1;
            }
            b']' | b')' | b'}' => {
                if discards.last().is_some_and(|&(_, depth)| depth == open.len()) {
                    return Err(Stop::wrong(
                        at,
                        format!("{:?} comes where the form that #_ discards should be", char::from(byte)),
                    ));
                }
                let Some((place, _)) = open.pop().filter(|&(_, expected)| expected == byte) else {
                    return Err(Stop::wrong(at, format!("{:?} closes nothing", char::from(byte))));
                };
                close(tokens, place);
                let is_kept_map = discards.is_empty() && matches!(tokens[place], Token::OpenMap(_));
                if is_kept_map && items(&tokens[place..]).count() % 2 == 1 {
                    return Err(Stop::wrong(
                        at,
                        format!("a map has a key without a value: {}", told(&tokens[place..])),
                    ));
                }
                at += 1;
            }
            b'#' => match text.get(at + 1) {
                None => return Err(Stop::Incomplete),
                Some(b'{') => {
                    open.push((tokens.len(), b'}'));
                    tokens.push(Token::Open(0));
                    at += 2;
                }
                Some(b'_') => {
                    discards.push((tokens.len(), open.len()));
                    at += 2;
                    continue;
                }
                Some(b'#') => {
                    let end = word_end(text, at + 2, is_all)?;
                    tokens.push(Token::Word(&text[at..end]));
                    at = end;
                }
                Some(_) => {
                    // A tag: the form that follows stands for it.
                    let end = word_end(text, at + 1, is_all)?;
                    is_pair = &text[at + 1..end] == PAIR;
                    at = end;
                    continue;
                }
            },
            b'^' => {
                // Metadata: the form after it is skipped like a discarded one.
                discards.push((tokens.len(), open.len()));
                at += 1;
                continue;
            }
            b'"' => {
                let end = string_end(text, at + 1)?;
                tokens.push(Token::Text(&text[at + 1..end]));
                at = end + 1;
            }
            b'\\' => {
                if text.len() == at + 1 {
                    return Err(if is_all { Stop::wrong(at, "a character is missing") } else { Stop::Incomplete });
                }
                // The character itself may be a bracket or a space.
                let end = word_end(text, (at + 2).min(text.len()), is_all)?;
                tokens.push(Token::Word(&text[at..end]));
                at = end;
            }
            b'0'..=b'9' => match small_number(text, at) {
                Some((number, end)) => {
                    tokens.push(Token::Int(number));
                    at = end;
                }
                None => {
                    let end = word_end(text, at, is_all)?;
                    tokens.push(word(&text[at..end]));
                    at = end;
                }
            },
            _ => {
                let end = word_end(text, at, is_all)?;
                tokens.push(word(&text[at..end]));
                at = end;
            }
        }
        is_pair = false;
        if open.len() > DEEPEST {
            return Err(Stop::wrong(at, format!("forms are nested more than {DEEPEST} deep")));
        }
        if discards.is_empty() {
            if open.is_empty() {
                return Ok(at);
            }
            continue;
        }
        let is_form_complete = !matches!(tokens.last(), Some(Token::Open(_) | Token::OpenPair(_) | Token::OpenMap(_)));
        if is_form_complete && discards.last().is_some_and(|&(_, depth)| depth == open.len()) {
            let (place, _) = discards.pop().unwrap_or_default();
            tokens.truncate(place);
            // Outside everything there need be no form after it.
            if open.is_empty() && discards.is_empty() {
                return Ok(at);
            }
            continue;
        }
    }
}

/// The first position at or after `at` that is no white space, comma or comment. A comment ends with its line; one that may go on
/// beyond the text is left.
pub fn skip_blank(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b',' => at += 1,
            b';' => match text[at..].iter().position(|&byte| byte == b'\n') {
                Some(end) => at += end,
                None => break,
            },
            _ => break,
        }
    }
    at
}

/// The tag of a pair of an independent key and a value.
const PAIR: &[u8] = b"jepsen.independent/tuple";

/// The bytes that end a word.
const ENDS_WORD: [bool; 256] = {
    let mut ends = [false; 256];
    let mut place = 0;
    while place < ENDS.len() {
        ends[ENDS[place] as usize] = true;
        place += 1;
    }
    ends
};
const ENDS: &[u8] = b" \n\r\t,[](){}\";";

/// The number that begins here, if it is what most are: a few digits, and then something that ends it.
fn small_number(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let (mut number, mut end) = (0_i64, at);
    while let Some(digit) = text.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        // Eighteen digits always fit.
        if end - at == 18 {
            return None;
        }
        number = number * 10 + i64::from(digit);
        end += 1;
    }
    text.get(end).is_some_and(|&byte| ENDS_WORD[usize::from(byte)]).then_some((number, end))
}

fn word_end(text: &[u8], at: usize, is_all: bool) -> Result<usize, Stop> {
    match text[at.min(text.len())..].iter().position(|&byte| ENDS_WORD[usize::from(byte)]) {
        Some(length) => Ok(at + length),
        None if is_all => Ok(text.len()),
        None => Err(Stop::Incomplete),
    }
}

fn string_end(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match text.get(at) {
            None => return Err(Stop::Incomplete),
            Some(b'"') => return Ok(at),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

fn word(bytes: &[u8]) -> Token<'_> {
    match bytes {
        b"nil" => Token::Nil,
        b"true" => Token::Bool(true),
        b"false" => Token::Bool(false),
        [b':', name @ ..] => Token::Keyword(name),
        [b'0'..=b'9' | b'-' | b'+', ..] => match integer(bytes.strip_suffix(b"N").unwrap_or(bytes)) {
            Some(Ok(number)) => Token::Int(number),
            Some(Err(())) => Token::Big(bytes),
            None => Token::Word(bytes),
        },
        _ => Token::Word(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut tokens = Vec::new();
        assert_eq!(form(text.as_bytes(), 0, true, &mut tokens), Ok(text.len()), "{text}");
        tokens
    }

    #[test]
    fn scalars_are_what_they_say() {
        assert_eq!(tokens("nil"), [Token::Nil]);
        assert_eq!(tokens("-42"), [Token::Int(-42)]);
        assert_eq!(tokens("7N"), [Token::Int(7)]);
        assert_eq!(tokens("-9223372036854775808"), [Token::Int(i64::MIN)]);
        assert_eq!(tokens("9223372036854775808"), [Token::Big(b"9223372036854775808")]);
        assert_eq!(tokens(":a/b"), [Token::Keyword(b"a/b")]);
        assert_eq!(tokens(r#""a \" b""#), [Token::Text(br#"a \" b"#)]);
        assert_eq!(tokens("1.5"), [Token::Word(b"1.5")]);
        assert_eq!(tokens(r"\["), [Token::Word(br"\[")]);
    }

    #[test]
    fn what_carries_no_data_is_skipped() {
        let expected = tokens("{:a 1}");
        for text in ["#tag {:a 1}", "{:a #_2 1}", "{:a #_[2 {:b #_3 4}] 1}", "{:a ; why\n 1}", "{:a, ^{:doc 1} 1}"] {
            assert_eq!(tokens(text), expected, "{text}");
        }
        assert_eq!(tokens("[#_#_1 2 3]"), tokens("[3]"));
        assert_eq!(tokens("#_ {:a 1}"), []);
        assert_eq!(tokens("#jepsen.independent/tuple [1 2]")[0], Token::OpenPair(3));
    }

    #[test]
    fn a_form_that_is_cut_short_asks_for_more_and_a_wrong_one_says_where() {
        let mut tokens = Vec::new();
        for text in ["[1", "{:a", "\"abc", "#", "[1 #_", "\"a\\", "#_", "[ ; 1]"] {
            assert_eq!(form(text.as_bytes(), 0, true, &mut tokens), Err(Stop::Incomplete), "{text}");
        }
        assert_eq!(form(b"12", 0, false, &mut tokens), Err(Stop::Incomplete));
        assert!(matches!(form(b"[1}", 0, true, &mut tokens), Err(Stop::Wrong { at: 2, .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(form(deep.as_bytes(), 0, true, &mut tokens), Err(Stop::Wrong { .. })));
    }
}
