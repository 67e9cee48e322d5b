//! What live-auction streaming means, apart from any database, network, clock or randomness.
//!
//! Every function here is pure: time and random numbers come in as arguments, so the same rules
//! serve the Postgres extension, the HTTP service and the tests, and every test can be replayed.
//!
//! * [`error`]: the one catalogue of error codes and what each of them decides.
//! * [`lifecycle`]: the states of a stream and the moves between them.
//! * [`chat`]: what a chat message may contain.
//! * [`json_escapes`]: escapes of JSON texts that Postgres cannot store.
//! * [`blocked_term`]: what a word looks like once spelling tricks are taken away.
//! * [`rate`]: how often somebody may do something.
//! * [`limits`]: the numbers that bound what a caller may ask for.
//! * [`frame`]: how log entries are put together for the wire.
//! * [`agora`]: Agora access tokens of version 007, and who gets which uid.
//! * [`webhook`]: Agora's notifications: signature, order, and what they mean for a stream.

pub mod agora;
pub mod blocked_term;
pub mod chat;
pub mod error;
pub mod frame;
pub mod json_escapes;
pub mod lifecycle;
pub mod limits;
pub mod rate;
pub mod webhook;

#[cfg(test)]
mod property_seed;
