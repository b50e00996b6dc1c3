//! Sequential consistency and session guarantees against their definitions, on random small histories: every interleaving of the
//! processes, and every order of the writes. SCHRODINGER_FUZZ_CASES sets how many.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod operations;
mod oracle;
mod rows;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use operations::{FAIL, INFO, OK, Operation, rows as laid_out};
use oracle::{Random, cases};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::invariants::Report;
use schrodinger_checkers::registers::sessions::{
    self, ALL, Guarantees, MONOTONIC_READS, MONOTONIC_WRITES, READ_YOUR_WRITES, WRITES_FOLLOW_READS,
};
use schrodinger_checkers::registers::{Functions, sequential};

const CASES: usize = 6_000;
const READ: u8 = 0;
const WRITE: u8 = 1;
const CAS: u8 = 2;
const FUNCTIONS: Functions = Functions { read: Some(READ), write: Some(WRITE), cas: Some(CAS) };

fn check_sequential(history: &[Operation], max_steps: u64) -> Report {
    let options = sequential::Options { functions: FUNCTIONS, initial: None, max_steps, max_bytes: 100_000_000 };
    sequential::check(&laid_out(history).events(), &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| panic!("{malformed:?}"))
}

fn check_sessions(history: &[Operation], guarantees: Guarantees) -> Report {
    let options = sessions::Options { functions: FUNCTIONS, initial: None, guarantees };
    sessions::check(&laid_out(history).events(), &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| panic!("{malformed:?}"))
}

fn names(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.name).collect()
}

/// What an operation finds, if it is known, and what it leaves.
fn found(operation: &Operation) -> Option<Option<i64>> {
    match operation.f {
        READ => (operation.outcome == OK).then(|| operation.answered.as_ref().map(|values| values[0])),
        CAS => operation.asked.as_ref().map(|values| Some(values[0])),
        _ => None,
    }
}

fn left(operation: &Operation) -> Option<i64> {
    operation.asked.as_ref().filter(|_| operation.f != READ).and_then(|values| values.last().copied())
}

/// The sessions: an operation that may have happened is the last of its own.
fn sessions_of(history: &[Operation]) -> Vec<Vec<&Operation>> {
    let mut sessions: BTreeMap<i32, Vec<&Operation>> = BTreeMap::new();
    for operation in history.iter().filter(|operation| operation.outcome != FAIL) {
        if operation.f != READ || operation.outcome == OK {
            sessions.entry(operation.process).or_default().push(operation);
        }
    }
    sessions.into_values().collect()
}

/// Whether some interleaving of the sessions explains every read.
fn is_sequential(sessions: &[Vec<&Operation>], done: &mut Vec<usize>, store: &BTreeMap<Option<i64>, i64>) -> bool {
    let is_over = |(session, &place): (&Vec<&Operation>, &usize)| session[place..].iter().all(|o| o.outcome == INFO);
    if sessions.iter().zip(done.iter()).all(is_over) {
        return true;
    }
    (0..sessions.len()).any(|session| {
        let Some(next) = sessions[session].get(done[session]) else { return false };
        if found(next).is_some_and(|wanted| store.get(&next.key).copied() != wanted) {
            return false;
        }
        let mut after = store.clone();
        if let Some(value) = left(next) {
            after.insert(next.key, value);
        }
        done[session] += 1;
        let is_possible = is_sequential(sessions, done, &after);
        done[session] -= 1;
        is_possible
    })
}

/// One order of everything, of which each process sees its part at another time; a read or two may be spoilt.
fn random(seed: u64, distinct: bool) -> Vec<Operation> {
    let mut random = Random(seed);
    let (workers, keys) = (1 + random.below(3), 1 + random.below(2) as i64);
    let mut process: Vec<i32> = (0..workers as i32).collect();
    let mut store: BTreeMap<i64, i64> = BTreeMap::new();
    let (mut fresh, mut history) = (0, Vec::<Operation>::new());
    for _ in 0..2 + random.below(6) {
        let worker = random.below(workers);
        let key = random.below(keys as usize) as i64;
        let held = store.get(&key).copied();
        fresh += 1;
        let value = if distinct { fresh } else { 1 + random.below(3) as i64 };
        let outcome = [OK, OK, OK, OK, OK, FAIL, INFO][random.below(7)];
        let takes_effect = outcome == OK || (outcome == INFO && random.chance(60));
        let (f, asked, answered) = match random.below(10) {
            0..5 => (READ, None, held.map(|value| vec![value])),
            5..9 => (WRITE, Some(vec![value]), Some(vec![value])),
            _ => match held.filter(|&held| held != value) {
                Some(held) => (CAS, Some(vec![held, value]), Some(vec![held, value])),
                None => (READ, None, held.map(|value| vec![value])),
            },
        };
        if f != READ && takes_effect {
            store.insert(key, value);
        }
        let interval = (0, 0);
        history.push(Operation { process: process[worker], f, key: Some(key), interval, outcome, asked, answered });
        if outcome == INFO {
            process[worker] = 100 + history.len() as i32;
        }
    }
    spoil(&mut random, &mut history);
    // Times that keep the order of each process and nothing else.
    let mut delay: BTreeMap<i32, usize> = BTreeMap::new();
    for (place, operation) in history.iter_mut().enumerate() {
        let late = delay.entry(operation.process).or_insert_with(|| 200 * random.below(6));
        operation.interval = (*late + 10 * place, *late + 10 * place + 5);
    }
    history.sort_by_key(|operation| operation.interval);
    history
}

/// Let up to two reads see something else: older, newer, or nothing.
fn spoil(random: &mut Random, history: &mut [Operation]) {
    for _ in 0..[0, 1, 1, 2][random.below(4)] {
        let place = random.below(history.len());
        let key = history[place].key;
        let values: Vec<i64> = history.iter().filter(|operation| operation.key == key).filter_map(left).collect();
        let reader = &mut history[place];
        if reader.f == READ && !values.is_empty() {
            let value = values[random.below(values.len())];
            reader.answered = (!random.chance(15)).then_some(vec![value]);
        }
    }
}

#[test]
fn sequential_consistency_agrees_with_every_interleaving() {
    let mut impossible = [0; 2];
    for seed in 0..cases(CASES) as u64 {
        let history = random(seed, seed % 3 != 0);
        let sessions = sessions_of(&history);
        let is_possible = is_sequential(&sessions, &mut vec![0; sessions.len()], &BTreeMap::new());
        let report = check_sequential(&history, 1_000_000);
        let expected = match (is_possible, report.observations) {
            (false, _) => Verdict::Violation,
            (true, 0) => Verdict::Unknown,
            (true, _) => Verdict::Valid,
        };
        assert_eq!(report.verdict, expected, "seed {seed}\n{history:#?}\n{report:?}");
        impossible[(seed % 3 != 0) as usize] += usize::from(!is_possible);
    }
    assert!(impossible.iter().all(|&count| count > cases(CASES) / 50), "{impossible:?}: too few to mean anything");
}

/// An operation, by its session and its place there.
type Place = (usize, usize);
/// A write that must come before another, or before what a key holds at first, which nothing does.
type Must = Vec<(Place, Option<Place>)>;

/// The definition of some guarantees: an order of the writes in which each read returns the last that it sees, for the least that it must
/// see.
struct Definition<'a> {
    sessions: Vec<Vec<&'a Operation>>,
    /// Those that happened, by session and place.
    writes: Vec<Place>,
}

impl<'a> Definition<'a> {
    /// Nothing if somebody read what was not written.
    fn new(history: &'a [Operation]) -> Option<Definition<'a>> {
        let sessions = sessions_of(history);
        let places = || {
            let of = |session: usize| (0..sessions[session].len()).map(move |place| (session, place));
            (0..sessions.len()).flat_map(of)
        };
        let at = |(session, place): Place| sessions[session][place];
        let mut happened: Vec<Place> = places().filter(|&place| at(place).outcome == OK).collect();
        let mut next = 0;
        while next < happened.len() {
            let operation = at(happened[next]);
            if let Some(Some(value)) = found(operation) {
                let writer = places().find(|&w| at(w).key == operation.key && left(at(w)) == Some(value))?;
                if !happened.contains(&writer) {
                    happened.push(writer);
                }
            }
            next += 1;
        }
        let writes = happened.into_iter().filter(|&place| left(at(place)).is_some()).collect();
        Some(Definition { sessions, writes })
    }

    fn at(&self, (session, place): Place) -> &'a Operation {
        self.sessions[session][place]
    }

    fn source(&self, reader: &Operation) -> Option<Place> {
        let value = found(reader)??;
        self.writes.iter().copied().find(|&w| self.at(w).key == reader.key && left(self.at(w)) == Some(value))
    }

    /// The writes that a read must see: its own, and what the guarantees add.
    fn sees(&self, guarantees: Guarantees, session: usize, place: usize) -> Vec<Place> {
        let mut seen: Vec<Place> = self.source(self.sessions[session][place]).into_iter().collect();
        for earlier in 0..place {
            let operation = self.sessions[session][earlier];
            if guarantees & READ_YOUR_WRITES != 0 && left(operation).is_some() {
                seen.push((session, earlier));
            }
            if guarantees & MONOTONIC_READS != 0 && found(operation).is_some() {
                seen.extend(self.source(operation));
            }
        }
        seen
    }

    /// Pairs of writes of which one must be first: the earlier, or nothing for what a key holds at first, and the later.
    fn must(&self, guarantees: Guarantees) -> Must {
        let mut must = Vec::new();
        for (session, operations) in self.sessions.iter().enumerate() {
            for (place, &operation) in operations.iter().enumerate() {
                let is_read = found(operation).is_some() && operation.outcome == OK;
                if is_read {
                    let source = self.source(operation);
                    let seen = self.sees(guarantees, session, place);
                    let others = seen.into_iter().filter(|&w| Some(w) != source && self.at(w).key == operation.key);
                    must.extend(others.map(|other| (other, source)));
                }
                if !self.writes.contains(&(session, place)) {
                    continue;
                }
                // A compare-and-set found what it replaced.
                must.extend(self.source(operation).map(|source| (source, Some((session, place)))));
                for (earlier, before) in operations[..place].iter().enumerate() {
                    if guarantees & MONOTONIC_WRITES != 0 && left(before).is_some() {
                        must.push(((session, earlier), Some((session, place))));
                    }
                    if guarantees & WRITES_FOLLOW_READS != 0 && found(before).is_some() {
                        must.extend(self.source(before).map(|source| (source, Some((session, place)))));
                    }
                }
            }
        }
        must
    }

    fn holds(&self, guarantees: Guarantees) -> bool {
        self.has_order(&mut Vec::new(), &self.must(guarantees))
    }

    fn has_order(&self, order: &mut Vec<Place>, must: &[(Place, Option<Place>)]) -> bool {
        if order.len() == self.writes.len() {
            return must.iter().all(|(_, later)| later.is_some());
        }
        self.writes.iter().any(|&next| {
            let is_early = must.iter().any(|&(one, other)| other == Some(next) && !order.contains(&one));
            if order.contains(&next) || is_early {
                return false;
            }
            order.push(next);
            let has_order = self.has_order(order, must);
            order.pop();
            has_order
        })
    }

    /// Causal consistency: a read sees all writes that lead to it.
    fn is_causal(&self) -> bool {
        let all: Vec<Place> = (0..self.sessions.len())
            .flat_map(|session| (0..self.sessions[session].len()).map(move |place| (session, place)))
            .filter(|&place| self.at(place).outcome == OK || self.writes.contains(&place))
            .collect();
        let leads = |one: Place, other: Place| {
            (one.0 == other.0 && one.1 < other.1) || (one != other && self.source(self.at(other)) == Some(one))
        };
        let mut must = Vec::new();
        for &start in self.writes.iter() {
            let (mut reached, mut next) = (vec![start], 0);
            while next < reached.len() {
                for &operation in &all {
                    if leads(reached[next], operation) && (operation == start || !reached.contains(&operation)) {
                        if operation == start {
                            return false;
                        }
                        reached.push(operation);
                    }
                }
                next += 1;
            }
            for &operation in reached[1..].iter() {
                if self.writes.contains(&operation) {
                    must.push((start, Some(operation)));
                }
                let source = self.source(self.at(operation));
                let is_same = self.at(operation).key == self.at(start).key;
                if is_same && found(self.at(operation)).is_some() && source != Some(start) {
                    must.push((start, source));
                }
            }
        }
        self.has_order(&mut Vec::new(), &must)
    }
}

/// Every set but those in which what a session read also carries what it wrote: they are looked at by parts.
fn sets() -> impl Iterator<Item = Guarantees> {
    let carries = READ_YOUR_WRITES | WRITES_FOLLOW_READS;
    (1..ALL).filter(move |set| set & carries != carries || set & MONOTONIC_WRITES != 0)
}

#[test]
fn session_guarantees_agree_with_every_order_of_the_writes() {
    let mut broken = [0_usize; 16];
    for seed in 0..cases(CASES) as u64 {
        let history = random(1 << 40 | seed, true);
        let definition = Definition::new(&history);
        for set in sets() {
            let report = check_sessions(&history, set);
            let is_possible = definition.as_ref().is_some_and(|definition| definition.holds(set));
            let is_violation = report.verdict == Verdict::Violation;
            assert_eq!(is_violation, !is_possible, "seed {seed}, {set}\n{history:#?}\n{report:?}");
            broken[set as usize] += usize::from(!is_possible && definition.is_some());
        }
        let report = check_sessions(&history, ALL);
        let is_possible = definition.as_ref().is_some_and(|definition| definition.holds(ALL) && definition.is_causal());
        assert_eq!(report.verdict == Verdict::Violation, !is_possible, "seed {seed}\n{history:#?}\n{report:?}");
        broken[ALL as usize] += usize::from(!is_possible && definition.is_some());
    }
    for set in sets().filter(|&set| set != MONOTONIC_WRITES).chain([ALL]) {
        assert!(broken[set as usize] > cases(CASES) / 1_000, "{broken:?}: too few of {set} to mean anything");
    }
    assert_eq!(broken[MONOTONIC_WRITES as usize], 0);
}

#[test]
fn what_is_sequential_keeps_every_session_guarantee() {
    for seed in 0..cases(CASES) as u64 {
        let history = random(2 << 40 | seed, true);
        if check_sequential(&history, 1_000_000).verdict == Verdict::Valid {
            let report = check_sessions(&history, ALL);
            assert_ne!(report.verdict, Verdict::Violation, "seed {seed}\n{history:#?}\n{report:?}");
        }
    }
}

#[test]
fn other_names_and_a_write_that_nobody_reads_change_nothing() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let history = random(3 << 40 | seed, true);
        let mut other = history.clone();
        for operation in &mut other {
            operation.key = operation.key.map(|key| 70 - key);
            for values in operation.asked.iter_mut().chain(&mut operation.answered) {
                values.iter_mut().for_each(|value| *value = *value * 3 + 5);
            }
        }
        let mut with = history.clone();
        with.push(Operation {
            process: 900,
            f: WRITE,
            key: Some(99),
            interval: (9_000, 9_001),
            outcome: OK,
            asked: Some(vec![1]),
            answered: Some(vec![1]),
        });
        for changed in [&other, &with] {
            let [one, two] = [&history, changed].map(|history| check_sequential(history, 1_000_000).verdict);
            assert_eq!(one, two, "seed {seed}\n{history:#?}");
            let [one, two] = [&history, changed].map(|history| names(&check_sessions(history, ALL)));
            assert_eq!(one, two, "seed {seed}\n{history:#?}");
        }
    }
}

/// Sessions as text: `w1 5` writes, `r1 5` reads, `r1` reads nothing, `c1 5 6` changes; `info ` and `fail ` before them.
fn told(sessions: &[&[&str]]) -> Vec<Operation> {
    let mut history = Vec::new();
    for (process, session) in (0..).zip(sessions) {
        for (place, text) in session.iter().enumerate() {
            let (outcome, text) = match text.split_once(' ') {
                Some(("info", rest)) => (INFO, rest),
                Some(("fail", rest)) => (FAIL, rest),
                _ => (OK, *text),
            };
            let mut words = text.split(' ');
            let head = words.next().unwrap_or_default();
            let values: Vec<i64> = words.filter_map(|word| word.parse().ok()).collect();
            let f = match &head[..1] {
                "r" => READ,
                "w" => WRITE,
                _ => CAS,
            };
            let start = 100 * place + process as usize;
            history.push(Operation {
                process,
                f,
                key: head[1..].parse().ok(),
                interval: (start, start + 50),
                outcome,
                asked: (f != READ).then(|| values.clone()),
                answered: (!values.is_empty()).then_some(values),
            });
        }
    }
    history
}

fn broken(sessions: &[&[&str]], guarantees: Guarantees) -> Vec<&'static str> {
    names(&check_sessions(&told(sessions), guarantees))
}

fn sequential(sessions: &[&[&str]]) -> Verdict {
    check_sequential(&told(sessions), 1_000_000).verdict
}

#[test]
fn read_your_writes_a_process_misses_what_it_wrote() {
    assert_eq!(broken(&[&["w1 1", "r1"]], ALL), ["read-your-writes"]);
    assert!(broken(&[&["w1 1", "r1 1"]], ALL).is_empty());
    // What it reads instead may be newer, unless it is known to be older.
    assert!(broken(&[&["w1 2", "r1 1"], &["w1 1"]], ALL).is_empty());
    assert_eq!(broken(&[&["w1 2", "r1 1"], &["w1 1"], &["r1 1", "r1 2"]], ALL), ["read-your-writes+monotonic-reads"]);
    assert!(broken(&[&["w1 1", "r1"]], ALL & !READ_YOUR_WRITES).is_empty());
}

#[test]
fn monotonic_reads_a_process_goes_back_in_time() {
    assert_eq!(broken(&[&["w1 1"], &["r1 1", "r1"]], ALL), ["monotonic-reads"]);
    assert_eq!(broken(&[&["w1 1"], &["w1 2"], &["r1 1", "r1 2", "r1 1"]], ALL), ["monotonic-reads"]);
    assert!(broken(&[&["w1 1"], &["w1 2"], &["r1 1", "r1 2"]], ALL).is_empty());
}

#[test]
fn monotonic_writes_two_writes_of_a_process_are_seen_the_other_way_round() {
    let swapped: &[&[&str]] = &[&["w1 1", "w1 2"], &["r1 2", "r1 1"]];
    assert_eq!(broken(swapped, ALL), ["monotonic-reads+monotonic-writes"]);
    assert!(broken(swapped, MONOTONIC_READS).is_empty());
    assert_eq!(check_sessions(&told(swapped), MONOTONIC_WRITES).verdict, Verdict::Unknown);
    assert!(broken(&[&["w1 1", "w1 2"], &["r1 1", "r1 2"]], ALL).is_empty());
}

#[test]
fn writes_follow_reads_an_answer_comes_before_its_question() {
    assert_eq!(broken(&[&["r1 2", "w1 1"], &["r1 1", "w1 2"]], WRITES_FOLLOW_READS), ["writes-follow-reads"]);
    let swapped: &[&[&str]] = &[&["w1 1"], &["r1 1", "w1 2"], &["r1 2", "r1 1"]];
    assert_eq!(broken(swapped, ALL), ["monotonic-reads+writes-follow-reads"]);
    assert!(broken(&[&["w1 1"], &["r1 1", "w1 2"], &["r1 1", "r1 2"]], ALL).is_empty());
}

#[test]
fn all_together_an_effect_is_seen_in_another_key_without_its_cause() {
    let album: &[&[&str]] = &[&["w1 1", "w2 1"], &["r2 1", "r1"]];
    assert_eq!(broken(album, ALL), ["all-together"]);
    assert!(broken(&[&["w1 1", "w2 1"], &["r2 1", "r1 1"]], ALL).is_empty());
    assert_eq!(broken(&[&["w1 1"], &["c1 1 6", "w2 7"], &["r2 7", "r1 1"]], ALL), ["all-together"]);
    assert!(broken(&[&["w1 1"], &["c1 1 6", "w2 7"], &["r2 7", "r1 6"]], ALL).is_empty());
}

#[test]
fn what_failed_or_was_never_written_is_read() {
    assert_eq!(broken(&[&["fail w1 1"], &["r1 1"]], ALL), ["aborted-read"]);
    assert_eq!(broken(&[&["r1 7"]], ALL), ["garbage-read"]);
    assert_eq!(sequential(&[&["r1 7"]]), Verdict::Violation);
    assert!(broken(&[&["info w1 1"], &["r1 1"]], ALL).is_empty());
}

#[test]
fn sequential_consistency_of_the_classic_litmus_tests() {
    // Store buffering, message passing, load buffering and independent reads of independent writes (as in Owens et al., x86-TSO, 2009).
    assert_eq!(sequential(&[&["w1 1", "r2"], &["w2 1", "r1"]]), Verdict::Violation);
    assert_eq!(sequential(&[&["w1 1", "r2"], &["w2 1", "r1 1"]]), Verdict::Valid);
    assert_eq!(sequential(&[&["w1 1", "w2 1"], &["r2 1", "r1"]]), Verdict::Violation);
    assert_eq!(sequential(&[&["r1 1", "w2 1"], &["r2 1", "w1 1"]]), Verdict::Violation);
    assert_eq!(sequential(&[&["w1 1"], &["w2 1"], &["r1 1", "r2"], &["r2 1", "r1"]]), Verdict::Violation);
    assert_eq!(sequential(&[&["w1 1"], &["w2 1"], &["r1 1", "r2"], &["r2 1", "r1 1"]]), Verdict::Valid);
    // Lamport's own point: nobody has to see what is new, as long as all see one order.
    assert_eq!(sequential(&[&["w1 1"], &["r1", "r1 1"]]), Verdict::Valid);
    assert_eq!(sequential(&[&["w1 1", "r1 1"], &["w1 2", "c1 1 3", "r1 3"]]), Verdict::Valid);
    assert_eq!(sequential(&[&["c1 1 2"], &["c1 1 3"], &["w1 1"]]), Verdict::Violation);
    assert_eq!(sequential(&[&["info w1 1"], &["r1 1", "r1"]]), Verdict::Violation);
}

#[test]
fn a_budget_that_ends_says_so_and_how_far_it_came() {
    let mut sessions: Vec<Vec<String>> = Vec::new();
    for process in 0..8 {
        sessions.push(
            (0..6)
                .map(|place| format!("{}1 {}", if place % 3 == 2 { "r" } else { "w" }, (place + process) % 3))
                .collect(),
        );
    }
    let texts: Vec<Vec<&str>> = sessions.iter().map(|session| session.iter().map(String::as_str).collect()).collect();
    let history = told(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let report = check_sequential(&history, 20);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.doubts[0].starts_with("undecided within 20 steps"), "{:?}", report.doubts);
}
