//! Waiting until one connection waits for another, so that an interleaving is made and not hoped for.

use anyhow::Result;
use tokio_postgres::Client;

use crate::database::TestDatabase;
use crate::waiting::wait_for;

/// Returns once the server process waits for a lock that another one holds.
pub async fn wait_until_blocked(observer: &Client, backend: i32) -> Result<()> {
    let what = format_args!("process {backend} waits for a lock");
    wait_for(what, async || {
        Ok(is_blocked(observer, backend).await?.then_some(()))
    })
    .await
}

/// Whether the server process waits for a lock that another one holds.
pub async fn is_blocked(observer: &Client, backend: i32) -> Result<bool> {
    let row = observer
        .query_one("select cardinality(pg_blocking_pids($1)) > 0", &[&backend])
        .await?;
    Ok(row.get(0))
}

/// Returns once the server process waits in a bounded wait of the product's own, which asks for the lock
/// again and again.
pub async fn wait_until_retrying_lock(database: &TestDatabase, backend: i32) -> Result<()> {
    let observer = database.superuser().await?;
    let is_asking = "select exists (
        select from pg_stat_activity
        where pid = $1 and (wait_event_type = 'Extension' or wait_event = 'PgSleep'))";
    let what = format_args!("process {backend} asks for a lock again and again");
    wait_for(what, async || {
        let row = observer.query_one(is_asking, &[&backend]).await?;
        Ok(row.get::<_, bool>(0).then_some(()))
    })
    .await
}

impl TestDatabase {
    /// Lets batches of connections that are made from now on wait for a session for as long as a test
    /// takes, and not only for a moment.
    pub async fn let_batches_wait(&self) -> Result<()> {
        let name = self.name();
        let setting = format!("alter database {name} set pg_stream_ext.batch_session_wait = '60s'");
        Ok(self.superuser().await?.batch_execute(&setting).await?)
    }

    /// Lets turns at the gate last for as long as a test takes, and not only for a moment.
    pub async fn let_gate_waits_last(&self) -> Result<()> {
        let setting =
            "alter function stream_private.wait_at_gate(uuid, boolean) set lock_timeout = '60s'";
        self.change(setting).await
    }

    /// Lets connections that are made from now on find a deadlock at once, and not only when a
    /// circle lasts for a second.
    pub async fn find_deadlocks_soon(&self) -> Result<()> {
        let name = self.name();
        let setting = format!("alter database {name} set deadlock_timeout = '50ms'");
        Ok(self.superuser().await?.batch_execute(&setting).await?)
    }
}
