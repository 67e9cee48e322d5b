//! The native functions of the extension.
//!
//! It owns functions only, no tables: those come from `sql/`. Every entry point refuses with
//! `forbidden` unless the effective user owns `stream.stream_sessions`, that is, unless it is
//! called from a SECURITY DEFINER function of schema `stream_private`.

mod auction;
mod batch;
mod bodies;
mod caller;
mod certificate;
mod chat;
mod chat_batch;
mod clock;
mod commit;
mod composite;
mod cooldown;
mod digest;
mod epoch;
mod error;
mod gate;
mod guc;
mod heartbeat;
mod heartbeat_batch;
mod history;
mod host;
mod host_user;
mod json_text;
mod jsonb_text;
mod keyed;
mod lifecycle;
mod limits;
mod log;
mod moderation;
mod patience;
mod place;
mod rate;
mod reads;
mod realtime;
mod relay;
mod relcache;
mod restrictions;
mod sender;
mod server_log;
mod settings;
mod spi;
mod start;
mod state;
mod stored_frames;
mod subscriptions;
mod sweep;
mod sync;
mod sync_messages;
mod tails;
mod ticker;
mod token;
mod unit;
mod utc;
mod viewer;
mod webhook;
mod worker;

pgrx::pg_module_magic!();

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    guc::register();
    server_log::register();
    worker::register();
}
