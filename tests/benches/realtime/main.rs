//! `cargo x bench realtime`: the time until subscribers see a message, and the deliveries that a message costs.
//!
//! The sockets are plain websocket clients that speak Realtime's protocol to the stand-in; they, the stand-in, the
//! server and the senders share the machine.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod audience;
mod coalescing;
mod crowd;
mod overhead;
#[path = "../viewers/population.rs"]
mod population;
mod ticker;
mod world;

use anyhow::Result;
use stream_tests::bench::{self, Report};
use stream_tests::database::TestDatabase;

use crate::world::World;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    bench::raise_file_limit();
    let database = TestDatabase::create().await?;
    let mut report = Report::begin(&database.owner).await?;
    report.add_setting(format!("tick() every {} ms", ticker::INTERVAL.as_millis()));
    if bench::is_wanted("overhead") {
        overhead::measure(&World::create(&database).await?, &mut report).await?;
    }
    if bench::is_wanted("coalescing") {
        let database = TestDatabase::create().await?;
        coalescing::measure(&World::create(&database).await?, &mut report).await?;
    }
    if bench::is_wanted("crowd") {
        let database = TestDatabase::create().await?;
        let world = World::create(&database).await?;
        let mut crowd = crowd::Crowd::gather(&world).await?;
        crowd.measure(&mut report, crowd::Quota::None).await?;
        crowd.measure(&mut report, crowd::Quota::Limited).await?;
    }
    report.finish()
}
