//! Which of many pairs of nodes are connected by a path, in an acyclic graph: 64 pairs in one pass, as bits.
//!
//! This decides the one class of cycles that no strongly connected component decides: exactly one anti-dependency, closed by a path
//! without any. A pair whose end comes before its beginning in topological order is not connected; the others are carried in passes
//! over the nodes between their beginnings and their ends.

use super::components::{Only, Walk};

/// What is known of pairs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Connected {
    /// The positions of those that are connected, in order.
    pub pairs: Vec<usize>,
    /// Whether the budget ended before all were decided.
    pub exhausted: bool,
}

/// Which of `pairs`, each from a node to another, are connected by edges of `walk`, which must have no cycle. At most `budget` edges are
/// followed; it goes down.
pub fn connected(walk: &Only, pairs: &[(u32, u32)], budget: &mut u64) -> Connected {
    let order = topological(walk);
    let mut position = vec![0_u32; order.len()];
    (0..).zip(&order).for_each(|(place, &node)| position[node as usize] = place);
    let place = |node: u32| position[node as usize];
    let mut candidates: Vec<usize> =
        (0..pairs.len()).filter(|&pair| place(pairs[pair].0) <= place(pairs[pair].1)).collect();
    candidates.sort_unstable_by_key(|&pair| (place(pairs[pair].0), pair));
    let mut bits = vec![0_u64; walk.nodes()];
    let mut found = Connected::default();
    for batch in candidates.chunks(u64::BITS as usize) {
        let begin = batch.first().map_or(0, |&pair| place(pairs[pair].0)) as usize;
        let end = batch.iter().map(|&pair| place(pairs[pair].1)).max().unwrap_or(0) as usize;
        (0..).zip(batch).for_each(|(bit, &pair)| bits[pairs[pair].0 as usize] |= 1_u64 << bit);
        for &node in &order[begin..=end] {
            let carried = bits[node as usize];
            if carried == 0 {
                continue;
            }
            let mut cursor = 0;
            while let Some((to, next)) = walk.successor(node, cursor) {
                if *budget == 0 {
                    found.exhausted = true;
                    found.pairs.sort_unstable();
                    return found;
                }
                *budget -= 1;
                bits[to as usize] |= carried;
                cursor = next;
            }
        }
        let is_connected = |bit: usize, pair: usize| bits[pairs[pair].1 as usize] & (1 << bit) != 0;
        found.pairs.extend(batch.iter().enumerate().filter(|&(bit, &pair)| is_connected(bit, pair)).map(|(_, &p)| p));
        // What was carried beyond the end lies at successors of the nodes that were passed.
        for &node in &order[begin..=end] {
            if std::mem::take(&mut bits[node as usize]) != 0 {
                let mut cursor = 0;
                while let Some((to, next)) = walk.successor(node, cursor) {
                    bits[to as usize] = 0;
                    cursor = next;
                }
            }
        }
    }
    found.pairs.sort_unstable();
    found
}

/// Every node after its predecessors, without recursion: Kahn, "Topological sorting of large networks" (1962).
fn topological(walk: &Only) -> Vec<u32> {
    let nodes = walk.nodes() as u32;
    let mut missing = vec![0_u32; nodes as usize];
    for_each_edge(walk, 0..nodes, |to| missing[to as usize] += 1);
    let mut order: Vec<u32> = (0..nodes).filter(|&node| missing[node as usize] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        let node = order[next];
        next += 1;
        for_each_edge(walk, node..node + 1, |to| {
            missing[to as usize] -= 1;
            if missing[to as usize] == 0 {
                order.push(to);
            }
        });
    }
    debug_assert_eq!(order.len(), nodes as usize, "there is a cycle");
    order
}

fn for_each_edge(walk: &Only, nodes: std::ops::Range<u32>, mut visit: impl FnMut(u32)) {
    for node in nodes {
        let mut cursor = 0;
        while let Some((to, next)) = walk.successor(node, cursor) {
            visit(to);
            cursor = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transactions::graph::{Edges, Graph, NO_KEY, WW};

    /// A graph whose edges lead from lower to higher numbers, one in `sparse` of all that are possible.
    fn graph(nodes: u32, sparse: u32) -> (Graph, Vec<Vec<bool>>) {
        let mut edges = Edges::default();
        let mut paths = vec![vec![false; nodes as usize]; nodes as usize];
        for from in (0..nodes).rev() {
            paths[from as usize][from as usize] = true;
            for to in (from + 1..nodes).filter(|to| (from * 31 + to * 17 + from * to) % sparse == 0) {
                edges.add(from, to, WW, NO_KEY);
                let further = paths[to as usize].clone();
                paths[from as usize].iter_mut().zip(further).for_each(|(cell, further)| *cell |= further);
            }
        }
        (Graph::new(nodes as usize, edges), paths)
    }

    #[test]
    fn pairs_are_connected_where_there_is_a_path() {
        for (nodes, sparse) in [(1, 1), (12, 2), (40, 5), (90, 11), (90, 40)] {
            let (graph, paths) = graph(nodes, sparse);
            let walk = Only { graph: &graph, kinds: WW };
            let pairs: Vec<(u32, u32)> = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to))).collect();
            let mut budget = 1_000_000;
            let found = connected(&walk, &pairs, &mut budget);
            let is_path = |&(from, to): &(u32, u32)| paths[from as usize][to as usize];
            let expected: Vec<usize> = (0..pairs.len()).filter(|&pair| is_path(&pairs[pair])).collect();
            assert_eq!(found, Connected { pairs: expected, exhausted: false });
            let mut little = 3;
            assert_eq!(connected(&walk, &pairs, &mut little).exhausted, nodes > 1, "{nodes} nodes");
        }
    }
}
