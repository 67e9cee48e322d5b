//! What do all requests share?

use std::sync::Arc;

use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::auth::{Caller, Verifier};
use crate::error::ApiError;
use crate::upstream::{Call, Upstream};

/// Shared by every handler; cloning it copies three pointers.
#[derive(Clone)]
pub struct AppState {
    upstream: Arc<dyn Upstream>,
    verifier: Arc<Verifier>,
    webhook_secrets: Arc<[SecretString]>,
}

impl AppState {
    pub fn new(upstream: Arc<dyn Upstream>, verifier: Verifier) -> Self {
        Self {
            upstream,
            verifier: Arc::new(verifier),
            webhook_secrets: Arc::new([]),
        }
    }

    /// With the secrets of Agora's notification service; without any its notices are refused.
    pub fn with_webhook_secrets(self, secrets: Vec<SecretString>) -> Self {
        Self {
            webhook_secrets: secrets.into(),
            ..self
        }
    }

    /// Calls a SQL function as the caller and reads its answer as `T`.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        call: Call,
    ) -> Result<T, ApiError> {
        let answer = self.upstream.call(caller, &call).await?;
        serde_json::from_str(answer.get()).map_err(|error| {
            // Where it stopped is said, what it read is not: answers hold tokens and messages.
            let (line, column, kind) = (error.line(), error.column(), error.classify());
            ApiError::internal(format!(
                "unexpected answer of {}: {kind:?} error at line {line} column {column}",
                call.function
            ))
        })
    }

    pub(crate) fn upstream(&self) -> &dyn Upstream {
        self.upstream.as_ref()
    }

    pub(crate) fn webhook_secrets(&self) -> &[SecretString] {
        &self.webhook_secrets
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}
