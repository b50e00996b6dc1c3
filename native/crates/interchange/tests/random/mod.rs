//! Texts that are histories, nearly, and what becomes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use schrodinger_history::{FIRST_WORD, History, Rows};
use schrodinger_interchange::token::unescaped;
use schrodinger_interchange::{Format, ImportError, export_history, import_history};

/// How many cases a test tries: `SCHRODINGER_FUZZ_CASES`, or a sample.
pub fn cases(sample: u64) -> u64 {
    std::env::var("SCHRODINGER_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(sample)
}

/// A generator of its own for each case, so that a case can be tried alone.
pub struct Random(u64);

impl Random {
    pub fn new(case: u64) -> Self {
        let mut random = Random(case.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
        random.below(1);
        random
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// A history, or nearly one, in some notation.
pub fn text(random: &mut Random) -> String {
    let style = random.below(4);
    let (begin, end) = match style {
        0 if random.one_in(2) => ("[", "]"),
        1 if random.one_in(2) => ("(", ")"),
        2 if random.one_in(2) => ("[", "]"),
        _ => ("", ""),
    };
    let operations: Vec<String> = (0..1 + random.below(12))
        .map(|number| match style {
            0 | 1 => edn_operation(random, number),
            2 => json_operation(random, number),
            _ => log_line(random),
        })
        .collect();
    let between = if style == 2 && !begin.is_empty() { ",\n" } else { "\n" };
    format!("{begin}{}{end}", operations.join(between))
}

const TYPES: [&str; 5] = ["invoke", "ok", "fail", "info", "invoke"];
const FUNCTIONS: [&str; 8] = ["read", "write", "cas", "txn", "transfer", "add", "dequeue", "start partition"];

fn edn_operation(random: &mut Random, number: usize) -> String {
    let mut entries = vec![format!(":type :{}", random.pick(&TYPES))];
    if !random.one_in(12) {
        entries.push(format!(":f {}", edn_function(random.pick(&FUNCTIONS))));
    }
    if !random.one_in(8) {
        let process = ["0", "1", "2", ":nemesis", ":alice", "1073741824", "nil"];
        entries.push(format!(":process {}", random.pick(&process)));
    }
    if !random.one_in(8) {
        entries.push(format!(":value {}", edn_value(random, 3)));
    }
    if random.one_in(2) {
        entries.push(format!(":time {}", number * 10));
    }
    if random.one_in(6) {
        entries.push(format!(":error {}", edn_value(random, 2)));
    }
    if random.one_in(12) {
        entries.push(format!(":key {}", edn_value(random, 1)));
    }
    if random.one_in(3) {
        let other = random.below(entries.len());
        entries.swap(0, other);
    }
    let tag = random.pick(&["", "", "#jepsen.history.Op", "#jepsen.history.Op ", "#_ {} "]);
    format!("{tag}{{{}}}{}", entries.join(random.pick(&[", ", " "])), random.pick(&["", "", " ; why", " #_ [1 {}]"]))
}

fn edn_function(name: &str) -> String {
    if name.contains(' ') { format!("{name:?}") } else { format!(":{name}") }
}

fn edn_value(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.one_in(3) {
        let scalars =
            ["nil", "0", "7", "-3", "true", ":x", "\"y\"", "\"a \\\" b\"", "1.5", "\\c", "1/2", "sym", ":timed-out"];
        return random.pick(&scalars).to_owned();
    }
    let items =
        |random: &mut Random| (0..random.below(4)).map(|_| edn_value(random, depth - 1)).collect::<Vec<_>>().join(" ");
    match random.below(8) {
        0 => format!("#{{{}}}", items(random)),
        1 => format!("{{:from {} :to 1 :amount 5}}", random.below(3)),
        2 => format!("{{0 {}, 1 20}}", random.below(3)),
        3 => format!("[{} {}]", random.below(3), edn_value(random, depth - 1)),
        4 => format!("#jepsen.independent/tuple [1 {}]", edn_value(random, depth - 1)),
        5 | 6 => transaction(random, ":", "nil", " "),
        _ => format!("[{}]", items(random)),
    }
}

fn transaction(random: &mut Random, colon: &str, nil: &str, comma: &str) -> String {
    let quote = if colon.is_empty() { "\"" } else { "" };
    let steps: Vec<String> = (0..1 + random.below(3))
        .map(|_| {
            let (f, value) = match random.below(4) {
                0 => ("append", random.below(9).to_string()),
                1 => ("w", random.below(9).to_string()),
                2 => ("r", nil.to_owned()),
                _ => ("r", format!("[{}{comma}{}]", random.below(9), random.below(9))),
            };
            format!("[{quote}{colon}{f}{quote}{comma}{}{comma}{value}]", random.below(3))
        })
        .collect();
    format!("[{}]", steps.join(comma))
}

fn json_operation(random: &mut Random, number: usize) -> String {
    let mut entries = vec![
        format!("\"type\": \"{}\"", random.pick(&TYPES)),
        format!("\"f\": \"{}\"", random.pick(&FUNCTIONS)),
        format!("\"value\": {}", json_value(random, 3)),
    ];
    if !random.one_in(8) {
        entries.push(format!("\"process\": {}", random.pick(&["0", "1", "2", "-1", "\"nemesis\"", "\"bob\""])));
    }
    if random.one_in(2) {
        entries.push(format!("\"time\": {}", number * 10));
    }
    if random.one_in(4) {
        entries.push(format!("\"key\": {}", random.pick(&["null", "4", "\"k\""])));
    }
    if random.one_in(4) {
        entries.push("\"detail\": \"it \\u00e9 \\\\ \\n failed\"".to_owned());
    }
    format!("{{{}}}", entries.join(", "))
}

fn json_value(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.one_in(3) {
        return random
            .pick(&["null", "0", "7", "-3", "true", "\"y\"", "\":x\"", "1.5", "5.0", "\"\\ud83d\""])
            .to_owned();
    }
    match random.below(4) {
        0 => format!("{{\"0\": {}, \"x\": 3}}", json_value(random, depth - 1)),
        1 => transaction(random, "", "null", ", "),
        _ => {
            let items: Vec<String> = (0..random.below(4)).map(|_| json_value(random, depth - 1)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn log_line(random: &mut Random) -> String {
    if random.one_in(5) {
        return random.pick(&["INFO  jepsen.core - Worker 0 starting", "", "lein test", "a\tb"]).to_owned();
    }
    let before = random.pick(&["", "INFO  jepsen.util - ", "2024-01-01 10:00:00,1\tINFO\t[w] jepsen.util: "]);
    let process = random.pick(&["0", "1", "2", ":nemesis"]);
    let (type_, f) = (random.pick(&TYPES), random.pick(&FUNCTIONS[..6]));
    format!("{before}{process}\t:{type_}\t:{f}\t{}", edn_value(random, 2))
}

/// The text with a few bytes changed.
pub fn mutated(random: &mut Random, text: &str) -> Vec<u8> {
    const SPECIAL: &[u8] = b"[]{}()#_\"\\:; ,^0a-\n\t\xff\x00N";
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let place = random.below(bytes.len());
        match random.below(6) {
            0 => drop(bytes.remove(place)),
            1 => bytes[place] = SPECIAL[random.below(SPECIAL.len())],
            2 => bytes.truncate(place),
            3 => {
                let end = (place + random.below(40)).min(bytes.len());
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
            4 => bytes[place] ^= 1 << random.below(8),
            _ => bytes.insert(place, SPECIAL[random.below(SPECIAL.len())]),
        }
    }
    bytes
}

/// The files of one case after the other.
pub struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        // In memory, where there is such a place: a case is mostly files.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Bench { directory: directory.expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The events of a text, told one by one, words by their words; the files are gone afterwards.
    pub fn imported(&self, text: &[u8], name: &str) -> Result<(History, Vec<String>), ImportError> {
        let (source, target) = (self.path("source"), self.path(name));
        fs::write(&source, text).expect("a file");
        let imported = import_history(&source, &target, None, None, &AtomicBool::new(false));
        if imported.is_err() {
            assert!(
                !target.exists() && !self.path(&format!("{name}.blocks")).exists(),
                "a failed import leaves a file"
            );
        }
        let imported = imported?;
        let history = History::open(&target).expect("a history");
        assert_eq!((history.damage(), history.rows() as u64), (None, imported.rows));
        assert_eq!(history.words(), imported.words);
        fs::remove_file(&target).expect("the history");
        fs::remove_file(self.path(&format!("{name}.blocks"))).expect("its blocks");
        let events = events(&history);
        Ok((history, events))
    }

    /// What the history is in another notation.
    pub fn exported(&self, history: &History, format: Format) -> Vec<u8> {
        let target = self.path("exported");
        let rows = export_history(history, &target, format, &AtomicBool::new(false)).expect("an export");
        assert_eq!(rows, history.rows() as u64);
        let text = fs::read(&target).expect("a file");
        fs::remove_file(&target).expect("a file");
        text
    }
}

fn events(history: &History) -> Vec<String> {
    let words = history.words();
    let number = |number: i64| match number.checked_sub(FIRST_WORD).and_then(|place| words.get(place as usize)) {
        // What is a symbol in EDN is a string in JSON.
        Some(word) => match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
            Some(text) => unescaped(text.as_bytes()).into_owned(),
            None => word.clone(),
        },
        None => number.to_string(),
    };
    let mut events = Vec::new();
    for batch in history.batches(0..history.rows()) {
        let (_, batch) = batch.expect("a batch");
        let rows = Rows::of(&batch);
        for row in 0..rows.time.len() {
            let value = rows.value(row).map(|value| value.iter().copied().map(number).collect::<Vec<_>>());
            events.push(format!(
                "{} {} {} {} {:?} {value:?} {:?}",
                rows.time[row],
                rows.process[row],
                rows.kind(row).name(),
                history.functions()[usize::from(rows.f[row])],
                rows.key(row).map(number),
                rows.detail(row),
            ));
        }
    }
    events
}
