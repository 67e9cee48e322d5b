//! `cargo x bench chat`: the cost of messages, batches, the tail queue, resynchronisation and history.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod baseline;
mod held_snapshot;
#[path = "../viewers/population.rs"]
mod population;
mod reading;
mod sending;

use anyhow::Result;
use stream_tests::bench::Report;
use stream_tests::database::TestDatabase;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut report = Report::begin(&database.owner).await?;
    let world = population::BenchedStreams::create(&database).await?;
    held_snapshot::measure(&world, &mut report).await?;
    sending::measure(&world, &mut report).await?;
    reading::measure(&world, &mut report).await?;
    report.finish()
}
