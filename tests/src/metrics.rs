//! Figures of the view `stream.metrics`, as the service reads them.

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::types::Json;

use crate::database::TestDatabase;

impl TestDatabase {
    /// A figure by its name and labels; none: there is no such row.
    pub async fn metric(&self, name: &str, labels: &Value) -> Result<Option<f64>> {
        let mut service = self.connect("authenticator").await?;
        let transaction = service.transaction().await?;
        transaction
            .batch_execute("set local role service_role")
            .await?;
        let rows = transaction
            .query(
                "select m.value from stream.metrics as m where m.name = $1 and m.labels = $2",
                &[&name, &Json(labels)],
            )
            .await?;
        anyhow::ensure!(rows.len() <= 1, "{name} is there {} times", rows.len());
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// The same of a figure that is there.
    pub async fn figure(&self, name: &str, labels: Value) -> Result<f64> {
        let figure = self.metric(name, &labels).await?;
        figure.with_context(|| format!("no {name} with {labels}"))
    }
}
