//! The result of one check of doctor().

use anyhow::{Context, Result};
use serde_json::json;

use crate::database::TestDatabase;

impl TestDatabase {
    /// Status and detail of one check.
    pub async fn check(&self, name: &str) -> Result<(String, String)> {
        let rows = self.service().await?.rpc_rows("doctor", json!({})).await?;
        let row = rows.iter().find(|row| row["check_name"] == name);
        let row = row.with_context(|| format!("no check {name}"))?;
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        Ok((text("status"), text("detail")))
    }
}
