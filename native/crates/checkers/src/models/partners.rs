//! Which take probably took what which put had put in, where elements repeat.

use rustc_hash::FxHashMap;

use crate::linearizable::Operation;
use crate::pairing::NEVER;

/// What an action on a pool does with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It puts the element in.
    Puts(u32),
    /// It takes the element out.
    Takes(u32),
    /// Neither, or nobody knows which.
    Neither,
}

/// By operation: of a put, what `rank` says of the take that probably took its element, or [`NEVER`]; of any other, its own return.
/// Takes of equal elements are thought to follow their puts in the same order, and puts that certainly happened to come first.
pub fn partners<A: Copy>(
    operations: &[Operation<A>],
    handling: impl Fn(A) -> Handling,
    rank: impl Fn(&Operation<A>) -> u32,
) -> Vec<u32> {
    let mut ranks: Vec<u32> = operations.iter().map(|operation| operation.completion).collect();
    let mut puts: FxHashMap<u32, [Vec<usize>; 2]> = FxHashMap::default();
    let mut takes: Vec<(u32, u32, u32)> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        match handling(operation.action) {
            Handling::Puts(element) => {
                ranks[index] = NEVER;
                puts.entry(element).or_default()[usize::from(operation.is_pending())].push(index);
            }
            Handling::Takes(element) if !operation.is_pending() => {
                takes.push((operation.completion, element, rank(operation)));
            }
            _ => {}
        }
    }
    takes.sort_unstable();
    let mut next: FxHashMap<u32, [usize; 2]> = FxHashMap::default();
    for (completion, element, rank) in takes {
        let (Some(puts), next) = (puts.get(&element), next.entry(element).or_default()) else { continue };
        let known = (0..2).find(|&kind| {
            let put = puts[kind].get(next[kind]);
            put.is_some_and(|&put| operations[put].invocation < completion)
        });
        if let Some(kind) = known {
            ranks[puts[kind][next[kind]]] = rank;
            next[kind] += 1;
        }
    }
    ranks
}
