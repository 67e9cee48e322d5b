//! The tests that docs/local-stack.md names.

use std::fs;

use xtask::workspace;

const DOCUMENT: &str = "docs/local-stack.md";
/// What each row of a table of behaviours says of a comparison with the real server.
const COMPARED: [&str; 2] = ["yes", "no"];

fn read(path: &str) -> Option<String> {
    fs::read_to_string(workspace::root().join(path)).ok()
}

/// The cells of each row of the tables of behaviours.
fn rows(document: &str) -> Vec<Vec<String>> {
    let mut is_behaviour = false;
    let mut rows = Vec::new();
    for line in document.lines() {
        match line {
            "| behaviour | test | compared |" => is_behaviour = true,
            _ if !line.starts_with('|') => is_behaviour = false,
            _ if is_behaviour && !line.starts_with("|---") => {
                let cells = line.trim_matches('|').split('|');
                rows.push(cells.map(|cell| cell.trim().to_owned()).collect());
            }
            _ => {}
        }
    }
    rows
}

/// The tests that a text names, as file and function.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|name| name.split_once(".rs::"))
}

/// Whether a file has a test of this name.
fn is_test(source: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let mut before = source.lines().scan("", |last, line| {
        let pair = (*last, line.trim());
        *last = line.trim();
        Some(pair)
    });
    before.any(|(attribute, line)| line.contains(&head) && attribute.ends_with("test]"))
}

#[test]
fn every_behaviour_names_a_test_that_exists_and_says_whether_it_was_compared() {
    let document = read(DOCUMENT).expect("is a document");
    let rows = rows(&document);
    assert!(rows.len() > 40, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let [behaviour, tests, compared] = row.as_slice() else {
            wrong.push(format!("{row:?} has other cells"));
            continue;
        };
        if !COMPARED.contains(&compared.as_str()) {
            wrong.push(format!("{behaviour}: compared is {compared:?}"));
        }
        if named(tests).next().is_none() {
            wrong.push(format!("{behaviour}: no test"));
        }
    }
    for (file, name) in named(&document) {
        let source = read(&format!("{file}.rs"));
        if !source.is_some_and(|source| is_test(&source, name)) {
            wrong.push(format!("{file}.rs has no test {name}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_test_is_a_function_with_an_attribute_and_this_very_name() {
    let source = "#[test]\nfn one() {}\n#[tokio::test]\nasync fn two() {}\nfn three() {}";
    let found = ["one", "two", "three", "on"].map(|name| is_test(source, name));
    assert_eq!(found, [true, true, false, false]);
}
