//! A bank: transfers move money between accounts, so every read of all balances shows the same total. After Jepsen's `bank`.
//!
//! A read without a balance observes nothing, and is wrong only where it is known that there is money; and one read by itself shows no
//! total that would change.

use rustc_hash::FxHashSet;

use super::keys::each_key;
use super::{Case, Finding, Report};
use crate::events::{Events, NIL, is_number};
use crate::pairing::{Malformed, Outcome, Paired, pair};

/// What a bank promises.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The position of the function that reads all balances.
    pub read: Option<u8>,
    /// What all balances add up to; that of the first read when nothing is said.
    pub total: Option<i64>,
    /// The accounts, if they are known.
    pub accounts: Option<&'a [i64]>,
    /// Whether a balance may be below zero.
    pub allow_negative: bool,
}

/// Check every read of all balances by itself. Each key is a bank of its own.
pub fn check(events: &Events, options: &Options) -> Result<Report, Malformed> {
    let operations = pair(events)?.len();
    let report = each_key(events, &[options.read], |reads| check_one(events, reads, options))?;
    Ok(Report { operations, ..report })
}

fn check_one(events: &Events, reads: &[Paired], options: &Options) -> Result<Report, Malformed> {
    let mut malformed = Malformed::default();
    let mut total = options.total.map(i128::from);
    let known: Option<FxHashSet<i64>> = options.accounts.map(|accounts| accounts.iter().copied().collect());
    let [mut wrong, mut negative, mut strange] =
        ["wrong-total", "negative-balance", "wrong-accounts"].map(Finding::new);
    let mut observations = 0;
    for operation in reads.iter().filter(|operation| operation.outcome == Outcome::Ok) {
        let row = operation.completion as usize;
        let Some(balances) = events.value(row).filter(|values| values.len() % 2 == 0) else {
            malformed.add(row, "balances are pairs of account and balance".to_owned());
            continue;
        };
        observations += usize::from(!balances.is_empty());
        let case = |role, told| Case { rows: vec![operation.invocation], roles: vec![role], told };
        let mut seen: FxHashSet<i64> = FxHashSet::default();
        let is_repeated = balances.chunks_exact(2).any(|pair| !seen.insert(pair[0]));
        if is_repeated || known.as_ref().is_some_and(|known| *known != seen) {
            strange.add(|| case("read other accounts", "a read shows other accounts than there are".to_owned()));
            continue;
        }
        if let Some(pair) = balances.chunks_exact(2).find(|pair| pair[1] == NIL) {
            strange.add(|| case("read no balance", format!("account {} has no balance", pair[0])));
            continue;
        }
        if let Some(pair) = balances.chunks_exact(2).find(|pair| !is_number(pair[1])) {
            malformed.add(row, format!("the balance of account {} is no whole number", pair[0]));
            continue;
        }
        if balances.is_empty() && total.is_none() {
            continue;
        }
        let sum: i128 = balances.chunks_exact(2).map(|pair| i128::from(pair[1])).sum();
        let expected = *total.get_or_insert(sum);
        if sum != expected {
            wrong.add(|| case("read a wrong total", format!("all balances add up to {sum} instead of {expected}")));
        }
        if let Some(pair) = balances.chunks_exact(2).find(|pair| pair[1] < 0).filter(|_| !options.allow_negative) {
            let told = format!("account {} has a balance of {}", pair[0], pair[1]);
            negative.add(|| case("read a balance below zero", told));
        }
    }
    let mut doubts = Vec::new();
    if observations == 1 && options.total.is_none() {
        doubts.push(
            "one read showed balances, and nobody said what they add up to: there was nothing to compare".to_owned(),
        );
    }
    malformed.unless(Report::conclude(reads.len(), observations, vec![wrong, negative, strange], doubts))
}
