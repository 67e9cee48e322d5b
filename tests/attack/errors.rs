//! Texts of errors and logs that reach an attacker.

mod internal_texts;
mod quoting;
mod server_states;
