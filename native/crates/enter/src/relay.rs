//! Between the program and whoever watches us: signals go in, its end comes out, and it does not outlive us.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Child;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, kill_process, pidfd_open, waitpid};

use crate::error::Error;

/// `ssi_code` of signals that the kernel sends by itself, as for Ctrl-C: the terminal's whole foreground group has it.
const BY_KERNEL: i32 = 0x80;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// Every signal that can be, waiting to be read.
#[derive(Debug)]
pub struct Signals {
    file: File,
    before: Mask,
}

/// Which signals a process holds back.
#[derive(Clone, Copy)]
pub struct Mask(libc::sigset_t);

impl Mask {
    /// Hold back exactly these.
    pub fn set(&self) {
        // SAFETY: a mask that the kernel gave us; sigprocmask(2) fails for none.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mask")
    }
}

impl Signals {
    /// Hold signals back from now on, for good: before the program is started, so that none is missed.
    ///
    /// # Errors
    ///
    /// No descriptor is to be had.
    pub fn hold() -> io::Result<Self> {
        // SAFETY: masks on this stack; signalfd(2) returns a descriptor that nobody else knows.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP] {
                libc::sigdelset(&raw mut all, fault);
            }
            libc::signal(libc::SIGCHLD, libc::SIG_DFL); // ignored, as some shells leave it, children would not be waited for
            libc::sigprocmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
            let descriptor = libc::signalfd(-1, &raw const all, libc::SFD_CLOEXEC);
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Signals { file: File::from_raw_fd(descriptor), before: Mask(before) })
        }
    }

    /// What was held back before, as the program shall have it.
    pub fn before(&self) -> Mask {
        self.before
    }

    fn next(&mut self) -> io::Result<libc::signalfd_siginfo> {
        let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
        self.file.read_exact(&mut bytes)?;
        // SAFETY: any bytes make one: it is numbers only.
        Ok(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
    }
}

/// The parent that must not die before us.
///
/// # Errors
///
/// It has died already: our parent is another process by now.
pub fn watch(parent: Pid) -> Result<OwnedFd, Error> {
    let died = || Error::NotEntered(format!("process {} is not our parent, or has ended", parent.as_raw_nonzero()));
    let life = pidfd_open(parent, PidfdFlags::empty()).map_err(|_| died())?;
    if getppid() == Some(parent) { Ok(life) } else { Err(died()) }
}

/// Pass signals on until the program ends. It is killed when the parent ends first.
///
/// # Errors
///
/// The kernel tells us nothing any more; the program is killed by our end.
pub fn relay(child: &Child, mut signals: Signals, parent: Option<&OwnedFd>) -> io::Result<Ending> {
    let program = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    loop {
        if let Some(ending) = look(program)? {
            return Ok(ending);
        }
        let mut polled = vec![PollFd::new(&signals.file, PollFlags::IN)];
        polled.extend(parent.map(|life| PollFd::new(life, PollFlags::IN)));
        poll(&mut polled, None)?;
        if polled.get(1).is_some_and(|life| !life.revents().is_empty()) {
            send(program, libc::SIGKILL);
            waitpid(Some(program), WaitOptions::empty())?;
            return Ok(Ending::Signalled(libc::SIGKILL));
        }
        if polled[0].revents().contains(PollFlags::IN) {
            let signal = signals.next()?;
            if is_for_the_program(&signal) {
                send(program, signal.ssi_signo as i32);
            }
        }
    }
}

/// What a key made, the program has got as well. The end of a terminal is told to the session's leader alone, with a signal to go on
/// for who stands still, and that may be us.
fn is_for_the_program(signal: &libc::signalfd_siginfo) -> bool {
    match signal.ssi_signo as i32 {
        libc::SIGCHLD => false,
        libc::SIGHUP | libc::SIGCONT => true,
        _ => signal.ssi_code != BY_KERNEL,
    }
}

/// End as the program did, so that whoever waits for us learns what it would have learnt.
pub fn end_as(ending: Ending) -> i32 {
    match ending {
        Ending::Exited(status) => status,
        Ending::Signalled(signal) => {
            // SAFETY: our own signals and limits. A core of ours would be no core of the program.
            unsafe {
                libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
                libc::signal(signal, libc::SIG_DFL);
                let mut this = std::mem::zeroed();
                libc::sigemptyset(&raw mut this);
                libc::sigaddset(&raw mut this, signal);
                libc::raise(signal);
                libc::sigprocmask(libc::SIG_UNBLOCK, &raw const this, std::ptr::null_mut());
            }
            128 + signal // as shells say it; we are only still here if we are the init of a namespace
        }
    }
}

/// Take in what has become of the program. While it is stopped, so are we: a shell then has its prompt back.
fn look(program: Pid) -> io::Result<Option<Ending>> {
    while let Some((_, status)) = waitpid(Some(program), WaitOptions::NOHANG | WaitOptions::UNTRACED)? {
        if let Some(status) = status.exit_status() {
            return Ok(Some(Ending::Exited(status)));
        }
        if let Some(signal) = status.terminating_signal() {
            return Ok(Some(Ending::Signalled(signal)));
        }
        kill_process(getpid(), Signal::STOP)?;
    }
    Ok(None)
}

/// It may have ended; until it is waited for its number is nobody else's.
fn send(program: Pid, signal: i32) {
    // SAFETY: a number and a signal.
    unsafe { libc::kill(program.as_raw_nonzero().get(), signal) };
}
