//! `sql/edition/sql/core_*.sql`: the rules of stream_core about text, for the edition without native code.
//!
//! Every class of characters and every form is asked of stream_core, one code point after the other, so that no rule
//! depends on a collation or on the Unicode version of a Postgres.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use stream_core::blocked_term::{pattern, searchable};
use stream_core::chat::{Content, MAX_CONTENT_CHARS, MAX_NAME_CHARS, display_name};
use stream_core::error::ErrorCode;
use stream_core::limits;

/// Messages and names.
pub const CONTENT_PATH: &str = "sql/edition/sql/core_content.sql";
/// The form in which texts and blocked terms are compared.
pub const TERMS_PATH: &str = "sql/edition/sql/core_terms.sql";

const CONTENT: &str = include_str!("edition_text/content.sql");
const TERMS: &str = include_str!("edition_text/terms.sql");

/// Longest line of the table of forms.
const LINE_CHARS: usize = 120;

/// The rules of messages and names.
pub fn content() -> String {
    let invalid = class(&ranges(|character| {
        Content::parse(&format!("a{character}b")) == Err(ErrorCode::ContentInvalid)
    }));
    // Of what is not invalid: white space at the ends is trimmed before.
    let blank = class(&ranges(|character| {
        Content::parse(&character.to_string()) == Err(ErrorCode::ContentEmpty)
            || character.is_whitespace()
    }));
    let not_of_names = class(&ranges(|character| {
        display_name(&format!("a{character}b")).as_deref() == Some("ab")
    }));
    CONTENT
        .replace("{invalid}", &invalid)
        .replace("{blank}", &blank)
        .replace("{not_of_names}", &not_of_names)
        .replace("{space}", &class(&ranges(char::is_whitespace)))
        .replace("{spaces}", &escaped(&ranges(char::is_whitespace)))
        .replace("{content_chars}", &MAX_CONTENT_CHARS.to_string())
        .replace("{name_chars}", &MAX_NAME_CHARS.to_string())
}

/// The form in which texts are searched for blocked terms.
pub fn terms() -> String {
    let forms = Forms::read();
    let without_spaces = ranges(|character| {
        pattern(&character.to_string()).is_some_and(|pattern| !pattern.starts_with(' '))
    });
    let most = limits::ALL
        .iter()
        .find(|limit| limit.name == "term_chars")
        .map_or(0, |limit| limit.most);
    TERMS
        .replace("{deleted}", &class(&forms.deleted))
        .replace("{letters}", &class(&forms.letters))
        .replace("{forms}", &forms.table)
        .replace("{without_spaces}", &class(&without_spaces))
        .replace("{term_chars}", &most.to_string())
}

/// What becomes of each character that stands between two letters.
struct Forms {
    deleted: Vec<RangeInclusive<u32>>,
    /// Letters and digits that stay as they are, and those that forms are made of.
    letters: Vec<RangeInclusive<u32>>,
    /// The others that do not become a space, as members of a JSON object.
    table: String,
}

/// Postgres decomposes these by the standard's own arithmetic, in every version.
const HANGUL_SYLLABLES: RangeInclusive<char> = '\u{AC00}'..='\u{D7A3}';

impl Forms {
    fn read() -> Self {
        let mut table = String::new();
        let mut in_forms = BTreeSet::new();
        let mut line_chars = 0;
        for character in characters() {
            let form = form(character);
            in_forms.extend(form.chars());
            let is_own = form.chars().eq([character]);
            if is_own || form.is_empty() || form == " " || HANGUL_SYLLABLES.contains(&character) {
                continue;
            }
            let entry = format!("\"{character}\":\"{form}\"");
            let length = entry.chars().count() + 1;
            if !table.is_empty() {
                table.push(',');
                if line_chars + length > LINE_CHARS {
                    table.push('\n');
                    line_chars = 0;
                }
            }
            line_chars += length;
            table.push_str(&entry);
        }
        Self {
            deleted: ranges(|character| form(character).is_empty()),
            // A space is what stands between words, however often.
            letters: ranges(|character| character != ' ' && in_forms.contains(&character)),
            table,
        }
    }
}

/// What is searched for a character; a space where it is neither letter nor digit.
fn form(character: char) -> String {
    let searched = searchable(&format!("a{character}b"));
    let inside = searched
        .strip_prefix(" a")
        .and_then(|rest| rest.strip_suffix("b "));
    inside.unwrap_or(" ").to_owned()
}

/// All that a text of Postgres can hold.
fn characters() -> impl Iterator<Item = char> {
    '\u{1}'..=char::MAX
}

/// The code points of a class, as few ranges as there are.
fn ranges(is_in: impl Fn(char) -> bool) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for character in characters().filter(|character| is_in(*character)) {
        let code = u32::from(character);
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == code => *last = *last.start()..=code,
            _ => ranges.push(code..=code),
        }
    }
    ranges
}

/// The inside of a bracket expression of Postgres's regular expressions, which compare code points in ranges; for a string with
/// escapes, since a backslash of any other means what the caller's `standard_conforming_strings` says.
fn class(ranges: &[RangeInclusive<u32>]) -> String {
    let mut class = String::new();
    for range in ranges {
        push_code(&mut class, *range.start(), "\\\\");
        if range.start() != range.end() {
            class.push('-');
            push_code(&mut class, *range.end(), "\\\\");
        }
    }
    class
}

/// Each character, for a string with escapes.
fn escaped(ranges: &[RangeInclusive<u32>]) -> String {
    let mut text = String::new();
    for code in ranges.iter().flat_map(Clone::clone) {
        push_code(&mut text, code, "\\");
    }
    text
}

fn push_code(text: &mut String, code: u32, backslash: &str) {
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xFFFF => write!(text, "{backslash}u{code:04x}"),
        _ => write!(text, "{backslash}U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_what_stream_core_says() {
        let committed = [
            include_str!("../../../sql/edition/sql/core_content.sql"),
            include_str!("../../../sql/edition/sql/core_terms.sql"),
        ];
        for (committed, written) in committed.iter().zip([content(), terms()]) {
            assert!(
                *committed == written,
                "run `cargo x generate` and commit the result"
            );
        }
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(
            class(&[0x61..=0x7A, 0x1F600..=0x1F600]),
            "\\\\u0061-\\\\u007a\\\\U0001f600"
        );
    }

    #[test]
    fn a_form_is_what_is_searched() {
        for (character, expected) in [
            ('A', "a"),
            ('\u{DF}', "ss"),
            ('\u{BD}', "1 2"),
            ('\u{301}', ""),
            ('!', " "),
        ] {
            assert_eq!(form(character), expected, "{character:?}");
        }
    }
}
