//! Reads the operations of a history into objects of one model.

use rustc_hash::FxHashMap;

use super::{Operation, Part};
use crate::events::Events;
use crate::models::{Call, Decoder, Model};
use crate::pairing::{Malformed, Outcome, pair};

/// All objects, and what was left out.
#[derive(Default)]
pub struct Partition {
    /// By key.
    pub parts: Vec<Box<dyn Part>>,
    /// How many keys they belong to.
    pub keys: usize,
    /// Operations on objects, however they ended.
    pub operations: usize,
    /// Those that ended `info`, or not at all.
    pub info: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that completed ok and told something about the state.
    pub observations: usize,
}

/// A history to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Its rows.
    pub events: &'a Events<'a>,
    /// What its functions are called.
    pub functions: &'a [&'a str],
    /// What the model is called, for messages.
    pub model: &'a str,
}

type Action<D> = <<D as Decoder>::Model as Model>::Action;

/// What happened to one key so far.
struct Keyed<D: Decoder> {
    key: Option<i64>,
    decoder: D,
    operations: Vec<Operation<Action<D>>>,
}

impl Reading<'_> {
    /// Read a history in which each key is an object of its own.
    pub fn by_key<D: Decoder>(&self, decoder: impl Fn() -> D) -> Result<Partition, Malformed> {
        self.by(decoder, |call| call.key)
    }

    /// Read a history that is about one object, whatever the keys.
    pub fn at_once<D: Decoder>(&self, decoder: impl Fn() -> D) -> Result<Partition, Malformed> {
        self.by(decoder, |_| None)
    }

    /// Read a history in which `key` says what belongs to one object.
    pub fn by<D: Decoder>(
        &self,
        decoder: impl Fn() -> D,
        key: impl Fn(&Call) -> Option<i64>,
    ) -> Result<Partition, Malformed> {
        let mut objects: Vec<Keyed<D>> = Vec::new();
        let mut index_of: FxHashMap<Option<i64>, usize> = FxHashMap::default();
        let mut found = Partition::default();
        let mut malformed = Malformed::default();
        let known = decoder();
        let known = known.functions();
        let is_known: Vec<bool> = self.functions.iter().map(|function| known.contains(function)).collect();
        for paired in pair(self.events)? {
            let call = Call::new(self.events, paired, self.functions);
            let f = self.events.f[call.row()] as usize;
            if !is_known.get(f).is_some_and(|&is_known| is_known) {
                malformed.add(call.row(), self.has_no(call.function, &known));
                continue;
            }
            found.operations += 1;
            found.info += usize::from(paired.outcome == Outcome::Info);
            found.failed += usize::from(paired.outcome == Outcome::Fail);
            let key = key(&call);
            let index = *index_of.entry(key).or_insert_with(|| {
                objects.push(Keyed { key, decoder: decoder(), operations: Vec::new() });
                objects.len() - 1
            });
            let Keyed { decoder, operations, .. } = &mut objects[index];
            match decoder.decode(&call) {
                Err((row, what)) => malformed.add(row, what),
                Ok(Some(action)) if paired.outcome != Outcome::Fail => {
                    found.observations += usize::from(call.is_ok() && decoder.observes(action));
                    operations.push(call.operation(action));
                }
                Ok(_) => {}
            }
        }
        objects.sort_by_key(|object| object.key);
        for Keyed { key, decoder, operations } in objects {
            found.parts.extend(decoder.parts(key, operations).into_iter().filter(|part| part.operations() > 0));
        }
        let mut keys: Vec<Option<i64>> = found.parts.iter().map(|part| part.key()).collect();
        keys.dedup();
        found.keys = keys.len();
        malformed.unless(found)
    }

    fn has_no(&self, function: &str, known: &[&str]) -> String {
        format!("the model {} has no function {function:?}; it has {}", self.model, known.join(", "))
    }
}
