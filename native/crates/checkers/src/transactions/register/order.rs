//! The order of the versions of each key, inferred: which version is directly before which others, as far as anybody can know.
//!
//! Each assumption gives edges between versions ([`Because`]). They are joined in one graph; where that has a circle, the assumptions
//! contradict what was seen, which is told (*cyclic-versions*), and nothing more is inferred of the key. What is left is acyclic.
//!
//! *Linearizable keys* is an interval order of versions: one comes before another if some transaction that touched it had completed before
//! some transaction that touched the other was invoked. So each version has an earliest completion and a latest invocation, and comes
//! before all whose latest invocation is later than its earliest completion (Gibbons and Korach, "Testing Shared Memories", 1997). Of these only
//! the ones up to the next completion are kept: the others follow. Sorted by invocation, that is a range, and a [`Fan`] covers it.

use std::ops::Range;

use super::Inferences;
use super::versions::{NONE, Touch, Versions};
use crate::pairing::{NEVER, Outcome};
use crate::transactions::components::{Only, cyclic_components};
use crate::transactions::decode::Transactions;
use crate::transactions::fan::Fan;
use crate::transactions::graph::{Edges, Graph, NO_KEY, WW};

/// Why one version is known to be before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// A transaction read one and wrote the other.
    WritesFollowReads,
    /// The database gave them numbers.
    DatabaseVersions,
    /// Nobody wrote the initial one.
    InitialState,
    /// A process saw one after the other.
    SequentialKeys,
    /// One had been seen before somebody began to whom the other showed.
    LinearizableKeys,
}

impl Because {
    /// Its name, as users say it.
    pub fn name(self) -> &'static str {
        match self {
            Because::WritesFollowReads => "writes-follow-reads",
            Because::DatabaseVersions => "database-versions",
            Because::InitialState => "initial-state",
            Because::SequentialKeys => "sequential-keys",
            Because::LinearizableKeys => "linearizable-keys",
        }
    }
}

/// The versions of all keys that are known to come directly after others.
#[derive(Debug, Default)]
pub struct Orders {
    /// Pairs of versions, sorted, each once.
    pub direct: Vec<(u32, u32)>,
    /// By version: those at these places of [`Orders::sorted`], but not itself.
    pub later: Vec<Range<u32>>,
    /// All versions, key by key, and of one key by their latest invocation; empty unless keys are assumed to be linearizable.
    pub sorted: Vec<u32>,
    /// By version: its place in [`Orders::sorted`].
    pub place: Vec<u32>,
    /// By key: its places in [`Orders::sorted`].
    pub places_of: Vec<Range<u32>>,
    /// By key: whether its order contradicts itself.
    pub is_cyclic: Vec<bool>,
    /// For each such key a shortest circle of versions.
    pub circles: Vec<Vec<u32>>,
    /// By version: the earliest completion of a transaction that touched it, and one more than the latest invocation of one.
    pub spans: Vec<(u32, u32)>,
    /// What was assumed.
    pub inferences: Inferences,
}

/// Infer all orders.
pub fn orders(transactions: &Transactions, versions: &Versions, inferences: Inferences) -> Orders {
    let mut orders = Orders {
        later: vec![0..0; versions.len()],
        is_cyclic: vec![false; transactions.keys.len()],
        inferences,
        ..Orders::default()
    };
    let has_order = |found: u32| inferences.initial_state || (found as usize) < versions.written;
    let follows = versions.touches.iter().filter(|touch| touch.found != NONE && touch.wrote != NONE);
    orders.direct.extend(follows.filter(|t| has_order(t.found)).map(|touch| (touch.found, touch.wrote)));
    if inferences.database_versions {
        database_versions(versions, &mut orders.direct);
    }
    if inferences.sequential_keys {
        sequential_keys(transactions, versions, has_order, &mut orders.direct);
    }
    if inferences.linearizable_keys {
        linearizable_keys(transactions, versions, inferences, &mut orders);
    }
    orders.direct.sort_unstable();
    orders.direct.dedup();
    if inferences.initial_state {
        initial_state(versions, &mut orders);
    }
    exclude_cyclic(versions, &mut orders);
    orders
}

/// Versions to which the database gave a smaller number come before those with the next greater one.
fn database_versions(versions: &Versions, direct: &mut Vec<(u32, u32)>) {
    let key_of = |version: u32| versions.key[version as usize];
    let mut numbered: Vec<(u32, i64, u32)> =
        versions.numbered.iter().map(|&(version, number)| (key_of(version), number, version)).collect();
    numbered.sort_unstable();
    numbered.dedup();
    let same_number: Vec<&[(u32, i64, u32)]> =
        numbered.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)).collect();
    for pair in same_number.windows(2).filter(|pair| pair[0][0].0 == pair[1][0].0) {
        // Versions of one number are in no known order; one of them stands for all, so that there are not too many pairs.
        let (earlier, later) = (pair[0], pair[1]);
        let ends = earlier.iter().map(|one| (one.2, later[0].2));
        direct.extend(
            ends.chain(later[1..].iter().map(|other| (earlier[0].2, other.2))).filter(|(one, other)| one != other),
        );
    }
}

/// What a process touched earlier is not later than what it touches later.
fn sequential_keys(
    transactions: &Transactions,
    versions: &Versions,
    has_order: impl Fn(u32) -> bool,
    direct: &mut Vec<(u32, u32)>,
) {
    // One whose end nobody saw may have happened at any later time; it is the last of its process.
    let may_precede = |touch: &Touch| transactions.outcome[touch.transaction as usize] == Outcome::Ok;
    let mut touches: Vec<(u32, i32, Touch)> = versions
        .touches
        .iter()
        .map(|touch| Touch { found: if has_order(touch.found) { touch.found } else { NONE }, ..*touch })
        .filter(|touch| touch.first() != NONE)
        .map(|touch| (touch.key, transactions.process[touch.transaction as usize], touch))
        .collect();
    touches.sort_unstable_by_key(|&(key, process, touch)| (key, process, touch.transaction));
    for pair in touches.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        let [(.., earlier), (.., later)] = [pair[0], pair[1]];
        if may_precede(&earlier) && earlier.last() != later.first() {
            direct.push((earlier.last(), later.first()));
        }
    }
}

/// What was touched by who had completed is not later than what is touched by who had not begun.
fn linearizable_keys(transactions: &Transactions, versions: &Versions, inferences: Inferences, orders: &mut Orders) {
    let mut spans: Vec<(u32, u32)> = vec![(NEVER, 0); versions.len()];
    for touch in &versions.touches {
        let transaction = touch.transaction as usize;
        for version in [touch.found, touch.wrote].into_iter().filter(|&version| version != NONE) {
            let span = &mut spans[version as usize];
            if transactions.outcome[transaction] == Outcome::Ok {
                span.0 = span.0.min(transactions.completion[transaction]);
            }
            // One more, so that the first row is later than the beginning of time.
            span.1 = span.1.max(transactions.invocation[transaction] + 1);
        }
    }
    // A version that nobody touched takes no part, and the initial one was there before everything.
    let is_there = |version: u32| spans[version as usize].1 > 0;
    let mut sorted: Vec<u32> = (0..versions.len() as u32)
        .filter(|&version| is_there(version) && (inferences.initial_state || (version as usize) < versions.written))
        .collect();
    sorted.sort_unstable_by_key(|&version| (versions.key[version as usize], spans[version as usize].1, version));
    orders.place = vec![NONE; versions.len()];
    (0..).zip(&sorted).for_each(|(place, &version)| orders.place[version as usize] = place);
    orders.places_of = vec![0..0; orders.is_cyclic.len()];
    let mut begin = 0;
    for of_key in sorted.chunk_by(|&one, &other| versions.key[one as usize] == versions.key[other as usize]) {
        let end = begin + of_key.len();
        orders.places_of[versions.key[of_key[0] as usize] as usize] = begin as u32..end as u32;
        let latest = |version: &u32| spans[*version as usize].1;
        // By place from the end: the two earliest completions of the versions from there on, and whose the first is.
        let mut earliest: Vec<[(u32, u32); 2]> = vec![[(NEVER, NONE); 2]; of_key.len() + 1];
        for (place, &version) in of_key.iter().enumerate().rev() {
            let mut both = earliest[place + 1];
            let own = (spans[version as usize].0, version);
            if own < both[0] {
                both = [own, both[0]];
            } else if own < both[1] {
                both[1] = own;
            }
            earliest[place] = both;
        }
        for &version in of_key {
            let completed = spans[version as usize].0;
            if completed == NEVER {
                continue;
            }
            let low = of_key.partition_point(|other| latest(other) <= completed + 1);
            let both = earliest[low];
            let (bound, whose) = if both[0].1 == version { both[1] } else { both[0] };
            let high = of_key.partition_point(|other| latest(other) <= bound.saturating_add(1)).max(low);
            orders.later[version as usize] = (begin + low) as u32..(begin + high) as u32;
            if whose != NONE && orders.place[whose as usize] as usize >= begin + high {
                orders.direct.push((version, whose));
            }
        }
        begin = end;
    }
    orders.spans = spans;
    orders.sorted = sorted;
}

/// The initial version of a key comes before all others, directly before those that come after nothing else.
fn initial_state(versions: &Versions, orders: &mut Orders) {
    let mut has_earlier = vec![false; versions.len()];
    orders.direct.iter().for_each(|&(_, later)| has_earlier[later as usize] = true);
    // How many ranges begin and end at a place.
    let mut bounds = vec![0_i32; orders.sorted.len() + 1];
    for (version, range) in orders.later.iter().enumerate().filter(|(_, range)| !range.is_empty()) {
        bounds[range.start as usize] += 1;
        bounds[range.end as usize] -= 1;
        let own = orders.place[version];
        if range.contains(&own) {
            bounds[own as usize] -= 1;
            bounds[own as usize + 1] += 1;
        }
    }
    let mut open = 0;
    for (place, &version) in orders.sorted.iter().enumerate() {
        open += bounds[place];
        has_earlier[version as usize] |= open > 0;
    }
    let first = versions.touches.iter().filter(|touch| touch.wrote != NONE && !has_earlier[touch.wrote as usize]);
    let initial: Vec<(u32, u32)> = first.map(|touch| (versions.initial(touch.key), touch.wrote)).collect();
    let was_read = |key: u32| !versions.readers.of(versions.initial(key)).is_empty();
    orders.direct.extend(initial.into_iter().filter(|&(initial, _)| was_read(initial - versions.written as u32)));
    orders.direct.sort_unstable();
}

/// Find the keys whose order has a circle, and leave them without any.
fn exclude_cyclic(versions: &Versions, orders: &mut Orders) {
    let mut edges = Edges::default();
    let mut nodes = versions.len() as u32;
    orders.direct.iter().for_each(|&(earlier, later)| edges.add(earlier, later, WW, NO_KEY));
    let fans: Vec<Fan> = orders
        .places_of
        .iter()
        .map(|places| {
            let members = orders.sorted[places.start as usize..places.end as usize].to_vec();
            Fan::new(members, NO_KEY, &mut nodes, &mut edges)
        })
        .collect();
    for (version, range) in orders.later.iter().enumerate().filter(|(_, range)| !range.is_empty()) {
        let key = versions.key[version] as usize;
        for part in without(range, orders.place[version]) {
            let begin = orders.places_of[key].start;
            for node in fans[key].cover((part.start - begin) as usize..(part.end - begin) as usize) {
                edges.add(version as u32, node, WW, NO_KEY);
            }
        }
    }
    let graph = Graph::new(nodes as usize, edges);
    for component in cyclic_components(&Only { graph: &graph, kinds: WW }) {
        let members: Vec<u32> = component.into_iter().filter(|&node| (node as usize) < versions.len()).collect();
        let key = versions.key[members[0] as usize] as usize;
        if !std::mem::replace(&mut orders.is_cyclic[key], true) {
            orders.circles.push(shortest_circle(orders, &members));
        }
    }
    let Orders { direct, later, is_cyclic, .. } = orders;
    let is_out = |version: usize| is_cyclic[versions.key[version] as usize];
    direct.retain(|&(earlier, _)| !is_out(earlier as usize));
    (0..later.len()).filter(|&version| is_out(version)).for_each(|version| later[version] = 0..0);
}

/// A range without one place in it: what is before, and what is after.
pub fn without(range: &Range<u32>, place: u32) -> [Range<u32>; 2] {
    if range.contains(&place) {
        [range.start..place, place + 1..range.end]
    } else {
        [range.clone(), range.end..range.end]
    }
}

impl Orders {
    /// The versions directly after one.
    pub fn after(&self, version: u32) -> impl Iterator<Item = u32> + '_ {
        let begin = self.direct.partition_point(|&(earlier, _)| earlier < version);
        let listed = self.direct[begin..].iter().take_while(move |pair| pair.0 == version).map(|pair| pair.1);
        let range = &self.later[version as usize];
        let ranged = self.sorted.get(range.start as usize..range.end as usize).unwrap_or(&[]);
        listed.chain(ranged.iter().copied().filter(move |&other| other != version))
    }
}

/// A shortest circle through the first of `members`, which are strongly connected.
fn shortest_circle(orders: &Orders, members: &[u32]) -> Vec<u32> {
    let mut before = rustc_hash::FxHashMap::default();
    let mut queue = std::collections::VecDeque::from([members[0]]);
    while let Some(version) = queue.pop_front() {
        for next in orders.after(version) {
            if next == members[0] {
                let mut circle = vec![version];
                while let Some(&earlier) = circle.last().and_then(|last| before.get(last)) {
                    circle.push(earlier);
                }
                circle.reverse();
                return circle;
            }
            if members.binary_search(&next).is_ok() && !before.contains_key(&next) {
                before.insert(next, version);
                queue.push_back(next);
            }
        }
    }
    members.to_vec()
}
