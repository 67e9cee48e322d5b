//! The governor lengthens the windows of frames and viewer counts so that Realtime's limit holds.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::governor::Governed;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::stream::{move_to, send_message};

#[tokio::test]
async fn without_a_limit_no_window_is_longer_than_the_shortest() -> Result<()> {
    let governed = Governed::start(0, 5_000).await?;
    governed.plan().await?;
    assert_eq!(governed.windows().await?, json!([50, 50, null, 0]));
    let reason: String = governed.value("select reason from stream.governor").await?;
    assert_eq!(reason, "unlimited");
    Ok(())
}

#[tokio::test]
async fn under_pressure_messages_wait_for_the_window_and_go_out_in_one_frame() -> Result<()> {
    let governed = Governed::pressed().await?;
    let (database, session) = (&governed.database, governed.session);
    governed.end_window().await?;
    database.set_ticker_alive(true).await?;
    // It opens the longer window.
    send_message(&governed.ada, session, "at once").await?;
    let before = database.sent(session).await?.len();
    assert_eq!(database.sent(session).await?.last(), Some(&vec![3]));
    for text in ["one", "two", "three"] {
        send_message(&governed.ada, session, text).await?;
        governed.tick().await?;
    }
    assert_eq!(database.sent(session).await?.len(), before);
    assert_eq!(database.queued_flushes().await?, 1);
    governed.end_window().await?;
    governed.tick().await?;
    assert_eq!(database.sent(session).await?.last(), Some(&vec![4, 5, 6]));
    assert_eq!(database.queued_flushes().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_frame_before_a_long_window_tells_clients_to_poll() -> Result<()> {
    let governed = Governed::pressed().await?;
    let calm = governed.last_frame().await?;
    assert_eq!(
        (&calm["poll_ms"], &calm["digest"]),
        (&Value::Null, &json!(false))
    );
    governed.end_window().await?;
    send_message(&governed.ada, governed.session, "the last for a while").await?;
    let windows = governed.windows().await?;
    assert!(windows[0].as_i64() > Some(5_000), "{windows}");
    assert_eq!(windows[0], windows[1]);
    assert_eq!(governed.last_frame().await?["poll_ms"], windows[2]);
    assert!(windows[2].as_i64() >= Some(5_000), "{windows}");
    Ok(())
}

/// The window that is open stays as it is, so that the frame at its end tells of the longer one.
#[tokio::test]
async fn a_longer_window_begins_with_the_next_frame() -> Result<()> {
    let governed = Governed::start(2_500, 1_000).await?;
    governed.plan().await?;
    assert_eq!(governed.windows().await?[1], 50);
    governed
        .change("update stream.stream_sessions set viewer_count = 30000, peak_viewer_count = 30000")
        .await?;
    governed.plan().await?;
    let windows = governed.windows().await?;
    assert_eq!(windows[0], 50);
    assert!(windows[1].as_i64() > Some(50), "{windows}");
    Ok(())
}

#[tokio::test]
async fn without_a_ticker_a_long_window_holds_and_what_comes_after_it_sends_all() -> Result<()> {
    for by_heartbeat in [false, true] {
        let governed = Governed::pressed().await?;
        let (database, session) = (&governed.database, governed.session);
        governed.end_window().await?;
        database.set_ticker_alive(false).await?;
        send_message(&governed.ada, session, "opens the window").await?;
        send_message(&governed.ada, session, "waits").await?;
        send_heartbeat(&governed.ada, session).await?;
        assert_eq!(database.sent(session).await?.last(), Some(&vec![3]));
        governed.end_window().await?;
        if by_heartbeat {
            send_heartbeat(&governed.ada, session).await?;
            assert_eq!(database.sent(session).await?.last(), Some(&vec![4]));
        } else {
            send_message(&governed.ada, session, "sends both").await?;
            assert_eq!(database.sent(session).await?.last(), Some(&vec![4, 5]));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_state_change_never_waits_and_takes_along_what_does() -> Result<()> {
    let governed = Governed::pressed().await?;
    let (database, session) = (&governed.database, governed.session);
    governed.end_window().await?;
    database.set_ticker_alive(true).await?;
    send_message(&governed.ada, session, "opens the window").await?;
    send_message(&governed.ada, session, "waits").await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, session, StreamState::Paused).await?;
    assert_eq!(database.sent(session).await?.last(), Some(&vec![4, 5]));
    let urgent: i64 = governed
        .value("select urgent_frames from stream.chat_relay")
        .await?;
    assert_eq!(urgent, 3, "to active, and to paused, after the start");
    Ok(())
}

#[tokio::test]
async fn more_than_a_frame_carries_is_a_digest_under_pressure() -> Result<()> {
    let governed = Governed::pressed().await?;
    let (database, session) = (&governed.database, governed.session);
    database.leave_unflushed(session, 600).await?;
    governed.end_window().await?;
    governed.tick().await?;
    let frames = database.frames(session).await?;
    assert_eq!(frames.len(), 1);
    let digest = |frame: &Value| {
        let numbers = [
            "from_seq", "to_seq", "head_seq", "digest", "messages", "poll_ms",
        ];
        json!(numbers.map(|name| frame[name].clone()))
    };
    let poll_ms = &governed.windows().await?[2];
    assert!(poll_ms.is_i64());
    assert_eq!(digest(&frames[0]), json!([1, 602, 602, true, [], poll_ms]));
    // As many as fit are in the frame.
    database.append_messages(session, 300, 10).await?;
    governed
        .change(&format!(
            "insert into stream.chat_tails (session_id) values ('{session}')"
        ))
        .await?;
    governed.end_window().await?;
    governed.tick().await?;
    assert_eq!(
        database.sent(session).await?.last().map(Vec::len),
        Some(300)
    );
    Ok(())
}

#[tokio::test]
async fn a_frame_that_realtime_would_refuse_is_cut_or_a_digest() -> Result<()> {
    for is_pressed in [false, true] {
        let governed = match is_pressed {
            true => Governed::pressed().await?,
            false => Governed::start(0, 4_000).await?,
        };
        let (database, session) = (&governed.database, governed.session);
        governed
            .change("update stream.config set realtime_payload_bytes = 10000 where id")
            .await?;
        governed.plan().await?;
        database.leave_unqueued(session, 0).await?;
        let long = "\u{1f600}".repeat(2_000);
        governed
            .change(&format!(
                "update stream.chat_messages set content = '{long}'"
            ))
            .await?;
        governed
            .change(&format!(
                "insert into stream.chat_tails (session_id) values ('{session}')"
            ))
            .await?;
        governed.end_window().await?;
        governed.tick().await?;
        let frames = database.frames(session).await?;
        let digests: Vec<_> = frames.iter().map(|frame| frame["digest"] == true).collect();
        if is_pressed {
            assert_eq!(digests, [true]);
            assert_eq!(
                (&frames[0]["from_seq"], &frames[0]["to_seq"]),
                (&json!(1), &json!(2))
            );
        } else {
            assert_eq!(digests, [false, false]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn viewer_counts_wait_for_their_window_and_the_last_one_is_broadcast() -> Result<()> {
    let governed = Governed::pressed().await?;
    let (database, session) = (&governed.database, governed.session);
    assert!(governed.windows().await?[3].as_i64() > Some(0));
    let before = database.counts_sent(session).await?;
    // The count of before there was a window is not sent again.
    assert_eq!(before, [1, 4_000]);
    for count in [4_001, 4_002] {
        governed.set_viewers(count).await?;
        governed.plan().await?;
    }
    assert_eq!(database.counts_sent(session).await?, before);
    governed
        .change("update stream.chat_relay set viewers_sent_at = clock_timestamp() - interval '61 seconds'")
        .await?;
    governed.plan().await?;
    assert_eq!(database.counts_sent(session).await?.last(), Some(&4_002));
    governed.plan().await?;
    assert_eq!(database.counts_sent(session).await?.len(), before.len() + 1);
    // What waits when the limit is taken away is sent then, and later counts at once. With new settings a tick counts anew.
    governed
        .change("update stream.config set realtime_messages_per_s = 0 where id")
        .await?;
    governed.plan().await?;
    governed.set_viewers(4_004).await?;
    let sent = database.counts_sent(session).await?;
    assert_eq!(sent[before.len() + 1..], [1, 4_004]);
    assert_eq!(governed.windows().await?[3], 0);
    Ok(())
}

/// While all that is unsent waits for its window, a tick neither locks nor writes.
#[tokio::test]
async fn a_tick_spends_no_transaction_id_on_what_waits() -> Result<()> {
    let governed = Governed::pressed().await?;
    governed.database.set_ticker_alive(true).await?;
    send_message(&governed.ada, governed.session, "opens the window").await?;
    send_message(&governed.ada, governed.session, "waits").await?;
    governed.tick().await?;
    let service = governed.database.service().await?;
    // On a slow machine a mark of the ticker may be due again meanwhile, but not each time.
    for _ in 0..100 {
        governed
            .change(
                "update stream.ticker set ticked_at = clock_timestamp(), swept_at = clock_timestamp()",
            )
            .await?;
        service.begin().await?;
        service.rpc_within("tick", json!({})).await?;
        let has_written = service.has_written().await?;
        service.rollback().await?;
        if !has_written {
            assert_eq!(governed.database.queued_flushes().await?, 1);
            return Ok(());
        }
    }
    panic!("each tick has written");
}

/// Another stream's window opens between the look at what is due and the lock of its row.
#[tokio::test]
async fn a_window_that_opens_while_a_tick_sends_is_waited_for() -> Result<()> {
    let governed = Governed::pressed().await?;
    let database = &governed.database;
    let other = database.stream_in(StreamState::Active).await?;
    for session in [governed.session, other] {
        database.leave_unflushed(session, 3).await?;
    }
    database
        .superuser()
        .await?
        .batch_execute(
            "update stream.chat_relay set flushed_at = clock_timestamp() - interval '61 seconds', window_ms = 60000;
             create function public.open_others() returns trigger language plpgsql security definer as
             $$ begin
                 update stream.chat_relay set flushed_at = clock_timestamp()
                 where new.topic <> 'chat:' || session_id;
                 return new;
             end $$;
             create trigger open_others after insert on realtime.messages
             for each row when (new.event = 'messages') execute function public.open_others()",
        )
        .await?;
    governed.tick().await?;
    let frames = [
        database.sent(governed.session).await?,
        database.sent(other).await?,
    ];
    assert_eq!(
        frames.iter().filter(|frames| frames.is_empty()).count(),
        1,
        "{frames:?}"
    );
    assert_eq!(database.queued_flushes().await?, 1);
    Ok(())
}
