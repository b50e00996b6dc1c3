//! Jepsen histories in every style, and texts that are none.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schrodinger_history::History;
use schrodinger_interchange::{ImportError, Imported, import_edn};
use tempfile::TempDir;

/// A row as `process type f key [values]`.
fn rows(text: &str, keyed: Option<bool>) -> Result<(Vec<String>, Imported), ImportError> {
    let directory = TempDir::new().expect("a directory");
    let paths: Vec<PathBuf> = ["history.edn", "history.arrow"].map(|name| directory.path().join(name)).into();
    fs::write(&paths[0], text).expect("a file");
    let imported = import_edn(&paths[0], &paths[1], keyed, &AtomicBool::new(false));
    if imported.is_err() {
        assert!(!paths[1].exists(), "a failed import leaves a file");
    }
    let imported = imported?;
    let history = History::open(&paths[1]).expect("a history");
    assert_eq!(history.damage(), None);
    let columns = history.columns().expect("columns");
    assert_eq!(columns.len() as u64, imported.rows);
    let kinds = ["invoke", "ok", "fail", "info", "inject", "heal"];
    let row = |row: usize| {
        let key = columns.key(row).map_or("-".to_owned(), |key| key.to_string());
        let value = columns.value(row).map_or("nil".to_owned(), |value| format!("{value:?}"));
        let f = &history.functions()[usize::from(columns.f[row])];
        format!("{} {} {f} {key} {value}", columns.process[row], kinds[usize::from(columns.kind[row])])
    };
    Ok(((0..columns.len()).map(row).collect(), imported))
}

fn imported(text: &str) -> Vec<String> {
    rows(text, None).unwrap_or_else(|error| panic!("{error}\n{text}")).0
}

#[test]
fn maps_a_line_each_and_tagged_records_in_a_vector_are_the_same() {
    let expected = ["0 invoke write - [3]", "0 ok write - [3]", "1 invoke read - nil", "1 ok read - [3]"];
    let maps = "{:type :invoke, :f :write, :value 3, :process 0, :time 10, :index 0}
{:type :ok, :f :write, :value 3, :process 0, :time 20, :index 1}
; a comment
{:type :invoke, :f :read, :value nil, :process 1, :time 30}
{:type :ok, :f :read, :value 3, :process 1, :time 40}
";
    let records = "[#jepsen.history.Op{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value 3}
 #jepsen.history.Op{:index 1, :time 20, :type :ok, :process 0, :f :write, :value 3}
 #jepsen.history.Op{:index 2, :time 30, :type :invoke, :process 1, :f :read, :value nil}
 #jepsen.history.Op{:index 3, :time 40, :type :ok, :process 1, :f :read, :value 3}]";
    let strings = r#"{"type" "invoke" "f" "write" "value" 3 "process" 0}{"type" "ok" "f" "write" "value" 3 "process" 0}
{"type" "invoke" "f" "read" "process" 1} {"type" "ok" "f" "read" "value" 3 "process" 1}"#;
    for text in [maps, records, strings] {
        assert_eq!(imported(text), expected);
    }
}

#[test]
fn transactions_are_encoded_step_by_step_with_what_is_not_known() {
    let text = "{:type :invoke :f :txn :value [[:append 1 2] [:r 1 nil]] :process 0}
{:type :ok :f :txn :value [[:append 1 2] [:r 1 [2]]] :process 0}
{:type :invoke :f :txn :value [[:w 7 5] [:r 8 nil]] :process 0}
{:type :ok :f :txn :value [[:w 7 5] [:r 8 nil]] :process 0}";
    assert_eq!(
        imported(text),
        [
            "0 invoke txn - [1, 1, 1, 2, 0, 1, -1]",
            "0 ok txn - [1, 1, 1, 2, 0, 1, 1, 2]",
            "0 invoke txn - [2, 7, 1, 5, 0, 8, -1]",
            "0 ok txn - [2, 7, 1, 5, 0, 8, 0]",
        ]
    );
}

#[test]
fn independent_keys_are_found_by_a_read_of_a_key_and_nil() {
    let text = "{:type :invoke :f :write :value [4 1] :process 0}
{:type :ok :f :write :value [4 1] :process 0}
{:type :invoke :f :read :value [4 nil] :process 0}
{:type :ok :f :read :value [4 1] :process 0}
{:type :invoke :f :cas :value [4 [1 2]] :process 0}";
    let (found, imported) = rows(text, None).expect("a history");
    assert!(imported.keyed);
    assert_eq!(
        found,
        ["0 invoke write 4 [1]", "0 ok write 4 [1]", "0 invoke read 4 nil", "0 ok read 4 [1]", "0 invoke cas 4 [1, 2]",]
    );
    let (found, imported) = rows(text, Some(false)).expect("a history");
    assert!(!imported.keyed);
    assert_eq!(found[0], "0 invoke write - [4, 1]");
}

#[test]
fn sets_transfers_and_balances_become_lists() {
    let text = "{:type :ok :f :read :value #{1 2 3} :process 0}
{:type :ok :f :read :value {0 10, 1 20} :process 0}
{:type :invoke :f :transfer :value {:amount 5 :from 0 :to 1} :process 0}
{:type :ok :f :read :value [] :process 0}
{:type :ok :f :read :value true :process 0}";
    assert_eq!(
        imported(text),
        [
            "0 ok read - [1, 2, 3]",
            "0 ok read - [0, 10, 1, 20]",
            "0 invoke transfer - [0, 1, 5]",
            "0 ok read - []",
            "0 ok read - [1]",
        ]
    );
}

#[test]
fn words_are_numbered_in_the_order_in_which_they_appear() {
    let text = r#"{:type :invoke :f :write :value "x" :process 0}
{:type :ok :f :write :value "x" :process 0}
{:type :invoke :f :write :value :y :process 0}"#;
    let (found, imported) = rows(text, None).expect("a history");
    assert_eq!(imported.labels, ["x", ":y"]);
    assert_eq!(found[0].split(' ').next_back(), found[1].split(' ').next_back());
    assert_ne!(found[0].split(' ').next_back(), found[2].split(' ').next_back());
}

#[test]
fn the_nemesis_is_a_mark_and_a_process_that_goes_on_after_info_is_a_new_one() {
    let text = "{:type :info :f :start-partition :value {:n1 #{:n2}} :process :nemesis}
{:type :invoke :f :write :value 1 :process 3}
{:type :info :f :write :value 1 :process 3 :error :timeout}
{:type :invoke :f :write :value 2 :process 3}
{:type :ok :f :write :value 2 :process 3}";
    assert_eq!(
        imported(text),
        [
            "-1 info start-partition - nil",
            "3 invoke write - [1]",
            "3 info write - [1]",
            "1073741824 invoke write - [2]",
            "1073741824 ok write - [2]",
        ]
    );
}

#[test]
fn a_function_that_appears_late_is_imported_like_any_other() {
    let mut text = String::new();
    for _ in 0..80_000 {
        text.push_str(
            "{:type :invoke, :f :read, :value nil, :process 0}\n{:type :ok, :f :read, :value 1, :process 0}\n",
        );
    }
    text.push_str("{:type :invoke, :f :write, :value 1, :process 0}\n");
    assert!(text.len() > 5 << 20);
    let rows = imported(&text);
    assert_eq!((rows.len(), rows.last().map(String::as_str)), (160_001, Some("0 invoke write - [1]")));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = "{:type :ok :f :read :value 1 :process 0}\n";
    for (bad, line, what) in [
        ("{:type :maybe :f :read :process 0}", 2, "an operation's :type is :maybe"),
        ("{:type :ok :f :read}", 2, "no :process"),
        ("{:type :ok :process 0}", 2, "no :f"),
        ("42", 2, "an operation is a map"),
        ("{:type :ok", 2, "the file ends inside the form"),
        ("\n\n]", 4, "closes nothing"),
        ("{:type :ok :f :read :process -4}", 2, "process -4"),
    ] {
        let error = rows(&format!("{good}{bad}"), None).expect_err(bad);
        let told = error.to_string();
        assert!(told.starts_with(&format!("line {line}: ")) && told.contains(what), "{bad}: {told}");
    }
    let error = rows("[{:type :ok :f :read :value 1 :process 0}", None).expect_err("an open vector");
    assert!(error.to_string().contains("ends inside the vector"), "{error}");
}

#[test]
fn no_text_makes_the_importer_panic_or_hang() {
    let golden = "[#jepsen.history.Op{:index 0, :time 10, :type :invoke, :process 0, :f :txn, :value [[:append 1 2] [:r \"x\" nil]]}
 {:type :ok :f :txn :value [[:append 1 2] [:r \"x\" [2 3]]] :process 0 :error [:a {:b #{1.5 \\c}}]} #_ {} ; end
 {:type :info, :f :kill, :value {:from 1 :to 2 :amount 3}, :process :nemesis}]";
    let cases = std::env::var("SCHRODINGER_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let mut state = 7_u64;
    let mut random = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for _ in 0..cases {
        let mut bytes = golden.as_bytes().to_vec();
        for _ in 0..1 + random(4) {
            let place = random(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            if bytes.is_empty() {
                break;
            }
            match random(4) {
                0 => drop(bytes.remove(place)),
                1 => bytes[place] = b"[]{}()#_\"\\:; ,^0a-\n"[random(19)],
                2 => bytes.truncate(place.max(1)),
                _ => bytes.insert(place, b"[]{}#\"\\^"[random(8)]),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = rows(&text, None) {
            assert!(error.to_string().starts_with("line "), "{error}\n{text}");
        }
    }
}
