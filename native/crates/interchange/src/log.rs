//! Jepsen's logs: `history.txt`, and operations among the other lines of a test's log.
//!
//! An operation is `process :type :f value error`, separated by tabs, the first of them perhaps after a time and the name of the logger,
//! as in `INFO  jepsen.util - 0 :invoke :read nil`. Every other line is somebody else's. The values are EDN.

use crate::edn;
use crate::token::{Stop, Token, close};

const TYPES: [&[u8]; 4] = [b"\t:invoke\t", b"\t:ok\t", b"\t:fail\t", b"\t:info\t"];

/// Whether a line is an operation.
pub fn is_operation(line: &[u8]) -> bool {
    type_of(line).is_some()
}

/// Where the type of an operation begins, and where its function does.
fn type_of(line: &[u8]) -> Option<(usize, usize)> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    // What comes before the process may have tabs of its own.
    (tab..line.len()).filter(|&at| line[at] == b'\t').find_map(|at| {
        let found = TYPES.iter().find(|name| line[at..].starts_with(name))?;
        Some((at + 1, at + found.len()))
    })
}

/// Read a line that [`is_operation`] into `tokens`, as if it were a map.
pub fn form<'a>(line: &'a [u8], tokens: &mut Vec<Token<'a>>) -> Result<(), Stop> {
    let (type_, f) = type_of(line).ok_or(Stop::Incomplete)?;
    let process = line[..type_ - 1].iter().rposition(|&byte| matches!(byte, b' ' | b'\t')).map_or(0, |space| space + 1);
    let value = line[f..].iter().position(|&byte| byte == b'\t').map(|length| f + length + 1);
    let (mut all, mut piece) = (vec![Token::OpenMap(0)], Vec::new());
    let mut scalar = |key: &'static [u8], from: usize, to: usize| {
        edn::form(&line[from..to], 0, true, &mut piece).map_err(|stop| shifted(stop, from))?;
        all.push(Token::Keyword(key));
        all.extend(&piece);
        Ok(())
    };
    scalar(b"process", process, type_ - 1)?;
    scalar(b"type", type_, f - 1)?;
    scalar(b"f", f, value.map_or(line.len(), |value| value - 1))?;
    let mut place = value.unwrap_or(line.len());
    for key in [&b"value"[..], b"error"] {
        place = edn::skip_blank(line, place);
        if place == line.len() {
            break;
        }
        place = match edn::form(line, place, true, &mut piece) {
            Ok(end) => {
                all.push(Token::Keyword(key));
                all.extend(&piece);
                end
            }
            // An error may be any text.
            Err(_) if key == b"error" => {
                all.extend([Token::Keyword(key), Token::Word(&line[place..])]);
                line.len()
            }
            Err(stop) => return Err(shifted(stop, 0)),
        };
    }
    close(&mut all, 0);
    *tokens = all;
    Ok(())
}

fn shifted(stop: Stop, by: usize) -> Stop {
    match stop {
        Stop::Incomplete => Stop::wrong(by, "the line ends inside a value"),
        Stop::Wrong { at, what } => Stop::Wrong { at: at + by, what },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_from_other_lines() {
        for line in
            ["0\t:invoke\t:read\tnil", "INFO  jepsen.util - :nemesis\t:info\t:start\t\"x\"", "a\tb 3\t:ok\t:read"]
        {
            assert!(is_operation(line.as_bytes()), "{line}");
        }
        for line in ["", "INFO jepsen.core - Worker 0 starting", "0\t:invoked\t:read", "0 :invoke :read nil"] {
            assert!(!is_operation(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_line_is_read_as_the_map_that_it_stands_for() {
        for (line, map) in [
            ("0\t:invoke\t:cas\t[1 2]", "{:process 0 :type :invoke :f :cas :value [1 2]}"),
            (
                "INFO  x - 12\t:info\t:write\t3\t:timed-out",
                "{:process 12 :type :info :f :write :value 3 :error :timed-out}",
            ),
            (":nemesis\t:info\t:stop", "{:process :nemesis :type :info :f :stop}"),
        ] {
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            assert_eq!(form(line.as_bytes(), &mut found), Ok(()));
            assert_eq!(edn::form(map.as_bytes(), 0, true, &mut expected), Ok(map.len()));
            assert_eq!(found, expected, "{line}");
        }
        let mut tokens = Vec::new();
        assert!(matches!(form(b"0\t:ok\t:read\t[1", &mut tokens), Err(Stop::Wrong { .. })));
    }
}
