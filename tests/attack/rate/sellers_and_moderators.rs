//! Sellers and moderators who act in a loop: each act is told to every viewer, so each has a rate.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState::{Active, Ended, Error, Initializing, Paused};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{lift, restrict, restrict_for};
use stream_tests::refusal::{expect_refusal, retry_after_ms};
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use uuid::Uuid;

/// Three a minute, so that there is one more after twenty seconds, and a live stream.
async fn stream_with_rates_of_three() -> Result<(TestDatabase, Uuid, Session)> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "update stream.config set state_moves_per_minute = 3, restrictions_per_minute = 3 where id",
        )
        .await?;
    let id = database.stream_in(Active).await?;
    let seller = database.user(demo::SELLER).await?;
    Ok((database, id, seller))
}

/// Pauses, goes on and pauses, which is all that the rate admits.
async fn exhaust(seller: &Session, session: Uuid) -> Result<()> {
    for state in [Paused, Active, Paused] {
        move_to(seller, session, state).await?;
    }
    Ok(())
}

#[tokio::test]
async fn ten_a_minute_are_the_rule() -> Result<()> {
    let database = TestDatabase::create().await?;
    for column in [
        "starts_per_minute",
        "state_moves_per_minute",
        "restrictions_per_minute",
    ] {
        let rule: String = database
            .value(&format!(
                "select column_default from information_schema.columns
                 where table_schema = 'stream' and table_name = 'config' and column_name = '{column}'"
            ))
            .await?;
        assert_eq!(rule, "10", "{column}");
    }
    Ok(())
}

#[tokio::test]
async fn one_move_more_than_the_rate_is_refused_with_the_wait_and_leaves_no_trace() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    exhaust(&seller, id).await?;
    for function in ["resume_stream", "update_stream_state"] {
        let mut arguments = json!({"session_id": id});
        if function == "update_stream_state" {
            arguments["state"] = json!("error");
        }
        let call = seller.rpc(function, arguments);
        database.refuses(ErrorCode::RateLimited, call).await?;
    }
    let refusal = move_to(&seller, id, Active).await.unwrap_err();
    let wait_ms = retry_after_ms(&refusal).context("a wait")?;
    assert!((1..=20_000).contains(&wait_ms), "{wait_ms}");

    database.pass_time(id, 20).await?;
    move_to(&seller, id, Active).await?;
    let call = move_to(&seller, id, Paused);
    database.refuses(ErrorCode::RateLimited, call).await?;
    database.pass_time(id, 60).await?;
    exhaust(&seller, id).await
}

#[tokio::test]
async fn a_circle_through_error_and_initializing_counts_too() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    for state in [Error, Initializing, Error, Initializing, Error] {
        move_to(&seller, id, state).await?;
    }
    let call = move_to(&seller, id, Initializing);
    database.refuses(ErrorCode::RateLimited, call).await
}

#[tokio::test]
async fn what_changes_nothing_or_is_refused_otherwise_costs_nothing() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    for _ in 0..5 {
        database
            .changes_nothing(move_to(&seller, id, Active))
            .await?;
        let call = move_to(&seller, id, Initializing);
        database.refuses(ErrorCode::IllegalTransition, call).await?;
        let stale = json!({"session_id": id, "generation": 7});
        let call = seller.rpc("pause_stream", stale);
        database.refuses(ErrorCode::StaleHost, call).await?;
    }
    exhaust(&seller, id).await?;
    database
        .changes_nothing(move_to(&seller, id, Paused))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_end_is_never_refused_for_the_rate() -> Result<()> {
    let (_database, id, seller) = stream_with_rates_of_three().await?;
    exhaust(&seller, id).await?;
    let ended = move_to(&seller, id, Ended).await?;
    assert_eq!(ended["state"], "ended");
    Ok(())
}

#[tokio::test]
async fn the_service_and_other_streams_have_their_own_pace() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    let service = database.service().await?;
    for _ in 0..5 {
        move_to(&service, id, Paused).await?;
        move_to(&service, id, Active).await?;
    }
    exhaust(&seller, id).await?;
    move_to(&service, id, Active).await?;
    let other = database.stream_in(Active).await?;
    exhaust(&seller, other).await
}

/// Both of these moves were asked for while the other was under way.
#[tokio::test]
async fn a_move_that_waited_counts_the_one_it_waited_for() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    for state in [Paused, Active] {
        move_to(&seller, id, state).await?;
    }
    let other = database.user(demo::SELLER).await?;
    let backend = other.backend().await?;
    seller.begin().await?;
    seller
        .rpc_within("pause_stream", json!({"session_id": id}))
        .await?;
    let waiting = tokio::spawn(async move { move_to(&other, id, Active).await });
    wait_until_blocked(&database.owner, backend).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::RateLimited, waiting.await?)
}

/// What lies more than a minute ahead of the clock counts as written by a clock that was set back since. The
/// begin of a transaction is such a clock.
#[tokio::test]
async fn a_call_that_began_before_the_rate_was_used_up_is_refused() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    let other = database.user(demo::SELLER).await?;
    other.begin().await?;
    exhaust(&seller, id).await?;
    let late = other
        .rpc_within("resume_stream", json!({"session_id": id}))
        .await;
    expect_refusal(ErrorCode::RateLimited, late)?;
    other.rollback().await?;

    other.begin().await?;
    restrict_thrice(&seller, id).await?;
    let arguments = json!({"session_id": id, "user_id": demo::BEN});
    let late = other.rpc_within("mute_user", arguments).await;
    expect_refusal(ErrorCode::RateLimited, late)
}

/// Mutes, lifts and mutes again, which is all that the rate admits.
async fn restrict_thrice(moderator: &Session, session: Uuid) -> Result<()> {
    restrict(moderator, "mute_user", session, demo::ADA).await?;
    lift(moderator, session, demo::ADA, "mute").await?;
    restrict(moderator, "mute_user", session, demo::ADA).await?;
    Ok(())
}

#[tokio::test]
async fn one_restriction_more_than_the_rate_is_refused_with_the_wait_and_leaves_no_trace()
-> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    restrict_thrice(&seller, id).await?;
    let call = restrict(&seller, "ban_user", id, demo::ADA);
    database.refuses(ErrorCode::RateLimited, call).await?;
    let call = lift(&seller, id, demo::ADA, "mute");
    database.refuses(ErrorCode::RateLimited, call).await?;
    let call = restrict_for(&seller, "mute_user", id, demo::BEN, 60);
    database.refuses(ErrorCode::RateLimited, call).await?;
    let refusal = restrict(&seller, "mute_user", id, demo::BEN)
        .await
        .unwrap_err();
    let wait_ms = retry_after_ms(&refusal).context("a wait")?;
    assert!((1..=20_000).contains(&wait_ms), "{wait_ms}");

    database.pass_time(id, 20).await?;
    restrict(&seller, "ban_user", id, demo::BEN).await?;
    let call = lift(&seller, id, demo::BEN, "ban");
    database.refuses(ErrorCode::RateLimited, call).await
}

#[tokio::test]
async fn restrictions_that_change_nothing_cost_nothing() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    restrict_thrice(&seller, id).await?;
    let repeated = restrict(&seller, "mute_user", id, demo::ADA);
    database.changes_nothing(repeated).await?;
    let nothing = lift(&seller, id, demo::BEN, "ban");
    assert_eq!(database.changes_nothing(nothing).await?, "not_restricted");
    Ok(())
}

#[tokio::test]
async fn moderators_streams_and_the_service_share_no_rate() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    let (moderator, max) = database.moderator("max").await?;
    let service = database.service().await?;
    restrict_thrice(&seller, id).await?;
    lift(&service, id, demo::ADA, "mute").await?;
    restrict_thrice(&max, id).await?;
    for _ in 0..5 {
        lift(&service, id, demo::ADA, "mute").await?;
        restrict(&service, "mute_user", id, demo::ADA).await?;
    }
    let other = database.stream_in(Active).await?;
    restrict_thrice(&seller, other).await?;

    let actors: Value = database
        .value(&format!(
            "select jsonb_agg(r.actor order by r.actor) from stream.restriction_rates as r
             where r.session_id = '{id}'"
        ))
        .await?;
    let mut expected = [moderator, demo::SELLER];
    expected.sort();
    assert_eq!(actors, json!(expected));
    Ok(())
}

#[tokio::test]
async fn the_rates_of_a_stream_go_with_it() -> Result<()> {
    let (database, id, seller) = stream_with_rates_of_three().await?;
    restrict_thrice(&seller, id).await?;
    move_to(&seller, id, Ended).await?;
    database.sweep().await?;
    database.pass_time(id, 91 * 86_400).await?;
    for _ in 0..3 {
        database.sweep().await?;
    }
    let left: i64 = database
        .value(
            "select (select count(*) from stream.restriction_rates)
                 + (select count(*) from stream.stream_sessions)",
        )
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_was_taken_over_too_often_refuses_the_next_and_can_be_ended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .change("update stream.stream_sessions set generation = 999998")
        .await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let start = || seller.rpc("start_stream", json!({"auction_id": auction}));
    let taken = start().await?;
    assert_eq!(
        (&taken["id"], &taken["generation"]),
        (&json!(id), &json!(999_999))
    );
    database
        .refuses(ErrorCode::TakeoversExhausted, start())
        .await?;
    // Also where the host was lost, so that the takeover would bring the stream back.
    seller.rpc("heartbeat", json!({"session_id": id})).await?;
    database.pass_time(id, 30).await?;
    database.sweep().await?;
    assert_eq!(database.session_row(id).await?["state"], "error");
    database
        .refuses(ErrorCode::TakeoversExhausted, start())
        .await?;
    move_to(&seller, id, Ended).await?;
    let next = start().await?;
    assert_eq!(next["generation"], 1);
    assert_ne!(next["id"], json!(id));
    Ok(())
}
