//! Stacks with distinct elements, decided by peeling off the lowest.
//!
//! Lee and Mathur, "Efficient Decrease-and-Conquer Linearizability Monitoring" (OOPSLA 2025): in any order that explains a history, the
//! first element that is put in is taken last, and nothing else is inside when either happens. So it shows: both its put and its take
//! have an instant in their interval at which no other element is certainly inside. And any element of which that is true may be
//! taken for the lowest, because at such instants the order of all others can be cut. Peel it off, and go on with the rest; the history
//! is linearizable exactly when nothing remains. An element that is never certainly inside can be put in and taken at once. (Earlier
//! published rules for stacks are wrong: Abdulla et al., "Efficient Linearizability Monitoring", PLDI 2025.)
//!
//! An element that no take returned is taken in the end, when everything else is over.
//!
//! **Takes nobody knows about** may have removed elements that are left. Two bounds enclose the truth. For an instant at which nothing is
//! to be inside, every element left by then must have gone through an unknown take called by then. Where at no instant that would do
//! there are enough of them, nothing can be peeled off: the history is impossible. And when everything was peeled off, each element
//! that had to go is given a take, the earliest to whoever had to go first; if the stack is right with those takes known, it is
//! right. Between the two only a search can tell.

use std::collections::BTreeSet;

use super::empty::{empty_within, may_be_empty, not_empty};
use super::gaps::{Cover, HIDDEN, Spans};
use super::moments::Moments;
use super::pool::{Found, Life, Pool, PoolAction, pool};
use super::{Judgement, Refutation, Role, Rule};
use crate::linearizable::Operation;
use crate::pairing::NEVER;
use crate::transactions::components::{Walk, cyclic_components};

/// Decide a stack with `elements` numbered elements; operations are sorted by call.
pub fn stack(operations: &[Operation<PoolAction>], elements: usize) -> Judgement {
    let pool = match pool(operations, elements) {
        Found::Sound(pool) => pool,
        Found::Unsound(refutation) => return Judgement::Impossible(refutation),
        Found::Repeated => return Judgement::Undecided,
    };
    if let Some(refutation) = not_empty(&pool, operations) {
        return Judgement::Impossible(refutation);
    }
    let moments = Moments::of(&pool);
    let due = match peel(&pool, &moments) {
        Peeled::Off(due) => due,
        Peeled::Stuck(stuck) => return Judgement::Impossible(entangled(&pool, &moments, &stuck, operations)),
    };
    if due.is_empty() {
        return Judgement::Linearizable;
    }
    let Some(known) = matched(&pool, due) else { return Judgement::Undecided };
    let is_off = matches!(peel(&known, &Moments::of(&known)), Peeled::Off(_));
    if is_off && not_empty(&known, operations).is_none() { Judgement::Linearizable } else { Judgement::Undecided }
}

/// What peeling came to.
enum Peeled {
    /// Nothing remained. Elements left that must have gone through an unknown take: the row by which they were gone, and their place.
    Off(Vec<(u32, u32)>),
    /// These stays can't be peeled off.
    Stuck(Vec<u32>),
}

/// Peel off elements until nothing remains, or nothing more can be peeled off.
fn peel(pool: &Pool, moments: &Moments) -> Peeled {
    let mut instants = Instants::new(moments);
    let mut spans = Spans::new(moments.calls.iter().map(|&call| moments.operation(call).1.1));
    let mut placed: Vec<u8> = (0..moments.stays.len()).map(|stay| u8::from(stay >= moments.taken)).collect();
    let mut emptied: BTreeSet<u32> = BTreeSet::new();
    if !pool.unknown.is_empty() && !pool.empties.is_empty() {
        let ranges = may_be_empty(pool);
        emptied.extend(pool.empties.iter().filter_map(|&(_, call, ret)| empty_within(&ranges, call, ret)));
    }
    let mut due = Vec::new();
    while let Some((instant, still_left)) = instants.next(moments) {
        while let Some(number) = spans.extract(moments.called[instant] as usize, instant as u32) {
            let stay = moments.operation(moments.calls[number]).0;
            if still_left > 0 {
                emptied.insert(moments.rows[instant]);
            }
            placed[stay] += 1;
            if placed[stay] < 2 {
                continue;
            }
            instants.release(moments, stay);
            if let Some(left) = (moments.stays[stay].life as usize).checked_sub(pool.taken.len()) {
                let gone = emptied.range(pool.left[left].put.1..).next();
                due.extend(gone.map(|&row| (row, left as u32)));
            }
        }
    }
    let stuck: Vec<u32> = (0..).zip(&placed).filter(|&(_, &placed)| placed < 2).map(|(stay, _)| stay).collect();
    if stuck.is_empty() { Peeled::Off(due) } else { Peeled::Stuck(stuck) }
}

/// Instants at which the stack may be empty but for what has been peeled off.
struct Instants {
    /// How many elements are certainly inside: all, or those taken if some takes are unknown.
    inside: Cover,
    /// How many more elements are left than unknown takes can have removed, where nothing else is inside; hidden elsewhere.
    surplus: Option<Cover>,
}

impl Instants {
    fn new(moments: &Moments) -> Instants {
        let end = moments.count() - 1;
        let has_unknown = moments.unknown[end] > 0;
        let [mut inside, mut surplus] = [(); 2].map(|()| vec![0; moments.count()]);
        for (number, stay) in moments.stays.iter().enumerate() {
            let (start, end) = stay.certain();
            let counts = if has_unknown && number >= moments.taken { &mut surplus } else { &mut inside };
            counts[start] += 1;
            counts[end] -= 1;
        }
        if !has_unknown {
            return Instants { inside: Cover::new(&inside), surplus: None };
        }
        surplus[0] += HIDDEN - moments.unknown[0] as i32;
        for (count, unknown) in surplus[1..].iter_mut().zip(moments.unknown.windows(2)) {
            *count -= (unknown[1] - unknown[0]) as i32;
        }
        Instants { inside: Cover::new(&inside), surplus: Some(Cover::new(&surplus)) }
    }

    /// The first such instant that was not handed out, and how many elements left must have gone by then.
    fn next(&mut self, moments: &Moments) -> Option<(usize, i32)> {
        let Some(surplus) = &mut self.surplus else { return self.inside.extract() };
        while let Some((instant, _)) = self.inside.extract() {
            surplus.add(instant, instant + 1, -HIDDEN);
        }
        surplus.extract().map(|(instant, surplus)| (instant, surplus + moments.unknown[instant] as i32))
    }

    /// A stay has been peeled off.
    fn release(&mut self, moments: &Moments, stay: usize) {
        let (start, end) = moments.stays[stay].certain();
        match &mut self.surplus {
            Some(surplus) if stay >= moments.taken => surplus.add(start, end, -1),
            _ => self.inside.add(start, end, -1),
        }
    }
}

/// The history in which unknown takes removed the elements that had to go, the earliest whoever had to go first, and nothing else.
fn matched(pool: &Pool, mut due: Vec<(u32, u32)>) -> Option<Pool> {
    due.sort_unstable();
    if due.len() > pool.unknown.len() || due.iter().zip(&pool.unknown).any(|((row, _), call)| call > row) {
        return None;
    }
    let mut takes = vec![NEVER; pool.left.len()];
    for ((_, left), call) in due.into_iter().zip(&pool.unknown) {
        takes[left as usize] = *call;
    }
    let lives = pool.left.iter().zip(takes).map(|(life, call)| Life { take: (call, NEVER), ..*life });
    let (gone, left): (Vec<Life>, Vec<Life>) = lives.partition(|life| life.take.0 != NEVER);
    Some(pool.with(gone, left))
}

/// A few of the elements that are stuck, each of which keeps another from being the lowest.
fn entangled(pool: &Pool, moments: &Moments, stuck: &[u32], operations: &[Operation<PoolAction>]) -> Refutation {
    let knot = if pool.unknown.is_empty() { knot(moments, stuck) } else { None };
    let lives = knot.as_deref().unwrap_or(stuck).iter().map(|&stay| {
        let place = moments.stays[stay as usize].life as usize;
        pool.taken.get(place).unwrap_or_else(|| &pool.left[place - pool.taken.len()])
    });
    let parts = lives.flat_map(|life| pool.parts(life, Role::Put, Role::Take));
    Refutation::new(Rule::Entangled, parts.chain(pool.unknown_parts(operations, NEVER)))
}

/// How many elements at most are told to be in the way of one operation.
const LONGEST: usize = 100;

/// Who is in the way of whom.
struct Ways {
    offsets: Vec<u32>,
    stays: Vec<u32>,
}

impl Ways {
    fn out(&self, node: u32) -> &[u32] {
        let [start, end] = [node, node + 1].map(|node| self.offsets[node as usize] as usize);
        &self.stays[start..end]
    }
}

impl Walk for Ways {
    fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    fn successor(&self, node: u32, cursor: u32) -> Option<(u32, u32)> {
        self.out(node).get(cursor as usize).map(|&other| (other, cursor + 1))
    }
}

/// The smallest set of stuck stays that can be found quickly of which none can be the lowest: for each, others of the set are certainly
/// inside all the time while it is put in, or while it is taken.
fn knot(moments: &Moments, stuck: &[u32]) -> Option<Vec<u32>> {
    let stay = |place: u32| &moments.stays[stuck[place as usize] as usize];
    let mut longest: Vec<Option<u32>> = vec![None; moments.count()];
    for place in 0..stuck.len() as u32 {
        let (start, end) = stay(place).certain();
        if start >= end {
            continue;
        }
        let found = &mut longest[start];
        *found = found.filter(|&other| stay(other).certain().1 >= end).or(Some(place));
    }
    for instant in 1..longest.len() {
        let before = longest[instant - 1].filter(|&other| stay(other).certain().1 > instant);
        let here = longest[instant];
        let later = |other: &u32| here.is_none_or(|here| stay(here).certain().1 < stay(*other).certain().1);
        longest[instant] = before.filter(later).or(here);
    }
    let in_the_way = |(first, last): (u32, u32)| {
        let mut ways = Vec::new();
        let mut instant = first as usize;
        while instant <= last as usize && ways.len() < LONGEST {
            let other = longest[instant]?;
            ways.push(other);
            instant = stay(other).certain().1;
        }
        (instant > last as usize).then_some(ways)
    };
    let mut ways = Ways { offsets: vec![0], stays: Vec::new() };
    for place in 0..stuck.len() as u32 {
        let blocked = [stay(place).put, stay(place).take].map(in_the_way);
        ways.stays.extend(blocked.into_iter().flatten().min_by_key(Vec::len)?);
        ways.offsets.push(ways.stays.len() as u32);
    }
    let mut knots = cyclic_components(&ways);
    let is_closed = |knot: &Vec<u32>| {
        let mut others = knot.iter().flat_map(|&node| ways.out(node));
        others.all(|other| knot.binary_search(other).is_ok())
    };
    knots.retain(is_closed);
    let knot = knots.into_iter().min_by_key(Vec::len)?;
    Some(knot.into_iter().map(|place| stuck[place as usize]).collect())
}
