//! Numbers for things: the same thing always has the same number, counted densely from zero.
//!
//! What objects hold (values, elements, owners) and the states of models are numbered, so that the search compares and keeps nothing
//! larger than a `u32`.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// One in so many is few: more than the search numbers between two looks at the bytes held, where there are enough for it to matter.
const FEW: usize = 32;

/// Things by number, and numbers by thing.
#[derive(Clone, Debug)]
pub struct Interner<T> {
    things: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { things: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// The number of `thing`, which is a new one if it was not seen before.
    pub fn number(&mut self, thing: T) -> u32 {
        let next = self.things.len() as u32;
        let number = *self.numbers.entry(thing.clone()).or_insert(next);
        if number == next {
            self.things.push(thing);
        }
        number
    }

    /// The number of `thing`, if it has one.
    pub fn find(&self, thing: &T) -> Option<u32> {
        self.numbers.get(thing).copied()
    }

    /// The thing with this number, which was given by [`Interner::number`].
    pub fn thing(&self, number: u32) -> &T {
        &self.things[number as usize]
    }

    /// All things, in the order of their numbers.
    pub fn things(&self) -> &[T] {
        &self.things
    }

    /// How many things have a number.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Bytes held once a few more things have a number, apart from what the things themselves point to. A table is never fuller than
    /// seven eighths; while it grows the old and the new one, twice as large, exist side by side.
    pub fn bytes(&self) -> u64 {
        let entry = size_of::<(T, u32)>() + 1;
        let is_growing = |held: usize, capacity: usize| held + capacity / FEW >= capacity;
        let tables = if is_growing(self.numbers.len(), self.numbers.capacity()) { 3 } else { 1 };
        let lists = if is_growing(self.things.len(), self.things.capacity()) { 2 } else { 1 };
        let table = self.numbers.capacity().div_ceil(7) * 8 * entry;
        (lists * self.things.capacity() * size_of::<T>() + tables * table) as u64
    }
}
