//! Whatever happens to the files of a history, what is read is a prefix of what was recorded.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod register;

use std::fs;
use std::path::{Path, PathBuf};

use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use schrodinger_history::{Error, History};
use schrodinger_random::Stream;

/// Rows of each block.
const BLOCKS: [u64; 3] = [5, 4, 3];

struct Recorded {
    directory: tempfile::TempDir,
    file: Vec<u8>,
    list: Vec<u8>,
    rows: Vec<String>,
}

impl Recorded {
    fn new(close: bool) -> Self {
        let directory = scratch();
        let path = directory.path().join("history.arrow");
        let recorder = register::recorder(&path);
        for rows in BLOCKS {
            register::record(&recorder, rows);
            recorder.flush().unwrap();
        }
        if close {
            recorder.close().unwrap();
        }
        drop(recorder);
        let history = History::open(&path).unwrap();
        let rows = register::rows(&history);
        assert_eq!((rows.len(), history.complete()), (12, close));
        let [file, list] = [path.clone(), list_of(&path)].map(|path| fs::read(path).unwrap());
        Recorded { directory, file, list, rows }
    }

    /// Open the history as if these were its files.
    fn open(&self, file: &[u8], list: Option<&[u8]>) -> Result<History, Error> {
        let path = self.directory.path().join("damaged.arrow");
        fs::write(&path, file).unwrap();
        match list {
            Some(list) => fs::write(list_of(&path), list).unwrap(),
            None => drop(fs::remove_file(list_of(&path))),
        }
        History::open(&path)
    }

    /// Open it, and find a prefix of what was recorded, or that this is no history. Returns how many rows there are.
    fn assert_prefix(&self, file: &[u8], list: Option<&[u8]>, what: &str) -> usize {
        match self.open(file, list) {
            Ok(history) => {
                let rows = register::rows(&history);
                assert!(self.rows.starts_with(&rows), "{what}: {rows:?}");
                let whole = file == self.file && list == Some(&self.list);
                assert!(whole || history.damage().is_some(), "{what}: no damage is told");
                rows.len()
            }
            Err(Error::NotAHistory { .. }) => 0,
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

/// In memory where that is possible: these tests write tens of thousands of small files.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn list_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".blocks");
    name.into()
}

#[test]
fn a_file_cut_anywhere_keeps_every_block_before_the_cut() {
    let recorded = Recorded::new(true);
    let ends: Vec<usize> =
        recorded.list[8..].chunks_exact(16).map(|entry| entry[0] as usize | (entry[1] as usize) << 8).collect();
    for cut in 0..recorded.file.len() {
        let expected: u64 = (0..BLOCKS.len()).filter(|&block| ends[block + 1] <= cut).map(|block| BLOCKS[block]).sum();
        let what = format!("cut at {cut}");
        assert_eq!(recorded.assert_prefix(&recorded.file[..cut], Some(&recorded.list), &what), expected as usize);
        assert_eq!(recorded.assert_prefix(&recorded.file[..cut], None, &what), expected as usize, "{what}, no list");
    }
}

#[test]
fn a_list_cut_anywhere_keeps_every_block_that_still_has_its_entry() {
    let recorded = Recorded::new(false);
    for cut in 0..recorded.list.len() {
        let rows = recorded.assert_prefix(&recorded.file, Some(&recorded.list[..cut]), &format!("list cut at {cut}"));
        let entries = cut.saturating_sub(8) / 16;
        let listed: u64 = BLOCKS.iter().take(entries.saturating_sub(1)).sum();
        let expected = if cut < 8 { 12 } else { listed };
        assert_eq!(rows, expected as usize, "list cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_anywhere_costs_its_block_and_what_follows_only() {
    let recorded = Recorded::new(true);
    for at in 0..recorded.file.len() {
        let mut file = recorded.file.clone();
        file[at] ^= 1 << (at % 8);
        recorded.assert_prefix(&file, Some(&recorded.list), &format!("bit flipped in byte {at}"));
        // Without checksums a flipped value can't be told from a value; nothing may panic.
        if let Ok(history) = recorded.open(&file, None) {
            assert!(history.damage().is_some());
            drop((register::rows(&history), history.columns(), history.operations()));
        }
    }
    for at in 0..recorded.list.len() {
        for bit in 0..8 {
            let mut list = recorded.list.clone();
            list[at] ^= 1 << bit;
            recorded.assert_prefix(&recorded.file, Some(&list), &format!("bit {bit} flipped in byte {at} of the list"));
        }
    }
}

#[test]
fn garbage_never_makes_rows_of_its_own() {
    let recorded = Recorded::new(true);
    let stream = Stream::new(3, 0);
    for index in 0..4_000 {
        let [length, at, bytes, side] = stream.words(index);
        let (mut file, mut list) = (recorded.file.clone(), recorded.list.clone());
        let target = if side % 4 == 0 { &mut list } else { &mut file };
        let at = at as usize % target.len();
        let end = target.len().min(at + 1 + length as usize % 8);
        target[at..end].copy_from_slice(&bytes.to_le_bytes()[..end - at]);
        let whole = file == recorded.file && list == recorded.list;
        if !whole {
            recorded.assert_prefix(&file, Some(&list), &format!("seed 3, index {index}"));
        }
        if let Ok(history) = recorded.open(&file, None) {
            drop((register::rows(&history), history.operations()));
        }
    }
}

#[test]
fn damage_is_told_in_words() {
    let (whole, killed) = (Recorded::new(true), Recorded::new(false));
    let damage = |recorded: &Recorded, file: &[u8], list: Option<&[u8]>| {
        recorded.open(file, list).unwrap().damage().unwrap_or("none").to_owned()
    };
    let listed = |recorded: &Recorded, file: &[u8]| damage(recorded, file, Some(&recorded.list));
    assert_eq!(listed(&whole, &whole.file), "none");
    assert_eq!(listed(&killed, &killed.file), "no footer: the writer was killed, or is still writing");
    assert_eq!(
        listed(&killed, &[&killed.file[..], b"half"].concat()),
        "no footer: the writer was killed, or is still writing; the last 4 bytes have no checksum and are not used"
    );
    assert_eq!(listed(&whole, &[&whole.file[..], b"more"].concat()), "4 bytes follow the footer");
    assert_eq!(
        listed(&killed, &killed.file[..killed.file.len() - 1]),
        "block 2 is cut off; it and what follows are not used"
    );
    assert_eq!(listed(&killed, &killed.file[..100]), "the file ends inside its head; nothing of it can be used");
    assert_eq!(listed(&killed, b""), "the file ends inside its head; nothing of it can be used");
    let mut flipped = killed.file.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(listed(&killed, &flipped), "block 2 fails its checksum; it and what follows are not used");
    flipped[40] ^= 1;
    assert_eq!(listed(&killed, &flipped), "the head fails its checksum; nothing of the file can be used");
    assert_eq!(
        damage(&whole, &whole.file, None),
        "the checksums are missing: there is no .blocks file beside it, so nothing vouches for what was read"
    );
    assert_eq!(
        damage(&killed, &killed.file, Some(b"not a list")),
        "the checksums can't be read: the .blocks file beside it is no block list, so nothing vouches for what was read; \
         no footer: the writer was killed, or is still writing"
    );
}

#[test]
fn what_was_never_a_history_is_refused_with_what_was_found() {
    let recorded = Recorded::new(true);
    let found = |file: &[u8]| match recorded.open(file, None) {
        Err(Error::NotAHistory { found, .. }) => found,
        other => panic!("{:?}", other.err()),
    };
    assert_eq!(found(b""), "it is empty");
    assert_eq!(found(b"{\"f\": \"read\"}\n"), r#"it begins with "{\"f\": \"read\"}\n", an Arrow file with "ARROW1""#);
    assert_eq!(
        found(&recorded.file[..64]),
        "it is an Arrow file whose head can't be read: the file ends inside a message"
    );
}

#[test]
fn another_arrow_file_is_refused_with_its_columns_or_its_version() {
    let recorded = Recorded::new(true);
    let found = |columns: &[(&str, DataType)], metadata: &[(&str, &str)]| {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect();
        let schema = Schema::new_with_metadata(fields, metadata);
        let file = FileWriter::try_new(Vec::new(), &schema).and_then(FileWriter::into_inner).unwrap();
        match recorded.open(&file, None) {
            Err(Error::NotAHistory { found, .. }) => found,
            other => panic!("{:?}", other.err()),
        }
    };
    let list = DataType::new_list(DataType::Float64, true);
    let columns = [("a", DataType::UInt16), ("b", list), ("c", DataType::Date32)];
    let described = "a: UInt16, b: List(FloatingPoint), c: Date";
    assert_eq!(found(&columns, &[]), format!("it is an Arrow file with the columns {described}"));
    let version = "schrodinger.history";
    assert_eq!(found(&columns, &[(version, "2")]), "its format is version 2, and this reads version 1");
    assert_eq!(
        found(&columns, &[(version, "1")]),
        format!(
            "its columns are {described}, not time: Int64, process: Int32, type: Dictionary(Int8, Utf8), \
             f: Dictionary(UInt8, Utf8), key: Int64, value: List(Int64), detail: Utf8"
        )
    );
}
