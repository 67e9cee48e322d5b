//! Plans of the governor from one to the next: when one is made, windows that begin at once, windows that stay, and the share.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::governor::Governed;

/// A stream whose next frame does not fit the rest of the limit, and whose last one is so old.
async fn almost_spent(open_ms: i32, age_s: u32) -> Result<Governed> {
    let governed = Governed::start(2_500, 9_000).await?;
    governed.spend(145_000, 0).await?;
    send_frame(&governed, open_ms, age_s).await?;
    Ok(governed)
}

/// Pretends that a frame was sent so long ago, and that it opened such a window.
async fn send_frame(governed: &Governed, open_ms: i32, age_s: u32) -> Result<()> {
    governed
        .change(&format!(
            "update stream.chat_relay
             set window_ms = {open_ms}, flushed_at = clock_timestamp() - interval '{age_s} seconds'"
        ))
        .await
}

/// The open window lasts from the last frame until after the next plan, as does the one that follows.
async fn expect_window_past_the_next_plan(governed: &Governed) -> Result<()> {
    governed.plan().await?;
    let windows = governed.windows().await?;
    let open_ms = windows[0].as_i64().unwrap_or_default();
    assert!((12_000..45_000).contains(&open_ms), "{windows}");
    assert_eq!(windows[0], windows[1]);
    Ok(())
}

#[tokio::test]
async fn a_window_begins_at_once_where_the_next_frame_would_exceed_the_limit() -> Result<()> {
    let governed = almost_spent(50, 10).await?;
    expect_window_past_the_next_plan(&governed).await
}

#[tokio::test]
async fn the_open_window_holds_back_the_next_frame() -> Result<()> {
    let governed = almost_spent(60_000, 10).await?;
    // It is made shorter, as far as the limit lets it.
    expect_window_past_the_next_plan(&governed).await
}

/// Each change is a write of the stream's row.
#[tokio::test]
async fn windows_that_are_a_little_longer_than_needed_stay() -> Result<()> {
    let governed = almost_spent(60_000, 49).await?;
    governed.plan().await?;
    let needed: i32 = governed
        .value("select next_window_ms from stream.chat_relay")
        .await?;
    governed
        .change(
            "update stream.chat_relay
             set next_window_ms = next_window_ms * 21 / 20, auction_window_ms = auction_window_ms * 21 / 20",
        )
        .await?;
    send_frame(&governed, 60_000, 49).await?;
    let planned =
        "select jsonb_build_array(next_window_ms, auction_window_ms) from stream.chat_relay";
    let before: Value = governed.value(planned).await?;
    governed.plan().await?;
    assert_eq!(
        governed.value::<Value>(planned).await?,
        before,
        "{needed} ms"
    );
    Ok(())
}

#[tokio::test]
async fn viewer_counts_take_no_more_than_their_part_of_the_share() -> Result<()> {
    let governed = Governed::start(2_500, 1_000).await?;
    for (percent, least_ms) in [(80, 1_500), (4, 30_000)] {
        governed
            .change(&format!(
                "update stream.config set realtime_share_percent = {percent} where id"
            ))
            .await?;
        // With new settings a tick counts all viewers.
        governed.database.tick().await?;
        governed.set_viewers(1_000).await?;
        governed.plan().await?;
        let windows = governed.windows().await?;
        let window_ms = windows[3].as_i64().unwrap_or_default();
        assert!(
            (least_ms..least_ms * 3 / 2).contains(&window_ms),
            "{percent} %: {windows}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn without_a_limit_what_was_sent_is_counted_every_five_seconds() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    for (age, is_counted) in [("1 second", false), ("5 seconds", true)] {
        governed
            .change(&format!(
                "update stream.governor set planned_at = clock_timestamp() - interval '{age}'"
            ))
            .await?;
        let planned_at = "select to_jsonb(planned_at) from stream.governor";
        let before: Value = governed.value(planned_at).await?;
        governed.database.tick().await?;
        let has_counted = governed.value::<Value>(planned_at).await? != before;
        assert_eq!(has_counted, is_counted, "{age}");
    }
    let limit: Value = governed
        .value("select to_jsonb(limit_per_s) from stream.governor")
        .await?;
    assert_eq!(limit, json!(0));
    Ok(())
}

/// They are read a thousand at a time.
#[tokio::test]
async fn every_stream_is_planned_where_there_are_more_than_are_read_at_once() -> Result<()> {
    const OTHERS: i64 = 1_200;
    let governed = Governed::start(100, 4_000).await?;
    let superuser = governed.database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, check_at, started_at)
             select i.id, i.id, i.id, i.id::text, 'active', now() + interval '1 day', now()
             from generate_series(1, {OTHERS}) as n
             cross join lateral (select md5(n::text)::uuid as id) as i;
             insert into stream.chat_heads (session_id)
             select s.id from stream.stream_sessions as s where s.id = s.auction_id;
             insert into stream.chat_relay (session_id)
             select s.id from stream.stream_sessions as s where s.id = s.auction_id;
             analyze"
        ))
        .await?;
    governed.spend(6_000, 0).await?;
    governed.plan().await?;
    let planned: Value = governed
        .value(
            "select jsonb_build_array(cardinality(g.sessions), (
                 select count(*) from stream.chat_relay as r where r.next_window_ms > 50))
             from stream.governor as g",
        )
        .await?;
    assert_eq!(planned, json!([OTHERS + 1, OTHERS + 1]));
    Ok(())
}
