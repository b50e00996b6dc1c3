//! Locks: two processes never hold one at once, and its fencing tokens only rise. After Jepsen's lock workloads, and Kleppmann's "How to do
//! distributed locking" (2016) for what a token is for.
//!
//! A process certainly holds a lock from the return of its `acquire` to the call of its next `release`; what lies between a call and its return
//! counts for the database, and so does every acquire of unknown end. Each key is a lock of its own; without a key there is one.
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
use crate::pairing::{Malformed, Outcome, pair};

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

/// Check holders and tokens.
pub fn check(events: &Events, options: &Options) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut moments: Vec<(u32, Moment)> = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: FxHashMap<(Key, i32), Vec<Acquire>> = FxHashMap::default();
    let mut never_released: FxHashSet<u32> = FxHashSet::default();
    let (mut operations, mut observations) = (0, 0);
    for operation in pair(events)? {
        let row = operation.invocation as usize;
        let (f, key, process) = (Some(events.f[row]), events.key(row), events.process[row]);
        if f == options.release {
            operations += 1;
            moments.push((operation.invocation, Moment::ReleaseBegan(key, process)));
            open.remove(&(key, process));
            continue;
        }
        let is_use = f == options.use_;
        if f != options.acquire && !is_use {
            continue;
        }
        operations += 1;
        if operation.outcome != Outcome::Ok {
            continue;
        }
        observations += 1;
        if !is_use {
            let acquire = Acquire { key, process, row: operation.invocation };
            moments.push((operation.completion, Moment::Acquired(acquire)));
            open.entry((key, process)).or_default().push(acquire);
        }
        match events.value(operation.completion as usize) {
            None | Some([]) => {}
            Some(&[token]) => {
                moments.push((operation.invocation, Moment::TokenAsked(tokens.len())));
                moments.push((operation.completion, Moment::TokenGiven(tokens.len())));
                tokens.push(Token { key, process, row: operation.invocation, token, is_use, before: None });
            }
            Some(_) => {
                malformed.add(operation.completion as usize, "a fencing token is one number, or nothing".to_owned())
            }
        }
    }
    if options.leased {
        never_released.extend(open.values().flatten().map(|acquire| acquire.row));
    }
    moments.sort_by_key(|&(row, _)| row);
    let [mut twice, mut backwards] = ["held-twice", "token-went-backwards"].map(Finding::new);
    let [mut duplicated, mut stale] = ["duplicated-token", "stale-holder"].map(Finding::new);
    let mut holders: FxHashMap<Key, Vec<Acquire>> = FxHashMap::default();
    let mut highest: FxHashMap<(Key, bool), (i64, u32)> = FxHashMap::default();
    let mut given: FxHashMap<(Key, i64), (u32, i32)> = FxHashMap::default();
    for (_, moment) in moments {
        match moment {
            Moment::ReleaseBegan(key, process) => {
                holders.entry(key).or_default().retain(|holder| holder.process != process);
            }
            Moment::Acquired(acquire) => {
                let holding = holders.entry(acquire.key).or_default();
                let is_other = |holder: &&Acquire| holder.process != acquire.process || !options.reentrant;
                if let Some(holder) = holding.iter().find(is_other).filter(|_| options.exclusive) {
                    let name = acquire.key.map_or_else(|| "the lock".to_owned(), |key| format!("lock {key}"));
                    let told = format!(
                        "process {} got {name} while process {} certainly held it",
                        acquire.process, holder.process
                    );
                    twice.add(|| Case::new(&[(holder.row, "held the lock"), (acquire.row, "got it as well")], told));
                }
                if !never_released.contains(&acquire.row) {
                    holding.push(acquire);
                }
            }
            Moment::TokenAsked(number) => {
                let token = &mut tokens[number];
                token.before = highest.get(&(token.key, token.is_use)).copied();
            }
            Moment::TokenGiven(number) => {
                let Token { key, process, row, token, is_use, before } = tokens[number];
                let seen = highest.entry((key, is_use)).or_insert((token, row));
                if seen.0 < token {
                    *seen = (token, row);
                }
                if is_use {
                    if let Some((higher, earlier)) = before.filter(|&(higher, _)| higher > token) {
                        let told = format!("token {token} was let in after {higher} had been");
                        stale.add(|| {
                            Case::new(&[(earlier, "was let in"), (row, "was let in with an older token")], told)
                        });
                    }
                    continue;
                }
                let (first, who) = *given.entry((key, token)).or_insert((row, process));
                let is_again = options.reentrant && who == process;
                if first != row && !is_again {
                    let told = format!("token {token} was given twice");
                    duplicated.add(|| Case::new(&[(first, "got the token"), (row, "got it again")], told));
                }
                if let Some((higher, earlier)) = before.filter(|&(higher, _)| higher > token) {
                    let told = format!("token {token} was given after {higher} had been");
                    backwards.add(|| Case::new(&[(earlier, "got a token"), (row, "got an older one later")], told));
                }
            }
        }
    }
    let mut doubts = Vec::new();
    if observations > 0 && !options.exclusive && tokens.is_empty() {
        doubts.push("the lock gives no fencing tokens, and who held it was not to be judged".to_owned());
    }
    let findings = vec![twice, backwards, duplicated, stale];
    malformed.unless(Report::conclude(operations, observations, findings, doubts).counting("tokens", tokens.len()))
}
