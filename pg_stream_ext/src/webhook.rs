//! Agora's notices.

pub mod apply;
