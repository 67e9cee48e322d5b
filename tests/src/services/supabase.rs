//! Starting a stand-in for Supabase over a test's database, for measurements that need one of their own.

use crate::database::TestDatabase;
use crate::services::faults::fault_at;
use anyhow::Result;
use serde_json::{Value, json};
use xtask::run::Run;

/// The running stand-in; stopped when it is dropped.
pub struct Supabase {
    /// `address:port`.
    pub address: String,
    pub api_key: String,
    service_key: String,
    _run: Run,
}

impl Supabase {
    pub fn start(database: &TestDatabase, jwt_secret: &str) -> Result<Self> {
        let environment = &database.environment;
        let mut run = Run::begin(&format!("supabase-{}", std::process::id()))?;
        let services = xtask::services::Services {
            bin_dir: &environment.bin_dir,
            address: &environment.cluster,
            database: database.name(),
            jwt_secret,
            webhook_secret: None,
            log_dir: &environment.log_dir,
            log_levels: None,
            tick_interval_ms: 0,
        };
        let url = services.start_supabase(&mut run)?;
        let keys = services.keys()?;
        Ok(Self {
            address: url.trim_start_matches("http://").to_owned(),
            api_key: keys.anon_key,
            service_key: keys.service_role_key,
            _run: run,
        })
    }

    /// From now on it drops rows and closes channels above so many messages a second, as the real server does. Returns what it
    /// has counted since its start.
    pub async fn limit(&self, messages_per_s: u32) -> Result<Value> {
        let url = format!("http://{}", self.address);
        let quota = json!({"quota": {"events_per_second": messages_per_s}});
        fault_at(&url, &self.service_key, quota).await
    }
}
