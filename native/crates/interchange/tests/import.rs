//! Jepsen histories in every style, and texts that are none.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schrodinger_history::History;
use schrodinger_interchange::{ImportError, Imported, import_history};
use tempfile::TempDir;

/// A row as `process type f key [values]`.
fn rows(text: &str, keyed: Option<bool>) -> Result<(Vec<String>, Imported), ImportError> {
    let directory = TempDir::new().expect("a directory");
    let paths: Vec<PathBuf> = ["history", "history.arrow"].map(|name| directory.path().join(name)).into();
    fs::write(&paths[0], text).expect("a file");
    let imported = import_history(&paths[0], &paths[1], None, keyed, &AtomicBool::new(false));
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
fn sends_and_polls_are_encoded_step_by_step_with_their_offsets() {
    let text = "{:type :invoke :f :send :value [[:send 7 5]] :process 0}
{:type :ok :f :send :value [[:send 7 [0 5]]] :process 0}
{:type :invoke :f :txn :value [[:poll] [:send 8 6]] :process 1}
{:type :ok :f :txn :value [[:poll {7 [[0 5] [1 9]], 8 []}] [:send 8 [nil 6]]] :process 1}
{:type :invoke :f :poll :value [[:poll]] :process 1}";
    assert_eq!(
        imported(text),
        [
            "0 invoke send - [4, 7, 1, 5]",
            "0 ok send - [4, 7, 2, 0, 5]",
            "1 invoke txn - [4, 8, 1, 6]",
            "1 ok txn - [5, 7, 4, 0, 5, 1, 9, 5, 8, 0, 4, 8, 1, 6]",
            "1 invoke poll - []",
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
    let text = "{:type :invoke :f :transfer :value {:amount 5 :from 0 :to 1} :process 0}
{:type :ok :f :read :value #{1 2 3} :process 0}
{:type :ok :f :read :value {0 10, 1 20} :process 0}
{:type :ok :f :read :value [] :process 0}
{:type :ok :f :read :value true :process 0}";
    assert_eq!(
        imported(text),
        [
            "0 invoke transfer - [0, 1, 5]",
            "0 ok read - [1, 2, 3]",
            "0 ok read - [0, 10, 1, 20]",
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
    assert_eq!(imported.words, ["\"x\"", ":y"]);
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
fn a_transaction_needs_neither_a_function_nor_a_process() {
    let text = "{:index 0 :type :invoke :value [[:append 253 1] [:r 255 nil]]}
{:index 1 :type :ok :value [[:append 253 1] [:r 255 []]]}
{:index 2 :type :invoke, :value [[:r 253 nil]]}
{:index 3 :type :ok, :value [[:r 253 [1]]]}";
    assert_eq!(
        imported(text),
        [
            "1073741824 invoke txn - [1, 253, 1, 1, 0, 255, -1]",
            "1073741824 ok txn - [1, 253, 1, 1, 0, 255, 0]",
            "1073741825 invoke txn - [0, 253, -1]",
            "1073741825 ok txn - [0, 253, 1, 1]",
        ]
    );
}

#[test]
fn functions_that_carry_transactions_are_transactions() {
    let text = "{:type :invoke, :f :read, :value [[:r 0 nil] [:r 1 nil]], :process 0}
{:type :fail, :f :read, :value nil, :process 0}\n{:type :invoke, :f :write, :value [[:w 0 1]], :process 1}";
    let (found, imported) = rows(text, None).expect("a history");
    assert_eq!(found, ["0 invoke txn - [0, 0, -1, 0, 1, -1]", "0 fail txn - nil", "1 invoke txn - [2, 0, 1, 1]"]);
    assert_eq!(imported.remarks, ["what it calls read, write are transactions, and are called txn here"]);
}

#[test]
fn operations_of_nobody_are_paired_by_function_or_refused() {
    let text = "{:type :invoke :f :read :value nil}\n{:type :invoke :f :write :value 4}
{:type :ok :f :write :value 4}\n{:type :ok :f :read :value #{4}}\n{:type :info :f :kill}";
    assert_eq!(
        imported(text),
        [
            "1073741824 invoke read - nil",
            "1073741825 invoke write - [4]",
            "1073741825 ok write - [4]",
            "1073741824 ok read - [4]",
            "-1 info kill - nil",
        ]
    );
    let two = "{:type :invoke :f :read}\n{:type :invoke :f :read}\n{:type :ok :f :read :value 1}";
    let error = rows(two, None).expect_err("two reads are open");
    assert!(error.to_string().starts_with("line 3: "), "{error}");
}

#[test]
fn completions_alone_get_invocations_as_early_as_they_can_have_been() {
    let text = "{:type :ok :f :txn :value [[:append 1 1] [:r 2 [7]]] :process 0 :time 10}
{:type :ok :f :txn :value [[:append 1 2]] :process 1 :time 20}
{:type :info :f :start :process :nemesis :time 25}
{:type :ok :f :txn :value [[:r 1 [1 2]]] :process 0 :time 30}";
    let (found, imported) = rows(text, None).expect("a history");
    assert_eq!(
        found,
        [
            "0 invoke txn - [1, 1, 1, 1, 0, 2, -1]",
            "1 invoke txn - [1, 1, 1, 2]",
            "0 ok txn - [1, 1, 1, 1, 0, 2, 1, 7]",
            "0 invoke txn - [0, 1, -1]",
            "1 ok txn - [1, 1, 1, 2]",
            "-1 info start - nil",
            "0 ok txn - [0, 1, 2, 1, 2]",
        ]
    );
    assert_eq!((imported.rows, imported.remarks.len()), (7, 1));
    let nobody = "{:type :ok :value [[:append 1 1]]}\n{:type :ok :value [[:r 1 [1]]]}";
    let (found, _) = rows(nobody, None).expect("a history");
    assert_eq!(found[1], "1073741825 invoke txn - [0, 1, -1]");
    let mut late = String::new();
    for number in 0..150_000 {
        late.push_str(&format!("{{:type :ok, :f :write, :value {number}, :process 0}}\n"));
    }
    late.push_str("{:type :invoke, :f :write, :value 1, :process 1}");
    let (found, imported) = rows(&late, None).expect("a history");
    assert_eq!((found.len(), imported.remarks.len()), (150_001, 0));
}

#[test]
fn json_objects_are_read_in_an_array_or_a_line_each() {
    let array = r#"[{"index":0,"process":1,"type":"invoke","value":[["append",253,1],["r",255,null]]},
 {"index":1,"process":1,"type":"ok","value":[["append",253,1],["r",255,[]]]}]"#;
    assert_eq!(imported(array), ["1 invoke txn - [1, 253, 1, 1, 0, 255, -1]", "1 ok txn - [1, 253, 1, 1, 0, 255, 0]"]);
    let lines = r#"{"type":"invoke","f":"read","process":0,"time":11,"index":0}
{"type":"ok","f":"read","process":0,"time":12,"value":{"0":100,"7":-1}}"#;
    assert_eq!(imported(lines), ["0 invoke read - nil", "0 ok read - [0, 100, 7, -1]"]);
    let ours = r#"{"time": 10, "process": -1, "type": "inject", "f": "kill", "key": 4, "value": null, "detail": "{}"}"#;
    assert_eq!(imported(ours), ["-1 inject kill 4 nil"]);
}

#[test]
fn lines_of_a_log_are_read_among_others() {
    let text = "lein test jepsen.system.etcd-test\r
INFO  jepsen.core - Worker 0 starting
INFO  jepsen.util - 4\t:invoke\t:read\tnil\r
INFO  jepsen.util - :nemesis\t:info\t:start\t\"Cut off {:n3 #{:n4}}\"
INFO  jepsen.util - 2\t:invoke\t:cas\t[3 0]
INFO  jepsen.util - 4\t:fail\t:read\t:timed-out
INFO  jepsen.util - 2\t:info\t:cas\t:timed-out
7\t:invoke\t:write\t2
7\t:info\t:write\t2\tclojure.lang.ExceptionInfo: throw+ {";
    assert_eq!(
        imported(text),
        [
            "4 invoke read - nil",
            "-1 info start - nil",
            "2 invoke cas - [3, 0]",
            "4 fail read - nil",
            "2 info cas - nil",
            "7 invoke write - [2]",
            "7 info write - [2]",
        ]
    );
}

#[test]
fn nil_among_values_is_no_word() {
    let text = "{:process 1, :type :invoke, :f :cas, :value [nil 1]}\n{:process 1, :type :ok, :f :cas, :value [nil 1]}";
    let (found, imported) = rows(text, None).expect("a history");
    assert_eq!(found[0], format!("1 invoke cas - [{}, 1]", i64::MIN));
    assert_eq!(imported.words, [""; 0]);
}

#[test]
fn keys_of_their_own_tags_and_composite_keys_are_understood() {
    let own = "{:process 0, :type :invoke, :f :get, :key \"7\", :value nil}";
    let (found, imported) = rows(own, None).expect("a history");
    assert_eq!(found, [format!("0 invoke get {} nil", schrodinger_history::FIRST_WORD)]);
    assert_eq!(imported.words, ["\"7\""]);
    let tagged = "{:process 0, :type :invoke, :f :write, :value #jepsen.independent/tuple [3 4]}";
    assert_eq!(rows(tagged, None).expect("a history").0, ["0 invoke write 3 [4]"]);
    let composite = "{:process 0, :type :invoke, :f :read, :value [[1 2] nil]}";
    assert_eq!(rows(composite, None).expect("a history").1.words, ["\"[1 2]\""]);
}

#[test]
fn processes_with_names_and_large_numbers_get_numbers() {
    let text = "{:process :alice :type :invoke :f :read}\n{:process 99999999999 :type :invoke :f :read}
{:process 1073741825 :type :invoke :f :read}\n{:process :alice :type :ok :f :read}\n{:process 2 :type :invoke :f :read}";
    let processes: Vec<String> =
        imported(text).iter().map(|row| row.split(' ').next().unwrap_or("").to_owned()).collect();
    assert_eq!(processes, ["1073741824", "1073741825", "1073741826", "1073741824", "2"]);
}

#[test]
fn forms_may_be_cut_anywhere_by_the_pieces_of_the_file() {
    let operation = "{:type :ok ; a comment } with ] everything\n, :f :read #_ {:x [1]} :value \"a \\\" b\" :process 0} ; \"after [\n";
    let text = "[ ".to_owned() + &operation.repeat(30_000) + "#_ {:nothing} ]";
    assert_eq!(imported(&text).len(), 60_000);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = "{:type :ok :f :read :value 1 :process 0}\n";
    for (bad, line, what) in [
        ("{:type :maybe :f :read :process 0}", 2, "an operation's :type is :maybe"),
        ("{:type :ok :f :read :process true}", 2, "process true"),
        ("{:type :ok :f :read :process 0 :value 99999999999999999999}", 2, "does not fit"),
        ("{:type :inject :f :kill :process 0}", 2, "only process -1"),
        ("{:type :ok :f :txn :process 0 :value [[:r 1 2] 5]}", 2, "a micro-operation is"),
        ("{:type :ok :process 0}", 2, "no :f"),
        ("42", 2, "an operation is a map"),
        ("{:type :ok", 2, "the file ends inside the form"),
        ("\n\n]", 4, "closes nothing"),
        ("{:type :ok, :f :read :process 0 :value }", 2, "a map has a key without a value: {:type :ok"),
        ("{:type :ok, :f :read :process 0 :value {1 #_ 2}}", 2, "a map has a key without a value: {1}"),
        ("{:type :ok :f :read :process -4}", 2, "process -4"),
        ("{:type :ok :f :read :process 0 :time \"now\"}", 2, "an operation's :time is \"now\""),
        ("{:type :ok :f :read :process 0 :time 99999999999999999999}", 2, "an operation's :time is 9999"),
        ("{:type :ok :f :read :process 0 :time 1e19}", 2, "an operation's :time is 1e19"),
        ("\u{1b}[2J", 2, "not \u{fffd}"),
    ] {
        let error = rows(&format!("{good}{bad}"), None).expect_err(bad);
        let told = error.to_string();
        assert!(told.starts_with(&format!("line {line}: ")) && told.contains(what), "{bad}: {told}");
    }
    let error = rows("[{:type :ok :f :read :value 1 :process 0}", None).expect_err("an open vector");
    assert!(error.to_string().contains("ends inside the vector"), "{error}");
}

#[test]
fn an_operation_is_told_by_its_beginning() {
    let error = rows(&format!("{{:process \"{}\"}}", "long ".repeat(1000)), None).expect_err("no type");
    assert!(error.to_string().len() < 400 && error.to_string().ends_with(" …"), "{error}");
}
