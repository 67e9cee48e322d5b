//! Texts of errors and logs that reach an attacker.

mod hooks_without_rights;
mod internal_texts;
mod quoting;
mod server_states;
