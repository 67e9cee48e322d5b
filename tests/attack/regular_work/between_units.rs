//! What comes between the units of a long round: the sending of tails, and plans of the governor.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;

/// A round of which a unit counts and a later one ends a mute. A tail that comes in between goes out before that.
#[tokio::test]
async fn tails_go_out_between_the_units_of_a_round() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             select v.session_id, v.user_id, 'mute', now() - interval '1 second'
             from stream.stream_viewers as v where v.session_id = '{id}';
             update stream.ticker set swept_at = '-infinity';
             select stream_private.begin_work()"
        ))
        .await?;
    let is_counted =
        format!("select viewer_count = 1 from stream.stream_sessions where id = '{id}'");
    let is_muted =
        format!("select exists (select from stream.chat_restrictions where session_id = '{id}')");
    let is_sent = format!(
        "select r.flushed_seq = h.last_seq from stream.chat_relay as r
         join stream.chat_heads as h on h.session_id = r.session_id where h.session_id = '{id}'"
    );
    work_until(&database, &is_counted).await?;
    assert!(database.value::<bool>(&is_muted).await?);
    database.append_messages(id, 3, 10).await?;
    database
        .change(&format!(
            "update stream.chat_relay set flushed_seq = 0 where session_id = '{id}';
             insert into stream.chat_tails (session_id) values ('{id}');
             select pg_sleep(0.1)"
        ))
        .await?;
    work_until(&database, &is_sent).await?;
    assert!(database.value::<bool>(&is_muted).await?);
    work_until(
        &database,
        &is_muted.replace("select exists", "select not exists"),
    )
    .await
}

/// The same of plans, which hold for two seconds however long a round is.
#[tokio::test]
async fn windows_are_planned_again_between_the_units_of_a_round() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&format!(
            "update stream.config set realtime_messages_per_s = 2500 where id;
             insert into stream.chat_restrictions (session_id, user_id, kind, until)
             select v.session_id, v.user_id, 'mute', now() - interval '1 second'
             from stream.stream_viewers as v where v.session_id = '{id}';
             update stream.ticker set swept_at = '-infinity';
             select stream_private.begin_work()"
        ))
        .await?;
    let is_muted =
        format!("select exists (select from stream.chat_restrictions where session_id = '{id}')");
    work_until(
        &database,
        &format!("select viewer_count = 1 from stream.stream_sessions where id = '{id}'"),
    )
    .await?;
    let window =
        format!("select next_window_ms > 50 from stream.chat_relay where session_id = '{id}'");
    assert!(!database.value::<bool>(&window).await?);
    database
        .change(
            "update stream.config set realtime_messages_per_s = 1 where id;
             update stream.stream_sessions set viewer_count = 5000, peak_viewer_count = 5000;
             select pg_sleep(1.1)",
        )
        .await?;
    work_until(&database, &window).await?;
    assert!(database.value::<bool>(&is_muted).await?);
    work_until(
        &database,
        &is_muted.replace("select exists", "select not exists"),
    )
    .await
}

async fn work_until(database: &TestDatabase, query: &str) -> Result<()> {
    for _ in 0..100 {
        if database.value(query).await? {
            return Ok(());
        }
        let goes_on: bool = database.value("select stream_private.work()").await?;
        anyhow::ensure!(goes_on, "the loop ended early");
    }
    anyhow::bail!("a hundred units, and never: {query}")
}
