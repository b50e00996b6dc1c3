//! What a link may do to packets, as plain data.
//!
//! Shares are parts per million, times nanoseconds: whole numbers, so that what was asked for and what is read back compare exactly.
//! The order of the variants is the order in which a packet meets them: it is lost, reset or damaged before it waits. A cut stands at
//! both ends: it takes what is sent while it is in force, and what would arrive then.

use serde::{Deserialize, Serialize};

/// All packets, in parts per million.
pub const ALL: u32 = 1_000_000;

/// The longest that one effect may hold a packet: what waits longer is as good as lost, and costs memory.
pub const LONGEST_NS: u64 = 600_000_000_000;

/// One thing that a directed link does to the packets that take it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Loses a share of the packets, each independently of all others.
    Loss {
        /// Packets lost, in parts per million.
        share: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Loses packets in bursts: a chain of two states, in one of which everything is lost. Gilbert, "Capacity of a Burst-Noise
    /// Channel", BSTJ 1960; also the model `gemodel` of netem with its last two parameters 100 % and 0 %.
    BurstLoss {
        /// Packets lost in the long run, in parts per million.
        share: u32,
        /// Packets that a burst loses on average.
        burst: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Ends TCP connections: in place of a chosen segment both ends get a reset that looks as if the other had sent it.
    Reset {
        /// Segments of established connections that become resets, in parts per million.
        share: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Flips one bit behind the IP header of a share of the packets. The receiver's checksum finds it.
    Corruption {
        /// Packets damaged, in parts per million.
        share: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Flips one bit in the payload of a share of the TCP and UDP packets and mends the checksum, as memory errors in switches do:
    /// the receiver's kernel finds nothing. Stone and Partridge, "When the CRC and TCP Checksum Disagree", SIGCOMM 2000.
    SilentCorruption {
        /// Packets damaged, in parts per million, among those that have a payload.
        share: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Delivers a share of the packets twice.
    Duplication {
        /// Packets delivered twice, in parts per million.
        share: u32,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Lets so many bits a second pass. What comes faster waits; what would wait behind more than the queue holds is lost.
    Rate {
        /// Bits a second, Ethernet headers included.
        bits_per_second: u64,
        /// Bytes that may wait.
        queue_bytes: u64,
    },
    /// Holds every packet for some time and keeps their order.
    Delay {
        /// The time, before jitter.
        delay_ns: u64,
        /// The scale of the deviation from it.
        jitter_ns: u64,
        /// How deviations are distributed. No packet arrives before it was sent.
        distribution: Distribution,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Holds a share of the packets back for some time, so that those behind overtake them.
    Reordering {
        /// Packets held back, in parts per million.
        share: u32,
        /// For how long.
        hold_ns: u64,
        /// Where the chance comes from.
        seed: u64,
    },
    /// Lets nothing arrive, not even what was already under way.
    Cut,
}

/// How far a delay deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Anything from one jitter too early to one too late.
    Uniform,
    /// The jitter is the standard deviation.
    Normal,
    /// Never too early, one jitter too late on average, sometimes many: shape 3, cut off at [`PARETO_AT_MOST`] jitters.
    Pareto,
}

/// The farthest deviation of [`Distribution::Pareto`], in jitters. Only one packet in 1,300 is that late.
pub const PARETO_AT_MOST: f64 = 20.0;

impl Effect {
    /// Why this effect cannot be, if it cannot.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Effect::BurstLoss { share, burst, .. }
                if u64::from(*share) > u64::from(ALL.saturating_sub(*share)) * u64::from(*burst) =>
            {
                Some(format!(
                    "bursts of {burst} packets cannot lose {share} of {ALL}, because every burst is followed by a packet that passes"
                ))
            }
            Effect::Loss { share, .. }
            | Effect::BurstLoss { share, .. }
            | Effect::Reset { share, .. }
            | Effect::Corruption { share, .. }
            | Effect::SilentCorruption { share, .. }
            | Effect::Duplication { share, .. }
            | Effect::Reordering { share, .. }
                if !(1..=ALL).contains(share) =>
            {
                Some(format!("a share of {share} is not within 1 and {ALL}"))
            }
            Effect::Rate { bits_per_second: 0, .. } => Some("a rate of 0 is a cut".to_owned()),
            Effect::Delay { delay_ns: 0, jitter_ns: 0, .. } => Some("a delay of 0 is none".to_owned()),
            Effect::Reordering { hold_ns: 0, .. } => Some("a packet held for 0 ns is not overtaken".to_owned()),
            Effect::Delay { delay_ns: longest, .. }
            | Effect::Delay { jitter_ns: longest, .. }
            | Effect::Reordering { hold_ns: longest, .. }
                if *longest > LONGEST_NS =>
            {
                Some(format!("{longest} ns is more than {LONGEST_NS}"))
            }
            Effect::Delay { jitter_ns, .. } if *jitter_ns > LONGEST_NS => {
                Some(format!("{jitter_ns} ns is more than {LONGEST_NS}"))
            }
            _ => None,
        }
    }

    /// Whether packets wait because of it.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Effect::Rate { .. } | Effect::Delay { .. } | Effect::Reordering { .. })
    }

    /// The seed and a number of the kind, which keep two effects on one link from drawing the same numbers.
    pub(crate) fn seed(&self) -> (u64, u32) {
        match self {
            Effect::Loss { seed, .. } => (*seed, 1),
            Effect::BurstLoss { seed, .. } => (*seed, 2),
            Effect::Reset { seed, .. } => (*seed, 3),
            Effect::Corruption { seed, .. } => (*seed, 4),
            Effect::SilentCorruption { seed, .. } => (*seed, 5),
            Effect::Duplication { seed, .. } => (*seed, 6),
            Effect::Delay { seed, .. } => (*seed, 7),
            Effect::Reordering { seed, .. } => (*seed, 8),
            Effect::Rate { .. } | Effect::Cut => (0, 0),
        }
    }
}

/// The probability that a packet that follows one that passed begins a burst.
pub(crate) fn chance_of_burst(share: u32, burst: u32) -> f64 {
    let lost = f64::from(share) / f64::from(ALL);
    lost / ((1.0 - lost) * f64::from(burst))
}
