//! Verification of access tokens: signature, times, issuer, audience, role and subject.
//!
//! * [`Keys`]: secrets of HS256 and keys of a JWKS, each for one algorithm; [`KeySource`]: where a JWKS is read.
//! * [`Verifier`]: checks tokens by the keys that count at the moment.
//! * [`KeyRefresher`]: reads the JWKS again from time to time.

mod bearer;
mod claims;
mod error;
mod key_source;
mod keys;
mod refresh;
mod refresher;
mod token;
mod verified;
mod verified_tokens;
mod verifier;

pub use error::AuthError;
pub use key_source::{KeySource, KeySourceError, is_safe};
pub use keys::{KeySetError, Keys};
pub use refresh::UNKNOWN_KEY_INTERVAL;
pub use refresher::{KeyRefresher, REFRESH_INTERVAL};
pub use verified::Verified;
pub use verifier::Verifier;
