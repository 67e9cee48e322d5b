//! Agora's notices.

pub mod apply;
pub mod session;
