//! A test of near-linear time that finds the common anomalies of a set before any search: it refutes, and never accepts.
//!
//! Each element by itself is a register that holds whether it is there, and a read of all elements reads every one of them. What was seen
//! must have been brought about by somebody who was called before it was told, or be so from the start; and it must not have been undone for
//! good before it was looked for: by an operation that returned before, and was called after all that could bring it about again had returned.

use super::Operation;
use crate::models::{Set, SetAction};

/// Reads of all are looked at for what they did not see as well if that is so many looks at most, which take a fifth of a second.
const MOST_LOOKS: usize = 1 << 23;

/// The first return that sees of some element what it can't have seen, if the test finds one.
pub fn refute(set: &Set, operations: &[Operation<SetAction>]) -> Option<u32> {
    let seen = set.seen();
    let certain = || operations.iter().filter(|operation| !operation.is_pending());
    let reads: Vec<(&Operation<SetAction>, &[u32])> = certain()
        .filter_map(|read| match read.action {
            SetAction::ReadAll(number) => Some((read, seen[number as usize].as_slice())),
            _ => None,
        })
        .collect();
    let histories = Membership::of_all(set.elements(), operations);
    let single = certain().filter_map(|operation| {
        let (element, is_there) = match operation.action {
            SetAction::Contains(element, is_there) => (element, is_there),
            SetAction::Insert(element) => (element, false),
            SetAction::Delete(element) => (element, true),
            _ => return None,
        };
        (!histories[element as usize].allows(operation, is_there)).then_some(operation.completion)
    });
    let looks_at_all = set.elements().saturating_mul(reads.len()) <= MOST_LOOKS;
    let of_all = reads.iter().filter_map(|&(read, seen)| {
        let mut is_possible = seen.iter().all(|&element| histories[element as usize].allows(read, true));
        if looks_at_all && is_possible {
            let mut seen = seen.iter().copied().peekable();
            let unseen = (0..set.elements() as u32).filter(|&element| seen.next_if_eq(&element).is_none());
            is_possible = unseen.into_iter().all(|element| histories[element as usize].allows(read, false));
        }
        (!is_possible).then_some(read.completion)
    });
    single.chain(of_all).min()
}

/// What made one element be there, and what made it not be there.
#[derive(Clone, Debug, Default)]
struct Membership {
    /// Not there, and there.
    made: [Made; 2],
}

/// What made it so.
#[derive(Clone, Debug, Default)]
struct Made {
    /// By call: the last return of it and all called before.
    calls: Vec<(u32, u32)>,
    /// By return, of those that returned: the last call of it and all that returned before.
    returns: Vec<(u32, u32)>,
}

impl Membership {
    fn of_all(elements: usize, operations: &[Operation<SetAction>]) -> Vec<Membership> {
        let mut all = vec![Membership::default(); elements];
        for operation in operations {
            let (element, is_there) = match operation.action {
                SetAction::Add(element) | SetAction::Insert(element) => (element, true),
                SetAction::Remove(element) | SetAction::Delete(element) => (element, false),
                SetAction::Contains(..) | SetAction::ReadAll(_) => continue,
            };
            let made = &mut all[element as usize].made[usize::from(is_there)];
            made.calls.push((operation.invocation, operation.completion));
            if !operation.is_pending() {
                made.returns.push((operation.completion, operation.invocation));
            }
        }
        for list in all.iter_mut().flat_map(|of| &mut of.made).flat_map(|made| [&mut made.calls, &mut made.returns]) {
            list.sort_unstable();
            let mut last = 0;
            for (_, other) in list {
                last = last.max(*other);
                *other = last;
            }
        }
        all
    }

    /// Whether an operation can have seen that the element is there, or not.
    fn allows(&self, observer: &Operation<SetAction>, is_there: bool) -> bool {
        let undone = last_before(&self.made[usize::from(!is_there)].returns, observer.invocation);
        let made = last_before(&self.made[usize::from(is_there)].calls, observer.completion);
        match (made, undone) {
            (Some(returned), Some(called)) => returned > called,
            (Some(_), None) => true,
            (None, undone) => !is_there && undone.is_none(),
        }
    }
}

/// What comes with the last of a list that is before this row.
fn last_before(list: &[(u32, u32)], row: u32) -> Option<u32> {
    list[..list.partition_point(|&(other, _)| other < row)].last().map(|&(_, with)| with)
}

#[cfg(test)]
mod tests {
    use SetAction::{Add, Contains, ReadAll, Remove};

    use super::*;
    use crate::pairing::NEVER;

    /// Where the operations, each with its call and return, see what they can't, if reads of all see nothing, and then 0 and 1.
    fn refuted(operations: &[(SetAction, u32, u32)]) -> Option<u32> {
        let operation = |&(action, invocation, completion)| Operation { invocation, completion, action };
        refute(&Set::new(2, &[vec![], vec![0, 1]]), &operations.iter().map(operation).collect::<Vec<_>>())
    }

    #[test]
    fn what_nobody_added_is_not_there() {
        assert_eq!(refuted(&[(Add(0), 0, 1), (ReadAll(1), 2, 3)]), Some(3));
        assert_eq!(refuted(&[(Add(0), 0, 1), (Add(1), 2, NEVER), (ReadAll(1), 3, 4)]), None);
        assert_eq!(refuted(&[(Contains(0, true), 0, 1), (Add(0), 2, 3)]), Some(1));
        assert_eq!(refuted(&[(Contains(0, true), 0, 2), (Add(0), 1, 3)]), None);
    }

    #[test]
    fn what_was_added_for_good_is_there_and_what_was_removed_for_good_is_not() {
        assert_eq!(refuted(&[(Add(0), 0, 1), (ReadAll(0), 2, 3)]), Some(3));
        assert_eq!(refuted(&[(Add(0), 0, 1), (Remove(0), 2, NEVER), (ReadAll(0), 3, 4)]), None);
        assert_eq!(refuted(&[(Add(0), 0, 1), (Remove(0), 2, 3), (Contains(0, true), 4, 5)]), Some(5));
        assert_eq!(refuted(&[(Add(0), 0, 3), (Remove(0), 1, 2), (Contains(0, true), 4, 5)]), None);
    }
}
