//! What must come before what, if there is one order of everything: forced by who read from whom, and by what is forced already.
//!
//! Where all written values of a key are different, a read names its write. Then, in any order of all operations in which each read
//! returns the last write of its key (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 1997, whose problem VSC-read is
//! NP-complete in general):
//!
//! 1. a write that is before a read is before what the read returned, unless it is that;
//! 2. a write that is after what a read returned is after the read.
//!
//! Both are repeated until nothing new follows. A circle refutes; none leaves less for a search to try, and for one key nothing. Rule 1
//! alone, once, is causal consistency. Clocks of sessions find what follows: of each session only the last write before, and the first after.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::{Action, NONE, Operation, Registers};
use crate::invariants::{Case, Finding};
use crate::transactions::cycles::{Dependency, short_cycles};
use crate::transactions::graph::{Edges, Graph, Kinds, NO_KEY, PROCESS, SEEN, WR, WW};

/// How many numbers the clocks may have: half a gigabyte.
const MOST_NUMBERS: usize = 1 << 27;
/// How many edges the search for a short circle looks at.
const MAX_SEARCH: u64 = 5_000_000;
/// A read is before what overwrites what it found: the same for a circle as an order of writes.
const OVERWRITTEN: Kinds = WW;
const KINDS: Kinds = PROCESS | WR | SEEN | OVERWRITTEN;

/// What follows.
#[derive(Debug)]
pub struct Saturated {
    /// What must come before what, by operation; those that did not happen have no edges.
    pub before: Vec<(u32, u32, Kinds)>,
    /// A circle, told; then there is no order.
    pub circle: Option<Case>,
    /// Operations that are known to have happened.
    pub happened: Vec<bool>,
    /// How many numbers were looked at.
    pub steps: u64,
}

/// Put in order what must be, within `max_steps`; with `rounds` of one, only what causality asks for.
pub fn saturate(registers: &Registers, rounds: usize, max_steps: u64, interrupt: &AtomicBool) -> Saturated {
    let mut pass = Pass::new(registers);
    let mut found = Saturated { before: Vec::new(), circle: None, happened: pass.happened.clone(), steps: 0 };
    let cost = (registers.operations.len() * pass.sessions.max(1)) as u64;
    for round in 0.. {
        let is_last = round == rounds || found.steps + cost > max_steps || interrupt.load(Ordering::Relaxed);
        let is_too_large = cost > MOST_NUMBERS as u64;
        let Some(order) = pass.topological() else {
            let untold = || Case::new(&[], "what must come before what is a circle".to_owned());
            found.circle = Some(pass.circle(interrupt).unwrap_or_else(untold));
            break;
        };
        if is_last || is_too_large {
            break;
        }
        found.steps += cost;
        pass.clocks(&order);
        if !pass.force(rounds > 1) {
            break;
        }
    }
    found.before = pass.before;
    found
}

/// The circle that shows that the operations are not even causally consistent.
pub fn causal_circle(registers: &Registers, name: &'static str, interrupt: &AtomicBool) -> Option<Finding> {
    let mut finding = Finding::new(name);
    let circle = saturate(registers, 1, u64::MAX, interrupt).circle?;
    finding.add(|| circle);
    Some(finding)
}

struct Pass<'a> {
    registers: &'a Registers,
    happened: Vec<bool>,
    sessions: usize,
    /// By operation.
    session: Vec<u32>,
    place: Vec<u32>,
    before: Vec<(u32, u32, Kinds)>,
    /// For each forced edge, the read that forces it.
    because: Vec<u32>,
    /// By operation, then session: how many of that session are before it or are it.
    clock: Vec<u32>,
    /// By key: the writes of each session, in order.
    writes: Vec<Vec<(u32, Vec<u32>)>>,
}

impl<'a> Pass<'a> {
    fn new(registers: &'a Registers) -> Pass<'a> {
        let count = registers.operations.len();
        let happened = happened(registers);
        let mut pass = Pass {
            registers,
            happened,
            sessions: 0,
            session: vec![NONE; count],
            place: vec![0; count],
            before: Vec::new(),
            because: Vec::new(),
            clock: Vec::new(),
            writes: vec![Vec::new(); registers.keys.len()],
        };
        for session in registers.sessions() {
            let mut last: Option<u32> = None;
            let own: Vec<usize> = session.filter(|&operation| pass.happened[operation]).collect();
            for (place, operation) in (0..).zip(own) {
                (pass.session[operation], pass.place[operation]) = (pass.sessions as u32, place);
                if let Some(earlier) = last.replace(operation as u32) {
                    pass.add(earlier, operation as u32, PROCESS, NONE);
                }
                let Operation { key, action, .. } = registers.operations[operation];
                if action.produces().is_some() && !registers.is_ambiguous[key as usize] {
                    let writes = &mut pass.writes[key as usize];
                    match writes.last_mut() {
                        Some((whose, own)) if *whose == pass.sessions as u32 => own.push(operation as u32),
                        _ => writes.push((pass.sessions as u32, vec![operation as u32])),
                    }
                }
            }
            pass.sessions += usize::from(last.is_some());
        }
        for reader in 0..count {
            if let Some(writer) = pass.source(reader).flatten() {
                pass.add(writer, reader as u32, WR, NONE);
            }
        }
        pass
    }

    /// Who wrote what an operation found; nothing inside for what the key holds at first, nothing at all where that is not known.
    fn source(&self, reader: usize) -> Option<Option<u32>> {
        let Operation { key, action, .. } = self.registers.operations[reader];
        let value = action.consumes()?;
        if !self.happened[reader] || self.registers.is_ambiguous[key as usize] {
            return None;
        }
        match self.registers.source(reader) {
            Some(writer) => Some(Some(writer as u32)),
            None => (value == 0).then_some(None),
        }
    }

    fn add(&mut self, earlier: u32, later: u32, kind: Kinds, because: u32) {
        self.before.push((earlier, later, kind));
        self.because.push(because);
    }

    /// All operations that happened, each after those that must be before it; nothing if there is a circle.
    fn topological(&self) -> Option<Vec<u32>> {
        let count = self.registers.operations.len();
        let mut waits = vec![0_u32; count];
        let mut edges = Edges::default();
        for &(earlier, later, kind) in &self.before {
            if earlier == later {
                return None;
            }
            waits[later as usize] += 1;
            edges.add(earlier, later, kind, NO_KEY);
        }
        let graph = Graph::new(count, edges);
        let mut order: Vec<u32> =
            (0..count as u32).filter(|&o| self.happened[o as usize] && waits[o as usize] == 0).collect();
        let mut next = 0;
        while let Some(&operation) = order.get(next) {
            next += 1;
            for edge in graph.out(operation) {
                let later = graph.edge(edge).to;
                waits[later as usize] -= 1;
                if waits[later as usize] == 0 {
                    order.push(later);
                }
            }
        }
        (order.len() == self.happened.iter().filter(|&&happened| happened).count()).then_some(order)
    }

    fn clocks(&mut self, order: &[u32]) {
        let (count, width) = (self.registers.operations.len(), self.sessions);
        self.clock.clear();
        self.clock.resize(count * width, 0);
        let mut into: Vec<u32> = vec![0; count + 1];
        self.before.iter().for_each(|&(_, later, _)| into[later as usize + 1] += 1);
        for operation in 0..count {
            into[operation + 1] += into[operation];
        }
        let mut next = into.clone();
        let mut earlier_of = vec![0; self.before.len()];
        for &(earlier, later, _) in &self.before {
            earlier_of[next[later as usize] as usize] = earlier;
            next[later as usize] += 1;
        }
        for &operation in order {
            let place = operation as usize;
            for &earlier in &earlier_of[into[place] as usize..into[place + 1] as usize] {
                for session in 0..width {
                    let known = self.clock[earlier as usize * width + session];
                    let own = &mut self.clock[place * width + session];
                    *own = (*own).max(known);
                }
            }
            self.clock[place * width + self.session[place] as usize] = self.place[place] + 1;
        }
    }

    /// Whether `earlier` is before `later`, or is it.
    fn covers(&self, later: u32, earlier: u32) -> bool {
        let session = self.session[earlier as usize] as usize;
        self.clock[later as usize * self.sessions + session] > self.place[earlier as usize]
    }

    /// Add what follows; false if nothing does.
    fn force(&mut self, both: bool) -> bool {
        let count = self.before.len();
        for reader in 0..self.registers.operations.len() {
            let Some(source) = self.source(reader) else { continue };
            let (reader, key) = (reader as u32, self.registers.operations[reader].key as usize);
            for group in 0..self.writes[key].len() {
                let (session, own) = &self.writes[key][group];
                let covered = self.clock[reader as usize * self.sessions + *session as usize];
                let seen = own.partition_point(|&write| self.place[write as usize] < covered);
                let mut last = seen.checked_sub(1).map(|last| own[last]);
                if last == Some(reader) {
                    last = seen.checked_sub(2).map(|last| own[last]);
                }
                let first = match source {
                    None => 0,
                    Some(source) => own.partition_point(|&write| write == source || !self.covers(write, source)),
                };
                let first = own[first..].iter().copied().find(|&write| Some(write) != source);
                if let Some(write) = last.filter(|&write| Some(write) != source) {
                    match source {
                        // Nothing is before what a key holds at first: the read is before the write, which is before it.
                        None => self.add(reader, write, OVERWRITTEN, reader),
                        Some(source) if !self.covers(source, write) => self.add(write, source, SEEN, reader),
                        Some(_) => {}
                    }
                }
                if let Some(write) = first.filter(|&write| both && write != reader && !self.covers(write, reader)) {
                    self.add(reader, write, OVERWRITTEN, reader);
                }
            }
        }
        self.before.len() > count
    }

    fn circle(&self, interrupt: &AtomicBool) -> Option<Case> {
        let count = self.registers.operations.len();
        let mut edges = Edges::default();
        for (number, &(earlier, later, kind)) in (0..).zip(&self.before) {
            edges.add(earlier, later, kind, number);
        }
        let graph = Graph::new(count, edges);
        // Kinds are bits, and a circle may go over any of these here.
        let circle = short_cycles(&graph, KINDS, count, MAX_SEARCH, interrupt).into_iter().next()?;
        Some(self.told(&circle))
    }

    fn told(&self, circle: &[Dependency]) -> Case {
        let (mut rows, mut told) = (Vec::new(), Vec::new());
        for step in circle {
            let (one, other) = (self.text(step.from), self.text(step.to));
            let reader = self.because[step.key as usize];
            let why = match step.kind {
                PROCESS => "its process did that first".to_owned(),
                WR => "that is what it found".to_owned(),
                SEEN => format!("{} comes after the one and found the other", self.text(reader)),
                _ => "it found what was there before".to_owned(),
            };
            rows.push((self.registers.operations[step.from as usize].row, "must come before the next"));
            if step.kind == SEEN {
                rows.push((self.registers.operations[reader as usize].row, "found the older value"));
            }
            told.push(format!("{one} is before {other} ({why})"));
        }
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|&(row, _)| seen.insert(row));
        Case::new(&rows, told.join("; "))
    }

    fn text(&self, operation: u32) -> String {
        text(self.registers, operation as usize)
    }
}

/// An operation in a few words.
pub fn text(registers: &Registers, operation: usize) -> String {
    let Operation { key, action, .. } = registers.operations[operation];
    let name = registers.key(key);
    match action {
        Action::Read(value) => format!("the read of {} from {name}", registers.shown(key, value)),
        Action::Write(value) => format!("the write of {} to {name}", registers.shown(key, value)),
        Action::Cas(old, new) => {
            format!("the change of {name} from {} to {}", registers.shown(key, old), registers.shown(key, new))
        }
    }
}

/// Whatever completed, and what it needs of the rest: who wrote a value that was found must have happened.
fn happened(registers: &Registers) -> Vec<bool> {
    let mut happened: Vec<bool> = registers.operations.iter().map(|operation| !operation.is_pending).collect();
    let mut open: Vec<usize> = (0..happened.len()).filter(|&operation| happened[operation]).collect();
    while let Some(operation) = open.pop() {
        if let Some(writer) = registers.source(operation).filter(|&writer| !happened[writer]) {
            happened[writer] = true;
            open.push(writer);
        }
    }
    happened
}
