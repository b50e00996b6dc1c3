//! Who depends on whom: one compact graph with every kind of edge.
//!
//! Nodes are transactions first, then auxiliary nodes that stand for "everything before" and "everything after", and keep the number of
//! edges linear: an edge *into* an auxiliary node carries a kind, and edges out of it only [`PASS`] it on. A path from transaction to
//! transaction through auxiliary nodes therefore is one edge of that kind.

/// A set of kinds of edges, as bits.
pub type Kinds = u8;

/// Both wrote a key, one directly after the other.
pub const WW: Kinds = 1;
/// One read what the other wrote.
pub const WR: Kinds = 2;
/// One overwrote what the other had read (an anti-dependency).
pub const RW: Kinds = 4;
/// The same process ran one after the other.
pub const PROCESS: Kinds = 8;
/// One had completed before the other was invoked.
pub const REALTIME: Kinds = 16;
/// Out of an auxiliary node: what led into it goes on.
pub const PASS: Kinds = 32;
/// Somebody who had seen one read a key from the other, and both wrote it.
pub const SEEN: Kinds = 64;

/// The key of an edge that is about no key.
pub const NO_KEY: u32 = u32::MAX;

/// Edges as they are found, in any order.
#[derive(Debug, Default)]
pub struct Edges {
    from: Vec<u32>,
    to: Vec<u32>,
    kind: Vec<Kinds>,
    key: Vec<u32>,
}

impl Edges {
    /// `from` comes before `to` because of `key`. A transaction does not depend on itself.
    pub fn add(&mut self, from: u32, to: u32, kind: Kinds, key: u32) {
        if from != to {
            self.from.push(from);
            self.to.push(to);
            self.kind.push(kind);
            self.key.push(key);
        }
    }

    /// How many are of this kind.
    pub fn count(&self, kind: Kinds) -> usize {
        self.kind.iter().filter(|&&found| found == kind).count()
    }
}

/// The edges of every node together, in the order in which they were added.
#[derive(Debug)]
pub struct Graph {
    offsets: Vec<u32>,
    to: Vec<u32>,
    kind: Vec<Kinds>,
    key: Vec<u32>,
}

fn placed<T: Copy + Default>(places: &[u32], column: Vec<T>) -> Vec<T> {
    let mut sorted = vec![T::default(); column.len()];
    places.iter().zip(column).for_each(|(&place, value)| sorted[place as usize] = value);
    sorted
}

/// One edge out of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it leads.
    pub to: u32,
    /// Its kind, one bit.
    pub kind: Kinds,
    /// The key it is about, or [`NO_KEY`].
    pub key: u32,
}

impl Graph {
    /// Sort `edges` by where they start.
    pub fn new(nodes: usize, edges: Edges) -> Graph {
        let mut offsets = vec![0_u32; nodes + 1];
        for &from in &edges.from {
            offsets[from as usize + 1] += 1;
        }
        for node in 0..nodes {
            offsets[node + 1] += offsets[node];
        }
        // Column by column, so that not all of them are there twice.
        let mut next = offsets.clone();
        let mut places = edges.from;
        for place in &mut places {
            let free = &mut next[*place as usize];
            *place = *free;
            *free += 1;
        }
        drop(next);
        let to = placed(&places, edges.to);
        let kind = placed(&places, edges.kind);
        let key = placed(&places, edges.key);
        Graph { offsets, to, kind, key }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The numbers of the edges out of `node`.
    pub fn out(&self, node: u32) -> std::ops::Range<u32> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// One edge, by its number.
    pub fn edge(&self, number: u32) -> Edge {
        let number = number as usize;
        Edge { to: self.to[number], kind: self.kind[number], key: self.key[number] }
    }

    /// The part between `members`, which get numbers by their position.
    pub fn part(&self, members: &[u32], number_of: impl Fn(u32) -> Option<u32>) -> Graph {
        let mut edges = Edges::default();
        for (number, &member) in members.iter().enumerate() {
            for edge in self.out(member).map(|edge| self.edge(edge)) {
                if let Some(to) = number_of(edge.to) {
                    edges.add(number as u32, to, edge.kind, edge.key);
                }
            }
        }
        Graph::new(members.len(), edges)
    }
}
