//! One end of a queue: the operations at it that certainly happened, by return, and which of them an order has come to.
//!
//! An order takes an operation only when no other that it has yet to take returned before that one was called. So what it took are all
//! operations that returned before the first that it has not taken, and some of those that were open just then: a number and a word.

/// What an order took at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cut {
    /// The place of the first return whose operation was not taken.
    pub first: u32,
    /// Of the operations open at that return, the slots of those that were taken.
    taken: u64,
}

impl Cut {
    /// Nothing was taken.
    pub const NOTHING: Cut = Cut { first: 0, taken: 0 };
}

/// An operation at one end.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// The row of the call.
    pub call: u32,
    /// The row of the return.
    pub ret: u32,
    /// The element.
    pub element: u32,
    /// Its place among all operations of the history.
    pub index: u32,
    slot: u8,
}

/// The operations at one end; each is known by its place in the order of returns.
#[derive(Debug)]
pub struct Side {
    deeds: Vec<Deed>,
    /// By place: where the list of those open at its return ends, which are behind it.
    ends: Vec<u32>,
    open: Vec<u32>,
}

impl Side {
    /// Of operations given by call, return, element and index; nothing if more are open at once than there are bits in a word.
    pub fn new(operations: Vec<(u32, u32, u32, u32)>) -> Option<Side> {
        let deed = |(call, ret, element, index)| Deed { call, ret, element, index, slot: 0 };
        let mut deeds: Vec<Deed> = operations.into_iter().map(deed).collect();
        deeds.sort_unstable_by_key(|deed| deed.ret);
        let mut calls: Vec<(u32, u32)> = deeds.iter().zip(0..).map(|(deed, place)| (deed.call, place)).collect();
        calls.sort_unstable();
        let mut calls = calls.into_iter().peekable();
        let (mut ends, mut open) = (Vec::with_capacity(deeds.len()), Vec::new());
        let mut now: Vec<u32> = Vec::new();
        let mut free = u64::MAX;
        for place in 0..deeds.len() {
            while let Some((_, called)) = calls.next_if(|&(call, _)| call < deeds[place].ret) {
                if free == 0 {
                    return None;
                }
                deeds[called as usize].slot = free.trailing_zeros() as u8;
                free &= free - 1;
                now.insert(now.partition_point(|&other| other < called), called);
            }
            // Of those open, this one returns first.
            now.remove(0);
            free |= 1 << deeds[place].slot;
            open.extend(&now);
            ends.push(open.len() as u32);
        }
        Some(Side { deeds, ends, open })
    }

    /// All operations, by return.
    pub fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// The operation in this place.
    pub fn deed(&self, place: u32) -> &Deed {
        &self.deeds[place as usize]
    }

    /// The first return of an operation that was not taken, or one after all rows.
    pub fn first_return(&self, cut: Cut) -> u32 {
        self.deeds.get(cut.first as usize).map_or(u32::MAX, |deed| deed.ret)
    }

    /// Those open at the return of the operation in this place, without it, by return.
    pub fn open_at(&self, place: u32) -> &[u32] {
        let start = if place == 0 { 0 } else { self.ends[place as usize - 1] };
        self.ends.get(place as usize).map_or(&[], |&end| &self.open[start as usize..end as usize])
    }

    /// Whether an operation was taken.
    pub fn is_taken(&self, cut: Cut, place: u32) -> bool {
        let deed = &self.deeds[place as usize];
        place < cut.first
            || (place > cut.first && deed.call < self.first_return(cut) && cut.taken >> deed.slot & 1 == 1)
    }

    /// Those that can be taken next, by return.
    pub fn next(&self, cut: Cut) -> impl Iterator<Item = u32> + '_ {
        let is_new = move |&&place: &&u32| cut.taken >> self.deeds[place as usize].slot & 1 == 0;
        let first = ((cut.first as usize) < self.deeds.len()).then_some(cut.first);
        first.into_iter().chain(self.open_at(cut.first).iter().filter(is_new).copied())
    }

    /// What was taken, and the operation in this place, which can be taken next.
    pub fn with(&self, mut cut: Cut, place: u32) -> Cut {
        if place != cut.first {
            cut.taken |= 1 << self.deeds[place as usize].slot;
            return cut;
        }
        cut.first += 1;
        // Who is next to return was open before, if anybody took its slot.
        while let Some(deed) = self.deeds.get(cut.first as usize).filter(|deed| cut.taken >> deed.slot & 1 == 1) {
            cut.taken &= !(1 << deed.slot);
            cut.first += 1;
        }
        cut
    }

    /// Whether everything that `one` took `other` took as well.
    pub fn is_within(&self, one: Cut, other: Cut) -> bool {
        if one.first == other.first {
            return one.taken & !other.taken == 0;
        }
        let is_taken = |&&place: &&u32| one.taken >> self.deeds[place as usize].slot & 1 == 1;
        let mut ahead = self.open_at(one.first).iter().filter(is_taken);
        one.first < other.first && ahead.all(|&place| self.is_taken(other, place))
    }

    /// All that was taken, by place.
    pub fn taken(&self, cut: Cut) -> impl Iterator<Item = u32> + '_ {
        let ahead = self.open_at(cut.first).iter().copied().filter(move |&place| self.is_taken(cut, place));
        (0..cut.first).chain(ahead)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (self.deeds.capacity() * size_of::<Deed>() + 4 * (self.ends.capacity() + self.open.capacity())) as u64
    }
}
