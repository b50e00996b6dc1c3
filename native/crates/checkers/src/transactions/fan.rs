//! One transaction before many, with a number of edges that is linear however many ones there are.
//!
//! Two chains of auxiliary nodes: one leads to each of the many and all after it, the other to each and all before it. Whoever comes before
//! all of them has an edge to the first chain's beginning. One who is among them comes before the others only, and has an edge into
//! either chain beside its own place.

use super::graph::{Edges, Kinds, PASS};

/// Transactions that come after the same thing, in no known order among themselves.
#[derive(Clone, Debug)]
pub struct Fan {
    members: Vec<u32>,
    key: u32,
    /// Node `forward + i` leads to member `i` and all after it.
    forward: u32,
    /// Node `backward + i` leads to member `i` and all before it.
    backward: u32,
}

impl Fan {
    /// For these `members`, about `key`. Its nodes are numbered from `nodes` on, which moves on.
    pub fn new(mut members: Vec<u32>, key: u32, nodes: &mut u32, edges: &mut Edges) -> Fan {
        members.sort_unstable();
        members.dedup();
        let count = members.len() as u32;
        let (forward, backward) = (*nodes, *nodes + count);
        *nodes += 2 * count;
        for (place, &member) in (0..count).zip(&members) {
            edges.add(forward + place, member, PASS, key);
            edges.add(backward + place, member, PASS, key);
            if place + 1 < count {
                edges.add(forward + place, forward + place + 1, PASS, key);
                edges.add(backward + place + 1, backward + place, PASS, key);
            }
        }
        Fan { members, key, forward, backward }
    }

    /// `from` comes before all members but itself.
    pub fn comes_after(&self, from: u32, kind: Kinds, edges: &mut Edges) {
        match self.members.binary_search(&from) {
            Err(_) if self.members.is_empty() => {}
            Err(_) => edges.add(from, self.forward, kind, self.key),
            Ok(own) => {
                if own + 1 < self.members.len() {
                    edges.add(from, self.forward + own as u32 + 1, kind, self.key);
                }
                if own > 0 {
                    edges.add(from, self.backward + own as u32 - 1, kind, self.key);
                }
            }
        }
    }
}
