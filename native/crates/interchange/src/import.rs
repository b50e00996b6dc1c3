//! From a file of another tool to a history file, form by form.
//!
//! A history file names its functions first, and a stream shows them last. So the beginning of the file is read for what must be known
//! at first, and the import begins anew, which hardly ever happens, when something comes up that the beginning did not have.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use schrodinger_history::{Error, Event, Kind, NEMESIS, Transcript};

use crate::completions::Completions;
use crate::error::ImportError;
use crate::operation::{Operation, SEND, Who, is_transaction, micro_operation, operation, shows_keys};
use crate::processes::Processes;
use crate::source::{Forms, Notation, other_than_text};
use crate::token::{Token, told, unescaped};
use crate::values::{Values, is_why};

/// How much of a file is read for what must be known at first.
const BEGINNING: u64 = 4 << 20;
/// Words that take more than this are not kept with the history.
const MOST_BYTES_OF_WORDS: usize = 64 << 20;
/// How the export says that the values of an EDN history are pairs of key and value.
pub const KEYED: &str = "; values are [key value]";
/// The same, when they are not.
pub const PLAIN: &str = "; values are plain";

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// How it was written.
    pub notation: Notation,
    /// Events.
    pub rows: u64,
    /// Whether the values of the source were `[key value]`.
    pub keyed: bool,
    /// Words that were numbered, from [`schrodinger_history::FIRST_WORD`] on.
    pub words: Vec<String>,
    /// What a user should know about how the source was understood.
    pub remarks: Vec<String>,
}

/// Write the history in `source` as a history file at `target`, which must not exist. `keyed` says whether values are `[k v]`; found out
/// when nothing is said, as the notation is. What was written is removed when the import fails.
pub fn import_history(
    source: &Path,
    target: &Path,
    notation: Option<Notation>,
    keyed: Option<bool>,
    interrupt: &AtomicBool,
) -> Result<Imported, ImportError> {
    let mut assumed = Assumptions::of(source, notation)?;
    assumed.keyed = keyed.unwrap_or(assumed.keyed);
    loop {
        match transcribe(source, target, &assumed, interrupt) {
            Ok(Attempt::Done(imported)) => return Ok(imported),
            Ok(Attempt::Unforeseen(unforeseen)) => {
                remove(target);
                match unforeseen {
                    Unforeseen::Function(function) => assumed.functions.push(function),
                    Unforeseen::Transactional(function) => {
                        assumed.functions.retain(|known| *known != function);
                        assumed.transactional.push(function);
                    }
                    Unforeseen::Invocation => assumed.only_completions = false,
                }
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

/// What must be known at first.
struct Assumptions {
    notation: Notation,
    functions: Vec<String>,
    /// Functions that carry transactions, which makes them `txn`: Jepsen's long fork calls them `read` and `write`.
    transactional: Vec<String>,
    keyed: bool,
    only_completions: bool,
}

enum Unforeseen {
    Function(String),
    Transactional(String),
    Invocation,
}

enum Attempt {
    Done(Imported),
    Unforeseen(Unforeseen),
}

enum Failure {
    BeforeWriting(ImportError),
    WhileWriting(ImportError),
}

impl Assumptions {
    /// What the beginning of a file shows. What is wrong with it is told when it is reached again.
    fn of(source: &Path, notation: Option<Notation>) -> Result<Self, ImportError> {
        let text = beginning(source)?;
        if let Some(what) = other_than_text(&text) {
            return Err(ImportError::Text { line: 1, what: what.to_owned() });
        }
        let mut assumed = Assumptions {
            notation: notation.unwrap_or_else(|| Notation::of(&text)),
            functions: Vec::new(),
            transactional: Vec::new(),
            keyed: text.starts_with(KEYED.as_bytes()),
            only_completions: true,
        };
        let says_plain = text.starts_with(PLAIN.as_bytes());
        let mut forms = Forms::new(text.as_slice(), assumed.notation);
        while let Ok(true) = forms.next(|tokens| {
            let found = operation(tokens)?;
            let name = unescaped(found.f);
            let known = if carries_transaction(&found) { &mut assumed.transactional } else { &mut assumed.functions };
            if !contains(known, &name) {
                known.push(name.into_owned());
            }
            assumed.keyed |= !says_plain && shows_keys(&found);
            assumed.only_completions &= !is_invocation(&found);
            Ok(())
        }) {}
        assumed.functions.retain(|name| !assumed.transactional.contains(name));
        let is_empty = assumed.functions.is_empty() && assumed.transactional.is_empty();
        if is_empty {
            assumed.functions.push("nil".to_owned());
        }
        Ok(assumed)
    }

    /// The functions of the history.
    fn all_functions(&self) -> Vec<String> {
        let mut functions = self.functions.clone();
        if !self.transactional.is_empty() && !contains(&functions, TRANSACTION) {
            functions.push(TRANSACTION.to_owned());
        }
        functions
    }
}

impl Notation {
    /// What a file is, by its beginning.
    pub fn of_file(source: &Path) -> Result<Notation, ImportError> {
        beginning(source).map(|text| Notation::of(&text))
    }
}

fn beginning(source: &Path) -> Result<Vec<u8>, ImportError> {
    let mut text = Vec::new();
    let read = open(source)?.take(BEGINNING).read_to_end(&mut text);
    read.map(|_| text).map_err(|error| ImportError::File(Error::io(source, error)))
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

/// Writes events: at once, or, where there are only completions, when the last is there.
struct Sink {
    transcript: Transcript,
    completions: Option<Completions>,
}

impl Sink {
    fn write(&mut self, time: i64, event: &Event<'_>) -> Result<(), Error> {
        match &mut self.completions {
            None => self.transcript.write(time, event),
            Some(completions) => {
                completions.push(time, event);
                Ok(())
            }
        }
    }

    fn finish(mut self, functions: &[String], words: &[String]) -> Result<u64, Error> {
        if let Some(completions) = &self.completions {
            completions.write(functions, &mut self.transcript)?;
        }
        self.transcript.finish_with(words)
    }
}

fn transcribe(source: &Path, target: &Path, assumed: &Assumptions, interrupt: &AtomicBool) -> Result<Attempt, Failure> {
    let mut forms = Forms::new(open(source).map_err(Failure::BeforeWriting)?, assumed.notation);
    let functions = assumed.all_functions();
    let created = Transcript::create(target, &functions);
    let transcript = created.map_err(|error| Failure::BeforeWriting(error.into()))?;
    let mut sink = Sink { transcript, completions: assumed.only_completions.then(Completions::default) };
    let mut processes = Processes::new(assumed.only_completions);
    let mut values = Values { keyed: assumed.keyed, ..Values::default() };
    let (mut rows, mut time) = (0_u64, 0_i64);
    let mut unforeseen: Option<Unforeseen> = None;
    let mut written: Result<(), Error> = Ok(());
    loop {
        let next = forms.next(|tokens| {
            let found = operation(tokens)?;
            let name = unescaped(found.f);
            if carries_transaction(&found) && !contains(&assumed.transactional, &name) {
                unforeseen = Some(Unforeseen::Transactional(name.into_owned()));
                return Ok(());
            }
            let name = if contains(&assumed.transactional, &name) { TRANSACTION.into() } else { name };
            let Some(f) = functions.iter().position(|known| *known == *name) else {
                unforeseen = Some(Unforeseen::Function(name.into_owned()));
                return Ok(());
            };
            if assumed.only_completions && is_invocation(&found) {
                unforeseen = Some(Unforeseen::Invocation);
                return Ok(());
            }
            let process = processes.number(&found)?;
            // Row order is the order of the file; a clock that goes back is held.
            time = time.max(found.time.unwrap_or(rows as i64));
            let (key, has_value, detail) =
                if process == NEMESIS { mark(&mut values, &found)? } else { deed(&mut values, &found)? };
            let event = Event {
                kind: if process == NEMESIS && !is_edge(found.kind) { Kind::Info } else { found.kind },
                process,
                f: f as u8,
                key,
                value: has_value.then_some(values.list.as_slice()),
                detail: detail.as_deref(),
            };
            rows += 1;
            if interrupt.load(Ordering::Relaxed) {
                return Err("interrupted".to_owned());
            }
            written = sink.write(time, &event);
            Ok(())
        });
        let more = next.map_err(Failure::WhileWriting)?;
        std::mem::replace(&mut written, Ok(())).map_err(|error| Failure::WhileWriting(error.into()))?;
        if let Some(unforeseen) = unforeseen {
            return Ok(Attempt::Unforeseen(unforeseen));
        }
        if !more {
            break;
        }
    }
    if rows == 0 {
        let what = "there is no operation in it".to_owned();
        return Err(Failure::WhileWriting(ImportError::Text { line: 1, what }));
    }
    let mut remarks = Vec::new();
    let renamed: Vec<&str> =
        assumed.transactional.iter().map(String::as_str).filter(|name| *name != TRANSACTION).collect();
    if !renamed.is_empty() {
        remarks
            .push(format!("what it calls {} are transactions, and are called {TRANSACTION} here", renamed.join(", ")));
    }
    let mut words = values.words.into_inner();
    if words.iter().map(String::len).sum::<usize>() > MOST_BYTES_OF_WORDS {
        remarks.push(format!("its {} words are too many to keep; they are numbers from here on", words.len()));
        words.clear();
    }
    let written = sink.finish(&functions, &words).map_err(|error| Failure::WhileWriting(error.into()))?;
    if written > rows {
        remarks.push(ONLY_COMPLETIONS.to_owned());
    }
    rows = written;
    Ok(Attempt::Done(Imported { notation: assumed.notation, rows, keyed: assumed.keyed, words, remarks }))
}

const ONLY_COMPLETIONS: &str = "the history has completions and no invocations: each operation is taken to have begun as early as it \
                                can have, when its process had ended the one before, so nothing is concluded from real time beyond that";

/// What every function that carries transactions is called.
const TRANSACTION: &str = "txn";

/// Sends and polls are told apart by their functions, which stay.
fn carries_transaction(found: &Operation<'_, '_>) -> bool {
    let is_of_keys = |step: Token<'_>| micro_operation(step).is_some_and(|code| code < SEND);
    found.who != Who::Nemesis && is_transaction(found.value) && found.value.get(2).is_some_and(|&step| is_of_keys(step))
}

fn contains(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

/// Whether a client begins something; the nemesis of some tools is invoked too.
fn is_invocation(found: &Operation<'_, '_>) -> bool {
    found.kind == Kind::Invoke && found.who != Who::Nemesis
}

fn is_edge(kind: Kind) -> bool {
    matches!(kind, Kind::Inject | Kind::Heal)
}

/// Key, whether there is a value, and detail.
type Parts = (Option<i64>, bool, Option<String>);

/// What a client did.
fn deed(values: &mut Values, found: &Operation<'_, '_>) -> Result<Parts, String> {
    let (key, has_value) = values.encode(found)?;
    let why = if found.error.is_empty() && is_why(found) { found.value } else { found.error };
    Ok((key, has_value, detail(why)))
}

/// What the nemesis did: its value is told in words.
fn mark(values: &mut Values, found: &Operation<'_, '_>) -> Result<Parts, String> {
    let key = match found.key {
        Some([Token::Int(key)]) => Some(*key),
        _ => None,
    };
    let has_value = values.of_nemesis(found.value);
    let told = if found.error.is_empty() && !has_value { found.value } else { found.error };
    Ok((key, has_value, detail(told)))
}

/// A text as it is, anything else as EDN.
fn detail(tokens: &[Token<'_>]) -> Option<String> {
    match tokens {
        [] | [Token::Nil] => None,
        [Token::Text(text)] => Some(unescaped(text).into_owned()),
        tokens => Some(told(tokens)),
    }
}
