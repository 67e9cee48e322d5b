//! The three who do the regular work: the background worker, calls of `tick`, and the loop of pg_cron.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::task::JoinHandle;
use xtask::cluster::{Cluster, Options};
use xtask::edition::Edition;

use crate::database::TestDatabase;
use crate::own_cluster::OwnCluster;
use crate::waiting::wait_until;

const IS_RUNNING: &str = "select count(*) = 1 from pg_stat_activity
    where backend_type = 'pg_stream_ext worker' and datname = current_database()";

/// As often as the background worker.
const INTERVAL: Duration = Duration::from_millis(50);

/// Who does the regular work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticker {
    Worker,
    Tick,
    Loop,
}

/// A database in which somebody does the regular work until this is dropped.
pub struct Ticking {
    pub database: TestDatabase,
    ticker: Option<JoinHandle<Result<()>>>,
    // Behind the database, which is dropped in it.
    _own: Option<OwnCluster>,
}

impl Ticking {
    pub async fn start(ticker: Ticker, name: &str) -> Result<Self> {
        if ticker == Ticker::Worker {
            let (own, database) = database_with_worker(name).await?;
            return Ok(Self {
                database,
                ticker: None,
                _own: Some(own),
            });
        }
        let database = TestDatabase::create().await?;
        // SQL has no timer of its own for a unit that takes long.
        let timeout = match Edition::chosen()? {
            Edition::Native => "reset statement_timeout",
            Edition::Sql => "set statement_timeout = '3s'",
        };
        let task = if ticker == Ticker::Tick {
            let service = database.service().await?;
            service.execute_within(timeout).await?;
            tokio::spawn(async move {
                loop {
                    service.rpc("tick", json!({})).await?;
                    tokio::time::sleep(INTERVAL).await;
                }
            })
        } else {
            let owner = database.connect("postgres").await?;
            owner.batch_execute(timeout).await?;
            let block = database.tick_loop().await?;
            tokio::spawn(async move {
                loop {
                    owner.batch_execute(&block).await?;
                }
            })
        };
        Ok(Self {
            database,
            ticker: Some(task),
            _own: None,
        })
    }

    /// Returns once a query is true, unless whoever does the regular work has given up.
    pub async fn until(&mut self, query: &str) -> Result<()> {
        let outcome = wait_until(&self.database.owner, query).await;
        if let Some(ticker) = self.ticker.as_mut()
            && ticker.is_finished()
        {
            ticker.await?.context("the ticker ended")?;
        }
        outcome
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
    }
}

/// A database in whose cluster the worker runs.
pub async fn database_with_worker(name: &str) -> Result<(OwnCluster, TestDatabase)> {
    let mut options = Options::temporary(name)?;
    options
        .settings
        .push("shared_preload_libraries=pg_stream_ext".to_owned());
    let mut own = OwnCluster::start(options)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "alter system set pg_stream_ext.database = '{}'",
            database.name()
        ))
        .await?;
    let database = restarted(&mut own.cluster, database).await?;
    Ok((own, database))
}

/// After a restart of the server every connection is a new one.
pub async fn restarted(cluster: &mut Cluster, mut database: TestDatabase) -> Result<TestDatabase> {
    cluster.restart()?;
    database.environment.cluster = cluster.address().clone();
    database.owner = database.connect("postgres").await?;
    wait_until(&database.superuser().await?, IS_RUNNING).await?;
    Ok(database)
}

impl TestDatabase {
    /// The statement that pg_cron runs.
    pub async fn tick_loop(&self) -> Result<String> {
        self.value("select stream_private.tick_loop()").await
    }
}
