//! A server whose log is read: what a caller passed must not stand in it.

use anyhow::{Result, ensure};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::session::Session;
use uuid::Uuid;
use xtask::cluster::Options;
use xtask::edition::Edition;

/// Whoever finds it has found what a caller passed.
pub const PASSED: &str = "passed-by-a-caller";

/// A server whose log nobody else writes; where there is a library, loaded as docs/operations.md advises.
pub struct Server {
    pub database: TestDatabase,
    pub stream: Uuid,
    own: OwnCluster,
}

impl Server {
    pub async fn start(name: &str) -> Result<Self> {
        let mut options = Options::temporary(name)?;
        if Edition::chosen()? == Edition::Native {
            let preloaded = "session_preload_libraries=pg_stream_ext".to_owned();
            options.settings.push(preloaded);
        }
        let own = OwnCluster::start(options)?;
        let database = TestDatabase::create_in(own.make_template("")?).await?;
        let stream = database.stream_in(StreamState::Active).await?;
        Ok(Self {
            database,
            stream,
            own,
        })
    }

    /// What is logged while something is done. A server process writes its log before it answers.
    pub async fn logged<T>(&self, done: impl Future<Output = Result<T>>) -> Result<String> {
        let before = self.own.log()?.len();
        done.await?;
        let log = self.own.log()?;
        // Checkpoints come when they come.
        let lines = log[before..].lines();
        let lines = lines.filter(|line| !line.contains("checkpoint "));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Of one connection after the other, so that each has a fresh library.
    pub async fn callers(&self) -> Result<[Session; 3]> {
        Ok([
            self.database.user(demo::SELLER).await?,
            self.database.user(demo::BEN).await?,
            self.database.service().await?,
        ])
    }
}

/// No argument stands in the log. A hook of the library keeps the refusals themselves out, too.
pub fn expect_unquoted(logged: &str) -> Result<()> {
    ensure!(!logged.contains(PASSED), "{logged}");
    if Edition::chosen()? == Edition::Native {
        ensure!(logged.is_empty(), "{logged}");
    }
    Ok(())
}
