//! Changes of a history that must not change its verdict, and the check of whole histories: keys, threads, budgets, malformed rows.

mod oracle;

use std::sync::atomic::AtomicBool;

use oracle::{Operations, Random, cases, is_linearizable, printed, random_history, values_of};
use schrodinger_checkers::linearizable::{
    Budget, Conclusion, Limit, Operation, Options, Report, Specification, check, decide,
};
use schrodinger_checkers::models::{Register, RegisterAction, RegisterFunctions};
use schrodinger_checkers::pairing::{Malformed, NEVER};
use schrodinger_checkers::{Events, Verdict};

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

fn options() -> Options {
    let [read, write, cas] = FUNCTIONS.map(str::to_owned);
    let specification = Specification::Register(RegisterFunctions { read, write, cas: Some(cas) });
    Options { model: "cas-register".to_owned(), specification, initial: None, budget: BUDGET, threads: 1 }
}

/// Columns, written row by row.
#[derive(Default)]
struct Rows {
    process: Vec<i32>,
    kind: Vec<u8>,
    f: Vec<u8>,
    key: Vec<i64>,
    values: Vec<i64>,
    offsets: Vec<usize>,
    valid: Vec<bool>,
}

impl Rows {
    fn push(&mut self, process: i32, kind: u8, f: u8, key: i64, value: Option<&[i64]>) {
        self.process.push(process);
        self.kind.push(kind);
        self.f.push(f);
        self.key.push(key);
        self.offsets.push(self.values.len());
        self.values.extend_from_slice(value.unwrap_or(&[]));
        self.valid.push(value.is_some());
    }

    fn check(&self, options: &Options) -> Result<Report, Malformed> {
        let mut offsets = self.offsets.clone();
        offsets.push(self.values.len());
        let time: Vec<i64> = (0..self.kind.len() as i64).collect();
        let key_valid = vec![true; self.kind.len()];
        let events = Events {
            time: &time,
            process: &self.process,
            kind: &self.kind,
            f: &self.f,
            key: &self.key,
            key_valid: &key_valid,
            value_offsets: &offsets,
            values: &self.values,
            value_valid: &self.valid,
        };
        check(&events, &FUNCTIONS, options, &AtomicBool::new(false))
    }

    /// The problems of a malformed history, as one text; none if it is well formed.
    fn problems(&self) -> String {
        let malformed = self.check(&options()).err().unwrap_or_default();
        malformed.problems.iter().map(|problem| format!("row {}: {}\n", problem.row, problem.what)).collect()
    }
}

/// Several histories as the keys of one: one event of one of them at a time, each operation a process of its own.
fn merged(random: &mut Random, histories: &[Operations]) -> Rows {
    let mut queues: Vec<Vec<(u32, usize, bool)>> = Vec::new();
    for operations in histories {
        let mut moments = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            moments.push((operation.invocation, index, true));
            if !operation.is_pending() {
                moments.push((operation.completion, index, false));
            }
        }
        moments.sort_unstable();
        moments.reverse();
        queues.push(moments);
    }
    let mut rows = Rows::default();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let key = random.below(queues.len());
        let Some((_, index, is_call)) = queues[key].pop() else { continue };
        let process = (key * 1_000 + index) as i32;
        let (f, value) = match histories[key][index].action {
            RegisterAction::Read(0) => (0, None),
            RegisterAction::Read(value) => (0, Some(vec![i64::from(value)])),
            RegisterAction::Write(value) => (1, Some(vec![i64::from(value)])),
            RegisterAction::Cas(old, new) => (2, Some(vec![i64::from(old), i64::from(new)])),
        };
        let value = value.filter(|_| !(is_call && f == 0));
        rows.push(process, u8::from(!is_call), f, key as i64, value.as_deref());
    }
    rows
}

fn is_accepted(operations: &Operations) -> bool {
    let decision =
        decide(&Register { values: values_of(operations) as usize }, operations, BUDGET, &AtomicBool::new(false));
    assert!(!matches!(decision.conclusion, Conclusion::Exhausted(..)), "the budget is large enough");
    decision.conclusion == Conclusion::Linearizable
}

/// A history that never writes or expects the initial value, which columns call nil.
fn without_initial(seed: u64) -> Operations {
    let mut operations = random_history(seed, 9);
    let touches_initial = |action| match action {
        RegisterAction::Read(_) => false,
        RegisterAction::Write(new) => new == 0,
        RegisterAction::Cas(old, new) => old == 0 || new == 0,
    };
    operations.retain(|operation| !touches_initial(operation.action));
    operations
}

#[test]
fn other_names_for_the_values_give_the_same_verdict() {
    for seed in 0..cases(5_000) as u64 {
        let operations = random_history(6 << 40 | seed, 12);
        let values = values_of(&operations);
        let mut names: Vec<u32> = (1..values).collect();
        let mut random = Random(seed);
        for last in (1..names.len()).rev() {
            names.swap(last, random.below(last + 1));
        }
        let name = |value: u32| if value == 0 { 0 } else { names[value as usize - 1] };
        let renamed = |action| match action {
            RegisterAction::Read(value) => RegisterAction::Read(name(value)),
            RegisterAction::Write(value) => RegisterAction::Write(name(value)),
            RegisterAction::Cas(old, new) => RegisterAction::Cas(name(old), name(new)),
        };
        let other: Operations = operations.iter().map(|o| Operation { action: renamed(o.action), ..*o }).collect();
        assert_eq!(is_accepted(&operations), is_accepted(&other), "seed {seed}\n{}", printed(&operations));
    }
}

#[test]
fn a_write_that_may_have_happened_and_nobody_saw_changes_nothing() {
    for seed in 0..cases(5_000) as u64 {
        let operations = random_history(7 << 40 | seed, 12);
        let unseen = RegisterAction::Write(values_of(&operations));
        let mut longer: Operations = operations.iter().map(|o| spread(*o)).collect();
        let row = 2 * Random(seed).below(longer.len() * 2 + 1) as u32 + 1;
        longer.push(Operation { invocation: row, completion: NEVER, action: unseen });
        longer.sort_by_key(|operation| operation.invocation);
        assert_eq!(is_accepted(&operations), is_accepted(&longer), "seed {seed}\n{}", printed(&operations));
    }
}

/// The same operation, with every row doubled to make room between rows.
fn spread(operation: Operation<RegisterAction>) -> Operation<RegisterAction> {
    let completion = if operation.is_pending() { NEVER } else { 2 * operation.completion };
    Operation { invocation: 2 * operation.invocation, completion, ..operation }
}

#[test]
fn keys_are_independent_and_threads_change_nothing() {
    for seed in 0..cases(2_000) as u64 {
        let histories: Vec<Operations> = (0..4).map(|key| without_initial(8 << 40 | (4 * seed + key))).collect();
        let rows = merged(&mut Random(seed), &histories);
        let report = rows.check(&options()).expect("well formed");
        let failing: Vec<Option<i64>> =
            (0..4).filter(|&key| !is_linearizable(&histories[key])).map(|key| Some(key as i64)).collect();
        let mut found = report.failing.first.clone();
        found.sort_unstable();
        assert_eq!(found, failing, "seed {seed}");
        assert_eq!(report.verdict == Verdict::Violation, !failing.is_empty(), "seed {seed}");
        let parallel = rows.check(&Options { threads: 3, ..options() }).expect("well formed");
        assert_eq!(format!("{report:?}"), format!("{parallel:?}"), "seed {seed}");
    }
}

#[test]
fn the_key_that_fails_first_in_the_history_is_explained_and_every_failing_key_is_counted() {
    let mut rows = Rows::default();
    for (process, key) in [(0, 7), (1, 5), (2, 6)] {
        rows.push(process, 0, 0, key, None);
        rows.push(process, 1, 0, key, Some(&[9]));
    }
    let report = rows.check(&options()).expect("well formed");
    assert_eq!((report.failing.count, report.failing.first), (3, vec![Some(7), Some(5), Some(6)]));
    let failure = report.failure.expect("a violation has a failure");
    assert_eq!((failure.key, failure.blocked, failure.blocked_return), (Some(7), 0, 1));
}

#[test]
fn an_exceeded_budget_is_unknown_and_says_how_far_it_got() {
    let mut rows = Rows::default();
    for index in 0..100 {
        rows.push(0, 0, 1, 3, Some(&[index % 2]));
        rows.push(0, 1, 1, 3, None);
        rows.push(1, 0, 0, 3, None);
        rows.push(1, 1, 0, 3, Some(&[index % 2]));
    }
    let enough = rows.check(&options()).expect("well formed");
    assert_eq!((enough.verdict, enough.by_search, enough.by_zones), (Verdict::Valid, 1, 0));
    let budgets =
        [(Limit::Steps, Budget { max_steps: 50, ..BUDGET }), (Limit::Bytes, Budget { max_bytes: 100, ..BUDGET })];
    for (limit, budget) in budgets {
        let report = rows.check(&Options { budget, ..options() }).expect("well formed");
        assert_eq!((report.verdict, report.undecided.count), (Verdict::Unknown, 1));
        let progress = report.progress.expect("an undecided key has progress");
        assert_eq!((progress.key, progress.limit), (Some(3), limit));
        assert!(progress.fraction < 0.5, "{progress:?}");
    }
}

#[test]
fn a_violation_in_one_key_outweighs_an_exceeded_budget_in_another() {
    let mut rows = Rows::default();
    for index in 0..100 {
        rows.push(0, 0, 1, 3, Some(&[index % 2]));
        rows.push(0, 1, 1, 3, None);
    }
    rows.push(0, 0, 0, 4, None);
    rows.push(0, 1, 0, 4, Some(&[1]));
    let budget = Budget { max_steps: 50, ..BUDGET };
    let report = rows.check(&Options { budget, ..options() }).expect("well formed");
    assert_eq!((report.verdict, report.undecided.count, report.failing.count), (Verdict::Violation, 1, 1));
}

#[test]
fn a_history_without_an_observation_is_unknown() {
    assert_eq!(Rows::default().check(&options()).expect("well formed").verdict, Verdict::Unknown);
    let mut rows = Rows::default();
    rows.push(0, 0, 1, 3, Some(&[1]));
    rows.push(0, 1, 1, 3, Some(&[1]));
    assert_eq!(rows.check(&options()).expect("well formed").verdict, Verdict::Unknown);
    rows.push(0, 0, 0, 3, None);
    rows.push(0, 1, 0, 3, Some(&[1]));
    assert_eq!(rows.check(&options()).expect("well formed").verdict, Verdict::Valid);
}

#[test]
fn every_row_that_makes_no_sense_is_named() {
    let mut rows = Rows::default();
    rows.push(0, 1, 0, 3, None);
    rows.push(0, 0, 1, 3, Some(&[1]));
    rows.push(0, 0, 1, 3, Some(&[2]));
    rows.push(0, 1, 0, 3, Some(&[2]));
    rows.push(1, 0, 1, 3, Some(&[2]));
    rows.push(1, 1, 1, 4, Some(&[2]));
    assert_eq!(
        rows.problems(),
        "row 0: process 0 completes an operation that it did not invoke\n\
         row 2: process 0 invokes while its operation of row 1 is open\n\
         row 3: process 0 completes another function than it invoked in row 1\n\
         row 5: process 1 completes on key 4 what it invoked on key 3 in row 4\n"
    );
}

#[test]
fn values_of_the_wrong_shape_are_named_and_never_guessed() {
    let mut rows = Rows::default();
    let mut operation = |f, argument: Option<&[i64]>, value: Option<&[i64]>| {
        rows.push(0, 0, f, 3, argument);
        rows.push(0, 1, f, 3, value);
    };
    operation(0, None, Some(&[1, 2]));
    operation(0, None, Some(&[]));
    operation(1, None, None);
    operation(1, Some(&[1]), Some(&[2]));
    operation(2, Some(&[1]), None);
    assert_eq!(
        rows.problems(),
        "row 1: a read returns one value or nil, not 2 values\n\
         row 3: a read returns one value or nil, not 0 values\n\
         row 4: a write needs one value; this has 0\n\
         row 7: completes with [2], and was invoked with [1]\n\
         row 8: a compare-and-set needs two values, the expected and the new; this has 1\n"
    );
}

#[test]
fn a_compare_and_set_has_no_place_in_a_plain_register() {
    let mut rows = Rows::default();
    rows.push(0, 0, 2, 3, Some(&[1, 2]));
    let [read, write, _] = FUNCTIONS.map(str::to_owned);
    let specification = Specification::Register(RegisterFunctions { read, write, cas: None });
    let options = Options { model: "register".to_owned(), specification, ..options() };
    let malformed = rows.check(&options).expect_err("a compare-and-set");
    assert_eq!(malformed.problems[0].what, "the model register has no function \"cas\"; it has read, write");
    assert_eq!((malformed.count, malformed.problems[0].row), (1, 0));
}

#[test]
fn arbitrary_rows_never_panic() {
    for seed in 0..cases(5_000) as u64 {
        let mut random = Random(9 << 40 | seed);
        let mut rows = Rows::default();
        for _ in 0..random.below(30) {
            let values: Vec<i64> = (0..random.below(4)).map(|_| random.below(3) as i64).collect();
            let value = random.chance(80).then_some(&values[..]);
            let process = random.below(4) as i32 - 1;
            rows.push(process, random.below(7) as u8, random.below(4) as u8, random.below(2) as i64, value);
        }
        let _ = rows.check(&options());
    }
}

#[test]
fn faults_and_the_nemesis_are_skipped() {
    let mut rows = Rows::default();
    rows.push(-1, 4, 0, 3, None);
    rows.push(0, 0, 0, 3, None);
    rows.push(-1, 5, 0, 3, None);
    rows.push(-1, 3, 1, 3, None);
    rows.push(0, 1, 0, 3, None);
    let report = rows.check(&options()).expect("well formed");
    assert_eq!((report.verdict, report.operations), (Verdict::Valid, 1));
}
