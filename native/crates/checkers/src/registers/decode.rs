//! Operations on registers, session by session, with numbered keys and values.

use rustc_hash::FxHashMap;

use crate::events::Events;
use crate::pairing::{Malformed, Outcome, Paired, pair};

/// Number of nothing.
pub const NONE: u32 = u32::MAX;

/// The functions of registers, as positions in the list of function names; nothing for one that the history does not have.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Observes the value.
    pub read: Option<u8>,
    /// Replaces the value.
    pub write: Option<u8>,
    /// Replaces the value if it is another.
    pub cas: Option<u8>,
}

/// What happened to a register. Values are numbered, those of each key for themselves; zero is what the key holds at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The value was observed.
    Read(u32),
    /// The value was written.
    Write(u32),
    /// The first value was there, and was replaced by the second, which differs.
    Cas(u32, u32),
}

impl Action {
    /// What must be there.
    pub fn consumes(self) -> Option<u32> {
        match self {
            Action::Read(value) | Action::Cas(value, _) => Some(value),
            Action::Write(_) => None,
        }
    }

    /// What is left behind.
    pub fn produces(self) -> Option<u32> {
        match self {
            Action::Write(value) | Action::Cas(_, value) => Some(value),
            Action::Read(_) => None,
        }
    }
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The row of its invocation.
    pub row: u32,
    /// The register.
    pub key: u32,
    /// What it does.
    pub action: Action,
    /// Whether it may not have happened.
    pub is_pending: bool,
}

/// A read of a value that nobody, or only somebody who failed, wrote.
#[derive(Clone, Copy, Debug)]
pub struct Baseless {
    /// Who read it.
    pub row: u32,
    /// Who failed to write it, or [`NONE`].
    pub failed: u32,
    /// The key.
    pub key: Option<i64>,
    /// The value.
    pub value: Option<i64>,
}

/// All registers.
#[derive(Debug, Default)]
pub struct Registers {
    /// Session by session, each in its order.
    pub operations: Vec<Operation>,
    /// Session `i` has those from `offsets[i]` up to `offsets[i + 1]`.
    pub offsets: Vec<u32>,
    /// The names of the keys.
    pub keys: Vec<Option<i64>>,
    /// By key: the values, by number.
    pub values: Vec<Vec<Option<i64>>>,
    /// By key: whether a value was written twice, or is what the key holds at first.
    pub is_ambiguous: Vec<bool>,
    /// By key and value: who wrote it, as an index of an operation, or [`NONE`]; of an ambiguous key the last.
    pub writers: Vec<Vec<u32>>,
    /// What can't have been read.
    pub baseless: Vec<Baseless>,
    /// Operations, however they ended.
    pub count: usize,
    /// Reads and compare-and-sets that completed ok.
    pub observations: usize,
}

impl Registers {
    /// The sessions, each a range of operations.
    pub fn sessions(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }

    /// Who wrote what an operation read; nothing for what the key held at first, or if it read nothing.
    pub fn source(&self, operation: usize) -> Option<usize> {
        let Operation { key, action, .. } = self.operations[operation];
        let writer = self.writers[key as usize][action.consumes()? as usize];
        (writer != NONE).then_some(writer as usize)
    }

    /// A value in words.
    pub fn shown(&self, key: u32, value: u32) -> String {
        self.values[key as usize][value as usize].map_or_else(|| "nil".to_owned(), |value| value.to_string())
    }

    /// A key in words.
    pub fn key(&self, key: u32) -> String {
        self.keys[key as usize].map_or_else(|| "the register".to_owned(), |key| format!("key {key}"))
    }
}

/// Pick out the operations on registers, which all start with `initial`.
pub fn decode(events: &Events, functions: Functions, initial: Option<i64>) -> Result<Registers, Malformed> {
    let mut malformed = Malformed::default();
    let mut builder = Builder { initial, ..Builder::default() };
    for operation in pair(events)? {
        let f = Some(events.f[operation.invocation as usize]);
        if f == functions.read || f == functions.write || f == functions.cas {
            match spoken(events, &operation, functions) {
                Ok(spoken) => builder.add(events, &operation, spoken),
                Err((row, what)) => malformed.add(row, what),
            }
        }
    }
    malformed.unless(builder.finish())
}

/// An operation in the values of the history: what it needs, unless it is a blind write, and what it leaves.
#[derive(Clone, Copy)]
struct Spoken {
    needs: Option<Option<i64>>,
    leaves: Option<i64>,
}

fn spoken(events: &Events, operation: &Paired, functions: Functions) -> Result<Spoken, (usize, String)> {
    let row = operation.invocation as usize;
    let f = Some(events.f[row]);
    if f == functions.read {
        let completed =
            (operation.outcome == Outcome::Ok).then(|| events.value(operation.completion as usize)).flatten();
        return match completed {
            None | Some([]) => Ok(Spoken { needs: Some(None), leaves: None }),
            Some([value]) => Ok(Spoken { needs: Some(Some(*value)), leaves: None }),
            Some(values) => {
                let what = format!("a read returns one value or nil, not {} values", values.len());
                Err((operation.completion as usize, what))
            }
        };
    }
    match (f == functions.write, events.value(row).unwrap_or(&[])) {
        (true, [value]) => Ok(Spoken { needs: None, leaves: Some(*value) }),
        (false, [old, new]) if old == new => Ok(Spoken { needs: Some(Some(*old)), leaves: None }),
        (false, [old, new]) => Ok(Spoken { needs: Some(Some(*old)), leaves: Some(*new) }),
        (true, values) => Err((row, format!("a write needs one value; this has {}", values.len()))),
        (false, values) => Err((
            row,
            format!("a compare-and-set needs two values, the expected and the new; this has {}", values.len()),
        )),
    }
}

#[derive(Default)]
struct Builder {
    initial: Option<i64>,
    registers: Registers,
    key_numbers: FxHashMap<Option<i64>, u32>,
    value_numbers: FxHashMap<(u32, Option<i64>), u32>,
    /// By process: its session.
    open: FxHashMap<i32, usize>,
    sessions: Vec<Vec<Operation>>,
    failed: FxHashMap<(u32, Option<i64>), u32>,
}

impl Builder {
    fn key(&mut self, name: Option<i64>) -> u32 {
        if let Some(&key) = self.key_numbers.get(&name) {
            return key;
        }
        let key = self.registers.keys.len() as u32;
        self.key_numbers.insert(name, key);
        self.registers.keys.push(name);
        self.registers.values.push(Vec::new());
        self.registers.is_ambiguous.push(false);
        self.value(key, self.initial);
        key
    }

    fn value(&mut self, key: u32, value: Option<i64>) -> u32 {
        let values = &mut self.registers.values[key as usize];
        *self.value_numbers.entry((key, value)).or_insert_with(|| {
            values.push(value);
            values.len() as u32 - 1
        })
    }

    fn add(&mut self, events: &Events, operation: &Paired, Spoken { needs, leaves }: Spoken) {
        self.registers.count += 1;
        let (row, key) = (operation.invocation, self.key(events.key(operation.invocation as usize)));
        if operation.outcome == Outcome::Fail {
            if let Some(value) = leaves {
                self.failed.insert((key, Some(value)), row);
            }
            return;
        }
        let is_pending = operation.outcome == Outcome::Info;
        self.registers.observations += usize::from(!is_pending && needs.is_some());
        let process = events.process[row as usize];
        let session = *self.open.entry(process).or_insert_with(|| {
            self.sessions.push(Vec::new());
            self.sessions.len() - 1
        });
        let needs = needs.map(|value| self.value(key, value));
        let action = match (needs, leaves) {
            (Some(old), None) if !is_pending => Some(Action::Read(old)),
            (None, Some(new)) => Some(Action::Write(self.value(key, Some(new)))),
            (Some(old), Some(new)) => Some(Action::Cas(old, self.value(key, Some(new)))),
            _ => None,
        };
        self.sessions[session].extend(action.map(|action| Operation { row, key, action, is_pending }));
        if is_pending {
            self.open.remove(&process);
        }
    }

    fn finish(mut self) -> Registers {
        let registers = &mut self.registers;
        registers.writers = registers.values.iter().map(|values| vec![NONE; values.len()]).collect();
        registers.offsets.push(0);
        for session in self.sessions {
            for operation in session {
                if let Some(value) = operation.action.produces() {
                    let writer = &mut registers.writers[operation.key as usize][value as usize];
                    registers.is_ambiguous[operation.key as usize] |= *writer != NONE || value == 0;
                    *writer = registers.operations.len() as u32;
                }
                registers.operations.push(operation);
            }
            registers.offsets.push(registers.operations.len() as u32);
        }
        for operation in registers.operations.iter().filter(|operation| !operation.is_pending) {
            let Some(value) = operation.action.consumes().filter(|&value| value != 0) else { continue };
            if registers.writers[operation.key as usize][value as usize] == NONE {
                let told = registers.values[operation.key as usize][value as usize];
                registers.baseless.push(Baseless {
                    row: operation.row,
                    failed: self.failed.get(&(operation.key, told)).copied().unwrap_or(NONE),
                    key: registers.keys[operation.key as usize],
                    value: told,
                });
            }
        }
        self.registers
    }
}
