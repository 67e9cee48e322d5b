//! The native functions of the extension.
//!
//! It owns functions only, no tables: those come from `sql/`. Every entry point refuses with
//! `forbidden` unless the effective user owns `stream.stream_sessions`, that is, unless it is
//! called from a SECURITY DEFINER function of schema `stream_private`.

mod batch;
mod bodies;
mod chat;
mod clock;
mod digest;
mod heartbeat;
mod limits;
mod log;
mod moderation;
mod postgres;
mod rate;
mod reaction;
mod realtime;
mod regular;
mod stream;
mod token;
mod viewer;
mod webhook;

pgrx::pg_module_magic!();

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    postgres::guc::register();
    postgres::server_log::register();
    postgres::foreign_errors::register();
    regular::worker::register();
}
