//! Counters that only grow, or only shrink, against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;

use std::fmt::Write;
use std::sync::atomic::AtomicBool;

use oracle::{Random, cases};
use schrodinger_checkers::linearizable::{
    Budget, Conclusion, Decision, Goal, Operation, decide, prefix, search, shrink,
};
use schrodinger_checkers::models::{Counter, CounterAction};
use schrodinger_checkers::pairing::NEVER;

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const CASES: usize = 10_000;
const OPERATIONS: usize = 10;

type History = Vec<Operation<CounterAction>>;

/// What a random history is like.
struct Shape {
    initial: i64,
    sign: i64,
    amounts: Vec<i64>,
    info_percent: usize,
    reads_percent: usize,
    clients: usize,
}

impl Shape {
    fn random(random: &mut Random) -> Shape {
        let all: &[&[i64]] = &[&[1], &[1, 2], &[1, 2, 3], &[2, 3], &[3, 5], &[0, 1, 4], &[1, 2, 3, 4, 5], &[2, 4, 7]];
        Shape {
            initial: random.below(5) as i64 - 2,
            sign: if random.chance(70) { 1 } else { -1 },
            amounts: all[random.below(all.len())].to_vec(),
            info_percent: [0, 10, 30, 60][random.below(4)],
            reads_percent: [30, 50, 70][random.below(3)],
            clients: 2 + random.below(5),
        }
    }

    fn counter(&self) -> Counter {
        Counter::new(self.initial, self.sign > 0)
    }

    /// What clients saw of a counter, each operation at some instant of its interval.
    fn produced(&self, random: &mut Random, operations: usize) -> History {
        let mut history: History = Vec::new();
        // By client: its operation, and whether it took effect.
        let mut open: Vec<Option<(usize, bool)>> = vec![None; self.clients];
        let mut late: Vec<usize> = Vec::new();
        let (mut sum, mut row) = (self.initial, 0);
        while history.len() < operations || open.iter().any(Option::is_some) {
            let client = random.below(self.clients);
            row += 1;
            if !late.is_empty() && random.chance(20) {
                let index = late.swap_remove(random.below(late.len()));
                effect(&mut history[index], &mut sum);
                continue;
            }
            match open[client] {
                None if history.len() < operations => {
                    let amount = self.sign * self.amounts[random.below(self.amounts.len())];
                    let is_read = random.chance(self.reads_percent);
                    let action = if is_read { CounterAction::Read(0) } else { CounterAction::Add(amount) };
                    open[client] = Some((history.len(), false));
                    history.push(Operation { invocation: row, completion: NEVER, action });
                }
                None => {}
                Some((index, false)) => {
                    if matches!(history[index].action, CounterAction::Add(_)) && random.chance(self.info_percent) {
                        open[client] = None;
                        if random.chance(60) {
                            late.push(index);
                        }
                        continue;
                    }
                    effect(&mut history[index], &mut sum);
                    open[client] = Some((index, true));
                }
                Some((index, true)) => {
                    history[index].completion = row;
                    open[client] = None;
                }
            }
        }
        history
    }

    fn spoilt(&self, random: &mut Random, mut history: History) -> History {
        for _ in 0..random.below(3) {
            let index = random.below(history.len());
            if let CounterAction::Read(sum) = &mut history[index].action {
                *sum += random.below(7) as i64 - 3;
            } else if random.chance(30) && history[index].completion != NEVER {
                history.remove(index);
            }
        }
        history
    }
}

fn effect(operation: &mut Operation<CounterAction>, sum: &mut i64) {
    match &mut operation.action {
        CounterAction::Add(amount) => *sum += *amount,
        CounterAction::Read(read) => *read = *sum,
    }
}

/// The definition: some order of all required operations and some of the others, in which nothing comes before what returned before it was
/// called, and every read tells the sum of what came before it.
fn allows(history: &[Operation<CounterAction>], left: u32, sum: i64) -> bool {
    let is_left = |index: &usize| left & (1 << index) != 0;
    let required = (0..history.len()).filter(is_left).filter(|&index| !history[index].is_pending());
    let Some(first_return) = required.map(|index| history[index].completion).min() else { return true };
    (0..history.len()).filter(is_left).filter(|&index| history[index].invocation < first_return).any(|index| {
        let rest = left & !(1 << index);
        match history[index].action {
            CounterAction::Add(amount) => allows(history, rest, sum + amount),
            CounterAction::Read(read) => read == sum && allows(history, rest, sum),
        }
    })
}

fn first_blocked(shape: &Shape, history: &[Operation<CounterAction>]) -> Option<u32> {
    let mut returns: Vec<u32> = history.iter().map(|o| o.completion).filter(|&row| row != NEVER).collect();
    returns.sort_unstable();
    returns.into_iter().find(|&row| {
        let before = prefix(&shape.counter(), history, row + 1);
        !allows(&before, (1 << before.len()) - 1, shape.initial)
    })
}

fn decided(shape: &Shape, history: &[Operation<CounterAction>]) -> Decision {
    decide(&shape.counter(), history, BUDGET, &AtomicBool::new(false))
}

fn printed(shape: &Shape, history: &[Operation<CounterAction>]) -> String {
    history.iter().fold(format!("from {}\n", shape.initial), |mut text, operation| {
        let _ = writeln!(text, "{:>3} {:>10} {:?}", operation.invocation, operation.completion, operation.action);
        text
    })
}

#[test]
fn counters_agree_with_the_definition() {
    let (mut impossible, mut possible) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let mut random = Random(seed);
        let shape = Shape::random(&mut random);
        let operations = 3 + random.below(OPERATIONS - 2);
        let history = shape.produced(&mut random, operations);
        let history = shape.spoilt(&mut random, history);
        let found = decided(&shape, &history).conclusion;
        let expected = first_blocked(&shape, &history).map_or(Conclusion::Linearizable, Conclusion::Blocked);
        assert_eq!(found, expected, "seed {seed}, {}", printed(&shape, &history));
        if expected == Conclusion::Linearizable { possible += 1 } else { impossible += 1 }
    }
    assert!(impossible > cases(CASES) / 10 && possible > cases(CASES) / 10, "{impossible} of {possible} impossible");
}

#[test]
fn what_is_told_of_a_counter_is_impossible_by_itself() {
    let mut told = 0;
    for seed in 0..cases(CASES) as u64 / 4 {
        let mut random = Random(1 << 40 | seed);
        let shape = Shape::random(&mut random);
        let history = shape.produced(&mut random, OPERATIONS);
        let history = shape.spoilt(&mut random, history);
        let Conclusion::Blocked(row) = decided(&shape, &history).conclusion else { continue };
        let shrunk = shrink(&shape.counter(), &history, row, BUDGET, &AtomicBool::new(false));
        let witness = shrunk.operations;
        assert!(
            !allows(&witness, (1 << witness.len()) - 1, shape.initial),
            "seed {seed}, {}",
            printed(&shape, &witness)
        );
        assert!(shrunk.minimal, "seed {seed}");
        told += 1;
    }
    assert!(told > cases(CASES) / 40, "{told}");
}

#[test]
fn longer_counters_of_which_much_is_unknown_are_possible_when_a_counter_produced_them() {
    for seed in 0..cases(CASES) as u64 / 4 {
        let mut random = Random(2 << 40 | seed);
        let shape = Shape { clients: 2 + random.below(9), ..Shape::random(&mut random) };
        let history = shape.produced(&mut random, 60);
        let found = decided(&shape, &history).conclusion;
        assert_eq!(found, Conclusion::Linearizable, "seed {seed}, {}", printed(&shape, &history));
    }
}

#[test]
fn a_long_counter_cannot_have_been_read_higher_than_all_that_was_added() {
    for seed in 0..(cases(CASES) as u64 / 200).max(10) {
        let mut random = Random(4 << 40 | seed);
        let shape = Shape { clients: 2 + random.below(9), reads_percent: 50, ..Shape::random(&mut random) };
        let mut history = shape.produced(&mut random, 1_000);
        assert_eq!(decided(&shape, &history).conclusion, Conclusion::Linearizable, "seed {seed}");
        let reads = |operation: &&mut Operation<_>| matches!(operation.action, CounterAction::Read(_));
        let Some(read) = history.iter_mut().filter(reads).nth(250 + random.below(150)) else { continue };
        read.action = CounterAction::Read(shape.initial + shape.sign * 10_000);
        let row = read.completion;
        assert_eq!(decided(&shape, &history).conclusion, Conclusion::Blocked(row), "seed {seed}");
    }
}

#[test]
fn a_long_counter_of_many_different_amounts_is_decided_in_few_steps() {
    for seed in 0..4 {
        let shape =
            Shape { initial: 0, sign: 1, amounts: (1..50).collect(), info_percent: 8, reads_percent: 50, clients: 10 };
        let history = shape.produced(&mut Random(5 << 40 | seed), 1_500);
        let found = decided(&shape, &history);
        assert_eq!(found.conclusion, Conclusion::Linearizable, "seed {seed}");
        assert!(found.steps < 100_000, "seed {seed}: {} steps", found.steps);
    }
}

#[test]
fn longer_counters_are_decided_as_by_the_search() {
    let (mut impossible, mut undecided) = (0, 0);
    for seed in 0..cases(CASES) as u64 / 8 {
        let mut random = Random(3 << 40 | seed);
        let shape = Shape::random(&mut random);
        let history = shape.produced(&mut random, 24);
        let history = shape.spoilt(&mut random, history);
        let found = decided(&shape, &history).conclusion;
        let budget = Budget { max_steps: 200_000, ..BUDGET };
        let expected = search(shape.counter(), &history, Goal::Verdict, budget, &AtomicBool::new(false)).conclusion;
        match expected {
            Conclusion::Exhausted(..) => undecided += 1,
            Conclusion::Linearizable => assert_eq!(found, expected, "seed {seed}, {}", printed(&shape, &history)),
            Conclusion::Blocked(_) => {
                assert!(matches!(found, Conclusion::Blocked(_)), "seed {seed}, {}", printed(&shape, &history));
                impossible += 1;
            }
        }
    }
    assert!(impossible > cases(CASES) / 80 && undecided < cases(CASES) / 80, "{impossible}, {undecided}");
}
