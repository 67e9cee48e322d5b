//! Settings that the extension reads from postgresql.conf.

use std::ffi::CString;
use std::time::Duration;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

static CERTIFICATE_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static SECONDARY_CERTIFICATE_FILE: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(None);
static DATABASE: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"postgres"));
static BATCH_SESSION_WAIT: GucSetting<i32> = GucSetting::<i32>::new(200);

/// Registers the settings. Their contexts are SIGHUP and superuser, so no caller can change the result of a call. The
/// certificates' settings come from the configuration file alone, and hold a path instead of the secret, because any
/// session can read a custom setting until the library is loaded.
pub fn register() {
    GucRegistry::define_string_guc(
        c"pg_stream_ext.agora_certificate_file",
        c"File that holds the Agora primary certificate.",
        c"Absolute path of a file with 32 hexadecimal digits that only the server's user may read. Empty: the certificate is read from Supabase Vault.",
        &CERTIFICATE_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"pg_stream_ext.agora_secondary_certificate_file",
        c"File that holds the Agora secondary certificate while certificates are rotated.",
        c"As agora_certificate_file. Tokens of this certificate are still recognised; none is minted with it. Empty: stream.config names a Vault secret, or there is none.",
        &SECONDARY_CERTIFICATE_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"pg_stream_ext.database",
        c"Database in which the background worker runs stream.tick().",
        c"Read when the worker starts; the library must be in shared_preload_libraries.",
        &DATABASE,
        GucContext::Sighup,
        GucFlags::empty(),
    );
    GucRegistry::define_int_guc(
        c"pg_stream_ext.batch_session_wait",
        c"How long send_messages waits for the rows of one session.",
        c"Items of a session that is held for longer are refused with lock_timeout. A batch waits five times that altogether.",
        &BATCH_SESSION_WAIT,
        0,
        600_000,
        GucContext::Suset,
        GucFlags::UNIT_MS,
    );
}

/// The wait limit of a batch for one session.
pub fn batch_session_wait() -> Duration {
    Duration::from_millis(BATCH_SESSION_WAIT.get().unsigned_abs().into())
}

/// The database of the background worker.
pub fn database() -> String {
    DATABASE
        .get()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_default()
}

/// The configured path of the primary certificate, if any.
pub fn certificate_file() -> Option<String> {
    path(&CERTIFICATE_FILE)
}

/// The configured path of the secondary certificate, if any.
pub fn secondary_certificate_file() -> Option<String> {
    path(&SECONDARY_CERTIFICATE_FILE)
}

fn path(setting: &GucSetting<Option<CString>>) -> Option<String> {
    let path = setting.get()?.into_string().ok()?;
    (!path.is_empty()).then_some(path)
}
