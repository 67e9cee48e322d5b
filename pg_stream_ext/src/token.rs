//! Agora tokens: granting, minting, renewal, inspection, and the certificates that sign them.

pub mod certificate;
pub mod columns;
pub mod generate;
pub mod grant;
pub mod host;
pub mod inspection;
pub mod joining;
pub mod mint;
pub mod refusals;
pub mod renewal;
pub mod request;
pub mod settings;
pub mod stored;
pub mod stream_row;
