//! What every place of an object holds in the states of configurations.
//!
//! A state is a row of values, one for each place. Equal rows are the same row, so that states are compared as numbers; and there is little
//! to look through, because rows of configurations that are gone are forgotten.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::window::Configuration;
use crate::models::{Access, State};

/// Rows by their numbers.
pub struct Held {
    places: usize,
    /// All rows, end to end.
    values: Vec<u32>,
    /// By row.
    hashes: Vec<u64>,
    rows: HashTable<State>,
}

impl Held {
    /// No rows of so many places.
    pub fn new(places: usize) -> Self {
        Held { places, values: Vec::new(), hashes: Vec::new(), rows: HashTable::new() }
    }

    /// What each place holds.
    pub fn of(&self, state: State) -> &[u32] {
        row(&self.values, self.places, state)
    }

    /// The row that holds just that.
    pub fn number(&mut self, held: impl IntoIterator<Item = u32>) -> State {
        self.values.extend(held);
        self.number_last()
    }

    /// What there is in `state` after `written` was left in some places.
    pub fn with(&mut self, state: State, written: impl Iterator<Item = (u32, u32)>) -> State {
        let start = state as usize * self.places;
        let next = self.values.len();
        self.values.extend_from_within(start..start + self.places);
        for (place, value) in written {
            self.values[next + place as usize] = value;
        }
        self.number_last()
    }

    /// What there is in `state` after something happened, if it finds what it has to.
    pub fn step(&mut self, state: State, accesses: &[Access]) -> Option<State> {
        let held = self.of(state);
        if accesses.iter().any(|access| access.lacks(held[access.key as usize])) {
            return None;
        }
        let written = || accesses.iter().filter_map(|access| Some((access.key, access.leaves?)));
        let changes = written().any(|(place, value)| held[place as usize] != value);
        Some(if changes { self.with(state, written()) } else { state })
    }

    /// The number of the row that lies behind the others, which is one of those or a new one.
    fn number_last(&mut self) -> State {
        let Held { places, values, hashes, rows } = self;
        let next = hashes.len() as State;
        let mut hasher = FxBuildHasher.build_hasher();
        row(values, *places, next).iter().for_each(|&value| hasher.write_u32(value));
        let hash = hasher.finish();
        let is_same = |&other: &State| row(values, *places, other) == row(values, *places, next);
        if let Some(&same) = rows.find(hash, is_same) {
            values.truncate(values.len() - *places);
            return same;
        }
        hashes.push(hash);
        rows.insert_unique(hash, next, |&row| hashes[row as usize]);
        next
    }

    /// Forget rows of configurations that are gone.
    pub fn settle(&mut self, configurations: &mut [Configuration]) {
        let mut kept = Held::new(self.places);
        for configuration in configurations {
            configuration.state = kept.number(self.of(configuration.state).iter().copied());
        }
        *self = kept;
    }

    /// The rows of configurations that are to be returned to.
    pub fn mark(&self) -> Vec<u32> {
        self.values.clone()
    }

    /// Return to what [`Held::mark`] gave.
    pub fn back_to(&mut self, mark: &[u32]) {
        *self = Held::new(self.places);
        for row in mark.chunks(self.places.max(1)) {
            self.number(row.iter().copied());
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (4 * self.values.capacity() + 8 * self.hashes.capacity() + self.rows.allocation_size()) as u64
    }
}

fn row(values: &[u32], places: usize, state: State) -> &[u32] {
    let start = state as usize * places;
    &values[start..start + places]
}
