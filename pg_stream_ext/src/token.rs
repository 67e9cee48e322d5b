//! Agora tokens and certificates.

pub mod certificate;
pub mod host;
pub mod inspection;
pub mod issue;
pub mod joining;
pub mod renewal;
pub mod rows;
pub mod settings;
pub mod stored;
