//! From stage to stage: which enqueue may go with which dequeue next, and which stages another can stand for.

use rustc_hash::FxHashMap;

use super::side::{Cut, Side};
use super::supply::{Supply, next};
use crate::linearizable::Operation;
use crate::models::shelf::{self, Shelf};
use crate::objects::PoolAction;

/// How far a pair of orders has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage {
    /// The dequeues that certainly happened and went.
    pub takes: Cut,
    /// By element: how many of its dequeues that may have happened went.
    pub helped: shelf::Map,
    /// How much went of all that may have happened. Where dequeues are the same, whoever takes another's place has wasted less.
    pub waste: u32,
    /// The enqueues that certainly happened and went.
    pub puts: Cut,
    /// By element: how many of its enqueues that may have happened went.
    pub spent: shelf::Map,
    /// How many dequeues of nobody knows what went.
    pub unknown: u32,
    /// The last call of a dequeue that went.
    pub latest: u32,
}

impl Stage {
    /// Nothing went.
    pub const START: Stage = Stage {
        takes: Cut::NOTHING,
        helped: shelf::EMPTY,
        waste: 0,
        puts: Cut::NOTHING,
        spent: shelf::EMPTY,
        unknown: 0,
        latest: 0,
    };
}

/// The element of a dequeue that found nothing.
const NONE: u32 = u32::MAX;

/// A history of a queue, by its ends.
#[derive(Debug)]
pub struct Lockstep {
    /// Enqueues that certainly happened.
    pub puts: Side,
    /// Dequeues that certainly happened.
    pub takes: Side,
    /// What may have happened.
    pub supply: Supply,
    /// Operations linearized.
    pub steps: u64,
    /// Stages that waste more than this are not gone on to.
    pub most_waste: u32,
    /// Whether there were such stages.
    pub has_left_out: bool,
    /// By element: the places of its enqueues that certainly happened, by return.
    places: Vec<Vec<u32>>,
    has_empty: bool,
    shelf: Shelf,
    fixed_bytes: u64,
}

impl Lockstep {
    /// The operations, which are sorted by call; nothing if too many are open at once.
    pub fn new(operations: &[Operation<PoolAction>]) -> Option<Lockstep> {
        let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
        for operation in operations {
            if let PoolAction::Put(element) | PoolAction::Take(element) = operation.action {
                let next = numbers.len() as u32;
                numbers.entry(element).or_insert(next);
            }
        }
        let (mut puts, mut takes, mut supply) = (Vec::new(), Vec::new(), Supply::new(numbers.len()));
        for (operation, index) in operations.iter().zip(0..) {
            let (call, ret) = (operation.invocation, operation.completion);
            let is_pending = operation.is_pending();
            match operation.action {
                PoolAction::Put(element) if is_pending => supply.puts[numbers[&element] as usize].push((call, index)),
                PoolAction::Take(element) if is_pending => supply.takes[numbers[&element] as usize].push((call, index)),
                PoolAction::TakeUnknown => supply.unknown.push((call, index)),
                PoolAction::Empty if is_pending => continue,
                PoolAction::Put(element) => puts.push((call, ret, numbers[&element], index)),
                PoolAction::Take(element) => takes.push((call, ret, numbers[&element], index)),
                PoolAction::Empty => takes.push((call, ret, NONE, index)),
            }
            supply.calls.extend((is_pending || operation.action == PoolAction::TakeUnknown).then_some(call));
        }
        let puts = Side::new(puts)?;
        let mut places = vec![Vec::new(); numbers.len()];
        for (deed, place) in puts.deeds().iter().zip(0..) {
            places[deed.element as usize].push(place);
        }
        let takes = Side::new(takes)?;
        let has_empty = takes.deeds().iter().any(|take| take.element == NONE);
        let lists = 4 * puts.deeds().len() + size_of::<Vec<u32>>() * places.len();
        Some(Lockstep {
            fixed_bytes: puts.bytes() + takes.bytes() + supply.bytes() + lists as u64,
            puts,
            takes,
            supply,
            steps: 0,
            most_waste: u32::MAX,
            has_left_out: false,
            places,
            has_empty,
            shelf: Shelf::new(numbers.len()),
        })
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.fixed_bytes + self.shelf.bytes()
    }

    /// Whether what went does not matter to the rest: no enqueue that returned before a dequeue that went was called, and did not go, must
    /// come between that and a dequeue that found nothing.
    pub fn is_apart(&self, stage: &Stage) -> bool {
        let is_before = |place: u32| {
            let take = self.takes.deed(place);
            take.element == NONE && take.call < stage.latest
        };
        stage.latest < self.puts.first_return(stage.puts) || !self.takes.next(stage.takes).any(is_before)
    }

    /// The places among all operations of those that went.
    pub fn gone(&self, stage: &Stage) -> Vec<u32> {
        let certain = [(&self.puts, stage.puts), (&self.takes, stage.takes)];
        let certain = certain.into_iter().flat_map(|(side, cut)| side.taken(cut).map(|place| side.deed(place).index));
        let uses = |map, lists: &[Vec<(u32, u32)>]| -> Vec<u32> {
            let lists = self.shelf.entries(map).into_iter().map(|(element, used)| (&lists[element as usize], used));
            lists.flat_map(|(list, used)| list[..used as usize].iter().map(|&(_, index)| index)).collect()
        };
        let unknown = self.supply.unknown[..stage.unknown as usize].iter().map(|&(_, index)| index);
        let pending = [uses(stage.spent, &self.supply.puts), uses(stage.helped, &self.supply.takes)];
        certain.chain(unknown).chain(pending.into_iter().flatten()).collect()
    }

    /// The stages that follow when one more dequeue goes that certainly happened.
    pub fn advance(&mut self, stage: &Stage, found: &mut Vec<Stage>) {
        self.steps += 1;
        let threshold = self.puts.first_return(stage.puts);
        let able: Vec<u32> = self.takes.next(stage.takes).collect();
        let is_free = |place: &&u32| {
            let take = self.takes.deed(**place);
            take.element == NONE && stage.latest.max(take.call) < threshold
        };
        if let Some(&place) = able.iter().find(is_free) {
            // Rule 2.
            found.push(self.with_take(stage, place));
            return;
        }
        for (number, &place) in able.iter().enumerate() {
            let take = *self.takes.deed(place);
            // Rule 1: before the first return of an enqueue that did not go a call is in nobody's way.
            let is_better = |&&other: &&u32| {
                let other = self.takes.deed(other);
                other.element == take.element && (!self.has_empty || other.call < take.call.max(threshold))
            };
            if take.element == NONE {
                for cleared in self.clear(stage, take.call, true) {
                    found.push(self.with_take(&cleared, place));
                }
            } else if !able[..number].iter().any(|other| is_better(&other)) {
                self.enqueue_for(stage, place, found);
            }
        }
    }

    fn with_take(&self, stage: &Stage, place: u32) -> Stage {
        let latest = stage.latest.max(self.takes.deed(place).call);
        Stage { takes: self.takes.with(stage.takes, place), latest, ..*stage }
    }

    /// The stages that follow when the dequeue in `place` goes, which can.
    fn enqueue_for(&mut self, stage: &Stage, place: u32, found: &mut Vec<Stage>) {
        let element = self.takes.deed(place).element;
        let candidates = self.candidates(stage, element);
        for &put in &candidates {
            for cleared in self.clear(stage, self.puts.deed(put).call, false) {
                let puts = self.puts.with(cleared.puts, put);
                found.push(self.with_take(&Stage { puts, ..cleared }, place));
            }
        }
        // Rule 3.
        let limit = self.takes.first_return(stage.takes);
        let used = self.shelf.get(stage.spent, element);
        let Some(call) = next(&self.supply.puts[element as usize], used, limit) else { return };
        let threshold = self.puts.first_return(stage.puts);
        if candidates.last().is_some_and(|&put| self.puts.deed(put).call < call.max(threshold)) {
            return;
        }
        for cleared in self.clear(stage, call, false) {
            if self.may_waste(&cleared) {
                let spent = self.shelf.set(cleared.spent, element, used + 1);
                found.push(self.with_take(&Stage { spent, waste: cleared.waste + 1, ..cleared }, place));
            }
        }
    }

    /// The enqueues of an element that are worth trying next (rule 1): the one that returns first, and others only if less is in their way,
    /// as they were called earlier.
    fn candidates(&self, stage: &Stage, element: u32) -> Vec<u32> {
        let limit = self.takes.first_return(stage.takes);
        let threshold = self.puts.first_return(stage.puts);
        let places = &self.places[element as usize];
        let places = &places[places.partition_point(|&put| put < stage.puts.first)..];
        let is_new = |&&put: &&u32| !self.puts.is_taken(stage.puts, put);
        let Some(&first) = places.iter().find(is_new) else { return Vec::new() };
        let mut call = u32::MAX;
        let mut candidates = Vec::new();
        let around = self.puts.open_at(first).iter().filter(|&&put| self.puts.deed(put).element == element);
        for &put in [first].iter().chain(around.filter(is_new)) {
            let earlier = self.puts.deed(put).call;
            if earlier < call {
                call = earlier;
                candidates.extend((call < limit).then_some(put));
            }
            if call < threshold.min(limit) {
                break;
            }
        }
        candidates
    }

    /// Every way to have everything removed that was certainly enqueued by `row`, or, `of_all`, by the last call of a dequeue (rule 4).
    fn clear(&mut self, stage: &Stage, row: u32, of_all: bool) -> Vec<Stage> {
        let least = if of_all { row.max(stage.latest) } else { row };
        if self.puts.first_return(stage.puts) >= least {
            self.steps += 1;
            return vec![*stage];
        }
        let limit = self.takes.first_return(stage.takes);
        let (mut cleared, mut clearing) = (Vec::new(), vec![*stage]);
        while let Some(stage) = clearing.pop() {
            self.steps += 1;
            let row = if of_all { row.max(stage.latest) } else { row };
            if self.puts.first_return(stage.puts) >= row {
                cleared.push(stage);
                continue;
            }
            if !self.may_waste(&stage) {
                continue;
            }
            let element = self.puts.deed(stage.puts.first).element;
            let puts = self.puts.with(stage.puts, stage.puts.first);
            let gone = |call: u32| Stage { puts, waste: stage.waste + 1, latest: stage.latest.max(call), ..stage };
            let used = self.shelf.get(stage.helped, element);
            let known = next(&self.supply.takes[element as usize], used, limit);
            let unknown = next(&self.supply.unknown, stage.unknown, limit);
            if let Some(call) = known {
                let helped = self.shelf.set(stage.helped, element, used + 1);
                clearing.push(Stage { helped, ..gone(call) });
            }
            // One of nobody knows what can do more, and is kept; unless the other is in the way of a dequeue that found nothing.
            if let Some(call) = unknown.filter(|&call| known.is_none_or(|known| self.has_empty && call < known)) {
                clearing.push(Stage { unknown: stage.unknown + 1, ..gone(call) });
            }
        }
        cleared
    }

    fn may_waste(&mut self, stage: &Stage) -> bool {
        let may = stage.waste < self.most_waste;
        self.has_left_out |= !may;
        may
    }

    /// Leave out the stages whose place another takes (rule 5).
    pub fn reduce(&self, stages: &mut Vec<Stage>) {
        stages.sort_unstable();
        stages.dedup();
        let (mut group, mut kept) = (0, 0);
        for place in 0..stages.len() {
            let stage = stages[place];
            let is_alike = |other: &Stage| other.takes == stage.takes && other.helped == stage.helped;
            if kept == 0 || !is_alike(&stages[kept - 1]) {
                group = kept;
            }
            if !stages[group..kept].iter().any(|other| self.stands_for(other, &stage)) {
                stages[kept] = stage;
                kept += 1;
            }
        }
        stages.truncate(kept);
    }

    fn stands_for(&self, one: &Stage, other: &Stage) -> bool {
        self.puts.is_within(one.puts, other.puts) && self.shelf.is_within(one.spent, other.spent)
    }
}
