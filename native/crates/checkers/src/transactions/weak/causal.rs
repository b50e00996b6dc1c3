//! Causal consistency: a transaction sees all effects of everything that happened before it.
//!
//! Happened before: a transaction read from another, or came after it in its session, or both by way of others. Whoever reads a key from
//! one transaction, and comes after another that wrote the key as well, puts the other before the one. With a commit order that all agree
//! on this is the causal consistency of Biswas and Enea (causal convergence of Bouajjani et al., POPL 2017; transitive visibility of
//! Cerone et al.). After AWDIT: vector clocks in a topological order, each freed with its last use, and for each read the last writer of
//! its key in each session that the clock covers; O(n k) for n micro-operations and k sessions.

use std::sync::atomic::{AtomicBool, Ordering};

use super::observed::{NONE, Observed};
use super::saw;
use crate::transactions::graph::Edges;

/// What a clock counts: transactions in slots, each of which is totally ordered by what happened before what.
#[derive(Debug)]
pub struct Slots {
    /// By transaction; [`NONE`] for one that is not counted.
    pub slot: Vec<u32>,
    /// By transaction, its place in the slot.
    pub place: Vec<u32>,
    /// How many slots there are.
    pub count: usize,
}

impl Slots {
    /// The sessions.
    pub fn sessions(observed: &Observed) -> Slots {
        Slots { slot: observed.session.clone(), place: observed.place.clone(), count: observed.sessions }
    }

    /// Each of these by itself.
    pub fn each(transactions: usize, members: &[u32]) -> Slots {
        let mut slot = vec![NONE; transactions];
        (0..).zip(members).for_each(|(number, &member)| slot[member as usize] = number);
        Slots { slot, place: vec![0; transactions], count: members.len() }
    }
}

/// How many numbers all clocks together may have at once: a gigabyte.
const MOST_NUMBERS: usize = 1 << 28;

/// Add what must come before what; false if that was not all, for a limit was reached, or transactions happened before themselves: then
/// that cycle is left for others to find.
pub fn causal(observed: &Observed, slots: &Slots, sessions: bool, edges: &mut Edges, interrupt: &AtomicBool) -> bool {
    let mut pass = Pass {
        observed,
        slots,
        sessions,
        writers: Writers::new(observed, slots),
        clocks: Clocks::new(observed.transactions(), slots.count),
        uses: vec![0; observed.transactions()],
        waits_for: vec![0; observed.transactions()],
        looked: vec![(NONE, NONE); observed.keys],
    };
    let readers = pass.prepare();
    let mut ready: Vec<u32> = Vec::new();
    for start in observed.happened() {
        if pass.waits_for[start as usize] == 0 {
            ready.push(start);
        }
        while let Some(transaction) = ready.pop() {
            let is_interrupted = transaction % 1024 == 0 && interrupt.load(Ordering::Relaxed);
            if is_interrupted || pass.clocks.rows.len() > MOST_NUMBERS {
                return false;
            }
            pass.waits_for[transaction as usize] = NONE;
            pass.happen(transaction, edges);
            let after = readers.of(transaction).iter().copied();
            let next = if sessions { observed.next(transaction) } else { None };
            for later in after.chain(next) {
                let waits = &mut pass.waits_for[later as usize];
                *waits -= 1;
                // One that comes later than `start` gets its turn then: the fewer clocks are held.
                if *waits == 0 && later < start {
                    ready.push(later);
                }
            }
        }
    }
    observed.happened().all(|transaction| pass.waits_for[transaction as usize] == NONE)
}

struct Pass<'a> {
    observed: &'a Observed,
    slots: &'a Slots,
    sessions: bool,
    writers: Writers,
    clocks: Clocks,
    /// By transaction: how often its clock will still be asked for.
    uses: Vec<u32>,
    /// By transaction: how many others it has to wait for.
    waits_for: Vec<u32>,
    /// By key: who read it last, and from whom.
    looked: Vec<(u32, u32)>,
}

impl Pass<'_> {
    fn before(&self, transaction: u32) -> Option<u32> {
        Some(self.observed.previous[transaction as usize]).filter(|&previous| self.sessions && previous != NONE)
    }

    /// Count who waits for whom, and list the readers of each writer.
    fn prepare(&mut self) -> Lists {
        let observed = self.observed;
        for reader in observed.happened() {
            for from in observed.sources(reader).chain(self.before(reader)) {
                self.uses[from as usize] += 1;
                self.waits_for[reader as usize] += 1;
            }
        }
        let pairs =
            || observed.happened().flat_map(|reader| observed.sources(reader).map(move |from| (from as usize, reader)));
        Lists::new(observed.transactions(), pairs)
    }

    /// Everything before it has happened: make its clock, and see what it should have seen.
    fn happen(&mut self, reader: u32, edges: &mut Edges) {
        let before = self.before(reader);
        let row = match before.filter(|&before| self.uses[before as usize] == 1) {
            Some(before) => self.clocks.hand_over(before, reader),
            None => self.clocks.new_row(reader, before),
        };
        if let Some(before) = before {
            self.clocks.include(row, before, self.slots);
        }
        let observed = self.observed;
        observed.sources(reader).for_each(|from| self.clocks.join(row, from, self.slots));
        for read in observed.reads(reader) {
            if std::mem::replace(&mut self.looked[read.key as usize], (reader, read.from)) != (reader, read.from) {
                self.look(row, read.key, read.from, edges);
            }
        }
        observed.sources(reader).chain(before).for_each(|other| self.release(other));
        if self.uses[reader as usize] == 0 {
            self.clocks.free(reader);
        }
    }

    fn release(&mut self, transaction: u32) {
        self.uses[transaction as usize] -= 1;
        if self.uses[transaction as usize] == 0 {
            self.clocks.free(transaction);
        }
    }

    /// The last writer of the key in each slot that the clock covers comes before the one that was read from.
    fn look(&mut self, row: u32, key: u32, from: u32, edges: &mut Edges) {
        for group in self.writers.of(key) {
            let covered = self.clocks.get(row, group.slot);
            if covered == 0 {
                continue;
            }
            let members = &self.writers.members[group.begin as usize..group.end as usize];
            let count = members.partition_point(|&writer| self.slots.place[writer as usize] < covered);
            let Some(&writer) = count.checked_sub(1).and_then(|last| members.get(last)) else { continue };
            let place = self.slots.place[writer as usize];
            if writer != from && !self.clocks.covers(from, group.slot, place) {
                saw(self.observed, writer, from, key, edges);
            }
        }
    }
}

/// Vector clocks: how many transactions of each slot happened before one. Freed rows are used again.
struct Clocks {
    width: usize,
    rows: Vec<u32>,
    free: Vec<u32>,
    row: Vec<u32>,
}

impl Clocks {
    fn new(transactions: usize, width: usize) -> Clocks {
        Clocks { width, rows: Vec::new(), free: Vec::new(), row: vec![NONE; transactions] }
    }

    fn span(&self, row: u32) -> std::ops::Range<usize> {
        let begin = row as usize * self.width;
        begin..begin + self.width
    }

    fn get(&self, row: u32, slot: u32) -> u32 {
        self.rows[row as usize * self.width + slot as usize]
    }

    /// Whether what is in that place of the slot happened before the transaction.
    fn covers(&self, transaction: u32, slot: u32, place: u32) -> bool {
        self.row.get(transaction as usize).is_some_and(|&row| row != NONE && self.get(row, slot) > place)
    }

    /// A row for `transaction`, with what `before` knows.
    fn new_row(&mut self, transaction: u32, before: Option<u32>) -> u32 {
        let row = self.free.pop().unwrap_or_else(|| {
            self.rows.resize(self.rows.len() + self.width, 0);
            (self.rows.len() / self.width.max(1)) as u32 - 1
        });
        let span = self.span(row);
        match before.map(|before| self.row[before as usize]) {
            Some(known) => {
                let known = self.span(known);
                self.rows.copy_within(known, span.start);
            }
            None => self.rows[span].fill(0),
        }
        self.row[transaction as usize] = row;
        row
    }

    /// The row of one that nobody else will ask for.
    fn hand_over(&mut self, from: u32, to: u32) -> u32 {
        let row = std::mem::replace(&mut self.row[from as usize], NONE);
        self.row[to as usize] = row;
        row
    }

    fn include(&mut self, row: u32, transaction: u32, slots: &Slots) {
        let slot = slots.slot[transaction as usize];
        if slot != NONE {
            let known = &mut self.rows[row as usize * self.width + slot as usize];
            *known = (*known).max(slots.place[transaction as usize] + 1);
        }
    }

    /// Add what happened before `other`, and `other`. What is in the clock already brought all before it with it.
    fn join(&mut self, row: u32, other: u32, slots: &Slots) {
        let slot = slots.slot[other as usize];
        if slot != NONE && self.get(row, slot) > slots.place[other as usize] {
            return;
        }
        let (one, two) = (self.span(row), self.span(self.row[other as usize]));
        if one.start < two.start {
            let (low, high) = self.rows.split_at_mut(two.start);
            merge(&mut low[one], &high[..self.width]);
        } else {
            let (low, high) = self.rows.split_at_mut(one.start);
            merge(&mut high[..self.width], &low[two]);
        }
        self.include(row, other, slots);
    }

    fn free(&mut self, transaction: u32) {
        let row = std::mem::replace(&mut self.row[transaction as usize], NONE);
        if row != NONE {
            self.free.push(row);
        }
    }
}

fn merge(into: &mut [u32], from: &[u32]) {
    into.iter_mut().zip(from).for_each(|(known, &other)| *known = (*known).max(other));
}

/// The writers of a key in one slot.
#[derive(Clone, Copy)]
struct Group {
    slot: u32,
    begin: u32,
    end: u32,
}

/// The writers of each key, by slot and place.
struct Writers {
    members: Vec<u32>,
    groups: Vec<Group>,
    offsets: Vec<u32>,
}

impl Writers {
    fn new(observed: &Observed, slots: &Slots) -> Writers {
        let pairs = || {
            let counted = observed.by_session().flatten().filter(|&&writer| slots.slot[writer as usize] != NONE);
            counted.flat_map(|&writer| observed.writes(writer).iter().map(move |&key| (key as usize, writer)))
        };
        let Lists { offsets: by_key, members } = Lists::new(observed.keys, pairs);
        let (mut groups, mut offsets) = (Vec::new(), Vec::with_capacity(observed.keys + 1));
        offsets.push(0);
        for key in 0..observed.keys {
            let mut begin = by_key[key];
            let own = &members[begin as usize..by_key[key + 1] as usize];
            for group in own.chunk_by(|&one, &other| slots.slot[one as usize] == slots.slot[other as usize]) {
                let end = begin + group.len() as u32;
                groups.push(Group { slot: slots.slot[group[0] as usize], begin, end });
                begin = end;
            }
            offsets.push(groups.len() as u32);
        }
        Writers { members, groups, offsets }
    }

    fn of(&self, key: u32) -> &[Group] {
        &self.groups[self.offsets[key as usize] as usize..self.offsets[key as usize + 1] as usize]
    }
}

/// For each of some numbers a list, end to end.
struct Lists {
    offsets: Vec<u32>,
    members: Vec<u32>,
}

impl Lists {
    /// From pairs of number and member, gone through twice.
    fn new<I: Iterator<Item = (usize, u32)>>(count: usize, pairs: impl Fn() -> I) -> Lists {
        let mut offsets = vec![0_u32; count + 1];
        pairs().for_each(|(number, _)| offsets[number + 1] += 1);
        for number in 0..count {
            offsets[number + 1] += offsets[number];
        }
        let mut next = offsets.clone();
        let mut members = vec![0; offsets[count] as usize];
        for (number, member) in pairs() {
            members[next[number] as usize] = member;
            next[number] += 1;
        }
        Lists { offsets, members }
    }

    fn of(&self, number: u32) -> &[u32] {
        &self.members[self.offsets[number as usize] as usize..self.offsets[number as usize + 1] as usize]
    }
}
