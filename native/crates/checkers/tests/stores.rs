//! Stores with transactions of which nobody knows whether they happened: the frontier against brute force, and against the plain search
//! where brute force would take too long. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;

use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use schrodinger_checkers::linearizable::{Budget, Conclusion, Goal, Operation, decide_by_search, prefix, search};
use schrodinger_checkers::models::{Access, KeyValue, Model, State};
use schrodinger_checkers::pairing::NEVER;

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const CASES: usize = 4_000;

type Operations = Vec<Operation<u32>>;

/// What random histories look like.
#[derive(Clone, Copy, Debug)]
struct Shape {
    operations: usize,
    clients: usize,
    keys: usize,
    values: usize,
    info_percent: usize,
    /// Unknown operations that find something, as compare-and-sets do.
    has_conditions: bool,
}

impl Shape {
    fn random(random: &mut Random, operations: usize) -> Self {
        Shape {
            operations,
            clients: 1 + random.below(5),
            keys: 1 + random.below(4),
            values: [2, 3, 8, 40][random.below(4)],
            info_percent: [5, 10, 30, 60][random.below(4)],
            has_conditions: random.chance(20),
        }
    }
}

/// A store and what happened to it.
struct History {
    transactions: Vec<Vec<Access>>,
    keys: usize,
    operations: Operations,
}

impl History {
    fn model(&self) -> KeyValue {
        KeyValue::new((0..self.keys as i64).collect(), self.transactions.clone())
    }

    fn printed(&self) -> String {
        let line = |operation: &Operation<u32>| {
            let accesses = self.transactions[operation.action as usize].iter();
            let told = accesses.map(|access| format!("{}: {:?} -> {:?}", access.key, access.finds, access.leaves));
            let end = if operation.is_pending() { "?".to_owned() } else { operation.completion.to_string() };
            format!("{:>3} .. {end:>3}  {}\n", operation.invocation, told.collect::<Vec<_>>().join(", "))
        };
        self.operations.iter().map(line).collect()
    }
}

/// What clients saw of a store, every transaction at one instant; those of unknown end at an instant after the call, or never. Then
/// some of what was read is changed.
fn random_history(random: &mut Random, shape: Shape) -> History {
    let mut store = vec![0_u32; shape.keys];
    let mut open: Vec<Option<(u32, Vec<Access>, bool)>> = vec![None; shape.clients];
    let mut late: Vec<Vec<Access>> = Vec::new();
    let mut calls: Vec<(u32, u32, Vec<Access>)> = Vec::new();
    let (mut row, mut called) = (0, 0);
    while called < shape.operations || open.iter().any(Option::is_some) {
        if !late.is_empty() && random.chance(15) {
            let accesses = late.swap_remove(random.below(late.len()));
            perform(&mut store, &accesses);
        }
        let client = random.below(shape.clients);
        match open[client].take() {
            None if called < shape.operations => {
                open[client] = Some((row, wish(random, shape), false));
                called += 1;
                row += 1;
            }
            None => {}
            Some((call, mut accesses, false)) if random.chance(shape.info_percent) => {
                // Nobody knows what it read; a compare-and-set says what it wants to find.
                for access in &mut accesses {
                    access.finds = (shape.has_conditions && access.leaves.is_some() && random.chance(30))
                        .then(|| random.below(shape.values) as u32);
                }
                accesses.retain(|access| access.leaves.is_some());
                if !accesses.is_empty() {
                    if random.chance(60) {
                        late.push(accesses.clone());
                    }
                    calls.push((call, NEVER, accesses));
                }
            }
            Some((call, mut accesses, false)) => {
                for access in &mut accesses {
                    access.finds = access.finds.map(|_| store[access.key as usize]);
                }
                perform(&mut store, &accesses);
                open[client] = Some((call, accesses, true));
            }
            Some((call, accesses, true)) => {
                calls.push((call, row, accesses));
                row += 1;
            }
        }
    }
    for _ in 0..random.below(3) {
        let at = random.below(calls.len().max(1));
        if let Some((_, end, accesses)) = calls.get_mut(at).filter(|(_, end, _)| *end != NEVER) {
            match random.below(4) {
                0 => *end += random.below(6) as u32 * 2,
                _ => {
                    let value = random.below(shape.values) as u32;
                    accesses.iter_mut().take(1).for_each(|access| access.finds = access.finds.map(|_| value));
                }
            }
        }
    }
    numbered(calls, shape.keys)
}

/// Transactions by their numbers, in rows that are all different.
fn numbered(mut calls: Vec<(u32, u32, Vec<Access>)>, keys: usize) -> History {
    calls.sort_by_key(|&(call, ..)| call);
    let mut ends: Vec<(u32, u32)> = calls.iter().filter(|call| call.1 != NEVER).map(|call| (call.1, call.0)).collect();
    ends.sort_unstable();
    // Where several end in the same row, each has a row of its own: nothing is called between rows.
    let place =
        |row: u32, call: u32| 16 * row + 1 + ends.iter().filter(|end| end.0 == row && end.1 < call).count() as u32;
    let mut transactions: Vec<Vec<Access>> = Vec::new();
    let operations = calls.iter().map(|(call, end, accesses)| {
        let action = transactions.iter().position(|other| other == accesses).unwrap_or_else(|| {
            transactions.push(accesses.clone());
            transactions.len() - 1
        });
        let completion = if *end == NEVER { NEVER } else { place(*end, *call) };
        Operation { invocation: 16 * call, completion, action: action as u32 }
    });
    let operations = operations.collect();
    History { transactions, keys, operations }
}

fn wish(random: &mut Random, shape: Shape) -> Vec<Access> {
    let mut accesses: Vec<Access> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let key = random.below(shape.keys) as u32;
        if accesses.iter().all(|access| access.key != key) {
            let (reads, writes) =
                [(true, false), (true, false), (false, true), (false, true), (true, true)][random.below(5)];
            let value = random.below(shape.values) as u32;
            accesses.push(Access { key, finds: reads.then_some(0), leaves: writes.then_some(value) });
        }
    }
    accesses.sort_unstable();
    accesses
}

fn perform(store: &mut [u32], accesses: &[Access]) {
    if accesses.iter().all(|access| access.finds.is_none_or(|value| store[access.key as usize] == value)) {
        for access in accesses {
            store[access.key as usize] = access.leaves.unwrap_or(store[access.key as usize]);
        }
    }
}

/// The definition: some order of all required operations and some of the others, in which nothing comes before what returned before it
/// was called, and which a store allows.
fn is_linearizable(history: &History, operations: &[Operation<u32>]) -> bool {
    assert!(operations.len() <= 16, "brute force is for small histories");
    let mut model = history.model();
    let initial = model.initial();
    let mut seen = std::collections::HashSet::new();
    explore(&mut model, operations, (1 << operations.len()) - 1, initial, &mut seen)
}

fn explore(
    model: &mut KeyValue,
    operations: &[Operation<u32>],
    left: u32,
    state: State,
    seen: &mut std::collections::HashSet<(u32, State)>,
) -> bool {
    let remaining: Vec<usize> = (0..operations.len()).filter(|index| left & (1 << index) != 0).collect();
    if remaining.iter().all(|&index| operations[index].is_pending()) {
        return true;
    }
    if !seen.insert((left, state)) {
        return false;
    }
    remaining.iter().any(|&index| {
        let is_late = |&other: &usize| operations[other].completion < operations[index].invocation;
        !remaining.iter().any(is_late)
            && model
                .step(state, operations[index].action)
                .is_some_and(|next| explore(model, operations, left & !(1 << index), next, seen))
    })
}

fn blocked_by_brute_force(history: &History) -> Conclusion {
    let mut returns: Vec<u32> = history.operations.iter().filter(|o| !o.is_pending()).map(|o| o.completion).collect();
    returns.sort_unstable();
    let blocked = returns
        .into_iter()
        .find(|&row| !is_linearizable(history, &prefix(&history.model(), &history.operations, row + 1)));
    blocked.map_or(Conclusion::Linearizable, Conclusion::Blocked)
}

#[test]
fn a_store_with_unknown_transactions_agrees_with_brute_force_on_the_verdict_and_on_the_first_blocked_return() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(seed);
        let operations = 2 + random.below(9);
        let shape = Shape::random(&mut random, operations);
        let history = random_history(&mut random, shape);
        let expected = blocked_by_brute_force(&history);
        let found = decide_by_search(&history.model(), &history.operations, BUDGET, &AtomicBool::new(false)).conclusion;
        assert_eq!(found, expected, "seed {seed}, {shape:?}\n{}", history.printed());
        impossible += usize::from(expected != Conclusion::Linearizable);
    }
    assert!(impossible > cases(CASES) / 20, "only {impossible} of the histories were impossible");
}

#[test]
fn a_long_store_with_unknown_transactions_agrees_with_the_plain_search() {
    let (mut impossible, mut possible) = (0, 0);
    for seed in 0..cases(CASES) as u64 / 8 {
        let mut random = Random(1 << 40 | seed);
        let operations = [30, 90, 200, 400][random.below(4)];
        let shape = Shape::random(&mut random, operations);
        let shape = Shape { info_percent: [0, 2, 5, 10][random.below(4)], clients: 2 + random.below(5), ..shape };
        let history = random_history(&mut random, shape);
        let interrupt = AtomicBool::new(false);
        let few_steps = Budget { max_steps: 50_000, ..BUDGET };
        let expected = search(history.model(), &history.operations, Goal::Verdict, few_steps, &interrupt).conclusion;
        let found = decide_by_search(&history.model(), &history.operations, few_steps, &interrupt).conclusion;
        let is_same = match (expected, found) {
            (Conclusion::Exhausted(..), _) | (_, Conclusion::Exhausted(..)) => continue,
            (Conclusion::Blocked(_), Conclusion::Blocked(_)) => true,
            (expected, found) => expected == found,
        };
        assert!(is_same, "seed {seed}, {shape:?}: {found:?}, not {expected:?}\n{}", history.printed());
        if expected == Conclusion::Linearizable { possible += 1 } else { impossible += 1 }
    }
    let few = cases(CASES) / 8 / 10;
    assert!(possible > few && impossible > few, "{possible} possible, {impossible} impossible");
}

/// How many of some long histories of this shape are decided within some steps an operation.
fn decided_of_ten(shape: Shape, steps: u64) -> usize {
    let budget = Budget { max_steps: steps * shape.operations as u64, ..BUDGET };
    let is_decided = |seed: &u64| {
        let history = random_history(&mut Random(*seed), shape);
        let found = decide_by_search(&history.model(), &history.operations, budget, &AtomicBool::new(false));
        !matches!(found.conclusion, Conclusion::Exhausted(..))
    };
    (0..10).filter(is_decided).count()
}

#[test]
fn a_store_with_twenty_clients_of_which_everything_is_known_is_decided_in_few_steps() {
    let shape = Shape { operations: 1_000, clients: 20, keys: 8, values: 64, info_percent: 0, has_conditions: false };
    // What was told is changed in some of them, so that it may take longer to see that there is no order.
    assert!(decided_of_ten(shape, 1_000) >= 9);
}

#[test]
fn what_unknown_compare_and_sets_want_to_find_does_not_keep_a_store_from_being_decided() {
    let shape = Shape { operations: 1_000, clients: 10, keys: 8, values: 64, info_percent: 5, has_conditions: true };
    assert!(decided_of_ten(shape, 1_000) >= 9);
}

#[test]
fn a_value_that_nobody_left_is_a_violation_however_much_may_have_happened_besides() {
    let shape = Shape { operations: 2_000, clients: 20, keys: 8, values: 3, info_percent: 20, has_conditions: false };
    let mut history = random_history(&mut Random(1), shape);
    let reader = history.operations.iter().rposition(|operation| !operation.is_pending()).expect("some returned");
    history.operations[reader].action = history.transactions.len() as u32;
    history.transactions.push(vec![Access { key: 0, finds: Some(3), leaves: None }]);
    let found = decide_by_search(&history.model(), &history.operations, BUDGET, &AtomicBool::new(false));
    assert!(matches!(found.conclusion, Conclusion::Blocked(_)), "{found:?}");
    assert!(found.steps < 3_000_000, "{found:?}");
}

/// A key, what was found there, and what was left.
type Told = (u32, Option<u32>, Option<u32>);

/// Operations as call, return, accesses.
fn told(keys: usize, calls: &[(u32, u32, &[Told])]) -> History {
    let accesses =
        |list: &[Told]| list.iter().map(|&(key, finds, leaves)| Access { key, finds, leaves }).collect::<Vec<_>>();
    let transactions = calls.iter().map(|(.., list)| accesses(list)).collect();
    let operation = |(action, &(invocation, completion, _)): (u32, &_)| Operation { invocation, completion, action };
    History { transactions, keys, operations: (0..).zip(calls).map(operation).collect() }
}

fn decided(history: &History) -> Conclusion {
    decide_by_search(&history.model(), &history.operations, BUDGET, &AtomicBool::new(false)).conclusion
}

#[test]
fn a_write_that_is_open_where_a_part_ends_is_taken_apart_as_well() {
    let history = told(
        3,
        &[
            (0, 4, &[(0, Some(0), None), (2, Some(0), None)]),
            (1, 5, &[(1, Some(0), None), (2, None, Some(4))]),
            (2, 12, &[(0, None, Some(2)), (2, None, Some(0))]),
            (3, 6, &[(0, Some(2), None), (2, Some(4), None)]),
            (7, NEVER, &[(1, None, Some(4))]),
            (8, 13, &[(1, None, Some(0)), (2, None, Some(6))]),
            (9, 10, &[(0, Some(0), None), (1, Some(0), None)]),
        ],
    );
    assert_eq!(decided(&history), Conclusion::Blocked(10));
}

#[test]
fn a_transaction_that_may_have_happened_is_read_after_a_part_of_it_was_overwritten() {
    let history = |second: u32| {
        told(
            2,
            &[
                (0, NEVER, &[(0, None, Some(1)), (1, None, Some(1))]),
                (1, 2, &[(0, None, Some(2))]),
                (3, 4, &[(0, Some(2), None), (1, Some(1), None)]),
                (5, 6, &[(0, Some(second), None)]),
            ],
        )
    };
    assert_eq!(decided(&history(2)), Conclusion::Linearizable);
    // Both of what it wrote can't be found where one is overwritten in between.
    assert_eq!(decided(&history(1)), Conclusion::Blocked(6));
}

#[test]
fn a_transaction_that_may_have_happened_can_not_go_where_somebody_would_have_seen_it() {
    let history = told(
        2,
        &[
            (0, NEVER, &[(0, None, Some(1)), (1, None, Some(1))]),
            (1, 2, &[(1, Some(0), None)]),
            (3, 4, &[(0, Some(0), None)]),
            (5, 6, &[(0, None, Some(2))]),
            (7, 8, &[(1, Some(1), None), (0, Some(2), None)]),
        ],
    );
    assert_eq!(decided(&history), Conclusion::Linearizable);
    let seen = told(
        2,
        &[
            (0, NEVER, &[(0, None, Some(1)), (1, None, Some(1))]),
            (1, 2, &[(0, None, Some(2))]),
            (3, 4, &[(1, Some(0), None)]),
            (5, 6, &[(1, Some(1), None), (0, Some(2), None)]),
        ],
    );
    assert_eq!(decided(&seen), Conclusion::Blocked(6));
}
