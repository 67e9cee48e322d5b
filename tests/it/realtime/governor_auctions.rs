//! Auction updates wait for a window of their own, which the governor plans within the budget.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::governor::Governed;
use stream_tests::stream::send_message;

/// Posts so many updates within a few milliseconds.
async fn post(governed: &Governed, count: u32) -> Result<()> {
    let session = governed.session;
    let service = governed.database.service().await?;
    service
        .run(&format!(
            "select to_jsonb(stream.post_auction_update('{session}', '{{}}')) from generate_series(1, {count})"
        ))
        .await?;
    Ok(())
}

async fn sent(governed: &Governed) -> Result<Vec<Vec<i64>>> {
    governed.database.sent(governed.session).await
}

/// A stream whose windows a test has chosen, of which the last frame is so old.
async fn with_windows(
    open_ms: i32,
    next_ms: i32,
    auction_ms: i32,
    age_ms: i32,
) -> Result<Governed> {
    let governed = Governed::pressed().await?;
    governed.database.set_ticker_alive(true).await?;
    governed
        .change(&format!(
            "update stream.chat_relay
             set window_ms = {open_ms}, next_window_ms = {next_ms}, auction_window_ms = {auction_ms}, poll_ms = null,
                 flushed_at = clock_timestamp() - interval '{age_ms} milliseconds'"
        ))
        .await?;
    Ok(governed)
}

async fn open_window(governed: &Governed) -> Result<i64> {
    let windows = governed.windows().await?;
    Ok(windows[0].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn without_a_limit_auction_updates_go_out_at_once() -> Result<()> {
    let governed = Governed::start(0, 4_000).await?;
    governed.plan().await?;
    governed.database.set_ticker_alive(true).await?;
    assert_eq!(governed.auction_window().await?, 0);
    post(&governed, 3).await?;
    assert_eq!(sent(&governed).await?[2..], [[3], [4], [5]]);
    Ok(())
}

/// As messages do: nothing else would bound them between two plans.
#[tokio::test]
async fn with_a_limit_that_has_room_auction_updates_wait_for_the_shortest_window() -> Result<()> {
    for is_alive in [true, false] {
        let governed = Governed::start(2_500, 10).await?;
        governed.plan().await?;
        governed.database.set_ticker_alive(is_alive).await?;
        assert_eq!(governed.auction_window().await?, 50);
        assert_eq!(governed.windows().await?[1], 50);
        governed.end_window().await?;
        let before = sent(&governed).await?.len();
        post(&governed, 20).await?;
        let frames = sent(&governed).await?.split_off(before);
        assert_eq!(frames[0], [3]);
        // Nobody would send them at its end where no ticker is alive.
        assert_eq!(frames.len() < 20, is_alive, "{frames:?}");
        governed.tick().await?;
        let last = sent(&governed).await?;
        assert_eq!(last.last().and_then(|frame| frame.last()), Some(&22));
    }
    Ok(())
}

#[tokio::test]
async fn under_pressure_auction_updates_wait_for_their_window_and_shorten_that_of_the_chat()
-> Result<()> {
    let governed = with_windows(30_000, 30_000, 20_000, 1_000).await?;
    send_message(
        &governed.ada,
        governed.session,
        "waits for the chat's window",
    )
    .await?;
    let before = sent(&governed).await?;
    post(&governed, 2).await?;
    assert_eq!(sent(&governed).await?, before);
    assert_eq!(open_window(&governed).await?, 20_000);
    governed.tick().await?;
    assert_eq!(sent(&governed).await?, before);
    governed
        .change("update stream.chat_relay set flushed_at = clock_timestamp() - interval '20001 milliseconds'")
        .await?;
    governed.tick().await?;
    assert_eq!(sent(&governed).await?.last(), Some(&vec![3, 4, 5]));
    assert_eq!(open_window(&governed).await?, 30_000);
    Ok(())
}

/// How many there are nothing else bounds; a restriction carries with it all that waits.
#[tokio::test]
async fn what_moderators_do_to_the_chat_waits_as_auction_updates_and_a_mute_does_not() -> Result<()>
{
    let governed = with_windows(30_000, 30_000, 20_000, 1_000).await?;
    let session = governed.session;
    let message = send_message(&governed.ada, session, "waits").await?;
    let before = sent(&governed).await?;
    let seller = governed.database.user(demo::SELLER).await?;
    for (function, arguments) in [
        ("set_slow_mode", json!({"interval_ms": 5_000})),
        ("set_chat_mode", json!({"mode": "verified"})),
        ("pin_message", json!({"message_id": message["id"]})),
        ("delete_message", json!({"message_id": message["id"]})),
    ] {
        let mut arguments = arguments;
        arguments["session_id"] = json!(session);
        seller.rpc(function, arguments).await?;
        assert_eq!(sent(&governed).await?, before, "{function}");
    }
    assert_eq!(open_window(&governed).await?, 20_000);
    // The deletion has taken the pin away, too.
    let updates: i64 = governed
        .value("select auction_updates from stream.chat_heads")
        .await?;
    assert_eq!(updates, 5);
    let mute = json!({"session_id": session, "user_id": demo::BEN});
    seller.rpc("mute_user", mute).await?;
    assert_eq!(
        sent(&governed).await?.last(),
        Some(&vec![3, 4, 5, 6, 7, 8, 9])
    );
    Ok(())
}

/// Its window has passed, though not that of the chat.
#[tokio::test]
async fn an_auction_update_after_its_window_goes_out_at_once_with_what_waits() -> Result<()> {
    let governed = with_windows(30_000, 30_000, 10_000, 15_000).await?;
    send_message(&governed.ada, governed.session, "waits").await?;
    assert_eq!(governed.database.queued_flushes().await?, 1);
    post(&governed, 1).await?;
    assert_eq!(sent(&governed).await?.last(), Some(&vec![3, 4]));
    Ok(())
}

/// Five frames a second at most, also where the chat has more.
#[tokio::test]
async fn an_auction_update_makes_a_shorter_window_200_ms_long_unless_others_wait_before_it()
-> Result<()> {
    for waits_before in [false, true] {
        // A time that lasts: the window is open however slow the machine is.
        let governed = with_windows(60, 60, 200, 0).await?;
        governed
            .change("update stream.chat_relay set auction_window_ms = 30000, window_ms = 60")
            .await?;
        if waits_before {
            governed
                .database
                .leave_unqueued(governed.session, 0)
                .await?;
        }
        post(&governed, 1).await?;
        let expected = if waits_before { 60 } else { 200 };
        assert_eq!(open_window(&governed).await?, expected);
    }
    Ok(())
}

/// Ten bids a second before a thousand viewers: the plan gives them the share, and the chat less.
#[tokio::test]
async fn the_plan_counts_auction_updates_apart_from_messages() -> Result<()> {
    let governed = Governed::start(2_500, 1_000).await?;
    governed.plan().await?;
    post(&governed, 40).await?;
    governed.plan().await?;
    let windows = governed.windows().await?;
    let auction_ms = governed.auction_window().await?;
    assert!(
        (400..2_000).contains(&auction_ms),
        "{auction_ms} of {windows}"
    );
    assert!(
        windows[1].as_i64() > Some(i64::from(auction_ms)),
        "{windows}"
    );
    let updates: Value = governed
        .value("select jsonb_build_array(auction_updates, last_seq) from stream.chat_heads")
        .await?;
    assert_eq!(updates, json!([40, 42]));
    // The rates of messages and of updates, of which no message was one.
    let rates: Value = governed
        .value("select jsonb_build_array(known[8], known[9] > 0) from stream.governor")
        .await?;
    assert_eq!(rates, json!([0, true]));
    Ok(())
}

/// Each of its 3,800 quotes counts as three bytes.
#[tokio::test]
async fn an_auction_update_that_realtime_would_refuse_is_a_digest() -> Result<()> {
    let governed = Governed::start(0, 8).await?;
    governed
        .change("update stream.config set realtime_payload_bytes = 10000 where id")
        .await?;
    governed.end_window().await?;
    let update = json!({"bids": vec![""; 1_900]});
    let service = governed.database.service().await?;
    service
        .rpc(
            "post_auction_update",
            json!({"session_id": governed.session, "update": update}),
        )
        .await?;
    let frame = governed.last_frame().await?;
    assert_eq!(
        (&frame["digest"], &frame["messages"], &frame["to_seq"]),
        (&json!(true), &json!([]), &json!(3))
    );
    Ok(())
}
