//! Every fast path against the brute-force checker, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;

use std::sync::atomic::AtomicBool;

use oracle::{
    Operations, Random, Shape, cases, is_linearizable, printed, produced_by_a_register, random_history, values_of,
};
use schrodinger_checkers::linearizable::{
    Algorithm, Budget, Conclusion, Decide, Goal, Operation, Zones, decide, decide_by_search, prefix, search, shrink,
    zones,
};
use schrodinger_checkers::models::{Model, Nature, Register, RegisterAction, State};
use schrodinger_checkers::pairing::NEVER;

const BUDGET: Budget = Budget { max_steps: 10_000_000, max_bytes: 1 << 30 };
const CASES: usize = 20_000;
const OPERATIONS: usize = 9;

fn register(operations: &Operations) -> Register {
    Register { values: values_of(operations) as usize }
}

fn searched(operations: &Operations, goal: Goal) -> Conclusion {
    search(register(operations), operations, goal, BUDGET, &AtomicBool::new(false)).conclusion
}

/// The first return that can't be passed, by brute force on every prefix.
fn blocked_by_brute_force(operations: &Operations) -> Conclusion {
    let mut returns: Vec<u32> = operations.iter().filter(|o| !o.is_pending()).map(|o| o.completion).collect();
    returns.sort_unstable();
    let blocked =
        returns.into_iter().find(|&row| !is_linearizable(&prefix(&register(operations), operations, row + 1)));
    blocked.map_or(Conclusion::Linearizable, Conclusion::Blocked)
}

#[test]
fn the_search_agrees_with_brute_force_on_the_verdict_and_on_the_first_blocked_return() {
    let mut impossible = 0;
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(seed, OPERATIONS);
        let expected = blocked_by_brute_force(&operations);
        let is_possible = expected == Conclusion::Linearizable;
        assert_eq!(is_possible, is_linearizable(&operations), "seed {seed}");
        assert_eq!(searched(&operations, Goal::FirstBlocked), expected, "seed {seed}\n{}", printed(&operations));
        let verdict = searched(&operations, Goal::Verdict);
        assert_eq!(verdict == Conclusion::Linearizable, is_possible, "seed {seed}\n{}", printed(&operations));
        impossible += usize::from(expected != Conclusion::Linearizable);
    }
    assert!(
        impossible > cases(CASES) / 10,
        "only {impossible} of the histories were impossible: too few to mean anything"
    );
}

#[test]
fn zones_and_the_refuting_test_agree_with_brute_force() {
    let mut by_zones = 0;
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(1 << 40 | seed, OPERATIONS);
        let expected = blocked_by_brute_force(&operations);
        let interrupt = AtomicBool::new(false);
        let decision = decide(&register(&operations), &operations, BUDGET, &interrupt);
        assert_eq!(decision.conclusion, expected, "seed {seed}, {:?}\n{}", decision.algorithm, printed(&operations));
        let without_zones = decide_by_search(&register(&operations), &operations, BUDGET, &interrupt).conclusion;
        assert_eq!(without_zones, expected, "seed {seed}, search\n{}", printed(&operations));
        by_zones += usize::from(decision.algorithm == Algorithm::Zones);
    }
    assert!(by_zones > cases(CASES) / 10, "only {by_zones} of the histories had distinct values");
}

#[test]
fn a_witness_is_impossible_by_itself_and_nothing_can_be_left_out_of_it() {
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(2 << 40 | seed, OPERATIONS);
        let model = register(&operations);
        let Conclusion::Blocked(row) = searched(&operations, Goal::FirstBlocked) else { continue };
        let shrunk = shrink(&model, &operations, row, BUDGET, &AtomicBool::new(false));
        let (witness, minimal) = (shrunk.operations, shrunk.minimal);
        let story = || format!("seed {seed}, blocked at {row}\n{}witness\n{}", printed(&operations), printed(&witness));
        assert!(minimal, "{}", story());
        assert!(!is_linearizable(&witness), "{}", story());
        assert!(witness.iter().any(|operation| operation.completion == row), "{}", story());
        for unit in model.units(&witness).concat() {
            let (_, rest) = model.without(&witness, &[unit]);
            assert!(is_linearizable(&rest), "{unit:?} can be left out: {}", story());
        }
    }
}

#[test]
fn leaving_out_a_unit_never_makes_a_possible_history_impossible() {
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(3 << 40 | seed, OPERATIONS);
        if !is_linearizable(&operations) {
            continue;
        }
        let model = register(&operations);
        for unit in model.units(&operations).concat() {
            let (_, rest) = model.without(&operations, &[unit]);
            assert!(is_linearizable(&rest), "seed {seed}, without {unit:?}\n{}", printed(&operations));
        }
    }
}

#[test]
fn what_a_register_produced_is_never_refuted_at_any_length_and_hardly_ever_undecided() {
    let mut undecided = 0;
    for seed in 0..cases(CASES) as u64 / 100 {
        let mut random = Random(4 << 40 | seed);
        let shape = Shape { operations: 2_000, ..Shape::random(&mut random, 1) };
        let operations = produced_by_a_register(&mut random, shape);
        let decision = decide(&register(&operations), &operations, BUDGET, &AtomicBool::new(false));
        for conclusion in [decision.conclusion, searched(&operations, Goal::Verdict)] {
            assert!(!matches!(conclusion, Conclusion::Blocked(_)), "seed {seed}, {shape:?}: {conclusion:?}");
            undecided += usize::from(conclusion != Conclusion::Linearizable);
        }
    }
    assert!(undecided <= cases(CASES) / 100_000, "{undecided} were not decided within the budget");
}

#[test]
fn tokens_only_make_the_search_faster_on_histories_too_long_for_brute_force() {
    let mut undecided = 0;
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(6 << 40 | seed, 45);
        let values = values_of(&operations) as usize;
        let (model, interrupt) = (Opaque(Register { values }), AtomicBool::new(false));
        let few_steps = Budget { max_steps: 300_000, ..BUDGET };
        let expected = search(model, &operations, Goal::Verdict, few_steps, &interrupt).conclusion;
        if matches!(expected, Conclusion::Exhausted(..)) {
            undecided += 1;
            continue;
        }
        assert_eq!(searched(&operations, Goal::FirstBlocked), expected, "seed {seed}\n{}", printed(&operations));
        let by_search = decide_by_search(&register(&operations), &operations, BUDGET, &interrupt).conclusion;
        assert_eq!(by_search, expected, "seed {seed}\n{}", printed(&operations));
    }
    assert!(undecided <= cases(CASES) / 100, "{undecided} could not be compared: too many to mean anything");
}

#[test]
fn a_write_of_what_is_there_can_still_hide_another() {
    let operation = |invocation, completion, action| Operation { invocation, completion, action };
    let history = vec![
        operation(0, 2, RegisterAction::Read(0)),
        operation(1, 6, RegisterAction::Write(0)),
        operation(3, 5, RegisterAction::Cas(0, 2)),
        operation(4, 7, RegisterAction::Write(3)),
        operation(8, 9, RegisterAction::Read(2)),
    ];
    let decision = decide_by_search(&register(&history), &history, BUDGET, &AtomicBool::new(false));
    assert_eq!(decision.conclusion, Conclusion::Linearizable);
    let without: Operations = [0, 2, 3, 4].map(|index| history[index]).to_vec();
    let decision = decide_by_search(&register(&without), &without, BUDGET, &AtomicBool::new(false));
    assert_eq!(decision.conclusion, Conclusion::Blocked(9));
}

#[test]
fn a_write_of_what_is_there_can_hide_another_for_a_swap_that_may_have_happened() {
    let operation = |invocation, completion, action| Operation { invocation, completion, action };
    let history = vec![
        operation(0, NEVER, RegisterAction::Cas(0, 1)),
        operation(1, 5, RegisterAction::Write(3)),
        operation(2, 7, RegisterAction::Write(0)),
        operation(3, 4, RegisterAction::Read(1)),
        operation(6, 8, RegisterAction::Read(1)),
    ];
    let decision = decide_by_search(&register(&history), &history, BUDGET, &AtomicBool::new(false));
    assert_eq!(decision.conclusion, Conclusion::Linearizable);
    let without: Operations = [0, 1, 3, 4].map(|index| history[index]).to_vec();
    let decision = decide_by_search(&register(&without), &without, BUDGET, &AtomicBool::new(false));
    assert_eq!(decision.conclusion, Conclusion::Blocked(8));
}

#[test]
fn zones_and_search_agree_on_histories_too_long_for_brute_force() {
    for seed in 0..cases(CASES) as u64 / 20 {
        let operations = random_history(5 << 40 | seed, 60);
        let values = values_of(&operations) as usize;
        if zones(&operations, values) == Zones::Inapplicable {
            continue;
        }
        let decision = decide(&register(&operations), &operations, BUDGET, &AtomicBool::new(false));
        assert_eq!(
            decision.conclusion,
            searched(&operations, Goal::FirstBlocked),
            "seed {seed}\n{}",
            printed(&operations)
        );
    }
}

/// A register of which the search is told nothing but how it steps.
struct Opaque(Register);

impl Model for Opaque {
    type Action = RegisterAction;

    fn initial(&self) -> State {
        self.0.initial()
    }

    fn step(&mut self, state: State, action: RegisterAction) -> Option<State> {
        self.0.step(state, action)
    }

    fn nature(&self, action: RegisterAction) -> Nature {
        match self.0.nature(action) {
            Nature::Observation => Nature::Observation,
            Nature::Overwrite | Nature::Update => Nature::Update,
        }
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        self.0.describe(state, names)
    }
}

#[test]
fn the_search_needs_no_tokens_to_be_right() {
    for seed in 0..cases(CASES) as u64 {
        let operations = random_history(10 << 40 | seed, OPERATIONS);
        let model = Opaque(Register { values: values_of(&operations) as usize });
        let found = search(model, &operations, Goal::Verdict, BUDGET, &AtomicBool::new(false));
        assert_eq!(found.conclusion, blocked_by_brute_force(&operations), "seed {seed}\n{}", printed(&operations));
    }
}
