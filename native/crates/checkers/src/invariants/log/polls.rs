//! Whether those who poll go forward, and leave nothing out.

use rustc_hash::FxHashMap;

use super::decode::{Log, Poll, Position};
use super::{Case, Finding, Messages};
use crate::events::Events;

/// The last message that a process polled from a log.
#[derive(Clone, Copy)]
struct Place {
    offset: i64,
    row: u32,
    /// How often the process's position had been moved by others until then.
    moved: u32,
}

/// What is known of a process's position.
#[derive(Clone, Copy, Default)]
struct Reader {
    keeps_place: bool,
    moved: u32,
}

/// Findings: int-poll-skip, int-nonmonotonic-poll, poll-skip, nonmonotonic-poll.
pub fn judge(events: &Events, log: &Log, messages: &Messages, findings: &mut [Finding; 4]) {
    let mut known: FxHashMap<i64, Vec<i64>> = FxHashMap::default();
    for &(key, offset) in messages.at.keys() {
        known.entry(key).or_default().push(offset);
    }
    known.values_mut().for_each(|offsets| offsets.sort_unstable());
    let mut places: FxHashMap<(i32, i64), Place> = FxHashMap::default();
    let mut readers: FxHashMap<i32, Reader> = FxHashMap::default();
    let mut positions = log.positions.iter().peekable();
    for poll in &log.polls {
        while let Some(&&(_, process, position)) = positions.peek().filter(|&&&(row, _, _)| row < poll.invocation) {
            positions.next();
            let reader = readers.entry(process).or_default();
            reader.moved += 1;
            if position != Position::Lost {
                reader.keeps_place = position == Position::Assigned;
            }
        }
        let process = events.process[poll.invocation as usize];
        let Reader { keeps_place, moved } = readers.get(&process).copied().unwrap_or_default();
        let mut place = places.get(&(process, poll.key)).copied().filter(|place| place.moved == moved);
        for (offset, _) in poll.messages(events) {
            let is_inside = place.is_some_and(|place| place.row == poll.invocation);
            if let Some(place) = place.filter(|_| is_inside || keeps_place) {
                step(&known, poll, place, offset, &mut findings[if is_inside { 0..2 } else { 2..4 }]);
            }
            place = Some(Place { offset, row: poll.invocation, moved });
        }
        if let Some(place) = place {
            places.insert((process, poll.key), place);
        }
    }
}

/// From one message to the next.
fn step(known: &FxHashMap<i64, Vec<i64>>, poll: &Poll, place: Place, offset: i64, findings: &mut [Finding]) {
    let key = poll.key;
    let rows = if place.row == poll.invocation {
        vec![(poll.invocation, "polled both")]
    } else {
        vec![(place.row, "polled the one"), (poll.invocation, "polled the other")]
    };
    if offset <= place.offset {
        let told = format!("offset {offset} of log {key} was polled after offset {}", place.offset);
        findings[1].add(|| Case::new(&rows, told));
        return;
    }
    let offsets = known.get(&key).map_or(&[][..], Vec::as_slice);
    let skipped =
        offsets.get(offsets.partition_point(|&other| other <= place.offset)).filter(|&&between| between < offset);
    if let Some(between) = skipped {
        let told = format!(
            "offset {offset} of log {key} was polled right after {}, and there is a message at {between}",
            place.offset
        );
        findings[0].add(|| Case::new(&rows, told));
    }
}
