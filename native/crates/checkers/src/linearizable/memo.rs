//! The set of configurations seen, sixteen bytes each.
//!
//! A configuration is the set of linearized operations and the state. Its signature is the exclusive or of one pseudo-random 128-bit
//! word for each linearized operation and one for the state (Zobrist, "A new hashing method with application for game playing",
//! 1970), so that it changes in constant time. Two configurations with the same signature are taken for one; among m of them the
//! odds of any such mistake are about m²/2¹²⁹: 10⁻²³ for a hundred million. The words are fixed, so a mistake would at least repeat.

/// What is hashed.
#[derive(Clone, Copy)]
pub enum Word {
    /// A required operation.
    Operation(usize),
    /// A use of one of several interchangeable operations: the class, and how many of it were used before.
    Use(usize, u32),
    /// A state.
    State(u32),
    /// Every state whose token nobody will consume any more.
    Spent,
}

/// The pseudo-random word of `what`.
pub fn word(what: Word) -> u128 {
    let (kind, number) = match what {
        Word::Operation(operation) => (1, operation as u64),
        Word::Use(class, use_) => (2, ((class as u64) << 32) | u64::from(use_)),
        Word::State(state) => (3, u64::from(state)),
        Word::Spent => (4, 0),
    };
    let seed = mix(number ^ mix(kind));
    u128::from(mix(seed ^ 0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(mix(seed ^ 0xd1b5_4a32_d192_ed03))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An open-addressing set of signatures, which knows how many bytes it holds.
pub struct Memo {
    slots: Vec<u128>,
    used: usize,
}

const SMALLEST: usize = 64;
const EMPTY: u128 = 0;

impl Memo {
    /// An empty set.
    pub fn new() -> Self {
        Memo { slots: vec![EMPTY; SMALLEST], used: 0 }
    }

    /// Bytes needed to insert one more; while growing the old and the new table exist side by side.
    pub fn bytes_to_insert(&self) -> u64 {
        let tables = if self.is_full() { 3 } else { 1 };
        tables * 16 * self.slots.len() as u64
    }

    /// Add a signature; false if it was there.
    pub fn insert(&mut self, signature: u128) -> bool {
        let signature = if signature == EMPTY { !EMPTY } else { signature };
        if self.is_full() {
            self.grow();
        }
        let slot = self.find(signature);
        let new = self.slots[slot] == EMPTY;
        self.slots[slot] = signature;
        self.used += usize::from(new);
        new
    }

    /// Forget everything, when there is enough to forget for it to pay.
    pub fn forget(&mut self) {
        if 2 * self.used >= self.slots.len().min(1 << 12) {
            if self.slots.len() > 1 << 16 {
                *self = Memo::new();
            } else {
                self.slots.fill(EMPTY);
                self.used = 0;
            }
        }
    }

    fn is_full(&self) -> bool {
        4 * (self.used + 1) > 3 * self.slots.len()
    }

    fn find(&self, signature: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = signature as usize & mask;
        while self.slots[slot] != EMPTY && self.slots[slot] != signature {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let doubled = vec![EMPTY; 2 * self.slots.len()];
        let old = std::mem::replace(&mut self.slots, doubled);
        for signature in old.into_iter().filter(|&signature| signature != EMPTY) {
            let slot = self.find(signature);
            self.slots[slot] = signature;
        }
    }
}
