//! `cargo x bench token`: the cost of a token, alone and from SQL.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod like_row;
mod minting;
mod storing;

use anyhow::Result;
use stream_tests::bench::Report;
use stream_tests::database::TestDatabase;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let database = TestDatabase::create().await?;
    // Both sides of the comparison wait for the processor and not for the disk.
    database
        .change(&format!(
            "alter database \"{}\" set synchronous_commit = off;
             set synchronous_commit = off",
            database.name()
        ))
        .await?;
    let mut report = Report::begin(&database.owner).await?;
    minting::measure(&database.environment, &mut report).await?;
    storing::measure(&database, &mut report).await?;
    report.finish()
}
