//! Weak isolation, decided exactly and in nearly linear time: monotonic atomic view, read atomic, causal.
//!
//! After Biswas and Enea, "On the complexity of checking transactional consistency" (OOPSLA 2019), by the algorithms of Møldrup and
//! Pavlogiannis, "AWDIT: an optimal weak database isolation tester" (PLDI 2025). A history is at a level exactly when all transactions
//! have a *commit order* that keeps who read from whom (wr), and in which, whenever a transaction reads a key from t1 and sees t2 that
//! wrote the key as well, t2 comes before t1. What the transaction sees is the level:
//!
//! - [`monotonic`]: whom it read from before (the *read committed* of those papers; Adya's, by which our model of that name goes, is weaker);
//! - [`atomic`]: whom it reads from at all;
//! - [`causal`]: everything that leads to it.
//!
//! None of that depends on the order that is sought, so it exists exactly when wr and all "t2 before t1" have no cycle. Each level is to
//! be had with sessions and without: with them, the order of each session is kept as wr is, and seen as well (by the last two levels).
//! That is what those papers, and most people, mean; without them the levels are what Bailis and Cerone call so, and what serializability
//! implies. Where the order of writes is known, as of lists, it has to be kept too.
//!
//! What a level promises of one transaction by itself, or of failed ones, is looked at elsewhere and has names of its own.

mod atomic;
mod causal;
mod monotonic;
mod observed;
mod witness;

use std::sync::atomic::AtomicBool;

pub use self::observed::Observed;
use super::components::{Only, cyclic_components};
use super::consistency::Consistency;
use super::cycles::{Cycles, Dependency, cycles, short_cycles};
use super::graph::{Edges, Graph, Kinds, PROCESS, SEEN, WR, WW};
use super::report::{Anomaly, EdgeCounts, LISTED};
use causal::{Slots, causal};
pub use witness::Teller;

/// What a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whom it read from before.
    Monotonic,
    /// Whom it reads from.
    Atomic,
    /// Everything that leads to it.
    Causal,
}

/// A level, with sessions or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weak {
    /// What a transaction sees.
    pub level: Level,
    /// Whether the order of each session counts.
    pub sessions: bool,
}

/// The strongest.
pub const CAUSAL: Weak = Weak { level: Level::Causal, sessions: true };

/// Weaker ones first.
const ALL: [Weak; 6] = [
    Weak { level: Level::Monotonic, sessions: false },
    Weak { level: Level::Monotonic, sessions: true },
    Weak { level: Level::Atomic, sessions: false },
    Weak { level: Level::Atomic, sessions: true },
    Weak { level: Level::Causal, sessions: false },
    CAUSAL,
];

impl Weak {
    /// What decides a model that is no stronger than causal; nothing for others. Read committed is given more than it asks for: what it
    /// allows and a stronger model does not is told, and does no harm.
    pub fn deciding(consistency: Consistency) -> Option<Weak> {
        if !CAUSAL.model().is_some_and(|causal| causal.implies(consistency)) || !consistency.rules_out("G1c") {
            return None;
        }
        let is_decidable = |weak: &Weak| weak.sessions || weak.level != Level::Causal;
        let implies = |weak: &Weak| weak.model().is_some_and(|model| model.implies(consistency));
        ALL.into_iter().filter(is_decidable).find(implies)
    }

    /// What this decides.
    pub fn model(self) -> Option<Consistency> {
        Consistency::parse(match (self.level, self.sessions) {
            (Level::Monotonic, false) => "monotonic-atomic-view",
            (Level::Monotonic, true) => "strong-session-monotonic-atomic-view",
            (Level::Atomic, false) => "read-atomic",
            (Level::Atomic, true) => "strong-session-read-atomic",
            (Level::Causal, false) => "causal-cerone",
            (Level::Causal, true) => "causal",
        })
    }

    /// What the cycles are called that it rules out.
    pub const fn anomaly(self) -> &'static str {
        match (self.level, self.sessions) {
            (Level::Monotonic, false) => "OTV",
            (Level::Monotonic, true) => "OTV-process",
            (Level::Atomic, false) => "fractured-read",
            (Level::Atomic, true) => "fractured-read-process",
            (Level::Causal, false) => "causality-violation",
            (Level::Causal, true) => "causality-violation-process",
        }
    }

    fn is_at_most(self, other: Weak) -> bool {
        self.level <= other.level && self.sessions <= other.sessions
    }
}

/// What limits the work, apart from the history.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// How many edges the search for a short cycle may look at in each component; a hundred times as many numbers may be touched to tell
    /// whether causality is violated without sessions, once it is with them.
    pub max_search: u64,
    /// Somebody wants it to end.
    pub interrupt: &'a AtomicBool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// How many edges there were of the usual kinds.
    pub edges: EdgeCounts,
    /// Whether the level does not hold.
    pub is_violated: bool,
    /// Cycles of ww, wr and process order alone, which are not among the anomalies.
    pub plain: Cycles,
    /// Cycles by name: of the weakest levels that they violate.
    pub anomalies: Vec<Anomaly>,
    /// Whether a limit was reached, so that there may be more.
    pub is_undecided: bool,
    /// Why less could be concluded.
    pub warnings: Vec<String>,
}

/// Decide a level; where it does not hold, find the weakest that do not. `order` adds what is known of the order of writes.
pub fn decide(observed: &Observed, weak: Weak, order: &dyn Fn(&mut Edges), teller: &Teller, limits: Limits) -> Found {
    debug_assert!(weak.sessions || weak.level != Level::Causal, "sessions are what clocks count");
    let first = Built::new(observed, weak, order, None, limits);
    let mut found = Found { edges: first.counts, ..Found::default() };
    found.is_violated = !first.cycles(observed, limits).is_empty();
    if !found.is_violated {
        found.is_undecided = !first.is_complete;
        if found.is_undecided {
            found
                .warnings
                .push("so much is read so late that the clocks of causality do not fit into memory".to_owned());
        }
        return found;
    }
    found.plain = cycles(&first.graph, observed.transactions() + 1, limits.max_search, limits.interrupt);
    let mut violated: Vec<Weak> = Vec::new();
    for weaker in ALL.into_iter().filter(|weaker| weaker.is_at_most(weak)) {
        if violated.iter().any(|other| other.is_at_most(weaker)) {
            continue;
        }
        let members = (weaker == Weak { sessions: false, ..CAUSAL }).then(|| first.cyclic_writers(observed));
        if members.as_ref().is_some_and(|members| costs_too_much(members, observed, limits)) {
            found.is_undecided = true;
            found.warnings.push("too much is wrong to tell whether causality is violated without sessions".to_owned());
            continue;
        }
        let other = (weaker != weak).then(|| Built::new(observed, weaker, order, members.as_deref(), limits));
        let built = other.as_ref().unwrap_or(&first);
        let mut missed = built.cycles(observed, limits);
        missed.retain(|cycle| cycle.iter().any(|dependency| dependency.kind == SEEN));
        if !missed.is_empty() {
            violated.push(weaker);
            let tell = |cycle: &Vec<Dependency>| teller.told(observed, weaker, &built.graph, cycle);
            let first = missed.iter().take(LISTED).map(tell).collect();
            found.anomalies.push(Anomaly { name: weaker.anomaly().to_owned(), count: missed.len(), first });
        }
    }
    found
}

/// Everything that a level puts in order.
struct Built {
    graph: Graph,
    counts: EdgeCounts,
    is_complete: bool,
}

impl Built {
    const KINDS: Kinds = WW | WR | PROCESS | SEEN;

    /// Without sessions causality is seen of `members` alone.
    fn new(
        observed: &Observed,
        weak: Weak,
        order: &dyn Fn(&mut Edges),
        members: Option<&[u32]>,
        limits: Limits,
    ) -> Built {
        let (mut edges, mut is_complete) = (Edges::default(), true);
        order(&mut edges);
        observed.orders(weak.sessions, &mut edges);
        match weak.level {
            Level::Monotonic => monotonic::monotonic(observed, &mut edges),
            Level::Atomic => atomic::atomic(observed, weak.sessions, &mut edges),
            Level::Causal => {
                let each = |members| Slots::each(observed.transactions(), members);
                let slots = members.map_or_else(|| Slots::sessions(observed), each);
                is_complete = causal(observed, &slots, weak.sessions, &mut edges, limits.interrupt);
            }
        }
        let counts = EdgeCounts {
            ww: edges.count(WW),
            wr: edges.count(WR),
            process: edges.count(PROCESS),
            ..EdgeCounts::default()
        };
        Built { graph: Graph::new(observed.transactions() + 1, edges), counts, is_complete }
    }

    /// A short cycle of each component that has one.
    fn cycles(&self, observed: &Observed, limits: Limits) -> Vec<Vec<Dependency>> {
        short_cycles(&self.graph, Self::KINDS, observed.transactions() + 1, limits.max_search, limits.interrupt)
    }

    /// The writers that may be part of a cycle without sessions: if this is complete, those of cycles with sessions.
    fn cyclic_writers(&self, observed: &Observed) -> Vec<u32> {
        let mut members: Vec<u32> = if self.is_complete {
            let components = cyclic_components(&Only { graph: &self.graph, kinds: Self::KINDS });
            components.into_iter().flatten().collect()
        } else {
            observed.happened().collect()
        };
        if members.contains(&observed.initial()) {
            // The initial state is before every writer, but has edges to the last ones only.
            let edges = observed.happened().flat_map(|writer| self.graph.out(writer)).map(|edge| self.graph.edge(edge));
            let mut keys: Vec<u32> = edges.filter(|edge| edge.to == observed.initial()).map(|edge| edge.key).collect();
            keys.sort_unstable();
            let wrote = |writer: &u32| observed.writes(*writer).iter().any(|key| keys.binary_search(key).is_ok());
            members.extend(observed.happened().filter(wrote));
        }
        members.retain(|&member| !observed.writes(member).is_empty());
        members.sort_unstable();
        members.dedup();
        members
    }
}

/// Without sessions every writer needs a place of its own in every clock.
fn costs_too_much(members: &[u32], observed: &Observed, limits: Limits) -> bool {
    (members.len() as u64).saturating_mul(observed.transactions() as u64) > limits.max_search.saturating_mul(100)
}

/// Somebody has seen `writer`, and read `key`, which it wrote, from `from`.
fn saw(observed: &Observed, writer: u32, from: u32, key: u32, edges: &mut Edges) {
    edges.add(writer, from, SEEN, key);
    if from == observed.initial() {
        edges.add(from, writer, WW, key);
    }
}
