//! Random histories of one element of a set that is added at most once.

use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::models::RegisterAction::{self, Cas, Read, Write};
use schrodinger_checkers::pairing::NEVER;

use crate::oracle::{Operations, Random};

/// An operation that is open: its call, what it asks for, and what happened once it did.
#[derive(Clone, Copy)]
struct Open {
    call: u32,
    wish: RegisterAction,
    happened: Option<RegisterAction>,
}

/// A history of an element, as it happened, or with some answers turned round.
pub fn random_element(seed: u64, most_operations: usize) -> Operations {
    let mut random = Random(seed);
    let (operations, processes) = (1 + random.below(most_operations), 1 + random.below(4));
    let [info, spoilt, removes] = [[0, 15, 40], [0, 0, 15], [10, 30, 50]].map(|percents| percents[random.below(3)]);
    let mut open: Vec<Option<Open>> = vec![None; processes];
    let mut lost: Vec<RegisterAction> = Vec::new();
    let mut history = Operations::new();
    let (mut there, mut may_add, mut called, mut row) = (false, true, 0, 0);
    while called < operations || open.iter().any(Option::is_some) {
        if !lost.is_empty() && random.chance(20) {
            let late = lost.swap_remove(random.below(lost.len()));
            happen(late, &mut there);
        }
        let who = random.below(processes);
        match &mut open[who] {
            None if called == operations => continue,
            None => {
                let wish = wish(&mut random, removes, &mut may_add);
                open[who] = Some(Open { call: row, wish, happened: None });
                called += 1;
            }
            Some(Open { call, wish, happened: None }) if random.chance(info) => {
                let (call, wish) = (*call, *wish);
                open[who] = None;
                if random.chance(60) {
                    lost.push(wish);
                }
                if !matches!(wish, Read(_)) {
                    history.push(Operation { invocation: call, completion: NEVER, action: wish });
                }
            }
            Some(Open { wish, happened: happened @ None, .. }) => {
                *happened = Some(happen(*wish, &mut there));
                continue;
            }
            Some(Open { call, happened: Some(action), .. }) => {
                let (invocation, mut action) = (*call, *action);
                if let (Read(seen), true) = (action, random.chance(spoilt)) {
                    action = if random.chance(30) { Cas(1, 0) } else { Read(1 - seen) };
                }
                history.push(Operation { invocation, completion: row, action });
                open[who] = None;
            }
        }
        row += 1;
    }
    history.sort_by_key(|operation| operation.invocation);
    history
}

fn wish(random: &mut Random, removes: usize, may_add: &mut bool) -> RegisterAction {
    if random.chance(removes) {
        return if random.chance(30) { Cas(1, 0) } else { Write(0) };
    }
    if random.chance(40) && std::mem::take(may_add) {
        return if random.chance(30) { Cas(0, 1) } else { Write(1) };
    }
    Read(0)
}

fn happen(wish: RegisterAction, there: &mut bool) -> RegisterAction {
    let was = u32::from(*there);
    match wish {
        Read(_) => Read(was),
        Cas(old, _) if old != was => Read(was),
        Write(new) | Cas(_, new) => {
            *there = new == 1;
            wish
        }
    }
}
