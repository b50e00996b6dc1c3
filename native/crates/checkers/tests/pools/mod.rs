//! Pools by the definition, one operation at a time, and random histories of them.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod element;
pub mod repeated;
pub mod snapshots;

use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::objects::PoolAction::{self, Empty, Put, Take, TakeUnknown};
use schrodinger_checkers::objects::{Decide, queue, stack, unordered_queue};
use schrodinger_checkers::pairing::NEVER;

use crate::oracle::Random;

pub type History = Vec<Operation<PoolAction>>;

/// Which element comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Oldest,
    Newest,
    Any,
}

pub const ORDERS: [Order; 3] = [Order::Oldest, Order::Newest, Order::Any];

impl Order {
    /// The check of a pool with this order.
    pub fn decide(self) -> Decide {
        match self {
            Order::Oldest => queue,
            Order::Newest => stack,
            Order::Any => unordered_queue,
        }
    }

    /// Places that may come out next.
    fn next(self, inside: &[u32]) -> std::ops::Range<usize> {
        match self {
            Order::Oldest => 0..inside.len().min(1),
            Order::Newest => inside.len().saturating_sub(1)..inside.len(),
            Order::Any => 0..inside.len(),
        }
    }
}

/// The definition: some order of all required operations and some of the others, in which nothing comes before what returned before it
/// was called, and which a pool of this order allows. What a known take returned, pending or not, nobody else takes.
pub fn is_linearizable(history: &[Operation<PoolAction>], order: Order) -> bool {
    assert!(history.len() <= 16, "brute force is for small histories");
    explore(history, order, (1 << history.len()) - 1, &mut Vec::new())
}

fn explore(history: &[Operation<PoolAction>], order: Order, left: u32, inside: &mut Vec<u32>) -> bool {
    let is_left = |index: &usize| left & (1 << index) != 0;
    let required = (0..history.len()).filter(is_left).filter(|&index| !history[index].is_pending());
    let Some(first_return) = required.map(|index| history[index].completion).min() else { return true };
    let able = (0..history.len()).filter(is_left).filter(|&index| history[index].invocation < first_return);
    able.collect::<Vec<_>>().into_iter().any(|index| {
        let rest = left & !(1 << index);
        match history[index].action {
            Put(element) => {
                inside.push(element);
                let explained = explore(history, order, rest, inside);
                inside.pop();
                explained
            }
            Empty => inside.is_empty() && explore(history, order, rest, inside),
            Take(element) => order.next(inside).any(|place| {
                inside[place] == element && {
                    let mut others = inside.clone();
                    others.remove(place);
                    explore(history, order, rest, &mut others)
                }
            }),
            TakeUnknown => order.next(inside).any(|place| {
                let is_spoken_for = history.iter().any(|other| other.action == Take(inside[place]));
                let mut others = inside.clone();
                others.remove(place);
                !is_spoken_for && explore(history, order, rest, &mut others)
            }),
        }
    })
}

/// What random histories look like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub operations: usize,
    pub processes: usize,
    /// Percent of the operations of which nobody knows the end.
    pub info: usize,
    /// Percent of the operations that put something in.
    pub puts: usize,
}

impl Shape {
    pub fn random(random: &mut Random, most_operations: usize) -> Shape {
        Shape {
            operations: 1 + random.below(most_operations),
            processes: 1 + random.below(5),
            info: [0, 0, 10, 30, 60][random.below(5)],
            puts: [40, 50, 60, 70][random.below(4)],
        }
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Idle,
    Called { row: u32, put: Option<u32> },
    Applied { row: u32, action: PoolAction },
}

/// A history that a real pool produced, hence linearizable: every operation takes effect at one instant between call and return, and
/// those that nobody knows about at some instant after the call or never.
pub fn produced(random: &mut Random, shape: Shape, order: Order) -> History {
    let mut stages = vec![Stage::Idle; shape.processes];
    let mut lost: Vec<Option<u32>> = Vec::new();
    let mut history = History::new();
    let mut inside: Vec<u32> = Vec::new();
    let (mut fresh, mut row, mut called) = (0, 0, 0);
    loop {
        if !lost.is_empty() && random.chance(20) {
            let late = random.below(lost.len());
            apply(random, order, lost.swap_remove(late), &mut inside);
        }
        let who = random.below(shape.processes);
        match stages[who] {
            Stage::Idle if called < shape.operations => {
                let put = random.chance(shape.puts).then_some(fresh);
                fresh += u32::from(put.is_some());
                stages[who] = Stage::Called { row, put };
                called += 1;
                row += 1;
            }
            Stage::Idle => {
                if stages.iter().all(|stage| matches!(stage, Stage::Idle)) {
                    history.sort_by_key(|operation| operation.invocation);
                    return history;
                }
            }
            Stage::Called { row: call, put } if random.chance(shape.info) => {
                if random.chance(60) {
                    lost.push(put);
                }
                let action = put.map_or(TakeUnknown, Put);
                history.push(Operation { invocation: call, completion: NEVER, action });
                stages[who] = Stage::Idle;
                row += 1;
            }
            Stage::Called { row: call, put } => {
                stages[who] = Stage::Applied { row: call, action: apply(random, order, put, &mut inside) };
            }
            Stage::Applied { row: call, action } => {
                history.push(Operation { invocation: call, completion: row, action });
                stages[who] = Stage::Idle;
                row += 1;
            }
        }
    }
}

fn apply(random: &mut Random, order: Order, put: Option<u32>, inside: &mut Vec<u32>) -> PoolAction {
    if let Some(element) = put {
        inside.push(element);
        return Put(element);
    }
    let places = order.next(inside);
    if places.is_empty() { Empty } else { Take(inside.remove(places.start + random.below(places.len()))) }
}

/// Spoil what happened: a take got something else or nothing, two takes change places, one comes twice, a put is forgotten, an operation
/// lasted longer or shorter, nobody knows any more how it ended. The history may or may not stay linearizable.
pub fn spoil(random: &mut Random, history: &mut History) {
    let takes: Vec<usize> =
        (0..history.len()).filter(|&place| matches!(history[place].action, Take(_) | Empty)).collect();
    let place = random.below(history.len());
    let fresh = elements_of(history) as u32 + 1;
    match (random.below(7), takes.is_empty()) {
        (0, false) => history[takes[random.below(takes.len())]].action = Take(random.below(fresh as usize) as u32),
        (1, false) => history[takes[random.below(takes.len())]].action = Empty,
        (2, false) => {
            let [one, other] = [(); 2].map(|()| takes[random.below(takes.len())]);
            let action = history[one].action;
            history[one].action = std::mem::replace(&mut history[other].action, action);
        }
        (3, _) => drop(history.remove(place)),
        (4, false) => {
            let taken = history[takes[random.below(takes.len())]];
            if let Take(_) = history[place].action {
                history[place].action = taken.action;
            }
        }
        (5, _) => {
            // A later call: after any row before the return, between rows.
            let operation = history[place];
            let limit = operation.completion.min(operation.invocation + 8);
            let later = operation.invocation + random.below((limit - operation.invocation) as usize) as u32;
            *history = respaced(history, place, later);
        }
        _ => {
            let operation = &mut history[place];
            operation.action = if let Put(element) = operation.action { Put(element) } else { TakeUnknown };
            operation.completion = NEVER;
        }
    }
}

/// The history with the call of one operation moved to just after `row`; rows stay different.
fn respaced(history: &History, place: usize, row: u32) -> History {
    let spread = |row: u32| if row == NEVER { NEVER } else { 2 * row };
    let mut moved: History = history.clone();
    for operation in &mut moved {
        (operation.invocation, operation.completion) = (spread(operation.invocation), spread(operation.completion));
    }
    moved[place].invocation = 2 * row + 1;
    moved.sort_by_key(|operation| operation.invocation);
    moved
}

/// Operations at random rows that do anything; every element is put in at most once.
pub fn anything(random: &mut Random, operations: usize) -> History {
    let mut rows: Vec<u32> = (0..2 * operations as u32).collect();
    for place in (1..rows.len()).rev() {
        rows.swap(place, random.below(place + 1));
    }
    let elements = 1 + random.below(operations);
    let mut puts: Vec<u32> = (0..elements as u32).collect();
    let spread = 2 + random.below(2 * operations);
    let mut history: History = rows
        .chunks(2)
        .map(|pair| {
            let (one, other) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            let completion = if other - one > spread as u32 { one + 1 + (other - one) % spread as u32 } else { other };
            let action = match random.below(10) {
                0..5 => puts.pop().map_or(TakeUnknown, Put),
                5..9 => Take(random.below(elements) as u32),
                _ => Empty,
            };
            let is_pending = action == TakeUnknown || (matches!(action, Put(_)) && random.chance(10));
            Operation { invocation: 100 * one, completion: if is_pending { NEVER } else { 100 * completion }, action }
        })
        .collect();
    // Rows are different: an operation's place breaks ties.
    for (place, operation) in history.iter_mut().enumerate() {
        operation.invocation += 2 * place as u32;
        operation.completion = operation.completion.saturating_add(2 * place as u32 + 1);
    }
    history.sort_by_key(|operation| operation.invocation);
    history
}

/// A random history: produced, or spoilt once or more, or anything at all.
pub fn random_history(seed: u64, most_operations: usize, order: Order) -> History {
    let mut random = Random(seed);
    if random.chance(15) {
        let operations = 1 + random.below(most_operations);
        return anything(&mut random, operations);
    }
    let shape = Shape::random(&mut random, most_operations);
    let mut history = produced(&mut random, shape, order);
    for _ in 0..random.below(4) {
        if !history.is_empty() {
            spoil(&mut random, &mut history);
        }
    }
    history
}

/// How many numbers of elements are in use.
pub fn elements_of(history: &[Operation<PoolAction>]) -> usize {
    let element = |operation: &Operation<PoolAction>| match operation.action {
        Put(element) | Take(element) => Some(element as usize + 1),
        Empty | TakeUnknown => None,
    };
    history.iter().filter_map(element).max().unwrap_or(0)
}

/// One operation a line, for a person to read.
pub fn printed(history: &[Operation<PoolAction>]) -> String {
    let line = |o: &Operation<PoolAction>| match o.completion {
        NEVER => format!("{:>4} ..  ?   {:?}\n", o.invocation, o.action),
        completion => format!("{:>4} .. {completion:>3}  {:?}\n", o.invocation, o.action),
    };
    history.iter().map(line).collect()
}
