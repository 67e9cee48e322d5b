//! `refresh_token`: a fresh token of the kind that the rows say, and the end of the older ones.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, refreshed_token, seller_token};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::move_to;
use uuid::Uuid;

/// How many tokens of a user are active, and how many retired.
async fn tokens_of(database: &TestDatabase, user: Uuid) -> Result<(i64, i64)> {
    let row = database
        .owner
        .query_one(
            "select count(*) filter (where is_active), count(*) filter (where not is_active)
             from stream.agora_tokens where user_id = $1",
            &[&user],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

async fn ban(database: &TestDatabase, session: Uuid, user: Uuid, until: &str) -> Result<()> {
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             values ('{session}', '{user}', 'ban', {until})"
        ))
        .await
}

#[tokio::test]
async fn the_rows_say_whether_it_is_the_sellers_or_a_viewers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let token = refreshed_token(&seller, id).await?;
    database.verified(&token, PUBLISHER)?;
    assert_eq!(token["uid"], 1);
    let token = refreshed_token(&ada, id).await?;
    database.verified(&token, SUBSCRIBER)?;
    assert_eq!(token["uid"], buyer_token(&ada, id).await?["uid"]);
    Ok(())
}

#[tokio::test]
async fn only_the_newest_token_of_the_user_and_stream_stays_active() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    buyer_token(&ben, id).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for session in [id, other] {
        ada.rpc("add_viewer", json!({"session_id": session}))
            .await?;
        buyer_token(&ada, session).await?;
    }
    buyer_token(&ada, id).await?;
    assert_eq!(tokens_of(&database, demo::ADA).await?, (3, 0));

    refreshed_token(&ada, id).await?;
    assert_eq!(tokens_of(&database, demo::ADA).await?, (2, 2));
    refreshed_token(&ada, id).await?;
    assert_eq!(tokens_of(&database, demo::ADA).await?, (2, 3));
    assert_eq!(tokens_of(&database, demo::BEN).await?, (1, 0));

    let seller = database.user(demo::SELLER).await?;
    seller_token(&seller, id).await?;
    refreshed_token(&seller, id).await?;
    assert_eq!(tokens_of(&database, demo::SELLER).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn refreshes_at_the_same_time_leave_one_active_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    for user in [demo::ADA, demo::SELLER] {
        let mut devices = Vec::new();
        for _ in 0..8 {
            let device = database.user(user).await?;
            devices.push(tokio::spawn(
                async move { refreshed_token(&device, id).await },
            ));
        }
        for device in devices {
            device.await??;
        }
        assert_eq!(tokens_of(&database, user).await?, (1, 7));
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_neither_seller_nor_viewer_gets_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    for caller in [
        &database.user(demo::BEN).await?,
        &database.user(database.add_stranger().await?).await?,
    ] {
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::NotViewer, call).await?;
    }
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    let call = refreshed_token(&ada, id);
    database.refuses(ErrorCode::NotViewer, call).await?;

    let anon = database.anon().await?;
    let call = refreshed_token(&anon, id);
    database.refuses(ErrorCode::PermissionDenied, call).await?;
    let of = |user: Option<Uuid>, channel: Value| json!({"user_id": user, "channel_id": channel});
    let call = ada.rpc("refresh_token", of(Some(demo::SELLER), json!(id)));
    database.refuses(ErrorCode::NotSelf, call).await?;
    let call = service.rpc("refresh_token", of(None, json!(id)));
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    for (code, channel) in [
        (ErrorCode::ChannelNotFound, json!("*")),
        (ErrorCode::ChannelNotFound, json!("")),
        (ErrorCode::ChannelNotFound, json!(Uuid::new_v4())),
        (ErrorCode::InvalidArgument, Value::Null),
    ] {
        let call = ada.rpc("refresh_token", of(None, channel));
        database.refuses(code, call).await?;
    }
    let token = service
        .rpc("refresh_token", of(Some(demo::SELLER), json!(id)))
        .await?;
    database.verified(&token, PUBLISHER)?;
    Ok(())
}

#[tokio::test]
async fn of_an_ended_stream_nothing_is_refreshed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    for caller in [&ada, &seller] {
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::StreamEnded, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_banned_gets_no_token_until_the_ban_is_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    ban(&database, id, demo::ADA, "now() + interval '1 minute'").await?;
    ban(&database, id, demo::BEN, "null").await?;
    for caller in [&ada, &ben] {
        let call = refreshed_token(caller, id);
        database.refuses(ErrorCode::Banned, call).await?;
        let call = buyer_token(caller, id);
        database.refuses(ErrorCode::Banned, call).await?;
    }
    database.pass_time(id, 60).await?;
    refreshed_token(&ada, id).await?;
    let call = refreshed_token(&ben, id);
    database.refuses(ErrorCode::Banned, call).await?;
    Ok(())
}

/// The ban commits while the token waits for the lease.
#[tokio::test]
async fn a_ban_that_came_while_a_token_waited_is_seen() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let backend = ada.backend().await?;
    let other = database.user(demo::ADA).await?;
    other.begin().await?;
    other
        .rpc_within("add_viewer", json!({"session_id": id}))
        .await?;
    let waiting = tokio::spawn(async move { buyer_token(&ada, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    ban(&database, id, demo::ADA, "null").await?;
    other.commit().await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)
}

/// A token cannot be called back, so none is made for longer than its stream can last, or a minute.
#[tokio::test]
async fn a_token_ends_with_the_longest_duration_of_its_stream_or_after_a_minute() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    // Late in a second, of which a token can be issued earlier.
    let created = format!(
        "update stream.stream_sessions
         set created_at = date_trunc('second', clock_timestamp()) + interval '0.9 s' where id = '{id}'"
    );
    database.change(&created).await?;
    // Half an hour is left of twelve, then half a minute; then a sweep is late.
    for (passed, lives) in [(41_400, 1795..=1800), (1770, 60..=60), (1830, 60..=60)] {
        database.pass_time(id, passed).await?;
        for (caller, privileges) in [(&seller, PUBLISHER), (&ada, SUBSCRIBER)] {
            let token = database.verified(&refreshed_token(caller, id).await?, privileges)?;
            assert!(
                lives.contains(&token.expires_in_s),
                "{} s",
                token.expires_in_s
            );
        }
    }
    Ok(())
}
