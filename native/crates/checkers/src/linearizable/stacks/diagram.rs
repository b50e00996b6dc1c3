//! Sets of stacks that share what they have in common.
//!
//! A stack is its top and what lies beneath it; a set of stacks is a list of tops, in order, each with the set of what may lie beneath it.
//! Equal lists are one list, and so are equal ends of lists, and no two tops of a list are alike: what may lie beneath such is joined, all
//! the way down. That is a binary decision diagram of sequences (Loekito, Bailey and Pei, "A binary decision diagram based approach for
//! mining frequent subsequences", 2010). With few elements many orders of concurrent pushes look the same from some place on; where alike
//! tops are not joined, what is left of each order is gone through again by every pop.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::linearizable::Budget;
use crate::models::interner::Interner;

/// A set of stacks.
pub type Set = u32;

/// No stack at all.
pub const NONE: Set = 0;
/// The empty stack.
pub const EMPTY: Set = 1;

/// What is on top of some stacks of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Top {
    /// The element.
    pub element: u32,
    /// What lies beneath.
    pub below: Set,
    /// How many operations had been called when it was pushed, at the latest.
    pub latest: u32,
}

impl Top {
    /// Whether it is the same on top, whatever lies beneath.
    fn is_like(&self, other: &Top) -> bool {
        (self.element, self.latest) == (other.element, other.latest)
    }
}

/// The first top of a set, and the rest of the set.
type Node = (Top, Set);

/// What may lie beneath something, and [`Top::latest`] of that.
pub type Part = (Set, u32);

/// Many sets of stacks.
#[derive(Debug)]
pub struct Diagram {
    nodes: Interner<Node>,
    /// What the parts are once they were changed as they are changed now.
    changed: FxHashMap<Part, Set>,
    /// All stacks of two sets, the smaller number first.
    joined: FxHashMap<(Set, Set), Set>,
    /// Parts that were changed, and sets that were joined.
    pub steps: u64,
    budget: Budget,
    /// Lists that are used again each time.
    parts: Vec<Part>,
    pending: BinaryHeap<Part>,
    tops: Vec<Top>,
}

impl Diagram {
    /// [`NONE`] and [`EMPTY`].
    pub fn new(budget: Budget) -> Diagram {
        let mut nodes = Interner::default();
        for number in [NONE, EMPTY] {
            nodes.number((Top { element: 0, below: NONE, latest: 0 }, number));
        }
        Diagram {
            nodes,
            changed: FxHashMap::default(),
            joined: FxHashMap::default(),
            steps: 0,
            budget,
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
        tops.sort_unstable_by_key(|top| (top.element, top.latest, top.below));
        let mut set = if has_empty { EMPTY } else { NONE };
        let mut last: Option<Top> = None;
        for alike in tops.chunk_by(|one, other| one.is_like(other)).rev() {
            let below = alike[1..].iter().fold(alike[0].below, |below, top| self.join(below, top.below));
            let top = Top { below, ..alike[0] };
            let is_worse = last.is_some_and(|last| (last.element, last.below) == (top.element, below));
            if below != NONE && !is_worse {
                set = self.nodes.number((top, set));
                last = Some(top);
            }
        }
        set
    }

    /// All stacks of two sets; any, once a limit is reached.
    fn join(&mut self, one: Set, other: Set) -> Set {
        let mut pending = vec![(one, other)];
        while let Some(&(one, other)) = pending.last() {
            if self.known_join(one, other).is_some() {
                pending.pop();
                continue;
            }
            if self.is_exhausted() {
                return one;
            }
            self.steps += 1;
            let before = pending.len();
            let mut tops: Vec<Top> = self.tops(one).chain(self.tops(other)).collect();
            tops.sort_unstable_by_key(|top| (top.element, top.latest));
            let alike = tops.chunk_by(|one, other| one.is_like(other)).filter_map(|alike| match alike {
                [one, other] => Some((one.below, other.below)),
                _ => None,
            });
            pending.extend(alike.filter(|&(one, other)| self.known_join(one, other).is_none()));
            if pending.len() == before {
                let has_empty = self.has_empty(one) || self.has_empty(other);
                let set = self.with_tops(&mut tops, has_empty);
                self.joined.insert((one.min(other), one.max(other)), set);
            }
        }
        self.known_join(one, other).unwrap_or(NONE)
    }

    fn known_join(&self, one: Set, other: Set) -> Option<Set> {
        match (one.min(other), one.max(other)) {
            (one, other) if one == NONE || one == other => Some(other),
            pair => self.joined.get(&pair).copied(),
        }
    }

    fn is_exhausted(&self) -> bool {
        self.steps > self.budget.max_steps || self.bytes() > self.budget.max_bytes
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

    /// What lies in a set, all of it or beneath what can have been pushed after `call`, but for what was changed already. Everything comes
    /// after what it lies beneath.
    pub fn parts(&mut self, whole: Part, call: u32, parts: &mut Vec<Part>) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.push(whole);
        // What a node is made of has a smaller number.
        while let Some(part) = pending.pop() {
            if parts.last() != Some(&part) && !self.changed.contains_key(&part) {
                parts.push(part);
                let above = self.tops(part.0).filter(|top| top.latest > call);
                above.for_each(|top| pending.push((top.below, top.latest)));
            }
        }
        self.pending = pending;
    }

    /// Begin with another change, which is the same for all sets.
    pub fn begin_change(&mut self) {
        self.changed.clear();
        self.joined.clear();
    }

    /// The stacks of a set with one more element, on top of all or beneath what can have been pushed after `call`.
    pub fn insert(&mut self, set: Set, element: u32, call: u32, now: u32) -> Set {
        self.change((set, now), call, |diagram, (set, latest), tops| {
            tops.extend(diagram.tops(set).filter(|top| top.latest > call));
            diagram.change_below(tops);
            tops.push(Top { element, below: set, latest });
            false
        })
    }

    /// The stacks of a set, with each time told as just after the last of `calls` that came before it. Times up to `from` are told so already.
    pub fn retime(&mut self, set: Set, from: u32, calls: &[u32]) -> Set {
        self.change((set, u32::MAX), from, |diagram, (set, _), tops| {
            tops.extend(diagram.tops(set).filter(|top| top.latest > from));
            diagram.change_below(tops);
            for top in &mut *tops {
                top.latest =
                    calls[..calls.partition_point(|&call| call < top.latest)].last().map_or(0, |call| call + 1);
            }
            tops.extend(diagram.tops(set).filter(|top| top.latest <= from));
            diagram.has_empty(set)
        })
    }

    /// What becomes of a set when each part is changed that lies beneath what can have been pushed after `call`: a function gives the tops of
    /// a part, and whether it has the empty stack, once what lies beneath was changed.
    fn change(&mut self, whole: Part, call: u32, of: impl Fn(&Diagram, Part, &mut Vec<Top>) -> bool) -> Set {
        let (mut parts, mut tops) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.tops));
        parts.clear();
        self.parts(whole, call, &mut parts);
        self.steps += parts.len() as u64;
        for &part in parts.iter().rev() {
            let has_empty = of(self, part, &mut tops);
            let changed = self.with_tops(&mut tops, has_empty);
            self.changed.insert(part, changed);
            tops.clear();
        }
        (self.parts, self.tops) = (parts, tops);
        self.changed[&whole]
    }

    fn change_below(&self, tops: &mut [Top]) {
        for top in tops {
            top.below = self.changed[&(top.below, top.latest)];
        }
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Keep only what is in `roots`, which get other numbers.
    pub fn keep<'a>(&mut self, roots: impl Iterator<Item = &'a mut Set>) {
        self.begin_change();
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
        let changing = (self.changed.capacity() + self.joined.capacity()) * size_of::<(Part, Set)>() * 8 / 7;
        self.nodes.bytes() + (keeping + changing) as u64
    }
}
