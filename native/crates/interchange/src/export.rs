//! From a history file to the notations of other tools, such that importing what was written gives the same history again.
//!
//! EDN is what Jepsen, Elle and Knossos read: independent keys are `[k v]`, transactions are micro-operations, transfers and balances are
//! maps. Where that would not come back the same (a value that is no transaction though its function is `txn`) it is a plain list. JSON
//! Lines have the columns of a history as they are. Both tell words by their words.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashSet;
use schrodinger_history::{Error, FIRST_WORD, History, Kind, NEMESIS, NIL, Rows};

use crate::error::ImportError;
use crate::import::{KEYED, PLAIN};
use crate::token::{is_name, quote};

/// How much is written at once.
const PIECE: usize = 1 << 20;

/// What a history can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A map a line.
    Edn,
    /// An object a line.
    JsonLines,
}

/// Write every event of the good prefix to `target`, which must not exist. Returns how many. What was written is removed when it fails.
pub fn export_history(
    history: &History,
    target: &Path,
    format: Format,
    interrupt: &AtomicBool,
) -> Result<u64, ImportError> {
    let mut file = File::create_new(target).map_err(|error| Error::io(target, error))?;
    let written = write_all(history, &mut file, target, format, interrupt);
    if written.is_err() {
        // What can't be removed is left; the error that led here is the one to tell.
        drop(fs::remove_file(target));
    }
    written
}

fn write_all(
    history: &History,
    file: &mut File,
    target: &Path,
    format: Format,
    interrupt: &AtomicBool,
) -> Result<u64, ImportError> {
    let mut writer = Writer::new(history)?;
    if format == Format::Edn {
        writer.text(if writer.keyed { KEYED } else { PLAIN });
        writer.text("\n");
    }
    for batch in history.batches(0..history.rows()) {
        let (first_row, batch) = batch?;
        let rows = Rows::of(&batch);
        for row in 0..rows.time.len() {
            match format {
                Format::Edn => writer.edn(first_row + row, &rows, row),
                Format::JsonLines => writer.json(&rows, row),
            }
            if writer.out.len() >= PIECE {
                if interrupt.load(Ordering::Relaxed) {
                    return Err(ImportError::Text { line: first_row + row, what: "interrupted".to_owned() });
                }
                writer.flush(file).map_err(|error| Error::io(target, error))?;
            }
        }
    }
    writer.flush(file).map_err(|error| Error::io(target, error))?;
    Ok(history.rows() as u64)
}

/// What is to be written next, and what must be known of the whole history.
struct Writer {
    out: Vec<u8>,
    /// The functions: as keywords for EDN, where they can be, and quoted.
    keywords: Vec<String>,
    quoted: Vec<String>,
    /// As EDN writes them, and as JSON does.
    words: Vec<(String, String)>,
    keyed: bool,
    /// The number of the function `txn`, if there is one, and others that have a form of their own.
    transaction: Option<u8>,
    transfer: Option<u8>,
    read: Option<u8>,
    /// Whether some transaction writes a register, so that a read shows one value and no list.
    has_registers: bool,
}

impl Writer {
    fn new(history: &History) -> Result<Self, Error> {
        let number = |wanted: &str| history.functions().iter().position(|name| name == wanted).map(|place| place as u8);
        let mut writer = Writer {
            out: Vec::with_capacity(PIECE + PIECE / 8),
            keywords: history.functions().iter().map(|name| keyword(name)).collect(),
            quoted: history.functions().iter().map(|name| json_function(name)).collect(),
            words: history.words().into_iter().map(|word| (word.clone(), json_word(&word))).collect(),
            keyed: false,
            transaction: number("txn"),
            transfer: number("transfer"),
            read: number("read"),
            has_registers: false,
        };
        for batch in history.batches(0..history.rows()) {
            let (_, batch) = batch?;
            let rows = Rows::of(&batch);
            for row in 0..rows.time.len() {
                writer.keyed |= rows.process[row] != NEMESIS && rows.key(row).is_some();
                if !writer.has_registers && writer.transaction == Some(rows.f[row]) {
                    writer.has_registers =
                        rows.value(row).is_some_and(|value| Steps(value).flatten().any(|step| step.code == 2));
                }
            }
        }
        Ok(writer)
    }

    fn flush(&mut self, file: &mut File) -> io::Result<()> {
        file.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn int(&mut self, number: i64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn word(&self, number: i64) -> Option<&(String, String)> {
        let place = usize::try_from(number.checked_sub(FIRST_WORD)?).ok()?;
        self.words.get(place)
    }

    fn edn(&mut self, index: usize, rows: &Rows<'_>, row: usize) {
        let (kind, process, f) = (rows.kind(row), rows.process[row], rows.f[row]);
        let (key, value) = (rows.key(row), rows.value(row));
        self.text("{:index ");
        self.int(index as i64);
        self.text(", :time ");
        self.int(rows.time[row]);
        self.text(", :type :");
        self.text(if process == NEMESIS { "info" } else { kind.name() });
        if matches!(kind, Kind::Inject | Kind::Heal) {
            self.text(", :fault :");
            self.text(kind.name());
        }
        self.text(", :process ");
        if process == NEMESIS {
            self.text(":nemesis")
        } else {
            self.int(i64::from(process))
        }
        self.text(", :f ");
        self.out.extend_from_slice(self.keywords[usize::from(f)].as_bytes());
        match key {
            Some(key) if process == NEMESIS => {
                self.text(", :key ");
                self.edn_number(key);
                self.text(", :value ");
                self.edn_value(kind, None, value);
            }
            Some(key) => {
                self.text(", :value [");
                self.edn_number(key);
                self.text(" ");
                self.edn_value(kind, Some(f), value);
                self.text("]");
            }
            None => {
                self.text(if self.keyed && process != NEMESIS { ", :key nil, :value " } else { ", :value " });
                self.edn_value(kind, (process != NEMESIS).then_some(f), value);
            }
        }
        if let Some(detail) = rows.detail(row) {
            self.text(", :error ");
            self.text(&quoted(detail));
        }
        self.text("}\n");
    }

    fn edn_number(&mut self, number: i64) {
        if number == NIL {
            return self.text("nil");
        }
        match self.word(number) {
            None => self.int(number),
            Some((word, _)) => {
                let word = word.clone();
                self.text(&word);
            }
        }
    }

    fn edn_list(&mut self, values: &[i64], begin: &str, end: &str) {
        self.text(begin);
        for (place, &value) in values.iter().enumerate() {
            self.text(if place == 0 { "" } else { " " });
            self.edn_number(value);
        }
        self.text(end);
    }

    /// The value of an operation of this function, which none of the nemesis has.
    fn edn_value(&mut self, kind: Kind, f: Option<u8>, value: Option<&[i64]>) {
        let Some(value) = value else { return self.text("nil") };
        if f.is_some() && f == self.transaction && self.is_faithful(kind, value) {
            return self.edn_steps(kind, value);
        }
        match value {
            &[from, to, amount] if f.is_some() && f == self.transfer => {
                for (name, number) in [("{:from ", from), (" :to ", to), (" :amount ", amount)] {
                    self.text(name);
                    self.edn_number(number);
                }
                self.text("}");
            }
            balances if f.is_some() && f == self.read && self.transfer.is_some() && self.are_balances(balances) => {
                self.edn_list(balances, "{", "}");
            }
            // Alone, `nil` would be no value, and a word of a failure its reason.
            &[number] if number != NIL && (kind == Kind::Invoke || kind == Kind::Ok || self.word(number).is_none()) => {
                self.edn_number(number);
            }
            values => self.edn_list(values, "[", "]"),
        }
    }

    /// Whether a list can be the entries of a map: pairs whose first parts differ and make no transfer of it.
    fn are_balances(&self, values: &[i64]) -> bool {
        let mut accounts = FxHashSet::default();
        let is_account = |key: &i64| {
            let word = self.word(*key).map_or("", |(word, _)| word.trim_matches([':', '"']));
            !["from", "to", "amount"].contains(&word)
        };
        !values.is_empty()
            && values.len() % 2 == 0
            && values.iter().step_by(2).all(|key| is_account(key) && accounts.insert(key))
    }

    /// Whether a transaction comes back as it is: a read that saw nothing has no list, one without an answer has no count.
    fn is_faithful(&self, kind: Kind, value: &[i64]) -> bool {
        !value.is_empty()
            && Steps(value).all(|step| {
                step.is_some_and(|step| match (step.code, step.values) {
                    (0, None) => kind != Kind::Ok,
                    (0, Some([])) => !self.has_registers || kind == Kind::Ok,
                    (0, Some(&[NIL])) => !self.has_registers,
                    (_, Some([_])) => true,
                    (code, Some(_)) => code == 0,
                    (_, None) => false,
                })
            })
    }

    fn edn_steps(&mut self, kind: Kind, value: &[i64]) {
        let mut begin = "[";
        for step in Steps(value).flatten() {
            self.text(begin);
            begin = " ";
            self.text(["[:r ", "[:append ", "[:w ", "[:version "][step.code as usize]);
            self.edn_number(step.key);
            self.text(" ");
            match step.values {
                None => self.text("nil"),
                Some([]) if self.has_registers && kind == Kind::Ok => self.text("nil"),
                Some(&[number]) if step.code != 0 || self.has_registers => self.edn_number(number),
                Some(values) => self.edn_list(values, "[", "]"),
            }
            self.text("]");
        }
        self.text("]");
    }

    fn json(&mut self, rows: &Rows<'_>, row: usize) {
        self.text("{\"time\": ");
        self.int(rows.time[row]);
        self.text(", \"process\": ");
        self.int(i64::from(rows.process[row]));
        self.text(", \"type\": \"");
        self.text(rows.kind(row).name());
        self.text("\", \"f\": ");
        self.out.extend_from_slice(self.quoted[usize::from(rows.f[row])].as_bytes());
        self.text(", \"key\": ");
        match rows.key(row) {
            None => self.text("null"),
            Some(key) => self.json_number(key),
        }
        self.text(", \"value\": ");
        match rows.value(row) {
            None => self.text("null"),
            Some(values) => {
                self.text("[");
                for (place, &value) in values.iter().enumerate() {
                    self.text(if place == 0 { "" } else { ", " });
                    self.json_number(value);
                }
                self.text("]");
            }
        }
        self.text(", \"detail\": ");
        match rows.detail(row) {
            None => self.text("null"),
            Some(detail) => self.text(&quoted(detail)),
        }
        self.text("}\n");
    }

    fn json_number(&mut self, number: i64) {
        if number == NIL {
            return self.text("null");
        }
        match self.word(number) {
            None => self.int(number),
            Some((_, word)) => {
                let word = word.clone();
                self.text(&word);
            }
        }
    }
}

/// One micro-operation.
struct Step<'a> {
    code: i64,
    key: i64,
    /// None for a read that nobody has answered.
    values: Option<&'a [i64]>,
}

/// The micro-operations of a list; `None` where it is none.
struct Steps<'a>(&'a [i64]);

impl<'a> Iterator for Steps<'a> {
    type Item = Option<Step<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        if rest.is_empty() {
            return None;
        }
        let &[code @ 0..=3, key, count, ref after @ ..] = rest else { return Some(None) };
        if count == -1 {
            self.0 = after;
            return Some(Some(Step { code, key, values: None }));
        }
        let Some((values, after)) = usize::try_from(count).ok().and_then(|count| after.split_at_checked(count)) else {
            return Some(None);
        };
        self.0 = after;
        Some(Some(Step { code, key, values: Some(values) }))
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// A function as EDN: a keyword where it can be one.
fn keyword(name: &str) -> String {
    if is_name(name.as_bytes()) { format!(":{name}") } else { quoted(name) }
}

/// A function as JSON, where a string that is a colon and a name is a keyword of that name.
fn json_function(name: &str) -> String {
    if name.starts_with(':') && is_name(name.as_bytes()) { quoted(&format!(":{name}")) } else { quoted(name) }
}

/// A word that EDN writes so, as JSON: strings and fractions as they are, anything else in quotes.
fn json_word(word: &str) -> String {
    let is_fraction = word.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && word.ends_with(|last: char| last.is_ascii_digit())
        && word.matches('.').count() == 1
        && word.chars().all(|character| character.is_ascii_digit() || "-.eE".contains(character))
        && word.parse::<f64>().is_ok_and(|number| number.fract() != 0.0)
        && !word.starts_with("-.");
    if is_fraction || word.starts_with('"') { word.to_owned() } else { quoted(word) }
}
