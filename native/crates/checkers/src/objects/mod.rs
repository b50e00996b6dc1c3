//! Objects whose elements are all different, decided exactly without search: queues, stacks, sets.
//!
//! Where every element is put in at most once, an operation that observes an element says which operation put it there, and
//! linearizability, intractable in general, becomes a question about intervals. A FIFO queue, an unordered queue and a stack are *pools*
//! ([`pool`]): an element is certainly inside from the return of its put to the call of its take. The rules that decide each of them
//! are in a file of their own, with the paper they come from: [`queue()`], [`stack()`]. A set is
//! decided by [`element`], or by [`snapshots()`] where it is read as a whole and only grows. All take O(n log n).
//!
//! What nobody knows is decided as well. A put that ended `info` happened exactly if its element was taken. A take that ended `info` may
//! have taken any one element at any time after its call: for queues, which elements must have gone that way, and until when, is a
//! matching with nested deadlines, so counting decides it (Hall's condition). For a stack, counting refutes and a greedy matching
//! proves; a history between the two is [`Judgement::Undecided`] and left to the search.
//!
//! A [`Refutation`] names the rule that is broken and the few operations that break it, which are impossible by themselves.

mod blame;
mod empty;
mod gaps;
mod moments;
mod overdrawn;
mod pool;
mod queue;
mod set;
mod snapshots;
mod stack;

pub use blame::{Decide, Judge, Kin, blame, first_blocked, without_returns};
pub use overdrawn::overdrawn;
pub use pool::PoolAction;
pub use queue::{queue, unordered_queue};
pub use set::{element, kin_in_a_set};
pub use snapshots::{kin_of_snapshots, snapshots};
pub use stack::stack;

/// What is known of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// There is an order that explains it.
    Linearizable,
    /// There is none.
    Impossible(Refutation),
    /// Some element is put in more than once, or what nobody knows leaves too many possibilities: only a search can tell.
    Undecided,
}

/// Why no order explains a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refutation {
    /// The rule that is broken.
    pub rule: Rule,
    /// The operations that break it, by their place in the history.
    pub parts: Vec<Part>,
}

/// An operation that takes part in a refutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Its place among the operations.
    pub operation: u32,
    /// What it has to do with it.
    pub role: Role,
}

/// What an object with distinct elements promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// What comes out has been put in.
    NeverPut,
    /// What has come out is gone.
    TakenTwice,
    /// Nothing comes out before it is put in.
    TakenBeforePut,
    /// What was put in first comes out first: two elements were taken in the other order.
    Overtaken,
    /// What was put in first comes out first: an element was taken, and more elements before it were left than anybody can have taken.
    LeftBehind,
    /// An empty pool has nothing in it.
    NotEmpty,
    /// What was put in last comes out first: no element of these can have been the lowest of them.
    Entangled,
    /// An element that was seen had been added.
    NeverAdded,
    /// Nobody sees an element before it is added, or after a remove that found it.
    SeenOutOfTime,
    /// An element that is added once is there in one piece: it was not seen, or removed, between two that saw it.
    SeenAndUnseen,
    /// Of two reads of a set to which elements are only added, one saw all that the other saw.
    Forked,
    /// An element that was added is there until it is removed: nobody can have removed it, and it was not seen.
    Vanished,
}

impl Rule {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::NeverPut => "never-put",
            Rule::TakenTwice => "taken-twice",
            Rule::TakenBeforePut => "taken-before-put",
            Rule::Overtaken => "overtaken",
            Rule::LeftBehind => "left-behind",
            Rule::NotEmpty => "not-empty",
            Rule::Entangled => "entangled",
            Rule::NeverAdded => "never-added",
            Rule::SeenOutOfTime => "seen-out-of-time",
            Rule::SeenAndUnseen => "seen-and-unseen",
            Rule::Forked => "forked",
            Rule::Vanished => "vanished",
        }
    }
}

/// What an operation has to do with a refutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It put the element in, or added it.
    Put,
    /// It took the element out, or removed it.
    Take,
    /// It put in the element that should have come out before.
    PutFirst,
    /// It took that element out too late.
    TakeFirst,
    /// It found nothing.
    Empty,
    /// Nobody knows what it took.
    MayHaveTaken,
    /// It saw the element.
    Seen,
    /// It did not see it.
    Unseen,
}

impl Role {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Put => "put",
            Role::Take => "take",
            Role::PutFirst => "put-first",
            Role::TakeFirst => "take-first",
            Role::Empty => "empty",
            Role::MayHaveTaken => "may-have-taken",
            Role::Seen => "seen",
            Role::Unseen => "unseen",
        }
    }
}

impl Refutation {
    fn new(rule: Rule, parts: impl IntoIterator<Item = (u32, Role)>) -> Refutation {
        let mut parts: Vec<Part> = parts.into_iter().map(|(operation, role)| Part { operation, role }).collect();
        parts.sort_unstable();
        parts.dedup();
        Refutation { rule, parts }
    }
}
