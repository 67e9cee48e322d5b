//! A file begins with a sentence that states what it holds, and no item's comment begins with a question.
//!
//! An index of modules is read from these sentences.

use std::path::Path;

use crate::sources;

/// Written by cargo-pgrx.
const GENERATED: &str = "pg_stream_ext/sql";

/// The first paragraph of the comment at the top of a file, on one line.
fn first_paragraph(extension: &str, text: &str) -> String {
    let lines = text.lines().skip_while(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with("#!")
    });
    let sign = match extension {
        "rs" => "//!",
        "sql" => "--",
        _ => "",
    };
    let mut words = Vec::new();
    for line in lines {
        let is_comment = ["//", "/*", "*"]
            .iter()
            .any(|sign| line.trim_start().starts_with(sign));
        let content = if sign.is_empty() {
            is_comment.then(|| line.trim_start_matches([' ', '/', '*']))
        } else {
            line.strip_prefix(sign)
        };
        match content.map(|content| content.trim().trim_end_matches("*/").trim_end()) {
            Some(content) if !content.is_empty() => words.push(content),
            // The sign that opens a block may stand alone.
            Some(_) if words.is_empty() => {}
            _ => break,
        }
    }
    words.join(" ")
}

/// Whether the first sentence of a text asks.
fn asks(text: &str) -> bool {
    let ends = text
        .char_indices()
        .filter(|(_, letter)| matches!(letter, '.' | '?' | '!'));
    for (at, sign) in ends {
        let after = &text[at + 1..];
        if after.is_empty() || after.starts_with(char::is_whitespace) {
            return sign == '?';
        }
    }
    false
}

/// The comments of items, each on one line.
fn comments_of_items(text: &str) -> Vec<String> {
    let mut comments = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let comment = |line: &str| line.trim_start().strip_prefix("///").map(str::to_owned);
        if let Some(mut words) = comment(line) {
            while let Some(next) = lines.peek().and_then(|line| comment(line)) {
                words += &next;
                lines.next();
            }
            comments.push(words);
        }
    }
    comments
}

/// What is wrong with a file, if anything is.
fn fault(path: &Path, text: &str) -> Option<String> {
    let extension = path.extension()?.to_str()?;
    let first = first_paragraph(extension, text);
    if first.is_empty() {
        return Some("no comment at the top says what it holds".to_owned());
    }
    let mut comments = vec![first];
    if extension == "rs" {
        comments.extend(comments_of_items(text));
    }
    let question = comments.into_iter().find(|comment| asks(comment))?;
    Some(format!("it asks: {}", question.trim()))
}

#[test]
fn every_file_states_what_it_holds() {
    let files = sources::with_extension(&["rs", "sql", "mjs", "js", "ts"]);
    let mut wrong = String::new();
    for file in files.iter().filter(|file| !file.starts_with(GENERATED)) {
        let text = sources::read(file).expect("was found");
        if let Some(fault) = fault(file, &text) {
            wrong += &format!("{}: {fault}\n", file.display());
        }
    }
    assert!(files.len() > 400, "only {} files were read", files.len());
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn questions_are_found_in_every_language() {
    for (name, text) in [
        ("a.rs", "//! What is\n//! this? It is that.\n"),
        (
            "a.rs",
            "#![no_main]\n\n//! How?\n//!\n//! A long explanation.\n",
        ),
        (
            "a.rs",
            "//! States.\n\n    /// Does it\n    /// hold?\n    fn f() {}\n",
        ),
        ("a.sql", "\n-- Who may\n-- do it?\n\nselect 1;\n"),
        (
            "a.mjs",
            "#!/usr/bin/env node\n/** What comes? */\nexport {}\n",
        ),
        ("a.ts", "/**\n * What\n * comes?\n */\n"),
        ("a.js", "// Which one?\n"),
        ("a.sql", "select 1; -- without a comment at the top\n"),
    ] {
        assert!(fault(Path::new(name), text).is_some(), "{text}");
    }
    for (name, text) in [
        ("a.rs", "//! States. Then it may ask: why?\n"),
        (
            "a.rs",
            "//! The `?` of v1.2 is no question: what?!\n//! x.\n",
        ),
        ("a.sql", "-- States.\nselect '?';\n"),
        ("a.mjs", "/** States\n * over two lines. */\n"),
    ] {
        assert_eq!(fault(Path::new(name), text), None, "{text}");
    }
}
