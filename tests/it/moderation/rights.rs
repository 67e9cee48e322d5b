//! Rights to moderate a stream, and against whom.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::moderation::{delete_message, lift, restrict};
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

/// Every function of moderation, with arguments that a moderator may give.
fn calls(session: Uuid, message: &Value) -> Vec<(&'static str, Value)> {
    let of = |more: Value| {
        let mut arguments = json!({"session_id": session});
        if let (Some(all), Value::Object(more)) = (arguments.as_object_mut(), more) {
            all.extend(more);
        }
        arguments
    };
    vec![
        ("set_slow_mode", of(json!({"interval_ms": 1000}))),
        ("set_chat_mode", of(json!({"mode": "hosts"}))),
        ("pin_message", of(json!({"message_id": message["id"]}))),
        ("unpin_message", of(json!({}))),
        ("block_term", of(json!({"term": "scam"}))),
        ("list_blocked_terms", of(json!({}))),
        ("unblock_term", of(json!({"term": "scam"}))),
        ("mute_user", of(json!({"user_id": demo::BEN}))),
        ("ban_user", of(json!({"user_id": demo::BEN}))),
        ("list_restrictions", of(json!({}))),
        (
            "lift_restriction",
            of(json!({"user_id": demo::BEN, "kind": "ban"})),
        ),
        ("delete_message", of(json!({"message_id": message["id"]}))),
        ("delete_user_messages", of(json!({"user_id": demo::BEN}))),
        ("get_moderation_log", of(json!({}))),
    ]
}

/// A live stream with a message of Ben.
async fn stream_with_message(database: &TestDatabase) -> Result<(Uuid, Value)> {
    let id = database.stream_in(StreamState::Active).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let message = send_message(&ben, id, "hi").await?;
    Ok((id, message))
}

#[tokio::test]
async fn the_seller_the_service_and_moderators_may() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (_, moderator) = database.moderator("mod").await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
        moderator,
    ] {
        let (id, message) = stream_with_message(&database).await?;
        for (function, arguments) in calls(id, &message) {
            caller.rpc_rows(function, arguments).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_else_may() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, message) = stream_with_message(&database).await?;
    let stranger = database.add_stranger().await?;
    let other_seller = database.add_user("other").await?;
    let auction = database.add_auction(other_seller).await?;
    let other_seller = database.user(other_seller).await?;
    other_seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    for caller in [
        database.viewer(id, demo::ADA).await?,
        database.user(demo::CLEO).await?,
        database.user(stranger).await?,
        database
            .session(Identity::anonymous_user(demo::CLEO))
            .await?,
        other_seller,
    ] {
        for (function, arguments) in calls(id, &message) {
            let call = caller.rpc_rows(function, arguments);
            database.refuses(ErrorCode::NotModerator, call).await?;
        }
    }
    let anon = database.anon().await?;
    for (function, arguments) in calls(id, &message) {
        let call = anon.rpc_rows(function, arguments);
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_not_found() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (_, message) = stream_with_message(&database).await?;
    for caller in [
        database.service().await?,
        database.user(demo::SELLER).await?,
    ] {
        for (function, arguments) in calls(Uuid::new_v4(), &message) {
            let call = caller.rpc_rows(function, arguments);
            database.refuses(ErrorCode::SessionNotFound, call).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn without_a_session_id_everything_but_terms_and_log_of_all_streams_is_refused() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let (id, message) = stream_with_message(&database).await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let (_, moderator) = database.moderator("mod").await?;
    for (function, mut arguments) in calls(id, &message) {
        arguments["session_id"] = Value::Null;
        let of_all = [
            "block_term",
            "list_blocked_terms",
            "unblock_term",
            "get_moderation_log",
        ];
        if of_all.contains(&function) {
            for caller in [&seller, &moderator] {
                let call = caller.rpc_rows(function, arguments.clone());
                database.refuses(ErrorCode::NotModerator, call).await?;
            }
            service.rpc_rows(function, arguments).await?;
        } else {
            let call = service.rpc_rows(function, arguments);
            database.refuses(ErrorCode::InvalidArgument, call).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_call_above_read_committed_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, message) = stream_with_message(&database).await?;
    let seller = database.user(demo::SELLER).await?;
    for (function, arguments) in calls(id, &message) {
        if [
            "list_blocked_terms",
            "list_restrictions",
            "get_moderation_log",
        ]
        .contains(&function)
        {
            continue;
        }
        let call = seller.rpc_at("repeatable read", function, arguments);
        database.refuses(ErrorCode::IsolationLevel, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn moderators_do_not_act_against_the_seller() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = send_message(&seller, id, "welcome").await?;
    let (moderator_id, moderator) = database.moderator("mod").await?;
    let refused = ErrorCode::NotModerator;
    for function in ["mute_user", "ban_user", "delete_user_messages"] {
        let call = restrict(&moderator, function, id, demo::SELLER);
        database.refuses(refused, call).await?;
    }
    let call = lift(&moderator, id, demo::SELLER, "mute");
    database.refuses(refused, call).await?;
    let call = delete_message(&moderator, id, &message);
    database.refuses(refused, call).await?;

    assert_eq!(delete_message(&seller, id, &message).await?, "deleted");
    restrict(&seller, "mute_user", id, moderator_id).await?;
    restrict(&seller, "ban_user", id, moderator_id).await?;
    Ok(())
}

#[tokio::test]
async fn nobody_restricts_the_seller_or_themself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        for function in ["mute_user", "ban_user"] {
            let call = restrict(&caller, function, id, demo::SELLER);
            database.refuses(ErrorCode::InvalidArgument, call).await?;
        }
    }
    let (moderator_id, moderator) = database.moderator("mod").await?;
    for function in ["mute_user", "ban_user"] {
        let call = restrict(&moderator, function, id, moderator_id);
        database.refuses(ErrorCode::NotModerator, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_moderator_does_not_end_their_own_mute_and_another_does() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let (muted_id, muted) = database.moderator("muted").await?;
    let (_, other) = database.moderator("other").await?;
    restrict(&seller, "mute_user", id, muted_id).await?;
    let own = lift(&muted, id, muted_id, "mute");
    database.refuses(ErrorCode::NotModerator, own).await?;
    let shorter = muted.rpc(
        "mute_user",
        json!({"session_id": id, "user_id": muted_id, "duration_s": 1}),
    );
    database.refuses(ErrorCode::NotModerator, shorter).await?;
    // A mute takes the voice, not the office.
    restrict(&muted, "mute_user", id, demo::ADA).await?;
    assert_eq!(lift(&other, id, muted_id, "mute").await?, "lifted");
    Ok(())
}

#[tokio::test]
async fn a_banned_moderator_moderates_no_more_and_again_when_the_ban_ends() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, message) = stream_with_message(&database).await?;
    let seller = database.user(demo::SELLER).await?;
    let (banned_id, banned) = database.moderator("banned").await?;
    let ban = json!({"session_id": id, "user_id": banned_id, "duration_s": 60});
    seller.rpc("ban_user", ban).await?;
    for (function, arguments) in calls(id, &message) {
        let call = banned.rpc_rows(function, arguments);
        database.refuses(ErrorCode::NotModerator, call).await?;
    }
    // In another stream they still do.
    let (elsewhere, _) = stream_with_message(&database).await?;
    restrict(&banned, "mute_user", elsewhere, demo::BEN).await?;

    database.pass_time(id, 60).await?;
    restrict(&banned, "mute_user", id, demo::BEN).await?;
    Ok(())
}

#[tokio::test]
async fn a_hook_that_says_nothing_or_fails_admits_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let (_, moderator) = database.moderator("mod").await?;
    let seller = database.user(demo::SELLER).await?;
    for (body, code) in [
        ("return null;", ErrorCode::NotModerator),
        (
            "raise insufficient_privilege using message = ''out of order'';",
            ErrorCode::PermissionDenied,
        ),
    ] {
        database
            .change(&format!(
                "create or replace function stream.hook_can_moderate(user_id uuid, session_id uuid)
                 returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as 'begin {body} end'"
            ))
            .await?;
        let call = slow(&moderator, id);
        database.refuses(code, call).await?;
    }
    // The seller needs no hook.
    slow(&seller, id).await?;
    Ok(())
}

async fn slow(caller: &Session, session: Uuid) -> Result<Value, tokio_postgres::Error> {
    let arguments = json!({"session_id": session, "interval_ms": 500});
    caller.rpc("set_slow_mode", arguments).await
}
