//! Faults of the gateway that a test asks for, by `/_local/faults`.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::services::Services;
use crate::services::request::Request;

const PATH: &str = "/_local/faults";

impl Services {
    /// Asks for faults and returns what the gateway has counted since its start.
    pub async fn fault(&self, faults: Value) -> Result<Value> {
        fault_at(&self.supabase_url, &self.keys.service_role_key, faults).await
    }

    /// Takes back the faults that last.
    pub async fn heal(&self) -> Result<Value> {
        self.fault(json!({"heal": true})).await
    }

    /// What the gateway has counted since its start.
    pub async fn gateway_counts(&self) -> Result<Value> {
        let request = Request::get(PATH).header("apikey", &self.keys.service_role_key);
        request.send(&self.supabase_url).await?.ok()
    }
}

/// Asks the gateway at this URL for faults and returns what it has counted since its start.
pub async fn fault_at(url: &str, service_key: &str, faults: Value) -> Result<Value> {
    let request = Request::post(PATH)
        .header("apikey", service_key)
        .json(&faults);
    let answer = request.send(url).await?;
    answer.ok().with_context(|| format!("{faults}"))
}
