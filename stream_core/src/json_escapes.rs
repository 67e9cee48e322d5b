//! Escapes of JSON texts that Postgres's `jsonb` cannot hold.
//!
//! The type `json` keeps a text as it came; `jsonb` decodes its strings, and raises at these escapes with an error
//! that quotes the text around them. Who checks first can refuse without quoting.

/// True when every string of a valid JSON text has a value that Postgres can store: without the escape of
/// the zero character, and without half of a surrogate pair.
pub fn can_be_stored(json: &str) -> bool {
    let mut rest = json.as_bytes();
    let mut expects_low = false;
    // Outside strings a valid text has no backslash.
    while let Some((first, after)) = rest.split_first() {
        let unit = match (first, after) {
            (b'\\', [b'u', a, b, c, d, tail @ ..]) => {
                rest = tail;
                hex(&[*a, *b, *c, *d])
            }
            (b'\\', [_, tail @ ..]) => {
                rest = tail;
                None
            }
            _ => {
                rest = after;
                None
            }
        };
        let is_high = unit.is_some_and(|unit| (0xD800..0xDC00).contains(&unit));
        let is_low = unit.is_some_and(|unit| (0xDC00..0xE000).contains(&unit));
        if unit == Some(0) || is_low != expects_low {
            return false;
        }
        expects_low = is_high;
    }
    !expects_low
}

fn hex(digits: &[u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0, |value: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use property_seed::config;

    #[test]
    fn a_zero_character_and_half_a_pair_are_found_wherever_they_stand() {
        for json in [
            r#"{"a": "\u0000"}"#,
            r#"{"\u0000": 1}"#,
            r#"["x\\\u0000"]"#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\uD800\uD800\uDC00""#,
            r#"{"a": "\ud83d", "b": "\ude00"}"#,
            r#""\ud83d\n\ude00""#,
        ] {
            assert!(!can_be_stored(json), "{json}");
        }
    }

    #[test]
    fn other_escapes_are_fine() {
        for json in [
            "{}",
            r#""\\u0000""#,
            r#""\u00101""#,
            r#""\ud83d\ude00""#,
            r#"{"a": "\u0041\"\n\/\b\f\r\t"}"#,
        ] {
            assert!(can_be_stored(json), "{json}");
        }
    }

    fn has_zero(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(has_zero),
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| name.contains('\0') || has_zero(value)),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(config(512))]

        /// A string of JSON out of pieces that meet each other in every way.
        #[test]
        fn it_agrees_with_a_parser(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(r"\u0000"), Just(r"\ud83d"), Just(r"\ude00"), Just(r"\u0041"),
                    Just(r"\\"), Just("u0000"), Just(r"\n"), Just("a"), Just(r#"\""#),
                ],
                0..8,
            ),
        ) {
            let json = format!("{{\"k\": [\"{}\"]}}", pieces.concat());
            let parsed = serde_json::from_str::<Value>(&json);
            let expected = parsed.is_ok_and(|value| !has_zero(&value));
            prop_assert_eq!(can_be_stored(&json), expected, "{}", json);
        }
    }
}
