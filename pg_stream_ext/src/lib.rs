//! Which native functions does the extension bring?
//!
//! It owns functions only, no tables: those come from `sql/`. Every entry point refuses with
//! `forbidden` unless the effective user owns `stream.stream_sessions`, that is, unless it is
//! called from a SECURITY DEFINER function of schema `stream_private`.

mod caller;
mod certificate;
mod chat;
mod clock;
mod commit;
mod epoch;
mod error;
mod guc;
mod heartbeat;
mod heartbeat_batch;
mod history;
mod lifecycle;
mod relay;
mod spi;
mod start;
mod sweep;
mod sync;
mod ticker;
mod token;
mod viewer;
mod worker;

pgrx::pg_module_magic!();

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    guc::register();
    worker::register();
}
