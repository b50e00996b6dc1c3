//! Jepsen's logs: `history.txt`, and operations among the other lines of a test's log.
//!
//! An operation is `process :type :f value error`, separated by tabs or, where an editor has expanded them, by spaces; perhaps behind a
//! time and the name of the logger, as in `INFO  jepsen.util - 0 :invoke :read nil`. Every other line is somebody else's. The values are
//! EDN.

use std::ops::Range;

use crate::edn;
use crate::token::{Stop, Token, close};

const TYPES: [&[u8]; 4] = [b":invoke", b":ok", b":fail", b":info"];

/// Whether a line is an operation.
pub fn is_operation(line: &[u8]) -> bool {
    start_of(line).is_some()
}

/// Where an operation has its process and its type, and where its function begins.
fn start_of(line: &[u8]) -> Option<(Range<usize>, Range<usize>, usize)> {
    // What comes before the process may have colons of its own.
    (1..line.len()).filter(|&at| line[at] == b':' && is_blank(line[at - 1])).find_map(|at| {
        let name = TYPES.iter().find(|name| line[at..].starts_with(name))?;
        let end = at + name.len();
        let f = end + line[end..].iter().position(|&byte| !is_blank(byte))?;
        let process_end = line[..at].iter().rposition(|&byte| !is_blank(byte))? + 1;
        let process = line[..process_end].iter().rposition(|&byte| is_blank(byte)).map_or(0, |blank| blank + 1);
        // Other lines are full of spaces: between them, each part has to look like what it is.
        let is_between_tabs = line[at - 1] == b'\t' && line[end] == b'\t';
        let is_alike = line[f] == b':' && is_process(&line[process..process_end]);
        (f > end && (is_between_tabs || is_alike)).then_some((process..process_end, at..end, f))
    })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_process(word: &[u8]) -> bool {
    word == b":nemesis" || word.iter().all(u8::is_ascii_digit)
}

/// Read a line that [`is_operation`] into `tokens`, as if it were a map.
pub fn form<'a>(line: &'a [u8], tokens: &mut Vec<Token<'a>>) -> Result<(), Stop> {
    let (process, type_, f) = start_of(line).ok_or(Stop::Incomplete)?;
    let (mut all, mut piece) = (vec![Token::OpenMap(0)], Vec::new());
    for (key, part) in [(&b"process"[..], process), (b"type", type_)] {
        edn::form(&line[part.clone()], 0, true, &mut piece).map_err(|stop| shifted(stop, part.start))?;
        all.push(Token::Keyword(key));
        all.extend(&piece);
    }
    let mut place = f;
    for key in [&b"f"[..], b"value", b"error"] {
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
        for line in [
            "0\t:invoke\t:read\tnil",
            "INFO  jepsen.util - :nemesis\t:info\t:start\t\"x\"",
            "a\tb 3\t:ok\t:read",
            "INFO  jepsen.util - 1   :invoke :write  3",
            "12 :fail :cas [1 2]",
        ] {
            assert!(is_operation(line.as_bytes()), "{line}");
        }
        for line in [
            "",
            "INFO jepsen.core - Worker 0 starting",
            "0\t:invoked\t:read",
            "0 :invoke read nil",
            "b :ok :read",
            "it was :ok :read",
            "3 :ok",
        ] {
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
            ("INFO  x - 2   :ok     :cas    [1 2]", "{:process 2 :type :ok :f :cas :value [1 2]}"),
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
