//! The file or URL that holds the JWKS of the issuer.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use super::keys::{KeySetError, Keys};

/// For the whole of a fetch. A request whose token names an unknown key waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Some hundred times what an issuer publishes.
const MAX_SET_BYTES: usize = 256 * 1024;

/// Where the keys are read, as often as it is asked.
#[derive(Clone)]
pub enum KeySource {
    File(PathBuf),
    Url(Url, Client),
}

/// Why keys could not be read; the ones that are known stay. Completes a sentence that begins with the source.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    #[error("cannot be read")]
    Read(#[from] io::Error),
    #[error("cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    #[error("is answered with status {0}")]
    Status(StatusCode),
    #[error("is longer than {MAX_SET_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    Set(#[from] KeySetError),
}

impl KeySource {
    /// Over HTTPS, or without it on this machine ([`is_safe`]).
    pub fn url(url: Url) -> Result<Self, KeySourceError> {
        let client = Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(Policy::none())
            .user_agent("edge_api")
            .build()
            .map_err(of_fetch)?;
        Ok(Self::Url(url, client))
    }

    pub fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }

    /// The keys as they are now.
    pub async fn read(&self) -> Result<Keys, KeySourceError> {
        let text = match self {
            // A short local file: read in place.
            Self::File(path) => read_file(path)?,
            Self::Url(url, client) => fetch(client, url).await?,
        };
        Ok(Keys::of_set(&text)?)
    }

    /// The keys of a file, at the start of the process.
    pub fn read_file(path: &Path) -> Result<Keys, KeySourceError> {
        Ok(Keys::of_set(&read_file(path)?)?)
    }
}

/// Whether keys from this URL are whose they seem to be: whoever can change them on the way signs tokens.
pub fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => !host.is_empty(),
        "http" => is_here,
        _ => false,
    }
}

fn read_file(path: &Path) -> Result<String, KeySourceError> {
    let length = fs::metadata(path)?.len();
    if length > MAX_SET_BYTES as u64 {
        return Err(KeySourceError::TooLong);
    }
    Ok(fs::read_to_string(path)?)
}

async fn fetch(client: &Client, url: &Url) -> Result<String, KeySourceError> {
    let request = client.get(url.clone()).header("accept", "application/json");
    let mut response = request.send().await.map_err(of_fetch)?;
    if response.status() != StatusCode::OK {
        return Err(KeySourceError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(of_fetch)? {
        if body.len() + chunk.len() > MAX_SET_BYTES {
            return Err(KeySourceError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| KeySetError::NotASet.into())
}

/// The URL is not for the log.
fn of_fetch(error: reqwest::Error) -> KeySourceError {
    KeySourceError::Fetch(error.without_url())
}

/// A URL may hold a password.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Url(url, _) => write!(f, "{}", url.host_str().unwrap_or("a URL")),
        }
    }
}
