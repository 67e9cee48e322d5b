//! Hostile sessions: search paths and settings.

mod search_path;
mod settings;
mod synchronous_commit;
