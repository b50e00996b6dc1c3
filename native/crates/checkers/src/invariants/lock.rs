//! Locks: two processes never hold one at once, and its fencing tokens only rise. After Jepsen's lock workloads, and Kleppmann's "How to do
//! distributed locking" (2016) for what a token is for.
//!
//! A process certainly holds a lock from the return of its `acquire` to the call of its next `release`; what lies between a call and its return
//! counts for the database, and so does every acquire of unknown end. Once an operation of it ended without anybody knowing how, whatever
//! it was, a process is gone, and a lock may end with the session of its holder: from then on it holds nothing for certain. Each key is a lock
//! of its own; without a key there is one.
//!
//! - *held-twice*: an acquire returned while another process certainly held the lock; or the same one, unless the lock is reentrant.
//! - *token-went-backwards*: an acquire began after another had returned with the same or a higher token.
//! - *duplicated-token*: two acquires returned with one token.
//! - *stale-holder*: what the lock protects let a holder `use` it with a token after it had let in a higher one.
//!
//! A lock that is a lease ends by itself. A holder that never releases it then holds it for a time that no history tells, so it is left out;
//! of any other lock it is the holder for ever.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Case, Finding, Report};
use crate::events::Events;
use crate::pairing::{Malformed, NEVER, Outcome, pair};

/// What a lock promises, and what its functions are called.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Takes the lock; completes with its fencing token, or nothing.
    pub acquire: Option<u8>,
    /// Gives it back.
    pub release: Option<u8>,
    /// Presents a token to what the lock protects.
    pub use_: Option<u8>,
    /// Whether the lock ends by itself.
    pub leased: bool,
    /// Whether its holder may take it again.
    pub reentrant: bool,
    /// Whether two processes must never hold it at once; where only tokens protect, they may.
    pub exclusive: bool,
}

type Key = Option<i64>;

#[derive(Clone, Copy)]
enum Moment {
    Acquired(Acquire),
    ReleaseBegan(Key, i32),
    Gone(i32),
    TokenAsked(usize),
    TokenGiven(usize),
}

#[derive(Clone, Copy)]
struct Acquire {
    key: Key,
    process: i32,
    row: u32,
}

/// An operation that returned with a token, of an acquire or a use.
struct Token {
    key: Key,
    process: i32,
    row: u32,
    token: i64,
    is_use: bool,
    /// The highest that had been given, or let in, when it began.
    before: Option<(i64, u32)>,
}

/// What a history has of locks.
#[derive(Default)]
struct Locks {
    operations: usize,
    observations: usize,
    /// By row.
    moments: Vec<(u32, Moment)>,
    tokens: Vec<Token>,
    /// Acquires whose process never released the lock.
    kept: FxHashSet<u32>,
}

/// Check holders and tokens.
pub fn check(events: &Events, options: &Options) -> Result<Report, Malformed> {
    let mut locks = locks(events, options)?;
    let mut findings = Findings::new();
    let mut holders: FxHashMap<Key, Vec<Acquire>> = FxHashMap::default();
    let mut gone: FxHashMap<i32, u32> = FxHashMap::default();
    let mut highest: FxHashMap<(Key, bool), (i64, u32)> = FxHashMap::default();
    let mut given: FxHashMap<(Key, i64), (u32, i32)> = FxHashMap::default();
    for (row, moment) in locks.moments {
        match moment {
            Moment::ReleaseBegan(key, process) => {
                holders.entry(key).or_default().retain(|holder| holder.process != process);
            }
            Moment::Gone(process) => {
                gone.insert(process, row);
            }
            Moment::Acquired(acquire) => {
                let holding = holders.entry(acquire.key).or_default();
                holding.retain(|holder| gone.get(&holder.process).is_none_or(|&gone| gone < holder.row));
                if options.exclusive {
                    findings.judge_holder(holding, &acquire, options.reentrant);
                }
                if !(options.leased && locks.kept.contains(&acquire.row)) {
                    holding.push(acquire);
                }
            }
            Moment::TokenAsked(number) => {
                let token = &mut locks.tokens[number];
                token.before = highest.get(&(token.key, token.is_use)).copied();
            }
            Moment::TokenGiven(number) => {
                let token = &locks.tokens[number];
                let seen = highest.entry((token.key, token.is_use)).or_insert((token.token, token.row));
                if seen.0 < token.token {
                    *seen = (token.token, token.row);
                }
                if !token.is_use {
                    let first = *given.entry((token.key, token.token)).or_insert((token.row, token.process));
                    findings.judge_repetition(token, first, options.reentrant);
                }
                findings.judge_order(token);
            }
        }
    }
    let mut doubts = Vec::new();
    if locks.observations > 0 && !options.exclusive && locks.tokens.is_empty() {
        doubts.push("the lock gives no fencing tokens, and who held it was not to be judged".to_owned());
    }
    let Findings { twice, backwards, duplicated, stale } = findings;
    let findings = vec![twice, backwards, duplicated, stale];
    Ok(Report::conclude(locks.operations, locks.observations, findings, doubts).counting("tokens", locks.tokens.len()))
}

/// Pick out what concerns locks.
fn locks(events: &Events, options: &Options) -> Result<Locks, Malformed> {
    let mut malformed = Malformed::default();
    let mut locks = Locks::default();
    let mut open: FxHashMap<(Key, i32), Vec<u32>> = FxHashMap::default();
    for operation in pair(events)? {
        let row = operation.invocation as usize;
        let (f, key, process) = (Some(events.f[row]), events.key(row), events.process[row]);
        if operation.outcome == Outcome::Info && operation.completion != NEVER {
            locks.moments.push((operation.completion, Moment::Gone(process)));
        }
        if f == options.release {
            locks.operations += 1;
            locks.moments.push((operation.invocation, Moment::ReleaseBegan(key, process)));
            open.remove(&(key, process));
            continue;
        }
        let is_use = f == options.use_;
        if f != options.acquire && !is_use {
            continue;
        }
        locks.operations += 1;
        if operation.outcome != Outcome::Ok {
            continue;
        }
        locks.observations += 1;
        if !is_use {
            let acquire = Acquire { key, process, row: operation.invocation };
            locks.moments.push((operation.completion, Moment::Acquired(acquire)));
            open.entry((key, process)).or_default().push(acquire.row);
        }
        match events.value(operation.completion as usize) {
            None | Some([]) => {}
            Some(&[token]) => {
                locks.moments.push((operation.invocation, Moment::TokenAsked(locks.tokens.len())));
                locks.moments.push((operation.completion, Moment::TokenGiven(locks.tokens.len())));
                locks.tokens.push(Token { key, process, row: operation.invocation, token, is_use, before: None });
            }
            Some(_) => {
                malformed.add(operation.completion as usize, "a fencing token is one number, or nothing".to_owned())
            }
        }
    }
    locks.kept.extend(open.into_values().flatten());
    locks.moments.sort_by_key(|&(row, _)| row);
    malformed.unless(locks)
}

struct Findings {
    twice: Finding,
    backwards: Finding,
    duplicated: Finding,
    stale: Finding,
}

impl Findings {
    fn new() -> Findings {
        let [twice, backwards] = ["held-twice", "token-went-backwards"].map(Finding::new);
        let [duplicated, stale] = ["duplicated-token", "stale-holder"].map(Finding::new);
        Findings { twice, backwards, duplicated, stale }
    }

    /// Nobody else may hold what was just acquired; its holder only where it may take it again.
    fn judge_holder(&mut self, holding: &[Acquire], acquire: &Acquire, reentrant: bool) {
        let Some(holder) = holding.iter().find(|holder| holder.process != acquire.process || !reentrant) else {
            return;
        };
        self.twice.add(|| {
            let name = acquire.key.map_or_else(|| "the lock".to_owned(), |key| format!("lock {key}"));
            let (next, first) = (acquire.process, holder.process);
            let told = format!("process {next} got {name} while process {first} certainly held it");
            Case::new(&[(holder.row, "held the lock"), (acquire.row, "got it as well")], told)
        });
    }

    /// A token is given once, or again to its holder.
    fn judge_repetition(&mut self, token: &Token, (first, who): (u32, i32), reentrant: bool) {
        if first != token.row && !(reentrant && who == token.process) {
            let rows = [(first, "got the token"), (token.row, "got it again")];
            self.duplicated.add(|| Case::new(&rows, format!("token {} was given twice", token.token)));
        }
    }

    /// Nobody gets, or is let in with, a lower token than one before.
    fn judge_order(&mut self, token: &Token) {
        let Some((higher, earlier)) = token.before.filter(|&(higher, _)| higher > token.token) else { return };
        let (finding, was, first, second) = if token.is_use {
            (&mut self.stale, "let in", "was let in", "was let in with an older token")
        } else {
            (&mut self.backwards, "given", "got a token", "got an older one later")
        };
        finding.add(|| {
            let told = format!("token {} was {was} after {higher} had been", token.token);
            Case::new(&[(earlier, first), (token.row, second)], told)
        });
    }
}
