//! One transaction before many, with a number of edges that is linear however many ones there are.
//!
//! A balanced tree of auxiliary nodes stands over the many, each node for all that are below it; whoever comes before a range of them has
//! an edge to each of the few nodes that cover the range. One who is among them comes before the others only: the ranges on either side.

use std::ops::Range;

use super::graph::{Edges, Kinds, PASS};

/// Transactions that come after the same things.
#[derive(Clone, Debug)]
pub struct Fan {
    members: Vec<u32>,
    key: u32,
    /// Node `first + i` is inner node `i + 1` of the tree, whose children are `2 (i + 1)` and the next; leaves are the members.
    first: u32,
}

impl Fan {
    /// For these `members` in this order, about `key`. Its nodes are numbered from `nodes` on, which moves on.
    pub fn new(members: Vec<u32>, key: u32, nodes: &mut u32, edges: &mut Edges) -> Fan {
        let fan = Fan { first: *nodes, members, key };
        let inner = fan.members.len().saturating_sub(1);
        *nodes += inner as u32;
        for parent in 1..=inner {
            for child in [2 * parent, 2 * parent + 1] {
                edges.add(fan.node(parent), fan.node(child), PASS, key);
            }
        }
        fan
    }

    /// The same, for members in ascending order, each once: what [`Fan::comes_after`] needs.
    pub fn sorted(mut members: Vec<u32>, key: u32, nodes: &mut u32, edges: &mut Edges) -> Fan {
        members.sort_unstable();
        members.dedup();
        Fan::new(members, key, nodes, edges)
    }

    fn node(&self, place: usize) -> u32 {
        let leaves = self.members.len();
        if place < leaves { self.first + place as u32 - 1 } else { self.members[place - leaves] }
    }

    /// The nodes that stand for the members at these positions, and for no others.
    pub fn cover(&self, range: Range<usize>) -> Vec<u32> {
        let leaves = self.members.len();
        if range == (0..leaves) && leaves > 0 {
            return vec![self.node(1)];
        }
        let (mut low, mut high) = (range.start + leaves, range.end + leaves);
        let mut nodes = Vec::new();
        while low < high {
            if low % 2 == 1 {
                nodes.push(self.node(low));
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                nodes.push(self.node(high));
            }
            (low, high) = (low / 2, high / 2);
        }
        nodes
    }

    /// `from` comes before all members but itself. The members must be sorted.
    pub fn comes_after(&self, from: u32, kind: Kinds, edges: &mut Edges) {
        let all = self.members.len();
        let parts = match self.members.binary_search(&from) {
            Ok(own) => [0..own, own + 1..all],
            Err(_) => [0..all, all..all],
        };
        for node in parts.into_iter().flat_map(|part| self.cover(part)) {
            edges.add(from, node, kind, self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The members that `nodes` of a fan over `count` members stand for.
    fn below(fan: &Fan, nodes: Vec<u32>, count: usize) -> Vec<u32> {
        let mut found = Vec::new();
        let mut left: Vec<u32> = nodes;
        while let Some(node) = left.pop() {
            if node >= fan.first {
                let place = (node - fan.first) as usize + 1;
                left.extend([fan.node(2 * place), fan.node(2 * place + 1)]);
            } else {
                found.push(node);
            }
        }
        found.sort_unstable();
        assert!(found.len() <= count);
        found
    }

    #[test]
    fn a_range_of_members_is_covered_exactly_by_few_nodes() {
        for count in 1..20_usize {
            let (mut nodes, mut edges) = (100, Edges::default());
            let fan = Fan::new((0..count as u32).collect(), 0, &mut nodes, &mut edges);
            assert_eq!(nodes as usize, 99 + count);
            for low in 0..=count {
                for high in low..=count {
                    let cover = fan.cover(low..high);
                    assert!(cover.len() <= 2 * count.ilog2() as usize + 1);
                    let expected: Vec<u32> = (low as u32..high as u32).collect();
                    assert_eq!(below(&fan, cover, count), expected, "{low}..{high} of {count}");
                }
            }
        }
    }
}
