//! Tests of the rules for the content of messages.

use proptest::prelude::*;

use super::*;
use property_seed::config;

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
