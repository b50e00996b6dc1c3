//! Random words without a generator's state: Philox 4x32-10.
//!
//! Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11. Ten rounds of multiplication turn (counter,
//! key) into random bits. There is nothing to advance, so what a process does next depends on nothing that another process did:
//! leaving out a fault or a process from a run changes no other operation, and what befalls a packet depends on no other link.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The random words of one process: a function of (seed, process, index) only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    process: u32,
}

impl Stream {
    /// The stream of `process` in the run of `seed`.
    pub const fn new(seed: u64, process: u32) -> Self {
        Stream { key: [seed as u32, (seed >> 32) as u32], process }
    }

    /// Four independent words for operation `index`: two Philox blocks, told apart by the last word of the counter.
    pub fn words(&self, index: u64) -> [u64; 4] {
        let block = |number| philox([index as u32, (index >> 32) as u32, self.process, number], self.key);
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let (first, second) = (block(0), block(1));
        [join(first[0], first[1]), join(first[2], first[3]), join(second[0], second[1]), join(second[2], second[3])]
    }
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let products =
            [u64::from(MULTIPLIERS[0]) * u64::from(counter[0]), u64::from(MULTIPLIERS[1]) * u64::from(counter[2])];
        counter = [
            (products[1] >> 32) as u32 ^ counter[1] ^ key[0],
            products[1] as u32,
            (products[0] >> 32) as u32 ^ counter[3] ^ key[1],
            products[0] as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `kat_vectors` of the authors' Random123 library, lines `philox4x32 10`.
    #[test]
    fn philox_gives_the_published_known_answers() {
        let ones = u32::MAX;
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([ones; 4], [ones; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn seed_process_and_index_all_matter_and_nothing_else_does() {
        let stream = Stream::new(1 << 40, 7);
        let words = stream.words(1 << 33);
        assert_eq!(stream.words(1 << 33), words);
        assert_ne!(stream.words(0), words);
        assert_ne!(Stream::new(0, 7).words(1 << 33), words);
        assert_ne!(Stream::new(1 << 40, 8).words(1 << 33), words);
    }
}
