//! Which configurations are followed.
//!
//! **Thrifty.** A pop that can go without anything that may have happened goes so. Where it can't, something happened that nobody knows of:
//! something was pushed, or what is in the way was popped. What is cheap is tried, and of all configurations those are kept that were
//! cheapest so far. A push costs more than a pop, and how much more matters a lot: whoever makes up a push where a few pops had
//! happened leaves on the stack all that they took, and has to make up something for each later on. Where no configuration goes on, or
//! only by wasting very much, those some way back are followed again, more of them, and further back each time that does not help; in the
//! last attempts also those that make up something where nothing need be. What is
//! found is an order all the same.
//!
//! **All.** Where the thrifty ones end, every configuration is followed. When none goes on, the first return that none got past is the
//! first that can't be passed: orders of what came before it, in which what had not returned may have happened or not, have the same
//! configurations. Where everything happened for certain that is quick.

use std::sync::atomic::{AtomicBool, Ordering};

use super::diagram::EMPTY;
use super::passing::{Configuration, Passing, Thrift};
use super::window::Window;
use crate::linearizable::Limit;
use crate::linearizable::decide::Followed;
use crate::linearizable::search::Conclusion;

/// How many returns lie between two moments to go back to.
const STRIDE: usize = 64;
/// How much may be wasted on one operation at first.
const MOST_WASTE: u32 = 4;
/// How often more is wasted and more is kept, twice as much each time, where no configuration goes on.
const MOST_EFFORT: u32 = 4;
/// The attempts with few configurations.
const ATTEMPTS: [Attempt; 3] = [
    Attempt { width: 8, far: 1, is_lavish: false, worth: 1 },
    Attempt { width: 16, far: 1, is_lavish: true, worth: 4 },
    Attempt { width: 64, far: 2, is_lavish: true, worth: 4 },
];
/// Steps that an attempt is worth: at least, and for each return.
const THRIFTY_STEPS: (u64, u64) = (1 << 18, 128);
/// How many moments are remembered.
const MOMENTS: usize = 257;
/// So many sets are worth throwing away what is not used any more.
const MANY_SETS: usize = 1 << 14;

/// How few configurations are followed.
#[derive(Clone, Copy)]
struct Attempt {
    /// How many are kept at first.
    width: usize,
    /// How many moments it goes back where none goes on, as powers of two: so many more each time.
    far: u32,
    /// Whether it wastes something then also where nothing need be.
    is_lavish: bool,
    /// How many times [`THRIFTY_STEPS`] it is worth.
    worth: u64,
}

/// A moment to go back to.
#[derive(Clone, Default)]
struct Moment {
    level: usize,
    window: Window,
    configurations: Vec<Configuration>,
    has_left_out: bool,
}

/// The configurations that are followed.
pub struct Following<'a> {
    passing: Passing,
    interrupt: &'a AtomicBool,
    level: usize,
    configurations: Vec<Configuration>,
    has_left_out: bool,
    moments: Vec<Moment>,
    /// When the first operation was called that may have happened. Before that all configurations are followed.
    first: Moment,
    /// How many sets are kept before those that are not used are thrown away.
    most_sets: usize,
    /// The last level at which the stack was certainly empty, and nothing open or pending had gone.
    beginning: usize,
    row: u32,
}

/// What became of the configurations.
enum End {
    /// They passed all returns.
    Through,
    /// None goes on, and none was left out.
    Stuck,
    /// None of the few that were kept goes on.
    Lost,
    /// The budget ended.
    Exhausted(Limit),
    /// Too much is open at once.
    TooManyOpen,
}

impl<'a> Following<'a> {
    /// From the start.
    pub fn new(passing: Passing, interrupt: &'a AtomicBool) -> Self {
        Following {
            passing,
            interrupt,
            level: 0,
            configurations: vec![Configuration::START],
            has_left_out: false,
            moments: Vec::new(),
            first: Moment::default(),
            most_sets: MANY_SETS,
            beginning: 0,
            row: 0,
        }
    }

    /// Whether there is an order.
    pub fn decide(mut self) -> Option<Followed> {
        let end = self.follow().unwrap_or_else(|end| end);
        let conclusion = match end {
            End::Through => Conclusion::Linearizable,
            End::Stuck | End::Lost => Conclusion::Blocked(self.row),
            End::Exhausted(limit) => Conclusion::Exhausted(limit, self.row),
            End::TooManyOpen => return None,
        };
        Some(Followed {
            conclusion: Some(conclusion),
            row: self.row,
            steps: self.passing.steps,
            peak_bytes: self.passing.peak_bytes,
            beginning: self.passing.returned(self.beginning),
        })
    }

    fn follow(&mut self) -> Result<End, End> {
        let (certain, all) = (self.passing.certain, self.passing.returns.len());
        let end = self.follow_all(certain)?;
        if certain == all || matches!(end, End::Stuck) {
            return Ok(end);
        }
        self.first = self.moment();
        for attempt in ATTEMPTS {
            let end = self.follow_few(attempt)?;
            if !matches!(end, End::Lost) {
                return Ok(end);
            }
            self.moments.clear();
            self.go_to(self.first.clone());
        }
        self.follow_all(all)
    }

    /// Follow every configuration as far as this level.
    fn follow_all(&mut self, until: usize) -> Result<End, End> {
        while self.level < until {
            let next = self.pass(None)?;
            if next.is_empty() {
                return Ok(End::Stuck);
            }
            self.go_on(next);
        }
        Ok(End::Through)
    }

    fn follow_few(&mut self, attempt: Attempt) -> Result<End, End> {
        let Attempt { width, far, is_lavish, worth } = attempt;
        let (least, each) = THRIFTY_STEPS;
        let most_steps = self.passing.steps + worth * (least + each * self.passing.returns.len() as u64);
        let (mut effort, mut until) = (0, 0);
        while self.level < self.passing.returns.len() {
            if self.passing.steps > most_steps {
                return Ok(End::Lost);
            }
            if self.level >= until {
                effort = 0;
            }
            if (self.level - self.first.level) % STRIDE == 0 {
                self.remember();
            }
            let mut next = self.pass(Some(Thrift { most: MOST_WASTE << effort, slack: effort, is_lavish }))?;
            if next.len() > 1 {
                next.sort_unstable_by_key(|c| (c.gone.slots, c.stacks, c.gone.waste, *c));
                let before = next.len();
                next.dedup_by_key(|c| (c.gone.slots, c.stacks));
                self.has_left_out |= next.len() < before;
            }
            if next.len() > width << effort {
                next.sort_unstable_by_key(|configuration| (configuration.gone.waste, *configuration));
                next.truncate(width << effort);
                self.has_left_out = true;
            }
            if !next.is_empty() {
                self.go_on(next);
                continue;
            }
            if !self.has_left_out {
                return Ok(End::Stuck);
            }
            if effort == MOST_EFFORT {
                return Ok(End::Lost);
            }
            effort += 1;
            until = until.max(self.level + STRIDE);
            self.go_back(1 << (far * effort));
        }
        Ok(End::Through)
    }

    fn pass(&mut self, thrift: Option<Thrift>) -> Result<Vec<Configuration>, End> {
        self.throw_away();
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(End::Exhausted(Limit::Interrupted));
        }
        if !self.passing.open_until(self.level) {
            return Err(End::TooManyOpen);
        }
        self.row = self.row.max(self.passing.returns[self.level].0);
        let next = self.passing.pass(self.level, &self.configurations, thrift);
        let bytes = size_of::<Configuration>() * (next.capacity() + self.configurations.capacity());
        if let Some(limit) = self.passing.is_exhausted(bytes as u64) {
            return Err(End::Exhausted(limit));
        }
        self.has_left_out |= std::mem::take(&mut self.passing.has_left_out);
        Ok(next)
    }

    fn go_on(&mut self, configurations: Vec<Configuration>) {
        self.configurations = configurations;
        self.level += 1;
        if let ([one], false) = (self.configurations.as_slice(), self.has_left_out)
            && one.stacks == EMPTY
            && one.gone == Configuration::START.gone
        {
            self.beginning = self.beginning.max(self.level);
        }
    }

    fn remember(&mut self) {
        if self.moments.last().is_none_or(|last| last.level < self.level) {
            if self.moments.len() == MOMENTS {
                self.moments.remove(0);
            }
            self.moments.push(self.moment());
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            level: self.level,
            window: self.passing.window.clone(),
            configurations: self.configurations.clone(),
            has_left_out: self.has_left_out,
        }
    }

    /// Go back to a moment, leaving out this many, but not the first.
    fn go_back(&mut self, many: usize) {
        self.moments.truncate(self.moments.len().saturating_sub(many).max(1));
        if let Some(moment) = self.moments.pop() {
            self.go_to(moment);
        }
    }

    fn go_to(&mut self, moment: Moment) {
        self.level = moment.level;
        self.passing.window = moment.window;
        self.configurations = moment.configurations;
        self.has_left_out = moment.has_left_out;
    }

    /// Throw away the sets that no configuration uses any more, where there are many.
    fn throw_away(&mut self) {
        if self.passing.diagram.len() < self.most_sets {
            return;
        }
        let moments = self.moments.iter_mut().chain([&mut self.first]).flat_map(|moment| &mut moment.configurations);
        let roots = self.configurations.iter_mut().chain(moments).map(|configuration| &mut configuration.stacks);
        self.passing.diagram.keep(roots);
        self.most_sets = (2 * self.passing.diagram.len()).max(MANY_SETS);
    }
}
