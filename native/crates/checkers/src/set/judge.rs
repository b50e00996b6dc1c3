//! Says of each element what became of it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::{Element, Read, SetHistory};
use super::{Duplicated, Known, Lost, Named, PERCENTS, Quantiles, Set, Stale, Unexpected, Why};
use crate::events::Events;
use crate::pairing::Outcome;

const NONE: u32 = u32::MAX;

/// What the reads said of one element. Reads are numbered by invocation.
#[derive(Clone, Copy, Debug)]
struct Track {
    known: Option<Known>,
    /// The read that saw it and returned first, and the read that saw it and returned last.
    first_seen: u32,
    last_seen: u32,
    /// The first read that had to see it, and the next that has to.
    watched_from: u32,
    expected: u32,
    /// The first read that lacked it, and the first that saw it after the latest that lacked it.
    missed_by: u32,
    back_in: u32,
    vanished: usize,
    /// The read looked at last, and how often it had the element.
    counted_in: u32,
    times: usize,
    duplicated_in: u32,
    duplicated_times: usize,
}

/// What became of the elements of some sets, with all latencies.
#[derive(Default)]
pub struct Judged {
    set: Set,
    stale_latencies: Vec<i64>,
    lost_latencies: Vec<i64>,
}

impl Judged {
    /// What became of the elements of other sets as well.
    pub fn and(mut self, other: Judged) -> Judged {
        self.stale_latencies.extend(other.stale_latencies);
        self.lost_latencies.extend(other.lost_latencies);
        Judged { set: self.set.and(other.set), ..self }
    }

    /// All of it, summed up.
    pub fn into_set(self) -> Set {
        let (stale_latencies, lost_latencies) = (quantiles(self.stale_latencies), quantiles(self.lost_latencies));
        Set { stale_latencies, lost_latencies, ..self.set }
    }
}

/// Judge every element of a set. An interrupt ends it early, with nothing to be relied on.
pub fn judge(events: &Events, history: &SetHistory, interrupt: &AtomicBool) -> Judged {
    let mut tracks = known(history);
    for track in &mut tracks {
        if let Some(known) = track.known {
            let first = history.reads.partition_point(|read| read.invocation < known.since) as u32;
            (track.watched_from, track.expected) = (first, first);
        }
    }
    for read in 0..history.reads.len() {
        if interrupt.load(Ordering::Relaxed) {
            break;
        }
        for &element in history.seen_by(read) {
            tracks[element as usize].seen_in(read as u32);
        }
    }
    summary(events, history, &tracks)
}

/// What is known of each element, by its add and by the reads that saw it.
fn known(history: &SetHistory) -> Vec<Track> {
    let track = |element: &Element| {
        let acknowledged = element.add.filter(|add| add.outcome == Outcome::Ok);
        Track {
            known: acknowledged.map(|add| Known { since: add.completion, by: add.invocation }),
            first_seen: NONE,
            last_seen: NONE,
            watched_from: NONE,
            expected: NONE,
            missed_by: NONE,
            back_in: NONE,
            vanished: 0,
            counted_in: NONE,
            times: 0,
            duplicated_in: NONE,
            duplicated_times: 0,
        }
    };
    let mut tracks: Vec<Track> = history.elements.iter().map(track).collect();
    let returned = |read: u32| history.reads[read as usize].completion;
    for (number, read) in history.reads.iter().enumerate() {
        let number = number as u32;
        let seen = Known { since: read.completion, by: read.invocation };
        for &element in history.seen_by(number as usize) {
            let track = &mut tracks[element as usize];
            if track.known.is_none_or(|known| seen.since < known.since) {
                track.known = Some(seen);
            }
            if track.first_seen == NONE || returned(track.first_seen) > read.completion {
                track.first_seen = number;
            }
            if track.last_seen == NONE || returned(track.last_seen) < read.completion {
                track.last_seen = number;
            }
        }
    }
    tracks
}

impl Track {
    fn seen_in(&mut self, read: u32) {
        if self.counted_in == read {
            self.times += 1;
            if self.duplicated_in == NONE || self.duplicated_in == read {
                (self.duplicated_in, self.duplicated_times) = (read, self.times);
            }
            return;
        }
        (self.counted_in, self.times) = (read, 1);
        if self.watched_from == NONE || read < self.watched_from {
            return;
        }
        if read > self.expected {
            self.miss();
            self.back_in = read;
        }
        self.expected = read + 1;
    }

    /// Reads from the expected one on lacked it.
    fn miss(&mut self) {
        self.vanished += 1;
        if self.missed_by == NONE {
            self.missed_by = self.expected;
        }
    }
}

fn summary(events: &Events, history: &SetHistory, tracks: &[Track]) -> Judged {
    let key = history.key;
    let adds = || history.elements.iter().filter_map(|element| element.add);
    let acknowledged = || adds().filter(|add| add.outcome == Outcome::Ok);
    let last_read = history.reads.last().map(|read| read.invocation);
    let mut set = Set {
        attempts: adds().count(),
        acknowledged: acknowledged().count(),
        reads: history.reads.len(),
        final_read: last_read.is_some() && acknowledged().map(|add| add.completion).max() < last_read,
        ..Set::default()
    };
    let (mut stale_latencies, mut lost_latencies) = (Vec::new(), Vec::new());
    let mut order: Vec<usize> = (0..tracks.len()).collect();
    order.sort_by_key(|&index| (tracks[index].known, history.elements[index].value));
    for index in order {
        let (element, track) = (&history.elements[index], &tracks[index]);
        note_odd(&mut set, history, element, track);
        let may_be_there = element.add.is_some_and(|add| add.outcome != Outcome::Fail);
        let Some(known) = track.known.filter(|_| may_be_there) else { continue };
        let elapsed = |row: u32| events.time[row as usize].saturating_sub(events.time[known.since as usize]).max(0);
        match fate(history, track, known) {
            Fate::NeverRead => set.never_read.add(Named { key, element: element.value }),
            Fate::Stable => set.stable += 1,
            Fate::Lost { missed_by } => {
                lost_latencies.push(elapsed(missed_by.invocation));
                let last_seen = history.reads.get(track.last_seen as usize).map(|read| read.invocation);
                set.lost.add(Lost { key, element: element.value, known, last_seen, missed_by: missed_by.invocation });
            }
            Fate::Stale { missed_by, seen_by, vanished } => {
                stale_latencies.push(elapsed(seen_by.completion));
                let (missed_by, seen_by) = (missed_by.invocation, seen_by.invocation);
                set.stale.add(Stale { key, element: element.value, known, missed_by, seen_by, vanished });
            }
        }
    }
    Judged { set, stale_latencies, lost_latencies }
}

/// What became of an element that must be there.
enum Fate {
    NeverRead,
    Stable,
    Lost { missed_by: Read },
    Stale { missed_by: Read, seen_by: Read, vanished: usize },
}

fn fate(history: &SetHistory, track: &Track, known: Known) -> Fate {
    let mut track = *track;
    let reads = &history.reads;
    let last_seen = reads.get(track.last_seen as usize);
    let gone_after = last_seen.map_or(known.since, |read| read.completion.max(known.since));
    if let Some(&missed_by) = reads.get(reads.partition_point(|read| read.invocation < gone_after)) {
        return Fate::Lost { missed_by };
    }
    if (track.expected as usize) < reads.len() {
        track.miss();
        track.back_in = track.last_seen;
    }
    match (reads.get(track.missed_by as usize), reads.get(track.back_in as usize)) {
        (Some(&missed_by), Some(&seen_by)) => Fate::Stale { missed_by, seen_by, vanished: track.vanished },
        _ if last_seen.is_none() => Fate::NeverRead,
        _ => Fate::Stable,
    }
}

/// What must not be, whatever became of the element later, and what is good to know.
fn note_odd(set: &mut Set, history: &SetHistory, element: &Element, track: &Track) {
    if let Some(read) = history.reads.get(track.duplicated_in as usize) {
        let times = track.duplicated_times;
        set.duplicated.add(Duplicated { key: history.key, element: element.value, seen_by: read.invocation, times });
    }
    let Some(read) = history.reads.get(track.first_seen as usize) else { return };
    let why = match element.add {
        None => Why::NeverAttempted,
        Some(add) if add.invocation > read.completion => Why::NotYetAttempted(add.invocation),
        Some(add) if add.outcome == Outcome::Fail => Why::Failed(add.invocation),
        Some(add) => {
            if add.outcome == Outcome::Info {
                set.recovered.add(Named { key: history.key, element: element.value });
            }
            return;
        }
    };
    set.unexpected.add(Unexpected { key: history.key, element: element.value, seen_by: read.invocation, why });
}

/// Nothing if there are no values.
fn quantiles(mut values: Vec<i64>) -> Option<Quantiles> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    Some(PERCENTS.map(|percent| values[last.min(percent * values.len() / 100)]))
}
