//! Which stages are followed.
//!
//! **Thrifty.** Of all stages with as many dequeues only a few are kept, those that used the least of what may have happened, as most
//! histories have been through such a stage nearly everywhere. Where none goes on, or where it went on only by using more than was
//! called meanwhile, the stages some way back are followed again, more of them, and further back each time that does not help. What
//! is found is an order all the same.
//!
//! **All.** Where the thrifty ones end, every stage is followed. When none goes on, the first return that no stage got past is the first
//! that can't be passed: orders of what came before it, in which what had not returned may have happened or not, have the same stages.

use std::sync::atomic::{AtomicBool, Ordering};

use super::stepping::{Lockstep, Stage};
use crate::linearizable::decide::Followed;
use crate::linearizable::search::Conclusion;
use crate::linearizable::{Budget, Limit};

/// How many dequeues lie between two moments to go back to.
const STRIDE: usize = 64;
/// How many stages are kept at first, and how much more they may have used than the least of them.
const WIDTH: usize = 8;
const REACH: u32 = 4;
/// How often both are doubled where no stage goes on; and where too much was used.
const MOST_EFFORT: u32 = 4;
const MOST_EFFORT_FOR_LESS: u32 = 3;
/// How much more may be used in a stride than was called meanwhile.
const SLACK: usize = 16;
/// Steps that the thrifty way is worth: at least, and for each dequeue.
const THRIFTY_STEPS: (u64, u64) = (1 << 16, 512);

/// Hardly ever do more stages follow one.
const SEVERAL: usize = 64;

/// A moment to go back to.
struct Moment {
    level: usize,
    stages: Vec<Stage>,
    has_left_out: bool,
}

/// The stages that are followed.
pub struct Following<'a> {
    lockstep: Lockstep,
    budget: Budget,
    interrupt: &'a AtomicBool,
    now: Moment,
    moments: Vec<Moment>,
    moments_bytes: u64,
    /// The last stage that was the only one while none had been left out, and is apart from the rest.
    only: Stage,
    /// The first return that no stage got past.
    row: u32,
    peak_bytes: u64,
}

/// What became of the stages.
enum End {
    /// They went through all dequeues.
    Through,
    /// None goes on, and none was left out.
    Stuck,
    /// None of the few that were kept goes on.
    Lost,
    /// The budget ended.
    Exhausted(Limit),
}

impl<'a> Following<'a> {
    /// From the start.
    pub fn new(lockstep: Lockstep, budget: Budget, interrupt: &'a AtomicBool) -> Self {
        let now = Moment { level: 0, stages: Vec::new(), has_left_out: false };
        Following {
            lockstep,
            budget,
            interrupt,
            now,
            moments: Vec::new(),
            moments_bytes: 0,
            only: Stage::START,
            row: 0,
            peak_bytes: 0,
        }
    }

    /// Whether there is an order.
    pub fn decide(mut self) -> Followed {
        let is_certain = self.lockstep.supply.calls.is_empty();
        let mut end = if is_certain { End::Lost } else { self.follow_few().unwrap_or_else(End::Exhausted) };
        if matches!(end, End::Lost) {
            end = self.follow_all().unwrap_or_else(End::Exhausted);
        }
        let conclusion = match end {
            End::Through => Conclusion::Linearizable,
            End::Stuck | End::Lost => Conclusion::Blocked(self.row),
            End::Exhausted(limit) => Conclusion::Exhausted(limit, self.row),
        };
        Followed {
            conclusion: Some(conclusion),
            row: self.row,
            steps: self.lockstep.steps,
            peak_bytes: self.peak_bytes,
            beginning: self.lockstep.gone(&self.only),
        }
    }

    fn start(&mut self) {
        self.now = Moment { level: 0, stages: vec![Stage::START], has_left_out: false };
        self.moments.clear();
        self.moments_bytes = 0;
        self.only = Stage::START;
    }

    fn is_through(&self) -> bool {
        self.now.level == self.lockstep.takes.deeds().len()
    }

    fn follow_all(&mut self) -> Result<End, Limit> {
        self.start();
        self.lockstep.most_waste = u32::MAX;
        while !self.is_through() {
            let next = self.pass(usize::MAX)?;
            if next.is_empty() {
                return Ok(End::Stuck);
            }
            self.go_on(next);
        }
        Ok(End::Through)
    }

    fn follow_few(&mut self) -> Result<End, Limit> {
        self.start();
        let (least, each) = THRIFTY_STEPS;
        let most_steps = least + each * self.lockstep.takes.deeds().len() as u64;
        let (mut effort, mut until) = (0, 0);
        while !self.is_through() {
            if self.now.level >= until {
                effort = 0;
            }
            let is_wasteful = effort < MOST_EFFORT_FOR_LESS && self.is_wasteful();
            let next = if is_wasteful { Vec::new() } else { self.pass_thriftily(effort)? };
            if !next.is_empty() {
                self.go_on(next);
                continue;
            }
            if !self.now.has_left_out {
                return Ok(End::Stuck);
            }
            if effort == MOST_EFFORT || self.lockstep.steps > most_steps {
                return Ok(End::Lost);
            }
            effort += 1;
            until = until.max(self.now.level + STRIDE);
            self.go_back(1 << effort);
        }
        Ok(End::Through)
    }

    /// Whether much more was used since the last moment than was called, by stages that need not be the best.
    fn is_wasteful(&self) -> bool {
        let Some(last) = self.moments.last().filter(|last| last.level + STRIDE == self.now.level) else { return false };
        let [before, after] = [last, &self.now].map(|moment| {
            let stage = &moment.stages[0];
            let row = self.lockstep.takes.first_return(stage.takes);
            (stage.waste as usize, self.lockstep.supply.called_before(row))
        });
        self.now.has_left_out && after.0 > before.0 + (after.1 - before.1) + SLACK
    }

    fn pass_thriftily(&mut self, effort: u32) -> Result<Vec<Stage>, Limit> {
        if self.now.level % STRIDE == 0 && self.moments.last().is_none_or(|last| last.level < self.now.level) {
            let Moment { level, ref stages, has_left_out } = self.now;
            self.moments_bytes += (stages.len() * size_of::<Stage>() + size_of::<Moment>()) as u64;
            self.moments.push(Moment { level, stages: stages.clone(), has_left_out });
        }
        let least = self.now.stages.iter().map(|stage| stage.waste).min().unwrap_or(0);
        self.lockstep.most_waste = least + (REACH << effort);
        self.pass(WIDTH << effort)
    }

    /// The stages after one more dequeue, at most this many.
    fn pass(&mut self, width: usize) -> Result<Vec<Stage>, Limit> {
        let mut next = Vec::new();
        for stage in &self.now.stages {
            // While a list grows the old and the new one, twice as large, exist side by side.
            let grown = if next.len() + SEVERAL >= next.capacity() { 3 } else { 1 } * next.capacity();
            let stages = grown + self.now.stages.capacity();
            let bytes = self.lockstep.bytes() + self.moments_bytes + (stages * size_of::<Stage>()) as u64;
            self.peak_bytes = self.peak_bytes.max(bytes);
            if bytes > self.budget.max_bytes {
                return Err(Limit::Bytes);
            }
            if self.lockstep.steps > self.budget.max_steps {
                return Err(Limit::Steps);
            }
            self.row = self.row.max(self.lockstep.takes.first_return(stage.takes));
            self.lockstep.advance(stage, &mut next);
        }
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Limit::Interrupted);
        }
        self.now.has_left_out |= std::mem::take(&mut self.lockstep.has_left_out);
        self.lockstep.reduce(&mut next);
        if next.len() > width {
            next.sort_unstable_by_key(|stage| (stage.waste, *stage));
            next.truncate(width);
            self.now.has_left_out = true;
        }
        Ok(next)
    }

    fn go_on(&mut self, stages: Vec<Stage>) {
        if let ([stage], false) = (stages.as_slice(), self.now.has_left_out)
            && self.lockstep.is_apart(stage)
        {
            self.only = *stage;
        }
        self.now.stages = stages;
        self.now.level += 1;
    }

    /// Go back to a moment, leaving out this many, but not the first.
    fn go_back(&mut self, many: usize) {
        self.moments.truncate(self.moments.len().saturating_sub(many).max(1));
        let Some(Moment { level, stages, has_left_out }) = self.moments.pop() else { return };
        self.now = Moment { level, stages, has_left_out };
    }
}
