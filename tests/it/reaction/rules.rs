//! Who may react, with what, and how often.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::moderation::{lift, restrict, restrict_for};
use stream_tests::reactions::{accepted, react};
use stream_tests::stream::send_message;
use uuid::Uuid;

async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    Ok((database, session))
}

#[tokio::test]
async fn whoever_holds_a_lease_and_the_seller_react_and_nobody_else() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for caller in [&ada, &seller] {
        assert_eq!(react(caller, session, "love").await?, accepted());
    }
    let ben = database.user(demo::BEN).await?;
    let call = react(&ben, session, "love");
    database.refuses(ErrorCode::NotViewer, call).await?;
    ada.rpc("remove_viewer", json!({"session_id": session}))
        .await?;
    let call = react(&ada, session, "love");
    database.refuses(ErrorCode::NotViewer, call).await?;
    let call = react(&ada, Uuid::nil(), "love");
    database.refuses(ErrorCode::SessionNotFound, call).await?;
    for caller in [database.anon().await?, database.service().await?] {
        let call = react(&caller, session, "love");
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    let arguments = json!({"session_id": session, "kind": "love"});
    let call = seller.rpc_at("repeatable read", "send_reaction", arguments);
    database.refuses(ErrorCode::IsolationLevel, call).await
}

#[tokio::test]
async fn a_stream_takes_reactions_until_it_has_ended() -> Result<()> {
    use StreamState::*;
    let database = TestDatabase::create().await?;
    for state in [Initializing, Active, Paused, Error] {
        let session = database.stream_in(Initializing).await?;
        let ada = database.viewer(session, demo::ADA).await?;
        let seller = database.user(demo::SELLER).await?;
        if state == Paused {
            stream_tests::stream::move_to(&seller, session, Active).await?;
        }
        stream_tests::stream::move_to(&seller, session, state).await?;
        for caller in [&ada, &seller] {
            let answer = react(caller, session, "love").await;
            assert_eq!(answer.context(state.as_str())?, accepted());
        }
        stream_tests::stream::move_to(&seller, session, Ended).await?;
        for caller in [&ada, &seller] {
            let call = react(caller, session, "love");
            database.refuses(ErrorCode::StreamEnded, call).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn mutes_and_bans_silence_until_they_end_and_the_mode_of_the_chat_does_not() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    seller
        .rpc(
            "set_chat_mode",
            json!({"session_id": session, "mode": "nobody"}),
        )
        .await?;
    seller
        .rpc(
            "set_slow_mode",
            json!({"session_id": session, "interval_ms": 3_600_000}),
        )
        .await?;
    for _ in 0..2 {
        assert_eq!(react(&ada, session, "love").await?, accepted());
    }
    restrict(&seller, "mute_user", session, demo::ADA).await?;
    let call = react(&ada, session, "love");
    database.refuses(ErrorCode::Muted, call).await?;
    lift(&seller, session, demo::ADA, "mute").await?;
    assert_eq!(react(&ada, session, "love").await?, accepted());

    restrict_for(&seller, "mute_user", session, demo::ADA, 60).await?;
    let call = react(&ada, session, "love");
    database.refuses(ErrorCode::Muted, call).await?;
    // It is over, although no sweep has come.
    database
        .change("update stream.chat_restrictions set until = now() - interval '1 second'")
        .await?;
    assert_eq!(react(&ada, session, "love").await?, accepted());

    restrict(&seller, "ban_user", session, demo::ADA).await?;
    let call = react(&ada, session, "love");
    database.refuses(ErrorCode::Banned, call).await?;
    lift(&seller, session, demo::ADA, "ban").await?;
    // The ban has ended the lease.
    let call = react(&ada, session, "love");
    database.refuses(ErrorCode::NotViewer, call).await
}

#[tokio::test]
async fn an_anonymous_sign_in_reacts_where_it_may_write() -> Result<()> {
    let (database, session) = live().await?;
    let anonymous = database
        .session(Identity::anonymous_user(demo::CLEO))
        .await?;
    anonymous
        .rpc("add_viewer", json!({"session_id": session}))
        .await?;
    let call = react(&anonymous, session, "love");
    database.refuses(ErrorCode::AnonymousUser, call).await?;
    database
        .change("update stream.config set anonymous_users_may_chat = true where id")
        .await?;
    assert_eq!(react(&anonymous, session, "love").await?, accepted());
    Ok(())
}

#[tokio::test]
async fn only_the_kinds_of_the_configuration_are_taken_and_a_refusal_names_them() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database
        .change("update stream.config set reaction_kinds = '{bid_up,wow}' where id")
        .await?;
    for kind in ["bid_up", "wow"] {
        assert_eq!(react(&ada, session, kind).await?, accepted());
    }
    let long = "wow".repeat(100_000);
    let hostile = [
        "wow'; drop table stream.config; --",
        "w%s{}$1",
        "wow\u{202e}",
        &long,
    ];
    let others = ["love", "", "WOW", "wow ", "bid_up,wow"];
    for kind in others.into_iter().chain(hostile) {
        let call = react(&ada, session, kind);
        database
            .refuses(ErrorCode::InvalidArgument, call)
            .await
            .with_context(|| format!("{kind:?}"))?;
    }
    let nothing = json!({"session_id": session, "kind": null});
    let call = ada.rpc("send_reaction", nothing);
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    let refused = react(&ada, session, "love").await.err().context("taken")?;
    let hint = refused.as_db_error().and_then(|error| error.hint());
    assert_eq!(hint, Some("kind is one of bid_up, wow"));
    database
        .change("update stream.config set reaction_kinds = '{}' where id")
        .await?;
    let call = react(&ada, session, "wow");
    database.refuses(ErrorCode::InvalidArgument, call).await
}

/// The milliseconds after which a reaction that is not accepted would be.
fn wait_ms(answer: &Value) -> Option<i64> {
    (answer["accepted"] == false)
        .then(|| answer["retry_after_ms"].as_i64())
        .flatten()
}

#[tokio::test]
async fn beyond_the_rate_nothing_counts_and_nothing_is_written() -> Result<()> {
    let (database, session) = live().await?;
    database
        .change(
            "update stream.config set reaction_interval_ms = 60000, reaction_burst = 3 where id",
        )
        .await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for caller in [&ada, &seller] {
        for _ in 0..3 {
            assert_eq!(react(caller, session, "love").await?, accepted());
        }
        let beyond = database
            .changes_nothing(react(caller, session, "love"))
            .await?;
        let wait_ms = wait_ms(&beyond).with_context(|| beyond.to_string())?;
        assert!((1..=60_000).contains(&wait_ms), "{wait_ms}");
    }
    // Each has a rate of their own, and so has each stream.
    let ben = database.viewer(session, demo::BEN).await?;
    assert_eq!(react(&ben, session, "love").await?, accepted());
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(other, demo::ADA).await?;
    assert_eq!(react(&ada, other, "love").await?, accepted());
    assert_eq!(react(&seller, other, "love").await?, accepted());

    // A minute later there is one more.
    database
        .change(
            "update stream.stream_viewers set reaction_tat = reaction_tat - interval '1 minute';
             update stream.reaction_rates set tat = tat - interval '1 minute'",
        )
        .await?;
    let ada = database.user(demo::ADA).await?;
    for caller in [&ada, &seller] {
        assert_eq!(react(caller, session, "love").await?, accepted());
        let beyond = react(caller, session, "love").await?;
        assert!(wait_ms(&beyond).is_some(), "{beyond}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_of_reactions_is_none_of_messages() -> Result<()> {
    let (database, session) = live().await?;
    database
        .change(
            "update stream.config set reaction_interval_ms = 60000, reaction_burst = 1,
                 chat_interval_ms = 60000, chat_burst = 1 where id",
        )
        .await?;
    let ada = database.viewer(session, demo::ADA).await?;
    assert_eq!(react(&ada, session, "love").await?, accepted());
    send_message(&ada, session, "and a message").await?;
    let beyond = react(&ada, session, "love").await?;
    assert!(wait_ms(&beyond).is_some(), "{beyond}");
    Ok(())
}

#[tokio::test]
async fn a_reaction_is_a_sign_of_life_and_takes_no_number_of_the_log() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let log = database.log(session).await?;
    database
        .change("update stream.stream_viewers set last_seen_at = now() - interval '30 seconds'")
        .await?;
    react(&ada, session, "love").await?;
    let is_fresh = "select last_seen_at > now() - interval '20 seconds' from stream.stream_viewers";
    assert!(database.value::<bool>(is_fresh).await?);
    database.tick().await?;
    assert_eq!(database.log(session).await?, log);
    Ok(())
}
