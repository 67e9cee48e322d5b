//! The state that all requests share: the upstream, the verifier of tokens, the secrets of notices, the limits.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use secrecy::SecretString;
use serde_json::value::RawValue;

use crate::answers::Answers;
use crate::auth::Verifier;
use crate::error::ApiError;
use crate::layers::AccessLog;
use crate::limits::Limits;
use crate::metrics::Exposition;
use crate::rotating::WebhookSecrets;
use crate::upstream::breaker::Breaker;
use crate::upstream::{Call, Upstream};

/// The time between two requests of a reader who polls `sync`, unless it is configured.
pub const SYNC_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Shared by every handler; cloning it copies pointers.
#[derive(Clone)]
pub struct AppState {
    upstream: Arc<dyn Upstream>,
    verifier: Arc<Verifier>,
    webhook_secrets: WebhookSecrets,
    breakers: Arc<[Arc<Breaker>]>,
    metrics: Option<Exposition>,
    access_log: AccessLog,
    limits: Arc<Limits>,
    answers: Answers,
    sync_poll_interval: Duration,
}

impl AppState {
    pub fn new(upstream: Arc<dyn Upstream>, verifier: impl Into<Arc<Verifier>>) -> Self {
        Self {
            upstream,
            verifier: verifier.into(),
            webhook_secrets: WebhookSecrets::default(),
            breakers: Arc::new([]),
            metrics: None,
            access_log: AccessLog::default(),
            limits: Arc::new(Limits::none()),
            answers: Answers::within(Answers::DEFAULT_MEMORY_BYTES),
            sync_poll_interval: SYNC_POLL_INTERVAL,
        }
    }

    /// With the secrets of Agora's notification service; without any its notices are refused.
    pub fn with_webhook_secrets(self, secrets: Vec<SecretString>) -> Self {
        self.with_rotating_webhook_secrets(WebhookSecrets::new(secrets))
    }

    /// The same with secrets that may change.
    pub fn with_rotating_webhook_secrets(self, secrets: WebhookSecrets) -> Self {
        Self {
            webhook_secrets: secrets,
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

    /// With metrics that its service may read.
    pub fn with_metrics(self, metrics: Exposition) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// With limits of rates; without them there are none.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self {
            limits: Arc::new(limits),
            ..self
        }
    }

    /// With another time between two requests of a reader who polls `sync`.
    pub fn with_sync_poll_interval(self, interval: Duration) -> Self {
        Self {
            sync_poll_interval: interval,
            ..self
        }
    }

    /// With another choice of requests that are logged than all of them.
    pub fn with_access_log(self, access_log: AccessLog) -> Self {
        Self { access_log, ..self }
    }

    /// With another memory for answers than the usual.
    pub fn with_answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// Makes a call of an operation.
    pub async fn call(&self, call: Call) -> Result<Box<RawValue>, ApiError> {
        Ok(self.upstream.call(Arc::new(call)).await?)
    }

    pub(crate) fn upstream(&self) -> &dyn Upstream {
        self.upstream.as_ref()
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn breakers(&self) -> &[Arc<Breaker>] {
        &self.breakers
    }

    pub(crate) fn metrics(&self) -> Option<&Exposition> {
        self.metrics.as_ref()
    }

    pub(crate) fn access_log(&self) -> AccessLog {
        self.access_log
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    pub(crate) fn sync_poll_interval(&self) -> Duration {
        self.sync_poll_interval
    }

    pub(crate) fn webhook_secrets(&self) -> Arc<Vec<SecretString>> {
        self.webhook_secrets.get()
    }
}

/// What extracting a caller needs, and nothing else of the state.
impl FromRef<AppState> for Arc<Verifier> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.verifier)
    }
}
