//! EDN, the data notation of Clojure, as a flat list of tokens.
//!
//! Written by hand because a history may be larger than memory: readers of whole documents, which is what EDN libraries are, build a tree
//! of everything. Here one top-level form at a time becomes a list of [`Token`]s that borrow from the text, in a vector that is reused.
//! Nesting is a count, not recursion. What carries no data is skipped: comments, `#_` with the form after it, tags such as
//! `#jepsen.history.Op`, metadata, commas.

/// One piece of a form. Texts are ranges of the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number that fits.
    Int(i64),
    /// `:name`, without the colon.
    Keyword(&'a [u8]),
    /// Anything else that is one word: a string without its quotes, a symbol, a float, a character, a number too large.
    Word(&'a [u8]),
    /// `[`, `(` or `#{`: the number of the token that ends it.
    Open(usize),
    /// `{`: the number of the token that ends it.
    OpenMap(usize),
    /// What ends it.
    Close,
}

/// Why there is no form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes end before the form does; more of them may help.
    Incomplete,
    /// They can't be EDN, from this position on.
    Wrong {
        /// Where.
        at: usize,
        /// What was found.
        what: String,
    },
}

/// Forms may be nested this deep: far more than any history is, and a bound for whoever walks them.
const DEEPEST: usize = 64;

/// Read the form that begins at `start`, which is no white space, into `tokens`. Returns where it ends. `is_all` says that no more bytes
/// follow, so that a word may end with them.
pub fn form<'a>(text: &'a [u8], start: usize, is_all: bool, tokens: &mut Vec<Token<'a>>) -> Result<usize, Stop> {
    tokens.clear();
    let mut open: Vec<(usize, u8)> = Vec::new();
    // The forms that `#_` discards: where their tokens begin, and how deep.
    let mut discards: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    loop {
        at = skip_blank(text, at);
        let Some(&byte) = text.get(at) else { return Err(Stop::Incomplete) };
        match byte {
            b'[' | b'(' => {
                open.push((tokens.len(), if byte == b'[' { b']' } else { b')' }));
                tokens.push(Token::Open(0));
                at += 1;
            }
            b'{' => {
                open.push((tokens.len(), b'}'));
                tokens.push(Token::OpenMap(0));
                at += 1;
            }
            b']' | b')' | b'}' => {
                if discards.last().is_some_and(|&(_, depth)| depth == open.len()) {
                    return Err(wrong(
                        at,
                        format!("{:?} comes where the form that #_ discards should be", char::from(byte)),
                    ));
                }
                let Some((place, _)) = open.pop().filter(|&(_, expected)| expected == byte) else {
                    return Err(wrong(at, format!("{:?} closes nothing", char::from(byte))));
                };
                let end = tokens.len();
                tokens[place] =
                    if matches!(tokens[place], Token::OpenMap(_)) { Token::OpenMap(end) } else { Token::Open(end) };
                tokens.push(Token::Close);
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
                    at = word_end(text, at + 1, is_all)?;
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
                tokens.push(Token::Word(&text[at + 1..end]));
                at = end + 1;
            }
            b'\\' => {
                // The character itself may be a bracket or a space.
                let end = word_end(text, (at + 2).min(text.len()), is_all)?;
                tokens.push(Token::Word(&text[at..end]));
                at = end;
            }
            _ => {
                let end = word_end(text, at, is_all)?;
                tokens.push(word(&text[at..end]));
                at = end;
            }
        }
        if open.len() > DEEPEST {
            return Err(wrong(at, format!("forms are nested more than {DEEPEST} deep")));
        }
        let is_form_complete = !matches!(tokens.last(), Some(Token::Open(_) | Token::OpenMap(_)));
        if is_form_complete && discards.last().is_some_and(|&(_, depth)| depth == open.len()) {
            let (place, _) = discards.pop().unwrap_or_default();
            tokens.truncate(place);
            continue;
        }
        if is_form_complete && open.is_empty() {
            return Ok(at);
        }
    }
}

/// The first position at or after `at` that is no white space, comma or comment.
pub fn skip_blank(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b',' => at += 1,
            b';' => at = text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| at + end),
            _ => break,
        }
    }
    at
}

fn wrong(at: usize, what: String) -> Stop {
    Stop::Wrong { at, what }
}

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
        _ => integer(bytes).map_or(Token::Word(bytes), Token::Int),
    }
}

fn integer(bytes: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, bytes),
    };
    let digits = digits.strip_suffix(b"N").unwrap_or(digits);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |number, &digit| {
        let digit = i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        let shifted = number.checked_mul(10)?;
        if is_negative { shifted.checked_sub(digit) } else { shifted.checked_add(digit) }
    })
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
        assert_eq!(tokens("9223372036854775808"), [Token::Word(b"9223372036854775808")]);
        assert_eq!(tokens(":a/b"), [Token::Keyword(b"a/b")]);
        assert_eq!(tokens(r#""a \" b""#), [Token::Word(br#"a \" b"#)]);
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
    }

    #[test]
    fn a_form_that_is_cut_short_asks_for_more_and_a_wrong_one_says_where() {
        let mut tokens = Vec::new();
        for text in ["[1", "{:a", "\"abc", "#", "[1 #_", "\"a\\"] {
            assert_eq!(form(text.as_bytes(), 0, true, &mut tokens), Err(Stop::Incomplete), "{text}");
        }
        assert_eq!(form(b"12", 0, false, &mut tokens), Err(Stop::Incomplete));
        assert!(matches!(form(b"[1}", 0, true, &mut tokens), Err(Stop::Wrong { at: 2, .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(form(deep.as_bytes(), 0, true, &mut tokens), Err(Stop::Wrong { .. })));
    }
}
