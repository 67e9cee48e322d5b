//! `sync`: the caller's own state and the chat's settings, besides the messages.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

async fn sync(caller: &Session, session: Uuid) -> Result<Value> {
    Ok(caller.rpc("sync", json!({"session_id": session})).await?)
}

/// Milliseconds until the caller may write.
async fn cooldown(caller: &Session, session: Uuid) -> Result<i64> {
    let answer = sync(caller, session).await?;
    Ok(answer["cooldown_ms"].as_i64().unwrap_or(-1))
}

async fn set_viewer(database: &TestDatabase, session: Uuid, change: &str) -> Result<()> {
    database
        .change(&format!(
            "update stream.stream_viewers set {change} where session_id = '{session}'"
        ))
        .await
}

#[tokio::test]
async fn an_answer_says_what_the_caller_has_read() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 8, 5).await?;
    let fresh = sync(&ada, id).await?;
    assert_eq!(
        (&fresh["read"], &fresh["unread_count"]),
        (&json!([]), &json!(10))
    );
    let up_to = json!({"session_id": id, "user_id": null, "seq": 3});
    ada.rpc("mark_read_up_to", up_to).await?;
    let last = fresh["messages"][9]["id"].as_str().unwrap_or_default();
    let one = json!({"session_id": id, "user_id": null, "message_ids": format!("{{{last}}}")});
    ada.rpc("mark_messages_as_read", one).await?;
    let answer = sync(&ada, id).await?;
    assert_eq!(answer["read"], json!([[1, 3], [10, 10]]));
    assert_eq!(answer["unread_count"], 6);

    let seller = sync(&database.user(demo::SELLER).await?, id).await?;
    assert_eq!(
        (&seller["read"], &seller["unread_count"]),
        (&json!([]), &json!(10))
    );
    let service = sync(&database.service().await?, id).await?;
    assert_eq!(
        (&service["read"], &service["unread_count"]),
        (&json!([]), &Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn marks_below_the_kept_log_are_left_out() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 8, 5).await?;
    let up_to = json!({"session_id": id, "user_id": null, "seq": 6});
    ada.rpc("mark_read_up_to", up_to).await?;
    for (kept_from, read, left) in [(4, json!([[4, 6]]), 4), (11, json!([]), 0)] {
        database
            .change(&format!(
                "delete from stream.chat_messages where seq < {kept_from}"
            ))
            .await?;
        let answer = sync(&ada, id).await?;
        assert_eq!(
            (&answer["read"], &answer["unread_count"]),
            (&read, &json!(left))
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_says_how_the_chat_is_set_and_what_is_pinned() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let answer = sync(&ada, id).await?;
    assert_eq!(answer["chat_mode"], "viewers");
    assert_eq!(answer["slow_mode_ms"], 0);
    assert_eq!(
        (&answer["pinned_seq"], &answer["pinned"]),
        (&Value::Null, &Value::Null)
    );

    let said = send_message(&ada, id, "pin me").await?;
    database.append_messages(id, 60, 5).await?;
    database
        .change(
            "update stream.stream_sessions
             set chat_mode = 'verified', slow_mode_ms = 5000, pinned_seq = 3",
        )
        .await?;
    let answer = sync(&ada, id).await?;
    assert_eq!(answer["chat_mode"], "verified");
    assert_eq!(answer["slow_mode_ms"], 5000);
    assert_eq!(answer["pinned_seq"], 3);
    assert_eq!(answer["pinned"]["id"], said["id"]);
    assert_eq!(answer["pinned"]["content"], "pin me");
    database
        .change("update stream.chat_messages set content = '', deleted_at = now() where seq = 3")
        .await?;
    let pinned = sync(&ada, id).await?["pinned"].clone();
    assert_eq!(pinned["content"], "");
    assert!(pinned["deleted_at"].is_string());
    Ok(())
}

#[tokio::test]
async fn an_answer_names_the_callers_own_restrictions_that_still_hold() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    assert_eq!(sync(&ada, id).await?["restrictions"], json!([]));
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until, reason) values
                 ('{id}', '{ada}', 'mute', now() + interval '1 hour', 'spam'),
                 ('{id}', '{ada}', 'ban', now() - interval '1 second', null),
                 ('{id}', '{ben}', 'ban', null, null)",
            ada = demo::ADA,
            ben = demo::BEN
        ))
        .await?;
    let of_ada = sync(&ada, id).await?["restrictions"].clone();
    assert_eq!(of_ada.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&of_ada[0]["kind"], &of_ada[0]["reason"]),
        (&json!("mute"), &json!("spam"))
    );
    assert!(of_ada[0]["until"].is_string());
    let of_ben = json!([{"kind": "ban", "until": null, "reason": null}]);
    assert_eq!(sync(&ben, id).await?["restrictions"], of_ben);
    Ok(())
}

#[tokio::test]
async fn the_wait_for_the_rate_limiter_is_told() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let guest = database.user(demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    // A minute for each message and two at once: backlogs of up to one minute wait for nothing.
    database
        .change("update stream.config set chat_interval_ms = 60000, chat_burst = 2 where id")
        .await?;
    for (backlog_s, expected) in [(-5, 0..=0), (50, 0..=0), (90, 20_000..=30_000)] {
        set_viewer(
            &database,
            id,
            &format!("chat_tat = clock_timestamp() + interval '{backlog_s} s'"),
        )
        .await?;
        let wait = cooldown(&ada, id).await?;
        assert!(expected.contains(&wait), "{backlog_s} s: {wait} ms");
    }
    // From before the clock was set back: it holds nobody back.
    set_viewer(&database, id, "chat_tat = now() + interval '1 day'").await?;
    assert_eq!(cooldown(&ada, id).await?, 0);
    for other in [&guest, &seller, &service] {
        assert_eq!(cooldown(other, id).await?, 0);
    }
    database
        .change(
            "update stream.config set host_chat_interval_ms = 60000, host_chat_burst = 1 where id;
             update stream.chat_heads set host_chat_tat = now() + interval '30 s'",
        )
        .await?;
    let wait = cooldown(&seller, id).await?;
    assert!((20_000..=30_000).contains(&wait), "{wait}");
    Ok(())
}

#[tokio::test]
async fn the_wait_for_slow_mode_is_told_to_whom_it_holds_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.viewer(id, demo::SELLER).await;
    assert!(seller.is_err(), "a seller does not join");
    database
        .change("update stream.stream_sessions set slow_mode_ms = 60000")
        .await?;
    assert_eq!(cooldown(&ada, id).await?, 0);
    // A time ahead of the clock, which was set back, holds back neither the next message nor this hint.
    for (ago_s, expected) in [(61, 0..=0), (30, 20_000..=30_000), (-3600, 0..=0)] {
        set_viewer(
            &database,
            id,
            &format!("last_chat_at = clock_timestamp() - interval '{ago_s} s'"),
        )
        .await?;
        let wait = cooldown(&ada, id).await?;
        assert!(expected.contains(&wait), "{ago_s} s ago: {wait} ms");
    }
    send_message(&ada, id, "as the hint says").await?;
    let wait = cooldown(&ada, id).await?;
    assert!((50_000..=60_000).contains(&wait), "{wait} ms");
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(cooldown(&seller, id).await?, 0);
    // Moderators are spared.
    database
        .change(&format!(
            "update public.users set is_moderator = true where id = '{}'",
            demo::ADA
        ))
        .await?;
    assert_eq!(cooldown(&ada, id).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_tombstone_comes_without_its_text_in_sync_and_in_the_history() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_message(&ada, id, "regrettable").await?;
    assert_eq!(
        sync(&ada, id).await?["messages"][2]["deleted_at"],
        Value::Null
    );
    database
        .change("update stream.chat_messages set content = '', deleted_at = now() where seq = 3")
        .await?;
    let arguments = json!({"session_id": id});
    let history = ada
        .rpc_rows("get_message_history", arguments.clone())
        .await?;
    let since = ada.rpc_rows("sync_messages", arguments).await?;
    let synced = sync(&ada, id).await?;
    for tombstone in [&history[2], &since[2], &synced["messages"][2]] {
        assert_eq!(tombstone["seq"], 3);
        assert_eq!(tombstone["content"], "");
        assert!(tombstone["deleted_at"].is_string());
    }
    Ok(())
}
