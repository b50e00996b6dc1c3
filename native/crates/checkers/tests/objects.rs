//! Pools and sets with distinct elements against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;
mod pools;

use std::collections::BTreeMap;

use oracle::cases;
use pools::element::random_element;
use pools::snapshots::{Snapshots, is_explicable, random_snapshots};
use pools::{History, ORDERS, Order, elements_of, is_linearizable, printed, random_history};
use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::models::SetAction::{self, Add};
use schrodinger_checkers::objects::PoolAction::{self, Put, Take};
use schrodinger_checkers::objects::{
    Judgement, Part, Refutation, Rule, blame, element, first_blocked, kin_in_a_set, kin_of_snapshots, snapshots,
};
use schrodinger_checkers::pairing::NEVER;

const CASES: usize = 10_000;
const OPERATIONS: usize = 9;

fn agrees_with_the_definition(order: Order, rules: &[Rule]) {
    let mut broken: BTreeMap<Rule, usize> = BTreeMap::new();
    let (mut linearizable, mut undecided) = (0, 0);
    for seed in 0..cases(CASES) as u64 {
        let history = random_history(seed, OPERATIONS, order);
        let expected = is_linearizable(&history, order);
        match order.decide()(&history, elements_of(&history)) {
            Judgement::Linearizable => {
                assert!(expected, "seed {seed}: impossible\n{}", printed(&history));
                linearizable += 1;
            }
            Judgement::Impossible(refutation) => {
                assert!(!expected, "seed {seed}: linearizable, not {refutation:?}\n{}", printed(&history));
                *broken.entry(refutation.rule).or_default() += 1;
            }
            Judgement::Undecided => undecided += 1,
        }
    }
    println!("{order:?}: {linearizable} linearizable, {broken:?}, {undecided} undecided");
    for rule in rules {
        let count = broken.get(rule).copied().unwrap_or(0);
        assert!(count > cases(CASES) / 1000, "{rule:?} was broken only {count} times: too few to mean anything");
    }
}

#[test]
fn fifo_queues_agree_with_the_definition() {
    use Rule::{LeftBehind, NeverPut, NotEmpty, Overtaken, TakenBeforePut, TakenTwice};
    agrees_with_the_definition(Order::Oldest, &[NeverPut, TakenTwice, TakenBeforePut, Overtaken, LeftBehind, NotEmpty]);
}

#[test]
fn queues_in_any_order_agree_with_the_definition() {
    use Rule::{NeverPut, NotEmpty, TakenBeforePut, TakenTwice};
    agrees_with_the_definition(Order::Any, &[NeverPut, TakenTwice, TakenBeforePut, NotEmpty]);
}

#[test]
fn stacks_agree_with_the_definition() {
    use Rule::{Entangled, NeverPut, NotEmpty, TakenBeforePut, TakenTwice};
    agrees_with_the_definition(Order::Newest, &[NeverPut, TakenTwice, TakenBeforePut, NotEmpty, Entangled]);
}

#[test]
fn the_blocked_return_is_the_first_that_cannot_be_passed() {
    for (seed, order) in (0..cases(CASES) as u64).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let history = random_history(1 << 40 | seed, OPERATIONS, order);
        let (decide, elements) = (order.decide(), elements_of(&history));
        let Judgement::Impossible(refutation) = decide(&history, elements) else { continue };
        let row = first_blocked(&history, &refutation, PoolAction::kin, &|history| decide(history, elements));
        let story = || format!("seed {seed}, {order:?}, row {row}\n{}", printed(&history));
        assert!(!is_linearizable(&before(&history, row + 1), order), "{}", story());
        assert!(is_linearizable(&before(&history, row), order), "{}", story());
    }
}

/// The history without the returns from `row` on.
fn before<A: Copy>(history: &[Operation<A>], row: u32) -> Vec<Operation<A>> {
    let known = |o: &Operation<A>| if o.completion < row { o.completion } else { NEVER };
    history.iter().map(|o| Operation { completion: known(o), ..*o }).collect()
}

#[test]
fn a_refutation_is_impossible_by_itself_and_nothing_can_be_left_out_of_it() {
    for (seed, order) in (0..cases(CASES) as u64).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let history = random_history(2 << 40 | seed, OPERATIONS, order);
        let Judgement::Impossible(refutation) = order.decide()(&history, elements_of(&history)) else { continue };
        let told = part(&history, &refutation);
        let story = |what: &History| {
            format!("seed {seed}, {order:?}, {refutation:?}\n{}\n{}", printed(&history), printed(what))
        };
        assert!(!is_linearizable(&told, order), "{}", story(&told));

        let smallest = blame(&history, refutation.clone(), order.decide());
        let told = part(&history, &smallest);
        assert!(!is_linearizable(&told, order), "{}", story(&told));
        for element in 0..elements_of(&history) as u32 {
            let is_other = |o: &&Operation<_>| ![Put(element), Take(element)].contains(&o.action);
            let rest: History = told.iter().filter(is_other).copied().collect();
            assert!(rest.len() == told.len() || is_linearizable(&rest, order), "without {element}: {}", story(&told));
        }
    }
}

fn part(history: &History, refutation: &Refutation) -> History {
    refutation.parts.iter().map(|part| history[part.operation as usize]).collect()
}

#[test]
fn elements_of_a_set_agree_with_the_definition() {
    let mut broken: BTreeMap<Rule, usize> = BTreeMap::new();
    for seed in 0..cases(CASES) as u64 {
        let history = random_element(seed, OPERATIONS);
        let story = || format!("seed {seed}\n{}", oracle::printed(&history));
        let expected = oracle::is_linearizable(&history);
        match element(&history) {
            Judgement::Linearizable => assert!(expected, "impossible, {}", story()),
            Judgement::Impossible(refutation) => {
                assert!(!expected, "linearizable, not {refutation:?}, {}", story());
                let part = |part: &Part| history[part.operation as usize];
                let told: oracle::Operations = refutation.parts.iter().map(part).collect();
                assert!(!oracle::is_linearizable(&told), "{refutation:?} proves nothing, {}", story());
                let row = first_blocked(&history, &refutation, kin_in_a_set, &element);
                assert!(!oracle::is_linearizable(&before(&history, row + 1)), "{refutation:?}, row {row}, {}", story());
                assert!(oracle::is_linearizable(&before(&history, row)), "{refutation:?}, row {row}, {}", story());
                *broken.entry(refutation.rule).or_default() += 1;
            }
            Judgement::Undecided => panic!("there is one add, {}", story()),
        }
    }
    println!("elements: {broken:?}");
    for rule in [Rule::NeverAdded, Rule::TakenTwice, Rule::SeenOutOfTime, Rule::SeenAndUnseen, Rule::Vanished] {
        let count = broken.get(&rule).copied().unwrap_or(0);
        assert!(count > cases(CASES) / 1000, "{rule:?} was broken only {count} times: too few to mean anything");
    }
}

#[test]
fn growing_sets_read_as_a_whole_agree_with_the_definition() {
    let mut broken: BTreeMap<Rule, usize> = BTreeMap::new();
    for seed in 0..cases(CASES) as u64 {
        let history = random_snapshots(seed, OPERATIONS);
        let Snapshots { operations, reads, elements } = &history;
        let story = || format!("seed {seed}\n{operations:?}\n{reads:?}");
        let expected = is_explicable(&history, operations);
        let judge = |operations: &[Operation<SetAction>]| snapshots(operations, *elements, reads);
        match judge(operations) {
            Judgement::Linearizable => assert!(expected, "impossible, {}", story()),
            Judgement::Impossible(refutation) => {
                assert!(!expected, "linearizable, not {refutation:?}, {}", story());
                let row = first_blocked(operations, &refutation, kin_of_snapshots, &judge);
                let [until, with] = [row, row + 1].map(|row| is_explicable(&history, &before(operations, row)));
                assert!(until && !with, "{refutation:?}, row {row}, {}", story());
                assert!(tells_enough(&history, &refutation), "{refutation:?} proves nothing, {}", story());
                *broken.entry(refutation.rule).or_default() += 1;
            }
            Judgement::Undecided => panic!("elements are distinct, {}", story()),
        }
    }
    println!("snapshots: {broken:?}");
    for rule in [Rule::NeverAdded, Rule::SeenOutOfTime, Rule::Forked, Rule::Vanished] {
        let count = broken.get(&rule).copied().unwrap_or(0);
        assert!(count > cases(CASES) / 1000, "{rule:?} was broken only {count} times: too few to mean anything");
    }
}

/// Whether the operations of a refutation are impossible by themselves, once all other elements are forgotten.
fn tells_enough(history: &Snapshots, refutation: &Refutation) -> bool {
    let told: Vec<Operation<SetAction>> =
        refutation.parts.iter().map(|part| history.operations[part.operation as usize]).collect();
    let is_added = |element: &u32| history.operations.iter().any(|o| o.action == Add(*element));
    let is_told = |element: &u32| told.iter().any(|o| o.action == Add(*element)) || !is_added(element);
    let reads = history.reads.iter().map(|seen| seen.iter().copied().filter(is_told).collect()).collect();
    let few = Snapshots { operations: told.clone(), reads, elements: history.elements };
    !is_explicable(&few, &few.operations)
}
