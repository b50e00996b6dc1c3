//! One element of a set that is added at most once, and removed as often as anybody likes.
//!
//! The elements of a set have nothing to do with each other, so a set is linearizable exactly when each element is; an element is a
//! register that holds 0, not there, or 1. Distinct adds make that easy (compare Lee and Mathur, OOPSLA 2025, whose removes always
//! succeed): the add, everybody who saw the element, and a remove that is known to have found it stand together, because it comes only once.
//! Everything else is before that block or after it. What the first return of the block precedes is after; what precedes the last call
//! of the block is before; nothing may be both. If somebody who is after did not see the element, a remove has to follow the block at
//! once: the one that was called first of those that need not be before, because it comes before whatever any other comes before.

use super::{Judgement, Kin, Refutation, Role, Rule};
use crate::linearizable::Operation;
use crate::models::RegisterAction::{self, Cas, Read, Write};
use crate::pairing::NEVER;

/// Decide one element of a set; operations are sorted by call.
pub fn element(operations: &[Operation<RegisterAction>]) -> Judgement {
    let Some(deeds) = Deeds::of(operations) else { return Judgement::Undecided };
    deeds.refutation().map_or(Judgement::Linearizable, Judgement::Impossible)
}

/// What has to stay with an operation on an element in a part of its history: only observations can be left out.
pub fn kin_in_a_set(action: &RegisterAction) -> Kin {
    if matches!(action, Read(_)) { Kin::Nobody } else { Kin::Everybody }
}

/// An operation and its place among all.
type Placed<'a> = (u32, &'a Operation<RegisterAction>);

/// What happened to the element.
#[derive(Default)]
struct Deeds<'a> {
    add: Option<Placed<'a>>,
    seen: Vec<Placed<'a>>,
    /// Removes that found it.
    deletes: Vec<Placed<'a>>,
    /// Other removes; pending ones may not have happened.
    removes: Vec<Placed<'a>>,
    unseen: Vec<Placed<'a>>,
}

impl<'a> Deeds<'a> {
    /// Sorted by what they are, unless there are several adds or other values.
    fn of(operations: &'a [Operation<RegisterAction>]) -> Option<Deeds<'a>> {
        let mut deeds = Deeds::default();
        for placed in (0..).zip(operations) {
            let (_, operation) = placed;
            match operation.action {
                Read(0 | 1) if operation.is_pending() => {}
                Read(0) => deeds.unseen.push(placed),
                Read(1) => deeds.seen.push(placed),
                Write(1) | Cas(0, 1) if deeds.add.is_none() => deeds.add = Some(placed),
                Cas(1, 0) if !operation.is_pending() => deeds.deletes.push(placed),
                Write(0) | Cas(1, 0) => deeds.removes.push(placed),
                _ => return None,
            }
        }
        Some(deeds)
    }

    fn refutation(&self) -> Option<Refutation> {
        let mut observed = self.seen.iter().chain(&self.deletes);
        let Some(add) = self.add else {
            let &(place, operation) = observed.next()?;
            return Some(Refutation::new(Rule::NeverAdded, [(place, role(operation))]));
        };
        if add.1.is_pending() && observed.next().is_none() {
            return None;
        }
        if let [first, second, ..] = self.deletes[..] {
            return Some(refutation(Rule::TakenTwice, &[add, first, second]));
        }
        let groups = [std::slice::from_ref(&add), &self.seen, &self.deletes];
        if let Some([earlier, later]) = disorder(&groups) {
            return Some(refutation(Rule::SeenOutOfTime, &[add, earlier, later]));
        }
        let block = groups.concat();
        let (Some(first), Some(last)) = (earliest(&block), latest(&block)) else { return None };
        let is_before = |x: &Placed| x.1.completion < last.1.invocation;
        let is_after = |x: &Placed| x.1.invocation > first.1.completion;
        let mut others = self.removes.iter().chain(&self.unseen);
        if let Some(&between) = others.find(|x| is_before(x) && is_after(x)) {
            return Some(refutation(Rule::SeenAndUnseen, &[add, first, between, last]));
        }
        if !self.deletes.is_empty() {
            return None;
        }
        let remover = self.removes.iter().find(|x| !is_before(x)).map_or(NEVER, |(_, remove)| remove.invocation);
        let vanished = *self.unseen.iter().find(|x| is_after(x) && x.1.completion < remover)?;
        let early = self.removes.iter().filter(|remove| remove.1.invocation < vanished.1.completion);
        let parts: Vec<Placed> = [add, first, last, vanished].into_iter().chain(early.copied()).collect();
        Some(refutation(Rule::Vanished, &parts))
    }
}

fn earliest<'a>(operations: &[Placed<'a>]) -> Option<Placed<'a>> {
    operations.iter().copied().min_by_key(|(_, operation)| operation.completion)
}

fn latest<'a>(operations: &[Placed<'a>]) -> Option<Placed<'a>> {
    operations.iter().copied().max_by_key(|(_, operation)| operation.invocation)
}

/// Operations of a later group and an earlier one, of which the one in the later group returned before the other was called.
fn disorder<'a>(groups: &[&[Placed<'a>]]) -> Option<[Placed<'a>; 2]> {
    let mut called: Option<Placed> = None;
    for group in groups {
        match (called, earliest(group)) {
            (Some(called), Some(early)) if early.1.completion < called.1.invocation => return Some([called, early]),
            _ => {}
        }
        called = latest(&called.into_iter().chain(latest(group)).collect::<Vec<_>>());
    }
    None
}

fn refutation(rule: Rule, operations: &[Placed]) -> Refutation {
    Refutation::new(rule, operations.iter().map(|&(place, operation)| (place, role(operation))))
}

fn role(operation: &Operation<RegisterAction>) -> Role {
    match operation.action {
        Read(0) => Role::Unseen,
        Read(_) => Role::Seen,
        Write(0) | Cas(_, 0) => Role::Take,
        Write(_) | Cas(..) => Role::Put,
    }
}
