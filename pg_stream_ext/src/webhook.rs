//! Notices of Agora's webhook, and the sessions they are about.

pub mod apply;
pub mod session;
