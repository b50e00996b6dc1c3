//! What is recorded is what is read, in the order of time, in few bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod register;

use std::fs;
use std::time::{Duration, Instant};

use schrodinger_history::{Error, Event, History, Kind, NEMESIS, Recorder, Table};

const READ: Event<'static> = Event { kind: Kind::Invoke, process: 0, f: 0, key: None, value: None, detail: None };

#[test]
fn every_column_comes_back_as_it_was_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let recorder = register::recorder(&path);
    recorder.record(&Event { key: Some(i64::MIN), ..READ }).unwrap();
    recorder.record(&Event { kind: Kind::Ok, process: i32::MAX, f: 2, value: Some(&[1, -2]), ..READ }).unwrap();
    recorder.flush().unwrap();
    recorder.record(&Event { kind: Kind::Inject, process: NEMESIS, detail: Some("n1 ✂ n2"), ..READ }).unwrap();
    recorder.record(&Event { kind: Kind::Info, value: Some(&[]), detail: Some(""), ..READ }).unwrap();
    recorder.close().unwrap();

    let history = History::open(&path).unwrap();
    let untimed: Vec<_> =
        register::rows(&history).iter().map(|row| row.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(
        untimed,
        [
            "0 Invoke 0 Some(-9223372036854775808) None None",
            "2147483647 Ok 2 None Some([1, -2]) None",
            "-1 Inject 0 None None Some(\"n1 ✂ n2\")",
            "0 Info 0 None Some([]) Some(\"\")",
        ]
    );
    assert_eq!((history.damage(), history.complete(), history.origin_ns()), (None, true, 0));
    assert_eq!(history.functions(), register::FUNCTIONS);
}

#[test]
fn columns_and_batches_agree_and_can_be_cut_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let recorder = register::recorder(&path);
    for block in [1, 7, 4] {
        register::record(&recorder, block);
        recorder.flush().unwrap();
    }
    recorder.close().unwrap();

    let history = History::open(&path).unwrap();
    let columns = history.columns().unwrap();
    assert_eq!((columns.len(), history.blocks()), (12, 3));
    for start in 0..14 {
        for end in start..14 {
            let times = history.batches(start..end).flat_map(|batch| {
                let (first_row, batch) = batch.unwrap();
                let times = schrodinger_history::Rows::of(&batch).time.to_vec();
                times.into_iter().enumerate().map(move |(row, time)| (first_row + row, time)).collect::<Vec<_>>()
            });
            let expected = (start..end.min(12)).map(|row| (row, columns.time[row]));
            assert!(times.eq(expected), "rows {start} to {end}");
        }
    }
}

#[test]
fn a_table_numbers_the_rows_across_blocks() {
    use arrow_array::{cast::AsArray, types::Int64Type};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let recorder = register::recorder(&path);
    for _ in 0..2 {
        register::record(&recorder, 3);
        recorder.flush().unwrap();
    }
    let table = Table::new(History::open(&path).unwrap().into());
    let numbers: Vec<i64> =
        table.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_thousand_register_events_a_second_take_at_most_64_bytes_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let recorder = register::recorder(&path);
    let rows = 2_000;
    for _ in 0..rows / 100 {
        register::record(&recorder, 100); // what comes together in the default flush interval of 100 ms
        recorder.flush().unwrap();
    }
    recorder.close().unwrap();
    let list = directory.path().join("history.arrow.blocks");
    let bytes = fs::metadata(&path).unwrap().len() + fs::metadata(&list).unwrap().len();
    assert!(bytes <= 64 * rows, "{} bytes an event", bytes as f64 / rows as f64);
}

#[test]
fn events_of_many_threads_are_rows_in_the_order_of_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let functions = register::FUNCTIONS.map(str::to_owned);
    let recorder = Recorder::create(&path, &functions, None, Duration::from_millis(1)).unwrap();
    std::thread::scope(|scope| {
        for process in 0..4 {
            let recorder = &recorder;
            scope.spawn(move || {
                for value in 0..20_000 {
                    let row = recorder.record(&Event { process, value: Some(&[value]), ..READ }).unwrap();
                    assert!(row >= value as u64);
                }
            });
        }
    });
    assert_eq!(recorder.events(), 80_000);
    recorder.close().unwrap();

    let history = History::open(&path).unwrap();
    let columns = history.columns().unwrap();
    assert!(columns.time.is_sorted());
    for process in 0..4 {
        let own = (0..columns.len()).filter(|&row| columns.process[row] == process);
        assert!(own.map(|row| columns.values[row]).eq(0..20_000), "process {process}");
    }
}

#[test]
fn a_reader_of_a_history_that_is_being_written_sees_whole_blocks_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let functions = register::FUNCTIONS.map(str::to_owned);
    let recorder = Recorder::create(&path, &functions, None, Duration::from_millis(1)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for value in 0..300_000 {
                recorder.record(&Event { value: Some(&[value]), ..READ }).unwrap();
            }
        });
        while !writer.is_finished() {
            let history = History::open(&path).unwrap();
            assert!(history.damage().unwrap().starts_with("no footer: "), "{:?}", history.damage());
            assert!(history.columns().unwrap().values.into_iter().eq(0..history.rows() as i64));
        }
    });
}

#[test]
fn an_event_is_in_the_file_soon_without_being_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let functions = register::FUNCTIONS.map(str::to_owned);
    let recorder = Recorder::create(&path, &functions, None, Duration::from_millis(5)).unwrap();
    recorder.record(&READ).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while History::open(&path).unwrap().rows() == 0 {
        assert!(Instant::now() < deadline, "the flush interval passed long ago");
        std::thread::yield_now();
    }
}

#[test]
fn a_full_block_is_written_before_the_interval_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let recorder = register::recorder(&path);
    register::record(&recorder, 20_000);
    let deadline = Instant::now() + Duration::from_secs(10);
    while History::open(&path).unwrap().rows() == 0 {
        assert!(Instant::now() < deadline, "a full block waits");
        std::thread::yield_now();
    }
}

#[test]
fn a_recorder_that_is_dropped_leaves_all_its_events_and_no_footer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    register::record(&register::recorder(&path), 10);
    let history = History::open(&path).unwrap();
    assert_eq!((history.rows(), history.complete()), (10, false));
}

#[test]
fn misuse_is_refused_with_what_was_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.arrow");
    let create = |functions: &[String], interval| Recorder::create(&path, functions, None, interval);
    let refusal = |result: Result<Recorder, Error>| result.err().unwrap().to_string();
    let second = Duration::from_secs(1);
    let names: Vec<String> = (0..256).map(|number| number.to_string()).collect();
    assert_eq!(refusal(create(&[], second)), "a history has 1 to 255 functions, not 0");
    assert_eq!(refusal(create(&names, second)), "a history has 1 to 255 functions, not 256");
    assert_eq!(refusal(create(&["a".into(), "a".into()], second)), "the function \"a\" is given twice");
    assert_eq!(refusal(create(&names[..1], Duration::ZERO)), "the flush interval is zero");

    let recorder = create(&names[..255], second).unwrap();
    let refusal = |event: Event<'_>| recorder.record(&event).unwrap_err().to_string();
    assert_eq!(refusal(Event { f: 255, ..READ }), "function 255 of 255: they count from 0");
    recorder.close().unwrap();
    recorder.close().unwrap();
    assert_eq!(refusal(READ), "the history is closed");
    assert!(matches!(create(&names[..1], second), Err(Error::Io { .. })), "a history is never overwritten");
}
