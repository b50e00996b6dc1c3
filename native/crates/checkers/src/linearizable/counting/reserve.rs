//! What may have been added: how much there is of it, and how it can make up what is missing.

use super::levels::Spare;
use crate::models::shelf::{EMPTY, Map, Shelf};

/// Of sums below this it is known whether they can be made up, of larger ones only that they are multiples of something.
const SUMS: usize = 1024;

/// See the module. Additions of the same amount are alike, so what counts is how many of an amount were used.
#[derive(Debug)]
pub struct Reserve {
    /// All amounts, the largest first.
    amounts: Vec<i64>,
    /// By place of an amount: the calls.
    calls: Vec<Vec<u32>>,
    /// By place of an amount: how many were called.
    called: Vec<u32>,
    total: i64,
    /// Which sums could be made up if there were any number of all that was called.
    sums: Vec<bool>,
    divisor: i64,
    /// Keeps what was used: by place of an amount, how many.
    shelf: Shelf,
    /// Ways looked at.
    pub looked_at: u64,
    /// Whether that was too many once.
    pub has_given_up: bool,
}

/// What is to be made up.
#[derive(Debug)]
pub struct Want {
    /// How much.
    pub sum: i64,
    /// What was used before.
    pub spent: Map,
    /// The first return of an addition that did not go: what was called after that can't yet.
    pub limit: u32,
    /// Amounts of which none is used.
    pub apart: Vec<i64>,
    /// How many ways are wanted at most, and how many may be looked at for them.
    pub most_ways: usize,
    pub most_looked_at: u64,
}

impl Reserve {
    /// Of these nothing was called yet.
    pub fn new(spares: &[Spare]) -> Reserve {
        let mut amounts: Vec<i64> = spares.iter().map(|spare| spare.amount).collect();
        amounts.sort_unstable_by_key(|&amount| std::cmp::Reverse(amount));
        amounts.dedup();
        let mut reserve = Reserve {
            calls: vec![Vec::new(); amounts.len()],
            called: vec![0; amounts.len()],
            total: 0,
            sums: Vec::new(),
            divisor: 0,
            shelf: Shelf::new(amounts.len()),
            looked_at: 0,
            has_given_up: false,
            amounts,
        };
        for spare in spares {
            let place = reserve.place(spare.amount);
            place.into_iter().for_each(|place| reserve.calls[place as usize].push(spare.call));
        }
        reserve
    }

    /// Begin again.
    pub fn start(&mut self) {
        self.called.fill(0);
        self.total = 0;
        self.sums = vec![false; SUMS];
        self.sums[0] = true;
        self.divisor = 0;
        self.has_given_up = false;
    }

    /// One was called.
    pub fn call(&mut self, spare: &Spare) {
        let amount = spare.amount;
        let Some(place) = self.place(amount) else { return };
        self.called[place as usize] += 1;
        self.total += amount;
        if self.called[place as usize] > 1 {
            return;
        }
        let (mut one, mut other) = (self.divisor, amount);
        while other != 0 {
            (one, other) = (other, one % other);
        }
        self.divisor = one;
        for sum in amount.unsigned_abs() as usize..SUMS {
            self.sums[sum] |= self.sums[sum - amount.unsigned_abs() as usize];
        }
    }

    /// Whether nothing was called.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// All that was called together.
    pub fn total(&self) -> i64 {
        self.total
    }

    /// Whether a sum could be made up if there were any number of all that was called. It may say so of a large sum that could not. What it
    /// says so of two sums it says of both together.
    pub fn may_make_up(&self, sum: i64) -> bool {
        match self.sums.get(sum as usize) {
            Some(&known) => known,
            None => self.divisor > 0 && sum % self.divisor == 0,
        }
    }

    /// Ways to make up a sum with what is left, as what was used then and in how many pieces, but for those that others are as good as: what
    /// could be taken in one piece is not taken in two. The fewest pieces come first, mostly.
    pub fn ways(&mut self, want: &Want) -> Vec<(Map, u32)> {
        let &Want { sum, spent, limit, ref apart, most_ways, most_looked_at } = want;
        let mut ways = Vec::new();
        let most = self.looked_at.saturating_add(most_looked_at);
        // The place to go on with, what is missing still, what was used, and in how many pieces; and how many are to be taken there.
        let mut pending = vec![(0_u32, sum, spent, 0_u32, i64::MAX)];
        while let Some((place, rest, used, pieces, most_pieces)) = pending.pop() {
            self.looked_at += 1;
            if self.looked_at > most {
                self.has_given_up = true;
                break;
            }
            if rest == 0 {
                if self.is_in_few_pieces(spent, used, limit) {
                    ways.push((used, pieces));
                    if ways.len() == most_ways {
                        break;
                    }
                }
                continue;
            }
            if !self.may_make_up(rest) {
                continue;
            }
            let fitting = self.amounts.partition_point(|&amount| amount > rest) as u32;
            let place = place.max(fitting);
            let Some(&amount) = self.amounts.get(place as usize) else { continue };
            let left = if apart.contains(&amount) { 0 } else { self.left(used, place, limit) };
            let count = most_pieces.min(rest / amount).min(i64::from(left));
            if count == 0 {
                pending.push((place + 1, rest, used, pieces, i64::MAX));
                continue;
            }
            pending.push((place, rest, used, pieces, count - 1));
            let before = self.shelf.get(used, place);
            let used = self.shelf.set(used, place, before + count as u32);
            pending.push((place + 1, rest - count * amount, used, pieces + count as u32, i64::MAX));
        }
        ways
    }

    /// Whether so many of an amount are left when `used` was.
    pub fn has(&self, amount: i64, used: Map, many: u32) -> bool {
        let Some(place) = self.place(amount) else { return false };
        self.called[place as usize] >= self.shelf.get(used, place) + many
    }

    /// Whether who used `one`, and `more` amounts, has no less left than who used `other`, but for what there is `plenty` of.
    pub fn is_no_poorer(&self, one: Map, more: impl Iterator<Item = i64> + Clone, other: Map, plenty: u32) -> bool {
        let used_more =
            |place: u32| more.clone().filter(|&amount| amount == self.amounts[place as usize]).count() as u32;
        let is_rich = |place: u32, used: u32| self.called[place as usize] >= used.saturating_add(plenty);
        let is_enough = |amount: i64| {
            self.place(amount).is_some_and(|place| {
                let used = self.shelf.get(one, place) + used_more(place);
                used <= self.shelf.get(other, place) || is_rich(place, used)
            })
        };
        let differences = || self.shelf.differences(one, other, usize::MAX).into_iter();
        more.clone().all(is_enough)
            && (one == other
                || differences().all(|(place, one, other)| one <= other || is_rich(place, one + used_more(place))))
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.shelf.bytes()
            + (size_of::<Vec<u32>>() * self.amounts.len() + self.sums.len()) as u64
            + self.calls.iter().map(|calls| 4 * calls.capacity() as u64 + 12).sum::<u64>()
    }

    fn left(&self, used: Map, place: u32, limit: u32) -> u32 {
        let used = if used == EMPTY { 0 } else { self.shelf.get(used, place) };
        let called = &self.calls[place as usize][..self.called[place as usize] as usize];
        let able = match called.last() {
            Some(&last) if last > limit => called.partition_point(|&call| call < limit),
            _ => called.len(),
        };
        (able as u32).saturating_sub(used)
    }

    fn place(&self, amount: i64) -> Option<u32> {
        self.amounts.binary_search_by(|other| amount.cmp(other)).ok().map(|place| place as u32)
    }

    /// Whether no two of what was used now make up an amount that is left: whatever can be done with that can be done with those two.
    fn is_in_few_pieces(&self, before: Map, after: Map, limit: u32) -> bool {
        let pieces = self.shelf.differences(before, after, usize::MAX);
        for (number, &(one, had, has)) in pieces.iter().enumerate() {
            for (&(other, ..), is_same) in
                pieces[number..].iter().zip([true].into_iter().chain(std::iter::repeat(false)))
            {
                let sum = self.amounts[one as usize] + self.amounts[other as usize];
                let is_there = !is_same || has > had + 1;
                if is_there && self.place(sum).is_some_and(|place| self.left(after, place, limit) > 0) {
                    return false;
                }
            }
        }
        true
    }
}
