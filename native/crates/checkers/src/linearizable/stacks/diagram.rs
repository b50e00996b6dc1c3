//! Sets of stacks that share what they have in common.
//!
//! A stack is its top and what lies beneath it; a set of stacks is a list of tops, in order, each with the set of what may lie beneath it.
//! Equal lists are one list, and so are equal ends of lists. That is a binary decision diagram of sequences (Loekito, Bailey and Pei,
//! "A binary decision diagram based approach for mining frequent subsequences", 2010), but for one thing: tops that are alike with
//! different sets beneath are not joined, which would go on all the way down.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::models::interner::Interner;

/// A set of stacks.
pub type Set = u32;

/// No stack at all.
pub const NONE: Set = 0;
/// The empty stack.
pub const EMPTY: Set = 1;

/// What is on top of some stacks of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Top {
    /// The element.
    pub element: u32,
    /// What lies beneath.
    pub below: Set,
    /// How many operations had been called when it was pushed, at the latest.
    pub latest: u32,
}

/// The first top of a set, and the rest of the set.
type Node = (Top, Set);

/// What may lie beneath something, and [`Top::latest`] of that.
pub type Part = (Set, u32);

/// Many sets of stacks.
#[derive(Debug)]
pub struct Diagram {
    nodes: Interner<Node>,
    /// What the parts are with the element that was inserted last.
    inserted: FxHashMap<Part, Set>,
    /// Lists that are used again each time.
    parts: Vec<Part>,
    pending: BinaryHeap<Part>,
    tops: Vec<Top>,
}

impl Diagram {
    /// [`NONE`] and [`EMPTY`].
    pub fn new() -> Diagram {
        let mut nodes = Interner::default();
        for number in [NONE, EMPTY] {
            nodes.number((Top { element: 0, below: NONE, latest: 0 }, number));
        }
        Diagram {
            nodes,
            inserted: FxHashMap::default(),
            parts: Vec::new(),
            pending: BinaryHeap::new(),
            tops: Vec::new(),
        }
    }

    /// The first top of a set that has one, and the rest of the set.
    pub fn node(&self, set: Set) -> (Top, Set) {
        *self.nodes.thing(set)
    }

    /// The tops of a set.
    pub fn tops(&self, set: Set) -> impl Iterator<Item = Top> + '_ {
        let mut next = set;
        std::iter::from_fn(move || {
            let (top, other) = (next > EMPTY).then(|| self.node(next))?;
            next = other;
            Some(top)
        })
    }

    /// Whether the empty stack is in a set.
    pub fn has_empty(&self, set: Set) -> bool {
        let mut next = set;
        while next > EMPTY {
            next = self.nodes.thing(next).1;
        }
        next == EMPTY
    }

    /// The set of stacks with these tops. Of two that are the same but for the time the later one can do all that the other can.
    pub fn with_tops(&mut self, tops: &mut [Top], has_empty: bool) -> Set {
        tops.sort_unstable();
        let mut set = if has_empty { EMPTY } else { NONE };
        let mut last: Option<Top> = None;
        for &top in tops.iter().rev() {
            let is_worse = last.is_some_and(|last| (last.element, last.below) == (top.element, top.below));
            if top.below != NONE && !is_worse {
                set = self.nodes.number((top, set));
                last = Some(top);
            }
        }
        set
    }

    /// All stacks of some sets.
    pub fn union(&mut self, sets: impl Iterator<Item = Set>) -> Set {
        let mut tops = std::mem::take(&mut self.tops);
        let (mut has_empty, mut count, mut last) = (false, 0, NONE);
        for set in sets {
            (count, last) = (count + 1, set);
            tops.extend(self.tops(set));
            has_empty |= self.has_empty(set);
        }
        let union = if count > 1 { self.with_tops(&mut tops, has_empty) } else { last };
        tops.clear();
        self.tops = tops;
        union
    }

    /// What lies in a set, all of it or beneath what can have been pushed after `call`, but for what the element that was inserted last was
    /// inserted into. Everything comes after what it lies beneath.
    pub fn parts(&mut self, whole: Part, call: u32, parts: &mut Vec<Part>) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.push(whole);
        // What a node is made of has a smaller number.
        while let Some(part) = pending.pop() {
            if parts.last() != Some(&part) && !self.inserted.contains_key(&part) {
                parts.push(part);
                let above = self.tops(part.0).filter(|top| top.latest > call);
                above.for_each(|top| pending.push((top.below, top.latest)));
            }
        }
        self.pending = pending;
    }

    /// Begin with another insertion.
    pub fn begin_insertion(&mut self) {
        self.inserted.clear();
    }

    /// The stacks of a set with one more element, on top of all or beneath what can have been pushed after `call`. Gives how many parts were
    /// gone through as well.
    pub fn insert(&mut self, set: Set, element: u32, call: u32, now: u32) -> (Set, u64) {
        let (mut parts, mut tops) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.tops));
        parts.clear();
        self.parts((set, now), call, &mut parts);
        for &(set, latest) in parts.iter().rev() {
            let above = self.tops(set).filter(|top| top.latest > call);
            tops.extend(above.map(|top| Top { below: self.inserted[&(top.below, top.latest)], ..top }));
            tops.push(Top { element, below: set, latest });
            let with = self.with_tops(&mut tops, false);
            self.inserted.insert((set, latest), with);
            tops.clear();
        }
        let steps = parts.len() as u64;
        (self.parts, self.tops) = (parts, tops);
        (self.inserted[&(set, now)], steps)
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Keep only what is in `roots`, which get other numbers.
    pub fn keep<'a>(&mut self, roots: impl Iterator<Item = &'a mut Set>) {
        self.inserted.clear();
        let mut roots: Vec<&mut Set> = roots.collect();
        let mut is_kept = vec![false; self.nodes.len()];
        for root in &roots {
            is_kept[**root as usize] = true;
        }
        // What a node is made of has a smaller number.
        for number in (EMPTY as usize + 1..is_kept.len()).rev() {
            if is_kept[number] {
                let &(top, other) = self.nodes.thing(number as u32);
                is_kept[top.below as usize] = true;
                is_kept[other as usize] = true;
            }
        }
        is_kept[..=EMPTY as usize].fill(true);
        let mut numbers: Vec<Set> = Vec::with_capacity(is_kept.len());
        let mut next = 0;
        self.nodes.keep(|number, &(top, other)| {
            let is_kept = is_kept[number as usize];
            numbers.push(if is_kept { next } else { NONE });
            next += Set::from(is_kept);
            is_kept.then(|| (Top { below: numbers[top.below as usize], ..top }, numbers[other as usize]))
        });
        for root in &mut roots {
            **root = numbers[**root as usize];
        }
    }

    /// Bytes held, those included that [`Diagram::keep`] needs.
    pub fn bytes(&self) -> u64 {
        let keeping = self.nodes.len() * (size_of::<bool>() + size_of::<Set>());
        let inserting = self.inserted.capacity() * size_of::<(Part, Set)>() * 8 / 7;
        self.nodes.bytes() + (keeping + inserting) as u64
    }
}
