//! Pools and sets with distinct elements against the definition, on random small histories. SCHRODINGER_FUZZ_CASES sets how many.

mod oracle;
mod pools;

use std::collections::BTreeMap;

use oracle::{Random, cases};
use pools::element::random_element;
use pools::snapshots::{Snapshots, is_explicable, random_snapshots};
use pools::{History, ORDERS, Order, elements_of, is_linearizable, printed, random_history};
use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::models::SetAction::{self, Add};
use schrodinger_checkers::objects::PoolAction::{self, Put, Take, TakeUnknown};
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
        let is_known = decide(&before(&history, row), elements) != Judgement::Undecided;
        assert!(!is_known || is_linearizable(&before(&history, row), order), "{}", story());
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

/// What a judgement says, whatever it is based on.
fn kind(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Linearizable => "linearizable",
        Judgement::Impossible(_) => "impossible",
        Judgement::Undecided => "undecided",
    }
}

#[test]
fn what_elements_are_called_and_how_far_rows_are_apart_does_not_matter() {
    for (seed, order) in (0..cases(CASES) as u64).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let history = random_history(3 << 40 | seed, 30, order);
        let elements = elements_of(&history);
        let mut random = Random(seed);
        let mut names: Vec<u32> = (0..elements as u32).collect();
        (1..elements).for_each(|place| names.swap(place, random.below(place + 1)));
        let spread = |row: u32| if row == NEVER { NEVER } else { 3 * row + 5 };
        let renamed: History = history.iter().map(|o| renamed(o, &names, spread)).collect();
        let [expected, found] = [&history, &renamed].map(|history| order.decide()(history, elements));
        assert_eq!(kind(&found), kind(&expected), "seed {seed}, {order:?}\n{}", printed(&history));
    }
}

fn renamed(o: &Operation<PoolAction>, names: &[u32], spread: impl Fn(u32) -> u32) -> Operation<PoolAction> {
    let action = match o.action {
        Put(element) => Put(names[element as usize]),
        Take(element) => Take(names[element as usize]),
        other => other,
    };
    Operation { invocation: spread(o.invocation), completion: spread(o.completion), action }
}

#[test]
fn an_element_that_nobody_observes_changes_nothing_and_an_unknown_take_never_hurts() {
    for (seed, order) in (0..cases(CASES) as u64).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let history = random_history(4 << 40 | seed, 20, order);
        let elements = elements_of(&history);
        let expected = order.decide()(&history, elements);
        let story = || format!("seed {seed}, {order:?}, {expected:?}\n{}", printed(&history));
        let mut random = Random(seed);
        let apart = |row: u32| if row == NEVER { NEVER } else { 2 * row };
        let mut more: History = history.clone();
        more.iter_mut().for_each(|o| (o.invocation, o.completion) = (apart(o.invocation), apart(o.completion)));
        let end = more.iter().map(|o| o.invocation.max(o.completion.wrapping_add(1))).max().unwrap_or(0) + 2;
        let somewhere = 2 * random.below(end as usize / 2) as u32 + 1;

        let with = |invocation: u32, completion: u32, action: PoolAction| {
            let mut more = more.clone();
            more.push(Operation { invocation, completion, action });
            more.sort_by_key(|o| o.invocation);
            order.decide()(&more, elements + 1)
        };
        let unknown_put = with(somewhere, NEVER, Put(elements as u32));
        assert_eq!(kind(&unknown_put), kind(&expected), "{}", story());
        let last_put = with(end + 1, end + 2, Put(elements as u32));
        assert_eq!(kind(&last_put), kind(&expected), "{}", story());
        let unknown_take = with(somewhere, NEVER, TakeUnknown);
        let is_worse = expected == Judgement::Linearizable && matches!(unknown_take, Judgement::Impossible(_));
        assert!(!is_worse, "{unknown_take:?}, {}", story());
    }
}
