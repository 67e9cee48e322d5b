//! How are Agora's channels, users and access tokens named, minted and read?
//!
//! Only tokens of version 007 ("AccessToken2"), as Agora's own `DynamicKey/AgoraDynamicKey` code
//! in the repository AgoraIO/Tools writes them. Everything that could widen a token silently is
//! unrepresentable: a channel name and a uid are never empty, never a wildcard, and the token and
//! its privileges always end together.
//!
//! Agora enforces the publishing privileges only in projects with "co-host authentication" switched
//! on; without it a subscriber's token lets its holder publish.

mod channel;
mod credentials;
mod decode;
mod deflate;
mod envelope;
mod signature;
mod token;
mod uid;

pub use channel::{ChannelName, ChannelNameError};
pub use credentials::{AppId, AppIdError, Certificate, CertificateError};
pub use decode::{DecodeError, DecodedService, DecodedToken, Privilege, decode};
pub use token::{MAX_LIFETIME_S, MAX_SALT, MintError, Role, TokenRequest, mint};
pub use uid::{FIRST_VIEWER_UID, Uid, UidError, host_uid, viewer_uid};
