//! A search for one order of everything: in each session's order, with each read returning what was written last.
//!
//! Depth first over how far each session has got, with what every register holds. A configuration that was left without success is
//! remembered, by a signature as in the search for linearizability (Zobrist, 1970), and not entered again. What leaves most of it out:
//!
//! 1. a read that agrees with its register is taken at once: whatever order there is, it can be moved to the front;
//! 2. a value that somebody must still find is not overwritten unless it will be written again;
//! 3. what must come before what ([`super::saturate`]) is kept. For one register of different values nothing is ever taken back then.

use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::{Action, Operation, Registers};
use super::saturate::Saturated;
use crate::linearizable::memo::{Memo, Word, word};

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Operations put in order, those taken back included.
    pub max_steps: u64,
    /// Bytes held by what is remembered.
    pub max_bytes: u64,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// There is an order.
    Found,
    /// There is none; the furthest configuration, as the next operation of each session that could not go on.
    Impossible(Vec<u32>),
    /// A limit was reached; this many of all operations were in order at most.
    Exhausted(usize),
}

/// One choice: which session goes on.
struct Frame {
    /// How much of the trail was there before it.
    depth: usize,
    candidates: Vec<u32>,
    next: usize,
}

struct Search<'a> {
    registers: &'a Registers,
    /// The operations of each session that may be needed.
    sessions: Vec<Vec<u32>>,
    /// By session, how many of its operations are in order.
    done: Vec<u32>,
    /// By key, the value.
    holds: Vec<u32>,
    /// By operation, how many it has to wait for; and who waits for it.
    waits: Vec<u32>,
    after: Vec<Vec<u32>>,
    /// By key and value: who must still find it, and who may still write it.
    wanted: Vec<Vec<u32>>,
    producers: Vec<Vec<u32>>,
    /// Operations that must still come.
    left: usize,
    signature: u128,
    /// Session, and what its key held before.
    trail: Vec<(u32, u32)>,
    steps: u64,
}

/// Look for an order.
pub fn search(registers: &Registers, saturated: &Saturated, budget: Budget, interrupt: &AtomicBool) -> (Ended, u64) {
    let mut search = Search::new(registers, saturated);
    let all = search.left;
    let (mut memo, mut frames) = (Memo::new(), Vec::<Frame>::new());
    let (mut furthest, mut stuck) = (usize::MAX, Vec::new());
    loop {
        search.observe();
        if search.left == 0 {
            return (Ended::Found, search.steps);
        }
        if search.left < furthest {
            furthest = search.left;
            stuck = search.waiting();
        }
        let is_over = search.steps > budget.max_steps || memo.bytes_to_insert() > budget.max_bytes;
        if is_over || interrupt.load(Ordering::Relaxed) {
            return (Ended::Exhausted(all - furthest), search.steps);
        }
        if memo.insert(search.signature) {
            let candidates = search.candidates();
            frames.push(Frame { depth: search.trail.len(), candidates, next: 0 });
        }
        loop {
            let Some(frame) = frames.last_mut() else { return (Ended::Impossible(stuck), search.steps) };
            search.back_to(frame.depth);
            if let Some(&session) = frame.candidates.get(frame.next) {
                frame.next += 1;
                search.advance(session);
                break;
            }
            frames.pop();
        }
    }
}

impl<'a> Search<'a> {
    fn new(registers: &'a Registers, saturated: &Saturated) -> Search<'a> {
        let count = registers.operations.len();
        // One that nobody needs is left out where it is known who needs what.
        let is_needed = |operation: usize| {
            let Operation { key, is_pending, .. } = registers.operations[operation];
            !is_pending || saturated.happened[operation] || registers.is_ambiguous[key as usize]
        };
        let sessions: Vec<Vec<u32>> = registers
            .sessions()
            .map(|session| {
                session.filter(|&operation| is_needed(operation)).map(|operation| operation as u32).collect()
            })
            .collect();
        let counts: Vec<Vec<u32>> = registers.values.iter().map(|values| vec![0; values.len()]).collect();
        let mut search = Search {
            registers,
            done: vec![0; sessions.len()],
            sessions,
            holds: vec![0; registers.keys.len()],
            waits: vec![0; count],
            after: vec![Vec::new(); count],
            wanted: counts.clone(),
            producers: counts,
            left: 0,
            signature: 0,
            trail: Vec::new(),
            steps: 0,
        };
        for &(earlier, later, _) in &saturated.before {
            search.waits[later as usize] += 1;
            search.after[earlier as usize].push(later);
        }
        for &operation in search.sessions.iter().flatten() {
            let Operation { key, action, is_pending, .. } = registers.operations[operation as usize];
            search.left += usize::from(!is_pending);
            if let Some(value) = action.consumes().filter(|_| !is_pending) {
                search.wanted[key as usize][value as usize] += 1;
            }
            if let Some(value) = action.produces() {
                search.producers[key as usize][value as usize] += 1;
            }
        }
        for session in 0..search.sessions.len() {
            search.signature ^= word(Word::Use(session, 0));
        }
        for key in 0..search.holds.len() {
            search.signature ^= search.held(key);
        }
        search
    }

    fn held(&self, key: usize) -> u128 {
        word(Word::Use(self.sessions.len() + key, self.holds[key]))
    }

    fn next(&self, session: u32) -> Option<u32> {
        self.sessions[session as usize].get(self.done[session as usize] as usize).copied()
    }

    /// Rule 1.
    fn observe(&mut self) {
        loop {
            let mut has_moved = false;
            for session in 0..self.sessions.len() as u32 {
                while let Some(operation) = self.next(session) {
                    let Operation { key, action, .. } = self.registers.operations[operation as usize];
                    let Action::Read(value) = action else { break };
                    if self.holds[key as usize] != value || self.waits[operation as usize] > 0 {
                        break;
                    }
                    self.advance(session);
                    has_moved = true;
                }
            }
            if !has_moved {
                return;
            }
        }
    }

    /// The sessions that can go on, those that were invoked first before others.
    fn candidates(&self) -> Vec<u32> {
        let can = |&session: &u32| {
            self.next(session).is_some_and(|operation| {
                let Operation { key, action, .. } = self.registers.operations[operation as usize];
                let held = self.holds[key as usize];
                let agrees = action.consumes().is_none_or(|value| value == held);
                let wanted = self.wanted[key as usize][held as usize];
                let is_found = u32::from(action.consumes() == Some(held) && !self.is_pending(operation));
                // Rule 2.
                let is_spared = wanted <= is_found || self.producers[key as usize][held as usize] > 0;
                agrees && is_spared && self.waits[operation as usize] == 0
            })
        };
        let mut candidates: Vec<u32> = (0..self.sessions.len() as u32).filter(can).collect();
        candidates.sort_by_key(|&session| {
            self.next(session).map(|operation| (self.is_pending(operation), operation_row(self.registers, operation)))
        });
        candidates
    }

    fn is_pending(&self, operation: u32) -> bool {
        self.registers.operations[operation as usize].is_pending
    }

    fn advance(&mut self, session: u32) {
        let Some(operation) = self.next(session) else { return };
        let Operation { key, action, is_pending, .. } = self.registers.operations[operation as usize];
        let key = key as usize;
        self.trail.push((session, self.holds[key]));
        self.steps += 1;
        self.left -= usize::from(!is_pending);
        self.step_signature(session);
        self.done[session as usize] += 1;
        self.step_signature(session);
        if let Some(value) = action.consumes().filter(|_| !is_pending) {
            self.wanted[key][value as usize] -= 1;
        }
        if let Some(value) = action.produces() {
            self.producers[key][value as usize] -= 1;
            self.hold(key, value);
        }
        for place in 0..self.after[operation as usize].len() {
            let later = self.after[operation as usize][place];
            self.waits[later as usize] -= 1;
        }
    }

    fn back_to(&mut self, depth: usize) {
        while self.trail.len() > depth {
            let Some((session, held)) = self.trail.pop() else { return };
            self.step_signature(session);
            self.done[session as usize] -= 1;
            self.step_signature(session);
            let Some(operation) = self.next(session) else { return };
            let Operation { key, action, is_pending, .. } = self.registers.operations[operation as usize];
            let key = key as usize;
            self.left += usize::from(!is_pending);
            if let Some(value) = action.consumes().filter(|_| !is_pending) {
                self.wanted[key][value as usize] += 1;
            }
            if let Some(value) = action.produces() {
                self.producers[key][value as usize] += 1;
            }
            self.hold(key, held);
            for place in 0..self.after[operation as usize].len() {
                let later = self.after[operation as usize][place];
                self.waits[later as usize] += 1;
            }
        }
    }

    fn step_signature(&mut self, session: u32) {
        self.signature ^= word(Word::Use(session as usize, self.done[session as usize]));
    }

    fn hold(&mut self, key: usize, value: u32) {
        self.signature ^= self.held(key);
        self.holds[key] = value;
        self.signature ^= self.held(key);
    }

    /// The next operation of each session that must go on.
    fn waiting(&self) -> Vec<u32> {
        let next = (0..self.sessions.len() as u32).filter_map(|session| self.next(session));
        next.filter(|&operation| !self.is_pending(operation)).collect()
    }
}

fn operation_row(registers: &Registers, operation: u32) -> u32 {
    registers.operations[operation as usize].row
}
