//! Forced order: what certainly goes before what, because a value has only one source.
//!
//! Where only one required write can have left what an operation finds, each write to that place which is over when the operation is called
//! goes before that write, and each that is called when that write is over goes after the operation (the locally forced orders of Gibbons
//! and Korach, "Testing shared memories", 1997). Where something that may have happened leaves the same, that is but a guess.

use rustc_hash::FxHashMap;

use crate::linearizable::Operation;
use crate::models::{ANYTHING, Model, State};

/// How sure an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// There is no other source.
    Certain,
    /// There is no other required one.
    Guessed,
}

/// By operation: others that overlap with it and go before it, and after it; nothing for a model without accesses.
pub struct Order {
    before: Lists,
    after: Lists,
}

/// The required writes of one place.
#[derive(Default)]
struct Writes {
    /// Invocations in order, and operations.
    called: Vec<(u32, u32)>,
    /// Completions in order, operations, and the last invocation of those up to it.
    ended: Vec<(u32, u32, u32)>,
    /// Value, invocation, operation, and the last completion of those of the same value up to it, in this order.
    of_value: Vec<(u32, u32, u32, u32)>,
    /// By value: when the first was called that leaves it and may have happened.
    pending: FxHashMap<u32, u32>,
}

/// Where a value comes from.
enum Source {
    /// There was nothing before.
    Beginning,
    Write(u32),
}

impl Order {
    /// What is certain for `operations`, or guessed, which are sorted by invocation and begin in any of `states`.
    pub fn new<M: Model>(model: &M, states: &[State], operations: &[Operation<M::Action>]) -> [Self; 2] {
        let mut writes: Vec<Writes> = Vec::new();
        writes.resize_with(if model.has_accesses() { model.places() } else { 0 }, Writes::default);
        let required =
            || (0..).zip(operations).filter(|(_, operation)| model.has_accesses() && !operation.is_pending());
        for (index, operation) in required() {
            for access in model.accesses(operation.action) {
                if let Some(value) = access.leaves {
                    let writes = &mut writes[access.key as usize];
                    writes.called.push((operation.invocation, index));
                    writes.ended.push((operation.completion, index, operation.invocation));
                    writes.of_value.push((value, operation.invocation, index, operation.completion));
                }
            }
        }
        let pending = operations.iter().filter(|operation| model.has_accesses() && operation.is_pending());
        for operation in pending {
            for access in model.accesses(operation.action) {
                if let Some(value) = access.leaves {
                    writes[access.key as usize].pending.entry(value).or_insert(operation.invocation);
                }
            }
        }
        writes.iter_mut().for_each(Writes::sort);
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut guessed: Vec<(u32, u32)> = Vec::new();
        for (index, operation) in required() {
            for access in model.accesses(operation.action) {
                let Some(value) = access.finds else { continue };
                let may_be_first =
                    states.iter().any(|&state| [value, ANYTHING].contains(&model.holds(state, access.key)));
                let writes = &writes[access.key as usize];
                let pairs = match writes.pending.get(&value) {
                    Some(&called) if called < operation.completion => &mut guessed,
                    _ => &mut pairs,
                };
                match writes.only_source(operations, index, value, may_be_first) {
                    None => {}
                    Some(Source::Beginning) => {
                        pairs.extend(writes.called_between(0, operation.completion).map(|other| (index, other)));
                    }
                    Some(Source::Write(source)) => {
                        let Operation { invocation, completion, .. } = operations[source as usize];
                        let over = writes.ended_between(invocation, operation.invocation);
                        pairs.extend(over.map(|other| (other, source)));
                        let after = writes.called_between(completion, operation.completion);
                        pairs.extend(after.map(|other| (index, other)));
                    }
                }
            }
        }
        guessed.extend_from_slice(&pairs);
        [pairs, guessed].map(|pairs| Order::of(operations.len(), pairs))
    }

    /// The order of so many operations in which the first of each pair goes before the second.
    fn of(count: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.retain(|(before, after)| before != after);
        pairs.sort_unstable();
        pairs.dedup();
        let after = Lists::new(count, &pairs);
        pairs.iter_mut().for_each(|pair| *pair = (pair.1, pair.0));
        pairs.sort_unstable();
        Order { before: Lists::new(count, &pairs), after }
    }

    /// What goes before an operation.
    pub fn before(&self, operation: usize) -> &[u32] {
        self.before.of(operation)
    }

    /// What goes after an operation.
    pub fn after(&self, operation: usize) -> &[u32] {
        self.after.of(operation)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.before.bytes() + self.after.bytes()
    }
}

impl Writes {
    fn sort(&mut self) {
        self.ended.sort_unstable();
        let mut last = 0;
        for (.., invocation) in &mut self.ended {
            last = last.max(*invocation);
            *invocation = last;
        }
        self.of_value.sort_unstable();
        let (mut value_before, mut last) = (u32::MAX, 0);
        for (value, _, _, completion) in &mut self.of_value {
            last = if *value == value_before { last.max(*completion) } else { *completion };
            (value_before, *completion) = (*value, last);
        }
    }

    /// The only one that can have left `value` for the operation `reader`, if it is one.
    fn only_source<A>(
        &self,
        operations: &[Operation<A>],
        reader: u32,
        value: u32,
        may_be_first: bool,
    ) -> Option<Source> {
        let Operation { invocation, completion, .. } = operations[reader as usize];
        let over = self.ended.partition_point(|&(ended, ..)| ended < invocation);
        // What ended before that began was overwritten.
        let last = over.checked_sub(1).map(|at| self.ended[at].2);
        let mut source = (last.is_none() && may_be_first).then_some(Source::Beginning);
        let called = self.of_value.partition_point(|&(other, called, ..)| (other, called) < (value, completion));
        for &(other, _, index, ended) in self.of_value[..called].iter().rev() {
            if other != value || last.is_some_and(|last| ended < last) {
                break;
            }
            if index == reader || last.is_some_and(|last| operations[index as usize].completion < last) {
                continue;
            }
            if source.is_some() {
                return None;
            }
            source = Some(Source::Write(index));
        }
        source
    }

    fn ended_between(&self, after: u32, before: u32) -> impl Iterator<Item = u32> {
        let start = self.ended.partition_point(|&(ended, ..)| ended <= after);
        self.ended[start..].iter().take_while(move |&&(ended, ..)| ended < before).map(|&(_, index, _)| index)
    }

    fn called_between(&self, after: u32, before: u32) -> impl Iterator<Item = u32> {
        let start = self.called.partition_point(|&(called, _)| called <= after);
        self.called[start..].iter().take_while(move |&&(called, _)| called < before).map(|&(_, index)| index)
    }
}

/// Lists of numbers, end to end.
struct Lists {
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Lists {
    /// So many lists, of which these pairs, which are sorted, say what is in which.
    fn new(count: usize, pairs: &[(u32, u32)]) -> Self {
        let starts = if pairs.is_empty() {
            Vec::new()
        } else {
            (0..=count).map(|list| pairs.partition_point(|&(of, _)| (of as usize) < list) as u32).collect()
        };
        Lists { starts, numbers: pairs.iter().map(|&(_, number)| number).collect() }
    }

    fn of(&self, list: usize) -> &[u32] {
        match self.starts.get(list..list + 2) {
            Some(&[start, end]) => &self.numbers[start as usize..end as usize],
            _ => &[],
        }
    }

    fn bytes(&self) -> u64 {
        4 * (self.starts.capacity() + self.numbers.capacity()) as u64
    }
}
