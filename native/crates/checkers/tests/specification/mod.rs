//! What objects are, by definition: which states can follow when an operation happens, and what a client of such an object sees.
//!
//! Written down a second time, with plain lists for states and nothing clever, to measure the models and the search against.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeSet, HashSet};

use crate::oracle::Random;

/// A list; each object says what it stands for.
pub type State = Vec<i64>;

/// What an operation was asked, or told; nothing is nil.
pub type Value = Option<Vec<i64>>;

/// One operation as the history has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub function: &'static str,
    pub key: Option<i64>,
    pub argument: Value,
    /// What it returned, if anybody knows.
    pub result: Option<Value>,
    pub process: i32,
    pub row: u32,
    /// The row of the return, if it certainly happened.
    pub end: Option<u32>,
    pub failed: bool,
}

/// An object by its name.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    pub model: &'static str,
}

pub const OBJECTS: [&str; 13] = [
    "counter",
    "set",
    "fifo-queue",
    "unordered-queue",
    "priority-queue",
    "stack",
    "mutex",
    "owner-aware-mutex",
    "reentrant-mutex",
    "fenced-mutex",
    "reentrant-fenced-mutex",
    "multi-register",
    "key-value",
];

const FREE: i64 = -1;
const NIL: i64 = -1;
const UNKNOWN_TOKEN: i64 = -1;
const KEYS: usize = 3;

/// No token of a random history is as large.
const MOST_TOKENS: i64 = 35;

impl Object {
    pub fn functions(self) -> Vec<&'static str> {
        match self.model {
            "counter" => vec!["add", "increment", "decrement", "read"],
            "set" => vec!["add", "remove", "contains", "read-all"],
            "fifo-queue" | "unordered-queue" | "priority-queue" => vec!["enqueue", "dequeue"],
            "stack" => vec!["push", "pop"],
            "multi-register" => vec!["txn"],
            "key-value" => vec!["get", "put", "cas", "txn"],
            _ => vec!["acquire", "release"],
        }
    }

    pub fn initial(self) -> State {
        match self.model {
            "counter" => vec![0],
            "mutex" => vec![0],
            // Owner, how often, the token of the hold, the largest token of any hold before.
            "owner-aware-mutex" | "reentrant-mutex" | "fenced-mutex" | "reentrant-fenced-mutex" => {
                vec![FREE, 0, UNKNOWN_TOKEN, 0]
            }
            "multi-register" | "key-value" => vec![NIL; KEYS],
            _ => vec![],
        }
    }

    fn is_reentrant(self) -> bool {
        self.model.starts_with("reentrant")
    }

    fn is_fenced(self) -> bool {
        self.model.contains("fenced")
    }

    /// Every pair of what can be returned and the state afterwards, if `function` happens in `state`.
    pub fn outcomes(self, state: &State, call: &Call) -> Vec<(Value, State)> {
        let element = call.argument.as_ref().and_then(|values| values.first().copied());
        let told = call.argument.clone();
        match (self.model, call.function) {
            ("counter", "read") => vec![(Some(state.clone()), state.clone())],
            ("counter", function) => {
                let amount = if function == "decrement" { -element.unwrap_or(1) } else { element.unwrap_or(1) };
                vec![(told, vec![state[0] + amount])]
            }
            ("set", "read-all") => vec![(Some(state.clone()), state.clone())],
            ("set", function) => set_outcomes(state, function, element.unwrap_or_default()),
            ("fifo-queue", "enqueue") | ("stack", "push") => {
                vec![(told, state.iter().copied().chain(element).collect())]
            }
            ("unordered-queue" | "priority-queue", "enqueue") => {
                let mut bag: State = state.iter().copied().chain(element).collect();
                bag.sort_unstable();
                vec![(told, bag)]
            }
            ("fifo-queue" | "unordered-queue" | "priority-queue" | "stack", _) => self.taken(state),
            ("mutex", "acquire") => {
                if state[0] == 0 {
                    vec![(told, vec![1])]
                } else {
                    vec![]
                }
            }
            ("mutex", _) => {
                if state[0] == 1 {
                    vec![(told, vec![0])]
                } else {
                    vec![]
                }
            }
            ("multi-register" | "key-value", _) => store_outcomes(state, call),
            _ => self.lock_outcomes(state, call),
        }
    }

    /// What can be taken out.
    fn taken(self, state: &State) -> Vec<(Value, State)> {
        if state.is_empty() {
            return vec![(None, vec![])];
        }
        let places: Vec<usize> = match self.model {
            // What a priority queue holds is sorted.
            "fifo-queue" | "priority-queue" => vec![0],
            "stack" => vec![state.len() - 1],
            _ => (0..state.len()).collect(),
        };
        let without = |place: usize| {
            let mut rest = state.clone();
            let element = rest.remove(place);
            (Some(vec![element]), rest)
        };
        places.into_iter().map(without).collect()
    }

    fn lock_outcomes(self, state: &State, call: &Call) -> Vec<(Value, State)> {
        let asked = call.argument.clone().unwrap_or_default();
        let owner = asked.first().copied().unwrap_or(i64::from(call.process));
        let [holder, count, token, last] = state[..] else { unreachable!("four numbers are a lock") };
        if call.function == "release" {
            return match (holder == owner, count) {
                (false, _) => vec![],
                (true, 1) => vec![(call.argument.clone(), vec![FREE, 0, UNKNOWN_TOKEN, token.max(last)])],
                (true, _) => vec![(call.argument.clone(), vec![holder, count - 1, token, last])],
            };
        }
        let tokens: Vec<i64> = match holder {
            FREE if self.is_fenced() => (last + 1..MOST_TOKENS).collect(),
            FREE => vec![UNKNOWN_TOKEN],
            _ if holder == owner && self.is_reentrant() => vec![token],
            _ => vec![],
        };
        let mut outcomes = Vec::new();
        for token in tokens {
            let after = vec![owner, if holder == FREE { 1 } else { count + 1 }, token, last];
            if self.is_fenced() {
                outcomes.push((Some(asked.iter().copied().chain([token]).collect()), after.clone()));
            }
            outcomes.push((call.argument.clone(), after));
        }
        outcomes
    }

    /// The states that can follow when `call` happened and returned what it is known to have.
    pub fn after(self, state: &State, call: &Call) -> Vec<State> {
        let outcomes = self.outcomes(state, call).into_iter();
        let agrees = |(told, after): (Value, State)| match &call.result {
            Some(known) => (*known == told).then_some(after),
            None => Some(after),
        };
        let states: BTreeSet<State> = outcomes.filter_map(agrees).collect();
        states.into_iter().collect()
    }

    /// A random operation to try; `fresh` is an element that nobody had.
    pub fn wish(self, random: &mut Random, distinct: bool, fresh: &mut i64, process: i32) -> Call {
        let functions = self.functions();
        let function = functions[random.below(functions.len())];
        *fresh += 1;
        let element = if distinct && self.model == "priority-queue" {
            *fresh * 7 % 31
        } else if distinct && !matches!(self.model, "set") {
            *fresh
        } else {
            random.below(3) as i64
        };
        let key = random.below(KEYS) as i64;
        let (key, argument) = match (self.model, function) {
            ("counter", "add") => (None, Some(vec![random.below(5) as i64 - 1])),
            ("counter", _) => (None, None),
            ("set", "read-all") => (None, None),
            ("set", _) | (_, "enqueue" | "push") => (None, Some(vec![element])),
            (_, "dequeue" | "pop") | ("mutex", _) => (None, None),
            ("key-value", "get") => (Some(key), None),
            ("key-value", "put") => (Some(key), Some(vec![element])),
            ("key-value", "cas") => (Some(key), Some(vec![random.below(3) as i64, element])),
            (_, "txn") => (None, Some(transaction(random, element))),
            _ => (None, random.chance(80).then(|| vec![random.below(3) as i64])),
        };
        Call { function, key, argument, result: None, process, row: 0, end: None, failed: false }
    }

    /// Whether an operation of unknown end may be left out without another word: it only looks.
    pub fn only_observes(self, call: &Call) -> bool {
        matches!(call.function, "read" | "contains" | "read-all" | "get")
    }
}

fn set_outcomes(state: &State, function: &str, element: i64) -> Vec<(Value, State)> {
    let was_there = state.contains(&element);
    let is_there = match function {
        "add" => true,
        "remove" => false,
        _ => was_there,
    };
    let mut after: BTreeSet<i64> = state.iter().copied().collect();
    if is_there {
        after.insert(element);
    } else {
        after.remove(&element);
    }
    let after: State = after.into_iter().collect();
    let flag = i64::from(if function == "contains" { was_there } else { was_there != is_there });
    let mut told = vec![Some(vec![element, flag])];
    if function != "contains" {
        told.push(Some(vec![element]));
    }
    told.into_iter().map(|told| (told, after.clone())).collect()
}

/// Steps end to end, as a history has them: `0 key -1` reads, `2 key 1 value` writes.
fn transaction(random: &mut Random, element: i64) -> Vec<i64> {
    let mut steps = Vec::new();
    for _ in 0..1 + random.below(3) {
        let key = random.below(KEYS) as i64;
        steps.extend(if random.chance(50) { vec![0, key, -1] } else { vec![2, key, 1, element] });
    }
    steps
}

fn store_outcomes(state: &State, call: &Call) -> Vec<(Value, State)> {
    let mut store = state.clone();
    let asked = call.argument.clone().unwrap_or_default();
    let Some(key) = call.key.map(|key| key as usize) else {
        let mut told = Vec::new();
        let mut rest = &asked[..];
        while let [code, key, count, more @ ..] = rest {
            let here = &mut store[*key as usize];
            if *code == 0 {
                told.extend([0, *key]);
                told.extend(if *here == NIL { vec![0] } else { vec![1, *here] });
                rest = more;
            } else {
                *here = more[0];
                told.extend([2, *key, *count, *here]);
                rest = &more[1..];
            }
        }
        return vec![(Some(told), store)];
    };
    match call.function {
        "get" => vec![((store[key] != NIL).then(|| vec![store[key]]), store)],
        "put" => {
            store[key] = asked[0];
            vec![(call.argument.clone(), store)]
        }
        _ if store[key] == asked[0] => {
            store[key] = asked[1];
            vec![(call.argument.clone(), store)]
        }
        _ => vec![],
    }
}

/// The definition: some order of all operations that certainly happened and of some that may have, in which nothing comes before what
/// had returned before it was called, leads from one possible state to the next.
pub fn explains(object: Object, calls: &[Call]) -> bool {
    assert!(calls.len() <= 16, "brute force is for small histories");
    let mut seen = HashSet::new();
    explore(object, calls, (1 << calls.len()) - 1, &object.initial(), &mut seen)
}

fn explore(object: Object, calls: &[Call], left: u32, state: &State, seen: &mut HashSet<(u32, State)>) -> bool {
    let remaining: Vec<usize> = (0..calls.len()).filter(|index| left & (1 << index) != 0).collect();
    if remaining.iter().all(|&index| calls[index].end.is_none()) {
        return true;
    }
    if !seen.insert((left, state.clone())) {
        return false;
    }
    remaining.iter().any(|&index| {
        let comes_too_early = remaining.iter().any(|&other| calls[other].end.is_some_and(|end| end < calls[index].row));
        !comes_too_early
            && object
                .after(state, &calls[index])
                .iter()
                .any(|after| explore(object, calls, left & !(1 << index), after, seen))
    })
}

/// The first return that can't be passed: what had not returned may or may not have happened, with the result that it had in the end.
pub fn first_blocked(object: Object, calls: &[Call]) -> Option<u32> {
    let mut ends: Vec<u32> = calls.iter().filter_map(|call| call.end).collect();
    ends.sort_unstable();
    ends.into_iter().find(|&end| !explains(object, &before(calls, end + 1)))
}

/// The history as it was just before `row`.
pub fn before(calls: &[Call], row: u32) -> Vec<Call> {
    let called = calls.iter().filter(|call| call.row < row);
    called.map(|call| Call { end: call.end.filter(|&end| end < row), ..call.clone() }).collect()
}

/// A history that a real object produced: every operation takes effect at one instant between call and return, and those of unknown
/// end at some instant after the call, or never. Failed operations are left out of the list.
pub fn produced(object: Object, random: &mut Random, most_operations: usize) -> Vec<Call> {
    let (operations, processes) = (1 + random.below(most_operations), 1 + random.below(4));
    let (distinct, info) = (random.chance(50), [0, 10, 30, 60][random.below(4)]);
    let mut ids: Vec<i32> = (0..processes as i32).collect();
    let mut open: Vec<Option<(Call, bool)>> = vec![None; processes];
    let (mut lost, mut done): (Vec<Call>, Vec<Call>) = (Vec::new(), Vec::new());
    let (mut state, mut row, mut called, mut fresh, mut next_id) = (object.initial(), 0, 0, 0, processes as i32);
    while called < operations || open.iter().any(Option::is_some) {
        if !lost.is_empty() && random.chance(20) {
            let late = lost.swap_remove(random.below(lost.len()));
            perform(object, random, &mut state, &late);
        }
        let who = random.below(processes);
        match open[who].take() {
            None if called < operations => {
                let call = Call { row, ..object.wish(random, distinct, &mut fresh, ids[who]) };
                open[who] = Some((call, false));
                called += 1;
                row += 1;
            }
            None => {}
            Some((call, false)) if random.chance(info) => {
                if random.chance(60) {
                    lost.push(call.clone());
                }
                if !object.only_observes(&call) {
                    done.push(call);
                }
                ids[who] = next_id;
                next_id += 1;
                row += 1;
            }
            Some((call, false)) => {
                let result = perform(object, random, &mut state, &call);
                open[who] = Some((Call { failed: result.is_none(), result, ..call }, true));
            }
            Some((call, true)) => {
                if !call.failed {
                    done.push(Call { end: Some(row), ..call });
                }
                row += 1;
            }
        }
    }
    done.sort_by_key(|call| call.row);
    done
}

fn perform(object: Object, random: &mut Random, state: &mut State, call: &Call) -> Option<Value> {
    let outcomes = object.outcomes(state, call);
    if outcomes.is_empty() {
        return None;
    }
    // A lock hands out one of the next few tokens, and begins with one that leaves room for others before it.
    let skipped = if outcomes.len() > 2 * (MOST_TOKENS - 10) as usize { 20 } else { 0 };
    let (told, after) = outcomes[skipped + random.below((outcomes.len() - skipped).min(4))].clone();
    *state = after;
    Some(told)
}

/// Spoil a history: an operation is dropped, told twice, or what two returned changes places, or one returned what another did.
pub fn spoil(random: &mut Random, calls: &mut Vec<Call>) {
    let known: Vec<usize> = (0..calls.len()).filter(|&index| calls[index].end.is_some()).collect();
    if known.is_empty() {
        return;
    }
    let one = known[random.below(known.len())];
    let alike: Vec<usize> = known
        .iter()
        .copied()
        .filter(|&other| calls[other].function == calls[one].function && calls[other].key == calls[one].key)
        .collect();
    let other = alike[random.below(alike.len())];
    match random.below(6) {
        0 => drop(calls.remove(one)),
        1 => swap_results(calls, one, other),
        2 if calls.len() < 9 => {
            let last = calls.iter().flat_map(|call| call.end.into_iter().chain([call.row])).max().unwrap_or(0);
            let again = Call { row: last + 1, end: Some(last + 2), ..calls[one].clone() };
            calls.push(again);
        }
        3 if calls[one].argument == calls[other].argument => calls[one].result = calls[other].result.clone(),
        3 => {}
        _ => spoil_value(random, &mut calls[one]),
    }
}

/// Another value was read, or it was another owner.
fn spoil_value(random: &mut Random, call: &mut Call) {
    let other = random.below(3) as i64;
    let ends_in_a_read = call.argument.as_ref().is_none_or(|asked| asked.last() == Some(&-1));
    match (call.function, &mut call.result) {
        ("acquire" | "release", Some(Some(told))) if call.argument.is_some() && !told.is_empty() => {
            told[0] = other;
            call.argument = Some(vec![other]);
        }
        ("add" | "remove" | "contains", Some(Some(told))) if told.len() == 2 => told[1] = 1 - told[1],
        ("read" | "dequeue" | "pop" | "get" | "txn", Some(Some(told))) if ends_in_a_read && told.last() != Some(&0) => {
            told.pop();
            told.push(other);
        }
        _ => {}
    }
}

fn swap_results(calls: &mut [Call], one: usize, other: usize) {
    let (first, second) = (calls[one].clone(), calls[other].clone());
    (calls[one].argument, calls[one].result) = (second.argument, second.result);
    (calls[other].argument, calls[other].result) = (first.argument, first.result);
}

/// One operation a line, for a person to read.
pub fn printed(calls: &[Call]) -> String {
    let line = |call: &Call| {
        let end = call.end.map_or("?".to_owned(), |end| end.to_string());
        let Call { row, process, function, key, argument, result, .. } = call;
        format!("{row:>3} .. {end:>2}  {process}: {function} {key:?} {argument:?} -> {result:?}\n")
    };
    calls.iter().map(line).collect()
}
