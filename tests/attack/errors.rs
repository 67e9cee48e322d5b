//! What errors and logs tell an attacker.

mod internal_texts;
mod quoting;
mod server_states;
