//! The fabric at work: one thread that carries frames between open files until it is told to stop.
//!
//! A port is any file of which one read gives one frame and one write sends one: a TAP device, a packet socket, in tests a datagram
//! socket. The thread waits in ppoll(2), which has a time-out in nanoseconds, and holds the fabric only while it carries frames; so a
//! change from another thread happens between two frames, all of it at once.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::thread::set_current_timer_slack;
use rustix::time::{ClockId, clock_gettime};

use crate::capture::Capture;
use crate::error::Error;
use crate::fabric::{Address, Fabric, InForce, Totals, Wanted};

/// The longest frame that is carried: what a packet socket may hand over at most.
const LONGEST_FRAME: usize = 65_536;

/// Frames taken from one port before the others have their turn, and before what is due is delivered.
const BATCH: usize = 64;

/// A place on the switch: the address of who is there, and the file, non-blocking, that leads there.
#[derive(Debug)]
pub struct Port {
    /// The Ethernet address that frames for it carry.
    pub address: Address,
    /// Where frames are read and written.
    pub wire: OwnedFd,
}

/// What a switch says about itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reading {
    /// Every effect in force with its counters.
    pub in_force: Vec<InForce>,
    /// What has happened apart from effects.
    pub totals: Totals,
    /// Frames that a port did not take: it is down, or its queue is full.
    pub refused: u64,
}

/// A switch that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Switch {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    thread: JoinHandle<()>,
    /// Ends the thread's wait.
    wake: OwnedFd,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    stop: AtomicBool,
}

#[derive(Debug)]
struct State {
    fabric: Fabric,
    refused: u64,
    capture: Option<Capture>,
    /// Why the thread does not run.
    ended: Option<String>,
}

impl Switch {
    /// Begin to carry frames between these ports, and write what is delivered to a capture file if there is one.
    ///
    /// # Errors
    ///
    /// Ports that cannot be, or no file descriptor or thread is to be had.
    pub fn start(ports: Vec<Port>, capture: Option<Capture>) -> Result<Self, Error> {
        let addresses: Vec<Address> = ports.iter().map(|port| port.address).collect();
        let state = State { fabric: Fabric::new(&addresses)?, refused: 0, capture, ended: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), stop: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let woken = wake.try_clone()?;
        let wires = ports.into_iter().map(|port| File::from(port.wire)).collect();
        let thread = std::thread::Builder::new().name("switch".to_owned()).spawn(move || {
            let mut farewell = Farewell { shared: &of_thread, reason: "its thread panicked".to_owned() };
            let ended = carry(&of_thread, wires, woken);
            farewell.reason = ended.map_or_else(|error| error.to_string(), |()| "it was closed".to_owned());
        })?;
        Ok(Switch { shared, running: Mutex::new(Some(Running { thread, wake })) })
    }

    /// Make exactly these effects be in force; see [`Fabric::replace`].
    ///
    /// # Errors
    ///
    /// One of them cannot be, and nothing was changed; or the switch does not run any more.
    pub fn replace(&self, wanted: &[Wanted]) -> Result<(), Error> {
        self.running(|state| state.fabric.replace(wanted))??;
        match &*self.running.lock() {
            Some(running) => running.wake(), // what is due has changed
            None => Ok(()),
        }
    }

    /// Read back what is in force.
    ///
    /// # Errors
    ///
    /// The switch does not run any more.
    pub fn read(&self) -> Result<Reading, Error> {
        self.running(|state| Reading {
            in_force: state.fabric.in_force(),
            totals: state.fabric.totals(),
            refused: state.refused,
        })
    }

    /// Stop, and close every file. May be called again.
    ///
    /// # Errors
    ///
    /// The capture file could not be completed, or the thread had stopped by itself.
    pub fn close(&self) -> Result<(), Error> {
        let Some(running) = self.running.lock().take() else { return Ok(()) };
        self.shared.stop.store(true, Ordering::Release);
        running.wake()?;
        if running.thread.join().is_err() {
            return Err(Error::Stopped("its thread panicked".to_owned()));
        }
        let mut state = self.shared.state.lock();
        if let Some(mut capture) = state.capture.take() {
            capture.flush()?;
        }
        Ok(())
    }

    fn running<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        let mut state = self.shared.state.lock();
        match &state.ended {
            Some(reason) => Err(Error::Stopped(reason.clone())),
            None => Ok(act(&mut state)),
        }
    }
}

impl Running {
    fn wake(&self) -> Result<(), Error> {
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes())?;
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.close();
    }
}

/// Says that the thread has ended, however it does: what it left in force must not be read as if it were.
struct Farewell<'a> {
    shared: &'a Shared,
    reason: String,
}

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().ended = Some(std::mem::take(&mut self.reason));
    }
}

/// The thread: carry frames until it is told to stop.
fn carry(shared: &Shared, wires: Vec<File>, woken: OwnedFd) -> Result<(), Error> {
    // Timers of ordinary threads may be 50 microseconds late, which is the scale of a round trip here.
    set_current_timer_slack(NonZeroU64::new(1))?;
    let mut buffer = vec![0; LONGEST_FRAME];
    let mut due = None;
    let mut gone = vec![false; wires.len()];
    while !shared.stop.load(Ordering::Acquire) {
        let ready = wait(&wires, &gone, &woken, due)?;
        let mut state = shared.state.lock();
        let State { fabric, refused, capture, .. } = &mut *state;
        let mut deliver = |port: usize, frame: &[u8]| {
            if (&wires[port]).write_all(frame).is_err() {
                *refused += 1;
            } else if capture.as_mut().is_some_and(|capture| capture.add(frame).is_err()) {
                *capture = None; // a full disk is no reason to stop a test, here and below
            }
        };
        fabric.deliver_due(now_ns(), &mut deliver);
        for port in ready {
            for _ in 0..BATCH {
                match (&wires[port]).read(&mut buffer) {
                    Ok(length @ 1..) => fabric.accept(now_ns(), port, &buffer[..length], &mut deliver),
                    Err(error) if Errno::from_io_error(&error) == Some(Errno::BADFD) => {
                        gone[port] = true; // its device was removed, and would be ready for ever
                        break;
                    }
                    // Nothing to read is what usually ends a batch; a device that is down says no as well, and may come up again.
                    _ => break,
                }
            }
        }
        due = fabric.next_due_ns();
        if capture.as_mut().is_some_and(|capture| capture.flush().is_err()) {
            *capture = None;
        }
    }
    Ok(())
}

/// Wait for a frame, for what is due, or for another thread; returns the ports that have frames.
fn wait(wires: &[File], gone: &[bool], woken: &OwnedFd, due: Option<u64>) -> Result<Vec<usize>, Error> {
    let ports: Vec<usize> = (0..wires.len()).filter(|port| !gone[*port]).collect();
    let files = ports.iter().map(|port| wires[*port].as_fd()).chain([woken.as_fd()]);
    let mut polled: Vec<PollFd<'_>> = files.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
    let timeout = due.map(|due| timespec(due.saturating_sub(now_ns())));
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    // An error is read like a frame, which takes it away.
    let ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
    if polled.last().is_some_and(ready) {
        let mut count = [0; 8];
        rustix::io::read(woken, &mut count)?;
    }
    Ok(ports.into_iter().zip(&polled).filter(|(_, polled)| ready(polled)).map(|(port, _)| port).collect())
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn timespec(ns: u64) -> Timespec {
    Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
}
