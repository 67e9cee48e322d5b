//! The state that all requests share: the upstream, the verifier of tokens, the secrets of notices.

use std::sync::Arc;

use axum::extract::FromRef;
use secrecy::SecretString;
use serde_json::value::RawValue;

use crate::auth::Verifier;
use crate::error::ApiError;
use crate::upstream::breaker::Breaker;
use crate::upstream::{Call, Upstream};

/// Shared by every handler; cloning it copies pointers.
#[derive(Clone)]
pub struct AppState {
    upstream: Arc<dyn Upstream>,
    verifier: Arc<Verifier>,
    webhook_secrets: Arc<[SecretString]>,
    breakers: Arc<[Arc<Breaker>]>,
}

impl AppState {
    pub fn new(upstream: Arc<dyn Upstream>, verifier: Verifier) -> Self {
        Self {
            upstream,
            verifier: Arc::new(verifier),
            webhook_secrets: Arc::new([]),
            breakers: Arc::new([]),
        }
    }

    /// With the secrets of Agora's notification service; without any its notices are refused.
    pub fn with_webhook_secrets(self, secrets: Vec<SecretString>) -> Self {
        Self {
            webhook_secrets: secrets.into(),
            ..self
        }
    }

    /// With the breakers of the dependencies that the upstream has.
    pub fn with_breakers(self, breakers: Vec<Arc<Breaker>>) -> Self {
        Self {
            breakers: breakers.into(),
            ..self
        }
    }

    /// Makes a call of an operation.
    pub async fn call(&self, call: Call) -> Result<Box<RawValue>, ApiError> {
        Ok(self.upstream.call(Arc::new(call)).await?)
    }

    pub(crate) fn upstream(&self) -> &dyn Upstream {
        self.upstream.as_ref()
    }

    pub(crate) fn breakers(&self) -> &[Arc<Breaker>] {
        &self.breakers
    }

    pub(crate) fn webhook_secrets(&self) -> &[SecretString] {
        &self.webhook_secrets
    }
}

/// What extracting a caller needs, and nothing else of the state.
impl FromRef<AppState> for Arc<Verifier> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.verifier)
    }
}
