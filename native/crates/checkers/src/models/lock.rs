//! Locks that know who holds them: released only by the holder; reentrant, if the holder may acquire them again; fenced, if an acquire
//! returns a token that is larger than that of every hold before it.
//!
//! The kinds are those of Jepsen's test of Hazelcast. A fenced lock that is reentrant gives one hold one token. Tokens are integers:
//! a hold whose token nobody knows has taken one.

use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use super::words::shown;
use super::{Aid, Model, Nature, State};
use crate::linearizable::{Object, Operation, Part};

/// What happened to a lock. Owners are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockAction {
    /// This owner got it, with this token if one is known.
    Acquire(u32, Option<i64>),
    /// This owner gave it back.
    Release(u32),
}

/// What a lock does beyond knowing its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockKind {
    /// The holder may acquire it again, and releases it as often.
    pub reentrant: bool,
    /// Acquiring it returns a token.
    pub fenced: bool,
}

/// Who holds a lock, how often, and with what token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Hold {
    owner: Option<u32>,
    count: u32,
    /// The token of the hold, if somebody knows it.
    token: Option<i64>,
    /// Every token so far is at most this.
    last: i64,
}

/// A lock that starts free.
#[derive(Clone, Debug)]
pub struct Lock {
    kind: LockKind,
    owners: usize,
    holds: Interner<Hold>,
}

impl Lock {
    /// A lock for this many owners.
    pub fn new(kind: LockKind, owners: usize) -> Self {
        let mut holds = Interner::default();
        holds.number(Hold { owner: None, count: 0, token: None, last: i64::MIN });
        Lock { kind, owners, holds }
    }

    /// What it does beyond knowing its owner.
    pub fn kind(&self) -> LockKind {
        self.kind
    }

    fn acquire(&self, hold: Hold, owner: u32, token: Option<i64>) -> Option<Hold> {
        let token = token.filter(|_| self.kind.fenced);
        let is_larger = token.is_none_or(|token| token > hold.last);
        match hold.owner {
            None => is_larger.then_some(Hold { owner: Some(owner), count: 1, token, ..hold }),
            Some(holder) if holder == owner && self.kind.reentrant => {
                let is_same = match (hold.token, token) {
                    (Some(known), Some(token)) => known == token,
                    _ => is_larger,
                };
                is_same.then_some(Hold { count: hold.count + 1, token: hold.token.or(token), ..hold })
            }
            Some(_) => None,
        }
    }

    fn release(&self, hold: Hold, owner: u32) -> Option<Hold> {
        match (hold.owner, hold.count) {
            (Some(holder), _) if holder != owner => None,
            (None, _) => None,
            (_, 1) => {
                // A token that nobody knows is larger than the last by one at least.
                let last = hold.token.unwrap_or(hold.last.saturating_add(i64::from(self.kind.fenced)));
                Some(Hold { owner: None, count: 0, token: None, last })
            }
            (_, count) => Some(Hold { count: count - 1, ..hold }),
        }
    }
}

impl Model for Lock {
    type Action = LockAction;

    fn initial(&self) -> State {
        0
    }

    fn step(&mut self, state: State, action: LockAction) -> Option<State> {
        let hold = *self.holds.thing(state);
        let after = match action {
            LockAction::Acquire(owner, token) => self.acquire(hold, owner, token),
            LockAction::Release(owner) => self.release(hold, owner),
        };
        after.map(|hold| self.holds.number(hold))
    }

    fn nature(&self, _: LockAction) -> Nature {
        Nature::Update
    }

    /// An unknown acquire is of use just before its owner releases the lock, an unknown release just before somebody acquires it. Not
    /// so where a hold that is entered again would become two holds, with two tokens.
    fn aids(&self) -> usize {
        if self.kind == (LockKind { reentrant: true, fenced: true }) { 0 } else { 2 * self.owners }
    }

    fn aid(&self, action: LockAction) -> Aid {
        match action {
            LockAction::Acquire(owner, _) => 2 * owner,
            LockAction::Release(owner) => 2 * owner + 1,
        }
    }

    fn wants(&mut self, state: State, goal: LockAction, wanted: &mut Vec<Aid>) {
        let holder = self.holds.thing(state).owner;
        match goal {
            LockAction::Acquire(owner, _) if self.kind.reentrant && holder == Some(owner) => {}
            LockAction::Acquire(..) => wanted.extend(holder.map(|holder| self.aid(LockAction::Release(holder)))),
            LockAction::Release(owner) if holder == Some(owner) => {}
            LockAction::Release(owner) => match holder {
                Some(holder) => wanted.push(self.aid(LockAction::Release(holder))),
                None => wanted.push(self.aid(LockAction::Acquire(owner, None))),
            },
        }
    }

    /// Whoever acquired it once more than they released it holds it.
    fn commutes(&self) -> bool {
        !self.kind.fenced
    }

    fn foresees(&self) -> bool {
        self.kind.fenced
    }

    fn is_hopeless(&self, state: State, goal: LockAction) -> bool {
        let hold = self.holds.thing(state);
        let LockAction::Acquire(owner, Some(token)) = goal else { return false };
        self.kind.fenced && token <= hold.last && (hold.owner != Some(owner) || !self.kind.reentrant)
    }

    fn subject(&self, action: LockAction) -> Option<u32> {
        match action {
            LockAction::Acquire(owner, _) | LockAction::Release(owner) => Some(owner),
        }
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        let hold = self.holds.thing(state);
        let Some(owner) = hold.owner else { return "free".to_owned() };
        let times = if hold.count > 1 { format!(" {} times", hold.count) } else { String::new() };
        let token = hold.token.map(|token| format!(" with token {token}")).unwrap_or_default();
        format!("held by {}{times}{token}", shown(owner, names))
    }

    fn bytes(&self) -> u64 {
        self.holds.bytes()
    }
}

/// Reads the operations of a lock. An owner is what the operation was invoked with, or else the process.
#[derive(Debug)]
pub struct LockDecoder {
    kind: LockKind,
    owners: Interner<Option<i64>>,
}

impl LockDecoder {
    /// Reads the operations of a lock of this kind.
    pub fn new(kind: LockKind) -> Self {
        LockDecoder { kind, owners: Interner::default() }
    }
}

impl Decoder for LockDecoder {
    type Model = Lock;

    fn functions(&self) -> Vec<&str> {
        vec!["acquire", "release"]
    }

    fn decode(&mut self, call: &Call) -> Result<Option<LockAction>, Complaint> {
        let owner = match call.argument {
            None | Some([]) => i64::from(call.process),
            Some([owner]) => *owner,
            Some(values) => {
                let what = format!("a lock is called with its owner or nothing, not with {} values", values.len());
                return Err((call.row(), what));
            }
        };
        let number = self.owners.number(Some(owner));
        if call.function == "release" {
            return Ok(Some(LockAction::Release(number)));
        }
        let told = call.result.unwrap_or(&[]);
        let token = match (told, call.argument) {
            ([], _) => None,
            ([told], Some([owner])) if told == owner => None,
            ([told, token], Some([owner])) if told == owner => Some(*token),
            ([token], None | Some([])) if self.kind.fenced => Some(*token),
            _ => return Err((call.end(), format!("an acquire returns its owner and a token, not {told:?}"))),
        };
        Ok(Some(LockAction::Acquire(number, token)))
    }

    fn observes(&self, _: LockAction) -> bool {
        true
    }

    fn parts(self, key: Option<i64>, operations: Vec<Operation<LockAction>>) -> Vec<Box<dyn Part>> {
        let model = Lock::new(self.kind, self.owners.len());
        vec![Object::whole(key, model, self.owners.things().to_vec(), operations)]
    }
}
