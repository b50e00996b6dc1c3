//! Every model against its definition: what the checker says of random small histories, read from columns as users' are.

mod oracle;
mod specification;

use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use schrodinger_checkers::linearizable::{Budget, Options, Report, Specification, check};
use schrodinger_checkers::models::RegisterFunctions;
use schrodinger_checkers::{Events, Verdict};
use specification::{Call, OBJECTS, Object, before, explains, first_blocked, printed, produced, spoil};

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const CASES: usize = 2_000;
const OPERATIONS: usize = 8;

/// Columns of a history, in which operations that failed are not mentioned.
fn checked(object: Object, calls: &[Call], budget: Budget) -> Report {
    let functions = object.functions();
    let mut rows: Vec<(u32, bool, &Call)> = Vec::new();
    for call in calls {
        rows.push((call.row, true, call));
        rows.extend(call.end.map(|end| (end, false, call)));
    }
    rows.sort_by_key(|&(row, ..)| row);
    let last = rows.last().map_or(0, |&(row, ..)| row as usize + 1);
    // Rows that belong to nobody are the nemesis's, so that rows are those of the calls.
    let mut process = vec![-1; last];
    let (mut kind, mut f, mut key) = (vec![4_u8; last], vec![0_u8; last], vec![None; last]);
    let mut value: Vec<Option<Vec<i64>>> = vec![None; last];
    for (row, is_call, call) in rows {
        let row = row as usize;
        process[row] = call.process;
        kind[row] = u8::from(!is_call);
        f[row] = functions.iter().position(|name| *name == call.function).unwrap_or(usize::from(u8::MAX)) as u8;
        key[row] = call.key;
        value[row] = if is_call { call.argument.clone() } else { call.result.clone().flatten() };
    }
    let mut offsets = vec![0];
    let mut values = Vec::new();
    for list in &value {
        values.extend(list.iter().flatten());
        offsets.push(values.len());
    }
    let events = Events {
        time: &vec![0; last],
        process: &process,
        kind: &kind,
        f: &f,
        key: &key.iter().map(|key| key.unwrap_or(0)).collect::<Vec<i64>>(),
        key_valid: &key.iter().map(Option::is_some).collect::<Vec<bool>>(),
        value_offsets: &offsets,
        values: &values,
        value_valid: &value.iter().map(Option::is_some).collect::<Vec<bool>>(),
    };
    let [read, write, cas] = ["read", "write", "cas"].map(str::to_owned);
    let functions_of_a_register = RegisterFunctions { read, write, cas: Some(cas) };
    let Some(specification) = Specification::named(object.model, functions_of_a_register) else {
        unreachable!("every object has a model of its name")
    };
    let options = Options { model: object.model.to_owned(), specification, initial: None, budget, threads: 1 };
    check(&events, &functions, &options, &AtomicBool::new(false))
        .unwrap_or_else(|malformed| unreachable!("{malformed:?}\n{}", printed(calls)))
}

fn random_history(object: Object, seed: u64) -> Vec<Call> {
    let mut random = Random(seed);
    let mut calls = produced(object, &mut random, OPERATIONS);
    for _ in 0..random.below(3) {
        spoil(&mut random, &mut calls);
    }
    calls
}

/// A process whose operation ended without anybody knowing does nothing more, and none has two operations open.
fn with_sound_processes(mut calls: Vec<Call>) -> Vec<Call> {
    for index in 0..calls.len() {
        let (earlier, rest) = calls.split_at_mut(index);
        let is_open = |other: &Call| other.process == rest[0].process && other.end.is_none_or(|end| end > rest[0].row);
        if earlier.iter().any(is_open) {
            rest[0].process = 1_000 + index as i32;
        }
    }
    calls
}

/// What a known dequeue or pop got nobody else can have taken; of distinct elements that is believed before it happens. So where some
/// dequeue or pop is unknown a violation shows earlier, and rests on what comes later.
fn believes_what_comes(calls: &[Call]) -> bool {
    calls.iter().any(|call| call.end.is_none() && ["dequeue", "pop"].contains(&call.function))
}

fn agrees_with_its_definition(model: &'static str) {
    let object = Object { model };
    let (mut impossible, mut possible) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let calls = with_sound_processes(random_history(object, seed));
        let report = checked(object, &calls, BUDGET);
        let expected = first_blocked(object, &calls);
        let found = report.failure.as_ref().map(|failure| failure.blocked_return);
        let is_same =
            if believes_what_comes(&calls) { found.is_some() == expected.is_some() } else { found == expected };
        assert!(is_same, "{model}, seed {seed}: {found:?}, not {expected:?}\n{}", printed(&calls));
        assert_eq!(expected.is_none(), explains(object, &calls), "{model}, seed {seed}\n{}", printed(&calls));
        assert_eq!(report.verdict == Verdict::Violation, expected.is_some(), "{model}, seed {seed}");
        assert!(expected.is_some() || report.undecided.count == 0, "{model}, seed {seed}: undecided");
        match expected {
            Some(_) => impossible += 1,
            None => possible += 1,
        }
    }
    let few = cases(CASES) / 40;
    assert!(impossible > few && possible > few, "{model}: {impossible} impossible, {possible} possible");
}

/// What the witness of a violation says by itself: its operations, as they were just after the return that can't be passed.
fn witness_of(calls: &[Call], report: &Report) -> Vec<Call> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let rows: Vec<u32> = failure.witness.iter().map(|operation| operation.row).collect();
    let told = calls.iter().filter(|call| rows.contains(&call.row)).cloned().collect::<Vec<_>>();
    before(&told, failure.blocked_return + 1)
}

#[test]
fn a_witness_is_impossible_by_itself() {
    // Of sets and stores a witness leaves out elements and keys also where an operation mentions several.
    for model in OBJECTS.into_iter().filter(|model| !matches!(*model, "set" | "multi-register" | "key-value")) {
        let object = Object { model };
        let mut smaller = 0;
        for seed in 0..cases(CASES) as u64 {
            let calls = with_sound_processes(random_history(object, 1 << 40 | seed));
            let report = checked(object, &calls, BUDGET);
            let witness = witness_of(&calls, &report);
            let story = || format!("{model}, seed {seed}\n{}witness\n{}", printed(&calls), printed(&witness));
            let is_proof = believes_what_comes(&calls) || !explains(object, &witness);
            assert!(report.failure.is_none() || is_proof, "{}", story());
            smaller += usize::from(!witness.is_empty() && witness.len() < calls.len());
        }
        assert!(smaller > cases(CASES) / 100, "{model}: hardly anything was left out of a witness");
    }
}

#[test]
fn other_names_for_elements_and_owners_give_the_same_verdict() {
    for model in ["set", "fifo-queue", "unordered-queue", "stack", "owner-aware-mutex", "reentrant-mutex"] {
        let object = Object { model };
        for seed in 0..cases(CASES) as u64 / 4 {
            let mut calls = with_sound_processes(random_history(object, 2 << 40 | seed));
            // An owner without a name is the process, which keeps its number.
            calls.retain(|call| !model.ends_with("mutex") || call.argument.is_some());
            let mut renamed = calls.clone();
            for call in &mut renamed {
                let told = call.result.iter_mut().flatten();
                for values in call.argument.iter_mut().chain(told) {
                    let names = if call.function == "read-all" { values.len() } else { 1.min(values.len()) };
                    values[..names].iter_mut().for_each(|value| *value = 1_000 - *value);
                }
            }
            let [one, other] = [&calls, &renamed].map(|calls| checked(object, calls, BUDGET));
            let where_it_fails = |report: &Report| report.failure.as_ref().map(|failure| failure.blocked_return);
            assert_eq!(where_it_fails(&one), where_it_fails(&other), "{model}, seed {seed}\n{}", printed(&calls));
        }
    }
}

#[test]
fn what_may_have_happened_and_nobody_needs_changes_nothing() {
    for (model, function, argument) in [
        ("counter", "add", Some(vec![1_000])),
        ("set", "add", Some(vec![1_000])),
        ("fifo-queue", "enqueue", Some(vec![1_000])),
        ("unordered-queue", "enqueue", Some(vec![1_000])),
        ("priority-queue", "enqueue", Some(vec![-1])),
        ("stack", "push", Some(vec![1_000])),
        ("owner-aware-mutex", "acquire", Some(vec![1_000])),
        ("key-value", "txn", Some(vec![2, 0, 1, 1_000, 2, 1, 1, 1_000])),
    ] {
        let object = Object { model };
        for seed in 0..cases(CASES) as u64 / 4 {
            let calls = with_sound_processes(random_history(object, 3 << 40 | seed));
            let last = calls.iter().flat_map(|call| call.end.into_iter().chain([call.row])).max().unwrap_or(0);
            let first = calls.iter().map(|call| call.row).min().unwrap_or(0);
            let mut more: Vec<Call> = calls.clone();
            for call in &mut more {
                call.row += 1;
                call.end = call.end.map(|end| end + 1);
            }
            let row = if seed % 2 == 0 { first } else { last + 2 };
            let (argument, process) = (argument.clone(), 5_000);
            more.push(Call { function, key: None, argument, result: None, process, row, end: None, failed: false });
            more.sort_by_key(|call| call.row);
            let [one, other] = [&calls, &more].map(|calls| checked(object, calls, BUDGET).verdict);
            assert_eq!(one, other, "{model}, seed {seed}\n{}", printed(&more));
        }
    }
}

macro_rules! definitions {
    ($($name:ident: $model:literal,)*) => {
        $(#[test]
        fn $name() {
            agrees_with_its_definition($model);
        })*

        #[test]
        fn every_object_is_compared_with_its_definition() {
            assert_eq!(OBJECTS, [$($model),*]);
        }
    };
}

definitions! {
    a_counter_agrees_with_its_definition: "counter",
    a_set_agrees_with_its_definition: "set",
    a_queue_agrees_with_its_definition: "fifo-queue",
    an_unordered_queue_agrees_with_its_definition: "unordered-queue",
    a_priority_queue_agrees_with_its_definition: "priority-queue",
    a_stack_agrees_with_its_definition: "stack",
    a_mutex_agrees_with_its_definition: "mutex",
    an_owner_aware_mutex_agrees_with_its_definition: "owner-aware-mutex",
    a_reentrant_mutex_agrees_with_its_definition: "reentrant-mutex",
    a_fenced_mutex_agrees_with_its_definition: "fenced-mutex",
    a_reentrant_fenced_mutex_agrees_with_its_definition: "reentrant-fenced-mutex",
    a_multi_register_agrees_with_its_definition: "multi-register",
    a_store_agrees_with_its_definition: "key-value",
}
