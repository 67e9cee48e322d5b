//! The search for secrets where others read: in logs and in the statistics of statements.
//!
//! Secrets are found by their value where it is known, and by their form, since nobody counts the
//! tokens of a whole run.

mod watch;

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use anyhow::Result;
use serde::{Deserialize, Serialize};

pub use watch::Watch;

use crate::cluster::{Address, SUPERUSER};

const PRELOADED: &str = "shared_preload_libraries=";

/// All databases, with what is inside functions and what is no query. So many statements that none is
/// forgotten during a run of all tests.
const STATISTICS: [&str; 3] = [
    "pg_stat_statements.track=all",
    "pg_stat_statements.track_utility=on",
    "pg_stat_statements.max=100000",
];

/// Makes a server count its statements, whatever else it loads.
pub fn count_statements(settings: &mut Vec<String>) {
    let preloaded = settings
        .iter()
        .rfind(|setting| setting.starts_with(PRELOADED));
    settings.push(match preloaded {
        Some(others) => format!("{others},pg_stat_statements"),
        None => format!("{PRELOADED}pg_stat_statements"),
    });
    settings.extend(STATISTICS.map(str::to_owned));
}

/// The statements that a server has counted since it was made, or since it was killed, which loses its
/// statistics.
pub fn statements(address: &Address) -> Result<String> {
    address.psql(SUPERUSER, "template1").run(
        "create extension if not exists pg_stat_statements;
         select query from pg_stat_statements;",
    )
}

/// Something that must not be found, and what to call it instead of showing it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret {
    pub what: String,
    pub value: String,
}

/// How tokens begin that nobody told of; a line with one of these is looked at closely.
const BEGINNINGS: [&str; 3] = ["007e", "006", "eyJ"];

/// A search for many secrets in one pass over a text, however many they are.
pub struct Search<'a> {
    secrets: Vec<&'a Secret>,
    /// The secrets, and then [`BEGINNINGS`].
    words: AhoCorasick,
}

impl<'a> Search<'a> {
    pub fn new(secrets: &'a [Secret]) -> Result<Self> {
        // One without text would be everywhere.
        let has_text = |secret: &&Secret| !secret.value.is_empty();
        let secrets: Vec<&Secret> = secrets.iter().filter(has_text).collect();
        let words = secrets.iter().map(|secret| secret.value.as_str());
        let words = AhoCorasick::new(words.chain(BEGINNINGS))?;
        Ok(Self { secrets, words })
    }

    /// The secrets that were found, each with its line; the text of the line is not repeated.
    pub fn of(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        // Sorted by their ends, so the lines in which they end follow one another.
        let mut hits = self.words.find_overlapping_iter(text).peekable();
        while let Some(hit) = hits.peek() {
            let last = hit.end() - 1;
            let begin = text[..last].rfind('\n').map_or(0, |place| place + 1);
            let end = text[last..]
                .find('\n')
                .map_or(text.len(), |place| last + place);
            let mut whats = BTreeSet::new();
            let mut has_beginning = false;
            while let Some(hit) = hits.next_if(|hit| hit.end() <= end.max(last + 1)) {
                match self.secrets.get(hit.pattern().as_usize()) {
                    Some(secret) => _ = whats.insert(secret.what.as_str()),
                    None => has_beginning = true,
                }
            }
            let line = &text[begin..end.max(begin)];
            if has_beginning && has_agora_token(line) {
                whats.insert("an Agora token");
            }
            if has_beginning && has_jwt(line) {
                whats.insert("a JWT");
            }
            if !whats.is_empty() {
                let number = 1 + text[..begin].matches('\n').count();
                let whats = whats.into_iter();
                found.extend(whats.map(|what| format!("line {number} holds {what}")));
            }
        }
        found
    }
}

/// Version 007: a zlib stream in Base64, whose first byte 0x78 makes an `e`. Version 006: an App ID
/// and Base64. Both are longer than any hash.
fn has_agora_token(line: &str) -> bool {
    const SHORTEST: usize = 100;
    if line.len() < SHORTEST {
        return false;
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    line.split(|c| !is_base64(c)).any(|word| {
        let is_007 = word
            .match_indices("007e")
            .any(|(at, _)| word.len() - at >= SHORTEST);
        let is_006 = word.match_indices("006").any(|(at, _)| {
            let rest = &word[at + 3..];
            rest.len() >= SHORTEST
                && rest[..32].bytes().all(|byte| byte.is_ascii_hexdigit())
                && rest.bytes().any(|byte| !byte.is_ascii_hexdigit())
        });
        is_007 || is_006
    })
}

/// Two JSON objects in Base64url and a signature; without one it opens nothing.
fn has_jwt(line: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    line.split(|c| !is_part(c)).any(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.windows(3).any(|parts| {
            parts[0].contains("eyJ") && parts[1].starts_with("eyJ") && parts[2].len() >= 20
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str, secrets: &[Secret]) -> Vec<String> {
        Search::new(secrets).unwrap().of(text)
    }

    const TOKEN_007: &str = "007eJxTYPjE8nhT5umrZ1a+Cr7Rd0DQi/1D1sJ+7mN3Xf5wLeZ7n6DAYGlu4OxsbJqSamaQbGJiZmqalJSYapFoZGhqZmCYZGz0P9Q1vSGQkWG6oiszIwMjAwsQg/hMYJIZTLJAyRL9qvqCqSTGBh4";
    const TOKEN_006: &str = "006970CA35de60c44645bbae8a215061b33IADcoXp6VqH8KE7H0jYyLbBlu0M4v5mHlk2NjzL0p3eQ5AAAAAAAAAAAEADw1b8xAQACAAEAAQAAAAAA";
    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4";

    fn certificate() -> Vec<Secret> {
        vec![Secret {
            what: "the certificate".to_owned(),
            value: "0123456789abcdef0123456789abcdef".to_owned(),
        }]
    }

    #[test]
    fn a_server_counts_beside_what_it_loads_anyway() {
        let loads = |mut settings: Vec<String>| {
            count_statements(&mut settings);
            let last = settings
                .iter()
                .rfind(|setting| setting.starts_with(PRELOADED));
            last.cloned().unwrap()
        };
        assert_eq!(
            loads(vec!["fsync=off".to_owned()]),
            "shared_preload_libraries=pg_stat_statements"
        );
        assert_eq!(
            loads(vec!["shared_preload_libraries=pg_cron".to_owned()]),
            "shared_preload_libraries=pg_cron,pg_stat_statements"
        );
    }

    #[test]
    fn a_known_secret_is_found_in_its_line_and_not_shown() {
        let text = "first\nsecond 0123456789abcdef0123456789abcdef.\nthird";
        assert_eq!(
            search(text, &certificate()),
            ["line 2 holds the certificate"]
        );
        assert!(search("0123456789abcdef", &certificate()).is_empty());
        let inside = Secret {
            what: "a part of it".to_owned(),
            value: "abcdef0123".to_owned(),
        };
        let both = [certificate(), vec![inside]].concat();
        assert_eq!(
            search(text, &both),
            ["line 2 holds a part of it", "line 2 holds the certificate"]
        );
    }

    #[test]
    fn tokens_nobody_told_of_are_found_by_their_form() {
        for (token, what) in [
            (TOKEN_007, "an Agora token"),
            (TOKEN_006, "an Agora token"),
            (JWT, "a JWT"),
        ] {
            for line in [
                token.to_owned(),
                format!("\"{token}\""),
                format!("select f('{token}')"),
                format!("token={token}, uid=1"),
            ] {
                assert_eq!(search(&line, &[]), [format!("line 1 holds {what}")]);
            }
        }
    }

    #[test]
    fn what_only_resembles_a_token_is_none() {
        let unsigned = format!("{}.", JWT.rsplit_once('.').unwrap().0);
        let hashes = "007e".repeat(16);
        for line in [
            "",
            "007",
            "shipped 006 of 007 parcels",
            &hashes,
            &unsigned,
            "eyJhbGciOiJIUzI1NiJ9",
            "edge_api::routes::tokens: 007 refused",
            &"0".repeat(500),
        ] {
            assert!(search(line, &[]).is_empty(), "{line}");
        }
    }
}
