//! What only grows: no observation shows less than one before it. After Jepsen's `monotonic` and Elle's monotonic keys.
//!
//! Each key is a value that is incremented and never set back; without a key there is one.
//!
//! - `read` shows the value. It is at least what was seen by any operation that had returned before it began.
//! - `inc` raises the value and shows what it raised it to: more than was seen before it began, and nobody else's number.
//! - `read-all` shows every number that was handed out, in the order of the database's own time stamps: they rise (else they are
//!   *off-order*), none comes twice, and none that was acknowledged before is missing.
//!
//! Where a database only promises that a client sees nothing older than it has seen itself, `sessions` compares the operations of each process
//! with one another. Nothing is missing then, for a read may show an older state.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Case, Finding, Report};
use crate::events::{Events, is_number};
use crate::pairing::{Malformed, Outcome, Paired, pair};

/// The functions of something that grows.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Raises the value and shows what it became.
    pub increment: Option<u8>,
    /// Shows the value.
    pub read: Option<u8>,
    /// Shows all numbers that were handed out, in the database's order.
    pub read_all: Option<u8>,
}

#[derive(Clone, Copy)]
struct Seen {
    value: i64,
    by: u32,
}

struct Observation {
    operation: Paired,
    value: i64,
    is_increment: bool,
    /// The most that had been seen when it began.
    before: Option<Seen>,
}

#[derive(Clone, Copy)]
enum Moment {
    Began(usize),
    Ended(usize),
    AllBegan(usize),
}

type Key = (Option<i64>, Option<i32>);

/// Check every observation against those before it.
pub fn check(events: &Events, functions: Functions, sessions: bool) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let (mut observations, mut all, mut moments) = (Vec::new(), Vec::new(), Vec::new());
    let mut operations = 0;
    for operation in pair(events)? {
        let f = Some(events.f[operation.invocation as usize]);
        let (is_increment, is_all) = (f == functions.increment, f == functions.read_all);
        if !is_increment && !is_all && f != functions.read {
            continue;
        }
        operations += 1;
        if operation.outcome != Outcome::Ok {
            continue;
        }
        if is_all {
            moments.push((operation.invocation, Moment::AllBegan(all.len())));
            all.push(operation);
            continue;
        }
        let value = match events.value(operation.completion as usize) {
            Some(&[value]) if is_number(value) => value,
            // What nobody has incremented yet shows nothing, which tells nothing.
            None | Some([]) if !is_increment => continue,
            _ => {
                malformed.add(operation.completion as usize, "what only grows is one whole number".to_owned());
                continue;
            }
        };
        moments.push((operation.invocation, Moment::Began(observations.len())));
        moments.push((operation.completion, Moment::Ended(observations.len())));
        observations.push(Observation { operation, value, is_increment, before: None });
    }
    moments.sort_unstable_by_key(|&(row, _)| row);
    let [mut backwards, mut duplicated] = ["went-backwards", "duplicated"].map(Finding::new);
    let [mut off_order, mut lost] = ["off-order", "lost"].map(Finding::new);
    let mut highest: FxHashMap<Key, Seen> = FxHashMap::default();
    let mut handed_out: FxHashMap<(Option<i64>, i64), u32> = FxHashMap::default();
    let mut acknowledged: Vec<Seen> = Vec::new();
    let key_of = |operation: &Paired| {
        let row = operation.invocation as usize;
        (events.key(row), sessions.then(|| events.process[row]))
    };
    for (_, moment) in moments {
        match moment {
            Moment::Began(number) => {
                observations[number].before = highest.get(&key_of(&observations[number].operation)).copied()
            }
            Moment::Ended(number) => {
                let Observation { operation, value, is_increment, before } = observations[number];
                let by = operation.invocation;
                if let Some(before) =
                    before.filter(|before| value < before.value || is_increment && value == before.value)
                {
                    let role = if is_increment { "got less, or the same, later" } else { "saw less later" };
                    let told = format!("{value} was seen after {} had been", before.value);
                    backwards.add(|| Case::new(&[(before.by, "saw more, or the same"), (by, role)], told));
                }
                if is_increment {
                    let earlier = *handed_out.entry((key_of(&operation).0, value)).or_insert(by);
                    if earlier != by {
                        let rows = [(earlier, "got the number"), (by, "got it again")];
                        duplicated.add(|| Case::new(&rows, format!("{value} was handed out twice")));
                    }
                    acknowledged.push(Seen { value, by });
                }
                let seen = highest.entry(key_of(&operation)).or_insert(Seen { value, by });
                if seen.value < value {
                    *seen = Seen { value, by };
                }
            }
            Moment::AllBegan(number) => {
                let known = if sessions { &[][..] } else { &acknowledged };
                judge_all(events, &all[number], known, [&mut off_order, &mut duplicated, &mut lost]);
            }
        }
    }
    let seen = observations.len() + all.len();
    malformed.unless(Report::conclude(operations, seen, vec![backwards, off_order, duplicated, lost], Vec::new()))
}

/// One read of all numbers, in the database's order: `known` must be among them.
fn judge_all(events: &Events, read: &Paired, known: &[Seen], findings: [&mut Finding; 3]) {
    let [off_order, duplicated, lost] = findings;
    let numbers = events.value(read.completion as usize).unwrap_or(&[]);
    for pair in numbers.windows(2).filter(|pair| pair[0] > pair[1]) {
        let told = format!("{} comes after {} in the database's own order", pair[1], pair[0]);
        off_order.add(|| Case::new(&[(read.invocation, "read all")], told));
    }
    let mut seen: FxHashSet<i64> = FxHashSet::default();
    for &number in numbers.iter().filter(|&&number| !seen.insert(number)) {
        duplicated.add(|| Case::new(&[(read.invocation, "read all")], format!("{number} is there more than once")));
    }
    for missing in known.iter().filter(|known| !seen.contains(&known.value)) {
        let rows = [(missing.by, "got the number"), (read.invocation, "read all, without it")];
        lost.add(|| Case::new(&rows, format!("{} was handed out, and is not there", missing.value)));
    }
}
