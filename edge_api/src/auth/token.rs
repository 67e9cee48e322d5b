//! The parts of an access token, a JWS in compact form, before anything in it is believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::AuthError;

/// No genuine token is longer: HTTP servers and proxies refuse longer headers.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The prefixes of API keys that are no JWTs. Supabase's gateway exchanges them, in header `apikey`.
const API_KEY_PREFIXES: [&str; 2] = ["sb_publishable_", "sb_secret_"];

/// A token whose header was read.
pub(super) struct Token<'a> {
    pub algorithm: Algorithm,
    /// The key that it says it was signed with.
    pub key_id: Option<String>,
    /// Everything that the signature signs.
    pub message: &'a str,
    pub payload: &'a str,
    pub signature: &'a str,
}

/// What of the header is looked at. A name that stands there twice is an error.
#[derive(Deserialize)]
struct Header<'a> {
    alg: String,
    kid: Option<String>,
    #[serde(borrow)]
    crit: Option<&'a RawValue>,
}

impl<'a> Token<'a> {
    /// Refuses what can be refused without a key.
    pub fn parse(token: &'a str) -> Result<Self, AuthError> {
        if API_KEY_PREFIXES
            .iter()
            .any(|prefix| token.starts_with(prefix))
        {
            return Err(AuthError::ApiKey);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid("too long"));
        }
        let (message, signature) = token.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, payload) = message.split_once('.').ok_or(MALFORMED)?;
        let header = decoded(header)?;
        let header: Header<'_> = serde_json::from_str(&header).map_err(|_| MALFORMED)?;
        // Extensions that must be understood (RFC 7515, section 4.1.11). None is understood here, and an
        // empty list may not be sent.
        if header.crit.is_some() {
            return Err(AuthError::Invalid("critical extension"));
        }
        let algorithm = match header.alg.as_str() {
            "HS256" => Algorithm::HS256,
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            _ => return Err(AuthError::Invalid("algorithm")),
        };
        Ok(Self {
            algorithm,
            key_id: header.kid,
            message,
            payload,
            signature,
        })
    }

    /// The JSON of the claims.
    pub fn claims(&self) -> Result<String, AuthError> {
        decoded(self.payload)
    }
}

const MALFORMED: AuthError = AuthError::Invalid("malformed");

/// Base64url without padding, of a text (RFC 7515, section 2).
fn decoded(part: &str) -> Result<String, AuthError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED)?;
    String::from_utf8(bytes).map_err(|_| MALFORMED)
}
