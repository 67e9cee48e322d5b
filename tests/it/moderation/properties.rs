//! Does moderation do what a small model says, whoever asks for what and in whatever order?
//!
//! Every case is a random sequence of calls on a stream of its own, by people of every rank. Each
//! answer is compared with the model's, and at the end the tables are, too.

mod model;
mod operation;
mod world;

use anyhow::Result;
use proptest::test_runner::{TestCaseError, TestRunner};
use stream_tests::database::TestDatabase;
use stream_tests::property_seed::config;
use tokio::runtime::Runtime;

use self::world::World;

/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
#[test]
fn every_sequence_of_decisions_is_answered_and_stored_as_the_model_says() -> Result<()> {
    let runtime = Runtime::new()?;
    let database = runtime.block_on(TestDatabase::create())?;
    let world = runtime.block_on(World::enter(&database))?;
    TestRunner::new(config(256)).run(&operation::sequences(), |operations| {
        runtime
            .block_on(world.play(&operations))
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))
    })?;
    Ok(())
}
