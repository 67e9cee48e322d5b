//! The content that a chat message may have.

use unicode_normalization::UnicodeNormalization;

use crate::error::ErrorCode;

/// The longest message, in Unicode scalar values after normalisation. The error catalogue names
/// this number in the sentence of `content_too_long`.
pub const MAX_CONTENT_CHARS: usize = 2000;

/// The text of a chat message as it is stored: trimmed, in Unicode normal form C, of 1 to
/// [`MAX_CONTENT_CHARS`] characters, at least one of them visible, with no control characters
/// except the newline and nothing that overrides the direction of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Trims Unicode white space, turns CR LF into LF and normalises to form C (UAX #15), so that
    /// two messages that look alike are equal and count alike.
    ///
    /// # Errors
    ///
    /// * [`ErrorCode::ContentEmpty`]: nothing visible is left.
    /// * [`ErrorCode::ContentInvalid`]: a control or a bidirectional formatting character.
    /// * [`ErrorCode::ContentTooLong`]: more than [`MAX_CONTENT_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, ErrorCode> {
        let lines = text.trim().replace("\r\n", "\n");
        let mut content = String::with_capacity(lines.len());
        let mut has_visible = false;
        // Normalising lazily and stopping at the limit keeps the work for a huge text small.
        for (position, character) in lines.nfc().enumerate() {
            if position == MAX_CONTENT_CHARS {
                return Err(ErrorCode::ContentTooLong);
            }
            if is_forbidden(character) {
                return Err(ErrorCode::ContentInvalid);
            }
            has_visible |= !is_blank(character);
            content.push(character);
        }
        if has_visible {
            Ok(Self(content))
        } else {
            Err(ErrorCode::ContentEmpty)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters (C0, DEL, C1), and the bidirectional embeddings, overrides and isolates,
/// with which one message can be made to look like another or disturb the lines around it.
fn is_forbidden(character: char) -> bool {
    match character {
        '\n' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

/// Characters that leave no mark: white space, the code points with the Unicode property
/// Default_Ignorable_Code_Point (DerivedCoreProperties.txt: zero-width joiners, fillers, variation
/// selectors, tags), and the empty Braille pattern. They are welcome next to visible ones, as emoji
/// sequences and several scripts need them.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_ignorable(character)
}

/// Default_Ignorable_Code_Point, and the empty Braille pattern.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The longest name beside a message, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 64;

/// The name beside a message, made of the application's name for the user: in Unicode normal form C, trimmed, without
/// control characters, line separators and whatever overrides the direction of text, and cut to
/// [`MAX_NAME_CHARS`] characters. None where nothing visible is left. A name is cleaned and not refused, since
/// its bearer cannot help it; without cleaning it could forge lines around it or look like somebody else's.
pub fn display_name(name: &str) -> Option<String> {
    if is_plain_name(name) {
        return Some(name.to_owned());
    }
    let cleaned: String = name
        .chars()
        .filter(|character| !is_forbidden_in_name(*character))
        .nfc()
        .skip_while(|character| character.is_whitespace())
        .take(MAX_NAME_CHARS)
        .collect();
    let cleaned = cleaned.trim_end();
    (!cleaned.chars().all(is_blank)).then(|| cleaned.to_owned())
}

/// Most names are, and need no work.
fn is_plain_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !name.starts_with(' ')
        && !name.ends_with(' ')
}

fn is_forbidden_in_name(character: char) -> bool {
    matches!(character, '\n' | '\u{2028}' | '\u{2029}') || is_forbidden(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::property_seed::config;

    fn parsed(text: &str) -> String {
        Content::parse(text)
            .expect("content is allowed")
            .as_str()
            .to_owned()
    }

    fn refused(text: &str) -> ErrorCode {
        Content::parse(text).expect_err("content is refused")
    }

    #[test]
    fn unicode_white_space_around_the_text_is_trimmed() {
        assert_eq!(
            parsed(" \t\r\n\u{00A0}\u{3000}hello world\u{2003}\u{0085} \n"),
            "hello world"
        );
    }

    #[test]
    fn an_empty_or_blank_message_is_empty() {
        for text in ["", " ", "\n\r\n\t", "\u{3000}\u{00A0}"] {
            assert_eq!(refused(text), ErrorCode::ContentEmpty, "{text:?}");
        }
    }

    #[test]
    fn a_message_of_invisible_characters_alone_is_empty() {
        for text in [
            "\u{200B}",
            "\u{200D}\u{FE0F}",
            "\u{FEFF} \u{2060}",
            "\u{3164}",
            "\u{2800}",
            "\u{00AD}\n\u{E0041}",
        ] {
            assert_eq!(refused(text), ErrorCode::ContentEmpty, "{text:?}");
        }
    }

    #[test]
    fn invisible_characters_beside_visible_ones_are_kept() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{2764}\u{FE0F}";
        assert_eq!(parsed(family), family);
        assert_eq!(
            parsed("\u{200F}\u{05E9}\u{05DC}\u{05D5}\u{05DD}"),
            "\u{200F}\u{05E9}\u{05DC}\u{05D5}\u{05DD}"
        );
    }

    #[test]
    fn two_thousand_characters_fit_and_one_more_does_not() {
        for character in ["a", "\u{E9}", "\u{1F600}"] {
            assert_eq!(parsed(&character.repeat(2000)), character.repeat(2000));
            assert_eq!(refused(&character.repeat(2001)), ErrorCode::ContentTooLong);
        }
        assert_eq!(parsed(&format!("  {}  ", "a".repeat(2000))).len(), 2000);
    }

    #[test]
    fn characters_are_counted_after_normalisation() {
        assert_eq!(parsed("e\u{0301}"), "\u{E9}");
        assert_eq!(parsed(&"e\u{0301}".repeat(2000)), "\u{E9}".repeat(2000));
        // U+FB2C is one character that form C spells with three.
        assert_eq!(refused(&"\u{FB2C}".repeat(667)), ErrorCode::ContentTooLong);
    }

    #[test]
    fn newlines_are_kept_and_carriage_return_pairs_become_newlines() {
        assert_eq!(parsed("one\ntwo\r\nthree"), "one\ntwo\nthree");
    }

    #[test]
    fn every_other_control_character_is_invalid() {
        let controls = ('\0'..='\u{9F}').filter(|c| c.is_control() && *c != '\n');
        let mut count = 0;
        for control in controls {
            assert_eq!(
                refused(&format!("a{control}b")),
                ErrorCode::ContentInvalid,
                "{control:?}"
            );
            count += 1;
        }
        assert_eq!(count, 64, "C0 without the newline, DEL and C1");
    }

    #[test]
    fn text_direction_overrides_are_invalid() {
        for control in ('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(
                refused(&format!("a{control}b")),
                ErrorCode::ContentInvalid,
                "{control:?}"
            );
        }
    }

    #[test]
    fn the_limit_is_the_one_that_the_public_sentence_names() {
        assert!(
            ErrorCode::ContentTooLong
                .message()
                .contains(&MAX_CONTENT_CHARS.to_string())
        );
    }

    #[test]
    fn a_plain_name_stays_as_it_is() {
        for name in [
            "ada",
            "Ada Lovelace",
            "\u{5E9}\u{5DC}\u{5D5}\u{5DD}",
            "a".repeat(64).as_str(),
            "\u{1F600}",
        ] {
            assert_eq!(display_name(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_name_loses_what_could_forge_a_line() {
        for (name, cleaned) in [
            ("ada\nseller", "adaseller"),
            ("\u{202E}relles", "relles"),
            ("a\0\u{7}\u{9F}b", "ab"),
            ("a\u{2028}b\u{2029}c\u{2066}d", "abcd"),
            ("  ada \t", "ada"),
            ("e\u{202A}\u{301}", "\u{E9}"),
        ] {
            assert_eq!(display_name(name).as_deref(), Some(cleaned), "{name:?}");
        }
    }

    #[test]
    fn a_name_of_nothing_visible_is_none() {
        for name in [
            "",
            " ",
            "\n\0",
            "\u{202E}\u{2066}",
            "\u{200B}\u{3164}",
            "\u{2800} \u{FEFF}",
        ] {
            assert_eq!(display_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        for character in ["a", "\u{E9}", "\u{1F600}"] {
            assert_eq!(
                display_name(&character.repeat(65)),
                Some(character.repeat(64))
            );
        }
        // The space at the cut goes too.
        let spaced = format!("{} b", "a".repeat(63));
        assert_eq!(display_name(&spaced), Some("a".repeat(63)));
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn every_name_is_short_and_clean_and_stays_so(
            name in prop_oneof![
                any::<String>(),
                "[ \\n\\t\\x00\u{2028}\u{202E}\u{2066}\u{200B}e\u{301}\u{327}a]{0,90}",
            ],
        ) {
            if let Some(shown) = display_name(&name) {
                let length = shown.chars().count();
                prop_assert!((1..=MAX_NAME_CHARS).contains(&length));
                prop_assert!(!shown.chars().any(|c| c.is_control()));
                let is_forging = shown.contains(['\u{2028}', '\u{2029}', '\u{202E}', '\u{2066}']);
                prop_assert!(!is_forging);
                prop_assert_eq!(shown.trim(), shown.as_str());
                prop_assert_eq!(display_name(&shown), Some(shown));
            } else {
                let is_nothing = |c: char| c.is_control() || is_blank(c);
                prop_assert!(name.chars().take(MAX_NAME_CHARS).all(is_nothing) || name.chars().count() > MAX_NAME_CHARS);
            }
        }

        #[test]
        fn whatever_is_accepted_is_in_bounds_and_is_accepted_again_unchanged(
            text in prop_oneof![any::<String>(), "[ \\r\\n\\t\u{200B}\u{2000}e\u{301}\u{327}a]{0,40}"],
        ) {
            if let Ok(content) = Content::parse(&text) {
                let length = content.as_str().chars().count();
                prop_assert!((1..=MAX_CONTENT_CHARS).contains(&length));
                prop_assert_eq!(content.as_str().trim(), content.as_str());
                prop_assert_eq!(Content::parse(content.as_str()), Ok(content));
            }
        }
    }
}
