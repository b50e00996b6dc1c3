//! `schrodinger-enter TARGET [--only NAMESPACES] [--directory PATH] [--parent PID] -- PROGRAM [ARGUMENT...]`

use std::ffi::{OsStr, OsString};

use rustix::process::Pid;

use crate::error::Error;
use crate::target::Namespace;

/// How it is used.
pub const USAGE: &str =
    "schrodinger-enter TARGET [--only NAMESPACES] [--directory PATH] [--parent PID] -- PROGRAM [ARGUMENT...]";

/// What to run, and inside whom.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// A process that is there already.
    pub target: Pid,
    /// Which of its namespaces to enter.
    pub namespaces: Vec<Namespace>,
    /// Where inside the program begins; without it, in the root, or where we are if that is not another one.
    pub directory: Option<OsString>,
    /// The process that the caller believes to be our parent: when it ends, the program is killed.
    pub parent: Option<Pid>,
    /// A path, or a name that is looked for along `PATH`.
    pub program: OsString,
    /// Its arguments, its name not among them.
    pub arguments: Vec<OsString>,
}

impl Request {
    /// What the arguments, the helper's name not among them, ask for.
    ///
    /// # Errors
    ///
    /// They are not what [`USAGE`] says.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter();
        let target = process("TARGET", arguments.next().as_deref())?;
        let mut namespaces = Namespace::ALL.to_vec();
        let (mut directory, mut parent) = (None, None);
        loop {
            let Some(argument) = arguments.next() else { return Err(usage("a program, behind --, is missing")) };
            match argument.to_str() {
                Some("--") => break,
                Some("--only") => namespaces = only(arguments.next().as_deref())?,
                Some("--directory") => {
                    directory = Some(arguments.next().ok_or_else(|| usage("a path is missing behind --directory"))?);
                }
                Some("--parent") => parent = Some(process("--parent", arguments.next().as_deref())?),
                _ => return Err(usage(&format!("{} is no option", argument.to_string_lossy()))),
            }
        }
        let program = arguments.next().ok_or_else(|| usage("a program is missing behind --"))?;
        Ok(Request { target, namespaces, directory, parent, program, arguments: arguments.collect() })
    }
}

fn process(what: &str, text: Option<&OsStr>) -> Result<Pid, Error> {
    let number = text.and_then(OsStr::to_str).and_then(|text| text.parse().ok());
    number
        .filter(|number: &i32| *number > 0)
        .and_then(Pid::from_raw)
        .ok_or_else(|| usage(&format!("{what} is {}, not the number of a process", shown(text))))
}

fn only(text: Option<&OsStr>) -> Result<Vec<Namespace>, Error> {
    let names: Vec<_> = Namespace::ALL.iter().map(|namespace| namespace.name()).collect();
    let known = |name: &str| Namespace::ALL.into_iter().find(|namespace| namespace.name() == name);
    let wanted: Option<Vec<_>> = text.and_then(OsStr::to_str).and_then(|text| text.split(',').map(known).collect());
    wanted.ok_or_else(|| usage(&format!("--only is {}; give some of {}", shown(text), names.join(","))))
}

fn shown(text: Option<&OsStr>) -> String {
    text.map_or("missing".to_owned(), |text| format!("{text:?}"))
}

fn usage(problem: &str) -> Error {
    Error::Usage(format!("{problem}; use: {USAGE}"))
}
