//! FIFO queues with repeated elements against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;
mod pools;

use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use pools::{History, Order, Shape, elements_of, printed, produced, random_history};
use schrodinger_checkers::linearizable::{Budget, Conclusion, Decision, Goal, Operation, decide, search, shrink};
use schrodinger_checkers::models::{Queue, QueueAction};
use schrodinger_checkers::objects::PoolAction;
use schrodinger_checkers::pairing::NEVER;

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const CASES: usize = 10_000;
const OPERATIONS: usize = 9;

/// The history with elements of which many are equal.
fn repeated(mut history: History, random: &mut Random) -> History {
    let few = 1 + random.below(3) as u32;
    for operation in &mut history {
        if let PoolAction::Put(element) | PoolAction::Take(element) = &mut operation.action {
            *element = if random.chance(90) { *element % few } else { random.below(few as usize) as u32 };
        }
    }
    history
}

fn of_a_queue(history: &[Operation<PoolAction>]) -> Vec<Operation<QueueAction>> {
    let action = |operation: &Operation<PoolAction>| Operation {
        invocation: operation.invocation,
        completion: operation.completion,
        action: match operation.action {
            PoolAction::Put(element) => QueueAction::Enqueue(element),
            PoolAction::Take(element) => QueueAction::Dequeue(element),
            PoolAction::Empty => QueueAction::Empty,
            PoolAction::TakeUnknown => QueueAction::DequeueAny,
        },
    };
    history.iter().map(action).collect()
}

fn model(history: &[Operation<PoolAction>]) -> Queue {
    Queue::new(elements_of(history), history.len())
}

fn decided(history: &[Operation<PoolAction>]) -> Decision {
    decide(&model(history), &of_a_queue(history), BUDGET, &AtomicBool::new(false))
}

/// The definition: some order of all required operations and some of the others, in which nothing comes before what returned before it
/// was called, and which a queue allows.
fn is_linearizable(history: &[Operation<PoolAction>]) -> bool {
    assert!(history.len() <= 16, "brute force is for small histories");
    explore(history, (1 << history.len()) - 1, &mut Vec::new())
}

fn explore(history: &[Operation<PoolAction>], left: u32, inside: &mut Vec<u32>) -> bool {
    let is_left = |index: &usize| left & (1 << index) != 0;
    let required = (0..history.len()).filter(is_left).filter(|&index| !history[index].is_pending());
    let Some(first_return) = required.map(|index| history[index].completion).min() else { return true };
    (0..history.len()).filter(is_left).filter(|&index| history[index].invocation < first_return).any(|index| {
        let rest = left & !(1 << index);
        match history[index].action {
            PoolAction::Put(element) => {
                inside.push(element);
                let explained = explore(history, rest, inside);
                inside.pop();
                explained
            }
            PoolAction::Empty => inside.is_empty() && explore(history, rest, inside),
            PoolAction::Take(element) if inside.first() != Some(&element) => false,
            PoolAction::Take(_) | PoolAction::TakeUnknown => {
                !inside.is_empty() && explore(history, rest, &mut inside[1..].to_vec())
            }
        }
    })
}

/// The history as it was before `row`: what had not returned may or may not have happened, with the result that it had in the end.
fn before(history: &[Operation<PoolAction>], row: u32) -> History {
    let called = history.iter().filter(|operation| operation.invocation < row);
    let known = |o: &Operation<PoolAction>| if o.completion < row { o.completion } else { NEVER };
    let mut before: History = called.map(|o| Operation { completion: known(o), ..*o }).collect();
    before.retain(|o| !(o.is_pending() && o.action == PoolAction::Empty));
    before
}

fn first_blocked(history: &[Operation<PoolAction>]) -> Option<u32> {
    let mut returns: Vec<u32> = history.iter().map(|o| o.completion).filter(|&row| row != NEVER).collect();
    returns.sort_unstable();
    returns.into_iter().find(|&row| !is_linearizable(&before(history, row + 1)))
}

fn has_repeated(history: &[Operation<PoolAction>]) -> bool {
    let mut puts: Vec<PoolAction> =
        history.iter().map(|o| o.action).filter(|action| matches!(action, PoolAction::Put(_))).collect();
    puts.sort_unstable();
    puts.windows(2).any(|pair| pair[0] == pair[1])
}

fn random_repeated(seed: u64, operations: usize) -> History {
    let mut random = Random(seed ^ 0x5eed_0000_0000);
    repeated(random_history(seed, operations, Order::Oldest), &mut random)
}

#[test]
fn queues_with_repeated_elements_agree_with_the_definition() {
    let (mut possible, mut impossible) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let history = random_repeated(seed, OPERATIONS);
        if !has_repeated(&history) {
            continue;
        }
        let expected = first_blocked(&history);
        let found = decided(&history).conclusion;
        let story = || format!("seed {seed}\n{}", printed(&history));
        match expected {
            None => assert_eq!(found, Conclusion::Linearizable, "{}", story()),
            Some(row) => assert_eq!(found, Conclusion::Blocked(row), "{}", story()),
        }
        match expected {
            None => possible += 1,
            Some(_) => impossible += 1,
        }
    }
    let few = cases(CASES) / 20;
    assert!(possible > few && impossible > few, "{possible} possible, {impossible} impossible");
}

#[test]
fn what_is_told_of_a_queue_is_impossible_by_itself() {
    let (mut smaller, mut begun) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let history = random_repeated(1 << 40 | seed, OPERATIONS);
        let Some(row) = has_repeated(&history).then(|| first_blocked(&history)).flatten() else { continue };
        let operations = of_a_queue(&history);
        let shrunk = shrink(&model(&history), &operations, row, BUDGET, &AtomicBool::new(false));
        let is_told = |o: &&Operation<PoolAction>| shrunk.operations.iter().any(|w| w.invocation == o.invocation);
        let told: History = before(&history, row + 1).iter().filter(is_told).copied().collect();
        let story = || format!("seed {seed}, row {row}\n{}told\n{}", printed(&history), printed(&told));
        assert!(shrunk.minimal, "{}", story());
        assert!(!is_linearizable(&told), "{}", story());
        assert!(told.len() + shrunk.beginning <= before(&history, row + 1).len(), "{}", story());
        smaller += usize::from(told.len() < history.len());
        begun += usize::from(shrunk.beginning > 0);
    }
    assert!(smaller > cases(CASES) / 20 && begun > cases(CASES) / 50, "{smaller} smaller, {begun} with a beginning");
}

#[test]
fn longer_queues_of_which_much_is_unknown_are_possible_when_a_queue_produced_them() {
    for seed in 0..cases(CASES) as u64 / 20 {
        let mut random = Random(3 << 40 | seed);
        let shape = Shape { operations: 400, processes: 2 + random.below(8), info: 5 + random.below(40), puts: 50 };
        let history = produced(&mut random, shape, Order::Oldest);
        let history = repeated_alike(history, 1 + random.below(6) as u32);
        assert_eq!(decided(&history).conclusion, Conclusion::Linearizable, "seed {seed}");
    }
}

/// The history with elements of which many are equal, possible if it was.
fn repeated_alike(mut history: History, few: u32) -> History {
    for operation in &mut history {
        if let PoolAction::Put(element) | PoolAction::Take(element) = &mut operation.action {
            *element = *element * 7 % 31 % few;
        }
    }
    history
}

#[test]
fn longer_queues_are_decided_as_by_the_search() {
    let (mut compared, mut impossible) = (0, 0);
    for seed in 0..cases(CASES) as u64 / 10 {
        let mut random = Random(4 << 40 | seed);
        let history = random_repeated(4 << 40 | seed, 12 + random.below(18));
        let operations = of_a_queue(&history);
        let budget = Budget { max_steps: 20_000, ..BUDGET };
        let expected = search(model(&history), &operations, Goal::Verdict, budget, &AtomicBool::new(false)).conclusion;
        if !has_repeated(&history) || matches!(expected, Conclusion::Exhausted(..)) {
            continue;
        }
        let found = decided(&history).conclusion;
        let is_possible = |conclusion| conclusion == Conclusion::Linearizable;
        assert_eq!(is_possible(found), is_possible(expected), "seed {seed}, {found:?}\n{}", printed(&history));
        compared += 1;
        impossible += usize::from(!is_possible(found));
    }
    let few = cases(CASES) / 100;
    assert!(compared > 4 * few && impossible > few, "{compared} compared, {impossible} impossible");
}
