//! Deciding locks: a token that does not rise is found before any search.
//!
//! Each hold of a fenced lock has a larger token than all before. So of two acquires of which one had returned before the other was called,
//! the second has the larger token, or the same one if it entered the hold of its owner again. Where much is unknown, and somebody may have
//! released the lock in between, a search would try every way in which that may have been before it sees that none helps.

use super::Operation;
use super::decide::Decide;
use crate::models::{Lock, LockAction};

impl Decide for Lock {
    fn refute(&self, operations: &[Operation<LockAction>]) -> Option<u32> {
        let kind = self.kind();
        if !kind.fenced {
            return None;
        }
        let mut acquires: Vec<(u32, u32, i64, u32)> = operations
            .iter()
            .filter(|operation| !operation.is_pending())
            .filter_map(|operation| match operation.action {
                LockAction::Acquire(owner, Some(token)) => {
                    Some((operation.completion, operation.invocation, token, owner))
                }
                _ => None,
            })
            .collect();
        acquires.sort_unstable();
        // The largest token of each acquire and all that returned before it, and whose it was.
        let mut largest: Vec<(i64, u32)> = Vec::with_capacity(acquires.len());
        for &(completion, call, token, owner) in &acquires {
            let before = acquires.partition_point(|&(returned, ..)| returned < call);
            if let Some(&(last, holder)) = before.checked_sub(1).map(|place| &largest[place])
                && (token < last || (token == last && !(kind.reentrant && owner == holder)))
            {
                return Some(completion);
            }
            let last = largest.last().copied().filter(|&(last, _)| last >= token);
            largest.push(last.unwrap_or((token, owner)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::LockKind;

    #[test]
    fn only_a_reentrant_lock_gives_its_holder_a_token_again() {
        let acquire = |row: u32, owner| {
            let action = LockAction::Acquire(owner, Some(1));
            Operation { invocation: row, completion: row + 1, action }
        };
        let stale = |reentrant, second| {
            let lock = Lock::new(LockKind { reentrant, fenced: true }, 2);
            lock.refute(&[acquire(0, 0), acquire(2, second)])
        };
        assert_eq!(stale(true, 0), None);
        assert_eq!(stale(true, 1), Some(3));
        assert_eq!(stale(false, 0), Some(3));
    }
}
