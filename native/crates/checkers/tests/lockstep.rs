//! FIFO queues with repeated elements against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;
mod pools;

use pools::Order;
use pools::repeated::Pool;
use schrodinger_checkers::models::{Queue, QueueAction};
use schrodinger_checkers::objects::PoolAction;

fn queue() -> Pool<Queue> {
    Pool { order: Order::Oldest, model: |history| Queue::new(pools::elements_of(history), history.len()), action }
}

fn action(action: PoolAction) -> QueueAction {
    match action {
        PoolAction::Put(element) => QueueAction::Enqueue(element),
        PoolAction::Take(element) => QueueAction::Dequeue(element),
        PoolAction::Empty => QueueAction::Empty,
        PoolAction::TakeUnknown => QueueAction::DequeueAny,
    }
}

#[test]
fn queues_with_repeated_elements_agree_with_the_definition() {
    queue().agrees_with_the_definition();
}

#[test]
fn what_is_told_of_a_queue_is_impossible_by_itself() {
    queue().tells_what_is_impossible_by_itself();
}

#[test]
fn longer_queues_of_which_much_is_unknown_are_possible_when_a_queue_produced_them() {
    queue().explains_what_it_produced((5, 40));
}

#[test]
fn longer_queues_are_decided_as_by_the_search() {
    queue().agrees_with_the_search();
}
