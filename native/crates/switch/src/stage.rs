//! One effect at work on one link: what becomes of each packet that meets it, and what it has done so far.
//!
//! A packet's fate is a function of the seed, the link and how many packets came before it, never of the time or of other links. So
//! a run that is repeated with the same packets has the same ones lost.

use std::borrow::Cow;
use std::f64::consts::TAU;

use schrodinger_random::Stream;
use serde::Serialize;

use crate::effect::{ALL, Distribution, Effect, PARETO_AT_MOST, chance_of_burst};
use crate::packet;

/// What an effect has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Packets that met it. Silent corruption meets only those with a payload, reset only established connections.
    pub packets: u64,
    /// Packets to which it did what it is there for.
    pub hits: u64,
    /// Packets that did not get past it.
    pub dropped: u64,
    /// Time that it added to packets, summed up.
    pub held_ns: u64,
    /// The longest time that it added to one.
    pub longest_ns: u64,
}

/// What becomes of a packet at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    Dropped,
    Reset,
    Doubled,
}

/// An effect on a link, with its memory.
#[derive(Debug)]
pub(crate) struct Stage {
    pub effect: Effect,
    pub counters: Counters,
    random: Stream,
    /// Packets so far: the index of the next.
    index: u64,
    /// In the state in which packets are lost.
    burst: bool,
    /// When the last packet leaves, which none may overtake.
    free_ns: u64,
}

impl Stage {
    /// The effect on the link between these ports, which number at most 256.
    pub fn new(effect: Effect, source: usize, destination: usize) -> Self {
        let (seed, kind) = effect.seed();
        let random = Stream::new(seed, kind << 16 | (source as u32) << 8 | destination as u32);
        Stage { effect, counters: Counters::default(), random, index: 0, burst: false, free_ns: 0 }
    }

    /// Let a packet that comes at `at` meet this effect; it leaves at what `at` is then.
    pub fn meet(&mut self, at: &mut u64, frame: &mut Cow<'_, [u8]>) -> Fate {
        if !self.concerns(frame) {
            return Fate::Passes;
        }
        self.counters.packets += 1;
        let random = if self.effect.seed().1 == 0 { [0; 4] } else { self.random.words(self.index) };
        self.index += 1;
        let fate = self.fate(random, at, frame);
        self.counters.dropped += u64::from(matches!(fate, Fate::Dropped | Fate::Reset));
        fate
    }

    /// Count a packet that would have arrived.
    pub fn cut(&mut self) {
        self.counters.packets += 1;
        self.counters.hits += 1;
        self.counters.dropped += 1;
    }

    fn concerns(&self, frame: &[u8]) -> bool {
        match self.effect {
            Effect::SilentCorruption { .. } => packet::has_payload(frame),
            Effect::Reset { .. } => packet::is_established(frame),
            _ => true,
        }
    }

    fn fate(&mut self, random: [u64; 4], at: &mut u64, frame: &mut Cow<'_, [u8]>) -> Fate {
        match self.effect {
            Effect::Loss { share, .. } => self.hit_if(chosen(random[0], share), Fate::Dropped),
            Effect::BurstLoss { share, burst, .. } => {
                let ends = 1.0 / f64::from(burst);
                let begins = chance_of_burst(share, burst);
                self.burst = if self.burst { unit(random[0]) >= ends } else { unit(random[0]) < begins };
                self.hit_if(self.burst, Fate::Dropped)
            }
            Effect::Reset { share, .. } => self.hit_if(chosen(random[0], share), Fate::Reset),
            Effect::Corruption { share, .. } => {
                let damaged = chosen(random[0], share) && packet::corrupt(frame.to_mut(), random[1]);
                self.hit_if(damaged, Fate::Passes)
            }
            Effect::SilentCorruption { share, .. } => {
                let damaged = chosen(random[0], share) && packet::corrupt_silently(frame.to_mut(), random[1]);
                self.hit_if(damaged, Fate::Passes)
            }
            Effect::Duplication { share, .. } => self.hit_if(chosen(random[0], share), Fate::Doubled),
            Effect::Rate { bits_per_second, queue_bytes } => {
                let begin = self.free_ns.max(*at);
                let waiting = u128::from(begin - *at) * u128::from(bits_per_second) / 8_000_000_000;
                if waiting > u128::from(queue_bytes) {
                    return self.hit_if(true, Fate::Dropped);
                }
                let took = u128::from(frame.len() as u64) * 8_000_000_000 / u128::from(bits_per_second);
                self.free_ns = begin.saturating_add(u64::try_from(took).unwrap_or(u64::MAX));
                self.hold(at, self.free_ns)
            }
            Effect::Delay { delay_ns, jitter_ns, distribution, .. } => {
                let deviation = deviation(distribution, random) * jitter_ns as f64;
                let delay = (delay_ns as f64 + deviation).max(0.0) as u64;
                self.free_ns = self.free_ns.max(at.saturating_add(delay));
                self.hold(at, self.free_ns)
            }
            Effect::Reordering { share, hold_ns, .. } => {
                if !chosen(random[0], share) {
                    return Fate::Passes;
                }
                self.hold(at, at.saturating_add(hold_ns))
            }
            Effect::Cut => Fate::Passes, // it is met when the packet arrives
        }
    }

    fn hit_if(&mut self, hit: bool, fate: Fate) -> Fate {
        self.counters.hits += u64::from(hit);
        if hit { fate } else { Fate::Passes }
    }

    fn hold(&mut self, at: &mut u64, until: u64) -> Fate {
        let held = until - *at;
        *at = until;
        self.counters.held_ns = self.counters.held_ns.saturating_add(held);
        self.counters.longest_ns = self.counters.longest_ns.max(held);
        self.hit_if(held > 0, Fate::Passes)
    }
}

fn chosen(word: u64, share: u32) -> bool {
    ((u128::from(word) * u128::from(ALL)) >> 64) < u128::from(share)
}

/// A number in [0, 1).
fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// How far from its middle a delay is, in jitters.
fn deviation(distribution: Distribution, random: [u64; 4]) -> f64 {
    let (first, second) = (unit(random[0]), unit(random[1]));
    match distribution {
        Distribution::Uniform => 2.0 * first - 1.0,
        // Box and Muller, 1958. One minus the unit is never zero.
        Distribution::Normal => (-2.0 * (1.0 - first).ln()).sqrt() * (TAU * second).cos(),
        // Lomax of shape 3 and scale 2, whose mean is 1.
        Distribution::Pareto => (2.0 * ((1.0 - first).powf(-1.0 / 3.0) - 1.0)).min(PARETO_AT_MOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn met(effect: Effect, packets: usize) -> (Stage, Vec<(u64, Fate)>) {
        let mut stage = Stage::new(effect, 0, 1);
        let fates = (0..packets as u64)
            .map(|index| {
                let mut at = index * MS;
                let fate = stage.meet(&mut at, &mut Cow::Borrowed(&[0; 100]));
                (at - index * MS, fate)
            })
            .collect();
        (stage, fates)
    }

    fn lost(fates: &[(u64, Fate)]) -> Vec<bool> {
        fates.iter().map(|(_, fate)| *fate == Fate::Dropped).collect()
    }

    #[test]
    fn loss_takes_the_share_it_was_given() {
        let (stage, fates) = met(Effect::Loss { share: 300_000, seed: 7 }, 100_000);
        let count = lost(&fates).iter().filter(|lost| **lost).count();
        assert!((29_500..30_500).contains(&count), "{count}");
        assert_eq!(stage.counters.hits, count as u64);
        assert_eq!(stage.counters.dropped, count as u64);
        assert_eq!(stage.counters.packets, 100_000);
    }

    #[test]
    fn loss_of_everything_loses_everything_and_the_smallest_share_nearly_nothing() {
        assert!(lost(&met(Effect::Loss { share: ALL, seed: 1 }, 10_000).1).iter().all(|lost| *lost));
        assert!(lost(&met(Effect::Loss { share: 1, seed: 1 }, 10_000).1).iter().filter(|lost| **lost).count() < 3);
    }

    #[test]
    fn the_same_seed_and_link_lose_the_same_packets_and_others_lose_others() {
        let effect = |seed| Effect::Loss { share: 300_000, seed };
        let of = |effect, source| {
            let mut stage = Stage::new(effect, source, 2);
            (0..1000).map(|_| stage.meet(&mut 0, &mut Cow::Borrowed(&[])) == Fate::Dropped).collect::<Vec<_>>()
        };
        assert_eq!(of(effect(7), 0), of(effect(7), 0));
        assert_ne!(of(effect(7), 0), of(effect(8), 0));
        assert_ne!(of(effect(7), 0), of(effect(7), 1));
    }

    #[test]
    fn bursts_have_the_mean_length_and_the_long_run_share_that_were_asked_for() {
        let (_, fates) = met(Effect::BurstLoss { share: 100_000, burst: 8, seed: 3 }, 400_000);
        let lost = lost(&fates);
        let count = lost.iter().filter(|lost| **lost).count() as f64;
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        assert!((0.095..0.105).contains(&(count / 400_000.0)), "{count}");
        assert!((7.7..8.3).contains(&(count / bursts)), "{}", count / bursts);
    }

    #[test]
    fn each_distribution_has_the_moments_that_it_promises() {
        let delays = |distribution| {
            let effect = Effect::Delay { delay_ns: 500 * MS, jitter_ns: 10 * MS, distribution, seed: 5 };
            let mut stage = Stage::new(effect, 0, 1);
            (0..100_000_u64)
                .map(|index| {
                    let mut at = index * 1_000 * MS; // so far apart that order does not matter
                    stage.meet(&mut at, &mut Cow::Borrowed(&[]));
                    (at - index * 1_000 * MS) as f64 / MS as f64 - 500.0
                })
                .collect::<Vec<f64>>()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let spread = |values: &[f64]| {
            let middle = mean(values);
            (values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        let uniform = delays(Distribution::Uniform);
        assert!(mean(&uniform).abs() < 0.1 && (5.7..5.85).contains(&spread(&uniform)));
        assert!(uniform.iter().all(|value| value.abs() <= 10.0));
        let normal = delays(Distribution::Normal);
        assert!(mean(&normal).abs() < 0.1 && (9.9..10.1).contains(&spread(&normal)), "{}", spread(&normal));
        let pareto = delays(Distribution::Pareto);
        assert!((9.6..10.2).contains(&mean(&pareto)), "{}", mean(&pareto));
        assert!(pareto.iter().all(|value| (-0.001..=200.001).contains(value)));
        assert!(pareto.iter().any(|value| *value > 100.0));
    }

    #[test]
    fn a_delay_with_jitter_keeps_the_order() {
        let effect =
            Effect::Delay { delay_ns: 20 * MS, jitter_ns: 20 * MS, distribution: Distribution::Normal, seed: 1 };
        let (_, fates) = met(effect, 1000);
        let arrivals: Vec<u64> = fates.iter().enumerate().map(|(index, (held, _))| index as u64 * MS + held).collect();
        assert!(arrivals.is_sorted());
    }

    #[test]
    fn a_rate_spaces_packets_by_their_length_and_drops_what_the_queue_cannot_hold() {
        // 100 bytes at 800 kbit/s take 1 ms: packets that come every half millisecond wait longer and longer.
        let mut stage = Stage::new(Effect::Rate { bits_per_second: 800_000, queue_bytes: 1_000 }, 0, 1);
        let arrivals: Vec<Option<u64>> = (0..200_u64)
            .map(|index| {
                let mut at = index * MS / 2;
                let fate = stage.meet(&mut at, &mut Cow::Borrowed(&[0; 100]));
                (fate == Fate::Passes).then_some(at)
            })
            .collect();
        let passed: Vec<u64> = arrivals.iter().flatten().copied().collect();
        assert!(passed.windows(2).all(|pair| pair[1] - pair[0] == MS), "{passed:?}");
        assert!((100..=112).contains(&passed.len()), "{}", passed.len());
        assert_eq!(stage.counters.dropped, 200 - passed.len() as u64);
        assert_eq!(stage.counters.longest_ns, 11 * MS);
    }

    #[test]
    fn reordering_holds_back_the_share_and_lets_the_others_pass_at_once() {
        let (stage, fates) = met(Effect::Reordering { share: 250_000, hold_ns: 5 * MS, seed: 2 }, 10_000);
        let held = fates.iter().filter(|(held, _)| *held == 5 * MS).count();
        assert!((2_300..2_700).contains(&held), "{held}");
        assert!(fates.iter().all(|(held, _)| *held == 0 || *held == 5 * MS));
        assert_eq!(stage.counters.hits, held as u64);
    }
}
