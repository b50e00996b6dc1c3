//! The levels of a counter that only grows: the sums that were read, in order, and between which of them an addition may go.

use crate::linearizable::Operation;
use crate::models::CounterAction;
use crate::pairing::NEVER;

/// No history adds up to more, so that nothing overflows.
const MOST: u128 = 1 << 61;

/// An addition that certainly happened.
#[derive(Clone, Copy, Debug)]
pub struct Addition {
    /// How much.
    pub amount: i64,
    /// The highest level of a read that had returned before it was called: it goes after that.
    pub after: u32,
    /// The lowest level of a read that was called when it had returned, or the number of levels: it goes before that.
    pub until: u32,
    /// The row of the call.
    pub call: u32,
    /// The row of the return.
    pub ret: u32,
}

/// An addition that may have happened.
#[derive(Clone, Copy, Debug)]
pub struct Spare {
    /// How much.
    pub amount: i64,
    /// The highest level of a read that had returned before it was called.
    pub after: u32,
    /// The row of the call.
    pub call: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Levels {
    /// By level: how much was added before, nothing first.
    pub sums: Vec<i64>,
    /// What certainly happened, by call.
    pub additions: Vec<Addition>,
    /// What may have happened, by call.
    pub spares: Vec<Spare>,
    /// By level: the first return of a read of that level, or a higher one.
    pub first_return: Vec<u32>,
    /// By level: the last return of a read of that level, or a lower one.
    pub last_return: Vec<u32>,
    /// The first return of a read that tells less than what had returned before it was called.
    pub stale: Option<u32>,
}

/// A read: the rows of call and return, and the level.
#[derive(Clone, Copy)]
struct Read {
    call: u32,
    ret: u32,
    level: u32,
}

impl Levels {
    /// Of operations sorted by call, on a counter that starts with `initial`; nothing if it both grows and shrinks, or adds up to very much.
    /// One that only shrinks is turned round.
    pub fn new(initial: i64, operations: &[Operation<CounterAction>]) -> Option<Levels> {
        let amount = |operation: &Operation<_>| match operation.action {
            CounterAction::Add(amount) => amount,
            CounterAction::Read(_) => 0,
        };
        let sign = if operations.iter().any(|operation| amount(operation) < 0) { -1 } else { 1 };
        let total: u128 = operations.iter().map(|operation| u128::from(amount(operation).unsigned_abs())).sum();
        if total >= MOST || operations.iter().any(|operation| amount(operation) * sign < 0) {
            return None;
        }
        // What can't be read is one more or less than what can.
        let most = i128::from(total as u64) + 1;
        let told = |sum: i64| ((i128::from(sum) - i128::from(initial)) * i128::from(sign)).clamp(-1, most) as i64;
        let mut sums: Vec<i64> = vec![0];
        let required = || operations.iter().filter(|operation| !operation.is_pending());
        sums.extend(required().filter_map(|operation| match operation.action {
            CounterAction::Read(sum) => Some(told(sum).max(0)),
            CounterAction::Add(_) => None,
        }));
        sums.sort_unstable();
        sums.dedup();
        let mut levels = Levels {
            first_return: vec![NEVER; sums.len()],
            last_return: vec![0; sums.len()],
            sums,
            additions: Vec::new(),
            spares: Vec::new(),
            stale: None,
        };
        let mut returns: Vec<(u32, u32)> = operations
            .iter()
            .zip(0..)
            .filter(|(o, _)| !o.is_pending())
            .map(|(o, index)| (o.completion, index))
            .collect();
        returns.sort_unstable();
        levels.place(operations, &returns, sign, told);
        Some(levels)
    }

    /// Go through time, by calls and `returns`.
    fn place(
        &mut self,
        operations: &[Operation<CounterAction>],
        returns: &[(u32, u32)],
        sign: i64,
        told: impl Fn(i64) -> i64,
    ) {
        let mut returned = returns.iter().peekable();
        // By operation: the lowest level of whatever comes after it, as far as it is known.
        let mut least = vec![0; operations.len()];
        let (mut after, mut at_least) = (0, 0);
        let mut reads: Vec<Read> = Vec::new();
        for (operation, index) in operations.iter().zip(0..) {
            let (call, ret) = (operation.invocation, operation.completion);
            while let Some(&(_, before)) = returned.next_if(|&&(row, _)| row < call) {
                let before = before as usize;
                at_least = at_least.max(least[before]);
                if matches!(operations[before].action, CounterAction::Read(_)) {
                    after = after.max(least[before]);
                }
            }
            match operation.action {
                CounterAction::Read(_) if operation.is_pending() => {}
                CounterAction::Read(sum) => {
                    let level = self.sums.partition_point(|&other| other < told(sum)) as u32;
                    least[index] = level;
                    if level < at_least || told(sum) < 0 {
                        self.stale = Some(self.stale.map_or(ret, |row| row.min(ret)));
                    }
                    reads.push(Read { call, ret, level });
                }
                CounterAction::Add(0) => {}
                CounterAction::Add(amount) if operation.is_pending() => {
                    self.spares.push(Spare { amount: amount * sign, after, call });
                }
                CounterAction::Add(amount) => {
                    least[index] = after + 1;
                    self.additions.push(Addition { amount: amount * sign, after, until: 0, call, ret });
                }
            }
        }
        self.look_back(&reads);
    }

    /// Find what has to be seen at each level.
    fn look_back(&mut self, reads: &[Read]) {
        for read in reads {
            let level = read.level as usize;
            self.first_return[level] = self.first_return[level].min(read.ret);
            self.last_return[level] = self.last_return[level].max(read.ret);
        }
        for level in 1..self.sums.len() {
            self.last_return[level] = self.last_return[level].max(self.last_return[level - 1]);
        }
        for level in (1..self.sums.len()).rev() {
            self.first_return[level - 1] = self.first_return[level - 1].min(self.first_return[level]);
        }
        let mut lowest: Vec<u32> = reads.iter().map(|read| read.level).collect();
        lowest.push(self.sums.len() as u32);
        for place in (0..reads.len()).rev() {
            lowest[place] = lowest[place].min(lowest[place + 1]);
        }
        for addition in &mut self.additions {
            addition.until = lowest[reads.partition_point(|read| read.call < addition.ret)];
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let lists = 16 * self.sums.len() + size_of::<Addition>() * self.additions.capacity();
        (lists + size_of::<Spare>() * self.spares.capacity()) as u64
    }
}
