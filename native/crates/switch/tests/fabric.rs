//! The fabric as its links see it: frames in at given times, frames out. SCHRODINGER_FUZZ_CASES sets how many random worlds there are.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use schrodinger_switch::{ALL, Distribution, Effect, Error, Fabric, Wanted};

const MS: u64 = 1_000_000;
const PORTS: u8 = 4;

fn address(port: usize) -> [u8; 6] {
    [2, 0, 0, 0, 0, port as u8]
}

fn frame(destination: [u8; 6], number: u64) -> Vec<u8> {
    [&destination[..], &[0; 8], &number.to_be_bytes()].concat()
}

fn number(frame: &[u8]) -> u64 {
    u64::from_be_bytes(frame[14..22].try_into().expect("eight bytes"))
}

/// A fabric, a clock that stands where it is set, and what has come out: when, where, which.
struct World {
    fabric: Fabric,
    now: u64,
    out: Vec<(u64, usize, u64)>,
}

impl World {
    fn new() -> Self {
        let addresses: Vec<_> = (0..usize::from(PORTS)).map(address).collect();
        World { fabric: Fabric::new(&addresses).expect("a fabric"), now: 0, out: Vec::new() }
    }

    fn with(effects: &[(usize, usize, Effect)]) -> Self {
        let mut world = Self::new();
        world.set(effects);
        world
    }

    fn set(&mut self, effects: &[(usize, usize, Effect)]) {
        let wanted: Vec<Wanted> = effects.iter().cloned().map(wanted).collect();
        self.fabric.replace(&wanted).expect("valid effects");
    }

    fn send(&mut self, source: usize, destination: usize, number: u64) {
        self.send_to(source, address(destination), number);
    }

    fn send_to(&mut self, source: usize, destination: [u8; 6], id: u64) {
        let (now, out) = (self.now, &mut self.out);
        self.fabric
            .accept(now, source, &frame(destination, id), &mut |port, frame| out.push((now, port, number(frame))));
    }

    /// Let time pass, delivering each frame when it is due.
    fn run_to(&mut self, until: u64) {
        while let Some(due) = self.fabric.next_due_ns().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let (now, out) = (self.now, &mut self.out);
            self.fabric.deliver_due(now, &mut |port, frame| out.push((now, port, number(frame))));
        }
        self.now = until;
    }

    fn arrived(&self, port: usize) -> Vec<u64> {
        self.out.iter().filter(|(_, at, _)| *at == port).map(|(_, _, number)| *number).collect()
    }
}

fn wanted((source, destination, effect): (usize, usize, Effect)) -> Wanted {
    Wanted { source, destination, effect }
}

fn delay(ms: u64) -> Effect {
    Effect::Delay { delay_ns: ms * MS, jitter_ns: 0, distribution: Distribution::Uniform, seed: 0 }
}

fn loss(share: u32) -> Effect {
    Effect::Loss { share, seed: 11 }
}

#[test]
fn a_frame_goes_to_its_address_and_to_no_other_port() {
    let mut world = World::new();
    world.send(0, 2, 7);
    assert_eq!(world.out, [(0, 2, 7)]);
}

#[test]
fn a_broadcast_goes_to_every_other_port() {
    let mut world = World::new();
    world.send_to(1, [0xff; 6], 7);
    assert_eq!(world.out, [(0, 0, 7), (0, 2, 7), (0, 3, 7)]);
}

#[test]
fn a_frame_for_nobody_or_for_its_sender_is_a_stray() {
    let mut world = World::new();
    world.send_to(0, [2, 0, 0, 0, 0, 99], 1);
    world.send(0, 0, 2);
    world.fabric.accept(0, 0, &[1, 2], &mut |_, _| panic!("too short for an address"));
    assert_eq!(world.out, []);
    assert_eq!(world.fabric.totals().strays, 3);
}

#[test]
fn a_cut_stops_one_direction_of_one_link_broadcasts_included() {
    let mut world = World::with(&[(0, 1, Effect::Cut)]);
    world.send(0, 1, 1);
    world.send_to(0, [0xff; 6], 2);
    world.send(1, 0, 3);
    world.send(2, 1, 4);
    assert_eq!((world.arrived(0), world.arrived(1), world.arrived(2)), (vec![3], vec![4], vec![2]));
    assert_eq!(world.fabric.in_force()[0].counters.dropped, 2);
}

#[test]
fn nothing_arrives_through_a_cut_that_was_under_way_when_it_began() {
    let mut world = World::with(&[(0, 1, delay(10))]);
    world.send(0, 1, 1);
    world.run_to(5 * MS);
    world.set(&[(0, 1, delay(10)), (0, 1, Effect::Cut)]);
    world.run_to(20 * MS);
    assert_eq!(world.out, []);
    world.set(&[(0, 1, delay(10))]);
    world.send(0, 1, 2);
    world.run_to(40 * MS);
    assert_eq!(world.out, [(30 * MS, 1, 2)]);
}

#[test]
fn a_cut_counts_a_packet_when_it_is_sent_whatever_else_is_on_the_link() {
    let mut world = World::with(&[(0, 1, loss(ALL)), (0, 1, delay(10)), (0, 1, Effect::Cut)]);
    world.send(0, 1, 1);
    let counters: Vec<_> = world.fabric.in_force().iter().map(|entry| entry.counters.packets).collect();
    assert_eq!(counters, [0, 0, 1]);
}

#[test]
fn delays_of_one_link_add_up_and_other_links_have_none() {
    let mut world = World::with(&[(0, 1, delay(10)), (0, 1, delay(7))]);
    world.send(0, 1, 1);
    world.send(1, 0, 2);
    world.run_to(100 * MS);
    assert_eq!(world.out, [(0, 0, 2), (17 * MS, 1, 1)]);
}

#[test]
fn a_change_does_not_touch_what_stays() {
    let lasting = (0, 1, loss(300_000));
    let lost = |changes: bool| {
        let mut world = World::with(std::slice::from_ref(&lasting));
        for id in 0..1000 {
            if changes && id % 10 == 0 {
                let other = [(0, 1, delay(1 + id)), (1, 0, Effect::Cut), lasting.clone(), (0, 2, loss(5))];
                world.set(if id % 20 == 0 { &other } else { std::slice::from_ref(&lasting) });
            }
            world.send(0, 1, id);
        }
        world.set(std::slice::from_ref(&lasting));
        world.run_to(MS * 10_000);
        assert_eq!(world.fabric.in_force()[0].counters.packets, 1000);
        let mut arrived = world.arrived(1);
        arrived.sort_unstable();
        arrived
    };
    assert_eq!(lost(true), lost(false));
}

#[test]
fn what_waits_is_due_at_once_and_in_order_when_the_last_effect_that_held_it_ends() {
    let mut world = World::with(&[(0, 1, delay(500)), (2, 3, delay(500))]);
    for id in 0..5 {
        world.send(0, 1, id);
        world.send(2, 3, id);
        world.run_to(world.now + MS);
    }
    world.set(&[(2, 3, delay(500))]);
    world.send(0, 1, 5);
    assert_eq!(world.arrived(1), [0, 1, 2, 3, 4, 5]);
    assert_eq!(world.arrived(3), []);
    world.run_to(1000 * MS);
    assert_eq!(world.arrived(3), [0, 1, 2, 3, 4]);
}

#[test]
fn while_something_else_still_holds_a_link_what_waits_keeps_its_time() {
    let mut world = World::with(&[(0, 1, delay(10)), (0, 1, delay(20))]);
    world.send(0, 1, 1);
    world.set(&[(0, 1, delay(10))]);
    world.run_to(100 * MS);
    assert_eq!(world.out, [(30 * MS, 1, 1)]);
}

#[test]
fn a_delay_without_deviation_keeps_the_order_even_if_frames_are_taken_late() {
    let jittery = Effect::Delay { delay_ns: MS, jitter_ns: MS, distribution: Distribution::Uniform, seed: 3 };
    let mut world = World::with(&[(0, 1, jittery)]);
    for id in 0..2000 {
        world.now += 10_000 + id % 7 * 1_000_000;
        world.send(0, 1, id); // nothing was delivered in between: the thread was busy
    }
    world.run_to(world.now + 10 * MS);
    assert_eq!(world.arrived(1), (0..2000).collect::<Vec<_>>());
}

#[test]
fn reordering_lets_later_packets_overtake_those_that_are_held() {
    let mut world = World::with(&[(0, 1, Effect::Reordering { share: 200_000, hold_ns: 5 * MS, seed: 1 })]);
    for id in 0..1000 {
        world.send(0, 1, id);
        world.run_to(world.now + MS);
    }
    world.run_to(world.now + 10 * MS);
    let arrived = world.arrived(1);
    let overtaken = arrived.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert_eq!(arrived.len(), 1000);
    assert!((100..300).contains(&overtaken), "{overtaken}");
}

#[test]
fn duplicates_meet_what_comes_after_and_are_counted() {
    let mut world = World::with(&[(0, 1, Effect::Duplication { share: 500_000, seed: 1 }), (0, 1, delay(3))]);
    for id in 0..1000 {
        world.send(0, 1, id);
    }
    world.run_to(10 * MS);
    let readings = world.fabric.in_force();
    let doubled = readings[0].counters.hits;
    assert!((430..570).contains(&doubled), "{doubled}");
    assert_eq!(world.out.len() as u64, 1000 + doubled);
    assert_eq!(readings[1].counters.packets, 1000 + doubled);
}

#[test]
fn losses_of_one_link_are_independent_of_each_other() {
    let mut world = World::with(&[
        (0, 1, Effect::Loss { share: ALL / 2, seed: 1 }),
        (0, 1, Effect::Loss { share: ALL / 2, seed: 2 }),
    ]);
    for id in 0..10_000 {
        world.send(0, 1, id);
    }
    assert!((2_300..2_700).contains(&world.out.len()), "{}", world.out.len());
}

#[test]
fn the_same_effect_twice_is_one() {
    let mut world = World::with(&[(0, 1, delay(3)), (0, 1, delay(3))]);
    world.send(0, 1, 1);
    world.run_to(10 * MS);
    assert_eq!(world.out, [(3 * MS, 1, 1)]);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let mut world = World::with(&[(0, 1, Effect::Cut)]);
    let before = world.fabric.in_force();
    let wrong = [
        (0, 4, Effect::Cut),
        (9, 1, Effect::Cut),
        (1, 1, Effect::Cut),
        (0, 1, loss(0)),
        (0, 1, loss(ALL + 1)),
        (0, 1, delay(0)),
        (0, 1, delay(600_001)),
        (0, 1, Effect::Delay { delay_ns: MS, jitter_ns: u64::MAX, distribution: Distribution::Normal, seed: 0 }),
        (0, 1, Effect::Rate { bits_per_second: 0, queue_bytes: 1 }),
        (0, 1, Effect::Reordering { share: 5, hold_ns: 0, seed: 0 }),
        (0, 1, Effect::BurstLoss { share: 100, burst: 0, seed: 0 }),
        (0, 1, Effect::BurstLoss { share: 900_000, burst: 2, seed: 0 }),
        (0, 1, Effect::BurstLoss { share: ALL, burst: 2, seed: 0 }),
    ];
    for entry in wrong {
        let asked = [wanted((2, 3, delay(5))), wanted(entry.clone())];
        assert!(matches!(world.fabric.replace(&asked), Err(Error::Invalid(_))), "{entry:?}");
        assert_eq!(world.fabric.in_force(), before);
    }
}

#[test]
fn addresses_must_differ_and_ports_be_few_enough() {
    assert!(Fabric::new(&[address(1), address(1)]).is_err());
    let many: Vec<_> = (0..257_u16).map(|port| [2, 0, 0, 0, (port >> 8) as u8, port as u8]).collect();
    assert!(Fabric::new(&many).is_err());
    assert!(Fabric::new(&many[..256]).is_ok());
}

#[test]
fn memory_is_bounded_and_what_does_not_fit_is_counted() {
    let mut world = World::with(&[(0, 1, delay(500_000))]);
    let large = [&address(1)[..], &vec![0; 65_000]].concat();
    for _ in 0..5_000 {
        world.fabric.accept(0, 0, &large, &mut |_, _| panic!("it is held"));
    }
    let totals = world.fabric.totals();
    assert_eq!(totals.waiting + totals.overflowed, 5_000);
    assert_eq!(totals.waiting as usize, schrodinger_switch::QUEUE_BYTES / large.len());
}

/// Many changes and packets at random: every packet is delivered, dropped by an effect, or waits; none is made up.
#[test]
fn no_packet_is_invented_or_vanishes_uncounted() {
    let cases = std::env::var("SCHRODINGER_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200_u64);
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..cases {
        let mut world = World::new();
        let mut ended_drops = 0;
        let mut ended_copies = 0;
        for id in 0..300 {
            if random(15) == 0 {
                let before = world.fabric.in_force();
                let effects: Vec<_> = (0..random(5))
                    .map(|_| {
                        let effect = match random(6) {
                            0 => Effect::Cut,
                            1 => loss(1 + random(u64::from(ALL)) as u32),
                            2 => delay(1 + random(20)),
                            3 => Effect::Duplication { share: ALL / 3, seed: random(3) },
                            4 => Effect::Rate { bits_per_second: 100_000, queue_bytes: random(200) },
                            _ => Effect::Reordering { share: ALL / 3, hold_ns: 1 + random(9) * MS, seed: random(3) },
                        };
                        (random(2) as usize, 2, effect)
                    })
                    .collect();
                world.set(&effects);
                let after: Vec<_> = world.fabric.in_force().into_iter().map(|entry| entry.wanted).collect();
                for gone in before.iter().filter(|entry| !after.contains(&entry.wanted)) {
                    ended_drops += gone.counters.dropped;
                    ended_copies +=
                        if matches!(gone.wanted.effect, Effect::Duplication { .. }) { gone.counters.hits } else { 0 };
                }
            }
            world.send(random(2) as usize, 2, id);
            world.run_to(world.now + random(3) * MS);
        }
        let now = world.fabric.in_force();
        let dropped = ended_drops + now.iter().map(|entry| entry.counters.dropped).sum::<u64>();
        let doubling = now.iter().filter(|entry| matches!(entry.wanted.effect, Effect::Duplication { .. }));
        let copies = ended_copies + doubling.map(|entry| entry.counters.hits).sum::<u64>();
        assert_eq!(300 + copies, world.out.len() as u64 + dropped + world.fabric.totals().waiting);
    }
}
