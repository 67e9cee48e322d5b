//! SQL text split into its statements.

/// Every statement of a text, each with the blanks and comments before it and the semicolon at its end. What comes behind the
/// last semicolon is left out.
pub fn split(text: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut begin = 0;
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        if rest.starts_with(';') {
            place += 1;
            statements.push(&text[begin..place]);
            begin = place;
        } else {
            place += token_length(rest);
        }
    }
    statements
}

/// A statement without the comments and blanks before it.
pub fn without_comments(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") || rest.starts_with("/*") {
        rest = rest[token_length(rest)..].trim_start();
    }
    rest
}

/// A text without comments, and with one blank where there are several characters of space outside quotes.
pub fn squeezed(text: &str) -> String {
    let mut squeezed = String::new();
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        let token = &rest[..token_length(rest)];
        let is_space =
            token.trim().is_empty() || token.starts_with("--") || token.starts_with("/*");
        if !is_space {
            squeezed.push_str(token);
        } else if !squeezed.ends_with(' ') && !squeezed.is_empty() {
            squeezed.push(' ');
        }
        place += token.len();
    }
    squeezed.truncate(squeezed.trim_end().len());
    squeezed
}

/// The part of a text before the first of these, outside comments, quotes and parentheses; all of it where none is there.
pub fn until<'a>(text: &'a str, ends: &[&str]) -> &'a str {
    let mut depth = 0_usize;
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        if depth == 0 && ends.iter().any(|end| rest.starts_with(end)) {
            return &text[..place];
        }
        depth = match rest.as_bytes()[0] {
            b'(' => depth + 1,
            b')' => depth.saturating_sub(1),
            _ => depth,
        };
        place += token_length(rest);
    }
    text
}

/// How long the comment, the quoted text or the one character is with which a text begins.
fn token_length(text: &str) -> usize {
    let closed_by = |begin: usize, end: &str| {
        let found = text[begin..].find(end);
        found.map_or(text.len(), |place| begin + place + end.len())
    };
    if text.starts_with("--") {
        return closed_by(2, "\n");
    }
    if text.starts_with("/*") {
        return closed_by(2, "*/");
    }
    match text.as_bytes()[0] {
        // A doubled quote ends one text and begins the next.
        b'\'' => closed_by(1, "'"),
        b'"' => closed_by(1, "\""),
        b'$' => dollar_quote(text).map_or(1, |quote| closed_by(quote.len(), quote)),
        _ => text.chars().next().map_or(1, char::len_utf8),
    }
}

/// The opening quote of a dollar-quoted text, if it begins with one; a parameter (`$1`) is none.
fn dollar_quote(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 1;
    let tag = &text[1..end];
    let is_tag = tag
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !tag.starts_with(|first: char| first.is_ascii_digit());
    is_tag.then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        let text = "-- one; two\nselect ';', \"a;b\", 'it''s;';\n/* ; */ do $x$ a; $$ b; $$ $x$;\n\nselect $1;";
        assert_eq!(
            split(text),
            [
                "-- one; two\nselect ';', \"a;b\", 'it''s;';",
                "\n/* ; */ do $x$ a; $$ b; $$ $x$;",
                "\n\nselect $1;",
            ]
        );
    }

    #[test]
    fn what_no_semicolon_ends_is_no_statement() {
        assert_eq!(split("select 1;\n-- the end\n"), ["select 1;"]);
    }

    #[test]
    fn comments_before_a_statement_are_left_out() {
        assert_eq!(
            without_comments("\n-- a\n/* b */ -- c\nselect 1;"),
            "select 1;"
        );
    }

    #[test]
    fn space_and_comments_are_squeezed_outside_quotes() {
        assert_eq!(
            squeezed("\n-- a\nselect  'b  c' /* d */,\n\t\"e\"\n"),
            "select 'b  c' , \"e\""
        );
    }

    #[test]
    fn a_part_ends_outside_parentheses_and_quotes() {
        assert_eq!(until("a(b, ',') x, c", &[","]), "a(b, ',') x");
        assert_eq!(until("a(b)", &[","]), "a(b)");
    }
}
