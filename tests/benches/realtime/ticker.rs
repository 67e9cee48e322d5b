//! The regular work: calls of `tick` as a service makes them.

use std::time::Duration;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// That of the background worker.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// Ticks until it is dropped.
pub struct Ticker {
    _task: JoinSet<()>,
}

impl Ticker {
    pub async fn start(database: &TestDatabase) -> Result<Self> {
        let client = database.connect("postgres").await?;
        let tick = client.prepare("select stream.tick()").await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                client
                    .execute(&tick, &[])
                    .await
                    .expect("a tick under no load but the benchmark's succeeds");
            }
        });
        Ok(Self { _task: task })
    }
}
