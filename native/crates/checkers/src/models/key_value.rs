//! A store of keys and values, with transactions: each reads and writes any keys at one instant.
//!
//! Knossos calls the one that has nothing but transactions a multi-register. `get` and `put` are transactions of one step, `cas` one of
//! two. Keys that no transaction connects are independent: one by itself, on which nothing but reads, writes and compare-and-sets
//! happened, is a register.

use rustc_hash::FxHashSet;

use super::call::{Call, Complaint, Decoder};
use super::interner::Interner;
use super::shelf::{self, Shelf};
use super::words::shown;
use super::{Aid, Model, Nature, Register, RegisterAction, State};
use crate::linearizable::{Object, Operation, Part};

/// What a transaction did to one key: what it found there before its own writes, and what it left, in numbered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The key, numbered.
    pub key: u32,
    /// What must have been there.
    pub finds: Option<u32>,
    /// What is there afterwards, if it wrote.
    pub leaves: Option<u32>,
}

/// A transaction, by its number among all different ones.
pub type Transaction = u32;

/// A store whose keys all start with value zero.
#[derive(Clone, Debug)]
pub struct KeyValue {
    transactions: Vec<Vec<Access>>,
    shelf: Shelf,
    keys: Vec<i64>,
    /// Keys and values that an unknown write to one key can bring about; their aids are counted from one.
    writes: Interner<(u32, u32)>,
}

/// What a key holds of which nothing is known: whatever somebody finds there.
pub const ANYTHING: u32 = u32::MAX - 2;

/// A set of as many keys is a machine word.
const MOST_KEYS: usize = u64::BITS as usize;

/// What unknown transactions are of use for that may be so at any time.
const ANY_TIME: Aid = 0;

impl KeyValue {
    /// A store with these keys, on which these transactions may happen: each a list of accesses to different keys.
    pub fn new(keys: Vec<i64>, transactions: Vec<Vec<Access>>) -> Self {
        // What a transaction finds that writes as well may be wanted by that one while it is pending itself.
        let is_conditional = |accesses: &&Vec<Access>| accesses.iter().any(|access| access.leaves.is_some());
        let conditions = transactions.iter().filter(is_conditional).flatten();
        let of_use_any_time: FxHashSet<_> = conditions.filter_map(|access| Some((access.key, access.finds?))).collect();
        let mut writes = Interner::default();
        for transaction in &transactions {
            if let [Access { key, finds: None, leaves: Some(value) }] = transaction[..] {
                if !of_use_any_time.contains(&(key, value)) {
                    writes.number((key, value));
                }
            }
        }
        KeyValue { transactions, shelf: Shelf::new(keys.len()), keys, writes }
    }
}

impl Access {
    /// Whether a place that holds `held` lacks what the access finds there.
    pub fn lacks(&self, held: u32) -> bool {
        self.finds.is_some_and(|value| value != held && (held != ANYTHING || value == NEVER_THERE))
    }
}

impl Model for KeyValue {
    type Action = Transaction;

    fn initial(&self) -> State {
        shelf::EMPTY
    }

    fn step(&mut self, state: State, action: Transaction) -> Option<State> {
        let accesses = &self.transactions[action as usize];
        if accesses.iter().any(|access| access.lacks(self.shelf.get(state, access.key))) {
            return None;
        }
        let written = accesses.iter().filter_map(|access| Some((access.key, access.leaves?)));
        Some(written.fold(state, |state, (key, value)| self.shelf.set(state, key, value)))
    }

    fn nature(&self, action: Transaction) -> Nature {
        let is_write = |access: &Access| access.leaves.is_some();
        if self.transactions[action as usize].iter().any(is_write) { Nature::Update } else { Nature::Observation }
    }

    /// An unknown write to one key can be put off until just before somebody finds its value. One to several keys can't: others may
    /// overwrite a part of it first.
    fn aids(&self) -> usize {
        self.writes.len() + 1
    }

    fn aid(&self, action: Transaction) -> Aid {
        match self.transactions[action as usize][..] {
            [Access { key, finds: None, leaves: Some(value) }] => {
                self.writes.find(&(key, value)).map_or(ANY_TIME, |number| number + 1)
            }
            _ => ANY_TIME,
        }
    }

    fn wants(&mut self, state: State, goal: Transaction, wanted: &mut Vec<Aid>) {
        wanted.push(ANY_TIME);
        for access in &self.transactions[goal as usize] {
            let Some(value) = access.finds.filter(|_| access.lacks(self.shelf.get(state, access.key))) else {
                continue;
            };
            wanted.extend(self.writes.find(&(access.key, value)).map(|number| number + 1));
        }
    }

    fn has_accesses(&self) -> bool {
        self.keys.len() <= MOST_KEYS
    }

    fn accesses(&self, action: Transaction) -> &[Access] {
        &self.transactions[action as usize]
    }

    fn holds(&self, state: State, key: u32) -> u32 {
        self.shelf.get(state, key)
    }

    fn unknown(&mut self) -> State {
        (0..self.keys.len() as u32).fold(shelf::EMPTY, |state, key| self.shelf.set(state, key, ANYTHING))
    }

    fn anything(&mut self) -> Option<State> {
        Some(self.unknown())
    }

    /// Who finds something where nothing was known tells it.
    fn step_loosely(&mut self, state: State, action: Transaction) -> Option<State> {
        let after = self.step(state, action)?;
        let told = self.transactions[action as usize].iter();
        let told = told.filter_map(|access| Some((access.key, access.finds.filter(|_| access.leaves.is_none())?)));
        Some(told.fold(after, |state, (key, value)| self.shelf.set(state, key, value)))
    }

    fn in_pieces(
        &self,
        operations: &[Operation<Transaction>],
        whole: &[u32],
    ) -> Option<(Self, Vec<Operation<Transaction>>)> {
        let mut transactions: Interner<Vec<Access>> = Interner::default();
        let mut pieces = Vec::new();
        for operation in operations {
            let accesses = &self.transactions[operation.action as usize];
            if operation.is_pending() && !whole.contains(&operation.invocation) {
                let written = accesses.iter().filter(|access| access.leaves.is_some());
                pieces.extend(written.map(|access| {
                    let action = transactions.number(vec![Access { finds: None, ..*access }]);
                    Operation { action, ..*operation }
                }));
            } else {
                pieces.push(Operation { action: transactions.number(accesses.clone()), ..*operation });
            }
        }
        Some((KeyValue::new(self.keys.clone(), transactions.things().to_vec()), pieces)).filter(|_| self.has_accesses())
    }

    fn subject(&self, action: Transaction) -> Option<u32> {
        match self.transactions[action as usize][..] {
            [Access { key, .. }] => Some(key),
            _ => None,
        }
    }

    fn places(&self) -> usize {
        self.keys.len()
    }

    fn touches(&self, action: Transaction, places: &mut Vec<u32>) {
        places.extend(self.transactions[action as usize].iter().map(|access| access.key));
    }

    fn concerns(&mut self, state: State, goal: Transaction, places: &mut Vec<u32>) {
        let changes = self.nature(goal) != Nature::Observation;
        let shelf = &self.shelf;
        let is_off = |access: &&Access| access.lacks(shelf.get(state, access.key));
        let accesses = self.transactions[goal as usize].iter().filter(|access| changes || is_off(access));
        places.extend(accesses.map(|access| access.key));
    }

    fn forget(&mut self, key: u32) {
        for transaction in &mut self.transactions {
            transaction.retain(|access| access.key != key);
        }
    }

    fn describe(&self, state: State, names: &[Option<i64>]) -> String {
        let held = self.shelf.entries(state);
        let known = held.iter().filter(|&&(_, value)| value != ANYTHING);
        let pairs = known.map(|&(key, value)| format!("{}: {}", self.keys[key as usize], shown(value, names)));
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
    }

    fn bytes(&self) -> u64 {
        self.shelf.bytes()
    }
}

/// Reads the operations of a store.
#[derive(Debug)]
pub struct KeyValueDecoder {
    only_transactions: bool,
    keys: Interner<i64>,
    values: Interner<Option<i64>>,
    transactions: Interner<Vec<Access>>,
}

impl KeyValueDecoder {
    /// Reads the operations of a store, or of a multi-register, which has only transactions. All keys start with `initial`.
    pub fn new(only_transactions: bool, initial: Option<i64>) -> Self {
        let mut values = Interner::default();
        values.number(initial);
        KeyValueDecoder { only_transactions, keys: Interner::default(), values, transactions: Interner::default() }
    }

    fn single(&mut self, call: &Call) -> Result<Accesses, Complaint> {
        let mut accesses = Accesses::default();
        let Some(key) = call.key else {
            return Err((call.row(), format!("a {} needs a key, and this has none", call.function)));
        };
        let key = self.keys.number(key);
        match call.function {
            "get" | "read" => {
                let value = call.observed()?;
                if call.is_ok() {
                    let value = self.values.number(value);
                    accesses.read(key, value);
                }
            }
            "put" | "write" => {
                let [value] = call.asked("a put needs one value")?;
                accesses.write(key, self.values.number(Some(value)));
            }
            _ => {
                let needs = "a compare-and-set needs two values, the expected and the new";
                let [old, new] = call.asked(needs)?.map(|value| self.values.number(Some(value)));
                accesses.read(key, old);
                if old != new {
                    accesses.write(key, new);
                }
            }
        }
        Ok(accesses)
    }

    /// The steps as they were asked, or as they were answered, which must be the same but for what was read.
    fn transaction(&mut self, call: &Call) -> Result<Accesses, Complaint> {
        let asked = steps(call.row(), call.argument.unwrap_or(&[]))?;
        let mut accesses = Accesses::default();
        let Some(told) = call.result else {
            for step in asked {
                let key = self.keys.number(step.key);
                if let Some(value) = step.written() {
                    accesses.write(key, self.values.number(Some(value)));
                }
            }
            return Ok(accesses);
        };
        let told = steps(call.end(), told)?;
        if told.len() != asked.len() || told.iter().zip(&asked).any(|(told, asked)| !told.answers(asked)) {
            return Err((call.end(), "completes with other steps than it was invoked with".to_owned()));
        }
        for step in told {
            let key = self.keys.number(step.key);
            match (step.written(), step.values) {
                (Some(value), _) => accesses.write(key, self.values.number(Some(value))),
                (None, Some(seen)) => accesses.read(key, self.values.number(seen.first().copied())),
                (None, None) => {}
            }
        }
        Ok(accesses)
    }
}

/// One step of a transaction: `code key count values…`. Code 0 reads, with a count of -1 if nobody knows what; 2 writes.
struct Step<'a> {
    writes: bool,
    key: i64,
    values: Option<&'a [i64]>,
}

impl Step<'_> {
    fn written(&self) -> Option<i64> {
        self.values.filter(|_| self.writes).and_then(|values| values.first().copied())
    }

    fn answers(&self, asked: &Step) -> bool {
        (self.writes, self.key, self.written()) == (asked.writes, asked.key, asked.written())
    }
}

/// Steps that lie end to end in `row`.
fn steps(row: usize, values: &[i64]) -> Result<Vec<Step<'_>>, Complaint> {
    let mut steps = Vec::new();
    let mut rest = values;
    while let [code, key, count, more @ ..] = rest {
        let length = usize::try_from((*count).max(0)).unwrap_or(usize::MAX);
        let Some(values) = more.get(..length) else { break };
        rest = &more[length..];
        if !matches!((code, length), (0, 0 | 1) | (2, 1)) {
            let what = "a step reads (0) one value or none, or writes (2) one value";
            return Err((row, format!("{what}; this has code {code} and {length} values")));
        }
        steps.push(Step { writes: *code == 2, key: *key, values: (*count >= 0).then_some(values) });
    }
    match rest {
        [] => Ok(steps),
        _ => Err((row, "a transaction ends in the middle of a step".to_owned())),
    }
}

/// The accesses of one transaction while it is read step by step.
#[derive(Default)]
struct Accesses {
    list: Vec<Access>,
    /// It read another value than it had itself written or read before: no store explains that.
    contradicts_itself: bool,
}

impl Accesses {
    fn at(&mut self, key: u32) -> &mut Access {
        let index = self.list.iter().position(|access| access.key == key).unwrap_or_else(|| {
            self.list.push(Access { key, finds: None, leaves: None });
            self.list.len() - 1
        });
        &mut self.list[index]
    }

    fn read(&mut self, key: u32, value: u32) {
        let access = self.at(key);
        let known = access.leaves.or(access.finds);
        if known.is_none() {
            access.finds = Some(value);
        }
        self.contradicts_itself |= known.is_some_and(|known| known != value);
    }

    fn write(&mut self, key: u32, value: u32) {
        self.at(key).leaves = Some(value);
    }
}

/// A value that nobody writes: who finds it contradicts itself.
const NEVER_THERE: u32 = u32::MAX;

impl Decoder for KeyValueDecoder {
    type Model = KeyValue;

    fn functions(&self) -> Vec<&str> {
        if self.only_transactions { vec!["txn"] } else { vec!["get", "put", "cas", "txn", "read", "write"] }
    }

    fn decode(&mut self, call: &Call) -> Result<Option<Transaction>, Complaint> {
        let mut accesses = if call.function == "txn" { self.transaction(call)? } else { self.single(call)? };
        if !call.is_ok() && accesses.list.iter().all(|access| access.leaves.is_none()) {
            return Ok(None);
        }
        if accesses.contradicts_itself {
            accesses.list[0].finds = Some(NEVER_THERE);
        }
        accesses.list.retain(|access| access.finds.is_some() || access.leaves.is_some());
        accesses.list.sort_unstable();
        Ok(Some(self.transactions.number(accesses.list)))
    }

    fn observes(&self, action: Transaction) -> bool {
        self.transactions.thing(action).iter().any(|access| access.finds.is_some())
    }

    fn parts(self, _: Option<i64>, operations: Vec<Operation<Transaction>>) -> Vec<Box<dyn Part>> {
        let groups = connected(self.keys.len(), self.transactions.things());
        let mut of_group: Vec<Vec<Operation<Transaction>>> = vec![Vec::new(); self.keys.len()];
        for operation in operations {
            if let Some(access) = self.transactions.thing(operation.action).first() {
                of_group[groups[access.key as usize] as usize].push(operation);
            }
        }
        let mut sizes = vec![0; groups.len()];
        groups.iter().for_each(|&group| sizes[group as usize] += 1);
        let mut parts: Vec<Box<dyn Part>> = Vec::new();
        for (group, operations) in (0..).zip(of_group).filter(|(_, operations)| !operations.is_empty()) {
            let is_alone = sizes[group as usize] == 1;
            parts.push(match self.as_register(&operations).filter(|_| is_alone) {
                Some(operations) => {
                    let names = self.values.things().to_vec();
                    let key = Some(*self.keys.thing(group));
                    Object::whole(key, Register { values: names.len() }, names, operations)
                }
                None => self.store(group, operations),
            });
        }
        parts
    }
}

impl KeyValueDecoder {
    /// The operations as those of a register, if each accesses one key, as registers can be.
    fn as_register(&self, operations: &[Operation<Transaction>]) -> Option<Vec<Operation<RegisterAction>>> {
        let translate = |operation: &Operation<Transaction>| {
            let [access] = self.transactions.thing(operation.action)[..] else { return None };
            let action = match (access.finds, access.leaves) {
                (Some(NEVER_THERE), _) | (None, None) => return None,
                (Some(value), None) => RegisterAction::Read(value),
                (None, Some(value)) => RegisterAction::Write(value),
                (Some(old), Some(new)) if old == new => RegisterAction::Read(old),
                (Some(old), Some(new)) => RegisterAction::Cas(old, new),
            };
            Some(Operation { invocation: operation.invocation, completion: operation.completion, action })
        };
        operations.iter().map(translate).collect()
    }

    /// The store of the keys of one group, which is called by the first of them. Unknown transactions that leave nothing that anybody finds are dropped.
    fn store(&self, group: u32, mut operations: Vec<Operation<Transaction>>) -> Box<dyn Part> {
        let mut found = FxHashSet::default();
        for operation in &operations {
            let accesses = self.transactions.thing(operation.action);
            found.extend(accesses.iter().filter_map(|access| Some((access.key, access.finds?))));
        }
        operations.retain(|operation| {
            let left = |access: &Access| access.leaves.is_some_and(|value| found.contains(&(access.key, value)));
            !operation.is_pending() || self.transactions.thing(operation.action).iter().any(left)
        });
        let (mut transactions, mut keys) = (Interner::default(), Interner::default());
        for operation in &mut operations {
            let mut accesses = self.transactions.thing(operation.action).clone();
            accesses.iter_mut().for_each(|access| access.key = keys.number(access.key));
            accesses.sort_unstable();
            operation.action = transactions.number(accesses);
        }
        let keys = keys.things().iter().map(|&key| *self.keys.thing(key)).collect();
        let model = KeyValue::new(keys, transactions.things().to_vec());
        Object::whole(Some(*self.keys.thing(group)), model, self.values.things().to_vec(), operations)
    }
}

/// By key: the first key that transactions connect it with, directly or over others.
fn connected(keys: usize, transactions: &[Vec<Access>]) -> Vec<u32> {
    let mut leader: Vec<u32> = (0..keys as u32).collect();
    fn find(leader: &mut [u32], mut key: u32) -> u32 {
        while leader[key as usize] != key {
            leader[key as usize] = leader[leader[key as usize] as usize];
            key = leader[key as usize];
        }
        key
    }
    for accesses in transactions {
        for pair in accesses.windows(2) {
            let [one, other] = [pair[0].key, pair[1].key].map(|key| find(&mut leader, key));
            leader[one.max(other) as usize] = one.min(other);
        }
    }
    (0..keys as u32).map(|key| find(&mut leader, key)).collect()
}
