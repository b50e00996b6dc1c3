//! Histories that are large in one way: each is decided in the time of a few passes, where a careless pass in a pass would take hours.

mod oracle;

use std::sync::atomic::AtomicBool;

use oracle::{Operations, values_of};
use schrodinger_checkers::linearizable::{
    Algorithm, Budget, Conclusion, Decision, Explanation, Object, Operation, decide, shrink,
};
use schrodinger_checkers::models::RegisterAction::{self, Cas, Read, Write};
use schrodinger_checkers::models::{
    Counter, CounterAction, Queue, QueueAction, Register, Stack, StackAction, UnorderedQueue,
};
use schrodinger_checkers::pairing::NEVER;

const BUDGET: Budget = Budget { max_steps: 200_000_000, max_bytes: 2_000_000_000 };

fn operation(invocation: u32, completion: u32, action: RegisterAction) -> Operation<RegisterAction> {
    Operation { invocation, completion, action }
}

/// Operations that follow each other, the first of them called in row `start`.
fn sequence(start: u32, actions: impl Iterator<Item = RegisterAction>) -> Operations {
    (start..).step_by(2).zip(actions).map(|(row, action)| operation(row, row + 1, action)).collect()
}

fn decided(operations: &Operations, budget: Budget) -> Decision {
    decide(&Register { values: values_of(operations) as usize }, operations, budget, &AtomicBool::new(false))
}

fn shrunk(operations: &Operations, row: u32, budget: Budget) -> (Operations, bool) {
    let model = Register { values: values_of(operations) as usize };
    let shrunk = shrink(&model, operations, row, budget, &AtomicBool::new(false));
    (shrunk.operations, shrunk.minimal)
}

#[test]
fn a_hundred_thousand_compare_and_sets_in_a_chain_are_linearizable_whether_they_are_known_to_have_happened_or_not() {
    let links = 100_000;
    let chain = || std::iter::once(Write(1)).chain((1..links).map(|value| Cas(value, value + 1)));
    assert_eq!(decided(&sequence(0, chain()), BUDGET).conclusion, Conclusion::Linearizable);

    let mut unknown: Operations = (0..).zip(chain()).map(|(row, action)| operation(row, NEVER, action)).collect();
    unknown.push(operation(links, links + 1, Read(links)));
    assert_eq!(decided(&unknown, BUDGET).conclusion, Conclusion::Linearizable);
    unknown.push(operation(links + 2, links + 3, Read(links - 1)));
    assert_eq!(decided(&unknown, BUDGET).conclusion, Conclusion::Blocked(links + 3));
}

#[test]
fn the_first_of_many_violations_is_found_and_cut_down_to_three_operations() {
    let values = 20_000;
    let mut operations = sequence(0, (1..=values).map(Write));
    operations.extend(sequence(2 * values, (1..=values).rev().map(Read)));
    let second_read_returns = 2 * values + 3;
    let decision = decided(&operations, BUDGET);
    assert_eq!((decision.conclusion, decision.algorithm), (Conclusion::Blocked(second_read_returns), Algorithm::Zones));
    let expected =
        [(2 * values - 4, Write(values - 1)), (2 * values - 2, Write(values)), (2 * values + 2, Read(values - 1))];
    let (witness, minimal) = shrunk(&operations, second_read_returns, BUDGET);
    let found: Vec<_> = witness.iter().map(|operation| (operation.invocation, operation.action)).collect();
    assert_eq!((found.as_slice(), minimal), (expected.as_slice(), true));
}

#[test]
fn a_budget_bounds_what_a_long_witness_takes_and_the_witness_says_that_it_may_not_be_minimal() {
    let links = 5_000;
    let chain = std::iter::once(Write(1)).chain((1..links).map(|value| Cas(value, value + 1)));
    let mut operations: Operations = (0..).zip(chain).map(|(row, action)| operation(row, NEVER, action)).collect();
    operations.extend(sequence(links, [Read(links), Read(1)].into_iter()));
    let budget = Budget { max_steps: 100_000, ..BUDGET };
    let Conclusion::Blocked(row) = decided(&operations, budget).conclusion else { panic!("a stale read") };
    let (witness, minimal) = shrunk(&operations, row, budget);
    assert!(!minimal, "thousands of links were tried one by one within {} steps", budget.max_steps);
    assert!(matches!(decided(&witness, budget).conclusion, Conclusion::Blocked(_)));
}

#[test]
fn thousands_of_operations_open_at_once_spend_the_budget_and_not_the_day() {
    let open = 2_000;
    let mut operations: Operations = (0..open).map(|row| operation(row, open + row, Write(1 + row % 5))).collect();
    assert_eq!(decided(&operations, BUDGET).conclusion, Conclusion::Linearizable);
    operations.extend(sequence(2 * open, [Read(2), Read(3)].into_iter()));
    let budget = Budget { max_steps: 100_000, ..BUDGET };
    assert!(matches!(decided(&operations, budget).conclusion, Conclusion::Exhausted(..)));
}

/// Why `adds` additions that are all open can't have summed up to what a read saw.
fn explained(adds: u32) -> Option<Explanation> {
    let mut operations: Vec<Operation<CounterAction>> = (0..adds)
        .map(|row| Operation { invocation: row, completion: adds + 2 + row, action: CounterAction::Add(1 << row) })
        .collect();
    operations.push(Operation { invocation: adds, completion: adds + 1, action: CounterAction::Read(1 << adds) });
    let counter = Object::whole(None, Counter::new(0, true), Vec::new(), operations);
    let interrupt = AtomicBool::new(false);
    match counter.decide(BUDGET, &interrupt).conclusion {
        Conclusion::Blocked(row) => Some(counter.explain(row, BUDGET, &interrupt)),
        _ => None,
    }
}

#[test]
fn ways_to_get_to_a_violation_are_told_while_they_are_few_and_looking_for_them_ends() {
    let told = |adds| explained(adds).map(|why| (why.configurations.len(), why.exhaustive));
    assert_eq!(told(3), Some((1, true)));
    assert_eq!(told(17), Some((1, false)));
}

/// Rounds of three additions and a read at once, and of a fourth addition of which nobody knows that it did not happen. One read, three
/// quarters in, sees `too_much`.
fn rounds_of_a_counter(rounds: u32, too_much: i64) -> Vec<Operation<CounterAction>> {
    let mut operations = Vec::new();
    for round in 0..rounds {
        let (row, sum) = (10 * round, 6 * i64::from(round));
        let adds = (1..=3).map(|amount| (row + amount as u32, row + 5 + amount as u32, CounterAction::Add(amount)));
        let read = CounterAction::Read(sum + 1 + if round == rounds / 4 * 3 { too_much } else { 0 });
        let unknown = (row, NEVER, CounterAction::Add(4));
        let all = [unknown].into_iter().chain(adds).chain([(row + 4, row + 5, read)]);
        operations.extend(all.map(|(invocation, completion, action)| Operation { invocation, completion, action }));
    }
    operations
}

#[test]
fn a_counter_with_many_additions_of_unknown_end_is_decided_in_a_few_passes() {
    let rounds = 2_000;
    let decided = |too_much| {
        let operations = rounds_of_a_counter(rounds, too_much);
        decide(&Counter::new(0, true), &operations, Budget { max_steps: 1_000_000, ..BUDGET }, &AtomicBool::new(false))
    };
    assert_eq!(decided(0).conclusion, Conclusion::Linearizable);
    // The next read shows that it was too much: what is known to have been added can't be so much less.
    let next_read_returns = 10 * (rounds / 4 * 3 + 1) + 5;
    assert_eq!(decided(100).conclusion, Conclusion::Blocked(next_read_returns));
}

/// Of a pool: the action that puts an element in, that takes it out, and that takes out nobody knows what.
type Actions<A> = (fn(u32) -> A, fn(u32) -> A, A);

/// Puts and takes of a few elements by overlapping clients, of which a third may have happened or not; then twice an element that was put in
/// once; more takes that may have happened; and the row of the second return.
fn overdrawn_pool<A: Copy>((put, take, take_unknown): Actions<A>) -> (Vec<Operation<A>>, u32) {
    let count = 30_000;
    let mut operations: Vec<Operation<A>> = Vec::new();
    for number in 0..count {
        let (invocation, is_known) = (10 * number, number % 3 > 0);
        let completion = if is_known { invocation + 25 } else { NEVER };
        let action = match (number % 2, is_known) {
            (0, _) => put(number / 2 * 7 % 5),
            (_, true) => take(number / 2 * 7 % 5),
            _ => take_unknown,
        };
        operations.push(Operation { invocation, completion, action });
    }
    let end = 10 * count + 100;
    for (place, action) in [put(9), take(9), take(9), take_unknown].into_iter().enumerate() {
        let invocation = end + 10 * place as u32;
        operations.push(Operation { invocation, completion: invocation + 5, action });
    }
    let last = operations.len() - 1;
    operations[last].completion = NEVER;
    (operations, end + 25)
}

#[test]
fn what_comes_out_more_often_than_it_was_put_in_is_found_however_much_is_unknown() {
    let budget = Budget { max_steps: 200_000, ..BUDGET };
    let (queue, row) = overdrawn_pool((QueueAction::Enqueue, QueueAction::Dequeue, QueueAction::DequeueAny));
    let model = Queue::new(10, queue.len());
    let found = decide(&model, &queue, budget, &AtomicBool::new(false));
    assert_eq!(found.conclusion, Conclusion::Blocked(row));
    let found = decide(&UnorderedQueue::new(10), &queue, budget, &AtomicBool::new(false));
    assert_eq!(found.conclusion, Conclusion::Blocked(row));
    let (stack, row) = overdrawn_pool((StackAction::Push, StackAction::Pop, StackAction::PopAny));
    let found = decide(&Stack::new(10), &stack, budget, &AtomicBool::new(false));
    assert_eq!(found.conclusion, Conclusion::Blocked(row));
}
