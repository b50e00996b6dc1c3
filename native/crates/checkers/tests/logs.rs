//! Logs: what each finding is, with a twin that it must not be, and all of them against their definitions.
//! SCHRODINGER_FUZZ_CASES sets how many histories.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod operations;
mod oracle;
mod rows;

use operations::{FAIL, INFO, OK, Operation, random_operations, rows as laid_out, told};
use oracle::{Random, cases};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::{Report, log};
use schrodinger_checkers::pairing::Malformed;

const CASES: usize = 20_000;
const SEND: u8 = 0;
const POLL: u8 = 1;
const ASSIGN: u8 = 2;
const SUBSCRIBE: u8 = 3;
const LOG: log::Functions = log::Functions {
    send: Some(SEND),
    poll: Some(POLL),
    transaction: Some(4),
    assign: Some(ASSIGN),
    subscribe: Some(SUBSCRIBE),
};

/// Process, function, outcome, what was asked and answered.
type Line<'a> = (i32, u8, u8, &'a [i64], &'a [i64]);

/// One after the other.
fn found(operations: &[Line]) -> (Verdict, Vec<&'static str>) {
    told(reported(operations))
}

/// Likewise; the rows of the operation at place n are 2n and 2n + 1.
fn reported(operations: &[Line]) -> Result<Report, Malformed> {
    let placed: Vec<Operation> = operations
        .iter()
        .enumerate()
        .map(|(place, &(process, f, outcome, asked, answered))| Operation {
            process,
            f,
            key: None,
            interval: (2 * place, 2 * place + 1),
            outcome,
            asked: Some(asked.to_vec()),
            answered: Some(answered.to_vec()),
        })
        .collect();
    log::check(&laid_out(&placed).events(), LOG)
}

/// A message of log 7, acknowledged at an offset.
macro_rules! send {
    ($value:expr, $offset:expr) => {
        (0, SEND, OK, &[4, 7, 1, $value][..], &[4, 7, 2, $offset, $value][..])
    };
}

/// Process 1 polls offsets and values from log 7.
macro_rules! poll {
    ($($number:expr),*) => {
        (1, POLL, OK, &[][..], &[5, 7, const { [$($number),*].len() as i64 }, $($number),*][..])
    };
}

const ASSIGNED: Line<'static> = (1, ASSIGN, OK, &[7], &[7]);

#[test]
fn that_a_message_was_lost_is_shown_by_a_poll_that_could_have_seen_it() {
    let (former, fresh) = ([send!(11, 0), send!(12, 1), poll!(0, 11, 1, 12)], [send!(21, 0), send!(22, 1)]);
    let lines = [&former[..], &fresh, &[poll!(1, 22)]].concat();
    let report = reported(&lines).unwrap_or_else(|malformed| panic!("{malformed:?}"));
    let lost = report.findings.iter().find(|finding| finding.name == "lost-write");
    let shown = lost.map(|finding| (finding.count, finding.first[0].rows.clone()));
    assert_eq!(shown, Some((1, vec![6, 10])), "the poll at row 4 was over before the message was sent");
}

#[test]
fn messages_that_are_lost_doubled_or_made_up_are_found_and_an_honest_log_is_not() {
    let violation = |name| (Verdict::Violation, vec![name]);
    let (one, two, three) = (send!(11, 0), send!(12, 1), send!(13, 2));
    assert_eq!(found(&[one, two, poll!(0, 11, 1, 12)]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[one, two, three, poll!(2, 13), poll!(0, 11)]), violation("lost-write"));
    assert_eq!(found(&[one, two, three, poll!(0, 11, 2, 13), poll!(1, 12)]), violation("int-poll-skip"));
    assert_eq!(found(&[one, two, poll!(1, 12, 0, 11)]), violation("int-nonmonotonic-poll"));
    assert_eq!(found(&[one, poll!(0, 11), poll!(0, 11, 1, 11)]), violation("duplicate"));
    assert_eq!(found(&[one, send!(12, 0), poll!(0, 11)]), violation("inconsistent-offsets"));
    assert_eq!(found(&[one, poll!(0, 11, 1, 99)]), violation("unexpected"));
    assert_eq!(found(&[poll!(0, 11), one]), violation("unexpected"));
    let (failed, unknown) =
        ((0, SEND, FAIL, &[4, 7, 1, 11][..], &[][..]), (0, SEND, INFO, &[4, 7, 1, 11][..], &[][..]));
    assert_eq!(found(&[failed, poll!(0, 11)]), violation("G1a"));
    assert_eq!(found(&[unknown, poll!(0, 11)]), (Verdict::Valid, vec![]));
    assert_eq!(found(&[two, one, poll!(0, 11, 1, 12)]), violation("nonmonotonic-send"));
    let both = (0, 4, OK, &[4, 7, 1, 11, 4, 7, 1, 12][..], &[4, 7, 2, 1, 11, 4, 7, 2, 0, 12][..]);
    assert_eq!(found(&[both, poll!(0, 12, 1, 11)]), violation("int-nonmonotonic-send"));
    assert_eq!(found(&[one, two, poll!(0, 11)]), (Verdict::Unknown, vec![]));
    assert_eq!(found(&[one]).0, Verdict::Unknown);
}

#[test]
fn who_keeps_its_place_goes_on_from_there_and_who_was_moved_need_not() {
    let violation = |name| (Verdict::Violation, vec![name]);
    let sent = [send!(11, 0), send!(12, 1), send!(13, 2)];
    let after = |operations: &[Line<'static>]| {
        found(&[&sent[..], operations, &[(2, POLL, OK, &[], &[5, 7, 6, 0, 11, 1, 12, 2, 13])]].concat())
    };
    assert_eq!(after(&[ASSIGNED, poll!(0, 11), poll!(2, 13)]), violation("poll-skip"));
    assert_eq!(after(&[ASSIGNED, poll!(0, 11, 1, 12), poll!(1, 12)]), violation("nonmonotonic-poll"));
    assert_eq!(after(&[ASSIGNED, poll!(0, 11), poll!(1, 12, 2, 13)]), (Verdict::Valid, vec![]));
    assert_eq!(after(&[poll!(0, 11), poll!(2, 13)]), (Verdict::Valid, vec![]));
    assert_eq!(after(&[ASSIGNED, poll!(0, 11), ASSIGNED, poll!(2, 13)]), (Verdict::Valid, vec![]));
    assert_eq!(
        after(&[ASSIGNED, poll!(0, 11), (1, SUBSCRIBE, OK, &[7], &[7]), poll!(2, 13)]),
        (Verdict::Valid, vec![])
    );
    assert_eq!(after(&[ASSIGNED, poll!(0, 11), (1, POLL, FAIL, &[], &[]), poll!(2, 13)]), (Verdict::Valid, vec![]));
}

#[test]
fn what_an_operation_saw_that_failed_is_in_the_log_and_has_been_polled_by_nobody() {
    let violation = |name| (Verdict::Violation, vec![name]);
    let sent = [send!(11, 0), send!(12, 1), send!(13, 2)];
    let all: Line = (2, POLL, OK, &[], &[5, 7, 6, 0, 11, 1, 12, 2, 13]);
    let failed = |saw: &'static [i64]| (1, POLL, FAIL, saw, &[][..]);
    let after = |saw| found(&[&sent[..], &[failed(saw), all]].concat());
    assert_eq!(after(&[5, 7, 4, 0, 11, 1, 12]), (Verdict::Valid, vec![]));
    assert_eq!(after(&[5, 7, 2, 4, 11]), violation("duplicate"));
    assert_eq!(after(&[5, 7, 4, 0, 11, 2, 13]), violation("int-poll-skip"));
    assert_eq!(after(&[5, 7, 4, 2, 13, 1, 12]), violation("int-nonmonotonic-poll"));
    // It need not say what it saw.
    for saw in [&[][..], &[5, 7, -1]] {
        assert_eq!(after(saw), (Verdict::Valid, vec![]), "{saw:?}");
    }
    // Its transaction was rolled back, so somebody else has to get what it got.
    let last: Line = (2, POLL, OK, &[], &[5, 7, 4, 0, 11, 2, 13]);
    assert_eq!(found(&[&sent[..], &[failed(&[5, 7, 2, 1, 12]), last]].concat()).1, ["lost-write", "int-poll-skip"]);
    // That a message was there whose send failed is an aborted read only of who completed.
    let aborted: Line = (0, SEND, FAIL, &[4, 7, 1, 14], &[]);
    assert_eq!(found(&[&sent[..], &[aborted, failed(&[5, 7, 2, 3, 14]), all]].concat()), (Verdict::Valid, vec![]));
}

#[test]
fn steps_that_make_no_sense_and_messages_that_are_sent_twice_are_malformed_with_their_row() {
    let row = |operations: &[Operation]| {
        log::check(&laid_out(operations).events(), LOG).err().map(|malformed| malformed.problems[0].row)
    };
    let operation = |at: usize, f: u8, answered: &[i64]| Operation {
        process: 0,
        f,
        key: None,
        interval: (at, at + 1),
        outcome: OK,
        asked: None,
        answered: Some(answered.to_vec()),
    };
    for steps in [&[4, 7][..], &[4, 7, 3, 1, 2, 3], &[5, 7, 1, 0], &[0, 7, 1, 1], &[4, 7, 9, 1], &[5, 7, -2]] {
        assert_eq!(row(&[operation(0, 4, steps)]), Some(1), "{steps:?}");
    }
    assert_eq!(row(&[operation(0, SEND, &[4, 7, 1, 5]), operation(2, SEND, &[4, 7, 1, 5])]), Some(2));
}

/// Log 1 is :x and log 2 is :y; messages a, b, c, … are 1, 2, 3, …
mod jepsen {
    use super::{INFO, Line, OK, POLL, SEND, found};

    fn has(operations: &[Line], name: &str) -> bool {
        found(operations).1.contains(&name)
    }

    #[test]
    fn version_orders_a_real_world_example() {
        let (first, second) = ((379, SEND, OK, &[4, 11, 1, 641][..], &[4, 11, 2, 537, 641][..]), &[4, 11, 2, 537, 645]);
        assert!(has(&[first, (363, SEND, OK, &[4, 11, 1, 645], second)], "inconsistent-offsets"));
    }

    #[test]
    fn inconsistent_offsets_info_conflicts() {
        let unknown: Line = (0, SEND, INFO, &[4, 1, 1, 1, 4, 2, 1, 1], &[4, 1, 2, 0, 1, 4, 2, 1, 1]);
        let conflict: Line = (1, SEND, OK, &[4, 1, 1, 2], &[4, 1, 2, 0, 2]);
        assert!(!has(&[unknown, conflict], "inconsistent-offsets"));
        assert!(has(&[unknown, conflict, (2, POLL, OK, &[], &[5, 2, 2, 5, 1])], "inconsistent-offsets"));
    }

    #[test]
    fn g1a() {
        let failed: Line = (0, SEND, super::FAIL, &[4, 1, 1, 2, 4, 2, 1, 3], &[]);
        assert!(has(&[failed, (1, POLL, OK, &[], &[5, 1, 2, 0, 2])], "G1a"));
    }

    #[test]
    fn duplicate_aborted_txns() {
        let sent: Line = (0, SEND, OK, &[4, 1, 1, 1], &[4, 1, 2, 1, 1]);
        let aborted: Line = (0, SEND, super::FAIL, &[4, 1, 2, 2, 2], &[]);
        let polled: Line = (1, POLL, super::FAIL, &[5, 1, 4, 11, 1, 12, 2], &[]);
        assert_eq!(found(&[sent, aborted, polled]).1, ["duplicate"]);
        let honest: Line = (1, POLL, super::FAIL, &[5, 1, 4, 1, 1, 12, 2], &[]);
        assert!(found(&[sent, aborted, honest]).1.is_empty());
    }

    #[test]
    fn lost_write_consistent() {
        let a: Line = (0, SEND, OK, &[4, 1, 1, 1], &[4, 1, 2, 0, 1]);
        let bd: Line = (0, SEND, OK, &[4, 1, 1, 2, 4, 1, 1, 4], &[4, 1, 2, 1, 2, 4, 1, 2, 3, 4]);
        let c: Line = (1, SEND, INFO, &[4, 1, 1, 3], &[4, 1, 1, 3]);
        assert!(has(&[a, bd, c, (2, POLL, OK, &[], &[5, 1, 2, 2, 3])], "lost-write"));
        assert!(!has(&[a, bd, c, (2, POLL, OK, &[], &[5, 1, 6, 0, 1, 1, 2, 2, 3])], "lost-write"));
    }

    #[test]
    fn lost_write_atomic() {
        let ab: Line = (0, SEND, INFO, &[4, 1, 1, 1, 4, 2, 1, 2], &[4, 1, 1, 1, 4, 2, 2, 0, 2]);
        let c: Line = (1, SEND, INFO, &[4, 2, 1, 3], &[4, 2, 1, 3]);
        let (poll_a, poll_c): (Line, Line) =
            ((2, POLL, OK, &[], &[5, 1, 2, 0, 1]), (3, POLL, OK, &[], &[5, 2, 2, 1, 3]));
        assert!(!has(&[ab, c, poll_c], "lost-write"));
        assert!(has(&[ab, c, poll_a, poll_c], "lost-write"));
    }
}

struct Message {
    value: i64,
    offset: Option<i64>,
}

/// What an operation sent, or polled.
fn messages(operation: &Operation) -> Vec<Message> {
    let steps = if operation.outcome == FAIL { &operation.asked } else { &operation.answered };
    match steps.as_deref() {
        Some([_, _, 1, value]) => vec![Message { value: *value, offset: None }],
        Some([_, _, _, pairs @ ..]) => {
            pairs.chunks(2).map(|pair| Message { value: pair[1], offset: Some(pair[0]) }).collect()
        }
        _ => vec![],
    }
}

/// The names of all that is wrong, by comparing everything with everything.
fn wrong(operations: &[Operation]) -> Vec<&'static str> {
    let sends = || operations.iter().filter(|o| o.f == SEND);
    let all_polls = || operations.iter().filter(|o| o.f == POLL);
    let polls = || all_polls().filter(|o| o.is_ok());
    let value = |send: &Operation| messages(send)[0].value;
    let is_certain = |o: &&Operation| {
        let was_polled = |value: i64| polls().flat_map(messages).any(|m| m.value == value);
        o.is_ok() && o.f == SEND || o.f == POLL || o.f == SEND && o.outcome == INFO && was_polled(value(o))
    };
    let told = || operations.iter().filter(is_certain).flat_map(messages).filter_map(|m| Some((m.offset?, m.value)));
    let polled = || polls().flat_map(messages).filter_map(|m| Some((m.offset?, m.value)));
    let offset = |send: &Operation| messages(send)[0].offset.filter(|_| is_certain(&send));
    let inconsistent = told().any(|one| told().any(|other| one.0 == other.0 && one.1 != other.1));
    let duplicate = told().any(|one| told().any(|other| one.0 != other.0 && one.1 == other.1));
    let sender = |value_: i64| sends().find(|send| value(send) == value_);
    let unexpected = polls().any(|poll| {
        messages(poll).iter().any(|m| sender(m.value).is_none_or(|send| send.outcome != FAIL && poll.is_before(send)))
    });
    let aborted = polled().any(|(_, value)| sender(value).is_some_and(|send| send.outcome == FAIL));
    let is_polled = |send: &Operation| polled().any(|(_, other)| other == value(send));
    let lost = sends()
        .any(|send| !is_polled(send) && polled().any(|(end, _)| offset(send).is_some_and(|offset| offset < end)));
    let is_between = |from: i64, to: i64| told().any(|(offset, _)| from < offset && offset < to);
    let (mut skips, mut falls) = ([false; 2], [false; 2]);
    for poll in all_polls() {
        let offsets: Vec<i64> = messages(poll).iter().filter_map(|m| m.offset).collect();
        for pair in offsets.windows(2) {
            falls[0] |= pair[1] <= pair[0];
            skips[0] |= is_between(pair[0], pair[1]);
        }
        let own = || operations.iter().filter(|o| o.process == poll.process && o.is_before(poll));
        let moved = own().filter(|o| o.f == ASSIGN || o.f == SUBSCRIBE).max_by_key(|o| o.interval);
        let shaken =
            own().filter(|o| o.f == ASSIGN || o.f == SUBSCRIBE || o.f == POLL && !o.is_ok()).max_by_key(|o| o.interval);
        let last = own().filter(|o| o.f == POLL && o.is_ok() && !messages(o).is_empty()).max_by_key(|o| o.interval);
        let is_told = moved.is_some_and(|o| o.f == ASSIGN && o.is_ok());
        if let (true, Some(last), Some(&next)) = (is_told, last, offsets.first()) {
            let place = messages(last).last().and_then(|m| m.offset);
            if let Some(place) = place.filter(|_| shaken.is_some_and(|shaken| shaken.is_before(last))) {
                falls[1] |= next <= place;
                skips[1] |= is_between(place, next);
            }
        }
    }
    let backwards = sends()
        .any(|one| sends().any(|other| one.is_before(other) && offset(other).is_some() && offset(one) > offset(other)));
    let names = [
        ("inconsistent-offsets", inconsistent),
        ("duplicate", duplicate),
        ("unexpected", unexpected),
        ("G1a", aborted),
        ("lost-write", lost),
        ("int-poll-skip", skips[0]),
        ("int-nonmonotonic-poll", falls[0]),
        ("poll-skip", skips[1]),
        ("nonmonotonic-poll", falls[1]),
        ("nonmonotonic-send", backwards),
    ];
    names.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

/// Sends to one log and polls of it, with a mistake now and then.
fn random_log(random: &mut Random) -> Vec<Operation> {
    let mistakes = [0, 3, 12][random.below(3)];
    let mut log: Vec<i64> = Vec::new();
    let mut fresh = 0;
    let mut place: std::collections::HashMap<i32, usize> = std::collections::HashMap::new();
    random_operations(random, 20, 2, |random, operation| {
        operation.f = [SEND, SEND, SEND, POLL, POLL, POLL, POLL, ASSIGN, SUBSCRIBE][random.below(9)];
        operation.asked = Some(vec![]);
        operation.answered = Some(vec![]);
        if operation.f == SEND {
            fresh += 1;
            operation.asked = Some(vec![4, 7, 1, fresh]);
            let mut offset = log.len() as i64;
            if random.chance(mistakes) {
                offset += random.below(3) as i64 - 1;
            }
            if operation.is_ok() || random.chance(if operation.outcome == INFO { 50 } else { mistakes }) {
                log.push(fresh);
            }
            let is_known = random.chance(80);
            operation.answered = Some(if is_known { vec![4, 7, 2, offset, fresh] } else { vec![4, 7, 1, fresh] });
        } else if operation.f == POLL {
            let place = place.entry(operation.process).or_insert(0);
            let mut pairs = Vec::new();
            let jump = if random.chance(5 * mistakes) { 0 } else { 9 };
            for step in 0..random.below(5) {
                if step == jump || random.chance(mistakes) {
                    *place = if random.chance(50) { *place + 1 } else { random.below(log.len() + 2) };
                }
                let Some(&value) = log.get(*place) else { break };
                pairs.extend([*place as i64, if random.chance(mistakes) { random.below(9) as i64 } else { value }]);
                *place += 1;
            }
            operation.answered = Some([&[5, 7, pairs.len() as i64][..], &pairs].concat());
            // Who fails says what was asked, which is here what it saw.
            operation.asked = if operation.outcome == FAIL { operation.answered.clone() } else { Some(vec![]) };
        } else {
            place.insert(operation.process, if operation.f == ASSIGN { 0 } else { random.below(log.len() + 1) });
        }
    })
}

#[test]
fn logs_are_judged_by_the_definition() {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for seed in 0..cases(CASES) as u64 {
        let operations = random_log(&mut Random(seed));
        let (verdict, findings) = told(log::check(&laid_out(&operations).events(), LOG));
        assert_eq!(findings, wrong(&operations), "seed {seed}: {operations:?}");
        for name in findings {
            *counts.entry(name).or_default() += 1;
        }
        *counts.entry(verdict.name()).or_default() += 1;
    }
    assert_eq!(counts.len(), 13, "not every finding and verdict came up: {counts:?}");
    assert!(counts.values().all(|&count| count > cases(CASES) / 2000), "{counts:?}: too few to mean anything");
}
