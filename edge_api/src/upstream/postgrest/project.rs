//! A Supabase project: where its PostgREST is, and the keys that its gateway wants.

use std::fmt;

use reqwest_0_11::Url;
use reqwest_0_11::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::header::secret_value;

/// Checked, so that no request can fail for its form.
#[derive(Clone)]
pub struct Project {
    rest_url: String,
    anon_key: HeaderValue,
    service_key: Option<ServiceKey>,
}

/// The key of the service role as headers.
#[derive(Clone)]
pub(super) struct ServiceKey {
    pub apikey: HeaderValue,
    /// None of an `sb_secret_` key, which the gateway exchanges for a token.
    pub bearer: Option<HeaderValue>,
}

/// What is wrong with the project's settings; completes a sentence that begins with the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    #[error("SUPABASE_URL is no URL of http or https without query and password")]
    Url,
    #[error("SUPABASE_ANON_KEY holds characters that no header may hold")]
    AnonKey,
    #[error("SUPABASE_SERVICE_ROLE_KEY holds characters that no header may hold")]
    ServiceKey,
    #[error("the HTTP client of PostgREST cannot be made")]
    Client,
}

impl Project {
    /// `url` is the project's, without `/rest/v1`.
    pub fn new(
        url: &str,
        anon_key: &SecretString,
        service_key: Option<&SecretString>,
    ) -> Result<Self, ProjectError> {
        let parsed: Url = url.parse().map_err(|_| ProjectError::Url)?;
        let is_plain = ["http", "https"].contains(&parsed.scheme())
            && parsed.has_host()
            && parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        if !is_plain {
            return Err(ProjectError::Url);
        }
        let anon_key = secret_value(anon_key.expose_secret()).ok_or(ProjectError::AnonKey)?;
        let service_key = service_key
            .map(|key| ServiceKey::new(key.expose_secret()).ok_or(ProjectError::ServiceKey))
            .transpose()?;
        Ok(Self {
            rest_url: format!("{}/rest/v1", parsed.as_str().trim_end_matches('/')),
            anon_key,
            service_key,
        })
    }

    /// Whether the service itself can call: the ticker, notices of Agora, and calls that go out together.
    pub fn serves_itself(&self) -> bool {
        self.service_key.is_some()
    }

    pub(super) fn rest_url(&self) -> &str {
        &self.rest_url
    }

    pub(super) fn anon_key(&self) -> &HeaderValue {
        &self.anon_key
    }

    pub(super) fn service_key(&self) -> Option<&ServiceKey> {
        self.service_key.as_ref()
    }
}

impl ServiceKey {
    fn new(key: &str) -> Option<Self> {
        let bearer = match key.starts_with("sb_") {
            true => None,
            false => Some(secret_value(&format!("Bearer {key}"))?),
        };
        Some(Self {
            apikey: secret_value(key)?,
            bearer,
        })
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Project({})", self.rest_url)
    }
}
