//! The switch between real files: datagram sockets in the place of devices, so that no privilege is needed.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use schrodinger_switch::{Capture, Distribution, Effect, Error, Port, Switch, Wanted};

const DEADLINE: Duration = Duration::from_secs(5);

/// A switch, and the far end of the wire at each of its ports.
fn switch(ports: u8, capture: Option<Capture>) -> (Switch, Vec<UnixDatagram>) {
    let mut ends = Vec::new();
    let ports = (0..ports)
        .map(|port| {
            let (near, far) = UnixDatagram::pair().expect("a pair");
            near.set_nonblocking(true).expect("non-blocking");
            far.set_read_timeout(Some(DEADLINE)).expect("a time-out");
            ends.push(far);
            Port { address: [2, 0, 0, 0, 0, port], wire: near.into() }
        })
        .collect();
    (Switch::start(ports, capture).expect("a switch"), ends)
}

fn frame(destination: u8, text: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, destination][..], &[0; 8], text].concat()
}

fn receive(end: &UnixDatagram) -> Vec<u8> {
    let mut buffer = [0; 2000];
    let length = end.recv(&mut buffer).expect("a frame within the deadline");
    buffer[14..length].to_vec()
}

fn delay(ms: u64) -> Wanted {
    let effect = Effect::Delay { delay_ns: ms * 1_000_000, jitter_ns: 0, distribution: Distribution::Uniform, seed: 0 };
    Wanted { source: 0, destination: 1, effect }
}

#[test]
fn frames_go_through_in_both_directions() {
    let (switch, ends) = switch(2, None);
    ends[0].send(&frame(1, b"there")).expect("sent");
    assert_eq!(receive(&ends[1]), b"there");
    ends[1].send(&frame(0, b"back")).expect("sent");
    assert_eq!(receive(&ends[0]), b"back");
    switch.close().expect("closed");
}

#[test]
fn a_delay_is_in_force_when_the_change_returns_and_is_neither_early_nor_forgotten() {
    let (switch, ends) = switch(2, None);
    switch.replace(&[delay(30)]).expect("replaced");
    let begin = Instant::now();
    ends[0].send(&frame(1, b"late")).expect("sent");
    assert_eq!(receive(&ends[1]), b"late");
    assert!(begin.elapsed() >= Duration::from_millis(30), "{:?}", begin.elapsed());
    let reading = switch.read().expect("read");
    assert_eq!(reading.in_force.len(), 1);
    assert_eq!((reading.in_force[0].counters.packets, reading.in_force[0].counters.hits), (1, 1));
}

#[test]
fn the_end_of_a_delay_wakes_the_thread_for_what_waits() {
    let (switch, ends) = switch(2, None);
    switch.replace(&[delay(500_000)]).expect("replaced");
    ends[0].send(&frame(1, b"held")).expect("sent");
    let begin = Instant::now();
    while switch.read().expect("read").totals.waiting == 0 {
        assert!(begin.elapsed() < DEADLINE);
        std::thread::yield_now();
    }
    switch.replace(&[]).expect("replaced");
    assert_eq!(receive(&ends[1]), b"held");
}

#[test]
fn an_end_that_takes_nothing_is_counted_and_stops_nobody() {
    let (switch, mut ends) = switch(3, None);
    drop(ends.pop());
    ends[0].send(&frame(2, b"into the void")).expect("sent");
    ends[0].send(&frame(1, b"on its way")).expect("sent");
    assert_eq!(receive(&ends[1]), b"on its way");
    assert_eq!(switch.read().expect("read").refused, 1);
}

#[test]
fn a_switch_that_is_closed_says_so_and_its_wires_are_too() {
    let (switch, ends) = switch(2, None);
    switch.close().expect("closed");
    switch.close().expect("closed again");
    assert!(matches!(switch.read(), Err(Error::Stopped(_))));
    assert!(matches!(switch.replace(&[]), Err(Error::Stopped(_))));
    assert!(ends[0].send(&frame(1, b"nobody is there")).is_err());
}

#[test]
fn a_capture_holds_what_was_delivered_and_not_what_was_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("switch.pcap");
    let (switch, ends) = switch(2, Some(Capture::create(&path).expect("a file")));
    ends[0].send(&frame(1, b"delivered")).expect("sent");
    receive(&ends[1]);
    switch.replace(&[Wanted { source: 0, destination: 1, effect: Effect::Cut }]).expect("replaced");
    ends[0].send(&frame(1, b"lost")).expect("sent");
    ends[1].send(&frame(0, b"answer")).expect("sent");
    receive(&ends[0]);
    switch.close().expect("closed");

    let bytes = std::fs::read(&path).expect("a capture");
    assert_eq!(bytes[..4], 0xa1b2_3c4d_u32.to_le_bytes());
    let mut rest = &bytes[24..];
    let mut payloads = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("a length")) as usize;
        payloads.push(rest[16 + 14..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    assert_eq!(payloads, [b"delivered".to_vec(), b"answer".to_vec()]);
    assert!(Capture::create(&path).is_err(), "a capture is never overwritten");
}
