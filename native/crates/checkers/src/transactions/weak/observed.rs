//! What transactions saw of each other: columns of reads, each with the transaction it read from, of written keys, and of sessions.
//!
//! A read counts here unless its own transaction had written the key before, also one that repeats an earlier read: at the weakest level
//! a transaction may see a key change. What a read of a failed, later or unheard-of write proves is an anomaly of its own; here it says
//! nothing. A transaction whose end nobody knows happened if something it wrote was read; otherwise it may not have, and leaving out a
//! transaction that nobody read from makes no level harder to satisfy.

use rustc_hash::FxHashMap;

use crate::pairing::Outcome;
use crate::transactions::decode::{Code, MicroOperation, Transactions};
use crate::transactions::graph::{Edges, NO_KEY, PROCESS, WR};

/// No transaction, no session.
pub const NONE: u32 = u32::MAX;

/// One read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The key, by number.
    pub key: u32,
    /// Who wrote what it saw; [`Observed::initial`] when nobody had.
    pub from: u32,
}

/// See the module. Columns have an entry for each transaction; those that did not happen read and write nothing.
#[derive(Debug)]
pub struct Observed {
    reads: Vec<Read>,
    read_offsets: Vec<u32>,
    writes: Vec<u32>,
    write_offsets: Vec<u32>,
    /// The session, or [`NONE`] if it did not happen.
    pub session: Vec<u32>,
    /// How many transactions of its session came before.
    pub place: Vec<u32>,
    /// The one directly before it in its session, or [`NONE`].
    pub previous: Vec<u32>,
    /// The one directly after it in its session, or [`NONE`].
    next: Vec<u32>,
    /// How many sessions there are.
    pub sessions: usize,
    /// Those that happened, by session and place.
    members: Vec<u32>,
    /// How many keys there are.
    pub keys: usize,
}

impl Observed {
    /// `source` says who wrote what a read of this transaction saw, or nothing if the read proves nothing.
    pub fn new(
        transactions: &Transactions,
        happened: &[bool],
        source: impl Fn(u32, &MicroOperation) -> Option<u32>,
    ) -> Observed {
        let count = transactions.len();
        let mut observed = Observed {
            reads: Vec::new(),
            read_offsets: Vec::with_capacity(count + 1),
            writes: Vec::new(),
            write_offsets: Vec::with_capacity(count + 1),
            session: vec![NONE; count],
            place: vec![0; count],
            previous: vec![NONE; count],
            next: vec![NONE; count],
            sessions: 0,
            members: Vec::new(),
            keys: transactions.keys.len(),
        };
        observed.read_offsets.push(0);
        observed.write_offsets.push(0);
        // By key: who wrote it last.
        let mut written_by = vec![NONE; transactions.keys.len()];
        for (transaction, &has_happened) in happened.iter().enumerate() {
            let own = if has_happened { transactions.of(transaction) } else { &[] };
            let first = observed.writes.len();
            for micro_operation in own {
                let key = micro_operation.key;
                let is_written = written_by[key as usize] == transaction as u32;
                if matches!(micro_operation.code, Code::Append | Code::Write) {
                    if !is_written {
                        observed.writes.push(key);
                        written_by[key as usize] = transaction as u32;
                    }
                } else if micro_operation.code == Code::Read
                    && transactions.outcome[transaction] == Outcome::Ok
                    && !is_written
                    && let Some(from) = source(transaction as u32, micro_operation)
                {
                    observed.reads.push(Read { key, from });
                }
            }
            observed.writes[first..].sort_unstable();
            observed.read_offsets.push(observed.reads.len() as u32);
            observed.write_offsets.push(observed.writes.len() as u32);
        }
        observed.order_sessions(transactions, happened);
        observed
    }

    /// After a transaction whose end nobody saw its process begins anew: it may have happened at any later time.
    fn order_sessions(&mut self, transactions: &Transactions, happened: &[bool]) {
        let mut last: FxHashMap<i32, u32> = FxHashMap::default();
        let mut sizes: Vec<u32> = Vec::new();
        for transaction in (0..transactions.len()).filter(|&t| happened[t]) {
            let earlier = last.insert(transactions.process[transaction], transaction as u32);
            match earlier.filter(|&earlier| transactions.outcome[earlier as usize] == Outcome::Ok) {
                Some(earlier) => {
                    self.previous[transaction] = earlier;
                    self.next[earlier as usize] = transaction as u32;
                    self.session[transaction] = self.session[earlier as usize];
                    self.place[transaction] = self.place[earlier as usize] + 1;
                }
                None => {
                    self.session[transaction] = sizes.len() as u32;
                    sizes.push(0);
                }
            }
            sizes[self.session[transaction] as usize] += 1;
        }
        self.sessions = sizes.len();
        let mut end = 0;
        let begins: Vec<u32> = sizes
            .iter()
            .map(|size| {
                end += size;
                end - size
            })
            .collect();
        self.members = vec![NONE; end as usize];
        for transaction in (0..transactions.len()).filter(|&t| happened[t]) {
            let begin = begins[self.session[transaction] as usize];
            self.members[(begin + self.place[transaction]) as usize] = transaction as u32;
        }
    }

    /// How many transactions there are, those that did not happen included.
    pub fn transactions(&self) -> usize {
        self.session.len()
    }

    /// The transaction before all others, which wrote what every key holds at first.
    pub fn initial(&self) -> u32 {
        self.session.len() as u32
    }

    /// What a transaction read, in order.
    pub fn reads(&self, transaction: u32) -> &[Read] {
        let transaction = transaction as usize;
        &self.reads[self.read_offsets[transaction] as usize..self.read_offsets[transaction + 1] as usize]
    }

    /// Whom it read from, once for each read.
    pub fn sources(&self, transaction: u32) -> impl Iterator<Item = u32> + '_ {
        let initial = self.initial();
        self.reads(transaction).iter().map(|read| read.from).filter(move |&from| from != initial)
    }

    /// The keys that it wrote, ascending.
    pub fn writes(&self, transaction: u32) -> &[u32] {
        if transaction == self.initial() {
            return &[];
        }
        let transaction = transaction as usize;
        &self.writes[self.write_offsets[transaction] as usize..self.write_offsets[transaction + 1] as usize]
    }

    /// The one directly after it in its session.
    pub fn next(&self, transaction: u32) -> Option<u32> {
        Some(self.next[transaction as usize]).filter(|&next| next != NONE)
    }

    /// The transactions of each session, in order.
    pub fn by_session(&self) -> impl Iterator<Item = &[u32]> {
        self.members.chunk_by(|&one, &other| self.session[one as usize] == self.session[other as usize])
    }

    /// Every transaction that happened.
    pub fn happened(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.initial()).filter(|&transaction| self.session[transaction as usize] != NONE)
    }

    /// Add who read from whom, and the order of each session if `sessions`.
    pub fn orders(&self, sessions: bool, edges: &mut Edges) {
        for reader in self.happened() {
            for read in self.reads(reader).iter().filter(|read| read.from != self.initial()) {
                edges.add(read.from, reader, WR, read.key);
            }
            let previous = self.previous[reader as usize];
            if sessions && previous != NONE {
                edges.add(previous, reader, PROCESS, NO_KEY);
            }
        }
    }
}
