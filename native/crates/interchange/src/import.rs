//! From an EDN file to a history file, form by form.
//!
//! A history file names its functions first, and a stream shows them last. So the beginning of the file is read for functions, and the
//! import begins anew, which hardly ever happens, when one appears that the beginning did not have.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use schrodinger_history::{Error, Event, Kind, NEMESIS, Transcript};

use crate::edn::Token;
use crate::error::ImportError;
use crate::jepsen::{Encoder, operation, shows_keys, text};
use crate::source::Forms;

/// How much of a file is read for its functions.
const BEGINNING: u64 = 4 << 20;

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// Events.
    pub rows: u64,
    /// Whether the history has independent keys.
    pub keyed: bool,
    /// Words that were numbered, from [`crate::jepsen::FIRST_LABEL`] on.
    pub labels: Vec<String>,
}

/// Write the Jepsen history in `source` as a history file at `target`, which must not exist. `keyed` says whether values are `[k v]`;
/// found out when nothing is said. What was written is removed when the import fails.
pub fn import_edn(
    source: &Path,
    target: &Path,
    keyed: Option<bool>,
    interrupt: &AtomicBool,
) -> Result<Imported, ImportError> {
    let (mut functions, found_keys) = beginning(source)?;
    loop {
        let encoder = Encoder::new(keyed.unwrap_or(found_keys));
        let attempt = transcribe(source, target, &functions, encoder, interrupt);
        match attempt {
            Ok(Attempt::Done(imported)) => return Ok(imported),
            Ok(Attempt::NewFunction(function)) => {
                remove(target);
                functions.push(function);
            }
            // A target that was there already is somebody's.
            Err(Failure::BeforeWriting(error)) => return Err(error),
            Err(Failure::WhileWriting(error)) => {
                remove(target);
                return Err(error);
            }
        }
    }
}

enum Attempt {
    Done(Imported),
    NewFunction(String),
}

enum Failure {
    BeforeWriting(ImportError),
    WhileWriting(ImportError),
}

fn remove(target: &Path) {
    for path in [target.to_owned(), blocks_beside(target)] {
        // What can't be removed is left; the error that led here is the one to tell.
        drop(fs::remove_file(path));
    }
}

fn blocks_beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".blocks");
    PathBuf::from(name)
}

fn open(source: &Path) -> Result<File, ImportError> {
    File::open(source).map_err(|error| ImportError::File(Error::io(source, error)))
}

/// The functions in the beginning of a file, and whether it shows independent keys. What is wrong is told when it is reached again.
fn beginning(source: &Path) -> Result<(Vec<String>, bool), ImportError> {
    let mut forms = Forms::new(open(source)?.take(BEGINNING));
    let (mut functions, mut keyed) = (Vec::<String>::new(), false);
    while let Ok(true) = forms.next(|tokens| {
        let found = operation(tokens)?;
        let name = String::from_utf8_lossy(found.f);
        if !functions.iter().any(|known| *known == name) {
            functions.push(name.into_owned());
        }
        keyed |= shows_keys(&found);
        Ok(())
    }) {}
    if functions.is_empty() {
        functions.push("nil".to_owned());
    }
    Ok((functions, keyed))
}

fn transcribe(
    source: &Path,
    target: &Path,
    functions: &[String],
    mut encoder: Encoder,
    interrupt: &AtomicBool,
) -> Result<Attempt, Failure> {
    let mut forms = Forms::new(open(source).map_err(Failure::BeforeWriting)?);
    let created = Transcript::create(target, functions);
    let mut transcript = created.map_err(|error| Failure::BeforeWriting(error.into()))?;
    let (mut rows, mut time) = (0_u64, 0_i64);
    let mut unknown: Option<String> = None;
    let mut written: Result<(), Error> = Ok(());
    loop {
        let next = forms.next(|tokens| {
            let found = operation(tokens)?;
            let Some(f) = functions.iter().position(|name| name.as_bytes() == found.f) else {
                unknown = Some(String::from_utf8_lossy(found.f).into_owned());
                return Ok(());
            };
            let process = encoder.process(&found)?;
            // Row order is the order of the file; a clock that goes back is held.
            time = time.max(found.time.unwrap_or(rows as i64));
            let told = if process == NEMESIS && found.error.is_empty() { found.value } else { found.error };
            let detail = told.iter().any(|token| *token != Token::Nil).then(|| text(told));
            let (key, has_value) = if process == NEMESIS { (None, false) } else { encoder.value(&found)? };
            let event = Event {
                kind: if process == NEMESIS { Kind::Info } else { found.kind },
                process,
                f: f as u8,
                key,
                value: has_value.then_some(encoder.values.as_slice()),
                detail: detail.as_deref(),
            };
            rows += 1;
            if interrupt.load(Ordering::Relaxed) {
                return Err("interrupted".to_owned());
            }
            written = transcript.write(time, &event);
            Ok(())
        });
        let more = next.map_err(Failure::WhileWriting)?;
        std::mem::replace(&mut written, Ok(())).map_err(|error| Failure::WhileWriting(error.into()))?;
        if let Some(function) = unknown.take() {
            return Ok(Attempt::NewFunction(function));
        }
        if !more {
            break;
        }
    }
    transcript.finish().map_err(|error| Failure::WhileWriting(error.into()))?;
    Ok(Attempt::Done(Imported { rows, keyed: encoder.is_keyed(), labels: encoder.into_labels() }))
}
