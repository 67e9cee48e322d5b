//! Entity tags, and the precondition If-None-Match (RFC 9110, sections 8.8.3 and 13.1.2).

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// The version of one representation, as its header holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(HeaderValue);

impl EntityTag {
    /// Of these very bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hex: String = digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Hexadecimal digits are visible ASCII.
        Self(
            HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\"")),
        )
    }

    /// Of answers that mean the same, although a time in them may differ. None: the version holds a character that
    /// no tag may hold.
    pub fn weak(version: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte == b'!' || (b'#'..=b'~').contains(&byte);
        if !version.bytes().all(is_allowed) {
            return None;
        }
        HeaderValue::try_from(format!("W/\"{version}\""))
            .ok()
            .map(Self)
    }

    pub fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Whether the sender's copy is current: `*`, or a tag of the list that is the same by weak comparison. What is
    /// no list of tags matches nothing.
    pub fn is_held_by(&self, request: &HeaderMap) -> bool {
        let lines = request
            .get_all(IF_NONE_MATCH)
            .iter()
            .map(HeaderValue::as_bytes);
        let own = opaque(self.0.as_bytes());
        lines.into_iter().any(|line| match line.trim_ascii() {
            b"*" => true,
            line => tags(line).any(|tag| opaque(tag) == own),
        })
    }
}

/// Without what makes it weak, since If-None-Match does not look at that.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The tags of a list. A comma may stand between the quotes, so the quotes are followed; the list ends where it is
/// none.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let separator = |byte: &u8| matches!(byte, b',' | b' ' | b'\t');
        let begin = rest.iter().position(|byte| !separator(byte))?;
        rest = &rest[begin..];
        let quote = rest.len() - opaque(rest).len();
        if rest.get(quote) != Some(&b'"') {
            return None;
        }
        let length = rest[quote + 1..].iter().position(|byte| *byte == b'"')?;
        let (tag, behind) = rest.split_at(quote + length + 2);
        rest = behind;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(tag: &EntityTag, lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(line));
        }
        tag.is_held_by(&headers)
    }

    #[test]
    fn comparison_is_weak_and_by_the_whole_tag() {
        let tag = EntityTag::weak("7a1f.9").expect("a tag");
        assert_eq!(tag.to_header(), "W/\"7a1f.9\"");
        for (lines, expected) in [
            (&["W/\"7a1f.9\""] as &[_], true),
            (&["\"7a1f.9\""], true),
            (&["*"], true),
            (&[" * "], true),
            (&["\"a\", W/\"7a1f.9\" , \"b\""], true),
            (&["\"a,b\",\"7a1f.9\""], true),
            (&["\"a\"", "\"7a1f.9\""], true),
            (&[], false),
            (&[""], false),
            (&["\"7a1f.90\""], false),
            (&["\"7A1F.9\""], false),
            (&["w/\"7a1f.9\""], false),
            (&["7a1f.9"], false),
            (&["\"a, \"7a1f.9\""], false),
            (&["\"*\""], false),
            (&["a, \"7a1f.9\""], false),
            (&["\"7a1f.9"], false),
        ] {
            assert_eq!(held(&tag, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_version_that_no_tag_may_hold_has_none() {
        for version in ["a\"b", "a b", "a\u{7f}", "ü"] {
            assert_eq!(EntityTag::weak(version), None, "{version:?}");
        }
        assert!(EntityTag::weak("").is_some());
    }

    #[test]
    fn other_bytes_have_another_tag() {
        let tag = EntityTag::of_bytes(b"one");
        assert_eq!(tag, EntityTag::of_bytes(b"one"));
        assert_ne!(tag, EntityTag::of_bytes(b"two"));
        assert!(held(&tag, &["*"]));
    }
}
