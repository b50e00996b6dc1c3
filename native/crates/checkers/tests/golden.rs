//! Histories of queues and stacks from the literature, by name.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod oracle;
mod pools;

use pools::{History, Order, elements_of, is_linearizable};
use schrodinger_checkers::linearizable::Operation;
use schrodinger_checkers::objects::PoolAction::{Empty, Put, Take, TakeUnknown};
use schrodinger_checkers::objects::{Judgement, Rule};
use schrodinger_checkers::pairing::NEVER;

/// Operations from words like `+1` (put 1), `-1` (take 1), `-` (empty) and `-?` (unknown), each with the rows of its call and return.
fn history(text: &str) -> History {
    let operations = text.split(';').map(|operation| {
        let mut words = operation.split_whitespace();
        let (what, call, ret) = (words.next().expect("an action"), words.next(), words.next());
        let number = |word: Option<&str>| word.map_or(NEVER, |word| word.parse().expect("a row"));
        let element = || what[1..].parse().expect("an element");
        let action = match what {
            "-" => Empty,
            "-?" => TakeUnknown,
            _ if what.starts_with('+') => Put(element()),
            _ => Take(element()),
        };
        Operation { invocation: number(call), completion: number(ret), action }
    });
    let mut operations: History = operations.collect();
    operations.sort_by_key(|operation| operation.invocation);
    operations
}

fn breaks(order: Order, text: &str) -> Option<Rule> {
    let history = history(text);
    let broken = match order.decide()(&history, elements_of(&history)) {
        Judgement::Linearizable => None,
        Judgement::Impossible(refutation) => Some(refutation.rule),
        Judgement::Undecided => panic!("elements are distinct"),
    };
    assert_eq!(broken.is_none(), is_linearizable(&history, order), "the definition differs: {text}");
    broken
}

#[test]
fn the_four_queues_of_herlihy_and_wing() {
    // "Linearizability: A Correctness Condition for Concurrent Objects" (1990), figure 1, with x = 1, y = 2, z = 3.
    let concurrent_enqueues = "+1 0 2; +2 1 3; -2 4 5; -1 6 7; +3 8 9";
    assert_eq!(breaks(Order::Oldest, concurrent_enqueues), None);
    let enqueues_in_order = "+1 0 1; +2 2 3; -2 4 6; -1 5 7";
    assert_eq!(breaks(Order::Oldest, enqueues_in_order), None, "the dequeues overlap");
    assert_eq!(breaks(Order::Oldest, "+1 0 1; +2 2 3; -2 4 5"), Some(Rule::LeftBehind));
    assert_eq!(breaks(Order::Oldest, "+1 0; -1 1 2"), None, "an enqueue that has not returned may have happened");
    assert_eq!(breaks(Order::Oldest, "+1 0 1; +2 2 3; -1 4 8; -2 5 6; -2 7 9"), Some(Rule::TakenTwice));
}

#[test]
fn the_four_violations_of_henzinger_sezgin_and_vafeiadis() {
    // "Aspect-Oriented Linearizability Proofs" (2013): fresh, repeat, order and witness.
    assert_eq!(breaks(Order::Oldest, "-1 0 1"), Some(Rule::NeverPut), "VFresh");
    assert_eq!(breaks(Order::Oldest, "-1 0 1; +1 2 3"), Some(Rule::TakenBeforePut), "VFresh");
    assert_eq!(breaks(Order::Oldest, "+1 0 1; -1 2 3; -1 4 5"), Some(Rule::TakenTwice), "VRepet");
    assert_eq!(breaks(Order::Oldest, "+1 0 1; +2 2 3; -2 4 5; -1 6 7"), Some(Rule::Overtaken), "VOrd");
    // Elements follow each other so that at every instant of the empty dequeue one of them is certainly inside.
    let relay = "+1 0 1; - 2 9; +2 3 4; -1 5 10; +3 6 7; -2 8 11; -3 12 13";
    assert_eq!(breaks(Order::Oldest, relay), Some(Rule::NotEmpty), "VWit");
    assert_eq!(breaks(Order::Newest, relay), Some(Rule::NotEmpty));
    assert_eq!(
        breaks(
            Order::Oldest,
            &relay.replace("-1 5 10", "-1 2 10").replace("- 2 9", "- 3 9").replace("+2 3 4", "+2 4 5")
        ),
        None
    );
}

#[test]
fn stacks_that_tell_right_rules_from_wrong_ones() {
    // From the histories that come with Abdulla et al., "Efficient Linearizability Monitoring" (PLDI 2025).
    let figure_9 = "+1 0 1; -1 2 5; +2 3 7; +4 4 12; -4 6 15; +3 8 9; -2 10 11; -3 13 14";
    assert_eq!(breaks(Order::Newest, figure_9), Some(Rule::Entangled));
    let figure_11 = "+1 0 2; +2 1 4; - 3 10; -1 5 6; +3 7 8; -2 9 12; -3 11 13";
    assert_eq!(breaks(Order::Newest, figure_11), Some(Rule::NotEmpty));
    assert_eq!(breaks(Order::Newest, &figure_11.replace("- 3 10; ", "")), None);
    assert_eq!(breaks(Order::Newest, FIXPOINT), Some(Rule::Entangled));
    let trap = "+0 0 1; +1 2 3; +2 4 5; -1 6 8; -2 7 11; +3 9 10; -3 12 13; -0 14 15";
    assert_eq!(breaks(Order::Newest, trap), None);
    let elimination = "+1 0 2; -1 1 3; +2 4 7; +3 5 6; -3 8 10; +4 9 11; -4 12 13; -2 14 15";
    assert_eq!(breaks(Order::Newest, elimination), None);
}

/// The history `fixpoint` of the same collection.
const FIXPOINT: &str = "+1 0 1; +2 2 6; +3 3 4; -1 5 11; +4 7 9; -3 8 15; -2 10 13; -4 12 14";

#[test]
fn rules_about_pairs_of_elements_are_not_enough_for_a_stack() {
    // Four elements are entangled though any three of them make a possible history, so no rule that looks at fewer sees it.
    for left_out in ["1", "2", "3", "4"] {
        let is_other = |operation: &&str| !operation.trim()[1..].starts_with(left_out);
        let rest: Vec<&str> = FIXPOINT.split(';').filter(is_other).collect();
        assert_eq!(breaks(Order::Newest, &rest.join(";")), None, "without {left_out}");
    }
}

#[test]
fn a_take_that_nobody_knows_about_explains_one_element_and_not_two() {
    let overtaken = "+1 0 1; +2 2 3; +3 4 5; -3 8 9";
    assert_eq!(breaks(Order::Oldest, overtaken), Some(Rule::LeftBehind));
    assert_eq!(breaks(Order::Oldest, &format!("{overtaken}; -? 6")), Some(Rule::LeftBehind));
    assert_eq!(breaks(Order::Oldest, &format!("{overtaken}; -? 6; -? 7")), None);
    assert_eq!(breaks(Order::Oldest, &format!("{overtaken}; -? 6; -? 10")), Some(Rule::LeftBehind), "called too late");
    let beneath = "+1 0 1; +2 2 3; -1 8 9";
    assert_eq!(breaks(Order::Newest, beneath), Some(Rule::Entangled));
    assert_eq!(breaks(Order::Newest, &format!("{beneath}; -? 4")), None);
    assert_eq!(breaks(Order::Newest, &format!("{beneath}; -? 10")), Some(Rule::Entangled), "called too late");
    let empty = "+1 0 1; +2 2 3; - 6 7";
    for order in [Order::Oldest, Order::Newest, Order::Any] {
        assert_eq!(breaks(order, &format!("{empty}; -? 4")), Some(Rule::NotEmpty));
        assert_eq!(breaks(order, &format!("{empty}; -? 4; -? 5")), None);
    }
}
