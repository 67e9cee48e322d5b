//! Hostile sessions: search paths and settings.

pub mod search_path;
mod settings;
mod synchronous_commit;
