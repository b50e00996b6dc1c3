//! Shortest paths between transactions, for cycles that a person can read: breadth-first searches that share their memory and a budget.

use std::collections::VecDeque;

use super::components::next_layer;
use super::graph::{Edge, Graph, Kinds, PASS};

/// Edges, each with the node where it starts.
pub type Path = Vec<(u32, Edge)>;

/// How many edges a person will see.
pub fn length(path: &Path) -> usize {
    path.iter().filter(|(_, edge)| edge.kind != PASS).count()
}

/// Breadth-first searches that share their memory and a budget.
pub struct Search<'a> {
    graph: &'a Graph,
    /// How many edges may still be looked at.
    pub left: u64,
    /// How many were.
    pub visited: u64,
    /// In which search a state was reached last.
    reached: Vec<u32>,
    /// From which state, and by which edge.
    before: Vec<(u32, u32)>,
    distance: Vec<u32>,
    generation: u32,
}

impl<'a> Search<'a> {
    /// On this graph.
    pub fn new(graph: &'a Graph) -> Search<'a> {
        let states = graph.nodes() * 2;
        Search {
            graph,
            left: 0,
            visited: 0,
            reached: vec![0; states],
            before: vec![(0, 0); states],
            distance: vec![0; states],
            generation: 0,
        }
    }

    /// A shortest path of fewer than `limit` edges. A search whose success is `certain` and needed goes on beyond the budget.
    pub fn path(
        &mut self,
        begin: u32,
        goal: u32,
        kinds: Kinds,
        apart: bool,
        limit: usize,
        certain: bool,
    ) -> Option<Path> {
        self.generation += 1;
        let layers = if apart { 2 } else { 1 };
        let mut queue = VecDeque::from([(begin, 0_u32)]);
        self.reached[begin as usize] = self.generation;
        self.distance[begin as usize] = 0;
        while let Some((state, distance)) = queue.pop_front() {
            if distance > self.distance[state as usize] {
                continue;
            }
            if state == goal {
                return Some(self.walked(begin, goal, layers));
            }
            for number in self.graph.out(state / layers) {
                self.visited += 1;
                if self.left == 0 && !certain {
                    return None;
                }
                self.left = self.left.saturating_sub(1);
                let edge = self.graph.edge(number);
                if edge.kind & (kinds | PASS) == 0 {
                    continue;
                }
                let next = if apart {
                    let Some(layer) = next_layer(edge.kind, state % 2) else { continue };
                    edge.to * 2 + layer
                } else {
                    edge.to
                };
                let longer = distance + u32::from(edge.kind != PASS);
                let place = next as usize;
                let is_known = self.reached[place] == self.generation && self.distance[place] <= longer;
                if is_known || longer as usize >= limit {
                    continue;
                }
                self.reached[place] = self.generation;
                self.distance[place] = longer;
                self.before[place] = (state, number);
                if edge.kind == PASS {
                    queue.push_front((next, longer));
                } else {
                    queue.push_back((next, longer));
                }
            }
        }
        None
    }

    fn walked(&self, begin: u32, goal: u32, layers: u32) -> Path {
        let mut path = Vec::new();
        let mut state = goal;
        while state != begin {
            let (earlier, number) = self.before[state as usize];
            path.push((earlier / layers, self.graph.edge(number)));
            state = earlier;
        }
        path.reverse();
        path
    }
}
