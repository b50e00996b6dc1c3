//! Which completion ends which invocation, and what is malformed about a history as a history.
//!
//! A process does one thing at a time, so a completion ends the invocation that its process has open. An operation that ends `info`
//! may still happen at any later time, so its process never invokes again: it is retired. Rows of the nemesis (a negative process) are
//! marks on the timeline, not operations, and need no partner.

use std::collections::HashMap;

use crate::columns::{Columns, Kind};

/// One operation: the row of its invocation, and that of its completion if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Row of the invocation.
    pub invocation: usize,
    /// Row of the completion.
    pub completion: Option<usize>,
}

/// Every operation, in the order of invocation. A completion that ends nothing is left out.
pub fn pairs(columns: &Columns) -> Vec<Pair> {
    walk(columns, |_, _| true)
}

/// What is malformed, in words, each with its row. At most `limit`.
pub fn problems(columns: &Columns, functions: &[String], limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    if limit > 0 {
        walk(columns, |row, problem| {
            found.push(format!("row {row}: {}", describe(columns, functions, row, &problem)));
            found.len() < limit
        });
    }
    found
}

enum Problem {
    CompletionOfNothing,
    InvocationWhileOpen(usize),
    InvocationAfterInfo(usize),
    OtherFunction(usize),
    TimeBackwards,
}

/// What a process is in the middle of.
enum Doing {
    Open { pair: usize },
    Retired { row: usize },
}

/// Goes through the rows once. `report` returns whether to go on.
fn walk(columns: &Columns, mut report: impl FnMut(usize, Problem) -> bool) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::with_capacity(columns.len() / 2);
    let mut doing: HashMap<i32, Doing> = HashMap::new();
    for row in 0..columns.len() {
        let mut good = row == 0 || columns.time[row - 1] <= columns.time[row] || report(row, Problem::TimeBackwards);
        let process = columns.process[row];
        match Kind::from_code(columns.kind[row]) {
            _ if process < 0 => {}
            Some(Kind::Invoke) => {
                let open = Doing::Open { pair: pairs.len() };
                pairs.push(Pair { invocation: row, completion: None });
                good &= match doing.insert(process, open) {
                    None => true,
                    Some(Doing::Open { pair }) => report(row, Problem::InvocationWhileOpen(pairs[pair].invocation)),
                    Some(Doing::Retired { row: ended }) => report(row, Problem::InvocationAfterInfo(ended)),
                };
            }
            Some(kind) if kind.is_completion() => match doing.remove(&process) {
                Some(Doing::Open { pair }) => {
                    pairs[pair].completion = Some(row);
                    let invocation = pairs[pair].invocation;
                    if kind == Kind::Info {
                        doing.insert(process, Doing::Retired { row });
                    }
                    good &= columns.f[invocation] == columns.f[row] || report(row, Problem::OtherFunction(invocation));
                }
                retired => {
                    doing.extend(retired.map(|retired| (process, retired)));
                    good &= report(row, Problem::CompletionOfNothing);
                }
            },
            _ => {}
        }
        if !good {
            break;
        }
    }
    pairs
}

fn describe(columns: &Columns, functions: &[String], row: usize, problem: &Problem) -> String {
    let process = columns.process[row];
    let f = |row: usize| functions.get(usize::from(columns.f[row])).map_or("?", String::as_str);
    let kind = Kind::from_code(columns.kind[row]).map_or("?", Kind::name);
    match problem {
        Problem::CompletionOfNothing => {
            format!("process {process} completes {} ({kind}) without having invoked it", f(row))
        }
        Problem::InvocationWhileOpen(open) => {
            format!("process {process} invokes {} while its {} of row {open} is open", f(row), f(*open))
        }
        Problem::InvocationAfterInfo(ended) => {
            format!("process {process} invokes {} though its {} ended info in row {ended}", f(row), f(*ended))
        }
        Problem::OtherFunction(invocation) => {
            format!("process {process} completes {}, but invoked {} in row {invocation}", f(row), f(*invocation))
        }
        Problem::TimeBackwards => {
            format!("time goes back from {} ns to {} ns", columns.time[row - 1], columns.time[row])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTIONS: [&str; 2] = ["read", "write"];

    /// Rows as (time, process, kind, f).
    fn history(rows: &[(i64, i32, Kind, u8)]) -> Columns {
        let mut columns = Columns::default();
        rows.iter().for_each(|&(time, process, kind, f)| columns.push(time, process, kind, f, None, None));
        columns
    }

    fn problems_of(rows: &[(i64, i32, Kind, u8)]) -> Vec<String> {
        problems(&history(rows), &FUNCTIONS.map(str::to_owned), 10)
    }

    #[test]
    fn each_completion_ends_the_open_invocation_of_its_process() {
        let columns = history(&[
            (0, 0, Kind::Invoke, 0),
            (1, 1, Kind::Invoke, 1),
            (2, -1, Kind::Inject, 0),
            (2, -1, Kind::Info, 1),
            (3, 0, Kind::Ok, 0),
            (4, 0, Kind::Invoke, 1),
            (5, 1, Kind::Info, 1),
        ]);
        let completions: Vec<_> = pairs(&columns).iter().map(|pair| (pair.invocation, pair.completion)).collect();
        assert_eq!(completions, [(0, Some(4)), (1, Some(6)), (5, None)]);
        assert_eq!(problems(&columns, &FUNCTIONS.map(str::to_owned), 10), [""; 0]);
    }

    #[test]
    fn what_is_malformed_is_told_with_its_row() {
        assert_eq!(
            problems_of(&[
                (0, 3, Kind::Ok, 0),
                (9, 3, Kind::Invoke, 0),
                (9, 3, Kind::Invoke, 1),
                (8, 3, Kind::Fail, 0)
            ]),
            [
                "row 0: process 3 completes read (ok) without having invoked it",
                "row 2: process 3 invokes write while its read of row 1 is open",
                "row 3: time goes back from 9 ns to 8 ns",
                "row 3: process 3 completes read, but invoked write in row 2",
            ]
        );
    }

    #[test]
    fn a_process_whose_operation_ended_info_is_retired() {
        assert_eq!(
            problems_of(&[
                (0, 0, Kind::Invoke, 1),
                (1, 0, Kind::Info, 1),
                (2, 0, Kind::Ok, 1),
                (3, 0, Kind::Invoke, 0)
            ]),
            [
                "row 2: process 0 completes write (ok) without having invoked it",
                "row 3: process 0 invokes read though its write ended info in row 1",
            ]
        );
    }

    #[test]
    fn no_more_problems_are_looked_for_than_asked() {
        let columns = history(&[(0, 0, Kind::Ok, 0), (0, 0, Kind::Ok, 0), (0, 0, Kind::Ok, 0)]);
        assert_eq!(problems(&columns, &[], 2).len(), 2);
        assert_eq!(problems(&columns, &[], 0).len(), 0);
    }
}
