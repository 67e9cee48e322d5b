//! The lines of the extension inside `unsafe` are counted, and there are few of them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::sources;

/// Lines of code between the braces of blocks and functions that are unsafe, a block on one line counting one.
const MOST: usize = 300;

/// The text with blanks in the place of comments and quotes.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => quote_length(rest),
            _ => 0,
        };
        let length = hidden.max(first.len_utf8());
        let token = &rest[..length];
        let blanked = token.chars().map(|letter| match letter {
            '\n' => '\n',
            _ if hidden > 0 => ' ',
            _ => letter,
        });
        code.extend(blanked);
        rest = &rest[length..];
    }
    code
}

/// The bytes of a quoted text, its quotes included.
fn quote_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text[1..].find(|letter| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The numbers of the lines between the braces that an `unsafe` opens.
fn lines_inside(text: &str) -> BTreeSet<usize> {
    const WORD: &str = "unsafe";
    let code = code(text);
    let line_of = |place: usize| code[..place].matches('\n').count();
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut inside = BTreeSet::new();
    for (at, _) in code.match_indices(WORD) {
        let after = &code[at + WORD.len()..];
        if code[..at].ends_with(is_of_name) || after.starts_with(is_of_name) {
            continue;
        }
        // A type or a declaration has no braces.
        let Some(open) = after
            .find(['{', '}', ';'])
            .filter(|end| after[*end..].starts_with('{'))
        else {
            continue;
        };
        let open = at + WORD.len() + open;
        let close = open + closing_brace(&code[open..]);
        let (first, last) = (line_of(open), line_of(close));
        match first == last {
            true => inside.extend([first]),
            false => inside.extend(first + 1..last),
        }
    }
    let is_code = |line: &usize| {
        code.lines()
            .nth(*line)
            .is_some_and(|line| !line.trim().is_empty())
    };
    inside.retain(is_code);
    inside
}

/// Where the brace is closed with which a text begins.
fn closing_brace(text: &str) -> usize {
    let mut depth = 0_usize;
    let end = text.find(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    end.unwrap_or(text.len())
}

#[test]
fn few_lines_of_the_extension_are_inside_unsafe() {
    let mut files: Vec<(usize, String)> = sources::with_extension(&["rs"])
        .iter()
        .filter(|path| path.starts_with(Path::new("pg_stream_ext/src")))
        .filter_map(|path| {
            let count = lines_inside(&sources::read(path)?).len();
            (count > 0).then(|| (count, path.display().to_string()))
        })
        .collect();
    files.sort();
    let count: usize = files.iter().map(|(count, _)| count).sum();
    assert!(
        (MOST / 2..=MOST).contains(&count),
        "{count} lines are inside unsafe, of at most {MOST}: {files:#?}"
    );
}

#[test]
fn lines_between_the_braces_of_unsafe_are_counted() {
    let text = "fn a() {
    // unsafe { no }
    let quoted = \"unsafe { \\\" no }\";
    unsafe { one() };
    unsafe {
        // Not this one.
        if two() {

            three();
        }
    }
    let hook: unsafe fn() = outside;
}
unsafe fn b() {
    four();
}";
    let inside: Vec<usize> = lines_inside(text).into_iter().collect();
    assert_eq!(inside, [3, 6, 8, 9, 14]);
}
