//! Settings of a project whose PostgREST is called instead of the database. Its keys are among the secrets.

use clap::Args;

use super::mistakes::Mistakes;
use super::reading::Reading;
use super::secrets::{
    AGORA_WEBHOOK_SECRET, DATABASE_URL, SUPABASE_ANON_KEY, SUPABASE_SERVICE_ROLE_KEY, Secrets,
};

const SUPABASE_URL: &str = "SUPABASE_URL";

#[derive(Debug, Clone, Args)]
pub struct SupabaseSettings {
    /// URL of a Supabase project whose PostgREST is called instead of the database, like
    /// https://PROJECT.supabase.co; its API must expose the schema stream.
    #[arg(long, env = "SUPABASE_URL", value_name = "URL")]
    pub supabase_url: Option<String>,
}

/// Notes what is wrong with the ways to the database together: there must be one.
pub(super) fn check(reading: &Reading, secrets: &Secrets, mistakes: &mut Mistakes) {
    let is_named = reading.value("supabase_url").is_some();
    match (&secrets.database_url, is_named) {
        (Some(_), true) => mistakes.note(
            SUPABASE_URL,
            "is set beside DATABASE_URL: calls go one way, through PostgREST or to the database",
        ),
        (None, false) if !mistakes.name(DATABASE_URL) => {
            mistakes.note(DATABASE_URL, "is not set, nor is SUPABASE_URL");
        }
        (Some(_) | None, _) => {}
    }
    if !is_named {
        return;
    }
    if !cfg!(feature = "postgrest") {
        mistakes.note(
            SUPABASE_URL,
            "needs a build with the cargo feature postgrest",
        );
    }
    if secrets.supabase_anon_key.is_none() && !mistakes.name(SUPABASE_ANON_KEY) {
        mistakes.note(SUPABASE_ANON_KEY, "is not set, and SUPABASE_URL is");
    }
    // What the service does by itself it does as the service role.
    if secrets.supabase_service_role_key.is_none() {
        let needs = format!("needs {SUPABASE_SERVICE_ROLE_KEY} where calls go through PostgREST");
        if reading
            .value("tick_interval_ms")
            .is_some_and(|interval| interval != "0")
        {
            mistakes.note("TICK_INTERVAL_MS", &needs);
        }
        if !secrets.webhooks.is_empty() {
            mistakes.note(AGORA_WEBHOOK_SECRET, &needs);
        }
    }
}

/// The project that is called, if one is.
#[cfg(feature = "postgrest")]
pub(super) fn project(
    reading: &Reading,
    secrets: &Secrets,
    mistakes: &mut Mistakes,
) -> Option<crate::upstream::postgrest::Project> {
    use crate::upstream::postgrest::Project;

    let url = reading.value("supabase_url")?.to_string_lossy();
    let anon_key = secrets.supabase_anon_key.as_ref()?.value();
    let service_key = secrets.supabase_service_role_key.as_ref();
    let service_key = service_key.map(super::secrets::Secret::value);
    match Project::new(&url, anon_key, service_key) {
        Ok(project) => Some(project),
        Err(error) => {
            let sentence = error.to_string();
            let (setting, problem) = sentence
                .split_once(' ')
                .unwrap_or((SUPABASE_URL, &sentence));
            mistakes.note(setting, problem);
            None
        }
    }
}
