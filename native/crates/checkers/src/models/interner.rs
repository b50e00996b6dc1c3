//! Numbers for things: the same thing always has the same number, counted densely from zero.
//!
//! What objects hold (values, elements, owners) and the states of models are numbered, so that the search compares and keeps nothing
//! larger than a `u32`.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

/// One in so many is few: more than the search numbers between two looks at the bytes held, where there are enough for it to matter.
const FEW: usize = 32;

/// Things by number, and numbers by thing.
#[derive(Clone, Debug)]
pub struct Interner<T> {
    things: Vec<T>,
    numbers: HashTable<u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { things: Vec::new(), numbers: HashTable::new() }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The number of `thing`, which is a new one if it was not seen before.
    pub fn number(&mut self, thing: T) -> u32 {
        let things = &self.things;
        let is_same = |&number: &u32| things[number as usize] == thing;
        let hash_of = |&number: &u32| FxBuildHasher.hash_one(&things[number as usize]);
        match self.numbers.entry(FxBuildHasher.hash_one(&thing), is_same, hash_of) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let number = self.things.len() as u32;
                free.insert(number);
                self.things.push(thing);
                number
            }
        }
    }

    /// The number of `thing`, if it has one.
    pub fn find(&self, thing: &T) -> Option<u32> {
        let is_same = |&number: &u32| self.things[number as usize] == *thing;
        self.numbers.find(FxBuildHasher.hash_one(thing), is_same).copied()
    }

    /// Keep only what `kept` gives for a number and its thing, which has to be different for each. They are numbered anew, in the same order.
    pub fn keep(&mut self, mut kept: impl FnMut(u32, &T) -> Option<T>) {
        let mut count = 0;
        for number in 0..self.things.len() {
            if let Some(thing) = kept(number as u32, &self.things[number]) {
                self.things[count] = thing;
                count += 1;
            }
        }
        self.things.truncate(count);
        self.numbers.clear();
        let hash_of = |number: u32| FxBuildHasher.hash_one(&self.things[number as usize]);
        for number in 0..count as u32 {
            self.numbers.insert_unique(hash_of(number), number, |&other| hash_of(other));
        }
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
        let entry = size_of::<u32>() + 1;
        let is_growing = |held: usize, capacity: usize| held + capacity / FEW >= capacity;
        let tables = if is_growing(self.numbers.len(), self.numbers.capacity()) { 3 } else { 1 };
        let lists = if is_growing(self.things.len(), self.things.capacity()) { 3 } else { 1 };
        let table = self.numbers.capacity().div_ceil(7) * 8 * entry;
        (lists * self.things.capacity() * size_of::<T>() + tables * table) as u64
    }
}
