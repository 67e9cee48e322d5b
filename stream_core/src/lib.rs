//! The rules of live-auction streaming, apart from any database, network, clock or randomness.
//!
//! Every function here is pure: time and random numbers come in as arguments, so the same rules
//! serve the Postgres extension, the HTTP service and the tests, and every test can be replayed.
//!
//! * [`error`]: the one catalogue of error codes and what each of them decides.
//! * [`lifecycle`]: the states of a stream and the transitions between them.
//! * [`chat`]: the content that a chat message may have.
//! * [`json_escapes`]: escapes of JSON texts that Postgres cannot store.
//! * [`blocked_term`]: the form of a text without spelling tricks, in which blocked terms are searched.
//! * [`rate`]: rate limits.
//! * [`limits`]: the numbers that bound what a caller may ask for.
//! * [`frame`]: the frames that carry log entries to subscribers.
//! * [`governor`]: the windows in which frames and viewer counts are collected, so that Realtime's limit holds.
//! * [`contract`]: the oldest version of the contract that is served.
//! * [`agora`]: Agora access tokens of version 007, and the uids of users.
//! * [`webhook`]: Agora's notifications: signature, order, and what they mean for a stream.

pub mod agora;
pub mod blocked_term;
pub mod chat;
pub mod contract;
pub mod error;
pub mod frame;
pub mod governor;
pub mod json_escapes;
pub mod lifecycle;
pub mod limits;
pub mod rate;
pub mod webhook;
