//! Sends and polls out of events.
//!
//! The value of an operation is its steps end to end, as those of a transaction: `code, key, count, values…`. Code 4 sends: one value, or the
//! offset and the value where the offset is known. Code 5 polls one log: offsets and values in turn; a poll of several logs is a step each.
//! A count of -1 is a poll whose result is not known. The completion says more than the invocation, also where it is `info` or `fail`.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::events::Events;
use crate::pairing::{Malformed, NEVER, Outcome, pair};

const SEND: i64 = 4;
const POLL: i64 = 5;

/// The functions of a log.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Sends.
    pub send: Option<u8>,
    /// Polls.
    pub poll: Option<u8>,
    /// Does both.
    pub transaction: Option<u8>,
    /// Says which logs the process polls from now on, and from where.
    pub assign: Option<u8>,
    /// Lets the database say which.
    pub subscribe: Option<u8>,
}

/// One message that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Send {
    pub key: i64,
    pub value: i64,
    pub offset: Option<i64>,
    pub invocation: u32,
    pub completion: u32,
    pub outcome: Outcome,
}

/// One log that was polled. What an operation saw that ended otherwise than ok was in the log all the same.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    pub key: i64,
    pub invocation: u32,
    pub completion: u32,
    pub outcome: Outcome,
    start: usize,
    /// How many messages it saw.
    pub count: usize,
}

impl Poll {
    /// Offset and value of each message, in the order in which they came.
    pub fn messages<'a>(&self, events: &Events<'a>) -> impl Iterator<Item = (i64, i64)> + use<'a> {
        events.values[self.start..self.start + 2 * self.count].chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }
}

/// Something that decides from where a process polls next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It was told where, and keeps its place from its next poll on.
    Assigned,
    /// Somebody else may move it.
    Unknown,
    /// Nobody knows how far its last operation came.
    Lost,
}

/// All that happened to the logs.
#[derive(Debug, Default)]
pub struct Log {
    pub operations: usize,
    /// In the order of invocation, and of steps.
    pub sends: Vec<Send>,
    /// Likewise.
    pub polls: Vec<Poll>,
    /// Invocation, process, and what it means for the process's next poll.
    pub positions: Vec<(u32, i32, Position)>,
}

impl Log {
    /// The send of each message: the one that may have happened, or else one that failed.
    pub fn senders(&self) -> Result<FxHashMap<(i64, i64), usize>, Malformed> {
        let mut malformed = Malformed::default();
        let mut senders: FxHashMap<(i64, i64), usize> = FxHashMap::default();
        for (number, send) in self.sends.iter().enumerate() {
            let first = *senders.entry((send.key, send.value)).or_insert(number);
            if self.sends[first].outcome == Outcome::Fail {
                senders.insert((send.key, send.value), number);
            } else if first != number && send.outcome != Outcome::Fail {
                let earlier = self.sends[first].invocation;
                let what = format!(
                    "{} is sent to log {} again, after row {earlier}: messages are unique",
                    send.value, send.key
                );
                malformed.add(send.invocation as usize, what);
            }
        }
        malformed.unless(senders)
    }
}

impl Log {
    /// The sends that certainly happened: acknowledged, or of an operation of which a message was polled.
    pub fn happened(&self, events: &Events) -> Vec<Send> {
        let committed = self.polls.iter().filter(|poll| poll.outcome == Outcome::Ok);
        let polled: FxHashSet<(i64, i64)> =
            committed.flat_map(|poll| poll.messages(events).map(|(_, value)| (poll.key, value))).collect();
        let is_seen = |send: &&Send| send.outcome == Outcome::Info && polled.contains(&(send.key, send.value));
        let seen: FxHashSet<u32> = self.sends.iter().filter(is_seen).map(|send| send.invocation).collect();
        let happened = |send: &&Send| send.outcome == Outcome::Ok || seen.contains(&send.invocation);
        self.sends.iter().filter(happened).copied().collect()
    }
}

/// Pick out what concerns the logs.
pub fn decode(events: &Events, functions: Functions) -> Result<Log, Malformed> {
    let mut malformed = Malformed::default();
    let mut log = Log::default();
    for operation in pair(events)? {
        let row = operation.invocation as usize;
        let (f, process, is_ok) = (Some(events.f[row]), events.process[row], operation.outcome == Outcome::Ok);
        if f == functions.assign || f == functions.subscribe {
            let told = f == functions.assign && is_ok;
            log.positions.push((
                operation.invocation,
                process,
                if told { Position::Assigned } else { Position::Unknown },
            ));
            continue;
        }
        if ![functions.send, functions.poll, functions.transaction].contains(&f) {
            continue;
        }
        log.operations += 1;
        let answer = (operation.completion != NEVER).then(|| events.value(operation.completion as usize)).flatten();
        let tells = |steps: &[i64]| !steps.is_empty() && (operation.outcome == Outcome::Info || is_whole(steps));
        let is_told = is_ok || answer.is_some_and(tells);
        let read = if is_told { operation.completion as usize } else { row };
        let Some(mut left) = events.value(read) else {
            // What polls need not say so before it is answered.
            if is_ok || f != functions.poll {
                malformed.add(read, "an operation on logs has steps, and this has none: its value is nil".to_owned());
            }
            log.positions.extend((!is_ok).then_some((operation.invocation, process, Position::Lost)));
            continue;
        };
        let mut is_poll = f == functions.poll;
        while !left.is_empty() {
            let (code, key, count, values) = match step(left) {
                Ok(found) => found,
                Err(what) => {
                    malformed.add(read, what);
                    break;
                }
            };
            left = &left[3 + values.len()..];
            if code == SEND {
                let (offset, value) = if count == 2 { (Some(values[0]), values[1]) } else { (None, values[0]) };
                let (invocation, completion, outcome) = (operation.invocation, operation.completion, operation.outcome);
                log.sends.push(Send { key, value, offset, invocation, completion, outcome });
                continue;
            }
            is_poll = true;
            if is_told {
                let start = events.value_offsets[read + 1] - left.len() - values.len();
                let (invocation, completion, outcome) = (operation.invocation, operation.completion, operation.outcome);
                log.polls.push(Poll { key, invocation, completion, outcome, start, count: values.len() / 2 });
            }
        }
        log.positions.extend((!is_ok && is_poll).then_some((operation.invocation, process, Position::Lost)));
    }
    malformed.unless(log)
}

/// Whether there is nothing but steps: who failed may have said something else.
fn is_whole(mut steps: &[i64]) -> bool {
    while let Ok((_, _, _, values)) = step(steps) {
        steps = &steps[3 + values.len()..];
    }
    steps.is_empty()
}

/// The first step: code, key, count and values.
fn step(values: &[i64]) -> Result<(i64, i64, i64, &[i64]), String> {
    let &[code, key, count, ref rest @ ..] = values else {
        return Err("the last step is cut short: a code, a key and a count are needed".to_owned());
    };
    let length = usize::try_from(count).unwrap_or(0);
    if count < -1 || length > rest.len() {
        return Err(format!("a step on log {key} claims {count} values, and {} follow", rest.len()));
    }
    match (code, count) {
        (SEND, 1 | 2) => {}
        (POLL, -1) => {}
        (POLL, count) if count % 2 == 0 => {}
        (SEND, _) => return Err(format!("a send to log {key} has {count} values: a value, or an offset and a value")),
        (POLL, _) => return Err(format!("a poll of log {key} has {count} values: offsets and values in turn")),
        _ => return Err(format!("no step of a log has code {code}: 4 sends, 5 polls")),
    }
    Ok((code, key, count, &rest[..length]))
}
