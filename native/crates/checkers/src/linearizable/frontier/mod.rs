//! The frontier: every configuration at once, from return to return.
//!
//! A search in depth has to take back what it did when an operation that may have happened was spent in the wrong place, and there are
//! as many wrong places as there are combinations of such operations. This goes in breadth instead. At each return it has all
//! configurations that pass it, in each of which operations are linearized only as far as some return so far made it necessary: Lowe
//! calls it just-in-time linearization ("Testing for linearizability", 2017). What keeps configurations few:
//!
//! 1. What is done and what is open fits into a word, and what can be put off until its own return is put off ([`needed`]).
//! 2. An enabled observation that agrees with the state is taken at once.
//! 3. An overwrite that was open when another overwrite went could have gone just before it, unseen. From then on it is *free*: it may
//!    count as done, and it may still go. So no combination of unseen overwrites is ever tried.
//! 4. A configuration from which everything can follow that can follow from another takes the other's place ([`Window::dominates`]).
//! 5. Pending operations of which only the amount matters go together, just before an observation ([`amounts`]).
//! 6. An operation that may have happened to several places of an object is put into the order when somebody finds what it left, at a
//!    moment that is past ([`gaps`], [`serving`]). What a place holds is disregarded where nobody will find it ([`foresight`]).
//! 7. Of two that differ only in what was spent of operations that may have happened, the thriftier takes the other's place.
//!
//! 8. Where only one required operation can have left what is found, it has, so that much of the order is certain ([`order`]).
//!
//! Rules 7 and 8 are where this can go wrong: the thriftier may have spent just what is needed later, and what is found may come from what
//! nobody knows. [`decide`] says how that is found out and undone. Without them, what is found is exact, and so is the first return that
//! can't be passed.

mod amounts;
mod decide;
mod foresight;
mod gaps;
mod going;
mod held;
mod needed;
mod order;
mod orphans;
mod part;
mod passing;
mod serving;
mod spending;
mod walk;
mod window;

pub use decide::decide;
