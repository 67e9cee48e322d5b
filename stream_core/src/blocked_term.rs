//! The form in which messages and blocked terms are compared, so that spelling tricks do not hide a term.
//!
//! Text and term are brought to one form: compatibility decomposition (UAX #15, so full-width and
//! ligatures become plain letters), no accents, no zero-width characters, no case, and one space for
//! everything that is neither letter nor digit. Whole words are compared, so that a short term does
//! not block the longer words that contain it; scripts that are written without spaces are searched
//! anywhere.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::chat::is_ignorable;

/// The longest blocked term, in characters.
pub const MAX_TERM_CHARS: usize = 100;

/// The form in which a text is searched: its words between single spaces, with a space at each end.
pub fn searchable(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 2);
    words.push(' ');
    let letters = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character) && !is_ignorable(*character))
        // Up and down again: sharp s becomes ss, a final sigma a sigma.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    for letter in letters {
        if letter.is_alphanumeric() {
            words.push(letter);
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// The pattern to find in a [`searchable`] text; none when the term has no letter or digit, or more
/// than [`MAX_TERM_CHARS`] characters.
pub fn pattern(term: &str) -> Option<String> {
    if term.chars().count() > MAX_TERM_CHARS {
        return None;
    }
    let words = searchable(term);
    let bare = words.trim();
    if bare.is_empty() {
        return None;
    }
    let mut pattern = String::with_capacity(words.len());
    if !bare.starts_with(is_written_without_spaces) {
        pattern.push(' ');
    }
    pattern.push_str(bare);
    if !bare.ends_with(is_written_without_spaces) {
        pattern.push(' ');
    }
    Some(pattern)
}

/// Thai, Lao, Myanmar, Khmer, kana and Han, by their Unicode blocks.
fn is_written_without_spaces(character: char) -> bool {
    matches!(character,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    fn is_found(term: &str, text: &str) -> bool {
        searchable(text).contains(&pattern(term).expect("a term"))
    }

    #[test]
    fn case_accents_width_and_zero_width_characters_hide_nothing() {
        for text in [
            "you SCAMMER!",
            "sc\u{E0}mmer",
            "s\u{200B}c\u{AD}ammer",
            "\u{FF33}\u{FF43}\u{FF41}\u{FF4D}\u{FF4D}\u{FF45}\u{FF52}",
            "(scammer)",
            "a\u{0300}\nscammer\n",
        ] {
            assert!(is_found("Scammer", text), "{text:?}");
        }
    }

    #[test]
    fn a_term_is_a_whole_word() {
        assert!(is_found("ass", "what an ass."));
        for text in ["a classic", "assume", "passed"] {
            assert!(!is_found("ass", text), "{text:?}");
        }
    }

    #[test]
    fn a_term_of_several_words_is_found_across_punctuation() {
        assert!(is_found("pay me", "Pay - me!"));
        assert!(!is_found("pay me", "pay him, me"));
    }

    #[test]
    fn special_cases_of_letters_are_one_letter() {
        assert!(is_found("strasse", "die STRA\u{DF}E"));
        assert!(is_found(
            "\u{3BF}\u{3B4}\u{3BF}\u{3C2}",
            "\u{39F}\u{394}\u{39F}\u{3A3}"
        ));
    }

    #[test]
    fn scripts_without_spaces_are_searched_anywhere() {
        assert!(is_found(
            "\u{8A50}\u{6B3A}",
            "\u{9019}\u{662F}\u{8A50}\u{6B3A}\u{7684}"
        ));
    }

    #[test]
    fn a_term_without_letters_or_of_too_many_is_none() {
        assert_eq!(pattern("!? \u{200B}"), None);
        assert_eq!(pattern(&"a".repeat(101)), None);
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn every_term_is_found_in_a_text_that_contains_it_as_it_is(
            term in "\\PC{1,20}", before in "[a-z ]{0,10}", after in "[a-z ]{0,10}",
        ) {
            if let Some(pattern) = pattern(&term) {
                let text = format!("{before} {term} {after}");
                prop_assert!(searchable(&text).contains(&pattern), "{:?}", searchable(&text));
            }
        }
    }
}
