//! A loop that is killed is followed by the next minute's.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::stream::{numbers, send_message};
use stream_tests::waiting::wait_until_within;

use super::{SCHEDULE, TWO_MINUTES, database_with_pg_cron};

/// The real pg_cron: its loop is killed while messages come, and the next minute's goes on.
#[tokio::test]
async fn a_killed_loop_is_followed_by_the_next_minutes_and_no_message_is_lost() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-killed").await?;
    let _: String = database.value(SCHEDULE).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let superuser = database.superuser().await?;
    let job = "select exists (select from pg_stat_activity where query like '%tick_for_a_minute%' and pid <> pg_backend_pid())";
    wait_until_within(TWO_MINUTES, &superuser, job).await?;
    let is_sending = "select sends_at > now() - interval '1 second' from stream.ticker";
    wait_until_within(TWO_MINUTES, &superuser, is_sending).await?;
    send_message(&seller, id, "while the loop runs").await?;
    superuser
        .execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where query like '%tick_for_a_minute%' and pid <> pg_backend_pid()",
            &[],
        )
        .await?;
    let killed_at: String = database.value("select clock_timestamp()::text").await?;
    for number in 0..20 {
        send_message(&seller, id, &format!("after its end {number}")).await?;
    }
    // Messages that find no ticker are sent without one, so only its mark shows that the next loop works.
    let is_sending_again = format!("select sends_at > '{killed_at}' from stream.ticker");
    wait_until_within(TWO_MINUTES, &superuser, &is_sending_again).await?;
    send_message(&seller, id, "while the next one runs").await?;
    let all_sent = format!(
        "select r.flushed_seq = h.last_seq from stream.chat_heads as h
         join stream.chat_relay as r on r.session_id = h.session_id where h.session_id = '{id}'"
    );
    wait_until_within(TWO_MINUTES, &superuser, &all_sent).await?;
    let frames = database.frames(id).await?;
    let sent: Vec<i64> = frames
        .iter()
        .flat_map(|frame| numbers(frame["messages"].as_array().map_or(&[], Vec::as_slice)))
        .collect();
    assert_eq!(sent, (1..=24).collect::<Vec<_>>());
    Ok(())
}
