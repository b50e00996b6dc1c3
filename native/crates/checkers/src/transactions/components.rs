//! Strongly connected components, without recursion: Tarjan, "Depth-first search and linear graph algorithms" (1972).

use super::graph::{Graph, Kinds, PASS, RW};

/// What a depth-first search may walk on.
pub trait Walk {
    /// How many nodes there are.
    fn nodes(&self) -> usize;
    /// The first successor of `node` at or after `cursor` (which starts at zero), with the cursor for the next.
    fn successor(&self, node: u32, cursor: u32) -> Option<(u32, u32)>;
}

/// The edges of some kinds, and what passes them on.
pub struct Only<'a> {
    /// All edges.
    pub graph: &'a Graph,
    /// Which of them.
    pub kinds: Kinds,
}

impl Walk for Only<'_> {
    fn nodes(&self) -> usize {
        self.graph.nodes()
    }

    fn successor(&self, node: u32, cursor: u32) -> Option<(u32, u32)> {
        let edges = self.graph.out(node);
        (edges.start + cursor..edges.end)
            .find(|&edge| self.graph.edge(edge).kind & (self.kinds | PASS) != 0)
            .map(|edge| (self.graph.edge(edge).to, edge - edges.start + 1))
    }
}

/// The same, but no anti-dependency follows an anti-dependency: node `2 n + 1` is node `n` reached by one. A cycle here is what snapshot
/// isolation does not allow (Cerone and Gotsman, "Analysing Snapshot Isolation", 2018).
pub struct Apart<'a>(pub Only<'a>);

impl Walk for Apart<'_> {
    fn nodes(&self) -> usize {
        self.0.graph.nodes() * 2
    }

    fn successor(&self, node: u32, cursor: u32) -> Option<(u32, u32)> {
        let Only { graph, kinds } = self.0;
        let (place, after_rw) = (node / 2, node % 2);
        let edges = graph.out(place);
        (edges.start + cursor..edges.end).find_map(|number| {
            let edge = graph.edge(number);
            let layer = next_layer(edge.kind, after_rw).filter(|_| edge.kind & (kinds | PASS) != 0)?;
            Some((edge.to * 2 + layer, number - edges.start + 1))
        })
    }
}

/// Whether an anti-dependency was the last edge, once an edge of `kind` is taken; nothing where it may not be.
pub fn next_layer(kind: Kinds, after_rw: u32) -> Option<u32> {
    match kind {
        PASS => Some(after_rw),
        RW => (after_rw == 0).then_some(1),
        _ => Some(0),
    }
}

/// The components that contain a cycle, each as its nodes in ascending order, by their smallest node. No node may lead to itself.
pub fn cyclic_components(walk: &impl Walk) -> Vec<Vec<u32>> {
    const UNSEEN: u32 = u32::MAX;
    let mut index = vec![UNSEEN; walk.nodes()];
    let mut low = vec![0_u32; walk.nodes()];
    let mut is_open = vec![false; walk.nodes()];
    let (mut open, mut path, mut found) = (Vec::<u32>::new(), Vec::<(u32, u32)>::new(), Vec::new());
    let mut count = 0;
    for root in 0..walk.nodes() as u32 {
        if index[root as usize] != UNSEEN {
            continue;
        }
        path.push((root, 0));
        while let Some((node, cursor)) = path.last_mut() {
            let place = *node as usize;
            if index[place] == UNSEEN {
                (index[place], low[place], is_open[place]) = (count, count, true);
                count += 1;
                open.push(*node);
            }
            if let Some((to, next)) = walk.successor(*node, *cursor) {
                *cursor = next;
                let target = to as usize;
                if index[target] == UNSEEN {
                    path.push((to, 0));
                } else if is_open[target] {
                    low[place] = low[place].min(index[target]);
                }
                continue;
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                low[parent as usize] = low[parent as usize].min(low[place]);
            }
            if low[place] == index[place] {
                let start = open.iter().rposition(|&member| member as usize == place).unwrap_or(0);
                let mut members = open.split_off(start);
                members.iter().for_each(|&member| is_open[member as usize] = false);
                if members.len() > 1 {
                    members.sort_unstable();
                    found.push(members);
                }
            }
        }
    }
    found.sort_unstable_by_key(|members| members[0]);
    found
}
