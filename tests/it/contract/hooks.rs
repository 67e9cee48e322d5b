//! Hooks of the application that refuse, return null or fail: nobody gets in.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::realtime::may_read;
use stream_tests::stream::{move_to, send_message};
use xtask::workspace;

/// The hooks as a new installation has them, before the application fills them in.
fn closed_hooks() -> Result<String> {
    let file = workspace::root().join("sql/schema/060_hooks.sql");
    let text = fs::read_to_string(&file).context("cannot read the hooks")?;
    Ok(text.replace("create function", "create or replace function"))
}

const CAN_VIEW: &str = "hook_can_view(user_id uuid, session_id uuid) returns boolean";

#[tokio::test]
async fn as_they_are_installed_the_hooks_admit_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.change(&closed_hooks()?).await?;

    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let session = json!({"session_id": id});
    let start = seller.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    database.refuses(ErrorCode::NotAuctionOwner, start).await?;
    for function in [
        "get_session",
        "get_stream_state",
        "get_viewer_count",
        "get_message_history",
        "sync",
    ] {
        let call = ada.rpc(function, session.clone());
        database.refuses(ErrorCode::CannotView, call).await?;
    }
    database
        .refuses(
            ErrorCode::CannotView,
            ada.rpc("add_viewer", session.clone()),
        )
        .await?;
    database
        .refuses(ErrorCode::CannotChat, send_message(&ada, id, "hi"))
        .await?;
    database
        .refuses(ErrorCode::CannotChat, send_message(&seller, id, "hi"))
        .await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    let topic = format!("stream:{id}");
    assert!(
        !may_read(
            &mut gateway,
            &Identity::user(demo::ADA),
            &topic,
            "broadcast"
        )
        .await?
    );

    // The seller of a stream needs no hook to see it and to end it.
    seller.rpc("sync", session).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    Ok(())
}

/// Each fails alone, so that its own call is the one that fails.
#[tokio::test]
async fn a_hook_that_fails_fails_the_call_and_nothing_is_written() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let mode = json!({"session_id": id, "mode": "verified"});
    seller.rpc("set_chat_mode", mode).await?;
    let session = json!({"session_id": id});
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    let start = json!({"auction_id": demo::AUCTION});
    let slow = json!({"session_id": id, "interval_ms": 500});
    for (hook, caller, function, arguments) in [
        (
            "hook_username(user_id uuid) returns text",
            &ada,
            "send_message",
            &message,
        ),
        (
            "hook_owns_auction(user_id uuid, auction_id uuid) returns boolean",
            &seller,
            "start_stream",
            &start,
        ),
        (CAN_VIEW, &ada, "add_viewer", &session),
        (CAN_VIEW, &ada, "sync", &session),
        (CAN_VIEW, &ada, "get_session", &session),
        (
            "hook_can_chat(user_id uuid, session_id uuid) returns boolean",
            &ada,
            "send_message",
            &message,
        ),
        (
            "hook_is_verified(user_id uuid) returns boolean",
            &ada,
            "send_message",
            &message,
        ),
        (
            "hook_can_moderate(user_id uuid, session_id uuid) returns boolean",
            &ada,
            "set_slow_mode",
            &slow,
        ),
    ] {
        let (name, _) = hook.split_once('(').context("no arguments")?;
        let working: String = database
            .value(&format!(
                "select pg_get_functiondef('stream.{name}'::regproc)"
            ))
            .await?;
        database
            .change(&format!(
                "create or replace function stream.{hook} language plpgsql stable
                 set search_path = pg_catalog, pg_temp as
                 'begin raise insufficient_privilege using message = ''out of order''; end'"
            ))
            .await?;
        database
            .refuses(
                ErrorCode::PermissionDenied,
                caller.rpc(function, arguments.clone()),
            )
            .await
            .with_context(|| format!("{name} in {function}"))?;
        database.change(&working).await?;
    }
    Ok(())
}

/// Hooks run with the rights of the table owner, whoever calls.
#[tokio::test]
async fn a_hook_reads_what_the_caller_may_not() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database
        .change(
            "create table public.guest_list (user_id uuid primary key);
             alter table public.guest_list enable row level security;
             revoke all on public.guest_list from anon, authenticated, service_role;
             create or replace function stream.hook_can_view(user_id uuid, session_id uuid)
             returns boolean language sql stable set search_path = pg_catalog, pg_temp as
             'select exists (select from public.guest_list as g where g.user_id = $1)'",
        )
        .await?;
    let ada = database.user(demo::ADA).await?;
    let join = || ada.rpc("add_viewer", json!({"session_id": id}));
    database.refuses(ErrorCode::CannotView, join()).await?;
    database
        .owner
        .execute(
            "insert into public.guest_list (user_id) values ($1)",
            &[&demo::ADA],
        )
        .await?;
    assert_eq!(join().await?["join_no"], 1);
    Ok(())
}

/// A user writes `user_metadata` by themself, into the account and so into the token.
#[tokio::test]
async fn a_user_cannot_take_the_sellers_name_by_editing_their_metadata() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let forged = json!({"username": "seller", "name": "seller", "user_name": "seller"});
    database
        .owner
        .execute(
            "update auth.users set raw_user_meta_data = $2 where id = $1",
            &[&demo::ADA, &forged],
        )
        .await?;
    let claims = json!({
        "sub": demo::ADA, "role": "authenticated", "username": "seller", "user_metadata": forged,
    });
    let ada = database
        .session(Identity::with_claims("authenticated", claims))
        .await?;
    assert_eq!(
        send_message(&ada, id, "I am the seller").await?["username"],
        "ada"
    );
    let synced = ada.rpc("sync", json!({"session_id": id})).await?;
    assert_eq!(synced["messages"][2]["username"], "ada");
    // The name is of the moment when it was sent.
    database
        .owner
        .execute(
            "update public.users set username = 'ada2' where id = $1",
            &[&demo::ADA],
        )
        .await?;
    let renamed = send_message(&ada, id, "renamed").await?;
    assert_eq!(renamed["username"], "ada2");
    assert_eq!(database.log(id).await?[2]["username"], "ada");
    Ok(())
}
