//! A register workload to record, and the rows it leaves, for the tests of this folder.

use std::path::Path;
use std::time::Duration;

use schrodinger_history::{Event, History, Kind, Recorder, Rows};
use schrodinger_random::Stream;

pub const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// A recorder that writes only when it is told to.
pub fn recorder(path: &Path) -> Recorder {
    Recorder::create(path, &FUNCTIONS.map(str::to_owned), Some(0), Duration::from_secs(3600)).unwrap()
}

/// Record this many rows of reads, writes and compare-and-sets, the same ones every time.
pub fn record(recorder: &Recorder, rows: u64) {
    let stream = Stream::new(2, 0);
    for index in 0..rows {
        let [kind, f, key, value] = stream.words(index);
        let pair = [value as i64 >> 40, value as i64 & 0xff_ffff];
        let f = (f % 3) as u8;
        let kind = [Kind::Invoke, Kind::Ok, Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info][(kind % 6) as usize];
        let value = match f {
            0 if kind == Kind::Invoke => None,
            2 => Some(&pair[..]),
            _ => Some(&pair[..1]),
        };
        let detail = matches!(kind, Kind::Fail | Kind::Info).then_some("not equal");
        recorder
            .record(&Event { kind, process: (key % 20) as i32, f, key: Some(key as i64 % 100), value, detail })
            .unwrap();
    }
}

/// A row as text, its time included.
pub fn rows(history: &History) -> Vec<String> {
    let mut all = Vec::new();
    for batch in history.batches(0..history.rows()) {
        let (_, batch) = batch.unwrap();
        let rows = Rows::of(&batch);
        all.extend((0..batch.num_rows()).map(|row| {
            let (time, process, kind, f) = (rows.time[row], rows.process[row], rows.kind(row), rows.f[row]);
            format!("{time} {process} {kind:?} {f} {:?} {:?} {:?}", rows.key(row), rows.value(row), rows.detail(row))
        }));
    }
    all
}
