//! When a pool may have been empty.
//!
//! A take that found nothing needs an instant between its call and its return at which nothing is certainly inside. That is enough, for a
//! queue in any order and for a stack: at such an instant every element can be placed wholly before or wholly after, and both parts
//! keep their order. Elements that no known take returned are inside from their put on, unless an unknown take had removed them: of those
//! put in by then there may be as many as there are unknown takes called by then, and no more. Instants do not compete, because of two of
//! them the later one needs all that the earlier one needs.

use super::pool::{Life, Pool, PoolAction};
use super::{Refutation, Role, Rule};
use crate::linearizable::Operation;

/// The rows after which the pool may have been empty: from each first one up to before each second.
pub fn may_be_empty(pool: &Pool) -> Vec<(u32, u32)> {
    let certain = pool.taken.iter().filter(|life| life.is_certain());
    let mut changes: Vec<u64> = Vec::with_capacity(2 * pool.taken.len() + pool.left.len() + pool.unknown.len());
    let mut change = |row: u32, kind: u64| changes.push(u64::from(row) << 2 | kind);
    const ENTERED: u64 = 0;
    const GONE: u64 = 1;
    const STAYED: u64 = 2;
    for life in certain {
        change(life.put.1, ENTERED);
        change(life.take.0, GONE);
    }
    pool.left.iter().for_each(|life| change(life.put.1, STAYED));
    pool.unknown.iter().for_each(|&call| change(call, GONE | STAYED));
    changes.sort_unstable();
    let (mut inside, mut surplus) = (0i64, 0i64);
    let mut ranges = Vec::new();
    let mut since = Some(0);
    for change in changes {
        match change & 3 {
            ENTERED => inside += 1,
            GONE => inside -= 1,
            STAYED => surplus += 1,
            _ => surplus -= 1,
        }
        let row = (change >> 2) as u32;
        match (since, inside == 0 && surplus <= 0) {
            (Some(first), false) => {
                ranges.extend((first < row).then_some((first, row)));
                since = None;
            }
            (None, true) => since = Some(row),
            _ => {}
        }
    }
    ranges.extend(since.map(|first| (first, u32::MAX)));
    ranges
}

/// The first row at or after `call`, and before `ret`, after which the pool may have been empty.
pub fn empty_within(ranges: &[(u32, u32)], call: u32, ret: u32) -> Option<u32> {
    let range = ranges.partition_point(|&(_, end)| end <= call);
    ranges.get(range).map(|&(start, _)| start.max(call)).filter(|&row| row < ret)
}

/// A take that found nothing though something was certainly inside all the time.
pub fn not_empty(pool: &Pool, operations: &[Operation<PoolAction>]) -> Option<Refutation> {
    if pool.empties.is_empty() {
        return None;
    }
    let ranges = may_be_empty(pool);
    let wrong = pool.empties.iter().find(|&&(_, call, ret)| empty_within(&ranges, call, ret).is_none());
    wrong.map(|&empty| refutation(pool, operations, empty))
}

/// Elements of which some was inside at every instant from `call` to `ret`.
fn refutation(pool: &Pool, operations: &[Operation<PoolAction>], (index, call, ret): (u32, u32, u32)) -> Refutation {
    let mut taken: Vec<&Life> = pool.taken.iter().filter(|life| life.is_certain() && life.put.1 < ret).collect();
    taken.sort_unstable_by_key(|life| life.put.1);
    let mut parts = vec![(index, Role::Empty)];
    let (mut row, mut next, mut were_left) = (call, 0, false);
    let mut last: Option<&Life> = None;
    while row < ret {
        while next < taken.len() && taken[next].put.1 <= row {
            if last.is_none_or(|life| life.take.0 < taken[next].take.0) {
                last = Some(taken[next]);
            }
            next += 1;
        }
        match last {
            Some(life) if life.take.0 > row => {
                parts.extend(pool.parts(life, Role::Put, Role::Take));
                row = life.take.0;
            }
            _ => {
                were_left = true;
                row = taken.get(next).map_or(ret, |life| life.put.1);
            }
        }
    }
    if were_left {
        let mut left: Vec<&Life> = pool.left.iter().filter(|life| life.put.1 < ret).collect();
        left.sort_unstable_by_key(|life| life.put.1);
        let unknown = pool.unknown_parts(operations, ret);
        parts.extend(left.iter().take(unknown.len() + 1).flat_map(|life| pool.parts(life, Role::Put, Role::Take)));
        parts.extend(unknown);
    }
    Refutation::new(Rule::NotEmpty, parts)
}
