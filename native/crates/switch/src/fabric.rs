//! The switch without its wires: a frame goes in at a time, frames come out at times. Nothing here waits, reads a clock or knows of files.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::effect::Effect;
use crate::packet;
use crate::stage::{Counters, Fate, Stage};

/// The most ports of one switch. A packet's random numbers are told apart by a byte for each end of its link.
pub const MOST_PORTS: usize = 256;

/// The bytes of packets that may wait in the whole switch. More than TCP keeps under way on a hundred links, and what a small machine
/// can spare; what comes beyond is dropped and counted.
pub const QUEUE_BYTES: usize = 256 << 20;

/// An Ethernet address.
pub type Address = [u8; 6];

/// An effect that is wanted on a directed link, between ports by their number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wanted {
    /// The port that frames come from.
    pub source: usize,
    /// The port that they go to.
    pub destination: usize,
    /// What befalls them on the way.
    pub effect: Effect,
}

/// An effect in force, and what it has done since it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Where and what.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// What it has done.
    pub counters: Counters,
}

/// What has happened to packets apart from any effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Frames that came in.
    pub frames: u64,
    /// Frames for an address that no port has.
    pub strays: u64,
    /// Frames that were dropped because [`QUEUE_BYTES`] were waiting already.
    pub overflowed: u64,
    /// Frames that wait now.
    pub waiting: u64,
}

/// A frame that waits: when it is due, which came first, the link it is on, and itself.
type Waiting = Reverse<(u64, u64, usize, Vec<u8>)>;

#[derive(Debug, Default)]
struct Link {
    /// In the order in which packets meet them.
    stages: Vec<Stage>,
    cut: bool,
}

/// Ports, the links between them, and the frames that are under way.
#[derive(Debug)]
pub struct Fabric {
    ports: FxHashMap<Address, usize>,
    count: usize,
    links: Vec<Link>,
    waiting: BinaryHeap<Waiting>,
    waiting_bytes: usize,
    arrivals: u64,
    totals: Totals,
}

impl Fabric {
    /// A switch with a port for each address.
    ///
    /// # Errors
    ///
    /// Too many ports, or an address twice.
    pub fn new(addresses: &[Address]) -> Result<Self, Error> {
        let ports: FxHashMap<Address, usize> = addresses.iter().copied().zip(0..).collect();
        if addresses.len() > MOST_PORTS || ports.len() != addresses.len() {
            return Err(Error::Invalid(format!(
                "{} ports with {} addresses: give up to {MOST_PORTS}, each with its own",
                addresses.len(),
                ports.len()
            )));
        }
        let count = addresses.len();
        Ok(Fabric {
            ports,
            count,
            links: (0..count * count).map(|_| Link::default()).collect(),
            waiting: BinaryHeap::new(),
            waiting_bytes: 0,
            arrivals: 0,
            totals: Totals::default(),
        })
    }

    /// Make exactly these effects be in force. Those that are already, and stay, are not touched: their counters, their chance and
    /// what they hold go on. Where nothing holds packets any more, those that wait are due at once.
    ///
    /// # Errors
    ///
    /// One of them cannot be; nothing was changed.
    pub fn replace(&mut self, wanted: &[Wanted]) -> Result<(), Error> {
        let mut of_link: FxHashMap<usize, Vec<&Effect>> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        for entry in wanted {
            let Wanted { source, destination, effect } = entry;
            if *source >= self.count || *destination >= self.count || source == destination {
                return Err(Error::Invalid(format!("there is no link from port {source} to port {destination}")));
            }
            if let Some(problem) = effect.problem() {
                return Err(Error::Invalid(format!("port {source} to port {destination}: {problem}")));
            }
            if seen.insert(entry) {
                of_link.entry(self.link(*source, *destination)).or_default().push(effect);
            }
        }
        let mut released = FxHashSet::default();
        for number in 0..self.links.len() {
            let mut effects = of_link.remove(&number).unwrap_or_default();
            effects.sort_unstable();
            let held = self.links[number].change(&effects, number / self.count, number % self.count);
            if held {
                released.insert(number);
            }
        }
        if !released.is_empty() {
            self.release(&released);
        }
        Ok(())
    }

    /// Every effect in force, link by link.
    pub fn in_force(&self) -> Vec<InForce> {
        let stages = |(number, link): (usize, &Link)| {
            let (source, destination) = (number / self.count, number % self.count);
            let read = |stage: &Stage| InForce {
                wanted: Wanted { source, destination, effect: stage.effect.clone() },
                counters: stage.counters,
            };
            link.stages.iter().map(read).collect::<Vec<_>>()
        };
        self.links.iter().enumerate().flat_map(stages).collect()
    }

    /// What has happened apart from effects.
    pub fn totals(&self) -> Totals {
        Totals { waiting: self.waiting.len() as u64, ..self.totals }
    }

    /// Take a frame that came in at a port; `deliver` gets what leaves by now, with its port. What is due goes first.
    pub fn accept(&mut self, now_ns: u64, source: usize, frame: &[u8], deliver: &mut impl FnMut(usize, &[u8])) {
        self.deliver_due(now_ns, deliver);
        self.totals.frames += 1;
        let Some(address) = frame.first_chunk::<6>() else {
            self.totals.strays += 1;
            return;
        };
        if address[0] & 1 == 1 {
            for destination in (0..self.count).filter(|port| *port != source) {
                self.travel(now_ns, source, destination, frame, deliver);
            }
        } else if let Some(destination) = self.ports.get(address).copied().filter(|port| *port != source) {
            self.travel(now_ns, source, destination, frame, deliver);
        } else {
            self.totals.strays += 1;
        }
    }

    /// When the next frame is due.
    pub fn next_due_ns(&self) -> Option<u64> {
        self.waiting.peek().map(|Reverse((due, ..))| *due)
    }

    /// Deliver every frame that is due by now.
    pub fn deliver_due(&mut self, now_ns: u64, deliver: &mut impl FnMut(usize, &[u8])) {
        while self.next_due_ns().is_some_and(|due| due <= now_ns) {
            if let Some(Reverse((_, _, link, frame))) = self.waiting.pop() {
                self.waiting_bytes -= frame.len();
                self.arrive(link, &frame, deliver);
            }
        }
    }

    fn link(&self, source: usize, destination: usize) -> usize {
        source * self.count + destination
    }

    /// Let a frame meet every stage of its link. Copies go on from where they were made.
    fn travel(
        &mut self,
        now_ns: u64,
        source: usize,
        destination: usize,
        frame: &[u8],
        deliver: &mut impl FnMut(usize, &[u8]),
    ) {
        let number = self.link(source, destination);
        if self.links[number].stages.is_empty() || self.links[number].cut {
            self.arrive(number, frame, deliver);
            return;
        }
        let mut copies = vec![(0, now_ns, Cow::Borrowed(frame))];
        while let Some((first, mut at, mut frame)) = copies.pop() {
            let mut survives = true;
            for position in first..self.links[number].stages.len() {
                match self.links[number].stages[position].meet(&mut at, &mut frame) {
                    Fate::Passes => {}
                    Fate::Doubled => copies.push((position + 1, at, frame.clone())),
                    Fate::Dropped => survives = false,
                    Fate::Reset => {
                        survives = false;
                        if let Some([there, back]) = packet::resets(&frame) {
                            self.arrive(number, &there, deliver);
                            self.arrive(self.link(destination, source), &back, deliver);
                        }
                    }
                }
                if !survives {
                    break;
                }
            }
            if survives {
                self.leave(at, now_ns, number, frame, deliver);
            }
        }
    }

    fn leave(
        &mut self,
        at: u64,
        now_ns: u64,
        link: usize,
        frame: Cow<'_, [u8]>,
        deliver: &mut impl FnMut(usize, &[u8]),
    ) {
        if at <= now_ns {
            self.arrive(link, &frame, deliver);
        } else if self.waiting_bytes + frame.len() > QUEUE_BYTES {
            self.totals.overflowed += 1;
        } else {
            self.arrivals += 1;
            self.waiting_bytes += frame.len();
            self.waiting.push(Reverse((at, self.arrivals, link, frame.into_owned())));
        }
    }

    fn arrive(&mut self, number: usize, frame: &[u8], deliver: &mut impl FnMut(usize, &[u8])) {
        let destination = number % self.count;
        let link = &mut self.links[number];
        if !link.cut {
            deliver(destination, frame);
        } else if let Some(stage) = link.stages.last_mut() {
            stage.cut();
        }
    }

    /// Let what waits on these links be due, in the order in which it came.
    fn release(&mut self, links: &FxHashSet<usize>) {
        let free = |Reverse((due, arrival, link, frame)): Waiting| {
            Reverse((if links.contains(&link) { 0 } else { due }, arrival, link, frame))
        };
        self.waiting = std::mem::take(&mut self.waiting).into_iter().map(free).collect();
    }
}

impl Link {
    /// Make exactly these effects, in order, be in force; returns whether the last one that held packets is gone.
    fn change(&mut self, effects: &[&Effect], source: usize, destination: usize) -> bool {
        let held = self.stages.iter().any(|stage| stage.effect.holds());
        let mut before = std::mem::take(&mut self.stages);
        for effect in effects {
            let stays = before.iter().position(|stage| stage.effect == **effect);
            self.stages.push(match stays {
                Some(position) => before.swap_remove(position),
                None => Stage::new((*effect).clone(), source, destination),
            });
        }
        self.cut = self.stages.last().is_some_and(|stage| stage.effect == Effect::Cut);
        held && !self.stages.iter().any(|stage| stage.effect.holds())
    }
}
