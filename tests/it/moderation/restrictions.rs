//! The effects of a mute and of a ban.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::identity::Identity;
use stream_tests::moderation::{lift, restrict, restrict_for};
use stream_tests::realtime::may_read;
use stream_tests::stream::send_message;
use uuid::Uuid;

#[tokio::test]
async fn a_restriction_is_answered_announced_told_and_kept() -> Result<()> {
    for (function, kind, action, sentence, event) in [
        (
            "mute_user",
            "mute",
            "user_muted",
            "A user was muted.",
            "restricted",
        ),
        (
            "ban_user",
            "ban",
            "user_banned",
            "A user was banned.",
            "revoked",
        ),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = database.user(demo::SELLER).await?;
        let arguments = json!({
            "session_id": id, "user_id": demo::ADA, "duration_s": 60, "reason": "spam",
        });
        let answer = seller.rpc(function, arguments).await?;
        assert_eq!(answer["user_id"], json!(demo::ADA));
        assert_eq!(answer["kind"], kind);
        assert_eq!(answer["actor"], json!(demo::SELLER));
        assert_eq!(answer["reason"], "spam");
        let lasts: bool = database
            .value(&format!(
                "select r.until - r.created_at = interval '60 seconds'
                 from stream.chat_restrictions as r where r.session_id = '{id}'"
            ))
            .await?;
        assert!(lasts);

        let log = database.log(id).await?;
        let announced = log.last().context("no entry")?;
        assert_eq!(announced["content"], sentence);
        assert_eq!(
            announced["metadata"],
            json!({
                "kind": action, "user_id": demo::ADA, "restriction": kind,
                "until": answer["until"],
            })
        );
        let told = database.broadcasts(&format!("user:{}", demo::ADA)).await?;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].event, event);
        assert_eq!(told[0].payload["session_id"], json!(id));
        assert_eq!(told[0].payload["restriction"], kind);
        assert_eq!(told[0].payload["is_in_force"], true);
        assert_eq!(told[0].payload["until"], answer["until"]);
        assert!(told[0].payload["server_time"].is_string());

        let decisions = database.decisions(id).await?;
        assert_eq!(decisions.len(), 1);
        for (key, expected) in [
            ("action", json!(action)),
            ("seq", announced["seq"].clone()),
            ("actor", json!(demo::SELLER)),
            ("user_id", json!(demo::ADA)),
            ("reason", json!("spam")),
            ("until", answer["until"].clone()),
        ] {
            assert_eq!(decisions[0][key], expected, "{key}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_end_that_changes_is_an_event_and_the_same_one_is_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for function in ["mute_user", "ban_user"] {
        let head = database.head_seq(id).await?;
        restrict_for(&seller, function, id, demo::ADA, 60).await?;
        restrict_for(&seller, function, id, demo::ADA, 120).await?;
        let lasting = restrict(&seller, function, id, demo::ADA).await?;
        assert_eq!(lasting["until"], Value::Null);
        assert_eq!(database.events_after(id, head).await?.len(), 3);
        let again = restrict(&seller, function, id, demo::ADA);
        assert_eq!(database.changes_nothing(again).await?, lasting);
    }
    let rows: i64 = database
        .value("select count(*) from stream.chat_restrictions")
        .await?;
    assert_eq!(rows, 2);
    Ok(())
}

#[tokio::test]
async fn a_duration_is_a_second_to_a_year() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for function in ["mute_user", "ban_user"] {
        for duration_s in [-1, 0, 31_536_001] {
            let call = restrict_for(&seller, function, id, demo::ADA, duration_s);
            database.refuses(ErrorCode::InvalidArgument, call).await?;
        }
        for duration_s in [1, 31_536_000] {
            restrict_for(&seller, function, id, demo::ADA, duration_s).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn arguments_that_name_nobody_or_nothing_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for (function, more) in [
        ("mute_user", json!({"user_id": null})),
        ("ban_user", json!({"user_id": null})),
        ("mute_user", json!({"user_id": Uuid::new_v4()})),
        ("ban_user", json!({"user_id": Uuid::new_v4()})),
        (
            "mute_user",
            json!({"user_id": demo::ADA, "reason": "x".repeat(201)}),
        ),
        ("lift_restriction", json!({"user_id": null, "kind": "ban"})),
        (
            "lift_restriction",
            json!({"user_id": demo::ADA, "kind": null}),
        ),
        (
            "lift_restriction",
            json!({"user_id": demo::ADA, "kind": "shadow"}),
        ),
        ("delete_user_messages", json!({"user_id": null})),
        ("delete_message", json!({"message_id": null})),
        ("pin_message", json!({"message_id": null})),
    ] {
        let mut arguments = more;
        arguments["session_id"] = json!(id);
        let call = seller.rpc(function, arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_ban_ends_the_place_with_its_watch_time_and_the_tokens() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    buyer_token(&ada, id).await?;
    buyer_token(&ben, id).await?;
    database.pass_time(id, 30).await?;
    database.tick().await?;
    let seller = database.user(demo::SELLER).await?;
    restrict(&seller, "ban_user", id, demo::ADA).await?;

    let row = database.viewer_row(id, demo::ADA).await?;
    assert_eq!(row["is_active"], false);
    let watched = row["watch_ms"].as_i64().context("no watch time")?;
    assert!((30_000..60_000).contains(&watched), "{watched}");
    let active: Vec<Uuid> = database
        .owner
        .query(
            "select user_id from stream.agora_tokens where is_active",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(active, [demo::BEN]);
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [2, 1]);
    Ok(())
}

#[tokio::test]
async fn whoever_is_banned_still_reads_the_log_unless_the_application_says_no() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    let sent = send_message(&ada, id, "hi").await?["id"].clone();
    let ids = format!("{{{}}}", sent.as_str().context("no id")?);
    restrict(&seller, "ban_user", id, demo::ADA).await?;
    let session = json!({"session_id": id});
    let since = json!({"session_id": id, "last_message_id": sent});
    let marks = json!({"session_id": id, "user_id": null, "message_ids": ids});
    let reading = [
        ("sync", session.clone()),
        ("sync_messages", since),
        ("get_message_history", session.clone()),
        ("get_session", session.clone()),
        ("get_stream_state", session.clone()),
        ("get_viewer_count", session.clone()),
        ("mark_messages_as_read", marks),
        ("unread_count", json!({"session_id": id, "user_id": null})),
    ];
    for (function, arguments) in &reading {
        ada.rpc(function, arguments.clone()).await?;
    }
    // As the documentation has it.
    database
        .change(
            "create or replace function stream.hook_can_view(user_id uuid, session_id uuid)
             returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as $$
             begin
                 return exists (select from public.users as u where u.id = $1)
                     and not exists (
                         select from stream.chat_restrictions as r
                         where r.session_id = $2 and r.user_id = $1 and r.kind = 'ban'
                             and (r.until is null or r.until > now()));
             end
             $$",
        )
        .await?;
    for (function, arguments) in &reading {
        let call = ada.rpc(function, arguments.clone());
        database.refuses(ErrorCode::CannotView, call).await?;
        ben.rpc(function, arguments.clone()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_way_in_is_closed_to_a_banned_user_and_open_again_after_the_lift() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    restrict(&seller, "ban_user", id, demo::ADA).await?;

    let session = json!({"session_id": id});
    for function in ["add_viewer", "join_stream", "heartbeat"] {
        let call = ada.rpc(function, session.clone());
        database.refuses(ErrorCode::Banned, call).await?;
    }
    let token = buyer_token(&ada, id);
    database.refuses(ErrorCode::Banned, token).await?;
    let joined = service.rpc(
        "add_viewer",
        json!({"session_id": id, "buyer_id": demo::ADA}),
    );
    database.refuses(ErrorCode::Banned, joined).await?;
    let items = json!({"items": [{"session_id": id, "user_id": demo::ADA}]});
    let beaten = service.rpc_rows("heartbeats", items.clone()).await?;
    assert_eq!(
        beaten,
        [json!({"item": 1, "status": "banned", "heartbeat": null})]
    );
    for kind in ["stream", "viewers", "chat"] {
        let topic = format!("{kind}:{id}");
        let identity = Identity::user(demo::ADA);
        let may = may_read(&mut gateway, &identity, &topic, "broadcast").await?;
        assert!(!may, "{kind}");
    }
    // Their own topic says why.
    let own = format!("user:{}", demo::ADA);
    assert!(may_read(&mut gateway, &Identity::user(demo::ADA), &own, "broadcast").await?);
    // Another stream is not concerned.
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(other, demo::ADA).await?;

    assert_eq!(lift(&seller, id, demo::ADA, "ban").await?, "lifted");
    ada.rpc("join_stream", session).await?;
    send_heartbeat(&ada, id).await?;
    buyer_token(&ada, id).await?;
    send_message(&ada, id, "back").await?;
    for kind in ["stream", "viewers", "chat"] {
        let topic = format!("{kind}:{id}");
        let identity = Identity::user(demo::ADA);
        let may = may_read(&mut gateway, &identity, &topic, "broadcast").await?;
        assert!(may, "{kind}");
    }
    Ok(())
}
