//! Which number each process has in a history.
//!
//! Here a process whose operation ended `info` never invokes again, and every process is a small number. Other tools let it go on, give
//! it a name, or leave it out. So a process that goes on, a name, and a number that is too large get a fresh number. An operation of
//! nobody has a process for itself: what nobody said about sessions is not invented.

use rustc_hash::{FxHashMap, FxHashSet};
use schrodinger_history::{Kind, NEMESIS};

use crate::operation::{Operation, Who};

/// Fresh numbers begin here.
pub const FIRST_FRESH: i32 = 1 << 30;

/// Gives processes their numbers.
#[derive(Default)]
pub struct Processes {
    numbered: FxHashMap<i64, Process>,
    named: FxHashMap<Vec<u8>, Process>,
    /// Numbers from [`FIRST_FRESH`] on that somebody has.
    taken: FxHashSet<i32>,
    fresh: i32,
    /// The open operations of nobody: their functions and processes.
    open: Vec<(Vec<u8>, i32)>,
    /// Whether the history has completions only.
    only_completions: bool,
}

/// What a process is called now, and whether it has an operation of unknown end.
#[derive(Clone, Copy)]
struct Process {
    current: i32,
    is_retired: bool,
}

impl Processes {
    /// For a history of completions only, or for any other.
    pub fn new(only_completions: bool) -> Self {
        Processes { only_completions, ..Processes::default() }
    }

    /// The number of whoever did this.
    pub fn number(&mut self, operation: &Operation<'_, '_>) -> Result<i32, String> {
        let known = match operation.who {
            Who::Nemesis => return Ok(NEMESIS),
            Who::Nobody => return self.nobody(operation),
            Who::Number(number) => self.numbered.get(&number).copied(),
            Who::Named(name) => self.named.get(name).copied(),
        };
        // A history of completions only has no invocation to tell that a process goes on.
        let begins = self.only_completions || operation.kind == Kind::Invoke;
        let mut process = match known {
            Some(process) if !(process.is_retired && begins) => process,
            Some(_) => Process { current: self.fresh()?, is_retired: false },
            None => Process { current: self.first(operation.who)?, is_retired: false },
        };
        process.is_retired |= operation.kind == Kind::Info;
        match operation.who {
            Who::Number(number) => drop(self.numbered.insert(number, process)),
            Who::Named(name) if known.is_none() => drop(self.named.insert(name.to_vec(), process)),
            Who::Named(name) => {
                if let Some(known) = self.named.get_mut(name) {
                    *known = process;
                }
            }
            Who::Nemesis | Who::Nobody => {}
        }
        Ok(process.current)
    }

    /// The number of one that was not seen before: its own if that can be.
    fn first(&mut self, who: Who<'_>) -> Result<i32, String> {
        let Who::Number(number) = who else { return self.fresh() };
        match i32::try_from(number) {
            Ok(number) if number < FIRST_FRESH || self.taken.insert(number) => Ok(number),
            _ => self.fresh(),
        }
    }

    fn fresh(&mut self) -> Result<i32, String> {
        loop {
            let number = FIRST_FRESH.checked_add(self.fresh).ok_or("there are more than a billion processes")?;
            self.fresh += 1;
            if self.taken.insert(number) {
                return Ok(number);
            }
        }
    }

    /// An operation of nobody: a completion ends the one that is open and has its function.
    fn nobody(&mut self, operation: &Operation<'_, '_>) -> Result<i32, String> {
        if operation.kind == Kind::Invoke {
            let process = self.fresh()?;
            self.open.push((operation.f.to_vec(), process));
            return Ok(process);
        }
        let mut places = (0..self.open.len()).filter(|&place| self.open[place].0 == operation.f);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(self.open.swap_remove(place).1),
            (None, _) if operation.kind == Kind::Info && !self.only_completions => Ok(NEMESIS),
            (None, _) => self.fresh(),
            (Some(_), Some(_)) => Err(format!(
                "an operation without :process completes {}, and several without :process are open: which of them ends here?",
                String::from_utf8_lossy(operation.f)
            )),
        }
    }
}
