//! Settings of the delivery canary. Its password and the project's key are among the secrets.

use clap::Args;
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::mistakes::Mistakes;
use super::reading::Reading;
use super::secrets::{CANARY_PASSWORD, SUPABASE_ANON_KEY, Secret, Secrets};
use crate::auth::is_safe;
use crate::canary;

const CANARY_URL: &str = "CANARY_URL";
const CANARY_EMAIL: &str = "CANARY_EMAIL";

#[derive(Debug, Clone, Args)]
pub struct CanarySettings {
    /// URL of the Supabase project through whose Realtime broadcasts are watched, https or on this machine, like
    /// https://PROJECT.supabase.co; nothing is watched by default.
    #[arg(long, env = "CANARY_URL", value_name = "URL", value_parser = project_url)]
    pub canary_url: Option<Url>,
    /// Address of the user who watches: the one of config.canary_user_id, and nobody else's account.
    #[arg(long, env = "CANARY_EMAIL", value_name = "ADDRESS")]
    pub canary_email: Option<String>,
}

fn project_url(text: &str) -> Result<Url, &'static str> {
    text.parse()
        .ok()
        .filter(|url: &Url| is_safe(url) && url.query().is_none() && url.username().is_empty())
        .ok_or("is no URL of https, nor of http on this machine, without query and user")
}

/// Notes what is missing, since a watcher needs all of it, and a key that no request could bear.
pub(super) fn check(reading: &Reading, secrets: &Secrets, mistakes: &mut Mistakes) {
    let has_url = reading.value("canary_url").is_some();
    let has_email = reading.value("canary_email").is_some();
    let has_password = secrets.canary_password.is_some();
    if !(has_url || has_email || has_password) {
        return;
    }
    for (setting, is_set) in [
        (CANARY_URL, has_url),
        (CANARY_EMAIL, has_email),
        (CANARY_PASSWORD, has_password),
        (SUPABASE_ANON_KEY, secrets.supabase_anon_key.is_some()),
    ] {
        if !is_set && !mistakes.name(setting) {
            mistakes.note(
                setting,
                "is not set, and another setting of the canary is: it needs CANARY_URL, CANARY_EMAIL, \
                 CANARY_PASSWORD and SUPABASE_ANON_KEY",
            );
        }
    }
    let key = secrets.supabase_anon_key.as_ref().map(Secret::expose);
    let is_header = key.is_none_or(|key| HeaderValue::from_str(key).is_ok());
    if !is_header && !mistakes.name(SUPABASE_ANON_KEY) {
        let problem = "holds characters that no header may hold";
        mistakes.note(SUPABASE_ANON_KEY, problem);
    }
}

impl CanarySettings {
    /// Who watches, if anybody does.
    pub(super) fn account(&self, secrets: &Secrets) -> Option<canary::CanarySettings> {
        Some(canary::CanarySettings {
            project: self.canary_url.clone()?,
            email: self.canary_email.clone()?,
            anon_key: secrets.supabase_anon_key.as_ref()?.value().clone(),
            password: secrets.canary_password.as_ref()?.value().clone(),
        })
    }
}
