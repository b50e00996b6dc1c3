//! Random histories of a set that only grows and is read as a whole, and the definition.

use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::models::SetAction::{self, Add, ReadAll};
use schrodinger_checkers::pairing::NEVER;

use crate::oracle::Random;

/// Operations, and what their reads saw.
pub struct Snapshots {
    pub operations: Vec<Operation<SetAction>>,
    pub reads: Vec<Vec<u32>>,
    pub elements: usize,
}

/// An open operation: its call, the element that it adds, if any, and what happened once it did.
type Open = (u32, Option<u32>, Option<SetAction>);

/// A history as it happened, or with what some reads saw changed.
pub fn random_snapshots(seed: u64, most_operations: usize) -> Snapshots {
    let mut random = Random(seed);
    let (count, processes) = (1 + random.below(most_operations), 1 + random.below(5));
    let [info, spoilt] = [[0, 15, 40], [0, 0, 10]].map(|percents| percents[random.below(3)]);
    let mut open: Vec<Option<Open>> = vec![None; processes];
    let (mut there, mut lost, mut reads, mut operations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut elements, mut called, mut row) = (0, 0, 0);
    while called < count || open.iter().any(Option::is_some) {
        if !lost.is_empty() && random.chance(20) {
            there.push(lost.swap_remove(random.below(lost.len())));
        }
        let who = random.below(processes);
        match open[who] {
            None if called == count => continue,
            None => {
                let add = random.chance(50).then_some(elements);
                elements += u32::from(add.is_some());
                called += 1;
                open[who] = Some((row, add, None));
            }
            Some((call, Some(element), None)) if random.chance(info) => {
                if random.chance(60) {
                    lost.push(element);
                }
                operations.push(Operation { invocation: call, completion: NEVER, action: Add(element) });
                open[who] = None;
            }
            Some((call, add, None)) => {
                let happened = add.map_or(ReadAll(reads.len() as u32), Add);
                match add {
                    Some(element) => there.push(element),
                    None => reads.push(there.clone()),
                }
                open[who] = Some((call, add, Some(happened)));
                continue;
            }
            Some((call, _, Some(action))) => {
                operations.push(Operation { invocation: call, completion: row, action });
                open[who] = None;
            }
        }
        row += 1;
    }
    operations.sort_by_key(|operation| operation.invocation);
    for seen in &mut reads {
        if !random.chance(spoilt) {
            continue;
        }
        let element = random.below(elements as usize + 1) as u32;
        match seen.iter().position(|&other| other == element) {
            Some(place) => drop(seen.remove(place)),
            None => seen.push(element),
        }
    }
    Snapshots { operations, reads, elements: elements as usize + 1 }
}

/// The definition: some order of all required operations and some of the others that keeps real time, in which each read sees exactly
/// what was added before.
pub fn is_explicable(history: &Snapshots, operations: &[Operation<SetAction>]) -> bool {
    assert!(operations.len() <= 16, "brute force is for small histories");
    explore(history, operations, (1 << operations.len()) - 1, 0)
}

fn explore(history: &Snapshots, operations: &[Operation<SetAction>], left: u32, there: u32) -> bool {
    let is_left = |index: &usize| left & (1 << index) != 0;
    let required = (0..operations.len()).filter(is_left).filter(|&index| !operations[index].is_pending());
    let Some(first_return) = required.map(|index| operations[index].completion).min() else { return true };
    (0..operations.len()).filter(is_left).filter(|&index| operations[index].invocation < first_return).any(|index| {
        let rest = left & !(1 << index);
        match operations[index].action {
            ReadAll(read) => {
                let seen = history.reads[read as usize].iter().fold(0, |seen, element| seen | 1 << element);
                seen == there && explore(history, operations, rest, there)
            }
            Add(element) => explore(history, operations, rest, there | 1 << element),
            _ => unreachable!("only adds and reads are drawn"),
        }
    })
}
