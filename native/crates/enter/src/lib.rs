//! Runs a program of the host inside another process's namespaces, whatever that process's file system holds.
//!
//! nsenter(1) enters the mount namespace first, and then looks for the program, its loader and its libraries where there may be none:
//! images of databases hold no tools, and often no shell. Here the host's loader maps the program from the host's file system, and a
//! constructor that it is told to preload then enters the target's, just before `main` (`constructor/constructor.c`, after Chaos Mesh's
//! nsexec). The other namespaces are entered before.
//!
//! ```text
//! schrodinger-enter ── fork ── exec ── loader, libraries ── constructor: setns, chroot ── main
//!   network, ipc, uts      pid                                           mount
//! ```
//!
//! What it promises:
//! - The program's `main` runs inside, or not at all. What could not be taken inside (a script, a set-user-ID program) is refused.
//! - Signals that we get are passed on, and we end as the program does: with its status, or by the signal that ended it.
//! - The program is killed when we end, however that happens, and when `--parent` does. What it has started itself may go on.
//! - It finds the environment as we did. What it looks up after `main` has begun, locales or plug-ins, it looks up inside.

mod arguments;
mod error;
mod program;
mod relay;
mod start;
mod target;

use std::ffi::OsString;

pub use arguments::{Request, USAGE};
pub use error::Error;
pub use relay::{Ending, end_as};
pub use target::Namespace;

/// Run a program inside, to its end. The process must have one thread only, and is of no other use afterwards: it has entered the
/// target's namespaces, and holds back its signals.
///
/// # Errors
///
/// It did not run, or not inside.
pub fn run(request: &Request) -> Result<Ending, Error> {
    let parent = request.parent.map(relay::watch).transpose()?;
    let failed = |error: std::io::Error| Error::NotEntered(format!("the program cannot be watched: {error}"));
    let target = target::Target::open(request.target, &request.namespaces, request.directory.as_deref())?;
    let signals = relay::Signals::hold().map_err(failed)?;
    let child = start::start(request, &target, signals.before())?;
    relay::relay(&child, signals, parent.as_ref()).map_err(failed)
}

/// All that the helper does; returns the status to exit with. Does not return when the program was ended by a signal.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    match Request::parse(arguments).and_then(|request| run(&request)) {
        Ok(ending) => end_as(ending),
        Err(error) => {
            eprintln!("schrodinger-enter: {error}");
            error.status()
        }
    }
}
