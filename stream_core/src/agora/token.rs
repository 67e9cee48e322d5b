//! Access tokens of version 007: their content, and minting.

use super::envelope::wrap;
use super::signature::{SIGNATURE_BYTES, sign};
use super::{AppId, Certificate, ChannelName, Uid};

/// Agora's limit for the life of a token: 24 hours.
pub const MAX_LIFETIME_S: u32 = 86_400;

/// The range that Agora's own libraries draw the salt from is `1..=MAX_SALT`.
pub const MAX_SALT: u32 = 99_999_999;

/// The rights of a token's holder in the channel. The token holds the privileges only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Joins and publishes audio, video and data: the seller.
    Publisher,
    /// Joins: a buyer.
    Subscriber,
}

/// The duration of a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Life {
    /// As long as the token. Only then do Agora's clients announce the end dependably.
    OfToken,
    /// So many seconds, at least 1 and no longer than the token. When the privilege to join ends, Agora
    /// removes the user from the channel at once.
    Seconds(u32),
}

/// The privileges in a channel, each with its duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Privileges {
    pub join: Life,
    pub publish_audio: Option<Life>,
    pub publish_video: Option<Life>,
    pub publish_data: Option<Life>,
}

/// Everything that a token depends on besides the certificate: the same request gives the same
/// token.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    pub app_id: &'a AppId,
    pub channel: &'a ChannelName,
    pub uid: Uid,
    /// `Role::..into()` lets them all end with the token.
    pub privileges: Privileges,
    /// Unix seconds.
    pub issued_at: u32,
    /// 1 to [`MAX_LIFETIME_S`].
    pub expires_in_s: u32,
    /// 1 to [`MAX_SALT`], random.
    pub salt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    #[error("a token lives 1 to 86400 seconds, not {0}")]
    Lifetime(u32),
    #[error("a privilege lives 1 second to as long as its token, not {0} seconds")]
    PrivilegeLifetime(u32),
    #[error("a salt lies between 1 and 99999999, not {0}")]
    Salt(u32),
}

const SERVICE_RTC: u16 = 1;

const JOIN_CHANNEL: u16 = 1;
const PUBLISH_AUDIO: u16 = 2;
const PUBLISH_VIDEO: u16 = 3;
const PUBLISH_DATA: u16 = 4;

impl From<Role> for Privileges {
    fn from(role: Role) -> Self {
        let publish = (role == Role::Publisher).then_some(Life::OfToken);
        Self {
            join: Life::OfToken,
            publish_audio: publish,
            publish_video: publish,
            publish_data: publish,
        }
    }
}

impl Privileges {
    /// The granted ones, by ascending id as the format wants them.
    fn granted(self) -> impl Iterator<Item = (u16, Life)> + Clone {
        [
            (JOIN_CHANNEL, Some(self.join)),
            (PUBLISH_AUDIO, self.publish_audio),
            (PUBLISH_VIDEO, self.publish_video),
            (PUBLISH_DATA, self.publish_data),
        ]
        .into_iter()
        .filter_map(|(id, life)| life.map(|life| (id, life)))
    }
}

impl Life {
    /// In the format 0 would mean "as long as the token", and nothing is clamped by Agora's libraries.
    fn seconds(self, token_s: u32) -> Result<u32, MintError> {
        match self {
            Self::OfToken => Ok(token_s),
            Self::Seconds(seconds) if (1..=token_s).contains(&seconds) => Ok(seconds),
            Self::Seconds(seconds) => Err(MintError::PrivilegeLifetime(seconds)),
        }
    }
}

/// Mints a token of version 007 for one channel and one user.
///
/// # Errors
///
/// [`MintError`] if a life or the salt is out of range; the other values are valid by their types.
pub fn mint(request: &TokenRequest<'_>, certificate: &Certificate) -> Result<String, MintError> {
    if !(1..=MAX_LIFETIME_S).contains(&request.expires_in_s) {
        return Err(MintError::Lifetime(request.expires_in_s));
    }
    if !(1..=MAX_SALT).contains(&request.salt) {
        return Err(MintError::Salt(request.salt));
    }

    let mut content = TokenContent::with_room_for_signature();
    content.put_text(request.app_id.as_bytes());
    content.put_u32(request.issued_at);
    content.put_u32(request.expires_in_s);
    content.put_u32(request.salt);
    // One service.
    content.put_u16(1);
    content.put_u16(SERVICE_RTC);
    content.put_privileges(request.privileges.granted(), request.expires_in_s)?;
    content.put_text(request.channel.as_str().as_bytes());
    content.put_text(request.uid.get().to_string().as_bytes());

    Ok(wrap(&content.signed(request, certificate)))
}

/// The content while it is written: integers little-endian, texts behind their length.
struct TokenContent(Vec<u8>);

const SIGNATURE_FIELD_BYTES: usize = 2 + SIGNATURE_BYTES;

impl TokenContent {
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

    /// App id, channel name and uid: at most 63 bytes each, by their types.
    fn put_text(&mut self, text: &[u8]) {
        self.put_u16(text.len() as u16);
        self.0.extend_from_slice(text);
    }

    fn put_privileges(
        &mut self,
        granted: impl Iterator<Item = (u16, Life)> + Clone,
        token_s: u32,
    ) -> Result<(), MintError> {
        // At most four.
        self.put_u16(granted.clone().count() as u16);
        for (id, life) in granted {
            self.put_u16(id);
            self.put_u32(life.seconds(token_s)?);
        }
        Ok(())
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
        minted_with(Role::Subscriber.into(), expires_in_s, salt)
    }

    fn minted_with(
        privileges: Privileges,
        expires_in_s: u32,
        salt: u32,
    ) -> Result<String, MintError> {
        let request = TokenRequest {
            app_id: &AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap(),
            channel: &ChannelName::parse("room-1").unwrap(),
            uid: Uid::new(1).unwrap(),
            privileges,
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
    fn a_privilege_lives_between_one_second_and_as_long_as_its_token() {
        let joins_for = |seconds| {
            let join = Life::Seconds(seconds);
            minted_with(
                Privileges {
                    join,
                    ..Role::Publisher.into()
                },
                60,
                1,
            )
        };
        assert_eq!(joins_for(0), Err(MintError::PrivilegeLifetime(0)));
        assert!(joins_for(1).is_ok());
        assert_eq!(joins_for(60), minted_with(Role::Publisher.into(), 60, 1));
        assert_eq!(joins_for(61), Err(MintError::PrivilegeLifetime(61)));
    }

    #[test]
    fn only_a_publisher_may_publish() {
        let ids = |role: Role| Privileges::from(role).granted().map(|(id, _)| id);
        assert!(ids(Role::Publisher).eq([1, 2, 3, 4]));
        assert!(ids(Role::Subscriber).eq([1]));
    }
}
