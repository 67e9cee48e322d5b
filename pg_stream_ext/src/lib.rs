//! Which native functions does the extension bring?
//!
//! It owns functions only, no tables: those come from `sql/`. Every entry point refuses with
//! `forbidden` unless the effective user owns `stream.stream_sessions`, that is, unless it is
//! called from a SECURITY DEFINER function of schema `stream_private`.

mod caller;
mod certificate;
mod chat;
mod epoch;
mod error;
mod guc;
mod history;
mod lifecycle;
mod relay;
mod spi;
mod sync;
mod token;
mod viewer;

pgrx::pg_module_magic!();

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    guc::register();
}
