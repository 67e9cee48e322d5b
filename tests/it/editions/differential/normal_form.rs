//! Texts without what differs between two databases that did the same: ids that a server made, times and tokens.

use std::collections::BTreeMap;

/// Ids by the order in which they appeared.
#[derive(Default)]
pub struct NormalForm(BTreeMap<String, usize>);

impl NormalForm {
    /// The normal form of an answer; new ids are numbered.
    pub fn of(&mut self, text: &str) -> String {
        self.normalized(text, true)
    }

    /// That of a row, in which ids that no answer had are not told apart.
    pub fn of_known(&mut self, text: &str) -> String {
        self.normalized(text, false)
    }

    fn normalized(&mut self, text: &str, learns: bool) -> String {
        let mut normal = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = time(rest) {
                normal.push_str("TIME");
                rest = after;
            } else if let Some((id, after)) = uuid(rest) {
                normal.push_str(&self.name(id, learns));
                rest = after;
            } else if let Some(after) =
                word(rest, |character| character.is_ascii_hexdigit(), &[16, 64])
            {
                // Epochs and hashes of tokens.
                normal.push_str("HASH");
                rest = after;
            } else if let Some(after) = token(rest) {
                normal.push_str("\"TOKEN");
                rest = after;
            } else if let Some(after) = rest.strip_prefix("\"oldest_age\":\"") {
                normal.push_str("\"oldest_age\":\"INTERVAL");
                rest = after.trim_start_matches(|character| character != '"');
            } else if let Some(after) = number(rest) {
                normal.push_str("NUMBER");
                rest = after;
            } else if first.is_ascii_alphanumeric() {
                let end = rest
                    .find(|character: char| !character.is_ascii_alphanumeric())
                    .unwrap_or(rest.len());
                normal.push_str(&rest[..end]);
                rest = &rest[end..];
            } else {
                normal.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        normal
    }

    fn name(&mut self, id: &str, learns: bool) -> String {
        let next = self.0.len();
        match self.0.get(id) {
            Some(number) => format!("ID{number}"),
            None if learns => {
                self.0.insert(id.to_owned(), next);
                format!("ID{next}")
            }
            None => "ID".to_owned(),
        }
    }
}

/// What is behind a word of such characters and of one of these lengths.
fn word<'a>(text: &'a str, is_in: impl Fn(char) -> bool, lengths: &[usize]) -> Option<&'a str> {
    let end = text
        .find(|character: char| !character.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    (lengths.contains(&end) && text[..end].chars().all(is_in)).then(|| &text[end..])
}

/// What is behind a token in quotes; a hash of 64 digits can begin as one does.
fn token(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("\"007")?;
    let end = rest.find('"').unwrap_or(rest.len());
    (end > 100).then(|| &rest[end..])
}

fn uuid(text: &str) -> Option<(&str, &str)> {
    let candidate = text.get(..36)?;
    uuid::Uuid::try_parse(candidate).ok()?;
    Some((candidate, &text[36..]))
}

/// `2026-11-29T21:16:47.04+00:00`, with a space too.
fn time(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_date = bytes.len() > 19
        && bytes[..19]
            .iter()
            .zip(b"0000-00-00T00:00:00")
            .all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                shape => byte == shape,
            });
    is_date.then(|| {
        text[19..].trim_start_matches(|character: char| {
            character.is_ascii_digit() || "+.:".contains(character)
        })
    })
}

/// Uids of viewers, which follow from ids; what is left of a wait.
fn number(text: &str) -> Option<&str> {
    for name in [
        "retry_after_ms",
        "cooldown_ms",
        "watch_ms",
        "total_watch_ms",
        "duration_ms",
        "salt",
        "change_id",
        "id",
    ] {
        let value = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_prefix(name))
            // Within the DETAIL of an error its quotes are escaped.
            .map(|rest| rest.strip_prefix('\\').unwrap_or(rest))
            .and_then(|rest| rest.strip_prefix("\":"))
            .map(str::trim_start);
        if let Some(value) =
            value.filter(|value| value.starts_with(|first: char| first.is_ascii_digit()))
        {
            return Some(value.trim_start_matches(|character: char| character.is_ascii_digit()));
        }
    }
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    (end >= 7).then(|| &text[end..])
}
