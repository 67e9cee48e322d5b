//! The background worker, which ticks on servers that preload the library.
//!
//! A launcher looks up who owns the tables and starts a worker that logs in as that owner: a SET ROLE
//! from a superuser could be undone by a hook or a trigger. The launcher itself runs no code of the
//! database's users.

use std::ffi::CStr;
use std::time::Duration;

use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, DynamicBackgroundWorker, SignalWakeFlags,
};
use pgrx::prelude::*;

use crate::postgres::caller;
use crate::postgres::guc;
use crate::postgres::setting;
use crate::regular::ticker;

const LIBRARY: &str = "pg_stream_ext";

const TICK_INTERVAL: Duration = Duration::from_millis(50);

/// The interval at which the launcher checks that the worker runs.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// The restart delay after a crash, or while the database does not exist yet.
const RESTART_AFTER: Duration = Duration::from_secs(10);

/// Registers the launcher; only possible while the server preloads the library.
pub fn register() {
    // SAFETY: a plain flag of the process.
    if !unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        return;
    }
    BackgroundWorkerBuilder::new("pg_stream_ext launcher")
        .set_library(LIBRARY)
        .set_function("pg_stream_ext_launcher")
        .enable_spi_access()
        .set_restart_time(Some(RESTART_AFTER))
        .load();
}

#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_stream_ext_launcher(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let database = guc::database();
    BackgroundWorker::connect_worker_to_spi(Some(&database), None);
    // The launcher is a superuser, and the owner of the database could set another path for it.
    caller::set_search_path();
    let mut worker: Option<DynamicBackgroundWorker> = None;
    while BackgroundWorker::wait_latch(Some(WATCH_INTERVAL)) {
        reload_configuration();
        let is_running = worker.as_ref().is_some_and(|worker| worker.pid().is_ok());
        if !is_running {
            worker = table_owner().and_then(|owner| start(&owner));
        }
    }
    if let Some(worker) = worker {
        let _ = worker.terminate().wait_for_shutdown();
    }
    // Code 0 would tell the postmaster never to start the launcher again.
    // SAFETY: the end of a background worker, outside a transaction.
    unsafe { pg_sys::proc_exit(1) };
}

#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_stream_ext_worker(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let owner = BackgroundWorker::get_extra().to_owned();
    BackgroundWorker::connect_worker_to_spi(Some(&guc::database()), Some(&owner));
    caller::set_search_path();
    set_up_session();
    log!("pg_stream_ext worker ticks as role {owner}");
    while goes_on_after(TICK_INTERVAL) {
        reload_configuration();
        ticker::tick_in_transactions();
    }
}

/// Sleeps; returns whether the worker goes on. A cancel has no effect meanwhile.
fn goes_on_after(interval: Duration) -> bool {
    PgTryBuilder::new(|| BackgroundWorker::wait_latch(Some(interval)))
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, |_| true)
        .execute()
}

/// The statements of the regular work are planned and run as inside `stream_private.tick()`: see
/// CONTRIBUTING.md, rules of the code. They override those of the database and the role.
const SETTINGS: [(&CStr, &CStr); 5] = [
    (c"jit", c"off"),
    (c"enable_seqscan", c"off"),
    (c"enable_bitmapscan", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_read_only", c"off"),
];

fn set_up_session() {
    for (name, value) in SETTINGS {
        setting::set(name, value);
    }
}

/// The role to tick as: none while the tables are not there, or when a superuser owns them.
fn table_owner() -> Option<String> {
    BackgroundWorker::transaction(|| {
        Spi::connect(|client| {
            let rows = client.select(
                "select r.rolname::text
                 from pg_catalog.pg_class as t
                 join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
                 join pg_catalog.pg_roles as r on r.oid = t.relowner
                 where n.nspname = 'stream' and t.relname = 'stream_sessions'
                     and r.rolcanlogin and not r.rolsuper",
                Some(1),
                &[],
            );
            rows.ok()
                .and_then(|rows| rows.first().get_one::<String>().ok().flatten())
        })
    })
}

fn start(owner: &str) -> Option<DynamicBackgroundWorker> {
    // SAFETY: reads a variable of this process; whoever starts the worker is told when it starts.
    let launcher = unsafe { pg_sys::MyProcPid };
    BackgroundWorkerBuilder::new("pg_stream_ext worker")
        .set_type("pg_stream_ext worker")
        .set_library(LIBRARY)
        .set_function("pg_stream_ext_worker")
        .set_extra(owner)
        .set_notify_pid(launcher)
        .enable_spi_access()
        .set_restart_time(None)
        .load_dynamic()
        .ok()
}

fn reload_configuration() {
    if BackgroundWorker::sighup_received() {
        // SAFETY: in a worker's main loop, outside a transaction, as Postgres's own workers do.
        unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
    }
}
