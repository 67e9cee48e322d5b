//! `cargo x bench edge`: the cost of a request at `edge_api`, next to the same calls without it and to a Node service.
//!
//! Service, server and load driver share the machine. Whatever is compared runs in turns, round by round, and the CPU
//! that service, server and driver took for a request is printed beside every rate: the rate depends on how the machine
//! shares its cores, the CPU does not.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod closed_loop;
mod compare;
mod connection;
mod cpu;
mod footprint;
mod heartbeats;
mod hot_stream;
mod many_streams;
mod pooled;
#[path = "../viewers/population.rs"]
mod population;
mod requests;
mod rounds;
mod service;
mod subscribers;
mod tokens;
mod world;

use anyhow::Result;
use stream_tests::bench::{self, Report};
use stream_tests::database::TestDatabase;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut report = Report::begin(&database.owner).await?;
    report.add_setting(format!(
        "edge: defaults and {}; {} connections to the database, as the pooled loop and Node in {} workers",
        service::EDGE_SETTINGS.map(|(name, value)| format!("{name}={value}")).join(" "),
        pooled::CONNECTIONS,
        service::NODE_WORKERS,
    ));
    // First: afterwards the machine is busy with what the others leave behind.
    if bench::is_wanted("footprint") {
        footprint::measure(&database, &mut report).await?;
    }
    let world = world::World::create(&database).await?;
    if bench::is_wanted("heartbeats") {
        heartbeats::measure(&world, &mut report).await?;
    }
    if bench::is_wanted("many_streams") {
        many_streams::measure(&world, &mut report).await?;
    }
    if bench::is_wanted("tokens") {
        tokens::measure(&world, &mut report).await?;
    }
    if bench::is_wanted("hot_stream") {
        hot_stream::measure(&world, &mut report).await?;
    }
    drop(world);
    report.finish()
}
