//! A log of messages with offsets, one a key: what was sent is there once, in one order, for everybody. After Jepsen's `kafka` workload.
//!
//! Operations send messages and poll them; the steps of an operation are those of a transaction ([`decode`]). Findings, by Jepsen's names:
//!
//! - *inconsistent-offsets*: two messages at one offset: replicas diverged, or an offset was given again.
//! - *duplicate*: one message at two offsets.
//! - *unexpected*: polled, and nobody had sent it by then; *G1a*: polled, and its send had failed.
//! - *lost-write*: certainly sent at an offset, and never polled, though a higher offset was. Consumers together read every log from its
//!   beginning, as Jepsen's do: who seeks to the end and polls there must not be checked so.
//! - *int-poll-skip*, *int-nonmonotonic-poll*: one operation polled two messages with a known one between them, or in falling order.
//! - *poll-skip*, *nonmonotonic-poll*: likewise two operations of a process, of which nobody else moved the position: it had called `assign`
//!   and since then neither `assign` nor `subscribe`, and no operation of it had an unknown end.
//! - *nonmonotonic-send*: a send began after another had been acknowledged, and got a lower offset; *int-nonmonotonic-send*: in one operation.
//!
//! What ended `info` was certainly sent once a message of the same operation was polled. What an operation polled that failed, or whose end is not
//! known, is at its offset all the same; but only what ended `ok` has got a message, and has to answer for where it came from. Messages that are
//! acknowledged and beyond what anybody polled are *unseen*, which makes the verdict unknown.

mod decode;
mod polls;

use rustc_hash::FxHashMap;

pub use decode::Functions;
use decode::{Poll, Send, decode};

use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, Outcome};

/// Where a message was seen first, or by whom it was sent.
#[derive(Clone, Copy)]
struct Witness {
    value: i64,
    row: u32,
}

/// Everything that is known of the messages.
#[derive(Default)]
struct Messages {
    /// Key and value, to the send that may have happened, or else to the one that failed.
    sends: FxHashMap<(i64, i64), usize>,
    /// Key and offset, to the message there.
    at: FxHashMap<(i64, i64), Witness>,
    /// Key and value, to an offset of it and who says so.
    offset_of: FxHashMap<(i64, i64), (i64, u32)>,
    /// Key and value, to who polled it first.
    polled_by: FxHashMap<(i64, i64), u32>,
    /// The highest offset that was polled of each key, and who did.
    end: FxHashMap<i64, (i64, u32)>,
}

/// Check a history of sends and polls.
pub fn check(events: &Events, functions: Functions) -> Result<Report, Malformed> {
    let log = decode(events, functions)?;
    let mut messages = Messages { sends: log.senders()?, ..Messages::default() };
    let [mut inconsistent, mut duplicate] = ["inconsistent-offsets", "duplicate"].map(Finding::new);
    let [mut unexpected, mut aborted, mut lost] = ["unexpected", "G1a", "lost-write"].map(Finding::new);
    let mut of_polls = ["int-poll-skip", "int-nonmonotonic-poll", "poll-skip", "nonmonotonic-poll"].map(Finding::new);
    let mut of_sends = ["nonmonotonic-send", "int-nonmonotonic-send"].map(Finding::new);
    let happened: Vec<Send> = log.happened(events);
    for send in &happened {
        if let Some(offset) = send.offset {
            let message = Witness { value: send.value, row: send.invocation };
            messages.note(send.key, offset, message, [&mut inconsistent, &mut duplicate]);
        }
    }
    for poll in &log.polls {
        for (offset, value) in poll.messages(events) {
            let message = Witness { value, row: poll.invocation };
            messages.note(poll.key, offset, message, [&mut inconsistent, &mut duplicate]);
            if poll.outcome == Outcome::Ok {
                messages.note_polled(poll, offset, value);
                judge_source(&log.sends, &messages, poll, value, [&mut unexpected, &mut aborted]);
            }
        }
    }
    let unseen = judge_fates(events, &happened, &log.polls, &messages, &mut lost);
    polls::judge(events, &log, &messages, &mut of_polls);
    judge_order(&happened, &mut of_sends);
    let recovered = log
        .sends
        .iter()
        .filter(|send| send.outcome == Outcome::Info && messages.polled_by.contains_key(&(send.key, send.value)));
    let recovered = recovered.count();
    let mut doubts = Vec::new();
    if unseen > 0 {
        let (messages, them) = if unseen == 1 { ("message was", "it") } else { ("messages were", "them") };
        doubts.push(format!("{unseen} acknowledged {messages} never polled, and nothing beyond {them} was"));
    }
    let observations = log.polls.iter().filter(|poll| poll.outcome == Outcome::Ok && poll.count > 0).count();
    let findings = [inconsistent, duplicate, unexpected, aborted, lost].into_iter().chain(of_polls).chain(of_sends);
    Ok(Report::conclude(log.operations, observations, findings.collect(), doubts)
        .counting("recovered", recovered)
        .counting("unseen", unseen))
}

impl Messages {
    /// A message is at an offset, as an operation says.
    fn note(&mut self, key: i64, offset: i64, message: Witness, [inconsistent, duplicate]: [&mut Finding; 2]) {
        let first = *self.at.entry((key, offset)).or_insert(message);
        if first.value != message.value {
            let told = format!("offset {offset} of log {key} has {} and {}", first.value, message.value);
            let rows = [(first.row, "saw one message there"), (message.row, "saw another")];
            inconsistent.add(|| Case::new(&rows, told));
        }
        let (earlier, row) = *self.offset_of.entry((key, message.value)).or_insert((offset, message.row));
        if earlier != offset {
            let told = format!("message {} of log {key} is at offsets {earlier} and {offset}", message.value);
            duplicate.add(|| Case::new(&[(row, "saw it at one offset"), (message.row, "saw it at another")], told));
        }
    }

    fn note_polled(&mut self, poll: &Poll, offset: i64, value: i64) {
        self.polled_by.entry((poll.key, value)).or_insert(poll.invocation);
        let end = self.end.entry(poll.key).or_insert((offset, poll.invocation));
        if end.0 < offset {
            *end = (offset, poll.invocation);
        }
    }
}

/// Whether what was polled had been sent.
fn judge_source(
    sends: &[Send],
    messages: &Messages,
    poll: &Poll,
    value: i64,
    [unexpected, aborted]: [&mut Finding; 2],
) {
    let polled = (poll.invocation, "polled it");
    match messages.sends.get(&(poll.key, value)).map(|&send| &sends[send]) {
        None => unexpected
            .add(|| Case::new(&[polled], format!("{value} was polled from log {}, and nobody sent it", poll.key))),
        Some(send) if send.outcome == Outcome::Fail => aborted.add(|| {
            Case::new(
                &[(send.invocation, "sent it, and failed"), polled],
                format!("{value} was polled though its send failed"),
            )
        }),
        Some(send) if send.invocation > poll.completion => unexpected.add(|| {
            Case::new(
                &[polled, (send.invocation, "sent it only then")],
                format!("{value} was polled before it was sent"),
            )
        }),
        Some(_) => {}
    }
}

/// What became of the messages that were certainly sent; returns how many nobody could have seen yet.
fn judge_fates(events: &Events, sends: &[Send], polls: &[Poll], messages: &Messages, lost: &mut Finding) -> usize {
    let mut unseen = 0;
    for send in sends {
        if messages.polled_by.contains_key(&(send.key, send.value)) {
            continue;
        }
        match (send.offset, messages.end.get(&send.key)) {
            (Some(offset), Some(&highest)) if offset < highest.0 => lost.add(|| {
                let (end, poll) = polled_beyond(events, polls, send, offset).unwrap_or(highest);
                let told = format!(
                    "{} is at offset {offset} of log {}, and was never polled, though offset {end} was",
                    send.value, send.key
                );
                Case::new(&[(send.invocation, "sent it"), (poll, "polled what is beyond it")], told)
            }),
            // Another message was polled at its offset: that is told as inconsistent.
            (Some(offset), Some(&(end, _))) if offset == end => {}
            _ => unseen += 1,
        }
    }
    unseen
}

/// The first poll of what is beyond a message, by somebody who was not done before it was sent: where a log has begun anew, what was polled
/// in its former life shows nothing of who should have seen the message.
fn polled_beyond(events: &Events, polls: &[Poll], send: &Send, offset: i64) -> Option<(i64, u32)> {
    let later = polls
        .iter()
        .filter(|poll| poll.key == send.key && poll.outcome == Outcome::Ok && poll.completion > send.invocation);
    let mut seen = later.flat_map(|poll| poll.messages(events).map(|(at, _)| (at, poll.invocation)));
    seen.find(|&(at, _)| at > offset)
}

/// Whether later sends are behind earlier ones.
fn judge_order(sends: &[Send], [nonmonotonic, internal]: &mut [Finding; 2]) {
    let mut moments: Vec<(u32, bool, usize)> = Vec::new();
    for (number, send) in sends.iter().enumerate().filter(|(_, send)| send.offset.is_some()) {
        moments.push((send.invocation, false, number));
        moments.push((send.completion, true, number));
    }
    moments.sort_unstable();
    let mut highest: FxHashMap<i64, (i64, usize)> = FxHashMap::default();
    for (_, is_end, number) in moments {
        let send = &sends[number];
        let Some(offset) = send.offset else { continue };
        if is_end {
            let seen = highest.entry(send.key).or_insert((offset, number));
            if seen.0 < offset {
                *seen = (offset, number);
            }
        } else if let Some(&(higher, earlier)) = highest.get(&send.key).filter(|seen| seen.0 > offset) {
            let told = format!(
                "{} was sent to log {} after {} had been acknowledged, and is before it: offset {offset}, not beyond {higher}",
                send.value, send.key, sends[earlier].value
            );
            nonmonotonic.add(|| {
                Case::new(&[(sends[earlier].invocation, "sent"), (send.invocation, "sent later, put before")], told)
            });
        }
    }
    let mut last: FxHashMap<i64, (u32, i64)> = FxHashMap::default();
    for send in sends {
        let Some(offset) = send.offset else { continue };
        if let Some((_, earlier)) = last
            .insert(send.key, (send.invocation, offset))
            .filter(|&(row, earlier)| row == send.invocation && earlier >= offset)
        {
            let told = format!("one operation sent to log {} at offset {earlier} and then at {offset}", send.key);
            internal.add(|| Case::new(&[(send.invocation, "sent in falling order")], told));
        }
    }
}
