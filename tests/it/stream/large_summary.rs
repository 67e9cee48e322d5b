//! The summary of a stream with more viewers and entries than one call, or one sweep, reads.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

/// Viewers past the functions, with uids that are spread as random ones are.
async fn fill(database: &TestDatabase, id: Uuid, viewers: i64) -> Result<()> {
    Ok(database
        .superuser()
        .await?
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into stream.stream_viewers (session_id, user_id, agora_uid, left_at, watch_ms)
             select '{id}', md5('v' || n)::uuid,
                 1000000 + ('x' || left(md5(n::text), 8))::bit(32)::bigint % 2146483647, now(), 1000 + n % 2
             from generate_series(1, {viewers}) as n
             on conflict do nothing"
        ))
        .await?)
}

/// Otherwise the viewers of a very large stream would take longer than a unit of the sweep may, again and again.
#[tokio::test]
async fn the_viewers_of_an_ended_stream_are_counted_in_parts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("end_stream", json!({"session_id": id})).await?;
    fill(&database, id, 25_000).await?;
    let (viewers, watched): (i64, i64) = (
        database
            .value("select count(*) from stream.stream_viewers")
            .await?,
        database
            .value("select sum(watch_ms)::bigint from stream.stream_viewers")
            .await?,
    );
    assert!(viewers > 24_900, "{viewers}");
    for (counted, is_cleaned) in [(10_000, false), (20_000, false), (viewers, true)] {
        database.sweep().await?;
        let row = database.session_row(id).await?;
        assert_eq!(row["unique_viewers"], counted);
        assert_eq!(row["is_cleaned"], is_cleaned);
    }
    let summary = seller.rpc("get_stream_summary", json!({"session_id": id}));
    let summary = summary.await?;
    assert_eq!(summary["unique_viewers"], viewers);
    assert_eq!(summary["watch_ms"], watched);
    Ok(())
}

/// However long its log is and however many watch.
#[tokio::test]
async fn the_summary_of_a_large_live_stream_is_estimated_from_a_part_of_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let call = format!("select stream.get_stream_summary('{id}')");
    let arguments = json!({"session_id": id});
    let rows = [10_000, 200_000];
    let mut pages = Vec::new();
    for count in rows {
        fill(&database, id, count).await?;
        // Every fourth is a bid, every tenth message is deleted.
        database
            .superuser()
            .await?
            .batch_execute(&format!(
                "set session_replication_role = replica;
                 insert into stream.chat_messages
                     (session_id, seq, content, message_type, created_at, updated_at, deleted_at)
                 select '{id}', 100 + n, 'm', case when n % 4 = 0 then 'auction_update' else 'user_message' end,
                     now(), now(), case when n % 40 = 1 then now() end
                 from generate_series(1, {count}) as n on conflict do nothing;
                 update stream.chat_heads set last_seq = 100 + {count} where session_id = '{id}';
                 analyze stream.chat_messages, stream.stream_viewers"
            ))
            .await?;
        let summary = seller.rpc("get_stream_summary", arguments.clone()).await?;
        for (figure, exact) in [
            ("unique_viewers", count),
            ("watch_ms", count * 2001 / 2),
            ("message_count", count * 3 / 4),
            ("deleted_message_count", count / 40),
        ] {
            let stated = summary[figure].as_i64().context("no figure")?;
            let allowed = exact / 20;
            assert!(
                (stated - exact).abs() <= allowed,
                "{figure}: {stated} of {exact}"
            );
        }
        pages.push(database.pages(&call).await?);
    }
    // A small stream reads all of it, a large one no more than that and the ways into a hundred parts.
    assert!(pages[1] < pages[0] * 3 / 2 + 1000, "{pages:?}");
    Ok(())
}
