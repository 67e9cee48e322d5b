//! Secrets that change while the service runs: SIGHUP reads their files, and the file of the JWKS, again.
//!
//! A file that cannot be read or holds no usable secret keeps the old one, and the log says which.

use std::io;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::auth::{Keys, Verifier};
use crate::config::secrets::{Secret, Secrets};
use crate::rotating::{Rotating, WebhookSecrets};

/// All that is read again, and where it is used.
#[derive(Debug)]
pub struct Rotation {
    secrets: Secrets,
    verifier: Arc<Verifier>,
    webhooks: WebhookSecrets,
}

impl Rotation {
    pub fn new(secrets: Secrets, verifier: Arc<Verifier>) -> Self {
        let webhooks = Rotating::new(values(&secrets.webhooks));
        Self {
            secrets,
            verifier,
            webhooks,
        }
    }

    pub fn webhooks(&self) -> WebhookSecrets {
        self.webhooks.clone()
    }

    /// Reads everything again that came from a file.
    pub async fn read_again(&mut self) {
        for secret in self
            .secrets
            .jwt
            .iter_mut()
            .chain(&mut self.secrets.webhooks)
        {
            match secret.read_again() {
                Ok(read) => *secret = read,
                Err(problem) => {
                    let secret = secret.variable();
                    tracing::error!(secret, problem, "a secret stays as it was");
                }
            }
        }
        let jwt = values(&self.secrets.jwt);
        self.verifier.set_secrets(Keys::of_secrets(&jwt));
        self.webhooks.set(values(&self.secrets.webhooks));
        let is_key_set_read = self.verifier.refresh().await;
        tracing::info!(is_key_set_read, "read the secrets again");
    }
}

fn values(secrets: &[Secret]) -> Vec<SecretString> {
    secrets
        .iter()
        .map(|secret| secret.value().clone())
        .collect()
}

/// The task that reads again at SIGHUP; dropping it ends it.
#[derive(Debug)]
pub struct RotationTask {
    _task: JoinSet<()>,
}

impl RotationTask {
    /// The handler is installed before this returns.
    pub fn start(mut rotation: Rotation) -> io::Result<Self> {
        let mut hangups = signal(SignalKind::hangup())?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            while hangups.recv().await.is_some() {
                rotation.read_again().await;
            }
        });
        Ok(Self { _task: task })
    }
}
