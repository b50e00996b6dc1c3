//! Elements that come back, told apart: what a long history says of one element is in most parts about different ones.
//!
//! Of a queue or a stack elements may be put in again and again. Where all operations on an element had returned, as many puts as takes,
//! before the next on it was called, that is another element as good as any: no order has the later ones between the earlier ones, and
//! what these put in, these took. Under a name of its own each can be left out of a witness by itself.

use rustc_hash::FxHashMap;

use super::Operation;

/// What an action does with an element: its number, and whether it puts it in.
pub type Handled = Option<(u32, bool)>;

/// The operations, sorted by invocation, with new numbers of elements, and how many there are.
pub fn told_apart<A: Copy>(
    operations: &[Operation<A>],
    handled: impl Fn(A) -> Handled,
    renumbered: impl Fn(A, u32) -> A,
) -> (Vec<Operation<A>>, usize) {
    let mut latest: FxHashMap<u32, Visit> = FxHashMap::default();
    let mut elements = 0;
    let apart = operations.iter().map(|operation| {
        let Some((element, is_put)) = handled(operation.action) else { return *operation };
        let visit = latest.entry(element).or_default();
        if visit.operations == 0 || (visit.inside == 0 && visit.over < operation.invocation) {
            *visit = Visit { number: elements as u32, ..Visit::default() };
            elements += 1;
        }
        visit.operations += 1;
        visit.inside += if is_put { 1 } else { -1 };
        visit.over = visit.over.max(operation.completion);
        Operation { action: renumbered(operation.action, visit.number), ..*operation }
    });
    let apart = apart.collect();
    (apart, elements)
}

/// What is known of an element since it came back.
#[derive(Default)]
struct Visit {
    number: u32,
    operations: usize,
    /// Puts less takes.
    inside: i64,
    /// When the last of them returned.
    over: u32,
}
