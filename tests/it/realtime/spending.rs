//! What broadcasts cost of Realtime's quota is counted, kept for a month, and reported when it exceeds the limit.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::governor::Governed;
use stream_tests::stream::{move_to, send_message};
use stream_tests::waiting::wait_until;

const BY_KIND: &str = "select jsonb_build_array(sum(frames), sum(viewer_counts), sum(states), sum(users), sum(urgent))
    from stream.realtime_spending";

#[tokio::test]
async fn each_broadcast_costs_itself_and_its_channels() -> Result<()> {
    // Eight viewers, the seller, and the broadcast itself: ten.
    let governed = Governed::start(0, 8).await?;
    let session = governed.session;
    governed.plan().await?;
    governed
        .change("delete from stream.realtime_spending")
        .await?;
    send_message(&governed.ada, session, "one").await?;
    governed.end_window().await?;
    send_message(&governed.ada, session, "two").await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    assert_eq!(by_kind, json!([20, 0, 0, 0, 0]));
    // A state is a broadcast to `stream` and a frame; a mute a frame and a broadcast to the user.
    let seller = governed.database.user(demo::SELLER).await?;
    move_to(&seller, session, StreamState::Paused).await?;
    seller
        .rpc(
            "mute_user",
            json!({"session_id": session, "user_id": demo::ADA}),
        )
        .await?;
    governed.set_viewers(7).await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    assert_eq!(by_kind, json!([20 + 18, 9, 9, 2, 18 + 9 + 2]));
    let left: i64 = governed
        .value("select count(*) from stream.realtime_sends")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn the_last_broadcasts_of_a_stream_count_for_the_channels_that_it_had() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed.plan().await?;
    governed
        .change("delete from stream.realtime_spending")
        .await?;
    let seller = governed.database.user(demo::SELLER).await?;
    move_to(&seller, governed.session, StreamState::Ended).await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    // The last state, and that the stream is no longer live.
    assert_eq!(by_kind, json!([10, 10, 10 + 2, 0, 10 + 10 + 2]));
    Ok(())
}

/// Its last totals of reactions, for example, once its leases are closed.
#[tokio::test]
async fn what_is_broadcast_some_plans_after_the_end_counts_for_the_channels_too() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed.plan().await?;
    let seller = governed.database.user(demo::SELLER).await?;
    move_to(&seller, governed.session, StreamState::Ended).await?;
    for (plans, expected) in [(2, 10), (4, 2)] {
        for _ in 0..plans {
            governed.plan().await?;
        }
        governed
            .change(&format!(
                "delete from stream.realtime_spending;
                 insert into stream.realtime_sends (kind, session_id) values ('reactions', '{}')",
                governed.session
            ))
            .await?;
        governed.plan().await?;
        let reactions: i64 = governed
            .value("select coalesce(sum(reactions), 0)::bigint from stream.realtime_spending")
            .await?;
        assert_eq!(reactions, expected);
    }
    let left: i32 = governed
        .value("select cardinality(sessions) from stream.governor")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

/// Between the time when a ticker reads the row of the plan and locks it another one makes a plan.
#[tokio::test]
async fn two_tickers_count_a_frame_once() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed.plan().await?;
    let holder = governed.database.connect("postgres").await?;
    let superuser = governed.database.superuser().await?;
    for _ in 0..20 {
        governed
            .change(
                "delete from stream.troubles; delete from stream.realtime_spending;
                 update stream.chat_relay set frames = frames + 1;
                 update stream.governor set planned_at = clock_timestamp() - interval '5 seconds';
                 update stream.ticker set swept_at = '-infinity'",
            )
            .await?;
        // Readers pass, who locks a row waits.
        holder
            .batch_execute("begin; lock table stream.governor in exclusive mode")
            .await?;
        let service = governed.database.service().await?;
        let backend = service.backend().await?;
        let tick = tokio::spawn(async move { service.rpc("tick", json!({})).await });
        let is_blocked =
            format!("select exists (select from pg_locks where pid = {backend} and not granted)");
        let is_over = format!(
            "select state = 'idle' and query <> '' from pg_stat_activity where pid = {backend}"
        );
        wait_until(&superuser, &format!("select ({is_blocked}) or ({is_over})")).await?;
        holder
            .batch_execute(
                "update stream.governor set planned_at = clock_timestamp(), known[2] = known[2] + 1; commit",
            )
            .await?;
        tick.await??;
        let has_waited_in_vain: bool = governed
            .value("select exists (select from stream.troubles where rule = 'governor')")
            .await?;
        if !has_waited_in_vain {
            let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
            assert_eq!(by_kind, json!([null, null, null, null, null]));
            return Ok(());
        }
    }
    panic!("each tick has given up waiting")
}

/// The table of the plan is not logged, so a crash empties it.
#[tokio::test]
async fn a_crash_lets_nothing_be_counted_twice() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed.plan().await?;
    send_message(&governed.ada, governed.session, "counted").await?;
    governed.plan().await?;
    governed
        .change(
            "delete from stream.realtime_spending; truncate stream.governor, stream.realtime_sends",
        )
        .await?;
    governed.plan().await?;
    let rows: i64 = governed
        .value("select count(*) from stream.realtime_spending")
        .await?;
    assert_eq!(rows, 0);
    governed.end_window().await?;
    send_message(&governed.ada, governed.session, "counted too").await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    assert_eq!(by_kind, json!([10, 0, 0, 0, 0]));
    Ok(())
}

/// Ten minutes without a ticker: a tenth of what was sent in them was sent in the last minute.
#[tokio::test]
async fn after_a_pause_only_the_part_of_the_last_minute_counts_against_the_limit() -> Result<()> {
    let governed = Governed::start(100, 8).await?;
    governed.plan().await?;
    governed
        .change("delete from stream.realtime_spending")
        .await?;
    governed
        .change(
            "update stream.chat_relay set frames = frames + 1000;
            update stream.governor set planned_at = clock_timestamp() - interval '650 seconds'",
        )
        .await?;
    governed.database.tick().await?;
    let lately: i64 = governed
        .value("select sum(frames)::bigint from stream.realtime_spending where at > clock_timestamp() - interval '64 seconds'")
        .await?;
    assert!((800..=1_100).contains(&lately), "{lately}");
    let all: i64 = governed
        .value("select sum(frames)::bigint from stream.realtime_spending")
        .await?;
    assert_eq!(all, 10_000);
    Ok(())
}

#[tokio::test]
async fn what_never_waits_is_reported_when_it_exceeds_the_limit() -> Result<()> {
    let governed = Governed::start(100, 8).await?;
    let state = "select jsonb_build_array(is_over, is_crowded, reason) from stream.governor";
    governed.spend(5_000, 5_000).await?;
    governed.plan().await?;
    let reported: serde_json::Value = governed.value(state).await?;
    assert_eq!((&reported[0], &reported[1]), (&json!(false), &json!(false)));
    governed.spend(2_000, 2_000).await?;
    governed.set_viewers(5_000).await?;
    governed.plan().await?;
    let reported: serde_json::Value = governed.value(state).await?;
    assert_eq!((&reported[0], &reported[1]), (&json!(true), &json!(true)));
    Ok(())
}

#[tokio::test]
async fn hours_are_added_up_and_kept_for_a_month() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed
        .change(
            "delete from stream.realtime_spending;
             insert into stream.realtime_spending (span_s, at, frames, urgent)
             select 5, date_bin('1 hour', now(), 'epoch') - interval '3 hours' + n * interval '5 seconds', 2, 1
             from generate_series(0, 719) as n;
             insert into stream.realtime_spending (span_s, at, states)
             values (5, now(), 7), (3600, now() - interval '31 days', 5), (3600, now() - interval '33 days', 5)",
        )
        .await?;
    governed.plan().await?;
    let spans: serde_json::Value = governed
        .value(
            "select jsonb_agg(jsonb_build_array(s.span_s, s.rows, s.frames, s.urgent, s.states) order by s.at)
             from (
                 select span_s, at, count(*) as rows, sum(frames) as frames, sum(urgent) as urgent, sum(states) as states
                 from stream.realtime_spending where states > 0 or frames > 0 group by span_s, at
             ) as s
             where s.states <> 7",
        )
        .await?;
    assert_eq!(spans[0], json!([3600, 1, 0, 0, 5]));
    assert_eq!(spans[1], json!([3600, 1, 1440, 720, 0]));
    Ok(())
}

/// Whoever joins again may have done so on another device, and the first one's channel is open until its app closes it.
#[tokio::test]
async fn a_device_that_another_has_superseded_counts_as_a_channel() -> Result<()> {
    let governed = Governed::start(0, 1).await?;
    let (database, session) = (&governed.database, governed.session);
    for _ in 0..2 {
        governed
            .ada
            .rpc("join_stream", json!({"session_id": session}))
            .await?;
    }
    database.viewer(session, demo::BEN).await?;
    governed.plan().await?;
    governed
        .change("delete from stream.realtime_spending")
        .await?;
    governed.end_window().await?;
    send_message(&governed.ada, session, "to three devices and the seller").await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    assert_eq!(by_kind, json!([3 + 1 + 1, 0, 0, 0, 0]));
    // Two minutes later it does not.
    governed
        .change("update stream.stream_viewers set token_issued_at = now() - interval '3 minutes'")
        .await?;
    database.viewer(session, demo::CLEO).await?;
    database.tick().await?;
    let superseded: i32 = governed
        .value("select superseded_count from stream.stream_sessions")
        .await?;
    assert_eq!(superseded, 0);
    Ok(())
}

/// After a takeover the host's first device may still hold a channel.
#[tokio::test]
async fn a_host_who_has_taken_over_counts_as_two_channels() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed
        .change("update stream.stream_sessions set generation = 2")
        .await?;
    governed.plan().await?;
    governed
        .change("delete from stream.realtime_spending")
        .await?;
    governed.end_window().await?;
    send_message(&governed.ada, governed.session, "to eight viewers and two").await?;
    governed.plan().await?;
    let by_kind: serde_json::Value = governed.value(BY_KIND).await?;
    assert_eq!(by_kind, json!([8 + 2 + 1, 0, 0, 0, 0]));
    Ok(())
}
