//! Moderation: restrictions, deletion, chat settings, blocked terms, reports and the record.

mod blocked_terms;
mod chat_settings;
mod deleted_text;
mod deletion;
mod log;
mod properties;
mod races;
mod reports;
mod restriction_ends;
mod restrictions;
mod rights;
