//! Pending operations of which only the amount matters, as additions to a counter: which of them make up a difference.
//!
//! Such operations commute with everything that changes the state, so they can be put off until just before an observation that finds
//! what they add up to, all together: no state in between need be looked at.

use rustc_hash::FxHashSet;

use crate::linearizable::Operation;
use crate::linearizable::classes::Classes;
use crate::models::Model;

/// Sums below this are known one by one; of larger ones only that they are not larger than all together.
const SUMS: usize = 1024;
/// How many sums are looked at for the fewest that make up a difference, at most.
const MOST_LOOKED_AT: usize = 512;
/// No history adds up to more, so that nothing overflows.
const MOST: u128 = 1 << 61;

/// See the module.
pub struct Amounts {
    /// By class.
    of_class: Vec<i64>,
    /// By class: how many members are among the sums.
    summed: Vec<u32>,
    /// What is added, and what is taken away.
    sums: [Sums; 2],
}

impl Amounts {
    /// The amounts of all classes; nothing if the model has none, or too large ones.
    pub fn new<M: Model>(model: &M, classes: &Classes<M::Action>, operations: &[Operation<M::Action>]) -> Option<Self> {
        if !model.has_amounts() {
            return None;
        }
        let total: u128 = operations.iter().map(|o| u128::from(model.amount(o.action).unsigned_abs())).sum();
        let of_class: Vec<i64> = classes.classes.iter().map(|class| model.amount(class.action)).collect();
        let summed = vec![0; of_class.len()];
        (total < MOST).then(|| Amounts { of_class, summed, sums: [Sums::new(), Sums::new()] })
    }

    /// Whether members of which `called` of each class were called could make up `difference`, if none was used before. It may say so
    /// of large sums where they could not.
    pub fn may_make_up(&mut self, difference: i64, called: &[u32]) -> bool {
        for (class, &amount) in self.of_class.iter().enumerate() {
            while self.summed[class] < called[class] {
                self.summed[class] += 1;
                self.sums[usize::from(amount < 0)].add(amount.unsigned_abs());
            }
        }
        let [added, taken] = if difference < 0 { [1, 0] } else { [0, 1] }.map(|which| &self.sums[which]);
        let difference = difference.unsigned_abs();
        if difference > added.total {
            return false;
        }
        let are_known = added.total < SUMS as u64 && taken.total < SUMS as u64;
        if taken.total == 0 && difference < SUMS as u64 {
            return added.has(difference);
        }
        !are_known || (0..=added.total - difference).any(|back| taken.has(back) && added.has(difference + back))
    }

    /// Few members that make up `difference`, as classes, of each of which so many are `left`; and how many sums were looked at. What is
    /// plentiful is taken first.
    pub fn few(&self, difference: i64, left: &[u32]) -> (Option<Vec<u32>>, u64) {
        let mut classes: Vec<u32> = (0..left.len() as u32).filter(|&class| left[class as usize] > 0).collect();
        classes.sort_by_key(|&class| (std::cmp::Reverse(left[class as usize]), class));
        let amounts = || classes.iter().map(|&class| self.of_class[class as usize]);
        // One more than is needed may be taken back.
        let least = difference.min(0).min(difference.min(0) + amounts().min().unwrap_or(0));
        let most = difference.max(0).max(difference.max(0) + amounts().max().unwrap_or(0));
        let least = if amounts().all(|amount| amount >= 0) { 0 } else { least };
        let most = if amounts().all(|amount| amount <= 0) { 0 } else { most };
        // Each sum with the place of the one before it, and the class that leads here from there.
        let mut reached: Vec<(i64, usize, u32)> = vec![(0, 0, 0)];
        let mut is_reached: FxHashSet<i64> = [0].into_iter().collect();
        let mut next = 0;
        let mut looked_at = 0;
        while next < reached.len() && reached.len() < MOST_LOOKED_AT {
            let sum = reached[next].0;
            for &class in &classes {
                looked_at += 1;
                let after = sum + self.of_class[class as usize];
                if after < least || after > most || is_reached.contains(&after) {
                    continue;
                }
                let path = path(&reached, next);
                if path.iter().filter(|&&other| other == class).count() as u32 >= left[class as usize] {
                    continue;
                }
                if after == difference {
                    return (Some(path.into_iter().chain([class]).collect()), looked_at);
                }
                is_reached.insert(after);
                reached.push((after, next, class));
            }
            next += 1;
        }
        (None, looked_at)
    }
}

/// The classes that lead to a place.
fn path(reached: &[(i64, usize, u32)], mut at: usize) -> Vec<u32> {
    let mut path = Vec::new();
    while at != 0 {
        let (_, before, class) = reached[at];
        path.push(class);
        at = before;
    }
    path
}

/// What some of several amounts can add up to.
struct Sums {
    /// By sum below [`SUMS`], a bit each.
    bits: [u64; SUMS / 64],
    total: u64,
}

impl Sums {
    fn new() -> Self {
        let mut bits = [0; SUMS / 64];
        bits[0] = 1;
        Sums { bits, total: 0 }
    }

    fn has(&self, sum: u64) -> bool {
        self.bits.get(sum as usize / 64).is_some_and(|bits| bits >> (sum % 64) & 1 == 1)
    }

    fn add(&mut self, amount: u64) {
        self.total += amount;
        if amount >= SUMS as u64 {
            return;
        }
        let (words, bits) = (amount as usize / 64, amount % 64);
        for to in (words..self.bits.len()).rev() {
            let from = to - words;
            let low = if bits == 0 || from == 0 { 0 } else { self.bits[from - 1] >> (64 - bits) };
            self.bits[to] |= self.bits[from] << bits | low;
        }
    }
}
