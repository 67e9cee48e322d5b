//! Frames of other streams go out while somebody holds the rows of one.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;

/// More streams than are worked on at once are held, and were noted first.
const HELD: usize = 70;

#[tokio::test]
async fn held_streams_do_not_keep_back_the_tail_of_another() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut held = Vec::new();
    for _ in 0..HELD {
        let session = database.start_stream().await?;
        database.leave_unflushed(session, 1).await?;
        held.push(session);
    }
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; select from stream.chat_relay for update")
        .await?;
    let free = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(free, 3).await?;
    for _ in 0..2 {
        database.tick().await?;
        assert_eq!(database.sent(free).await?.concat(), [1, 2, 3, 4, 5]);
        assert_eq!(database.queued_flushes().await?, i64::try_from(HELD)?);
    }
    holder.batch_execute("rollback").await?;
    database.tick().await?;
    assert_eq!(database.queued_flushes().await?, 0);
    for session in held {
        assert_eq!(database.sent(session).await?.concat(), [1, 2]);
    }
    Ok(())
}

/// A caller's transaction that ticks and stays open is no reason for another ticker to wait, also when it has
/// been open for so long that others work without its row.
#[tokio::test]
async fn a_tick_that_stays_open_keeps_no_other_waiting() -> Result<()> {
    for ticked in ["clock_timestamp()", "now() - interval '10 seconds'"] {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        database.leave_unflushed(session, 3).await?;
        database
            .change(&format!("update stream.ticker set ticked_at = {ticked}"))
            .await?;
        let open = database.connect("postgres").await?;
        open.batch_execute("begin; select stream.tick()").await?;
        database.change("select stream.tick()").await?;
        assert!(database.sent(session).await?.is_empty(), "{ticked}");
        // A wait would have been cut off, and noted.
        let troubles = "select count(*) from stream.troubles";
        assert_eq!(database.value::<i64>(troubles).await?, 0, "{ticked}");
        open.batch_execute("rollback").await?;
        database.tick().await?;
        assert_eq!(
            database.sent(session).await?.concat(),
            [1, 2, 3, 4, 5],
            "{ticked}"
        );
    }
    Ok(())
}
