//! Reading the JWKS again, one reading at a time. When it fails, the keys that are known stay.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::key_source::KeySource;
use super::keys::Keys;
use crate::metrics::KEY_FETCHES;

/// At most one reading in this time for tokens that name unknown keys: anybody can make such tokens.
pub const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);

/// The same, and between two tries of the reader, as long as nothing was read: no key is known, and nobody gets in.
pub(super) const FIRST_READING_INTERVAL: Duration = Duration::from_secs(1);

/// The source of a verifier's keys, and when it was read last.
#[derive(Debug)]
pub(super) struct Refresh {
    source: KeySource,
    read_at: Mutex<Option<Instant>>,
    has_read: AtomicBool,
}

impl Refresh {
    /// `has_read`: its keys are known already.
    pub fn new(source: KeySource, has_read: bool) -> Self {
        Self {
            source,
            read_at: Mutex::new(None),
            has_read: AtomicBool::new(has_read),
        }
    }

    /// Whether the keys were read once.
    pub fn has_read(&self) -> bool {
        self.has_read.load(Ordering::Acquire)
    }

    /// Reads them; false when that failed.
    pub async fn now(&self, apply: impl FnOnce(Keys)) -> bool {
        let mut read_at = self.read_at.lock().await;
        self.read(&mut read_at, apply).await
    }

    /// Reads them unless somebody did a moment ago; true when there are newer ones than before.
    pub async fn for_unknown_key(
        &self,
        has_changed: impl Fn() -> bool,
        apply: impl FnOnce(Keys),
    ) -> bool {
        let mut read_at = self.read_at.lock().await;
        // Somebody else has read them while this one waited.
        if has_changed() {
            return true;
        }
        let interval = match self.has_read() {
            true => UNKNOWN_KEY_INTERVAL,
            false => FIRST_READING_INTERVAL,
        };
        let is_due = read_at.is_none_or(|at| at.elapsed() >= interval);
        is_due && self.read(&mut read_at, apply).await
    }

    async fn read(&self, read_at: &mut Option<Instant>, apply: impl FnOnce(Keys)) -> bool {
        *read_at = Some(Instant::now());
        let source = &self.source;
        let read = source.read().await;
        let outcome = if read.is_ok() { "ok" } else { "failed" };
        metrics::counter!(KEY_FETCHES, "outcome" => outcome).increment(1);
        match read {
            Ok(keys) => {
                tracing::debug!(?source, ?keys, "read the key set");
                apply(keys);
                self.has_read.store(true, Ordering::Release);
                true
            }
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(?source, %error, cause, "cannot read the key set; the known keys stay");
                false
            }
        }
    }
}
