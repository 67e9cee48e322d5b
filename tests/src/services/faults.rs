//! Faults of the gateway that a test asks for, by `/_local/faults`.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::services::Services;
use crate::services::request::Request;

const PATH: &str = "/_local/faults";

impl Services {
    /// Asks for faults and returns what the gateway has counted since its start.
    pub async fn fault(&self, faults: Value) -> Result<Value> {
        let request = Request::post(PATH)
            .header("apikey", &self.keys.service_role_key)
            .json(&faults);
        let answer = request.send(&self.supabase_url).await?;
        answer.ok().with_context(|| format!("{faults}"))
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
