//! Keys that access tokens are signed with: HS256 secrets and the keys of a JWKS, each for one algorithm.
//!
//! The key decides the algorithm, never the token: otherwise a public key would do as a secret, and
//! anybody could sign (RFC 8725, section 3.1).

use std::fmt;

use jsonwebtoken::crypto;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::AuthError;
use super::token::Token;

/// More keys than any issuer has at a time: without a key id each of them is tried.
const MAX_KEYS: usize = 32;

/// Keys shorter than the hash can be guessed faster than the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// RFC 7518, section 3.3; longer ones than 4096 bits only cost time.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A key and the one algorithm it is for.
#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The keys of one source. Never printed.
#[derive(Clone, Default)]
pub struct Keys {
    keys: Vec<Key>,
    /// Of the set's text; none of secrets.
    digest: Option<[u8; 32]>,
}

/// The reason for refusing a key set as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("is no JSON Web Key Set")]
    NotASet,
    #[error("holds more than {MAX_KEYS} keys")]
    TooMany,
    #[error("holds no key for ES256, RS256 or HS256")]
    Empty,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    /// Secrets of HS256. They have no id: a token may name any.
    pub fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let keys = secrets.into_iter().map(|secret| Key {
            id: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.expose_secret().as_bytes()),
        });
        Self {
            keys: keys.collect(),
            digest: None,
        }
    }

    /// The keys of a JWKS (RFC 7517) that tokens can be checked with; others in it are left out.
    pub fn of_set(json: &str) -> Result<Self, KeySetError> {
        let set: KeySet = serde_json::from_str(json).map_err(|_| KeySetError::NotASet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::of).collect();
        match keys.is_empty() {
            true => Err(KeySetError::Empty),
            false => Ok(Self {
                keys,
                digest: Some(Sha256::digest(json).into()),
            }),
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether both were read from the same text of a set.
    pub(super) fn are_of_the_same_set(&self, other: &Self) -> bool {
        self.digest.is_some() && self.digest == other.digest
    }
}

/// Whether one of the keys signed the token. A token that names a key is checked with that one alone, and
/// with the keys that have no name.
pub(super) fn check(groups: &[Keys], token: &Token<'_>) -> Result<(), AuthError> {
    let keys = || groups.iter().flat_map(|keys| &keys.keys);
    let mut candidates = keys().filter(|key| {
        let is_named = key.id.is_none() || token.key_id.is_none() || key.id == token.key_id;
        is_named && key.algorithm == token.algorithm
    });
    let mut is_known = false;
    let is_signed = candidates.any(|key| {
        is_known = true;
        crypto::verify(
            token.signature,
            token.message.as_bytes(),
            &key.key,
            key.algorithm,
        )
        .unwrap_or(false)
    });
    let names = |id: &String| keys().any(|key| key.id.as_ref() == Some(id));
    match token.key_id.as_ref() {
        _ if is_signed => Ok(()),
        Some(id) if !names(id) => Err(AuthError::UnknownKey),
        _ if is_known => Err(AuthError::Invalid("signature")),
        _ => Err(AuthError::Invalid("algorithm")),
    }
}

impl Key {
    /// A key that tokens can be checked with; none: it is for something else, or too weak.
    fn of(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let common = &jwk.common;
        let is_for_signatures = common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_for_signatures || !verifies {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let algorithm = algorithm(&jwk.algorithm, &key)?;
        if common
            .key_algorithm
            .is_some_and(|stated| stated != KeyAlgorithm::from(algorithm))
        {
            return None;
        }
        // A point that is not on the curve is found out here: a key that can be used finds that this
        // signature is none.
        crypto::verify("", b"", &key, algorithm).ok()?;
        Some(Self {
            id: common.key_id.clone(),
            algorithm,
            key,
        })
    }
}

/// The algorithm that a key is for; none where it is too weak or for another one.
fn algorithm(parameters: &AlgorithmParameters, key: &DecodingKey) -> Option<Algorithm> {
    let length = match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => bytes.len(),
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len(),
    };
    match parameters {
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        AlgorithmParameters::RSA(_) if RSA_MODULUS_BYTES.contains(&length) => {
            Some(Algorithm::RS256)
        }
        AlgorithmParameters::OctetKey(_) if length >= MIN_SECRET_BYTES => Some(Algorithm::HS256),
        _ => None,
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}
