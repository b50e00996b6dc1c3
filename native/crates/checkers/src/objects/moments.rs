//! The time of a stack in few instants, for the elements that are certainly inside at some of them.
//!
//! Whatever can happen between two rows can happen just before the next return that follows a call: more may have begun by then, and
//! nothing more has ended. So an instant is such a return, and one more, the end, is when all that is left is taken.

use super::pool::{Life, Pool};
use crate::pairing::NEVER;

/// An element on the stack, in instants.
pub struct Stay {
    /// Its place in the pool: among those taken, then among those left.
    pub life: u32,
    /// The first and the last instant at which it may have been put in.
    pub put: (u32, u32),
    /// The first and the last instant at which it may have been taken; the end, if no known take returned it.
    pub take: (u32, u32),
}

impl Stay {
    /// The instants at which it is certainly inside: from the first up to before the second.
    pub fn certain(&self) -> (usize, usize) {
        (self.put.1 as usize + 1, self.take.0 as usize)
    }
}

/// All instants, and what happens between them.
pub struct Moments {
    /// Elements that are certainly inside at some instant: those taken, then those left.
    pub stays: Vec<Stay>,
    /// How many of them are taken.
    pub taken: usize,
    /// Operations by call: twice the stay, and one more if it is the take.
    pub calls: Vec<u32>,
    /// By instant: how many of `calls` have been called.
    pub called: Vec<u32>,
    /// By instant: how many unknown takes have been called.
    pub unknown: Vec<u32>,
    /// By instant: the last row before it.
    pub rows: Vec<u32>,
}

const PUT_CALL: u64 = 0;
const PUT_RETURN: u64 = 1;
const TAKE_CALL: u64 = 2;
const TAKE_RETURN: u64 = 3;

impl Moments {
    /// Of everything in `pool`.
    pub fn of(pool: &Pool) -> Moments {
        let lives: Vec<(u32, &Life)> = (0..).zip(pool.taken.iter().chain(&pool.left)).collect();
        let lives: Vec<(u32, &Life)> = lives.into_iter().filter(|(_, life)| life.is_certain()).collect();
        let taken = lives.partition_point(|&(place, _)| (place as usize) < pool.taken.len());
        let stay = |&(life, _): &(u32, &Life)| Stay { life, put: (0, 0), take: (NEVER, NEVER) };
        let mut moments = Moments {
            stays: lives.iter().map(stay).collect(),
            taken,
            calls: Vec::with_capacity(2 * lives.len()),
            called: Vec::new(),
            unknown: Vec::new(),
            rows: Vec::new(),
        };
        moments.number(&events(&lives, &pool.unknown));
        moments
    }

    /// How many instants there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The operation of a call: its stay, and the first and the last instant at which it may have happened.
    pub fn operation(&self, call: u32) -> (usize, (u32, u32)) {
        let stay = &self.stays[call as usize / 2];
        (call as usize / 2, if call % 2 == 0 { stay.put } else { stay.take })
    }

    /// Number the instants through `events` in the order of rows.
    fn number(&mut self, events: &[u64]) {
        let mut after_return = true;
        let mut unknown = 0;
        for event in events {
            let (row, stay, which) = ((event >> 32) as u32, (event & 0xffff_ffff) as usize >> 2, event & 3);
            let is_call = which == PUT_CALL || which == TAKE_CALL;
            if is_call && after_return {
                self.rows.push(row);
                self.called.push(0);
                self.unknown.push(0);
            }
            after_return = !is_call;
            let now = self.rows.len() - 1;
            match self.stays.get_mut(stay) {
                None => unknown += 1,
                Some(stay) => match which {
                    PUT_CALL => stay.put.0 = now as u32,
                    PUT_RETURN => stay.put.1 = now as u32,
                    TAKE_CALL => stay.take.0 = now as u32,
                    _ => stay.take.1 = now as u32,
                },
            }
            if is_call {
                if stay < self.stays.len() {
                    self.calls.push(2 * stay as u32 + u32::from(which == TAKE_CALL));
                }
                (self.rows[now], self.called[now], self.unknown[now]) = (row, self.calls.len() as u32, unknown);
            }
        }
        let end = self.rows.len() as u32;
        self.rows.push(NEVER);
        self.called.push(self.calls.len() as u32);
        self.unknown.push(unknown);
        for stay in &mut self.stays {
            stay.take = (stay.take.0.min(end), stay.take.1.min(end));
        }
    }
}

/// Calls and returns in the order of rows: the row, the place in `lives` (or the first after them, for an unknown take), and which it is.
fn events(lives: &[(u32, &Life)], unknown: &[u32]) -> Vec<u64> {
    let mut events: Vec<u64> = Vec::with_capacity(4 * lives.len() + unknown.len());
    let mut add = |row: u32, stay: usize, which: u64| {
        if row != NEVER {
            events.push(u64::from(row) << 32 | (stay as u64) << 2 | which);
        }
    };
    for (stay, (_, life)) in lives.iter().enumerate() {
        add(life.put.0, stay, PUT_CALL);
        add(life.put.1, stay, PUT_RETURN);
        add(life.take.0, stay, TAKE_CALL);
        add(life.take.1, stay, TAKE_RETURN);
    }
    unknown.iter().for_each(|&row| add(row, lives.len(), TAKE_CALL));
    events.sort_unstable();
    events
}
