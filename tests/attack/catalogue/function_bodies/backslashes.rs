//! Backslashes in literals of SQL that a setting of the caller's session could give another meaning.

/// Whether a backslash of an SQL text stands elsewhere than in a literal with escapes, a quoted name or a comment.
pub fn has_plain_backslash(body: &str) -> bool {
    let mut rest = body;
    while let Some(at) = rest.find(['\\', '\'', '"', '-']) {
        let (found, behind) = rest[at..].split_at(1);
        let end = match found {
            "\\" => return true,
            "-" if behind.starts_with('-') => behind.find('\n'),
            "-" => Some(0),
            "\"" => behind.find('"').map(|end| end + 1),
            _ if begins_escapes(&rest[..at]) => end_of_escapes(behind),
            _ => {
                let end = behind.find('\'').unwrap_or(behind.len());
                if behind[..end].contains('\\') {
                    return true;
                }
                Some(end + 1)
            }
        };
        rest = behind
            .get(end.unwrap_or(behind.len())..)
            .unwrap_or_default();
    }
    false
}

/// Whether a quote behind this text begins a literal with escapes: behind an `e` that is no end of a name.
fn begins_escapes(before: &str) -> bool {
    before
        .strip_suffix(['e', 'E'])
        .is_some_and(|more| !more.ends_with(|last: char| last.is_alphanumeric() || last == '_'))
}

/// Where the text behind such a literal begins.
fn end_of_escapes(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.find(|character| {
        let ends = character == '\'' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends
    });
    let behind = end? + 1;
    match text[behind..].strip_prefix('\'') {
        // Two quotes are one within the literal.
        Some(more) => end_of_escapes(more).map(|end| behind + 1 + end),
        None => Some(behind),
    }
}

#[test]
fn plain_backslashes_are_found() {
    for (body, is_plain) in [
        (r#"select e'\\d', E'it''s \\', "a\b" -- '\d'"#, false),
        (r"select name'\d'", true),
        (r"select e'\\', '\d'", true),
        (r"select 'e''\d'", true),
    ] {
        assert_eq!(has_plain_backslash(body), is_plain, "{body}");
    }
}
