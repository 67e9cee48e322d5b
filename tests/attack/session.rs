//! Hostile sessions: search paths, settings and kinds of transactions.

mod read_only;
pub mod search_path;
mod settings;
mod synchronous_commit;
