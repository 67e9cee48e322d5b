//! Agora's channels, users and access tokens: their names, minting and reading.
//!
//! Tokens of version 007 ("AccessToken2") are minted and read as Agora's own
//! `DynamicKey/AgoraDynamicKey` code in the repository AgoraIO/Tools writes them; those of version 006
//! are only read. Minted tokens name users by number and are for RTC alone; string accounts and RTM are read. Everything that
//! could widen a token silently is unrepresentable: a channel name is never empty, neither it nor a uid is a wildcard, and no
//! privilege outlives its token.
//!
//! Agora enforces the publishing privileges only in projects with "co-host authentication" switched
//! on; without it a subscriber's token lets its holder publish.

mod channel;
mod clock;
mod credentials;
mod decode;
mod decode_error;
mod deflate;
mod envelope;
mod reader;
mod renewal;
mod rotation;
mod signature;
mod token;
mod uid;
mod version_006;

pub use channel::{ChannelName, ChannelNameError};
pub use clock::{ClockWrong, issue_time};
pub use credentials::{AppId, AppIdError, Certificate, CertificateError};
pub use decode::{DecodedService, DecodedToken, Privilege, decode};
pub use decode_error::DecodeError;
pub use renewal::{MIN_AGE_US, TokenTimes};
pub use rotation::{Certificates, Signer};
pub use token::{Life, MAX_LIFETIME_S, MAX_SALT, MintError, Privileges, Role, TokenRequest, mint};
pub use uid::{FIRST_VIEWER_UID, Uid, UidError, host_uid, viewer_uid};
pub use version_006::{DecodedToken006, Privilege006, decode_006};
