//! Is one connection waiting for another one's lock? Asked until it is, so that an interleaving is
//! made and not hoped for.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio_postgres::Client;

use crate::database::TestDatabase;

/// Far more than anything should take, so that only a failure is ever waited for so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// Returns once the server process waits for a lock that another one holds.
pub async fn wait_until_blocked(observer: &Client, backend: i32) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while !is_blocked(observer, backend).await? {
        ensure!(Instant::now() < deadline, "process {backend} never waited");
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Whether the server process waits for a lock that another one holds.
pub async fn is_blocked(observer: &Client, backend: i32) -> Result<bool> {
    let row = observer
        .query_one("select cardinality(pg_blocking_pids($1)) > 0", &[&backend])
        .await?;
    Ok(row.get(0))
}

impl TestDatabase {
    /// Lets connections that are made from now on find a deadlock at once, and not only when a
    /// circle lasts for a second.
    pub async fn find_deadlocks_soon(&self) -> Result<()> {
        let name = self.name();
        let setting = format!("alter database {name} set deadlock_timeout = '50ms'");
        Ok(self.superuser().await?.batch_execute(&setting).await?)
    }
}
