//! How does a test wait for something that happens by itself? It asks until it has happened.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio_postgres::Client;

/// Far more than anything should take, so that only a failure is ever waited for so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// Returns once a query, whose one column is a boolean, answers true.
pub async fn wait_until(client: &Client, query: &str) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let row = client.query_opt(query, &[]).await?;
        if row.is_some_and(|row| row.get::<_, Option<bool>>(0) == Some(true)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it never became true: {query}");
        tokio::task::yield_now().await;
    }
}
