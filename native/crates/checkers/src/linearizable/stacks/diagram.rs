//! Sets of stacks that share what they have in common.
//!
//! A stack is its top and what lies beneath it; a set of stacks is a list of tops, in order, each with the set of what may lie beneath it.
//! Equal lists are one list, and so are equal ends of lists. That is a binary decision diagram of sequences (Loekito, Bailey and Pei,
//! "A binary decision diagram based approach for mining frequent subsequences", 2010), but for one thing: tops that are alike with
//! different sets beneath are not joined, which would go on all the way down.

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

/// Many sets of stacks.
#[derive(Debug)]
pub struct Diagram {
    nodes: Interner<Node>,
    /// The sets in which the element that was inserted last lies somewhere among the first, by set and [`Top::latest`].
    inserted: FxHashMap<(Set, u32), Set>,
}

impl Diagram {
    /// [`NONE`] and [`EMPTY`].
    pub fn new() -> Diagram {
        let mut nodes = Interner::default();
        for number in [NONE, EMPTY] {
            nodes.number((Top { element: 0, below: NONE, latest: 0 }, number));
        }
        Diagram { nodes, inserted: FxHashMap::default() }
    }

    /// The tops of a set.
    pub fn tops(&self, set: Set) -> impl Iterator<Item = Top> + '_ {
        let mut next = set;
        std::iter::from_fn(move || {
            let &(top, other) = (next > EMPTY).then(|| self.nodes.thing(next))?;
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
    pub fn union(&mut self, sets: &[Set]) -> Set {
        if let [set] = sets {
            return *set;
        }
        let mut tops: Vec<Top> = sets.iter().flat_map(|&set| self.tops(set)).collect();
        let has_empty = sets.iter().any(|&set| self.has_empty(set));
        self.with_tops(&mut tops, has_empty)
    }

    /// Begin with another insertion.
    pub fn begin_insertion(&mut self) {
        self.inserted.clear();
    }

    /// The stacks of a set with one more element, on top of all or beneath what can have been pushed after `call`. Gives how many sets were
    /// gone through as well.
    pub fn insert(&mut self, set: Set, element: u32, call: u32, now: u32) -> (Set, u64) {
        let (mut pending, mut steps) = (vec![(set, now)], 0);
        while let Some(&(set, latest)) = pending.last() {
            if self.inserted.contains_key(&(set, latest)) {
                pending.pop();
                continue;
            }
            steps += 1;
            let before = pending.len();
            let mut tops: Vec<Top> = self.tops(set).filter(|top| top.latest > call).collect();
            for top in &tops {
                let beneath = (top.below, top.latest);
                pending.extend((!self.inserted.contains_key(&beneath)).then_some(beneath));
            }
            if pending.len() > before {
                continue;
            }
            pending.pop();
            for top in &mut tops {
                top.below = self.inserted[&(top.below, top.latest)];
            }
            tops.push(Top { element, below: set, latest });
            let with = self.with_tops(&mut tops, false);
            self.inserted.insert((set, latest), with);
        }
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
        let old = std::mem::replace(self, Diagram::new());
        let mut numbers: Vec<Set> = vec![NONE, EMPTY];
        for (number, &(top, other)) in old.nodes.things().iter().enumerate().skip(numbers.len()) {
            let moved = |set: Set| numbers[set as usize];
            let node = (Top { below: moved(top.below), ..top }, moved(other));
            numbers.push(if is_kept[number] { self.nodes.number(node) } else { NONE });
        }
        for root in &mut roots {
            **root = numbers[**root as usize];
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.nodes.bytes() + (self.inserted.capacity() * size_of::<((Set, u32), Set)>() * 8 / 7) as u64
    }
}
