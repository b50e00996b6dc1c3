//! A process in namespaces and an empty root of its own, in which there is nothing to run.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the host inside.
pub const HOST: &str = "inside";

pub struct Target {
    /// As we number it.
    pub pid: i32,
    guardian: i32,
    /// Where its root is mounted, in its own mount namespace.
    _root: tempfile::TempDir,
}

impl Target {
    /// Make one, or say that it is not permitted here.
    pub fn make() -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        // SAFETY: the child makes system calls only.
        match unsafe { make(root.path()) } {
            Ok((guardian, pid)) => Some(Target { pid, guardian, _root: root }),
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                assert!(std::env::var_os("CI").is_none(), "namespaces are not permitted: {error}");
                eprintln!("SKIPPED: namespaces are not permitted here: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// What a path is inside, for us outside.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.pid)).join(path.trim_start_matches('/'))
    }

    /// The helper, about to run a program inside.
    pub fn enter(&self, options: &[&str], program: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schrodinger-enter"));
        command.arg(self.pid.to_string()).args(options).arg("--").args(program);
        command
    }

    /// A file system of processes, which is not there at first.
    pub fn mount_proc(&self) {
        fs::create_dir(self.path("proc")).unwrap();
        let output = self.enter(&[], &["mount", "-n", "-i", "-t", "proc", "proc", "/proc"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // SAFETY: two processes of ours that nobody has waited for.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.guardian, std::ptr::null_mut(), 0);
        }
    }
}

/// Fork a guardian that enters new namespaces, and forks the target, the first process of its PID namespace.
unsafe fn make(root: &Path) -> io::Result<(i32, i32)> {
    let root = CString::new(root.to_str().unwrap()).unwrap();
    let host = CString::new(HOST).unwrap();
    // SAFETY: between fork and end the child makes system calls only.
    unsafe {
        let mut ends = [0; 2];
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let guardian = libc::fork();
        if guardian == 0 {
            // What other tests have open just now is theirs: an end of a pipe in our hands would keep them waiting.
            libc::close_range(3, (ends[1] as u32) - 1, 0);
            libc::close_range((ends[1] as u32) + 1, libc::c_uint::MAX, 0);
            let told = match isolate(&root, &host) {
                Ok(pid) => pid,
                Err(error) => -error.raw_os_error().unwrap(),
            };
            libc::write(ends[1], (&raw const told).cast(), size_of::<i32>());
            libc::close(ends[1]);
            libc::waitpid(told, std::ptr::null_mut(), 0);
            libc::_exit(0);
        }
        libc::close(ends[1]);
        let mut told = [0; 4];
        File::from(OwnedFd::from_raw_fd(ends[0])).read_exact(&mut told).unwrap();
        match i32::from_ne_bytes(told) {
            pid if pid > 0 => Ok((guardian, pid)),
            error => {
                libc::waitpid(guardian, std::ptr::null_mut(), 0);
                Err(io::Error::from_raw_os_error(-error))
            }
        }
    }
}

unsafe fn isolate(root: &CString, host: &CString) -> io::Result<i32> {
    let check = |outcome: i32| if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) };
    let new = libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    // SAFETY: system calls, on strings that end with a zero.
    unsafe {
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        check(libc::unshare(new))?;
        let private = libc::MS_REC | libc::MS_PRIVATE;
        check(libc::mount(c"none".as_ptr(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null()))?;
        check(libc::mount(c"none".as_ptr(), root.as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()))?;
        check(libc::sethostname(host.as_ptr(), host.as_bytes().len()))?;
        check(libc::chdir(root.as_ptr()))?;
        check(libc::chroot(c".".as_ptr()))?;
        let target = check(libc::fork())?;
        if target == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::close_range(3, libc::c_uint::MAX, 0);
            loop {
                libc::pause();
            }
        }
        Ok(target)
    }
}
