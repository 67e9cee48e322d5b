//! `cargo x bench viewers`: the cost of joins, heartbeats and ticks.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod heartbeats;
mod joins;
mod population;
mod ticks;

use anyhow::Result;
use stream_tests::bench::Report;
use stream_tests::database::TestDatabase;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut report = Report::begin(&database.owner).await?;
    let world = population::BenchedStreams::create(&database).await?;
    joins::measure(&world, &mut report).await?;
    heartbeats::measure(&world, &mut report).await?;
    ticks::measure(&world, &mut report).await?;
    report.finish()
}
