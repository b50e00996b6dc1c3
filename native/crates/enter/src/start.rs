//! From here to the program's `main` inside.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, Signal, chroot, fchdir, getpid, pidfd_open, set_parent_process_death_signal};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::arguments::Request;
use crate::error::Error;
use crate::program::{Linkage, find, linkage};
use crate::relay::Mask;
use crate::target::{FileSystem, Target, has_ended};

/// The constructor, compiled by `build.rs`.
const CONSTRUCTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/constructor.so"));
const ORDERS: &str = "SCHRODINGER_ENTER";
const PRELOAD: &str = "LD_PRELOAD";
const BIND_NOW: &str = "LD_BIND_NOW";

/// From the program's execution to the constructor's report. Loading takes milliseconds; a program that has not reported by then was
/// started by a loader that ignores us, and must not go on where it is.
const REPORT: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// Start the program; returns when its `main` is about to begin inside.
///
/// # Errors
///
/// It cannot be had, or not inside. Nothing of it is left.
pub fn start(request: &Request, target: &Target, mask: Mask) -> Result<Child, Error> {
    let path = find(&request.program)?;
    let failed = |error: io::Error| Error::NotEntered(format!("{} was not started: {error}", path.display()));
    let linkage = if target.file_system.is_some() { linkage(&path)? } else { Linkage::Dynamic };
    target.enter()?;
    let mut command = Command::new(&path);
    command.arg0(&request.program).args(&request.arguments);
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
    die_with(&mut command, ourselves, mask);
    if let (None, Some(directory)) = (&target.file_system, &request.directory) {
        command.current_dir(directory);
    }
    match (&target.file_system, linkage) {
        (None, _) => command.spawn().map_err(failed),
        (Some(inside), Linkage::Static) => {
            execute_inside(&mut command, inside, &path, request).map_err(failed)?;
            command.spawn().map_err(failed)
        }
        (Some(inside), Linkage::Dynamic) => {
            let report = preload(&mut command, inside).map_err(failed)?;
            let mut child = command.spawn().map_err(failed)?;
            drop(command); // and with it our end of the pipe on which the constructor reports
            match reported(report, &path) {
                Ok(()) => Ok(child),
                Err(problem) => {
                    child.kill().and_then(|()| child.wait()).map_err(failed)?;
                    Err(problem)
                }
            }
        }
    }
}

/// Let the kernel kill the program when we end, however that happens, and let it have its signals as we had ours.
fn die_with(command: &mut Command, ourselves: OwnedFd, mask: Mask) {
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // SAFETY: a handler is set to the default; Python ignores this signal, and what is ignored stays so in a new program.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
        mask.set();
        // We may have ended before it asked. To ask for its parent would not do: in another PID namespace that is always 0.
        if has_ended(&ourselves)? { Err(Errno::SRCH.into()) } else { Ok(()) }
    };
    // SAFETY: between fork and execution there are only system calls: prctl(2), sigaction(2),
    // sigprocmask(2), poll(2).
    unsafe { command.pre_exec(prepare) };
}

/// Execute a static program by its descriptor when inside.
fn execute_inside(command: &mut Command, inside: &FileSystem, path: &Path, request: &Request) -> io::Result<()> {
    let program = File::open(path)?;
    let [mounts, root, directory] = [&inside.mounts, &inside.root, &inside.directory].map(OwnedFd::try_clone);
    let (mounts, root, directory) = (mounts?, root?, directory?);
    let arguments = std::iter::once(&request.program).chain(&request.arguments);
    let arguments = arguments.map(|argument| CString::new(argument.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let variables: Vec<_> = env::vars_os().map(|(name, value)| joined(&name, &value)).collect();
    let variables = variables.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
    let execute = move || {
        move_into_link_name_space(mounts.as_fd(), Some(LinkNameSpaceType::Mount))?;
        fchdir(&root)?;
        chroot(".")?;
        fchdir(&directory)?;
        let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        let (arguments, variables): (Vec<_>, Vec<_>) = (pointers(&arguments), pointers(&variables));
        // SAFETY: both arrays end with a null, and their strings outlive the call.
        unsafe {
            let (arguments, variables) = (arguments.as_ptr(), variables.as_ptr());
            libc::syscall(
                libc::SYS_execveat,
                program.as_raw_fd(),
                c"".as_ptr(),
                arguments,
                variables,
                libc::AT_EMPTY_PATH,
            );
        }
        Err(io::Error::last_os_error())
    };
    // SAFETY: this process has one thread, so what the closure allocates after the fork cannot wait for anybody.
    unsafe { command.pre_exec(execute) };
    Ok(())
}

/// Let the program's loader run the constructor; returns where it will report.
fn preload(command: &mut Command, inside: &FileSystem) -> io::Result<File> {
    let library = memfd_create("schrodinger-enter", MemfdFlags::CLOEXEC)?;
    File::from(library.try_clone()?).write_all(CONSTRUCTOR)?;
    let (report, reporter) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut libraries = OsString::from(format!("/proc/self/fd/{}", library.as_raw_fd()));
    let [mounts, root, directory] = [&inside.mounts, &inside.root, &inside.directory].map(OwnedFd::try_clone);
    let handed = [mounts?, root?, directory?, reporter, library];
    let numbers: Vec<RawFd> = handed.iter().map(AsRawFd::as_raw_fd).collect();
    let binds_now = env::var_os(BIND_NOW).is_some_and(|value| !value.is_empty());
    let fields: Vec<String> =
        numbers.iter().map(ToString::to_string).chain([i32::from(!binds_now).to_string()]).collect();
    if let Some(others) = env::var_os(PRELOAD).filter(|others| !others.is_empty()) {
        libraries.push(":");
        libraries.push(others);
    }
    command.env(PRELOAD, libraries).env(ORDERS, fields.join(",") + ",");
    if !binds_now {
        command.env(BIND_NOW, "1");
    }
    let hand_over = move || {
        for descriptor in &handed {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        Ok(())
    };
    // SAFETY: between fork and execution there are only system calls: fcntl(2).
    unsafe { command.pre_exec(hand_over) };
    Ok(report.into())
}

/// Wait for the constructor's report.
fn reported(mut report: File, path: &Path) -> Result<(), Error> {
    let outside = |why: &str| Error::NotExecutable(format!("{} was not taken inside: {why}", path.display()));
    let mut polled = [PollFd::new(&report, PollFlags::IN)];
    let ready = poll(&mut polled, Some(&REPORT)).map_err(|error| outside(&error.to_string()))?;
    let mut told = [0; 4];
    if ready == 0 || report.read_exact(&mut told).is_err() {
        return Err(outside("its loader did not run the constructor that it was given"));
    }
    match i32::from_ne_bytes(told) {
        0 => Ok(()),
        error => Err(Error::NotEntered(format!(
            "the target's file system cannot be entered: {}",
            io::Error::from_raw_os_error(error)
        ))),
    }
}

fn joined(name: &OsStr, value: &OsStr) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_bytes()].concat()
}
