//! What is in an Agora access token, and how is one minted?

use super::envelope::wrap;
use super::signature::{SIGNATURE_BYTES, sign};
use super::{AppId, Certificate, ChannelName, Uid};

/// Agora's limit for the life of a token: 24 hours.
pub const MAX_LIFETIME_S: u32 = 86_400;

/// The range that Agora's own libraries draw the salt from is `1..=MAX_SALT`.
pub const MAX_SALT: u32 = 99_999_999;

/// What the holder of a token may do in the channel. The token holds the privileges only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Joins and publishes audio, video and data: the seller.
    Publisher,
    /// Joins: a buyer.
    Subscriber,
}

/// Everything that a token depends on besides the certificate: the same request gives the same
/// token.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    pub app_id: &'a AppId,
    pub channel: &'a ChannelName,
    pub uid: Uid,
    pub role: Role,
    /// Unix seconds.
    pub issued_at: u32,
    /// 1 to [`MAX_LIFETIME_S`]. The token and all its privileges end at the same time: only then
    /// do Agora's clients announce the end dependably.
    pub expires_in_s: u32,
    /// 1 to [`MAX_SALT`], random.
    pub salt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    #[error("a token lives 1 to 86400 seconds, not {0}")]
    Lifetime(u32),
    #[error("a salt lies between 1 and 99999999, not {0}")]
    Salt(u32),
}

pub(super) const SERVICE_RTC: u16 = 1;

const JOIN_CHANNEL: u16 = 1;
const PUBLISH_AUDIO: u16 = 2;
const PUBLISH_VIDEO: u16 = 3;
const PUBLISH_DATA: u16 = 4;

impl Role {
    /// The ids of the granted privileges, ascending as the format wants them.
    pub const fn privileges(self) -> &'static [u16] {
        match self {
            Self::Publisher => &[JOIN_CHANNEL, PUBLISH_AUDIO, PUBLISH_VIDEO, PUBLISH_DATA],
            Self::Subscriber => &[JOIN_CHANNEL],
        }
    }
}

/// Mints a token of version 007 for one channel and one user.
///
/// # Errors
///
/// [`MintError`] if the life or the salt is out of range; the other values are valid by their types.
pub fn mint(request: &TokenRequest<'_>, certificate: &Certificate) -> Result<String, MintError> {
    if !(1..=MAX_LIFETIME_S).contains(&request.expires_in_s) {
        return Err(MintError::Lifetime(request.expires_in_s));
    }
    if !(1..=MAX_SALT).contains(&request.salt) {
        return Err(MintError::Salt(request.salt));
    }

    let mut content = Content::with_room_for_signature();
    content.put_text(request.app_id.as_bytes());
    content.put_u32(request.issued_at);
    content.put_u32(request.expires_in_s);
    content.put_u32(request.salt);
    // One service.
    content.put_u16(1);
    content.put_u16(SERVICE_RTC);
    let privileges = request.role.privileges();
    content.put_u16(privileges.len() as u16);
    for privilege in privileges {
        content.put_u16(*privilege);
        content.put_u32(request.expires_in_s);
    }
    content.put_text(request.channel.as_str().as_bytes());
    content.put_text(request.uid.get().to_string().as_bytes());

    Ok(wrap(&content.signed(request, certificate)))
}

/// The content while it is written: integers little-endian, texts behind their length.
struct Content(Vec<u8>);

const SIGNATURE_FIELD_BYTES: usize = 2 + SIGNATURE_BYTES;

impl Content {
    /// The signature stands first and covers what follows it, so its place is kept free.
    fn with_room_for_signature() -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&(SIGNATURE_BYTES as u16).to_le_bytes());
        bytes.resize(SIGNATURE_FIELD_BYTES, 0);
        Self(bytes)
    }

    fn put_u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// App id, channel name and uid: at most 63 bytes each.
    fn put_text(&mut self, text: &[u8]) {
        self.put_u16(text.len() as u16);
        self.0.extend_from_slice(text);
    }

    fn signed(mut self, request: &TokenRequest<'_>, certificate: &Certificate) -> Vec<u8> {
        let (head, signed) = self.0.split_at_mut(SIGNATURE_FIELD_BYTES);
        let signature = sign(certificate, request.issued_at, request.salt, signed);
        head[2..].copy_from_slice(&signature);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minted(expires_in_s: u32, salt: u32) -> Result<String, MintError> {
        let request = TokenRequest {
            app_id: &AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap(),
            channel: &ChannelName::parse("room-1").unwrap(),
            uid: Uid::new(1).unwrap(),
            role: Role::Subscriber,
            issued_at: 1_735_689_600,
            expires_in_s,
            salt,
        };
        let certificate = Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        mint(&request, &certificate)
    }

    #[test]
    fn a_token_lives_between_one_second_and_one_day() {
        assert_eq!(minted(0, 1), Err(MintError::Lifetime(0)));
        assert!(minted(1, 1).is_ok());
        assert!(minted(86_400, 1).is_ok());
        assert_eq!(minted(86_401, 1), Err(MintError::Lifetime(86_401)));
    }

    #[test]
    fn a_salt_out_of_range_is_refused() {
        assert_eq!(minted(60, 0), Err(MintError::Salt(0)));
        assert!(minted(60, 99_999_999).is_ok());
        assert_eq!(minted(60, 100_000_000), Err(MintError::Salt(100_000_000)));
    }

    #[test]
    fn the_same_request_gives_the_same_token_and_another_salt_another() {
        assert_eq!(minted(60, 5), minted(60, 5));
        assert_ne!(minted(60, 5), minted(60, 6));
    }

    #[test]
    fn only_a_publisher_may_publish() {
        assert_eq!(Role::Publisher.privileges(), [1, 2, 3, 4]);
        assert_eq!(Role::Subscriber.privileges(), [1]);
    }
}
