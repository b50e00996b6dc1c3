//! What each configuration used of the operations that may have happened.
//!
//! Configurations have nearly all their uses in common, so uses form a tree: a configuration points at its last use, which points at
//! the one before. What all have in common is at times moved into one count for each class, and forgotten. That is how Viterbi decoders
//! keep the paths that survive ("Error bounds for convolutional codes", 1967).

use rustc_hash::FxHashMap;

use super::window::Configuration;
use crate::linearizable::Operation;
use crate::linearizable::classes::Classes;

/// No use: everything before was moved into the counts.
pub const NONE: u32 = u32::MAX;

/// For how many rows more than it has to be something is scarce: what ran short there is likely to run short soon after.
const LONGER: u32 = 1024;

#[derive(Clone, Copy)]
struct Use {
    before: u32,
    class: u32,
    row: u32,
}

/// Whether a class may be used more often than it has members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// It never may.
    All,
    /// It may, while it is not scarce. So more is possible than is; but if something is impossible, it certainly is.
    Scarce,
}

/// What was used, and what is left. Classes are those of [`Classes`].
pub struct Spending {
    limits: Limits,
    /// By class: members called so far.
    called: Vec<u32>,
    /// By class: uses that all configurations have in common.
    common: Vec<u32>,
    /// Those, in order.
    moved: Vec<Use>,
    uses: Vec<Use>,
    /// By class: uses up to [`Self::tallied`] that are not common.
    tally: Vec<u32>,
    tallied: u32,
    /// By class: until which row it is scarce, so that it matters how much of it was used.
    scarce_until: Vec<u32>,
    /// By operation: its class, or [`NONE`].
    class_of: Vec<u32>,
}

/// A moment to return to.
#[derive(Clone)]
pub struct Mark {
    moved: usize,
    uses: Vec<Use>,
}

impl Mark {
    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.uses.capacity() * size_of::<Use>()) as u64
    }
}

impl Spending {
    /// Nothing was called or used.
    pub fn new<A: Copy + Eq + Ord>(classes: &Classes<A>, operations: &[Operation<A>], limits: Limits) -> Self {
        let count = classes.classes.len();
        let mut class_of = vec![NONE; if count == 0 { 0 } else { operations.len() }];
        for (index, class) in classes.classes.iter().enumerate() {
            for &member in &class.members {
                class_of[member as usize] = index as u32;
            }
        }
        Spending {
            limits,
            called: vec![0; count],
            common: vec![0; count],
            moved: Vec::new(),
            uses: Vec::new(),
            tally: vec![0; count],
            tallied: NONE,
            scarce_until: vec![0; count],
            class_of,
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let uses = size_of::<Use>() * (self.uses.capacity() + self.moved.capacity());
        (uses + 16 * self.called.len() + 4 * self.class_of.len()) as u64
    }

    /// An operation that may have happened was called.
    pub fn call(&mut self, operation: usize) {
        if let Some(called) = self.called_of(operation) {
            *called += 1;
        }
    }

    /// It was not.
    pub fn call_back(&mut self, operation: usize) {
        if let Some(called) = self.called_of(operation) {
            *called -= 1;
        }
    }

    fn called_of(&mut self, operation: usize) -> Option<&mut u32> {
        let class = self.class_of.get(operation).copied().filter(|&class| class != NONE)?;
        self.called.get_mut(class as usize)
    }

    /// Whether the class can be used at `row`.
    pub fn has(&mut self, configuration: &Configuration, class: u32, row: u32) -> bool {
        let called = self.called[class as usize];
        if called == 0 {
            return false;
        }
        if self.limits == Limits::Scarce && !self.is_scarce(class, row) {
            return true;
        }
        self.tally_up(configuration);
        called > self.common[class as usize] + self.tally[class as usize]
    }

    /// How many of a class were used.
    pub fn used(&mut self, configuration: &Configuration, class: u32) -> u32 {
        self.tally_up(configuration);
        self.common[class as usize] + self.tally[class as usize]
    }

    /// By class: how many members were called so far.
    pub fn called(&self) -> &[u32] {
        &self.called
    }

    /// Whether nothing may be used more often than it was called.
    pub fn is_limited(&self) -> bool {
        self.limits == Limits::All
    }

    /// By class: how many of those that were called are left.
    pub fn left(&mut self, configuration: &Configuration) -> Vec<u32> {
        self.tally_up(configuration);
        let used = self.common.iter().zip(&self.tally).map(|(common, tally)| common + tally);
        self.called.iter().zip(used).map(|(called, used)| called.saturating_sub(used)).collect()
    }

    /// One configuration is asked about many classes.
    fn tally_up(&mut self, configuration: &Configuration) {
        if self.tallied != configuration.uses {
            self.tally_uses_of(self.tallied, |count| *count -= 1);
            self.tally_uses_of(configuration.uses, |count| *count += 1);
            self.tallied = configuration.uses;
        }
    }

    fn tally_uses_of(&mut self, mut at: u32, change: impl Fn(&mut u32)) {
        while let Some(&Use { before, class, .. }) = self.uses.get(at as usize) {
            change(&mut self.tally[class as usize]);
            at = before;
        }
    }

    fn forget_tally(&mut self) {
        self.tally_uses_of(self.tallied, |count| *count -= 1);
        self.tallied = NONE;
    }

    /// Use a member.
    pub fn spend(&mut self, configuration: &mut Configuration, class: u32, row: u32) {
        self.uses.push(Use { before: configuration.uses, class, row });
        configuration.uses = self.uses.len() as u32 - 1;
        configuration.spent += 1;
        if self.is_scarce(class, row) {
            let word = u64::from(class + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            configuration.scarce = configuration.scarce.wrapping_add(word ^ (word >> 29));
        }
    }

    fn is_scarce(&self, class: u32, row: u32) -> bool {
        self.scarce_until[class as usize] >= row
    }

    /// Whether `one` used no more than `other` of any class that is scarce at `row`.
    pub fn is_no_poorer(&self, one: &Configuration, other: &Configuration, row: u32) -> bool {
        if one.scarce == other.scarce {
            return true;
        }
        // A use comes after the one before it, so the paths meet where the later of two is left until they are the same.
        let mut differences: Vec<(u32, i32)> = Vec::new();
        let mut ends = [one.uses, other.uses];
        while ends[0] != ends[1] {
            let is_other = usize::from(ends[0] == NONE || (ends[1] != NONE && ends[1] > ends[0]));
            let Some(&Use { before, class, .. }) = self.uses.get(ends[is_other] as usize) else { break };
            ends[is_other] = before;
            if self.is_scarce(class, row) {
                let change = 1 - 2 * is_other as i32;
                match differences.iter_mut().find(|(other, _)| *other == class) {
                    Some((_, difference)) => *difference += change,
                    None => differences.push((class, change)),
                }
            }
        }
        differences.iter().all(|&(_, difference)| difference <= 0)
    }

    /// Make a class scarce up to `row` and somewhat longer.
    pub fn make_scarce_until(&mut self, class: u32, row: u32) {
        let until = &mut self.scarce_until[class as usize];
        *until = row.saturating_add(LONGER).max(*until);
    }

    /// Make scarce what `configuration` used more of than there was, up to where it did. False if it did not.
    pub fn make_scarce<A>(
        &mut self,
        configuration: &Configuration,
        classes: &Classes<A>,
        operations: &[Operation<A>],
    ) -> bool {
        let own: Vec<u32> = self.path(configuration);
        let mut used = vec![0; self.called.len()];
        let mut short = Vec::new();
        for &Use { class, row, .. } in self.moved.iter().chain(own.iter().map(|&at| &self.uses[at as usize])) {
            let class = class as usize;
            let member = classes.classes[class].members.get(used[class]);
            used[class] += 1;
            if member.is_none_or(|&member| operations[member as usize].invocation > row) {
                short.push((class as u32, row));
            }
        }
        for &(class, row) in &short {
            self.make_scarce_until(class, row);
        }
        !short.is_empty()
    }

    /// Make scarce what is scarce in `other`.
    pub fn scarce_as(&mut self, other: &Spending) {
        self.scarce_until.clone_from(&other.scarce_until);
    }

    /// Move what all `configurations` have in common into the counts, and forget uses of those that are gone.
    pub fn settle(&mut self, configurations: &mut [Configuration]) {
        let Some(first) = configurations.first() else { return };
        self.forget_tally();
        let first = self.path(first);
        let mut common = first.len();
        for configuration in configurations.iter() {
            let path = self.path(configuration);
            common = common.min(first.iter().zip(&path).take_while(|(one, other)| one == other).count());
        }
        for &at in &first[..common] {
            let moved = self.uses[at as usize];
            self.common[moved.class as usize] += 1;
            self.moved.push(moved);
        }
        let mut uses = Vec::new();
        let mut renamed: FxHashMap<u32, u32> = FxHashMap::default();
        for configuration in configurations {
            let mut before = NONE;
            for &at in &self.path(configuration)[common..] {
                before = *renamed.entry(at).or_insert_with(|| {
                    uses.push(Use { before, ..self.uses[at as usize] });
                    uses.len() as u32 - 1
                });
            }
            configuration.uses = before;
        }
        self.uses = uses;
    }

    /// Whether there is little to settle.
    pub fn is_settled(&self) -> bool {
        self.uses.len() < 256
    }

    /// Uses that are not common, as places in the tree, the first first.
    fn path(&self, configuration: &Configuration) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = configuration.uses;
        while let Some(use_) = self.uses.get(at as usize) {
            path.push(at);
            at = use_.before;
        }
        path.reverse();
        path
    }

    /// Now.
    pub fn mark(&self) -> Mark {
        Mark { moved: self.moved.len(), uses: self.uses.clone() }
    }

    /// Return to a moment, but for what was called since.
    pub fn back_to(&mut self, mark: &Mark) {
        self.forget_tally();
        for Use { class, .. } in self.moved.drain(mark.moved..) {
            self.common[class as usize] -= 1;
        }
        self.uses.clone_from(&mark.uses);
    }
}
