//! Which stages are followed up the levels.
//!
//! **Thrifty.** Only a few stages are kept, and of what there is plenty of it does not matter how much they used: most histories have been
//! through such stages, and what is found is an order all the same. Where none goes on, the stages some way below are followed again, more of
//! them and with more care, and from further below each time that does not help.
//!
//! **Unlimited.** Where the thrifty ones end, all stages are followed, but as if of every amount that may have been added there were any
//! number. Where none goes on then, there is no order. It begins some way below with the one stage that all others can follow, in which all
//! went that could have; or at the bottom, where all that may have happened together is counted as well.
//!
//! **All.** Where the unlimited ones go on, all stages are followed from the bottom, and each counts what it used.

use std::sync::atomic::{AtomicBool, Ordering};

use super::levels::Levels;
use super::rising::{Care, Rising, Stage, Window};
use crate::linearizable::search::Conclusion;
use crate::linearizable::{Budget, Limit};
use crate::pairing::NEVER;

/// How many levels lie between two moments to go back to.
const STRIDE: usize = 64;
/// How many thrifty stages there are at first, and how much is plenty; with each effort four times as many, and twice as much.
const WIDTH: usize = 16;
const PLENTY: u32 = 2;
/// By effort: how many moments they go back, besides the last.
const BACK: [usize; 6] = [0, 0, 1, 3, 8, 24];
/// Steps that it is worth to follow a few stages, or all: at least, and for each level.
const WORTH_STEPS: (u64, u64) = (1 << 21, 512);
/// How many levels before the one where thrifty stages end unlimited ones begin, at least, and how many after it they end.
const NEARBY: usize = 2 * STRIDE;
const FURTHER: usize = 2 * STRIDE;

/// A moment to go back to.
struct Moment {
    level: usize,
    stages: Vec<Stage>,
    window: Window,
}

impl Moment {
    fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.stages.capacity() * size_of::<Stage>()) as u64
    }
}

/// Where stages ended.
enum End {
    /// Above all levels that were asked for.
    Above,
    /// No stage gets to this level.
    Below(usize),
}

/// Why they were not followed to the end.
enum Halt {
    /// This can't tell.
    Helpless,
    Exhausted(Limit),
}

/// Stages from the first level up.
pub struct Climb<'a> {
    /// What goes from level to level.
    pub rising: Rising<'a>,
    /// Every return before this row can be passed.
    pub row: u32,
    /// The most bytes held.
    pub peak_bytes: u64,
    levels: &'a Levels,
    budget: Budget,
    interrupt: &'a AtomicBool,
    moments: Vec<Moment>,
    moments_bytes: u64,
}

impl<'a> Climb<'a> {
    /// On the first level.
    pub fn new(levels: &'a Levels, budget: Budget, interrupt: &'a AtomicBool) -> Self {
        Climb {
            rising: Rising::new(levels),
            row: 0,
            peak_bytes: 0,
            levels,
            budget,
            interrupt,
            moments: Vec::new(),
            moments_bytes: 0,
        }
    }

    /// Whether there is an order; nothing if too many additions are undecided at once, or more is to be looked at
    /// than it is worth.
    pub fn decide(&mut self) -> Option<Conclusion> {
        match self.try_all() {
            Ok(conclusion) => Some(conclusion),
            Err(Halt::Helpless) => None,
            Err(Halt::Exhausted(limit)) => Some(Conclusion::Exhausted(limit, self.row)),
        }
    }

    fn try_all(&mut self) -> Result<Conclusion, Halt> {
        let top = self.levels.sums.len();
        let bottom = || Moment { level: 0, stages: vec![Stage::START], window: Window::new() };
        if !self.levels.spares.is_empty() {
            match self.climb_thriftily()? {
                Some(End::Above) => return Ok(Conclusion::Linearizable),
                Some(End::Below(level)) => return Ok(self.blocked(level)),
                None => {}
            }
            if let End::Below(level) = self.climb(Care::Unlimited, bottom(), top)? {
                return Ok(self.blocked(level));
            }
        }
        Ok(match self.climb(Care::All, bottom(), top)? {
            End::Above => Conclusion::Linearizable,
            End::Below(level) => self.blocked(level),
        })
    }

    /// Steps that it is worth to follow a few stages, or all, before something else is tried.
    fn worth(&self) -> u64 {
        let (least, each) = WORTH_STEPS;
        least + each * self.levels.sums.len() as u64
    }

    /// All reads up to this level together are too much.
    fn blocked(&self, level: usize) -> Conclusion {
        Conclusion::Blocked(self.levels.last_return[level])
    }

    /// Follow a few stages. Nothing if they end where others might not.
    fn climb_thriftily(&mut self) -> Result<Option<End>, Halt> {
        let most_steps = self.worth();
        let care = |effort| Care::Few { width: WIDTH << (2 * effort), plenty: PLENTY << effort };
        let (mut effort, mut trouble, mut level) = (0, 0, 0);
        let mut stages = vec![Stage::START];
        self.rising.start(care(effort), Window::new());
        while level + 1 < self.levels.sums.len() {
            if level % STRIDE == 0 && self.moments.last().is_none_or(|last| last.level < level) {
                if level > trouble + STRIDE && effort > 0 {
                    effort = 0;
                    self.rising.take_care(care(effort));
                }
                let moment = Moment { level, stages: stages.clone(), window: self.rising.window() };
                self.moments_bytes += moment.bytes();
                self.moments.push(moment);
            }
            level += 1;
            let next = self.rise(level, &stages)?;
            if !next.is_empty() {
                stages = next;
                continue;
            }
            effort = if level > trouble { effort.max(1) } else { effort + 1 };
            trouble = trouble.max(level);
            if let Some(level) = self.climb_nearby(trouble, effort)? {
                return Ok(Some(End::Below(level)));
            }
            if effort as usize == BACK.len() || self.rising.steps() > most_steps {
                return Ok(None);
            }
            let kept = self.moments.len().saturating_sub(BACK[effort as usize]).max(1);
            while self.moments.len() > kept {
                self.moments_bytes -= self.moments.pop().map_or(0, |moment| moment.bytes());
            }
            let Some(moment) = self.moments.last() else { return Ok(None) };
            level = moment.level;
            stages = moment.stages.clone();
            self.rising.start(care(effort), moment.window.clone());
        }
        self.row = NEVER;
        Ok(Some(End::Above))
    }

    /// The level that no stage gets to even where what may have happened is never used up, of those that follow from some moment before the
    /// one where thrifty ones ended, the further before the more effort that took.
    fn climb_nearby(&mut self, ended: usize, effort: u32) -> Result<Option<usize>, Halt> {
        let near = ended.saturating_sub(NEARBY << (2 * (effort - 1)));
        let place = self.moments.partition_point(|moment| moment.level <= near);
        let Some(moment) = place.checked_sub(1).map(|place| &self.moments[place]) else { return Ok(None) };
        let (level, window) = (moment.level, moment.window.clone());
        self.rising.start(Care::Unlimited, window.clone());
        let Some(stage) = self.rising.all_gone(level) else { return Ok(None) };
        let until = self.levels.sums.len().min(ended + FURTHER);
        match self.climb(Care::Unlimited, Moment { level, stages: vec![stage], window }, until)? {
            End::Above => Ok(None),
            End::Below(level) => Ok(Some(level)),
        }
    }

    /// Follow stages up to the level before `until`.
    fn climb(&mut self, care: Care, from: Moment, until: usize) -> Result<End, Halt> {
        let Moment { level, mut stages, window } = from;
        let most_steps = self.rising.steps() + self.worth();
        self.rising.start(care, window);
        for level in level + 1..until {
            let before = self.row;
            stages = self.rise(level, &stages)?;
            if care == Care::Unlimited {
                self.row = before;
            }
            if self.rising.has_given_up() || self.rising.steps() > most_steps {
                return Err(Halt::Helpless);
            }
            if stages.is_empty() {
                return Ok(End::Below(level));
            }
        }
        Ok(End::Above)
    }

    fn rise(&mut self, level: usize, stages: &[Stage]) -> Result<Vec<Stage>, Halt> {
        self.row = self.row.max(self.levels.first_return[level]);
        let next = self.rising.rise(level, stages).ok_or(Halt::Helpless)?;
        let held = ((stages.len() + next.capacity()) * size_of::<Stage>()) as u64;
        let bytes = self.levels.bytes() + self.rising.bytes() + self.moments_bytes + held;
        self.peak_bytes = self.peak_bytes.max(bytes);
        if bytes > self.budget.max_bytes {
            return Err(Halt::Exhausted(Limit::Bytes));
        }
        if self.rising.steps() > self.budget.max_steps {
            return Err(Halt::Exhausted(Limit::Steps));
        }
        match self.interrupt.load(Ordering::Relaxed) {
            true => Err(Halt::Exhausted(Limit::Interrupted)),
            false => Ok(next),
        }
    }
}
