//! Pools in which elements repeat, against the definition and against the search.

use std::sync::atomic::AtomicBool;

use schrodinger_checkers::linearizable::{
    Budget, Conclusion, Decide, Decision, Goal, Operation, decide, search, shrink,
};
use schrodinger_checkers::objects::PoolAction;
use schrodinger_checkers::pairing::NEVER;

use super::{History, Order, Shape, printed, produced, random_history};
use crate::oracle::{Random, cases};

pub const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
pub const CASES: usize = 10_000;
pub const OPERATIONS: usize = 9;

/// A pool, and how it is checked.
pub struct Pool<M: Decide> {
    pub order: Order,
    pub model: fn(&[Operation<PoolAction>]) -> M,
    pub action: fn(PoolAction) -> M::Action,
}

/// The history with elements of which many are equal.
fn repeated(mut history: History, random: &mut Random) -> History {
    let few = 1 + random.below(3) as u32;
    for operation in &mut history {
        if let PoolAction::Put(element) | PoolAction::Take(element) = &mut operation.action {
            *element = if random.chance(90) { *element % few } else { random.below(few as usize) as u32 };
        }
    }
    history
}

/// The history with elements of which many are equal, possible if it was.
fn repeated_alike(mut history: History, few: u32) -> History {
    for operation in &mut history {
        if let PoolAction::Put(element) | PoolAction::Take(element) = &mut operation.action {
            *element = *element * 7 % 31 % few;
        }
    }
    history
}

/// The history as it was before `row`: what had not returned may or may not have happened, with the result that it had in the end.
fn before(history: &[Operation<PoolAction>], row: u32) -> History {
    let called = history.iter().filter(|operation| operation.invocation < row);
    let known = |o: &Operation<PoolAction>| if o.completion < row { o.completion } else { NEVER };
    let mut before: History = called.map(|o| Operation { completion: known(o), ..*o }).collect();
    before.retain(|o| !(o.is_pending() && o.action == PoolAction::Empty));
    before
}

fn has_repeated(history: &[Operation<PoolAction>]) -> bool {
    let mut puts: Vec<PoolAction> =
        history.iter().map(|o| o.action).filter(|action| matches!(action, PoolAction::Put(_))).collect();
    puts.sort_unstable();
    puts.windows(2).any(|pair| pair[0] == pair[1])
}

impl Order {
    /// The definition: some order of all required operations and some of the others, in which nothing comes before what returned before it
    /// was called, and which the pool allows.
    fn allows(self, history: &[Operation<PoolAction>]) -> bool {
        assert!(history.len() <= 16, "brute force is for small histories");
        self.explore(history, (1 << history.len()) - 1, &mut Vec::new())
    }

    fn explore(self, history: &[Operation<PoolAction>], left: u32, inside: &mut Vec<u32>) -> bool {
        let is_left = |index: &usize| left & (1 << index) != 0;
        let required = (0..history.len()).filter(is_left).filter(|&index| !history[index].is_pending());
        let Some(first_return) = required.map(|index| history[index].completion).min() else { return true };
        (0..history.len()).filter(is_left).filter(|&index| history[index].invocation < first_return).any(|index| {
            let rest = left & !(1 << index);
            let next = self.next(inside);
            match history[index].action {
                PoolAction::Put(element) => {
                    inside.push(element);
                    let explained = self.explore(history, rest, inside);
                    inside.pop();
                    explained
                }
                PoolAction::Empty => inside.is_empty() && self.explore(history, rest, inside),
                PoolAction::Take(element) if !next.clone().any(|place| inside[place] == element) => false,
                PoolAction::Take(_) | PoolAction::TakeUnknown => next.clone().any(|place| {
                    let mut others = inside.clone();
                    others.remove(place);
                    self.explore(history, rest, &mut others)
                }),
            }
        })
    }

    fn first_blocked(self, history: &[Operation<PoolAction>]) -> Option<u32> {
        let mut returns: Vec<u32> = history.iter().map(|o| o.completion).filter(|&row| row != NEVER).collect();
        returns.sort_unstable();
        returns.into_iter().find(|&row| !self.allows(&before(history, row + 1)))
    }

    fn random_repeated(self, seed: u64, operations: usize) -> History {
        let mut random = Random(seed ^ 0x5eed_0000_0000);
        repeated(random_history(seed, operations, self), &mut random)
    }
}

impl<M: Decide> Pool<M> {
    fn operations(&self, history: &[Operation<PoolAction>]) -> Vec<Operation<M::Action>> {
        let action = |o: &Operation<PoolAction>| Operation {
            invocation: o.invocation,
            completion: o.completion,
            action: (self.action)(o.action),
        };
        history.iter().map(action).collect()
    }

    fn decided(&self, history: &[Operation<PoolAction>]) -> Decision {
        decide(&(self.model)(history), &self.operations(history), BUDGET, &AtomicBool::new(false))
    }

    /// What is found is what the definition says, to the return.
    pub fn agrees_with_the_definition(&self) {
        let (mut possible, mut impossible) = (0, 0);
        for seed in 0..cases(CASES) as u64 {
            let history = self.order.random_repeated(seed, OPERATIONS);
            if !has_repeated(&history) {
                continue;
            }
            let expected = self.order.first_blocked(&history);
            let found = self.decided(&history).conclusion;
            let story = || format!("seed {seed}\n{}", printed(&history));
            match expected {
                None => assert_eq!(found, Conclusion::Linearizable, "{}", story()),
                Some(row) => assert_eq!(found, Conclusion::Blocked(row), "{}", story()),
            }
            match expected {
                None => possible += 1,
                Some(_) => impossible += 1,
            }
        }
        let few = cases(CASES) / 20;
        assert!(possible > few && impossible > few, "{possible} possible, {impossible} impossible");
    }

    /// What is told of a violation is impossible by itself, and smaller in some cases, in some by its beginning.
    pub fn tells_what_is_impossible_by_itself(&self) {
        let (mut smaller, mut begun) = (0, 0);
        for seed in 0..cases(CASES) as u64 {
            let Some((left_out, beginning)) = self.tells_of(seed) else { continue };
            smaller += usize::from(left_out > 0);
            begun += usize::from(beginning > 0);
        }
        assert!(
            smaller > cases(CASES) / 20 && begun > cases(CASES) / 50,
            "{smaller} smaller, {begun} with a beginning"
        );
    }

    /// What is told of the violation in the history of this seed is impossible by itself. Gives how many operations were left out, and how
    /// many because an order could begin with them; nothing if there is no violation.
    pub fn tells_of(&self, seed: u64) -> Option<(usize, usize)> {
        let history = self.order.random_repeated(1 << 40 | seed, OPERATIONS);
        let row = has_repeated(&history).then(|| self.order.first_blocked(&history)).flatten()?;
        let operations = self.operations(&history);
        let shrunk = shrink(&(self.model)(&history), &operations, row, BUDGET, &AtomicBool::new(false));
        let is_told = |o: &&Operation<PoolAction>| shrunk.operations.iter().any(|w| w.invocation == o.invocation);
        let told: History = before(&history, row + 1).iter().filter(is_told).copied().collect();
        let story = || format!("seed {seed}, row {row}\n{}told\n{}", printed(&history), printed(&told));
        assert!(shrunk.minimal, "{}", story());
        assert!(!self.order.allows(&told), "{}", story());
        assert!(told.len() + shrunk.beginning <= before(&history, row + 1).len(), "{}", story());
        Some((history.len() - told.len(), shrunk.beginning))
    }

    /// Histories that the pool produced are possible, of which so many percent of the operations are unknown: at least, and how many more.
    /// One in a thousand may take more than the budget.
    pub fn explains_what_it_produced(&self, info: (usize, usize)) {
        let mut undecided = Vec::new();
        for seed in 0..cases(CASES) as u64 / 20 {
            let mut random = Random(3 << 40 | seed);
            let processes = 2 + random.below(8);
            let shape = Shape { operations: 400, processes, info: info.0 + random.below(info.1), puts: 50 };
            let history = produced(&mut random, shape, self.order);
            let history = repeated_alike(history, 1 + random.below(6) as u32);
            match self.decided(&history).conclusion {
                Conclusion::Exhausted(..) => undecided.push(seed),
                found => assert_eq!(found, Conclusion::Linearizable, "seed {seed}"),
            }
        }
        assert!(undecided.len() <= cases(CASES) / 20_000, "seeds {undecided:?}");
    }

    /// How many bytes are held to see that what so many processes did is possible, to a pool of few elements of which all is certain.
    pub fn bytes_of(&self, processes: usize, elements: u32) -> u64 {
        let shape = Shape { operations: 1_000, processes, info: 0, puts: 60 };
        let history = repeated_alike(produced(&mut Random(5 << 40), shape, self.order), elements);
        let decision = self.decided(&history);
        assert_eq!(decision.conclusion, Conclusion::Linearizable);
        decision.peak_bytes
    }

    /// Longer histories are decided as the search decides them, where it does.
    pub fn agrees_with_the_search(&self) {
        let (mut compared, mut impossible) = (0, 0);
        for seed in 0..cases(CASES) as u64 / 10 {
            let mut random = Random(4 << 40 | seed);
            let history = self.order.random_repeated(4 << 40 | seed, 12 + random.below(18));
            let operations = self.operations(&history);
            let budget = Budget { max_steps: 20_000, ..BUDGET };
            let expected =
                search((self.model)(&history), &operations, Goal::Verdict, budget, &AtomicBool::new(false)).conclusion;
            if !has_repeated(&history) || matches!(expected, Conclusion::Exhausted(..)) {
                continue;
            }
            let found = self.decided(&history).conclusion;
            let is_possible = |conclusion| conclusion == Conclusion::Linearizable;
            assert_eq!(is_possible(found), is_possible(expected), "seed {seed}, {found:?}\n{}", printed(&history));
            compared += 1;
            impossible += usize::from(!is_possible(found));
        }
        let few = cases(CASES) / 100;
        assert!(compared > 4 * few && impossible > few, "{compared} compared, {impossible} impossible");
    }
}
