//! The operations that can go before they return, or that never return, from return to return.
//!
//! Those that are open have a slot each, so that which of them went is a word. Of pops that may have happened that is so only while it
//! matters when they were called: as long as a pop is open that was called before them. Later, and of pushes that may have happened always,
//! the one called first goes first of all that do the same, and how many went says which.

use crate::linearizable::Operation;
use crate::objects::PoolAction;

/// Some slots.
pub type Slots = u128;

/// An operation that has a slot.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// How many operations had been called before it.
    pub call: u32,
    /// The row of its return, if it has one.
    pub ret: u32,
    /// What it does.
    pub action: PoolAction,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How many operations were called.
    pub called: u32,
    /// Operations by slot.
    pub open: Vec<Option<Open>>,
    /// Slots of pushes that have yet to return.
    pub puts: Slots,
    /// Slots of pops that have yet to return, those that find nothing included.
    pub takes: Slots,
    /// Slots of pops that may have happened.
    pub pending: Slots,
}

impl Window {
    /// An operation is called. Its slot, if there is one left.
    pub fn open(&mut self, operation: &Operation<PoolAction>) -> Option<u32> {
        let free = (0..Slots::BITS).find(|&slot| self.all() >> slot & 1 == 0)?;
        let slots = match operation.action {
            _ if operation.is_pending() => &mut self.pending,
            PoolAction::Put(_) => &mut self.puts,
            _ => &mut self.takes,
        };
        *slots |= 1 << free;
        if self.open.len() <= free as usize {
            self.open.resize(free as usize + 1, None);
        }
        self.open[free as usize] =
            Some(Open { call: self.called, ret: operation.completion, action: operation.action });
        Some(free)
    }

    /// An operation has returned, or its slot does not matter any more.
    pub fn close(&mut self, slot: u32) {
        for slots in [&mut self.puts, &mut self.takes, &mut self.pending] {
            *slots &= !(1 << slot);
        }
    }

    /// How many operations had been called before the first pop that has yet to return: all, if there is none.
    pub fn first_take(&self) -> u32 {
        self.among(self.takes).map(|(_, open)| open.call).min().unwrap_or(self.called)
    }

    /// The slots of pops that may have happened and were called before all pops that have yet to return.
    pub fn settled(&self) -> Slots {
        let first = self.first_take();
        let settled = self.among(self.pending).filter(|(_, open)| open.call < first);
        settled.fold(0, |slots, (slot, _)| slots | 1 << slot)
    }

    /// Of some operations those that do this, and were called before `latest`.
    pub fn that_do(&self, slots: Slots, action: PoolAction, latest: u32) -> Slots {
        let able = self.among(slots).filter(|(_, open)| open.action == action && open.call < latest);
        able.fold(0, |slots, (slot, _)| slots | 1 << slot)
    }

    /// Of operations that do the same those that are worth trying: no other was called later and returns earlier.
    pub fn worth_trying(&self, slots: Slots) -> impl Iterator<Item = u32> {
        let is_worse = move |one: &Open| {
            let mut others = self.among(slots);
            others.any(|(_, other)| other.call > one.call && other.ret < one.ret)
        };
        self.among(slots).filter(move |(_, one)| !is_worse(one)).map(|(slot, _)| slot)
    }

    /// All slots.
    pub fn all(&self) -> Slots {
        self.puts | self.takes | self.pending
    }

    /// The operations in some slots.
    pub fn among(&self, slots: Slots) -> impl Iterator<Item = (u32, &Open)> {
        let in_slot = |slot: u32| self.open.get(slot as usize).and_then(Option::as_ref).map(|open| (slot, open));
        each(slots).filter_map(in_slot)
    }
}

/// Some slots one by one.
pub fn each(mut slots: Slots) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let slot = (slots != 0).then(|| slots.trailing_zeros())?;
        slots &= slots - 1;
        Some(slot)
    })
}

/// How many operations had been called before each of some, which may have happened.
pub type Calls = Vec<u32>;

/// All that may have happened.
#[derive(Debug, Default)]
pub struct Supply {
    /// Pushes, by element.
    pub puts: Vec<Calls>,
    /// Pops of which it is known what they would have taken, by element.
    pub takes: Vec<Calls>,
    /// Pops of nobody knows what.
    pub unknown: Calls,
    /// Whether there is none of these.
    pub is_empty: bool,
}

impl Supply {
    /// Of `operations` on so many elements.
    pub fn of(operations: &[Operation<PoolAction>], elements: usize) -> Supply {
        let [puts, takes] = [(); 2].map(|()| vec![Calls::new(); elements]);
        let mut supply = Supply { puts, takes, unknown: Calls::new(), is_empty: true };
        for (operation, call) in operations.iter().zip(0..).filter(|(operation, _)| operation.is_pending()) {
            match operation.action {
                PoolAction::Put(element) => supply.puts[element as usize].push(call),
                PoolAction::Take(element) => supply.takes[element as usize].push(call),
                PoolAction::TakeUnknown => supply.unknown.push(call),
                PoolAction::Empty => continue,
            }
            supply.is_empty = false;
        }
        supply
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let lists = self.puts.iter().chain(&self.takes).chain([&self.unknown]);
        lists.map(|list| (size_of::<Calls>() + 4 * list.capacity()) as u64).sum()
    }
}

/// Whether there is one more that was called before `call`, when `used` of them went.
pub fn has_more(calls: &[u32], used: u32, call: u32) -> bool {
    calls.get(used as usize).is_some_and(|&called| called < call)
}
