//! Stacks with repeated elements against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;
mod pools;

use pools::Order;
use pools::repeated::Pool;
use schrodinger_checkers::models::{Stack, StackAction};
use schrodinger_checkers::objects::PoolAction;

fn stack() -> Pool<Stack> {
    Pool { order: Order::Newest, model: |history| Stack::new(pools::elements_of(history)), action }
}

fn action(action: PoolAction) -> StackAction {
    match action {
        PoolAction::Put(element) => StackAction::Push(element),
        PoolAction::Take(element) => StackAction::Pop(element),
        PoolAction::Empty => StackAction::Empty,
        PoolAction::TakeUnknown => StackAction::PopAny,
    }
}

#[test]
fn stacks_with_repeated_elements_agree_with_the_definition() {
    stack().agrees_with_the_definition();
}

#[test]
fn what_is_told_of_a_stack_is_impossible_by_itself() {
    stack().tells_what_is_impossible_by_itself();
}

/// A pop that had not returned, and one of which nobody knows what it took: either may have taken the element.
#[test]
fn what_is_told_of_a_stack_does_not_need_a_later_return() {
    assert!(stack().tells_of(2_778_691).is_some());
}

#[test]
fn longer_stacks_of_which_much_is_unknown_are_possible_when_a_stack_produced_them() {
    stack().explains_what_it_produced((2, 10));
}

/// What is left of many orders looks the same, and is kept once.
#[test]
fn few_elements_that_many_push_at_once_take_few_bytes() {
    for (processes, elements) in [(10, 2), (10, 3), (12, 5)] {
        let bytes = stack().bytes_of(processes, elements);
        assert!(bytes < 4_000_000, "{bytes} bytes for {processes} clients and {elements} elements");
    }
}

#[test]
fn longer_stacks_are_decided_as_by_the_search() {
    stack().agrees_with_the_search();
}
