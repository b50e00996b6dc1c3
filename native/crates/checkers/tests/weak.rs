//! Weak isolation against the definition, on random small histories: is there a commit order that keeps who read from whom, and in which
//! whatever a transaction sees comes before what it read? Each history is judged as lists and as registers. SCHRODINGER_FUZZ_CASES sets
//! how many.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod oracle;
mod reference;
mod rows;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use history::{History, Outcome, Step, Transaction, mutated, serial};
use oracle::{Random, cases};
use schrodinger_checkers::Verdict;
use schrodinger_checkers::transactions::consistency::Consistency;
use schrodinger_checkers::transactions::report::Entry;
use schrodinger_checkers::transactions::{
    Inferences, Options, RegisterOptions, Report, check_append, check_rw_register,
};

const CASES: usize = 4_000;
const INITIAL: Inferences =
    Inferences { initial_state: true, sequential_keys: false, linearizable_keys: false, database_versions: false };

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lists,
    Registers,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Monotonic,
    Atomic,
    Causal,
}

/// Every model that a weak level decides.
const MODELS: [(&str, Level, bool); 6] = [
    ("monotonic-atomic-view", Level::Monotonic, false),
    ("strong-session-monotonic-atomic-view", Level::Monotonic, true),
    ("read-atomic", Level::Atomic, false),
    ("strong-session-read-atomic", Level::Atomic, true),
    ("causal-cerone", Level::Causal, false),
    ("causal", Level::Causal, true),
];

fn check(history: &History, kind: Kind, consistency: &str) -> Report {
    let consistency = Consistency::parse(consistency).expect("a known model");
    let never = AtomicBool::new(false);
    match kind {
        Kind::Lists => {
            let rows = history.rows();
            let options = Options { transaction: Some(0), consistency, max_search: 1_000_000 };
            check_append(&rows.beginning(rows.kind.len()), &options, &never)
        }
        Kind::Registers => {
            let rows = history.rows_as_registers();
            let options =
                RegisterOptions { transaction: Some(0), consistency, inferences: INITIAL, max_search: 1_000_000 };
            check_rw_register(&rows.beginning(rows.kind.len()), &options, &never)
        }
    }
    .unwrap_or_else(|malformed| panic!("{malformed:?}\n{history}"))
}

fn names(report: &Report) -> BTreeSet<&str> {
    report.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect()
}

/// A read that its own transaction does not explain: who read what, in which step, and who wrote it (nothing for nobody).
struct Observation {
    reader: usize,
    step: usize,
    key: i64,
    from: Option<usize>,
}

fn step_key(step: &Step) -> i64 {
    match step {
        Step::Append(key, _) | Step::Read(key, _) => *key,
    }
}

fn writes(t: &Transaction, key: i64) -> bool {
    t.steps.iter().any(|step| matches!(step, Step::Append(k, _) if *k == key))
}

/// The definition.
struct Definition<'a> {
    transactions: &'a [Transaction],
    kind: Kind,
    level: Level,
    sessions: bool,
    happened: Vec<usize>,
    observations: Vec<Observation>,
    /// Reads of lists to which their own transaction had appended: reader and step.
    own_reads: Vec<(usize, usize)>,
}

impl<'a> Definition<'a> {
    /// Nothing if a read is impossible by itself.
    fn new(history: &'a History, kind: Kind, level: Level, sessions: bool) -> Option<Definition<'a>> {
        let transactions = &history.transactions;
        let ok = |t: &usize| transactions[*t].outcome == Outcome::Ok;
        let (mut observations, mut own_reads) = (Vec::new(), Vec::new());
        let mut is_read = vec![false; transactions.len()];
        for reader in (0..transactions.len()).filter(ok) {
            let steps = &transactions[reader].steps;
            for (step, (key, seen)) in steps.iter().enumerate().filter_map(|(place, step)| match step {
                Step::Read(key, seen) => Some((place, (*key, seen))),
                Step::Append(..) => None,
            }) {
                let before = &steps[..step];
                let own = before.iter().any(|step| matches!(step, Step::Append(k, _) if *k == key));
                let is_inconsistent = !is_explained_within(before, key, seen, kind);
                if is_inconsistent && level != Level::Monotonic {
                    return None;
                }
                let shown: Vec<i64> = match kind {
                    Kind::Lists => seen.clone(),
                    Kind::Registers => seen.last().copied().into_iter().collect(),
                };
                let mut from = None;
                for (place, value) in shown.iter().enumerate() {
                    let writer =
                        (0..transactions.len()).find(|&t| transactions[t].steps.contains(&Step::Append(key, *value)));
                    let is_last = place + 1 == shown.len();
                    // A register that contradicts what its own transaction wrote says nothing about others.
                    if own && kind == Kind::Registers {
                        continue;
                    }
                    let writer = writer?;
                    is_read[writer] = true;
                    let of_writer = &transactions[writer].steps;
                    let last = of_writer.iter().rev().find(|s| matches!(s, Step::Append(k, _) if *k == key));
                    let is_later = writer == reader && steps[step..].contains(&Step::Append(key, *value));
                    let is_intermediate = is_last && !own && last != Some(&Step::Append(key, *value));
                    if transactions[writer].outcome == Outcome::Fail || is_later || is_intermediate {
                        return None;
                    }
                    from = Some(writer);
                }
                if !own {
                    observations.push(Observation { reader, step, key, from });
                } else if kind == Kind::Lists {
                    own_reads.push((reader, step));
                }
            }
        }
        let happened =
            (0..transactions.len()).filter(|&t| ok(&t) || (is_read[t] && transactions[t].outcome == Outcome::Info));
        Some(Definition { transactions, kind, level, sessions, happened: happened.collect(), observations, own_reads })
    }

    fn precedes_in_session(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.transactions[one], &self.transactions[other]);
        self.sessions && one.process == other.process && one.interval.1 < other.interval.0
    }

    fn leads_to(&self, one: usize, other: usize) -> bool {
        self.precedes_in_session(one, other)
            || self.observations.iter().any(|o| o.reader == other && o.from == Some(one) && one != other)
    }

    fn sees(&self, observation: &Observation, other: usize) -> bool {
        let reader = observation.reader;
        match self.level {
            Level::Monotonic => self
                .observations
                .iter()
                .any(|o| o.reader == reader && o.from == Some(other) && o.step < observation.step),
            Level::Atomic => self.leads_to(other, reader),
            Level::Causal => {
                let (mut reached, mut next) = (vec![other], 0);
                while next < reached.len() {
                    for &t in &self.happened {
                        if self.leads_to(reached[next], t) && !reached.contains(&t) {
                            reached.push(t);
                        }
                    }
                    next += 1;
                }
                other != reader && reached.contains(&reader)
            }
        }
    }

    /// Whether some order of all that happened is a commit order.
    fn is_possible(&self) -> bool {
        let must: Vec<(Option<usize>, usize)> = self
            .observations
            .iter()
            .flat_map(|o| {
                let seen = move |&t: &usize| {
                    Some(t) != o.from && t != o.reader && writes(&self.transactions[t], o.key) && self.sees(o, t)
                };
                self.happened.iter().copied().filter(seen).map(move |t| (o.from, t))
            })
            .collect();
        self.extend(&mut Vec::new(), &must)
    }

    fn extend(&self, order: &mut Vec<usize>, must: &[(Option<usize>, usize)]) -> bool {
        if order.len() == self.happened.len() {
            return self.kind == Kind::Registers || self.shows_lists(order);
        }
        let left: Vec<usize> = self.happened.iter().copied().filter(|t| !order.contains(t)).collect();
        left.iter().any(|&next| {
            let is_early = left
                .iter()
                .any(|&other| other != next && (self.leads_to(other, next) || must.contains(&(Some(next), other))));
            // What was seen comes before what was read; nothing comes before the initial state.
            if is_early || must.contains(&(None, next)) {
                return false;
            }
            order.push(next);
            let is_possible = self.extend(order, must);
            order.pop();
            is_possible
        })
    }

    /// Whether each read of a list shows the appends of the first so many transactions that appended to it, and then what its own
    /// transaction had appended.
    fn shows_lists(&self, order: &[usize]) -> bool {
        let external = self.observations.iter().map(|o| (o.reader, o.step));
        external.chain(self.own_reads.iter().copied()).all(|(reader, step)| {
            let steps = &self.transactions[reader].steps;
            let Step::Read(key, seen) = &steps[step] else { return false };
            let own = appends(&steps[..step], *key);
            let mut list = Vec::new();
            for &t in order.iter().filter(|&&t| writes(&self.transactions[t], *key)) {
                if own.is_empty() && *seen == list {
                    return true;
                }
                if t == reader && !own.is_empty() {
                    list.extend(&own);
                    return *seen == list;
                }
                list.extend(appends(&self.transactions[t].steps, *key));
            }
            *seen == list
        })
    }
}

fn appends(steps: &[Step], key: i64) -> Vec<i64> {
    let append = |step: &Step| match step {
        Step::Append(k, value) if *k == key => Some(*value),
        _ => None,
    };
    steps.iter().filter_map(append).collect()
}

/// Whether a read agrees with what its own transaction read and wrote before.
fn is_explained_within(before: &[Step], key: i64, seen: &[i64], kind: Kind) -> bool {
    let mut expected: Option<Vec<i64>> = None;
    let mut added: Vec<i64> = Vec::new();
    for step in before.iter().filter(|step| step_key(step) == key) {
        match step {
            Step::Read(_, seen) => {
                expected = Some(seen.clone());
                added.clear();
            }
            Step::Append(_, value) => added.push(*value),
        }
    }
    match (kind, expected, added.last()) {
        (Kind::Registers, _, Some(last)) => seen.last() == Some(last),
        (Kind::Registers, Some(expected), None) => seen.last() == expected.last(),
        (Kind::Lists, Some(mut expected), _) => {
            expected.extend(added);
            seen == expected
        }
        (Kind::Lists, None, Some(_)) => seen.ends_with(&added),
        (_, None, None) => true,
    }
}

/// Whether a transaction does not see what it wrote itself. What else follows from such a read nobody defined; from read atomic on it is
/// a violation by itself.
fn forgets_own_writes(history: &History, kind: Kind) -> bool {
    history.transactions.iter().filter(|t| t.outcome == Outcome::Ok).any(|t| {
        (0..t.steps.len()).any(|place| match &t.steps[place] {
            Step::Read(key, seen) => {
                let before = &t.steps[..place];
                !appends(before, *key).is_empty() && !is_explained_within(before, *key, seen, kind)
            }
            Step::Append(..) => false,
        })
    })
}

/// What a serial store did, some of whose reads came from older replicas.
fn random(seed: u64) -> History {
    let mut random = Random(seed);
    let mut history = serial(&mut random, 6);
    let stale = [0, 20, 50][random.below(3)];
    for step in history.transactions.iter_mut().flat_map(|t| &mut t.steps) {
        if let Step::Read(_, seen) = step
            && random.chance(stale)
        {
            seen.truncate(random.below(seen.len() + 1));
        }
    }
    for _ in 0..[0, 0, 1, 2][random.below(4)] {
        mutated(&mut random, &mut history);
    }
    history
}

#[test]
fn every_weak_level_agrees_with_every_commit_order() {
    let mut violations = [[0_usize; 6]; 2];
    for seed in 0..cases(CASES) as u64 {
        let history = random(seed);
        for kind in [Kind::Lists, Kind::Registers] {
            for (number, (model, level, sessions)) in MODELS.into_iter().enumerate() {
                if level == Level::Monotonic && forgets_own_writes(&history, kind) {
                    continue;
                }
                let report = check(&history, kind, model);
                let definition = Definition::new(&history, kind, level, sessions);
                let is_possible = definition.is_some_and(|definition| definition.is_possible());
                let expected = match is_possible {
                    false => Verdict::Violation,
                    true if history.observes_nothing() => Verdict::Unknown,
                    true => Verdict::Valid,
                };
                assert_eq!(report.verdict, expected, "seed {seed}, {model}, {kind:?}\n{history}{:?}", names(&report));
                violations[kind as usize][number] += usize::from(!is_possible);
            }
        }
    }
    for counts in violations {
        assert!(counts.iter().all(|&count| count > cases(CASES) / 20), "{violations:?}: too few to mean anything");
        assert!(counts[0] < counts[2] && counts[2] < counts[4] && counts[4] < counts[5], "{violations:?}");
    }
}

#[test]
fn what_satisfies_a_model_satisfies_every_weaker_one_and_the_lattice_says_of_each_weak_model_what_asking_for_it_says() {
    for seed in 0..cases(CASES) as u64 / 16 {
        let history = random(1 << 40 | seed);
        for kind in [Kind::Lists, Kind::Registers] {
            let verdicts: Vec<(Consistency, Report)> =
                Consistency::all().map(|model| (model, check(&history, kind, model.name()))).collect();
            for (stronger, report) in &verdicts {
                for (weaker, other) in verdicts.iter().filter(|(weaker, _)| stronger.implies(*weaker)) {
                    let is_monotone = report.verdict != Verdict::Valid || other.verdict != Verdict::Violation;
                    assert!(
                        is_monotone,
                        "seed {seed}, {kind:?}, {stronger:?} {weaker:?}\n{history}{report:?}\n{other:?}"
                    );
                }
            }
            let (_, strongest) = verdicts.last().expect("some model");
            for (model, _, _) in MODELS {
                let asked =
                    Consistency::parse(model).and_then(|model| verdicts.iter().find(|(other, _)| *other == model));
                let is_out = strongest.not.contains(&model) || strongest.also_not.contains(&model);
                let is_violated = asked.is_some_and(|(_, report)| report.verdict == Verdict::Violation);
                assert_eq!(is_out, is_violated, "seed {seed}, {kind:?}, {model}\n{history}{strongest:?}\n{asked:?}");
            }
        }
    }
}

#[test]
fn renaming_keys_and_values_changes_nothing_and_neither_does_a_write_that_nobody_reads_to_a_key_of_its_own() {
    for seed in 0..cases(CASES) as u64 / 8 {
        let history = random(2 << 40 | seed);
        let renamed = history.renamed(|key| 1000 - key, |value| value * 7 + 3);
        let mut with = history.clone();
        with.transactions[0].append(99, 99);
        for kind in [Kind::Lists, Kind::Registers] {
            for (model, _, _) in MODELS {
                let report = check(&history, kind, model);
                for other in [&renamed, &with] {
                    let other = check(other, kind, model);
                    assert_eq!(
                        (report.verdict, names(&report)),
                        (other.verdict, names(&other)),
                        "{seed} {model}\n{history}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_step_of_a_weak_cycle_leads_to_the_next_and_every_sight_from_the_missed_to_who_missed_it() {
    let mut sights_told = 0;
    for seed in 0..cases(CASES) as u64 {
        let history = random(3 << 40 | seed);
        for kind in [Kind::Lists, Kind::Registers] {
            let report = check(&history, kind, "causal");
            for entry in report.anomalies.iter().flat_map(|anomaly| &anomaly.first) {
                let (steps, sights) = match entry {
                    Entry::Cycle { steps } => (steps, &[][..]),
                    Entry::Missed { steps, sights } => (steps, &sights[..]),
                    Entry::Deed(_) => continue,
                };
                let shown = || format!("seed {seed}, {kind:?}\n{history}{entry:?}");
                for (place, step) in steps.iter().enumerate() {
                    assert_eq!(step.to, steps[(place + 1) % steps.len()].from, "{}", shown());
                    assert!(step.kind == "process" || (step.key.is_some() && step.value.is_some()), "{}", shown());
                }
                let seen: Vec<_> = steps.iter().filter(|step| step.kind == "seen").collect();
                assert_eq!(seen.len(), sights.len(), "{}", shown());
                for (step, sight) in seen.iter().zip(sights) {
                    sights_told += 1;
                    let (first, last) = (sight.path.first().expect("a path"), sight.path.last().expect("a path"));
                    assert_eq!((first.from, last.to), (step.from, sight.reader), "{}", shown());
                    assert!(sight.path.windows(2).all(|pair| pair[0].to == pair[1].from), "{}", shown());
                    assert!(step.previous.is_some(), "{}", shown());
                }
            }
        }
    }
    assert!(sights_told > 10, "only {sights_told} sights: too few to mean anything");
}

// Micro-operations are written as `a1 x` (append or write x to key 1) and `r1 x y` (read key 1 as the list [x, y], as a register as y).

/// Transactions of `sessions`, each one after the other.
fn history_of(sessions: &[&[&str]]) -> History {
    let mut transactions = Vec::new();
    for (process, session) in (0..).zip(sessions) {
        for (place, text) in session.iter().enumerate() {
            let start = 100 * place + process as usize;
            transactions.push(Transaction::parse(text, process, (start, start + 50)));
        }
    }
    History { transactions }
}

/// What is found in transactions of `sessions`, each one after the other, that `consistency` rules out.
fn found(consistency: &str, kind: Kind, sessions: &[&[&str]]) -> Vec<String> {
    let report = check(&history_of(sessions), kind, consistency);
    let asked = Consistency::parse(consistency).expect("a known model");
    let names = report.anomalies.into_iter().map(|anomaly| anomaly.name);
    names.filter(|name| asked.rules_out(name)).collect()
}

/// As lists and as registers.
fn found_in_both(consistency: &str, sessions: &[&[&str]]) -> Vec<String> {
    let [lists, registers] = [Kind::Lists, Kind::Registers].map(|kind| found(consistency, kind, sessions));
    assert_eq!(lists, registers);
    lists
}

#[test]
fn otv_a_transaction_that_was_observed_vanishes_again() {
    // Bailis et al. (VLDB 2013), observed transaction vanishes.
    let vanishes: &[&[&str]] = &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r1 1 2; r2 1"], &["r1 1 2; r2 1 2"]];
    assert!(found("monotonic-atomic-view", Kind::Lists, vanishes).contains(&"OTV".to_owned()));
    assert!(found("read-committed", Kind::Lists, vanishes).is_empty());
    let before: &[&[&str]] = &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r2 1; r1 1 2"], &["r1 1 2; r2 1 2"]];
    assert!(found("monotonic-atomic-view", Kind::Lists, before).is_empty());
    assert!(found("read-atomic", Kind::Lists, before).contains(&"fractured-read".to_owned()));
    // A register does not show that 1 was overwritten by 2, unless somebody saw it so.
    assert!(
        found("monotonic-atomic-view", Kind::Registers, &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r1 2; r2 1"]])
            .is_empty()
    );
    let both: &[&[&str]] = &[&["a1 1; a2 1"], &["a1 2; a2 2"], &["r1 2; r2 1"], &["r1 1; r2 2"]];
    assert_eq!(found("monotonic-atomic-view", Kind::Registers, both), ["OTV"]);
}

#[test]
fn fractured_reads_of_ramp() {
    // Bailis et al. (SIGMOD 2014): T1 writes x and y, T2 reads the new x and the old y.
    assert_eq!(found_in_both("read-atomic", &[&["a1 1; a2 1"], &["r2; r1 1"]]), ["fractured-read"]);
    assert!(found_in_both("monotonic-atomic-view", &[&["a1 1; a2 1"], &["r2; r1 1"]]).is_empty());
    assert!(found_in_both("read-atomic", &[&["a1 1; a2 1"], &["r2 1; r1 1"]]).is_empty());
}

#[test]
fn a_causality_violation_is_an_effect_without_its_cause() {
    // Biswas and Enea (OOPSLA 2019), also Lloyd et al. (COPS): the photo was added to the album, and is not there.
    let album: &[&[&str]] = &[&["a1 1", "a2 2"], &["r2 2; a3 3"], &["r3 3; r1"]];
    assert_eq!(found_in_both("causal", album), ["causality-violation-process"]);
    assert!(found_in_both("causal-cerone", album).is_empty());
    assert!(found_in_both("strong-session-read-atomic", album).is_empty());
    assert!(found_in_both("causal", &[&["a1 1", "a2 2"], &["r2 2; a3 3"], &["r3 3; r1 1"]]).is_empty());
    // The same without sessions: each step is in one transaction.
    let chain: &[&[&str]] = &[&["a1 1; a2 2"], &["r2 2; a3 3"], &["r3 3; r1"]];
    assert_eq!(found_in_both("causal-cerone", chain), ["causality-violation"]);
    assert!(found_in_both("read-atomic", chain).is_empty());
    // It is without sessions too where the session wrote the key again.
    let again: &[&[&str]] = &[&["a1 1; a2 2", "a1 9"], &["r2 2; a3 3"], &["r3 3; r1"]];
    assert_eq!(found_in_both("causal-cerone", again), ["causality-violation"]);
    let later: &[&[&str]] = &[&["a2 2; a1 3", "a2 4", "r1 3; a1 5"], &["r9", "r9", "r9", "r2; r1 3 5"]];
    assert_eq!(found_in_both("causal-cerone", later), ["causality-violation"]);
}

#[test]
fn causal_convergence_of_concurrent_writes_seen_in_two_orders() {
    // Bouajjani et al. (POPL 2017), CyclicCF: two writes without an order, and two sessions that see them in different ones.
    let orders: &[&[&str]] = &[&["a1 1"], &["a1 2"], &["r1 1", "r1 2"], &["r1 2", "r1 1"]];
    assert_eq!(found("causal", Kind::Registers, orders), ["causality-violation-process"]);
    assert!(found("causal", Kind::Registers, &[&["a1 1"], &["a1 2"], &["r1 1", "r1 2"], &["r1 1"]]).is_empty());
}

#[test]
fn a_list_that_ends_in_what_nobody_wrote_is_told_by_the_last_element_that_somebody_did() {
    // Nobody wrote 9. Who had seen 1 read from the writer of 3 and the other way round.
    let both = check(&history_of(&[&["a1 1"], &["a1 2"], &["a1 3"], &["r1 1; r1 1 2 3 9"]]), Kind::Lists, "causal");
    let fractured = both.anomalies.iter().find(|anomaly| anomaly.name == "fractured-read").expect("read at once");
    let Entry::Missed { steps, .. } = &fractured.first[0] else { panic!("{fractured:?}") };
    let told: BTreeSet<_> = steps.iter().map(|step| (step.kind, step.key, step.previous, step.value)).collect();
    assert_eq!(told, BTreeSet::from([("seen", Some(1), Some(1), Some(3)), ("seen", Some(1), Some(3), Some(1))]));
    // What was missed outright is told with what was read instead, whoever wrote that: the list was not empty.
    for model in ["causal", "serializable"] {
        let missed =
            check(&history_of(&[&["a1 1; a2 1"], &["a2 2"], &["r1 1; r2 2 9"], &["r2 2 9 1"]]), Kind::Lists, model);
        let cycles = missed.anomalies.iter().flat_map(|anomaly| &anomaly.first).filter_map(|entry| match entry {
            Entry::Cycle { steps } => Some(steps),
            _ => None,
        });
        let rw: Vec<_> = cycles.flatten().filter(|step| step.kind == "rw").map(|s| (s.previous, s.value)).collect();
        assert!(!rw.is_empty() && rw.iter().all(|told| *told == (Some(9), Some(1))), "{model}: {missed:?}");
    }
}

#[test]
fn a_long_fork_and_a_lost_update_are_causal() {
    // Cerone et al. (CONCUR 2015): what parallel snapshot isolation and causal allow.
    assert!(found_in_both("causal", &[&["a1 1"], &["a2 1"], &["r1 1; r2"], &["r1; r2 1"]]).is_empty());
    let lost = check(&History::concurrent(&["a1 1", "r1 1; a1 2", "r1 1; a1 3"]), Kind::Registers, "causal");
    assert_eq!(lost.verdict, Verdict::Valid);
}

#[test]
fn a_session_that_misses_its_own_write_is_weak_only_without_sessions() {
    assert_eq!(found_in_both("strong-session-read-atomic", &[&["a1 1", "r1"]]), ["fractured-read-process"]);
    assert!(found_in_both("read-atomic", &[&["a1 1", "r1"]]).is_empty());
    assert!(found_in_both("strong-session-monotonic-atomic-view", &[&["a1 1", "r1"]]).is_empty());
}

#[test]
fn reading_from_each_other_is_no_weak_level_at_all() {
    let circle: &[&[&str]] = &[&["a1 1; r2 1"], &["a2 1; r1 1"]];
    for (model, _, _) in MODELS {
        assert_eq!(found_in_both(model, circle), ["G1c"], "{model}");
    }
    assert_eq!(found_in_both("causal", &[&["r1 1", "a1 1"]]), ["G1c-process"]);
}

#[test]
fn a_second_read_that_contradicts_the_first_counts_for_stronger_models_too() {
    let again: &[&[&str]] = &[&["r1; r1 2; a2 1", "r2; a1 2"]];
    for model in ["strong-session-read-committed", "strong-read-committed"] {
        assert_eq!(found(model, Kind::Registers, again), ["G1c-process"], "{model}");
        assert!(found(model, Kind::Registers, &[&["r1; r1; a2 1", "r2; a1 2"]]).is_empty(), "{model}");
    }
}

#[test]
fn what_nobody_knows_happened_if_it_was_read_and_only_then() {
    assert_eq!(found_in_both("read-atomic", &[&["info a1 1; a2 1"], &["r2; r1 1"]]), ["fractured-read"]);
    assert!(found_in_both("read-atomic", &[&["info a1 1; a2 1"], &["r2; r1"]]).is_empty());
    assert_eq!(found_in_both("monotonic-atomic-view", &[&["fail a1 1"], &["r1 1"]]), ["G1a"]);
}
