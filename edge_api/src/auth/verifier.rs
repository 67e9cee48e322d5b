//! The check of access tokens by the keys that count at the moment.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::SecretString;

use super::claims::judge;
use super::error::AuthError;
use super::key_source::KeySource;
use super::keys::{Keys, check};
use super::refresh::Refresh;
use super::token::Token;
use super::verified::Verified;
use super::verified_tokens::VerifiedTokens;
use crate::caller::Claims;
use crate::rotating::Rotating;

/// Checks access tokens against the project's keys, which may change while it is in use.
pub struct Verifier {
    /// Of secrets, and of the JWKS.
    keys: Rotating<[Keys; 2]>,
    issuer: Option<String>,
    refresh: Option<Refresh>,
    verified: VerifiedTokens,
}

impl Verifier {
    /// With one secret, and no JWKS.
    pub fn new(secret: &SecretString) -> Self {
        Self::with_keys(Keys::of_secrets([secret]))
    }

    /// With secrets of HS256, any of which may have signed a token.
    pub fn with_keys(secrets: Keys) -> Self {
        Self {
            keys: Rotating::new([secrets, Keys::default()]),
            issuer: None,
            refresh: None,
            verified: VerifiedTokens::default(),
        }
    }

    /// With the keys of a JWKS besides, read again from this source.
    pub fn with_key_source(self, source: KeySource, keys: Keys) -> Self {
        let has_read = !keys.is_empty();
        self.set_key_set(keys);
        Self {
            refresh: Some(Refresh::new(source, has_read)),
            ..self
        }
    }

    /// Refuses tokens of another issuer, and without one.
    pub fn with_issuer(self, issuer: Option<String>) -> Self {
        Self { issuer, ..self }
    }

    /// What a token says, if it is to be believed. A token that names an unknown key may wait for the JWKS
    /// to be read again.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, AuthError> {
        match self.verify_by_known_keys(token) {
            Err(AuthError::UnknownKey) if self.has_newer_keys().await => {
                self.verify_by_known_keys(token)
            }
            Err(AuthError::UnknownKey) if !self.has_key_set() => Err(AuthError::NoKeySet),
            outcome => outcome,
        }
    }

    /// False: the JWKS was not read yet, not once.
    pub fn has_key_set(&self) -> bool {
        self.refresh.as_ref().is_none_or(Refresh::has_read)
    }

    /// Reads the JWKS again. False: the reading failed, and the keys are the same as before.
    pub async fn refresh(&self) -> bool {
        match &self.refresh {
            Some(refresh) => refresh.now(|keys| self.set_key_set(keys)).await,
            None => true,
        }
    }

    /// Whether there are newer keys than those that a token was checked by.
    async fn has_newer_keys(&self) -> bool {
        let Some(refresh) = &self.refresh else {
            return false;
        };
        let known = self.keys.get();
        let has_changed = || !Arc::ptr_eq(&known, &self.keys.get());
        refresh
            .for_unknown_key(has_changed, |keys| self.set_key_set(keys))
            .await
    }

    /// From now on these secrets count, and those before do not.
    pub fn set_secrets(&self, secrets: Keys) {
        self.change(|[_, set]| [secrets, set.clone()]);
    }

    /// From now on these keys of the JWKS count, and those before do not. What the same set has verified stays so.
    pub fn set_key_set(&self, keys: Keys) {
        if self.keys.get()[1].are_of_the_same_set(&keys) {
            return;
        }
        self.change(|[secrets, _]| [secrets.clone(), keys]);
    }

    fn change(&self, change: impl FnOnce(&[Keys; 2]) -> [Keys; 2]) {
        self.keys.update(change);
        self.verified.clear();
    }

    fn verify_by_known_keys(&self, token: &str) -> Result<Arc<Verified>, AuthError> {
        let now_s = now_s();
        // Before the keys are read: what older ones verify is not kept.
        let place = match self.verified.look_up(token, now_s) {
            Ok(verified) => return Ok(verified),
            Err(place) => place,
        };
        let parsed = Token::parse(token)?;
        check(&self.keys.get()[..], &parsed)?;
        let claims = parsed.claims()?;
        let decided = judge(&claims, self.issuer.as_deref(), now_s)?;
        let verified = Arc::new(Verified {
            role: decided.role,
            user_id: decided.user_id,
            claims: Claims::new(claims),
            expires_at_s: decided.expires_at_s,
        });
        if let Some(place) = place {
            self.verified.keep(place, verified.clone());
        }
        Ok(verified)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
