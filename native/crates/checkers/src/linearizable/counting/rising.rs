//! From level to level: which additions go before the next sum is read, and which stages another can stand for.

use super::levels::{Addition, Levels};
use super::reserve::{Reserve, Want};
use crate::models::shelf::{EMPTY, Map};

/// How many additions can be undecided at once.
const SLOTS: usize = u64::BITS as usize;
/// Looking at this many stages counts as a step.
const CONSIDERED_IN_A_STEP: u64 = 64;
/// How many ways to make up a sum are wanted at most, and how many are looked at for them, where all stages are followed; and where a few
/// are, of how many stages there is one way, and how many are looked at.
const ALL_WAYS: (usize, u64) = (usize::MAX, 1 << 20);
const FEW_WAYS: (usize, u64) = (16, 512);

/// How many ways to add what can be are looked at for one stage: there may be as many as there are sets of open operations.
const MOST_TRIED: u64 = 1 << 18;

/// A set of slots.
type Slots = u64;

/// What was added when a level is reached. How much was used of what may have happened follows from what certainly went; in how many pieces
/// tells the likely ways from those that only happen to add up. So the fewest pieces come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage {
    /// How many additions that may have happened.
    pub pieces: u32,
    /// How much that is.
    pub spare: i64,
    /// Of the additions that may go before this level or after, those that went before.
    done: Slots,
    /// What was used of what may have happened, as [`Reserve`] keeps it.
    spent: Map,
}

impl Stage {
    /// Nothing was added.
    pub const START: Stage = Stage { pieces: 0, spare: 0, done: 0, spent: EMPTY };
}

/// The slots of a set.
fn each(mut slots: Slots) -> impl Iterator<Item = usize> + Clone {
    std::iter::from_fn(move || {
        let slot = (slots != 0).then(|| slots.trailing_zeros() as usize)?;
        slots &= slots - 1;
        Some(slot)
    })
}

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// The stages that used the least, and of the ways to make up a sum the first.
    Few {
        /// How many stages.
        width: usize,
        /// Of how many that are left it does not matter how many that is.
        plenty: u32,
    },
    /// All stages, where what may have happened is never used up, but for all of it together.
    Unlimited,
    /// All stages.
    All,
}

/// See the module.
#[derive(Debug)]
pub struct Rising<'a> {
    levels: &'a Levels,
    reserve: Reserve,
    care: Care,
    /// Stages looked at.
    considered: u64,
    steps: u64,
    has_given_up: bool,
    window: Window,
    trying: Vec<Trying>,
    /// Slots of what did not go, by return.
    able: Vec<u8>,
    /// By place among those: how much they are together, from there on.
    sums: Vec<i64>,
    /// What went, in each way that was found.
    gone: Vec<Slots>,
}

/// What may go before the next level, or later.
#[derive(Clone, Debug)]
pub struct Window {
    next_addition: usize,
    next_spare: usize,
    additions: [Addition; SLOTS],
    /// By slot: those that had returned when it was called.
    before: [Slots; SLOTS],
    /// By slot: those of the same amount.
    alike: [Slots; SLOTS],
    /// Slots in use, by return.
    order: Vec<u8>,
    open: Slots,
    /// How much was added by all that had to go.
    gone: i64,
}

/// Some of the additions were looked at.
#[derive(Clone, Copy, Debug)]
struct Trying {
    /// The place to go on from.
    next: usize,
    done: Slots,
    rest: i64,
    /// Those that could go, and their likes, but do not.
    passed_over: Slots,
}

impl<'a> Rising<'a> {
    /// On the first level.
    pub fn new(levels: &'a Levels) -> Self {
        Rising {
            levels,
            reserve: Reserve::new(&levels.spares),
            care: Care::All,
            considered: 0,
            steps: 0,
            has_given_up: false,
            window: Window::new(),
            trying: Vec::new(),
            able: Vec::new(),
            sums: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// On the level where things were so again, with other care.
    pub fn start(&mut self, care: Care, window: Window) {
        self.care = care;
        self.has_given_up = false;
        self.reserve.start();
        self.levels.spares[..window.next_spare].iter().for_each(|spare| self.reserve.call(spare));
        self.window = window;
    }

    /// With other care from here on.
    pub fn take_care(&mut self, care: Care) {
        self.care = care;
    }

    /// How things are.
    pub fn window(&self) -> Window {
        self.window.clone()
    }

    /// Of all stages that there may be at `level` the one that can follow any, where what may have happened is never used up: all went that
    /// could have, and less than that was made up. Nothing if what went could not have been made up.
    pub fn all_gone(&self, level: usize) -> Option<Stage> {
        let mut amounts = self.window.order.iter().map(|&slot| self.window.additions[usize::from(slot)].amount);
        let certain: i64 = self.window.gone + amounts.clone().sum::<i64>();
        let stage = Stage { spare: self.levels.sums[level] - certain, done: self.window.open, ..Stage::START };
        amounts.all(|amount| self.reserve.may_make_up(amount)).then_some(stage)
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps + (self.considered + self.reserve.looked_at) / CONSIDERED_IN_A_STEP
    }

    /// Whether so much was looked at that something was missed.
    pub fn has_given_up(&self) -> bool {
        self.has_given_up || self.reserve.has_given_up
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.reserve.bytes() + size_of::<Self>() as u64
    }

    /// The stages at `level` that follow those at the level before; nothing if too many additions are undecided.
    pub fn rise(&mut self, level: usize, stages: &[Stage]) -> Option<Vec<Stage>> {
        let risen = self.levels.sums[level] - self.levels.sums[level - 1];
        let forced = self.window.call_before(self.levels, level as u32, &mut self.reserve)?;
        let mut due = 0;
        for &slot in &self.window.order {
            due |= Slots::from(self.window.additions[usize::from(slot)].until == level as u32) << slot;
        }
        let mut next = Vec::with_capacity(2 * stages.len());
        for stage in stages {
            self.add(stage, risen - forced, due, &mut next);
        }
        self.window.close(due);
        for stage in &mut next {
            stage.done &= !due;
        }
        self.reduce(&mut next);
        Some(next)
    }

    /// Go on from a stage by adding so much, among it all that is `due`.
    fn add(&mut self, stage: &Stage, risen: i64, due: Slots, found: &mut Vec<Stage>) {
        let missing = due & !stage.done;
        let mut rest = risen;
        self.able.clear();
        for &slot in &self.window.order {
            let bit = 1 << slot;
            if missing & bit != 0 {
                rest -= self.window.additions[usize::from(slot)].amount;
            } else if stage.done & bit == 0 {
                self.able.push(slot);
            }
        }
        self.steps += 1;
        if rest < 0 {
            return;
        }
        self.sums.clear();
        let mut sum = 0;
        self.sums.extend(self.able.iter().rev().map(|&slot| {
            sum += self.window.additions[usize::from(slot)].amount;
            sum
        }));
        self.sums.reverse();
        let is_certain = self.reserve.is_empty();
        let replaceable = self.replaceable(stage);
        self.gone.clear();
        self.trying.push(Trying { next: 0, done: stage.done | missing, rest, passed_over: 0 });
        let most = self.considered + MOST_TRIED;
        while let Some(mut trying) = self.trying.pop() {
            self.considered += 1;
            if self.considered > most {
                self.has_given_up = true;
                self.trying.clear();
                return;
            }
            if is_certain && trying.rest > self.sums.get(trying.next).copied().unwrap_or(0) {
                continue;
            }
            let mut went = None;
            while let Some(&slot) = self.able.get(trying.next).filter(|_| trying.rest > 0) {
                trying.next += 1;
                let (bit, slot) = (1 << slot, usize::from(slot));
                let amount = self.window.additions[slot].amount;
                if amount <= trying.rest
                    && trying.passed_over & bit == 0
                    && self.window.before[slot] & !trying.done == 0
                {
                    went = Some(Trying { done: trying.done | bit, rest: trying.rest - amount, ..trying });
                    trying.passed_over |= bit | self.window.alike[slot];
                    break;
                }
            }
            match went {
                Some(went) => self.trying.extend([trying, went]),
                None => {
                    let takes_its_place =
                        |&gone: &Slots| trying.done & !gone == 0 && gone & !trying.done & !replaceable == 0;
                    let before = found.len();
                    if replaceable == 0 || !self.gone.iter().any(takes_its_place) {
                        self.make_up(stage, &trying, found);
                        self.gone.extend((found.len() > before).then_some(trying.done));
                    }
                }
            }
        }
    }

    /// Of the additions that can go those in whose place enough is left of what may have happened, where a few stages are followed.
    fn replaceable(&self, stage: &Stage) -> Slots {
        let Care::Few { plenty, .. } = self.care else { return 0 };
        let amount = |slot: u8| self.window.additions[usize::from(slot)].amount;
        let is_left = |&&slot: &&u8| self.reserve.has(amount(slot), stage.spent, 4 * plenty);
        self.able.iter().filter(is_left).fold(0, |slots, &slot| slots | 1 << slot)
    }

    /// Make up what is missing by what may have happened.
    fn make_up(&mut self, stage: &Stage, trying: &Trying, found: &mut Vec<Stage>) {
        let &Trying { done, rest, passed_over, .. } = trying;
        let after = Stage { done, spare: stage.spare + rest, ..*stage };
        if rest == 0 {
            found.push(after);
            return;
        }
        if !self.reserve.may_make_up(rest) || after.spare > self.reserve.total() {
            return;
        }
        let (most_ways, most_looked_at) = match self.care {
            Care::Unlimited => {
                found.push(after);
                return;
            }
            Care::Few { width, .. } => (width / FEW_WAYS.0, FEW_WAYS.1),
            Care::All => ALL_WAYS,
        };
        let undone = self.able.iter().filter(|&&slot| done >> slot & 1 == 0);
        let limit = undone.map(|&slot| self.window.additions[usize::from(slot)].ret).min().unwrap_or(u32::MAX);
        // What certainly happened goes before what may have.
        let apart: Vec<i64> = self
            .able
            .iter()
            .filter(|&&slot| (passed_over & !done) >> slot & 1 == 1)
            .map(|&slot| self.window.additions[usize::from(slot)].amount)
            .collect();
        let ways = self.reserve.ways(&Want { sum: rest, spent: stage.spent, limit, apart, most_ways, most_looked_at });
        found.extend(ways.into_iter().map(|(spent, pieces)| Stage { spent, pieces: after.pieces + pieces, ..after }));
    }

    /// Leave out the stages whose place another takes.
    fn reduce(&mut self, stages: &mut Vec<Stage>) {
        stages.sort_unstable();
        stages.dedup();
        let width = if let Care::Few { width, .. } = self.care { width } else { usize::MAX };
        let mut kept = 0;
        for place in 0..stages.len() {
            let stage = stages[place];
            self.considered += kept as u64;
            if !(0..kept).any(|other| self.stands_for(&stages[other], &stage)) {
                stages[kept] = stage;
                kept += 1;
            }
            if kept == width {
                break;
            }
        }
        stages.truncate(kept);
    }

    /// Whether everything can follow from `one` that can follow from `other`: whatever went only in the one may, in the other, as well have
    /// been made up.
    fn stands_for(&self, one: &Stage, other: &Stage) -> bool {
        if other.done & !one.done != 0 {
            return false;
        }
        let more = one.done & !other.done;
        if more == 0 && one.spent == other.spent {
            return true;
        }
        let additions = &self.window.additions;
        let more = each(more).map(|slot| additions[slot].amount);
        match self.care {
            Care::Unlimited => more.into_iter().all(|amount| self.reserve.may_make_up(amount)),
            Care::All => self.reserve.is_no_poorer(one.spent, more, other.spent, u32::MAX),
            Care::Few { plenty, .. } => self.reserve.is_no_poorer(one.spent, more, other.spent, plenty),
        }
    }
}

impl Window {
    /// Nothing was called.
    pub fn new() -> Self {
        let nothing = Addition { amount: 0, after: 0, until: 0, call: 0, ret: 0 };
        Window {
            next_addition: 0,
            next_spare: 0,
            additions: [nothing; SLOTS],
            before: [0; SLOTS],
            alike: [0; SLOTS],
            order: Vec::new(),
            open: 0,
            gone: 0,
        }
    }

    /// Take up what may go before `level`, and give the sum of what must, and nowhere else can. Nothing if it is too much.
    fn call_before(&mut self, levels: &Levels, level: u32, reserve: &mut Reserve) -> Option<i64> {
        let mut forced = 0;
        while let Some(spare) = levels.spares.get(self.next_spare).filter(|spare| spare.after < level) {
            self.next_spare += 1;
            reserve.call(spare);
        }
        while let Some(&addition) = levels.additions.get(self.next_addition).filter(|other| other.after < level) {
            self.next_addition += 1;
            if addition.until <= level {
                forced += addition.amount;
                continue;
            }
            if self.open == Slots::MAX {
                return None;
            }
            let slot = self.open.trailing_ones() as usize;
            let (mut before, mut alike) = (0, 0);
            for &other in &self.order {
                let known = &self.additions[usize::from(other)];
                before |= Slots::from(known.ret < addition.call) << other;
                if known.amount == addition.amount {
                    alike |= 1 << other;
                    self.alike[usize::from(other)] |= 1 << slot;
                }
            }
            (self.before[slot], self.alike[slot]) = (before, alike);
            self.additions[slot] = addition;
            self.open |= 1 << slot;
            let place = self.order.partition_point(|&other| self.additions[usize::from(other)].ret < addition.ret);
            self.order.insert(place, slot as u8);
        }
        self.gone += forced;
        Some(forced)
    }

    fn close(&mut self, due: Slots) {
        if due == 0 {
            return;
        }
        let (order, additions) = (&self.order, &self.additions);
        let due_slots = order.iter().filter(|&&slot| due >> slot & 1 == 1);
        self.gone += due_slots.map(|&slot| additions[usize::from(slot)].amount).sum::<i64>();
        self.order.retain(|&slot| due >> slot & 1 == 0);
        self.open &= !due;
        for &slot in &self.order {
            self.before[usize::from(slot)] &= !due;
            self.alike[usize::from(slot)] &= !due;
        }
    }
}
