//! From return to return: what the stack can be once one more operation has returned.

use rustc_hash::{FxHashMap, FxHashSet};

use super::diagram::{Diagram, EMPTY, NONE, Part, Set, Top};
use super::window::{Slots, Supply, Window, has_more};
use crate::linearizable::{Budget, Limit, Operation};
use crate::models::shelf::{self, Shelf};
use crate::objects::PoolAction;

/// What went before its return, or has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gone {
    /// Slots of operations that went: pushes together with their pop, pops that were in the way of another.
    pub slots: Slots,
    /// By element: how many of its pushes that may have happened went.
    pub puts: shelf::Map,
    /// By element: how many of its pops that may have happened went, and have no slot any more.
    pub takes: shelf::Map,
    /// How many pops of nobody knows what went, and have no slot any more.
    pub unknown: u32,
    /// What all that was made up costs.
    pub waste: u32,
}

/// What went, and what the stack can be then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configuration {
    /// What went.
    pub gone: Gone,
    /// What the stack can be.
    pub stacks: Set,
}

impl Configuration {
    /// Nothing happened.
    pub const START: Configuration = Configuration {
        gone: Gone { slots: 0, puts: shelf::EMPTY, takes: shelf::EMPTY, unknown: 0, waste: 0 },
        stacks: EMPTY,
    };
}

/// What it costs to make up an operation that may have happened. Whoever makes up the push of an element that was popped leaves on the stack
/// what may have been popped instead: that element, and what lies above it. For most of those a pop has to be made up later.
const MADE_UP_PUT: u32 = 3;
const MADE_UP_TAKE: u32 = 1;

/// What may be wasted on an operation.
#[derive(Clone, Copy, Debug)]
pub struct Thrift {
    /// At most so much, so that it can go.
    pub most: u32,
    /// So much more than it takes, unless it takes nothing.
    pub slack: u32,
    /// Even if it takes nothing.
    pub is_lavish: bool,
}

/// A pop that returns: what it takes, nothing if it found nothing, and how many operations had been called before it.
#[derive(Clone, Copy)]
struct Pop {
    element: Option<u32>,
    call: u32,
    slot: u32,
}

/// Hardly ever do more configurations follow one.
const SEVERAL: usize = 64;

/// Steps from one look at the limits to the next.
const LOOK: u64 = 64;

/// Nothing is above, or can have been pushed at any time.
const ALWAYS: u32 = u32::MAX;

/// A history of a stack, and where it is.
#[derive(Debug)]
pub struct Passing {
    /// The operations by call; elements are numbered from zero.
    operations: Vec<Operation<PoolAction>>,
    /// The returns in order, as rows and places of operations.
    pub returns: Vec<(u32, u32)>,
    /// How many of them come before the call of any operation that may have happened.
    pub certain: usize,
    /// What may have happened.
    pub supply: Supply,
    /// What is open.
    pub window: Window,
    /// What the stack can be.
    pub diagram: Diagram,
    /// Operations linearized.
    pub steps: u64,
    /// The most bytes held.
    pub peak_bytes: u64,
    budget: Budget,
    limit: Option<Limit>,
    /// Bytes of lists of configurations.
    listed: u64,
    /// Configurations that waste more than this are not gone on to.
    most_waste: u32,
    /// Whether there were such configurations.
    pub has_left_out: bool,
    /// By place among the operations: the slot.
    slots: Vec<u8>,
    shelf: Shelf,
    /// The elements that open pops take, as bits; several elements share one.
    taken: u64,
    popping: Popping,
    uncovering: Uncovering,
    fixed_bytes: u64,
}

/// Lists that are used again for each pop.
#[derive(Debug, Default)]
struct Popping {
    /// The parts of the stacks from which it can take, in order.
    parts: Vec<Part>,
    /// What it makes of each, and where that of each begins.
    popped: Vec<Configuration>,
    begins: Vec<usize>,
    /// What it makes of one of them.
    ways: Vec<Configuration>,
}

impl Popping {
    fn bytes(&self) -> u64 {
        let places = self.parts.capacity() * size_of::<Part>() + self.begins.capacity() * size_of::<usize>();
        (places + (self.popped.capacity() + self.ways.capacity()) * size_of::<Configuration>()) as u64
    }
}

/// Lists that are used again for each part.
#[derive(Debug, Default)]
struct Uncovering {
    pending: Vec<Configuration>,
    seen: FxHashSet<Configuration>,
    takers: Vec<Gone>,
}

impl Uncovering {
    fn bytes(&self) -> u64 {
        ((self.pending.capacity() + self.seen.capacity() * 8 / 7) * size_of::<Configuration>()) as u64
    }
}

impl Passing {
    /// The operations are sorted by call.
    pub fn new(operations: &[Operation<PoolAction>], budget: Budget) -> Passing {
        let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
        let mut number = |element: u32| {
            let next = numbers.len() as u32;
            *numbers.entry(element).or_insert(next)
        };
        let mut operations = operations.to_vec();
        for operation in &mut operations {
            match &mut operation.action {
                PoolAction::Put(element) | PoolAction::Take(element) => *element = number(*element),
                PoolAction::TakeUnknown => operation.completion = crate::pairing::NEVER,
                PoolAction::Empty => {}
            }
        }
        let certain = operations.iter().zip(0..).filter(|(operation, _)| !operation.is_pending());
        let mut returns: Vec<(u32, u32)> = certain.map(|(operation, place)| (operation.completion, place)).collect();
        returns.sort_unstable();
        let doubtful = operations.iter().find(|operation| operation.is_pending());
        let certain = doubtful.map_or(returns.len(), |o| returns.partition_point(|&(row, _)| row < o.invocation));
        let supply = Supply::of(&operations, numbers.len());
        let lists = size_of_val(&operations[..]) + size_of_val(&returns[..]) + operations.len();
        Passing {
            fixed_bytes: lists as u64 + supply.bytes(),
            slots: vec![0; operations.len()],
            returns,
            certain,
            supply,
            operations,
            window: Window::default(),
            diagram: Diagram::new(budget),
            steps: 0,
            peak_bytes: 0,
            budget,
            limit: None,
            listed: 0,
            most_waste: u32::MAX,
            has_left_out: false,
            shelf: Shelf::new(numbers.len()),
            taken: 0,
            popping: Popping::default(),
            uncovering: Uncovering::default(),
        }
    }

    /// Whether a limit is reached, with so many bytes more than are counted here.
    pub fn is_exhausted(&mut self, bytes: u64) -> Option<Limit> {
        self.steps += std::mem::take(&mut self.diagram.steps);
        let lists = self.listed + self.popping.bytes() + self.uncovering.bytes();
        let bytes = bytes + lists + self.fixed_bytes + self.shelf.bytes() + self.diagram.bytes();
        self.peak_bytes = self.peak_bytes.max(bytes);
        if bytes > self.budget.max_bytes {
            self.limit = Some(Limit::Bytes);
        } else if self.steps > self.budget.max_steps {
            self.limit = Some(Limit::Steps);
        }
        self.limit
    }

    /// The operations that returned before that of this level, by place.
    pub fn returned(&self, level: usize) -> Vec<u32> {
        self.returns[..level].iter().map(|&(_, place)| place).collect()
    }

    /// What was called before the return of this level is open. False if too much is open at once.
    pub fn open_until(&mut self, level: usize) -> bool {
        let row = self.returns[level].0;
        while let Some(operation) = self.operations.get(self.window.called as usize).filter(|o| o.invocation < row) {
            // Of pushes that may have happened it does not matter when they were called, nor of pops while no other is open.
            let needs_slot = !operation.is_pending()
                || (matches!(operation.action, PoolAction::Take(_) | PoolAction::TakeUnknown)
                    && self.window.takes != 0);
            if needs_slot {
                let Some(slot) = self.window.open(operation) else { return false };
                self.slots[self.window.called as usize] = slot as u8;
            }
            self.window.called += 1;
        }
        true
    }

    /// What can be once the operation of this level has returned. With `thrift`, nothing is wasted from a configuration that can do without.
    pub fn pass(&mut self, level: usize, from: &[Configuration], thrift: Option<Thrift>) -> Vec<Configuration> {
        let place = self.returns[level].1;
        let slot = u32::from(self.slots[place as usize]);
        let action = self.operations[place as usize].action;
        let mut found: Vec<Configuration> = Vec::with_capacity(from.len());
        self.diagram.begin_change();
        self.taken = self.taken_besides(slot);
        for &configuration in from {
            let Configuration { gone, stacks } = configuration;
            self.steps += 1;
            // While a list grows the old and the new one, twice as large, exist side by side; what is found is joined in one of its own.
            let grown = if found.len() + SEVERAL >= found.capacity() { 3 } else { 1 } * found.capacity();
            self.listed = (size_of_val(from) + (grown + found.len()) * size_of::<Configuration>()) as u64;
            if self.is_exhausted(0).is_some() {
                break;
            }
            if gone.slots >> slot & 1 == 1 {
                found.push(Configuration { gone: Gone { slots: gone.slots & !(1 << slot), ..gone }, stacks });
                continue;
            }
            let element = match action {
                PoolAction::Put(element) => {
                    let with = self.diagram.insert(stacks, element, place, self.window.called);
                    found.push(Configuration { gone, stacks: with });
                    continue;
                }
                PoolAction::Take(element) => Some(element),
                PoolAction::Empty | PoolAction::TakeUnknown => None,
            };
            let pop = Pop { element, call: place, slot };
            match thrift {
                None => self.take(configuration, pop, u32::MAX, &mut found),
                Some(thrift) => self.take_thriftily(configuration, pop, thrift, &mut found),
            }
        }
        if self.limit.is_some() {
            return Vec::new();
        }
        self.window.close(slot);
        let closed = self.settle(&mut found).map_or(place, |call| call.min(place));
        self.retime(&mut found, closed);
        let mut joined = Vec::with_capacity(found.len());
        self.join(&mut found, &mut joined);
        joined
    }

    /// The elements that open pops take, but for that in `slot`.
    fn taken_besides(&self, slot: u32) -> u64 {
        if !self.supply.is_empty {
            return u64::MAX;
        }
        let others = self.window.among(self.window.takes & !(1 << slot));
        others.fold(0, |taken, (_, open)| match open.action {
            PoolAction::Take(element) => taken | bit(element),
            _ => taken,
        })
    }

    /// Every way in which a pop goes, wasting at most so much.
    fn take(&mut self, from: Configuration, pop: Pop, waste: u32, found: &mut Vec<Configuration>) {
        self.most_waste = from.gone.waste.saturating_add(waste);
        self.pop(from, pop, found);
        if let Some(element) = pop.element {
            self.go_together(from, element, found);
        }
    }

    /// The ways in which a pop goes that waste nothing; if there are none, those that waste little.
    fn take_thriftily(&mut self, from: Configuration, pop: Pop, thrift: Thrift, found: &mut Vec<Configuration>) {
        let (before, had_left_out) = (found.len(), std::mem::take(&mut self.has_left_out));
        let mut waste = 0;
        self.take(from, pop, waste, found);
        while found.len() == before && self.has_left_out && waste < thrift.most {
            self.has_left_out = false;
            waste = (2 * waste).max(1);
            self.take(from, pop, waste, found);
        }
        if thrift.slack > 0 && (waste > 0 || thrift.is_lavish) {
            found.truncate(before);
            self.take(from, pop, waste + thrift.slack, found);
        }
        self.has_left_out |= had_left_out;
    }

    /// Pops that may have happened lose their slots where it does not matter any more when they were called. Gives the first of those calls.
    fn settle(&mut self, found: &mut [Configuration]) -> Option<u32> {
        let settled = self.window.settled();
        let first = self.window.among(settled).map(|(_, open)| open.call).min()?;
        for Configuration { gone, .. } in found.iter_mut().filter(|found| found.gone.slots & settled != 0) {
            for (_, open) in self.window.among(gone.slots & settled) {
                if let PoolAction::Take(element) = open.action {
                    let used = self.shelf.get(gone.takes, element);
                    gone.takes = self.shelf.set(gone.takes, element, used + 1);
                } else {
                    gone.unknown += 1;
                }
            }
            gone.slots &= !settled;
        }
        super::window::each(settled).for_each(|slot| self.window.close(slot));
        Some(first)
    }

    /// Tell times only as far as they matter, now that what was called at `closed`, or some of what was called later, is not open any more.
    /// Nothing but calls of what is open is compared with them, as what will be called comes after all; so two times are the same that are
    /// between the same two of those calls.
    fn retime(&mut self, found: &mut [Configuration], closed: u32) {
        let mut calls: Vec<u32> = self.window.among(self.window.all()).map(|(_, open)| open.call).collect();
        calls.sort_unstable();
        self.diagram.begin_change();
        for configuration in found {
            configuration.stacks = self.diagram.retime(configuration.stacks, closed, &calls);
        }
    }

    /// One configuration of all in which the same went.
    fn join(&mut self, found: &mut [Configuration], joined: &mut Vec<Configuration>) {
        if found.len() > 1 {
            found.sort_unstable();
        }
        for alike in found.chunk_by(|one, other| one.gone == other.gone) {
            let stacks = self.diagram.union(alike.iter().map(|configuration| configuration.stacks));
            joined.extend((stacks != NONE).then_some(Configuration { gone: alike[0].gone, stacks }));
        }
    }

    /// Every way to take what a pop returned from below what can have been pushed after its call (rules 2 and 4).
    fn pop(&mut self, from: Configuration, pop: Pop, found: &mut Vec<Configuration>) {
        let Popping { mut parts, mut popped, mut begins, mut ways } = std::mem::take(&mut self.popping);
        self.diagram.parts((from.stacks, ALWAYS), pop.call, &mut parts);
        parts.reverse();
        for (place, &(set, latest)) in parts.iter().enumerate() {
            begins.push(popped.len());
            self.uncover(from.gone, (set, latest), pop, &mut ways);
            if self.limit.is_some() {
                break;
            }
            let mut next = set;
            while next > EMPTY {
                let (top, other) = self.diagram.node(next);
                next = other;
                if top.latest <= pop.call {
                    continue;
                }
                let Ok(below) = parts[..place].binary_search(&(top.below, top.latest)) else { continue };
                for way in &popped[begins[below]..begins[below + 1]] {
                    let stacks = self.diagram.with_tops(&mut [Top { below: way.stacks, ..top }], false);
                    ways.push(Configuration { gone: way.gone, stacks });
                }
            }
            self.join(&mut ways, &mut popped);
            ways.clear();
        }
        found.extend_from_slice(&popped[begins.last().copied().unwrap_or(0)..]);
        parts.clear();
        popped.clear();
        begins.clear();
        ways.clear();
        self.popping = Popping { parts, popped, begins, ways };
    }

    /// Every way to take what a pop returned from below what other pops take, all called before `latest`.
    fn uncover(&mut self, gone: Gone, (set, latest): Part, pop: Pop, found: &mut Vec<Configuration>) {
        let Uncovering { mut pending, mut seen, mut takers } = std::mem::take(&mut self.uncovering);
        pending.push(Configuration { gone, stacks: set });
        while let Some(Configuration { gone, stacks: mut next }) = pending.pop() {
            self.steps += 1;
            if self.steps % LOOK == 0 {
                let lists = pending.capacity() + seen.capacity() * 8 / 7;
                if self.is_exhausted((lists * size_of::<Configuration>()) as u64).is_some() {
                    break;
                }
            }
            while next > EMPTY {
                let (top, other) = self.diagram.node(next);
                next = other;
                if Some(top.element) == pop.element {
                    found.push(Configuration { gone, stacks: top.below });
                } else if self.taken & bit(top.element) != 0 {
                    self.takers(top.element, latest, gone, pop.slot, &mut takers);
                    let below = takers.drain(..).map(|gone| Configuration { gone, stacks: top.below });
                    pending.extend(below.filter(|&below| seen.insert(below)));
                }
            }
            if pop.element.is_none() && next == EMPTY {
                found.push(Configuration { gone, stacks: EMPTY });
            }
        }
        pending.clear();
        seen.clear();
        self.uncovering = Uncovering { pending, seen, takers };
    }

    /// What went once one more pop takes `element`, which was called before `latest` and is not that in `slot`.
    fn takers(&mut self, element: u32, latest: u32, gone: Gone, slot: u32, takers: &mut Vec<Gone>) {
        let free = !gone.slots & !(1 << slot);
        let takes = self.window.that_do(self.window.takes & free, PoolAction::Take(element), latest);
        takers.extend(self.window.worth_trying(takes).map(|slot| Gone { slots: gone.slots | 1 << slot, ..gone }));
        if self.supply.is_empty {
            return;
        }
        let settled = self.window.first_take();
        let last = |action: PoolAction| {
            let pending = self.window.among(self.window.pending & free);
            let able = pending.filter(|(_, open)| open.action == action && open.call < latest);
            able.max_by_key(|(_, open)| open.call).map(|(slot, open)| (slot, open.call))
        };
        let went = Gone { waste: gone.waste + MADE_UP_TAKE, ..gone };
        // Each with the call, which counts from the first pop that is open on.
        let known =
            last(PoolAction::Take(element)).map(|(slot, call)| (call, Gone { slots: went.slots | 1 << slot, ..went }));
        let known = known.or_else(|| {
            let used = self.shelf.get(gone.takes, element);
            has_more(&self.supply.takes[element as usize], used, settled)
                .then(|| (0, Gone { takes: self.shelf.set(gone.takes, element, used + 1), ..went }))
        });
        let unknown =
            last(PoolAction::TakeUnknown).map(|(slot, call)| (call, Gone { slots: went.slots | 1 << slot, ..went }));
        let unknown = unknown.or_else(|| {
            has_more(&self.supply.unknown, gone.unknown, settled)
                .then_some((0, Gone { unknown: gone.unknown + 1, ..went }))
        });
        // One of nobody knows what can do more, and is kept; unless the other was called earlier, which can do more as well.
        let unknown = unknown.filter(|(call, _)| known.is_none_or(|(earlier, _)| earlier < *call));
        let pending = known.into_iter().chain(unknown).map(|(_, gone)| gone);
        if went.waste <= self.most_waste {
            takers.extend(pending);
        } else {
            self.has_left_out |= pending.count() > 0;
        }
    }

    /// Every way in which a pop of `element` goes together with a push (rule 3). What is on top of the stack need not be made up: the push
    /// can take its place later.
    fn go_together(&mut self, from: Configuration, element: u32, found: &mut Vec<Configuration>) {
        let gone = from.gone;
        let puts = self.window.that_do(self.window.puts & !gone.slots, PoolAction::Put(element), u32::MAX);
        let used = self.shelf.get(gone.puts, element);
        let waste = gone.waste + MADE_UP_PUT;
        let mut may_put = has_more(&self.supply.puts[element as usize], used, self.window.called);
        if may_put && waste > self.most_waste {
            (may_put, self.has_left_out) = (false, true);
        }
        if puts == 0 && !may_put {
            return;
        }
        let mut others: Vec<Top> = self.diagram.tops(from.stacks).filter(|top| top.element != element).collect();
        let has_empty = self.diagram.has_empty(from.stacks);
        let stacks = self.diagram.with_tops(&mut others, has_empty);
        let open = self.window.worth_trying(puts).map(|slot| Gone { slots: gone.slots | 1 << slot, ..gone });
        let made_up = may_put.then(|| Gone { puts: self.shelf.set(gone.puts, element, used + 1), waste, ..gone });
        found.extend(open.chain(made_up).map(|gone| Configuration { gone, stacks }));
    }
}

/// The bit of an element.
fn bit(element: u32) -> u64 {
    1 << (element % u64::BITS)
}
