//! The process whose namespaces are entered, held by descriptors, so that its end or a successor of its number cannot mislead.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::Error;

/// A namespace that can be entered; see namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// Interfaces, addresses, rules.
    Network,
    /// The file system, and the target's root in it.
    Mount,
    /// Processes. Only children of who enters are in it.
    Pid,
    /// Queues, semaphores and shared memory.
    Ipc,
    /// The host's name.
    Uts,
}

impl Namespace {
    /// All of them.
    pub const ALL: [Namespace; 5] =
        [Namespace::Network, Namespace::Mount, Namespace::Pid, Namespace::Ipc, Namespace::Uts];

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Namespace::Network => "network",
            Namespace::Mount => "mount",
            Namespace::Pid => "pid",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
        }
    }

    /// Its link in `/proc/PID/ns`.
    fn link(self) -> &'static str {
        match self {
            Namespace::Network => "net",
            Namespace::Mount => "mnt",
            Namespace::Pid => "pid",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
        }
    }

    fn kind(self) -> LinkNameSpaceType {
        match self {
            Namespace::Network => LinkNameSpaceType::Network,
            Namespace::Mount => LinkNameSpaceType::Mount,
            Namespace::Pid => LinkNameSpaceType::ProcessID,
            Namespace::Ipc => LinkNameSpaceType::InterProcessCommunication,
            Namespace::Uts => LinkNameSpaceType::HostNameAndNISDomainName,
        }
    }
}

/// Where the program's `main` will find itself.
#[derive(Debug)]
pub struct FileSystem {
    /// The mount namespace.
    pub mounts: OwnedFd,
    /// The target's root in it, which need not be the namespace's.
    pub root: OwnedFd,
    /// Where in it, which may be the root.
    pub directory: OwnedFd,
}

/// What of a process can be entered, opened.
#[derive(Debug)]
pub struct Target {
    others: Vec<(Namespace, OwnedFd)>,
    /// Its file system, unless that is ours.
    pub file_system: Option<FileSystem>,
}

impl Target {
    /// Open those of a process's namespaces that are not ours anyway.
    ///
    /// # Errors
    ///
    /// It is not there, it ends meanwhile, or it may not be looked at; or there is no such directory inside.
    pub fn open(process: Pid, namespaces: &[Namespace], begin: Option<&OsStr>) -> Result<Self, Error> {
        let number = process.as_raw_nonzero();
        let failed = |error: io::Error| Error::NotEntered(format!("process {number} cannot be entered: {error}"));
        let life = pidfd_open(process, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
        let mut others = Vec::new();
        let mut mounts = None;
        for &namespace in namespaces {
            let theirs = format!("/proc/{number}/ns/{}", namespace.link());
            let ours = format!("/proc/self/ns/{}", namespace.link());
            if namespace == Namespace::Mount {
                let root = format!("/proc/{number}/root");
                let is_ours = same(&theirs, &ours).and_then(|same_namespace| Ok(same_namespace && same(&root, "/")?));
                if !is_ours.map_err(failed)? {
                    mounts = Some((File::open(theirs).map_err(failed)?, directory(&root).map_err(failed)?));
                }
            } else if !same(&theirs, &ours).map_err(failed)? {
                others.push((namespace, File::open(theirs).map_err(failed)?.into()));
            }
        }
        if has_ended(&life).map_err(failed)? {
            return Err(Error::NotEntered(format!("process {number} has ended")));
        }
        let file_system = match mounts {
            None => None,
            Some((mounts, root)) => {
                let directory = inside(&root, begin)?;
                Some(FileSystem { mounts: mounts.into(), root, directory })
            }
        };
        Ok(Target { others, file_system })
    }

    /// Enter all but the file system, as far as this process can: it stays where it is among processes, and its children do not.
    ///
    /// # Errors
    ///
    /// The kernel does not let us.
    pub fn enter(&self) -> Result<(), Error> {
        for (namespace, link) in &self.others {
            move_into_link_name_space(link.as_fd(), Some(namespace.kind())).map_err(|error| {
                Error::NotEntered(format!("the {} namespace cannot be entered: {error}", namespace.name()))
            })?;
        }
        Ok(())
    }
}

/// Whether the process that a pidfd refers to has ended.
///
/// # Errors
///
/// It is no pidfd.
pub fn has_ended(life: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(life, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}

/// A directory as a process with this root sees it, whatever links lead there; or the root itself.
fn inside(root: &OwnedFd, path: Option<&OsStr>) -> Result<OwnedFd, Error> {
    let path = path.unwrap_or(OsStr::new("."));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).map_err(|error| {
        Error::NotEntered(format!("the program cannot begin in {} inside: {error}", Path::new(path).display()))
    })
}

fn directory(path: &str) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn same(one: &str, other: &str) -> io::Result<bool> {
    let (one, other) = (std::fs::metadata(one)?, std::fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}
