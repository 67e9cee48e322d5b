//! Viewers who react and keep their transactions open delay neither each other nor the chat.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::reactions::{accepted, react, react_within};
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

const REACTING: usize = 8;

/// A live stream where whoever waits without end is ended by a timeout, and fails.
async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    database.let_react_often().await?;
    let timeout = format!(
        "alter database {} set statement_timeout = '20s'",
        database.name()
    );
    database.superuser().await?.batch_execute(&timeout).await?;
    let session = database.stream_in(StreamState::Active).await?;
    Ok((database, session))
}

/// Viewers with a transaction open in which each has reacted twice.
async fn reacting(database: &TestDatabase, session: Uuid) -> Result<Vec<Session>> {
    let mut open = Vec::new();
    for number in 0..REACTING {
        let user = database.add_user(&format!("viewer{number}")).await?;
        let viewer = database.viewer(session, user).await?;
        viewer.begin().await?;
        for _ in 0..2 {
            let answer = react_within(&viewer, session, "love").await;
            assert_eq!(
                answer.with_context(|| format!("viewer {number}"))?,
                accepted()
            );
        }
        open.push(viewer);
    }
    Ok(open)
}

#[tokio::test]
async fn eight_open_reactions_to_one_stream_wait_for_nothing_and_hold_up_nobody() -> Result<()> {
    let (database, session) = live().await?;
    // The row in which all of them would meet.
    let ada = database.viewer(session, demo::ADA).await?;
    react(&ada, session, "love").await?;
    let seller = database.user(demo::SELLER).await?;
    let open = reacting(&database, session).await?;

    // The others go on: they react, write, come and go, and are counted.
    assert_eq!(react(&ada, session, "love").await?, accepted());
    assert_eq!(react(&seller, session, "love").await?, accepted());
    for caller in [&ada, &seller] {
        send_message(caller, session, "hello").await?;
    }
    let written = send_heartbeat(&seller, session).await?;
    assert_eq!(written["next_in_ms"], 15_000);
    let of_it = json!({"session_id": session});
    let ben = database.viewer(session, demo::BEN).await?;
    ben.rpc("remove_viewer", of_it.clone()).await?;
    seller.rpc("pause_stream", of_it.clone()).await?;
    seller.rpc("resume_stream", of_it).await?;
    database.tick().await?;
    let viewers = i64::try_from(REACTING)? + 1;
    assert_eq!(database.counts_sent(session).await?, [viewers]);
    // A wait of the tick would have been cut off, and noted.
    let troubles = "select count(*) from stream.troubles";
    assert_eq!(database.value::<i64>(troubles).await?, 0);

    for viewer in open {
        viewer.commit().await?;
    }
    database.tick_after_windows().await?;
    let all = i64::try_from(2 * REACTING)? + 3;
    assert_eq!(database.totals_sent(session).await?["love"], all);
    assert_eq!(database.reaction_rows(session).await?["counts"], 0);
    Ok(())
}

/// A message that holds the head and the relay of the log, and a tick that holds what it has sent.
#[tokio::test]
async fn a_reaction_waits_for_no_message_and_no_tick() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    react(&ben, session, "love").await?;
    ada.begin().await?;
    let hello = json!({"session_id": session, "content": "hello"});
    ada.rpc_within("send_message", hello).await?;
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(react(&seller, session, "love").await?, accepted());
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(
            "begin; update stream.ticker set swept_at = '-infinity'; select stream.tick()",
        )
        .await?;
    assert_eq!(react(&ben, session, "love").await?, accepted());
    holder.batch_execute("rollback").await?;
    ada.commit().await?;
    database.tick_after_windows().await?;
    assert_eq!(database.totals_sent(session).await?["love"], 3);
    Ok(())
}

/// However many react, there are as many rows as reacted at the same moment, and a reaction reads no others.
#[tokio::test]
async fn the_rows_of_a_stream_do_not_grow_with_its_reactions() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for _ in 0..200 {
        react(&ada, session, "love").await?;
    }
    assert_eq!(database.reaction_rows(session).await?["counts"], 1);
    for viewer in reacting(&database, session).await? {
        viewer.commit().await?;
    }
    let rows = database.reaction_rows(session).await?["counts"];
    assert_eq!(rows, i64::try_from(REACTING)?);
    for _ in 0..200 {
        react(&ada, session, "love").await?;
    }
    assert_eq!(database.reaction_rows(session).await?["counts"], rows);
    Ok(())
}
