//! The totals that are broadcast: added up, once a window, and none of them lost.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::reactions::{react, react_within};
use stream_tests::waiting::wait_for;
use uuid::Uuid;

const DROP_TODAY: &str = "do $$ begin
    execute format('drop table realtime.messages_%s', to_char(now() at time zone 'UTC', 'YYYY_MM_DD'));
end $$";

async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    Ok((database, session))
}

async fn counts(database: &TestDatabase, session: Uuid) -> Result<i64> {
    Ok(database.reaction_rows(session).await?["counts"])
}

#[tokio::test]
async fn many_reactions_are_one_broadcast_and_leave_no_row() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    for kind in ["love", "love", "fire", "love"] {
        react(&ada, session, kind).await?;
    }
    react(&ben, session, "love").await?;
    // One after the other they share a row for each kind.
    assert_eq!(counts(&database, session).await?, 2);
    assert!(database.reactions_sent(session).await?.is_empty());
    database.tick().await?;
    let first = json!([["fire", 1, 1], ["love", 4, 4]]);
    assert_eq!(
        database.reactions_sent(session).await?,
        std::slice::from_ref(&first)
    );
    assert_eq!(counts(&database, session).await?, 0);

    // Nobody has reacted since.
    database.tick_after_windows().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        std::slice::from_ref(&first)
    );

    react(&ada, session, "wow").await?;
    react(&ben, session, "fire").await?;
    database.tick_after_windows().await?;
    let second = json!([["fire", 2, 1], ["love", 4, 0], ["wow", 1, 1]]);
    assert_eq!(database.reactions_sent(session).await?, [first, second]);
    assert_eq!(counts(&database, session).await?, 0);
    Ok(())
}

#[tokio::test]
async fn within_a_window_nothing_more_is_sent_and_after_it_everything() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    react(&ada, session, "love").await?;
    database.tick().await?;
    // A plan is made behind the broadcasts of a tick, and without a limit it would end the window.
    database
        .change("update stream.chat_relay set viewers_window_ms = 60000")
        .await?;
    react(&ada, session, "love").await?;
    react(&ada, session, "fire").await?;
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [json!([["love", 1, 1]])]
    );
    database.tick_after_windows().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [
            json!([["love", 1, 1]]),
            json!([["fire", 1, 1], ["love", 2, 1]])
        ]
    );
    Ok(())
}

/// A round comes about once a second, and more often on demand.
#[tokio::test]
async fn without_a_window_totals_rest_for_nine_tenths_of_a_second() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    react(&ada, session, "love").await?;
    database.tick().await?;
    react(&ada, session, "love").await?;
    let date_back = async |age_ms: i32| {
        let dated = format!(
            "with dated as (
                 update stream.reaction_totals
                 set sent_at = clock_timestamp() - interval '{age_ms} milliseconds' returning sent_at
             )
             select d.sent_at::text from dated as d"
        );
        database.value::<String>(&dated).await
    };
    let mut known = 1;
    wait_for("a tick before they are due", async || {
        let sent_at = date_back(0).await?;
        database.tick().await?;
        let is_before = format!(
            "select clock_timestamp() < '{sent_at}'::timestamptz + interval '900 milliseconds'"
        );
        let is_before: bool = database.value(&is_before).await?;
        let total = database.totals_sent(session).await?["love"];
        assert!(total == known || !is_before, "{total}, not {known}");
        // They were due meanwhile, on a machine that is too busy.
        if total > known {
            known = total;
            react(&ada, session, "love").await?;
        }
        Ok(is_before.then_some(()))
    })
    .await?;
    date_back(900).await?;
    database.tick().await?;
    let total = database.totals_sent(session).await?["love"];
    assert_eq!(total, known + 1);
    assert_eq!(counts(&database, session).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_was_set_back_delays_nothing() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    react(&ada, session, "love").await?;
    database.tick().await?;
    database
        .change("update stream.reaction_totals set sent_at = clock_timestamp() + interval '1 hour'")
        .await?;
    react(&ada, session, "love").await?;
    database.tick().await?;
    assert_eq!(database.totals_sent(session).await?["love"], 2);
    Ok(())
}

#[tokio::test]
async fn a_reaction_that_is_not_committed_is_in_the_next_broadcast() -> Result<()> {
    let (database, session) = live().await?;
    let open = database.viewer(session, demo::ADA).await?;
    let undone = database.viewer(session, demo::CLEO).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    for viewer in [&open, &undone] {
        viewer.begin().await?;
        react_within(viewer, session, "love").await?;
    }
    react(&ben, session, "love").await?;
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [json!([["love", 1, 1]])]
    );
    open.commit().await?;
    undone.rollback().await?;
    database.tick_after_windows().await?;
    assert_eq!(
        database.totals_sent(session).await?,
        [("love".to_owned(), 2)].into()
    );
    assert_eq!(counts(&database, session).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_row_that_somebody_adds_to_is_taken_once_they_have_committed() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    react(&ada, session, "love").await?;
    // In the row that ADA has made.
    ben.begin().await?;
    react_within(&ben, session, "love").await?;
    assert_eq!(counts(&database, session).await?, 1);
    database.tick().await?;
    assert!(database.reactions_sent(session).await?.is_empty());
    ben.commit().await?;
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [json!([["love", 2, 2]])]
    );
    Ok(())
}

#[tokio::test]
async fn the_governor_counts_what_a_broadcast_costs() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let noted = "select exists (select from stream.realtime_sends where kind = 'reactions')
        or exists (select from stream.realtime_spending where reactions > 0)";
    database.tick().await?;
    assert!(!database.value::<bool>(noted).await?);
    react(&ada, session, "love").await?;
    database.tick().await?;
    assert!(database.value::<bool>(noted).await?);
    Ok(())
}

#[tokio::test]
async fn streams_are_added_up_each_for_itself() -> Result<()> {
    let (database, first) = live().await?;
    let second = database.stream_in(StreamState::Active).await?;
    for (session, kinds) in [(first, ["love", "wow"]), (second, ["love", "love"])] {
        let ada = database.viewer(session, demo::ADA).await?;
        for kind in kinds {
            react(&ada, session, kind).await?;
        }
    }
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(first).await?,
        [json!([["love", 1, 1], ["wow", 1, 1]])]
    );
    assert_eq!(
        database.reactions_sent(second).await?,
        [json!([["love", 2, 2]])]
    );
    Ok(())
}

/// More than one unit takes at once.
#[tokio::test]
async fn a_round_comes_to_every_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut sessions = Vec::new();
    for _ in 0..70 {
        let session = database.start_stream().await?;
        let ada = database.viewer(session, demo::ADA).await?;
        react(&ada, session, "love").await?;
        sessions.push(session);
    }
    database.tick().await?;
    for session in sessions {
        assert_eq!(
            database.reactions_sent(session).await?,
            [json!([["love", 1, 1]])]
        );
    }
    Ok(())
}

#[tokio::test]
async fn on_a_day_without_a_partition_they_are_counted_and_sent_later() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database
        .superuser()
        .await?
        .batch_execute(DROP_TODAY)
        .await?;
    for _ in 0..3 {
        react(&ada, session, "love").await?;
        database.tick().await?;
    }
    assert_eq!(counts(&database, session).await?, 1);
    database
        .superuser()
        .await?
        .batch_execute("select realtime.maintain_partitions()")
        .await?;
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [json!([["love", 3, 3]])]
    );
    Ok(())
}
