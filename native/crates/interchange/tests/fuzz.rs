//! No text makes the importer panic, hang or leave something behind, and what it takes survives the way out and in again.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod random;

use schrodinger_interchange::operation::operation;
use schrodinger_interchange::token::Token;
use schrodinger_interchange::values::Values;
use schrodinger_interchange::{Format, edn, json, log};

use random::{Bench, Random, cases, mutated, text};

/// What the importer does with every form, without files: a hundred times as fast.
#[test]
fn no_bytes_make_a_form_panic_or_hang() {
    let mut understood = 0;
    for case in 0..10 * cases(800) {
        let random = &mut Random::new(case);
        let text = text(random);
        let bytes = mutated(random, &text);
        let mut take = |tokens: &[Token<'_>]| {
            if let Ok(operation) = operation(tokens) {
                let mut values = Values { keyed: case % 2 == 0, ..Values::default() };
                understood += u64::from(values.encode(&operation).is_ok());
            }
        };
        for read in [edn::form, json::form] {
            let (mut at, mut steps) = (0, 0);
            let mut tokens = Vec::new();
            while let Ok(end) = read(&bytes, at, case % 3 == 0, &mut tokens) {
                assert!(end > at && end <= bytes.len(), "case {case}: a form from {at} to {end}");
                take(&tokens);
                (at, steps) = (edn::skip_blank(&bytes, end), steps + 1);
                assert!(steps <= bytes.len());
            }
        }
        for line in bytes.split(|&byte| byte == b'\n') {
            let mut tokens = Vec::new();
            if log::form(line, &mut tokens).is_ok() {
                take(&tokens);
            }
        }
    }
    assert!(understood > 0);
}

#[test]
fn whatever_is_imported_comes_back_from_every_notation_and_what_is_wrong_has_a_line() {
    let bench = Bench::new();
    let (mut taken, mut refused) = (0, 0);
    for case in 0..cases(800) {
        let random = &mut Random::new(case);
        let text = text(random);
        let bytes = if random.one_in(2) { mutated(random, &text) } else { text.into_bytes() };
        let told = String::from_utf8_lossy(&bytes);
        match bench.imported(&bytes, "first") {
            Err(error) => {
                refused += 1;
                let error = error.to_string();
                let line = error.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() + 1;
                assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "case {case}: {error}\n{told}");
            }
            Ok((history, events)) => {
                taken += 1;
                for format in [Format::Edn, Format::JsonLines] {
                    let exported = bench.exported(&history, format);
                    let shown = String::from_utf8_lossy(&exported);
                    let again = bench.imported(&exported, "second");
                    let (_, again) = again.unwrap_or_else(|error| panic!("case {case}: {error}\n{told}\n{shown}"));
                    assert_eq!(events, again, "case {case}\n{told}\n{shown}");
                }
            }
        }
    }
    println!("{taken} texts were imported, {refused} refused");
    assert!(taken > 0 && refused > 0);
}
