//! Types of arguments, and the readings of a path, a query and a JSON body into each.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::argument::{Argument, JsonText};

/// 0001-01-01T00:00:00Z. Postgres's first day is earlier, jiff's is earlier than that.
const FIRST_TIMESTAMP_S: i64 = -62_135_596_800;

/// Postgres parses JSON by recursion and answers a deeper value with an internal error.
const MAX_JSON_DEPTH: usize = 128;

/// A type of the contract, written as Postgres writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArgumentType {
    Uuid,
    #[serde(rename = "uuid[]")]
    Uuids,
    Text,
    #[serde(rename = "text[]")]
    Texts,
    Integer,
    Bigint,
    #[serde(rename = "double precision")]
    Double,
    Boolean,
    Timestamptz,
    Json,
    Jsonb,
}

/// The reason for refusing a value of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("malformed")]
    Malformed,
    /// Postgres stores no text with the character NUL.
    #[error("a text with the character NUL")]
    Nul,
}

impl ArgumentType {
    /// Reads a piece of a path or the value of a query parameter. Lists and JSON stand there as JSON.
    pub fn from_text(self, text: &str) -> Result<Argument, Defect> {
        match self {
            Self::Uuid => parse_uuid(text).map(Argument::Uuid),
            Self::Text => checked(text.to_owned()).map(Argument::Text),
            Self::Timestamptz => parse_timestamp(text).map(Argument::Timestamptz),
            Self::Uuids
            | Self::Texts
            | Self::Integer
            | Self::Bigint
            | Self::Double
            | Self::Boolean
            | Self::Json
            | Self::Jsonb => {
                let value = serde_json::from_str(text).map_err(|_| Defect::Malformed)?;
                match self.from_json(value)? {
                    Argument::Null => Err(Defect::Malformed),
                    argument => Ok(argument),
                }
            }
        }
    }

    /// Reads a member of a body; `null` is SQL's null.
    pub fn from_json(self, value: &RawValue) -> Result<Argument, Defect> {
        let json = value.get();
        if json == "null" {
            return Ok(Argument::Null);
        }
        match self {
            Self::Uuid => parse_uuid(&read::<String>(json)?).map(Argument::Uuid),
            Self::Uuids => {
                let texts = read::<Vec<String>>(json)?;
                let ids = texts.iter().map(|text| parse_uuid(text));
                ids.collect::<Result<_, _>>().map(Argument::Uuids)
            }
            Self::Text => checked(read(json)?).map(Argument::Text),
            Self::Texts => {
                let texts = read::<Vec<String>>(json)?.into_iter().map(checked);
                texts.collect::<Result<_, _>>().map(Argument::Texts)
            }
            Self::Integer => read(json).map(Argument::Integer),
            Self::Bigint => read(json).map(Argument::Bigint),
            Self::Double => read(json).map(Argument::Double),
            Self::Boolean => read(json).map(Argument::Boolean),
            Self::Timestamptz => parse_timestamp(&read::<String>(json)?).map(Argument::Timestamptz),
            Self::Json | Self::Jsonb => match depth(json) {
                0..=MAX_JSON_DEPTH => Ok(Argument::Json(JsonText::new(value))),
                _ => Err(Defect::Malformed),
            },
        }
    }
}

/// Reads the hyphenated form only: the one in which the database writes ids.
pub fn parse_uuid(text: &str) -> Result<Uuid, Defect> {
    // The other forms that the parser knows (braces, urn:, no hyphens) have other lengths.
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(Defect::Malformed);
    }
    Uuid::try_parse(text).map_err(|_| Defect::Malformed)
}

fn parse_timestamp(text: &str) -> Result<Timestamp, Defect> {
    text.parse::<Timestamp>()
        .ok()
        .filter(|time| time.as_second() >= FIRST_TIMESTAMP_S)
        .ok_or(Defect::Malformed)
}

fn checked(text: String) -> Result<String, Defect> {
    if text.contains('\0') {
        return Err(Defect::Nul);
    }
    Ok(text)
}

fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, Defect> {
    serde_json::from_str(json).map_err(|_| Defect::Malformed)
}

/// The depth to which lists and objects are nested in a JSON text.
pub fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut is_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    fn json(argument_type: ArgumentType, text: &str) -> Result<Argument, Defect> {
        argument_type.from_json(serde_json::from_str(text).expect("JSON"))
    }

    #[test]
    fn a_uuid_has_its_hyphens_and_either_case() {
        assert!(parse_uuid(ID).is_ok());
        let upper = "ABCDEF00-0000-4000-8000-000000000001";
        assert_eq!(parse_uuid(upper), parse_uuid(&upper.to_lowercase()));
        let braced = format!("{{{ID}}}");
        let urn = format!("urn:uuid:{ID}");
        let bare = ID.replace('-', "");
        for text in ["", "1", &braced, &urn, &bare, &ID.replace('0', "g")] {
            assert_eq!(parse_uuid(text), Err(Defect::Malformed), "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        use ArgumentType::{Bigint, Integer};
        for (argument_type, text, expected) in [
            (Integer, "2147483647", Some(Argument::Integer(i32::MAX))),
            (Integer, "-2147483648", Some(Argument::Integer(i32::MIN))),
            (Integer, "2147483648", None),
            (
                Bigint,
                "9223372036854775807",
                Some(Argument::Bigint(i64::MAX)),
            ),
            (Bigint, "9223372036854775808", None),
            (Integer, "1.0", None),
            (Integer, "1e3", None),
            (Integer, "true", None),
        ] {
            let expected = expected.ok_or(Defect::Malformed);
            assert_eq!(json(argument_type, text), expected, "{text}");
            assert_eq!(argument_type.from_text(text), expected, "{text}");
        }
        for text in ["", " ", "+1", "0x1", "null", "ten"] {
            assert_eq!(Integer.from_text(text), Err(Defect::Malformed), "{text}");
        }
        assert_eq!(json(Integer, r#""7""#), Err(Defect::Malformed));
    }

    #[test]
    fn a_truth_is_true_or_false() {
        let boolean = ArgumentType::Boolean;
        assert_eq!(json(boolean, "false"), Ok(Argument::Boolean(false)));
        assert_eq!(boolean.from_text("true"), Ok(Argument::Boolean(true)));
        for text in ["1", r#""true""#, "[true]"] {
            assert_eq!(json(boolean, text), Err(Defect::Malformed), "{text}");
        }
        assert_eq!(boolean.from_text("yes"), Err(Defect::Malformed));
    }

    #[test]
    fn a_text_is_taken_as_it_is_and_holds_no_nul() {
        let text = ArgumentType::Text;
        for (given, expected) in [(r#""""#, ""), (r#""a\n\u00e9""#, "a\né")] {
            assert_eq!(json(text, given), Ok(Argument::Text(expected.to_owned())));
        }
        assert_eq!(
            text.from_text("null"),
            Ok(Argument::Text("null".to_owned()))
        );
        assert_eq!(json(text, r#""a\u0000b""#), Err(Defect::Nul));
        assert_eq!(text.from_text("a\0b"), Err(Defect::Nul));
        for other in ["7", "{}", r#""\ud800""#] {
            assert_eq!(json(text, other), Err(Defect::Malformed), "{other}");
        }
    }

    #[test]
    fn lists_hold_values_of_one_type() {
        let id = parse_uuid(ID).expect("a uuid");
        let ids = ArgumentType::Uuids;
        assert_eq!(json(ids, "[]"), Ok(Argument::Uuids(Vec::new())));
        let list = format!(r#"["{ID}"]"#);
        assert_eq!(json(ids, &list), Ok(Argument::Uuids(vec![id])));
        assert_eq!(ids.from_text(&list), Ok(Argument::Uuids(vec![id])));
        for other in ["[1]", "[null]", r#"["1"]"#, "{}", r#""""#] {
            assert_eq!(json(ids, other), Err(Defect::Malformed), "{other}");
        }
        let texts = ArgumentType::Texts;
        let list = Ok(Argument::Texts(vec!["a".to_owned()]));
        assert_eq!(json(texts, r#"["a"]"#), list);
        assert_eq!(json(texts, r#"["\u0000"]"#), Err(Defect::Nul));
    }

    #[test]
    fn a_time_names_its_offset_and_a_day_of_the_calendar() {
        let time = ArgumentType::Timestamptz;
        let expected = time.from_text("2026-11-22T15:48:00.123456Z");
        assert!(expected.is_ok());
        for same in [
            "2026-11-22T16:48:00.123456+01:00",
            "2026-11-22T15:48:00.123456+00:00",
        ] {
            assert_eq!(time.from_text(same), expected, "{same}");
            assert_eq!(json(time, &format!("\"{same}\"")), expected, "{same}");
        }
        for text in [
            "",
            "soon",
            "2026-11-22",
            "2026-11-22T15:48:00",
            "2026-02-29T00:00:00Z",
            "2026-11-22T25:00:00Z",
            "10000-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
        ] {
            assert_eq!(time.from_text(text), Err(Defect::Malformed), "{text}");
        }
        assert!(time.from_text("0001-01-01T00:00:00Z").is_ok());
        assert_eq!(json(time, "1763826480"), Err(Defect::Malformed));
    }

    #[test]
    fn json_keeps_its_text_and_has_a_depth() {
        let digits = r#"{"b": 1.50, "a":123456789012345678901234567890}"#;
        let Ok(Argument::Json(text)) = json(ArgumentType::Json, digits) else {
            panic!("not JSON");
        };
        assert_eq!(text.as_str(), digits);
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(json(ArgumentType::Json, &nested(MAX_JSON_DEPTH)).is_ok());
        let deeper = json(ArgumentType::Jsonb, &nested(MAX_JSON_DEPTH + 1));
        assert_eq!(deeper, Err(Defect::Malformed));
        assert_eq!(depth(r#"{"[[": "\"[[", "a": [[], {}]}"#), 3);
    }
}
