//! The bytes that a search says it holds are those that it holds: measured by the allocator, for models whose states grow with the search.
//! In a process of its own, because the allocator counts for all.

mod oracle;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oracle::Random;
use schrodinger_checkers::linearizable::Limit::Bytes;
use schrodinger_checkers::linearizable::{Budget, Conclusion, Decide, Goal, Operation, decide_by_search, search};
use schrodinger_checkers::models::{Model, Queue, QueueAction, Stack, StackAction};
use schrodinger_checkers::pairing::NEVER;

static HELD: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

struct Counting;

fn grow(bytes: usize) {
    let held = HELD.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every request goes to the allocator of the system as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: as asked for.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        HELD.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: as asked for.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MOST: u64 = 6 << 20;
const BUDGET: Budget = Budget { max_steps: 50_000_000, max_bytes: MOST };

/// The work is done, and had its budget run out of bytes: what it says that it held is what was held, beyond what was before.
fn assert_counted(name: &str, work: impl FnOnce() -> (Conclusion, u64)) {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (conclusion, peak_bytes) = work();
    let held = PEAK.load(Ordering::Relaxed) - before;
    let story = format!("{name}: {conclusion:?}, {peak_bytes} bytes told, {held} bytes held");
    assert!(matches!(conclusion, Conclusion::Exhausted(Bytes, _)), "{story}");
    // Lists double when they grow, of which the system gives only what is written.
    assert!(held <= MOST + MOST / 4, "{story}");
    assert!(held <= peak_bytes + peak_bytes / 4, "{story}");
}

fn searched<M: Model>(model: M, operations: &[Operation<M::Action>]) -> (Conclusion, u64) {
    let found = search(model, operations, Goal::Verdict, BUDGET, &AtomicBool::new(false));
    (found.conclusion, found.peak_bytes)
}

fn decided<M: Decide>(model: &M, operations: &[Operation<M::Action>]) -> (Conclusion, u64) {
    let decision = decide_by_search(model, operations, BUDGET, &AtomicBool::new(false));
    (decision.conclusion, decision.peak_bytes)
}

/// What clients that are always busy saw, in so many operations, of a pool of a few elements, whose next to come out `take` takes; near
/// the end they got what nobody had put in.
fn operations<A>(
    count: usize,
    put: fn(u32) -> A,
    got: fn(u32) -> A,
    take: fn(&mut VecDeque<u32>) -> Option<u32>,
) -> Vec<Operation<A>> {
    let clients = 12;
    let mut random = Random(1);
    let (mut pool, mut row) = (VecDeque::new(), 0);
    let mut open: Vec<Option<(u32, A)>> = (0..clients).map(|_| None).collect();
    let mut operations = Vec::new();
    while operations.len() < count {
        let client = random.below(clients);
        if let Some((invocation, action)) = open[client].take() {
            operations.push(Operation { invocation, completion: row, action });
        } else {
            let element = random.below(3) as u32;
            let taken = if random.chance(50) { take(&mut pool) } else { None };
            let action =
                taken.map_or_else(|| put(element), |taken| got(if operations.len() > count - 20 { 3 } else { taken }));
            if taken.is_none() {
                pool.push_back(element);
            }
            open[client] = Some((row, action));
        }
        row += 1;
    }
    operations.sort_by_key(|operation| operation.invocation);
    operations
}

#[test]
fn bytes_held_by_a_search_are_within_its_budget_and_a_quarter() {
    let queue = operations(400, QueueAction::Enqueue, QueueAction::Dequeue, VecDeque::pop_front);
    assert_counted("fifo-queue", || searched(Queue::new(4, queue.len()), &queue));
    let stack = operations(400, StackAction::Push, StackAction::Pop, VecDeque::pop_back);
    assert_counted("stack", || searched(Stack::new(4), &stack));
    // Of a queue of which little is known for certain; in the end two elements come out in the wrong order.
    let mut unknown = operations(1_200, QueueAction::Enqueue, QueueAction::Dequeue, VecDeque::pop_front);
    unknown.retain(|operation| operation.action != QueueAction::Dequeue(3));
    for operation in unknown.iter_mut().step_by(3) {
        operation.completion = NEVER;
        if let QueueAction::Dequeue(_) = operation.action {
            operation.action = QueueAction::DequeueAny;
        }
    }
    let end = 100_000;
    let last = [QueueAction::Enqueue(4), QueueAction::Enqueue(5), QueueAction::Dequeue(5), QueueAction::Dequeue(4)];
    let in_turn = (end..).step_by(2).zip(last);
    unknown.extend(in_turn.map(|(row, action)| Operation { invocation: row, completion: row + 1, action }));
    assert_counted("fifo-queue in lockstep", || decided(&Queue::new(6, unknown.len()), &unknown));
    // Likewise of a stack, of which two elements come out in the order in which they were put in.
    let mut unknown = operations(90, StackAction::Push, StackAction::Pop, VecDeque::pop_back);
    unknown.retain(|operation| operation.action != StackAction::Pop(3));
    for operation in unknown.iter_mut().step_by(3) {
        operation.completion = NEVER;
        if let StackAction::Pop(_) = operation.action {
            operation.action = StackAction::PopAny;
        }
    }
    let last = [StackAction::Push(4), StackAction::Push(5), StackAction::Pop(4), StackAction::Pop(5)];
    let in_turn = (end..).step_by(2).zip(last);
    unknown.extend(in_turn.map(|(row, action)| Operation { invocation: row, completion: row + 1, action }));
    assert_counted("stack by all that it can be", || decided(&Stack::new(6), &unknown));
}
