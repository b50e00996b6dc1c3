//! Which classes of cycles a graph of dependencies has, as a direct transcription of their definitions: relations as matrices, closed
//! by Warshall's algorithm. Process order and real time are taken in full.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeSet;

pub const CLASSES: [&str; 5] = ["G0", "G1c", "G-single-item", "G-nonadjacent-item", "G2-item"];
pub const REACHES: [&str; 3] = ["", "-process", "-realtime"];

/// A relation between few things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation(Vec<Vec<bool>>);

impl Relation {
    pub fn new(count: usize) -> Relation {
        Relation(vec![vec![false; count]; count])
    }

    pub fn add(&mut self, from: usize, to: usize) {
        self.0[from][to] |= from != to;
    }

    pub fn has(&self, from: usize, to: usize) -> bool {
        self.0[from][to]
    }

    pub fn or(&self, other: &Relation) -> Relation {
        let mut both = self.clone();
        for (row, more) in both.0.iter_mut().zip(&other.0) {
            row.iter_mut().zip(more).for_each(|(cell, more)| *cell |= more);
        }
        both
    }

    /// First this one, then the other.
    pub fn then(&self, other: &Relation) -> Relation {
        let count = self.0.len();
        let mut joined = Relation::new(count);
        for from in 0..count {
            for middle in (0..count).filter(|&middle| self.0[from][middle]) {
                (0..count).for_each(|to| joined.0[from][to] |= other.0[middle][to]);
            }
        }
        joined
    }

    pub fn closed(&self) -> Relation {
        let mut closed = self.clone();
        for middle in 0..closed.0.len() {
            for from in 0..closed.0.len() {
                if closed.0[from][middle] {
                    for to in 0..closed.0.len() {
                        closed.0[from][to] |= closed.0[middle][to];
                    }
                }
            }
        }
        closed
    }

    pub fn has_circle(&self) -> bool {
        (0..self.0.len()).any(|one| self.0[one][one])
    }
}

/// The dependencies of a history.
pub struct Dependencies {
    pub ww: Relation,
    pub wr: Relation,
    pub rw: Relation,
    pub process: Relation,
    pub realtime: Relation,
    /// The first three again, for each key alone: ww, wr and rw.
    pub by_key: Vec<(i64, [Relation; 3])>,
    /// Whether there is a cycle of writes and one anti-dependency about a single key: what cursor stability does not allow.
    pub has_cursor: bool,
}

impl Dependencies {
    pub fn new(count: usize) -> Dependencies {
        let none = Relation::new(count);
        Dependencies {
            ww: none.clone(),
            wr: none.clone(),
            rw: none.clone(),
            process: none.clone(),
            realtime: none,
            by_key: Vec::new(),
            has_cursor: false,
        }
    }

    /// Whether there is a cycle of this class, by its definition.
    fn has(&self, class: &str, reach: &str) -> bool {
        let order = match reach {
            "" => Relation::new(self.ww.0.len()),
            "-process" => self.process.clone(),
            _ => self.process.or(&self.realtime),
        };
        let writes = self.ww.or(&order);
        let reads = writes.or(&self.wr);
        match class {
            "G0" => writes.closed().has_circle(),
            "G1c" => reads.closed().has_circle(),
            "G-single-item" => self.rw.then(&reads.closed()).has_circle(),
            // Cerone and Gotsman: what snapshot isolation does not allow.
            "G-nonadjacent-item" => reads.or(&reads.then(&self.rw)).closed().has_circle(),
            _ => reads.or(&self.rw).closed().has_circle(),
        }
    }

    /// Whether, of all transactions that wrote something and any one that did not, there is a cycle: what update serializability does not
    /// allow.
    pub fn has_cycle_of_updates(&self, is_update: &[bool]) -> bool {
        let all = self.ww.or(&self.wr).or(&self.rw);
        let count = is_update.len();
        let together = |one: usize| {
            let is_left = |other: usize| other == one || is_update[other];
            let mut left = Relation::new(count);
            for from in (0..count).filter(|&from| is_left(from)) {
                (0..count).filter(|&to| is_left(to) && all.has(from, to)).for_each(|to| left.add(from, to));
            }
            left
        };
        (0..count).any(|one| together(one).closed().has_circle())
    }

    /// Every class and reach of which there is a cycle, or one that implies it.
    pub fn cycles(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for reach in REACHES {
            let first = CLASSES.iter().position(|class| self.has(class, reach));
            for class in CLASSES.iter().skip(first.unwrap_or(CLASSES.len())) {
                found.insert(format!("{class}{reach}"));
            }
        }
        found
    }
}

/// What cycles of these names imply, in the same terms.
pub fn implied<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names {
        let reach = REACHES.iter().rposition(|reach| name.ends_with(reach)).unwrap_or(0);
        let Some(class) = CLASSES.iter().position(|class| *class == name.trim_end_matches(REACHES[reach])) else {
            continue;
        };
        for reach in &REACHES[reach..] {
            found.extend(CLASSES[class..].iter().map(|class| format!("{class}{reach}")));
        }
    }
    found
}
