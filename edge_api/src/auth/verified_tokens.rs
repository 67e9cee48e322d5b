//! Tokens that were verified a moment ago, so that the next request of the same app costs one digest.
//!
//! Checking a signature of ES256 costs more than everything else that the service does for a request.
//! PostgREST keeps such a cache too. An entry counts until its token expires, and none outlives the
//! keys: a change of them empties the cache.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::verified::Verified;

use crate::lock::Lock;

/// The tokens of each half, of which the older is dropped when the younger is full: 1,000 users at a
/// time are all kept, and the cache never holds more than 2,048.
const HALF: usize = 1024;

/// Longer tokens are checked every time, so that the cache has at most some 8 MB.
const MAX_KEPT_BYTES: usize = 4096;

/// No token, only digests: whoever reads the memory finds none.
type Halves = HashMap<[u8; 32], Arc<Verified>>;

/// A bounded cache of verified tokens.
#[derive(Default)]
pub(super) struct VerifiedTokens(Lock<Kept>);

#[derive(Default)]
struct Kept {
    /// Of the keys; what was verified by older ones is not taken.
    round: u64,
    young: Halves,
    old: Halves,
}

/// The place of a token that was looked up.
pub(super) struct Place {
    round: u64,
    digest: [u8; 32],
}

impl VerifiedTokens {
    /// What the token was verified to be, or the place to keep that; neither where it is too long.
    pub fn look_up(&self, token: &str, now_s: u64) -> Result<Arc<Verified>, Option<Place>> {
        if token.len() > MAX_KEPT_BYTES {
            return Err(None);
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut kept = self.0.lock();
        let round = kept.round;
        match kept.take(&digest) {
            Some(verified) if verified.expires_at_s >= now_s => {
                kept.put(digest, verified.clone());
                Ok(verified)
            }
            _ => Err(Some(Place { round, digest })),
        }
    }

    pub fn keep(&self, place: Place, verified: Arc<Verified>) {
        let mut kept = self.0.lock();
        if kept.round == place.round {
            kept.put(place.digest, verified);
        }
    }

    /// Forgets all, and what is being verified at this moment.
    pub fn clear(&self) {
        let mut kept = self.0.lock();
        kept.round += 1;
        kept.young.clear();
        kept.old.clear();
    }
}

impl Kept {
    fn take(&mut self, digest: &[u8; 32]) -> Option<Arc<Verified>> {
        // A young entry stays where it is.
        let young = self.young.get(digest).cloned();
        young.or_else(|| self.old.remove(digest))
    }

    fn put(&mut self, digest: [u8; 32], verified: Arc<Verified>) {
        if self.young.len() >= HALF && !self.young.contains_key(&digest) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedTokens(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Claims, Role};

    fn verified(expires_at_s: u64) -> Arc<Verified> {
        Arc::new(Verified {
            role: Role::ServiceRole,
            user_id: None,
            claims: Claims::new("{}"),
            expires_at_s,
        })
    }

    fn keep(tokens: &VerifiedTokens, token: &str, expires_at_s: u64) {
        let place = tokens.look_up(token, 0).err().flatten();
        tokens.keep(place.expect("a place"), verified(expires_at_s));
    }

    #[test]
    fn an_entry_counts_until_its_token_expires() {
        let tokens = VerifiedTokens::default();
        keep(&tokens, "a", 10);
        assert!(tokens.look_up("a", 10).is_ok());
        assert!(tokens.look_up("b", 10).is_err());
        assert!(tokens.look_up("a", 11).is_err());
    }

    #[test]
    fn what_older_keys_verified_is_not_taken() {
        let tokens = VerifiedTokens::default();
        keep(&tokens, "a", 10);
        let place = tokens.look_up("b", 0).err().flatten().expect("a place");
        tokens.clear();
        assert!(tokens.look_up("a", 0).is_err());
        tokens.keep(place, verified(10));
        assert!(tokens.look_up("b", 0).is_err());
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let tokens = VerifiedTokens::default();
        keep(&tokens, "used", 10);
        for number in 0..10 * HALF {
            keep(&tokens, &number.to_string(), 10);
            if number % 100 == 0 {
                assert!(tokens.look_up("used", 0).is_ok(), "{number}");
            }
        }
        let kept = tokens.0.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * HALF);
        drop(kept);
        assert!(tokens.look_up("0", 0).is_err());
        assert!(
            tokens
                .look_up(&"x".repeat(5000), 0)
                .is_err_and(|place| place.is_none())
        );
    }
}
