//! Many maps from small integers to small integers, of which equal ones are the same one.
//!
//! The states of sets, bags, queues and stores differ from each other in one place. A shelf keeps each as the root of a binary tree
//! over all places, and shares every subtree ("hash-consing": Ershov, 1958; Filliâtre and Conchon, "Type-safe modular hash-consing",
//! 2006). So a map is a number, equal maps have equal numbers, and another map costs a few nodes instead of a copy.

use super::interner::Interner;

/// A map on the shelf. [`EMPTY`] has zero everywhere.
pub type Map = u32;

/// The map that has zero everywhere.
pub const EMPTY: Map = 0;

/// Maps whose places are below some limit. A node is a pair of nodes one level below; at the lowest level, of values.
#[derive(Clone, Debug)]
pub struct Shelf {
    levels: u32,
    nodes: Interner<(u32, u32)>,
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf::new(1)
    }
}

impl Shelf {
    /// Room for maps with this many places.
    pub fn new(places: usize) -> Self {
        let levels = places.max(2).next_power_of_two().trailing_zeros();
        let mut nodes = Interner::default();
        // An empty subtree is node zero on every level, because it is a pair of zeros.
        assert_eq!(nodes.number((0, 0)), EMPTY, "the first node is numbered zero");
        Shelf { levels, nodes }
    }

    /// What `map` has in `place`.
    pub fn get(&self, map: Map, place: u32) -> u32 {
        (0..self.levels).rev().fold(map, |node, level| self.child(node, place >> level & 1))
    }

    /// `map` with `value` in `place`.
    pub fn set(&mut self, map: Map, place: u32, value: u32) -> Map {
        let mut path = [0; 32];
        let mut node = map;
        for level in (0..self.levels).rev() {
            path[level as usize] = node;
            node = self.child(node, place >> level & 1);
        }
        let mut below = value;
        for level in 0..self.levels {
            let (left, right) = *self.nodes.thing(path[level as usize]);
            below = match place >> level & 1 {
                0 => self.nodes.number((below, right)),
                _ => self.nodes.number((left, below)),
            };
        }
        below
    }

    /// The places where `map` has no zero, with what it has there, in order.
    pub fn entries(&self, map: Map) -> Vec<(u32, u32)> {
        self.differences(map, EMPTY, usize::MAX).into_iter().map(|(place, value, _)| (place, value)).collect()
    }

    /// The first place where `map` has no zero, and what it has there.
    pub fn first(&self, map: Map) -> Option<(u32, u32)> {
        self.differences(map, EMPTY, 1).first().map(|&(place, value, _)| (place, value))
    }

    /// The first places where two maps differ, at most `limit`, with what each has there; equal parts are not looked at.
    pub fn differences(&self, one: Map, other: Map, limit: usize) -> Vec<(u32, u32, u32)> {
        let mut found = Vec::new();
        let mut pending = vec![(self.levels, 0_u32, one, other)];
        while let Some((level, place, one, other)) = pending.pop() {
            if one == other || found.len() >= limit {
                continue;
            }
            if level == 0 {
                found.push((place, one, other));
                continue;
            }
            for side in [1, 0] {
                let (left, right) = (self.child(one, side), self.child(other, side));
                pending.push((level - 1, place << 1 | side, left, right));
            }
        }
        found
    }

    /// Whether `one` has nowhere more than `other` has there; equal parts are not looked at.
    pub fn is_within(&self, one: Map, other: Map) -> bool {
        let mut pending = vec![(self.levels, one, other)];
        while let Some((level, one, other)) = pending.pop() {
            if one == other {
                continue;
            }
            if level == 0 {
                if one > other {
                    return false;
                }
                continue;
            }
            if other == EMPTY {
                return false;
            }
            let ((left, right), (other_left, other_right)) = (*self.nodes.thing(one), *self.nodes.thing(other));
            pending.extend([(level - 1, left, other_left), (level - 1, right, other_right)]);
        }
        true
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.nodes.bytes()
    }

    fn child(&self, node: u32, side: u32) -> u32 {
        let (left, right) = *self.nodes.thing(node);
        if side == 0 { left } else { right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_maps_are_the_same_map_however_they_came_about() {
        for places in [1, 2, 3, 8, 9, 1000] {
            let mut shelf = Shelf::new(places);
            let last = places as u32 - 1;
            let one = shelf.set(EMPTY, last, 7);
            let both = shelf.set(one, 0, 3);
            let other = shelf.set(EMPTY, 0, 3);
            assert_eq!(shelf.get(both, 0), 3);
            if last > 0 {
                assert_eq!(shelf.set(other, last, 7), both);
                assert_eq!(shelf.entries(both), [(0, 3), (last, 7)]);
                assert_eq!(shelf.first(one), Some((last, 7)));
            }
            assert_eq!(shelf.set(one, last, 0), EMPTY);
        }
    }
}
