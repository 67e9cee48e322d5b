//! Agora's notices about channels: verified, parsed, put in order and judged.
//!
//! A notice is signed over its raw bytes ([`verify`]), comes late, twice or in the wrong order, or
//! not at all. So it is read as something untrusted ([`Notice::parse`]), put in order per user by
//! [`Change::position`], and judged as the second witness beside the host's heartbeat
//! ([`host::judge`]). Source of all numbers: Agora's page on notifications of the RTC channel.

mod event;
pub mod host;
mod notice;
mod signature;

pub use event::{Cause, Change, Event, Ignored, UserChange, UserKind};
pub use notice::{
    MAX_CHANNEL_BYTES, MAX_ID_BYTES, MAX_NOTICE_BYTES, MAX_TS, Notice, NoticeError, TEST_CHANNEL,
};
pub use signature::{SHA1_SIGNATURE_HEADER, SIGNATURE_HEADER, SignatureError, verify};

#[cfg(test)]
mod tests;
