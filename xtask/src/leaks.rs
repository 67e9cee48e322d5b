//! The search for secrets where others read: in logs and in the statistics of statements.
//!
//! Secrets are found by their value where it is known, and by their form, since nobody counts the
//! tokens of a whole run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

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

/// The secrets that were found, each with its line; the text of the line is not repeated.
pub fn search(text: &str, secrets: &[Secret]) -> Vec<String> {
    // Most are nowhere, which one look at the whole text tells.
    let is_there = |secret: &&Secret| !secret.value.is_empty() && text.contains(&secret.value);
    let secrets: Vec<&Secret> = secrets.iter().filter(is_there).collect();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let known = secrets
            .iter()
            .filter(|secret| line.contains(&secret.value))
            .map(|secret| secret.what.as_str());
        let formed = [
            (has_agora_token(line), "an Agora token"),
            (has_jwt(line), "a JWT"),
        ];
        let formed = formed
            .into_iter()
            .filter_map(|(is_there, what)| is_there.then_some(what));
        let whats: BTreeSet<&str> = known.chain(formed).collect();
        found.extend(
            whats
                .into_iter()
                .map(|what| format!("line {number} holds {what}")),
        );
    }
    found
}

/// Version 007: a zlib stream in Base64, whose first byte 0x78 makes an `e`. Version 006: an App ID
/// and Base64. Both are longer than any hash.
fn has_agora_token(line: &str) -> bool {
    const SHORTEST: usize = 100;
    // Logs of many megabytes are searched by a program that is not optimised: words are looked at where one can be.
    if line.len() < SHORTEST || !(line.contains("007e") || line.contains("006")) {
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
    if !line.contains("eyJ") {
        return false;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    line.split(|c| !is_part(c)).any(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.windows(3).any(|parts| {
            parts[0].contains("eyJ") && parts[1].starts_with("eyJ") && parts[2].len() >= 20
        })
    })
}

/// The lines written into the logs of a directory since a moment.
pub struct Watch {
    directory: PathBuf,
    lengths: BTreeMap<PathBuf, usize>,
}

impl Watch {
    /// From now on.
    pub fn begin(directory: &Path) -> Result<Self> {
        let logs = logs(directory)?;
        let lengths = logs.into_iter().map(|(path, bytes)| (path, bytes.len()));
        Ok(Self {
            directory: directory.to_owned(),
            lengths: lengths.collect(),
        })
    }

    /// Each log's new part, by its path; none of them is empty.
    pub fn written(&self) -> Result<Vec<(PathBuf, String)>> {
        let logs = logs(&self.directory)?.into_iter();
        let written = logs.filter_map(|(path, bytes)| {
            let old = self.lengths.get(&path).copied().unwrap_or(0);
            // A shorter one was begun anew.
            let new = bytes.get(old..).unwrap_or(&bytes);
            (!new.is_empty()).then(|| (path, String::from_utf8_lossy(new).into_owned()))
        });
        Ok(written.collect())
    }
}

fn logs(directory: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            logs.push((path, bytes));
        }
    }
    logs.sort();
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn only_what_was_written_since_is_looked_at() {
        let directory = std::env::temp_dir().join(format!("leaks-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (old, new) = (directory.join("old.log"), directory.join("new.log"));
        fs::write(&old, "before\n").unwrap();
        let watch = Watch::begin(&directory).unwrap();
        assert!(watch.written().unwrap().is_empty());
        fs::write(&old, "before\nafter\n").unwrap();
        fs::write(&new, "begun\n").unwrap();
        fs::write(directory.join("apt.txt"), "no log\n").unwrap();
        let written = watch.written().unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(
            written,
            [(new, "begun\n".to_owned()), (old, "after\n".to_owned())]
        );
    }
}
