//! Settings of the check of access tokens. Its secrets are among all the others, in [`secrets`](super::secrets).

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Url;

use super::mistakes::Mistakes;
use super::reading::Reading;
use super::secrets::{JWT_SECRET, Secrets};
use crate::auth::{KeySource, KeySourceError, Keys, is_safe};

const JWKS_FILE: &str = "JWKS_FILE";

#[derive(Debug, Clone, Args)]
pub struct AuthSettings {
    /// URL of the issuer's JSON Web Key Set, https or on this machine, like
    /// https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json; its keys of ES256, RS256 and HS256 count.
    #[arg(long, env = "JWKS_URL", value_name = "URL", value_parser = key_set_url)]
    pub jwks_url: Option<Url>,
    /// File that holds such a set instead; SIGHUP reads it again.
    #[arg(long, env = "JWKS_FILE", value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// The only issuer whose tokens count, like https://PROJECT.supabase.co/auth/v1; any by default.
    #[arg(long, env = "JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
}

fn key_set_url(text: &str) -> Result<Url, &'static str> {
    text.parse()
        .ok()
        .filter(is_safe)
        .ok_or("is no URL of https, nor of http on this machine")
}

/// Notes what is wrong with the sources of keys together, and returns the keys of `JWKS_FILE`. A URL is read when the
/// service runs, which does not wait for it.
pub(super) fn check(reading: &Reading, secrets: &Secrets, mistakes: &mut Mistakes) -> Option<Keys> {
    let is_set = |id| reading.value(id).is_some();
    let (url, file) = (is_set("jwks_url"), is_set("jwks_file"));
    if url && file {
        mistakes.note("JWKS_URL", "is set beside JWKS_FILE");
    }
    if !url && !file && secrets.jwt.is_empty() && !mistakes.name(JWT_SECRET) {
        mistakes.note(
            JWT_SECRET,
            "is not set, nor is JWKS_URL or JWKS_FILE: no access token could be checked",
        );
    }
    let file = Path::new(reading.value("jwks_file")?);
    let keys = KeySource::read_file(file);
    keys.map_err(|error| mistakes.note(JWKS_FILE, &problem(file, &error)))
        .ok()
}

fn problem(file: &Path, error: &KeySourceError) -> String {
    let file = file.display();
    match error {
        KeySourceError::Read(error) => format!("cannot be read from {file}: {}", error.kind()),
        _ => format!("{error}: {file}"),
    }
}
