//! Rights to write in a stream's chat, in one's own name or another's.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::stream::send_message;
use uuid::Uuid;

#[tokio::test]
async fn a_message_is_stored_as_it_is_answered() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message_id = Uuid::new_v4();
    let answer = ada
        .rpc(
            "send_message",
            json!({"session_id": id, "user_id": demo::ADA, "content": "hi", "id": message_id}),
        )
        .await?;
    assert_eq!(answer["id"], json!(message_id));
    assert_eq!(answer["session_id"], json!(id));
    assert_eq!(answer["seq"], 3);
    assert_eq!(answer["user_id"], json!(demo::ADA));
    assert_eq!(answer["username"], "ada");
    assert_eq!(answer["content"], "hi");
    assert_eq!(answer["message_type"], "user_message");
    assert_eq!(answer["created_at"], answer["updated_at"]);
    assert_eq!(answer["metadata"], json!({}));
    assert_eq!(answer["deleted_at"], Value::Null);
    assert_eq!(database.log(id).await?.last(), Some(&answer));
    Ok(())
}

#[tokio::test]
async fn the_seller_chats_without_joining() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    for state in [
        StreamState::Initializing,
        StreamState::Paused,
        StreamState::Error,
    ] {
        let id = database.stream_in(state).await?;
        assert_eq!(
            send_message(&seller, id, "welcome").await?["username"],
            "seller"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_buyer_chats_after_joining_and_not_after_leaving() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    database
        .refuses(ErrorCode::NotViewer, send_message(&ada, id, "too early"))
        .await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    send_message(&ada, id, "hello").await?;
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    database
        .refuses(ErrorCode::NotViewer, send_message(&ada, id, "too late"))
        .await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    send_message(&ada, id, "again").await?;
    Ok(())
}

#[tokio::test]
async fn strangers_and_the_public_key_do_not_chat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    database
        .refuses(ErrorCode::NotViewer, send_message(&stranger, id, "hi"))
        .await?;
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::PermissionDenied, send_message(&anon, id, "hi"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn anonymous_sign_ins_watch_and_chat_only_where_the_settings_admit_them() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let guest = database.add_user("guest").await?;
    let guest = database.session(Identity::anonymous_user(guest)).await?;
    guest.rpc("add_viewer", json!({"session_id": id})).await?;
    database
        .refuses(ErrorCode::AnonymousUser, send_message(&guest, id, "hi"))
        .await?;
    database
        .change("update stream.config set anonymous_users_may_chat = true where id")
        .await?;
    send_message(&guest, id, "hi").await?;
    Ok(())
}

#[tokio::test]
async fn a_claim_of_anonymity_in_another_form_is_not_taken_for_an_account() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    for is_anonymous in [json!("true"), json!(1), Value::Null] {
        let claims = json!({"sub": demo::ADA, "is_anonymous": is_anonymous});
        let caller = database
            .session(Identity::with_claims("authenticated", claims))
            .await?;
        database
            .refuses(ErrorCode::TokenInvalid, send_message(&caller, id, "hi"))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_the_application_refuses_does_not_chat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for answer in ["false", "null::boolean"] {
        database
            .change(&format!(
                "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid)
                 returns boolean language sql stable set search_path = pg_catalog, pg_temp as 'select {answer}'"
            ))
            .await?;
        database
            .refuses(ErrorCode::CannotChat, send_message(&ada, id, "hi"))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_public_name_does_not_chat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database
        .change(
            "create or replace function stream.hook_username(user_id uuid)
             returns text language sql stable set search_path = pg_catalog, pg_temp as 'select null::text'",
        )
        .await?;
    database
        .refuses(ErrorCode::CannotChat, send_message(&ada, id, "hi"))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .refuses(ErrorCode::CannotChat, send_message(&seller, id, "hi"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_name_comes_from_the_application_and_not_from_the_claims() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let claims = json!({
        "sub": demo::ADA,
        "username": "seller",
        "user_metadata": {"username": "seller", "name": "seller"},
    });
    let caller = database
        .session(Identity::with_claims("authenticated", claims))
        .await?;
    assert_eq!(send_message(&caller, id, "hi").await?["username"], "ada");
    Ok(())
}

#[tokio::test]
async fn a_user_writes_as_themself_and_the_service_as_anybody_who_may() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    let message = |user: Value| json!({"session_id": id, "user_id": user, "content": "hi"});

    let as_seller = ada.rpc("send_message", message(json!(demo::SELLER)));
    database.refuses(ErrorCode::NotSelf, as_seller).await?;
    let as_nobody = service.rpc("send_message", message(Value::Null));
    database
        .refuses(ErrorCode::InvalidArgument, as_nobody)
        .await?;
    let as_ben = service.rpc("send_message", message(json!(demo::BEN)));
    database.refuses(ErrorCode::NotViewer, as_ben).await?;

    for user in [demo::ADA, demo::SELLER] {
        let answer = service.rpc("send_message", message(json!(user))).await?;
        assert_eq!(answer["user_id"], json!(user));
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_or_unknown_stream_takes_no_messages() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Ended).await?;
    database
        .refuses(ErrorCode::StreamEnded, send_message(&seller, id, "hi"))
        .await?;
    let unknown = send_message(&seller, Uuid::new_v4(), "hi");
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    Ok(())
}

#[tokio::test]
async fn arguments_that_must_be_there_are_refused_when_null() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for (session, content) in [(Value::Null, json!("hi")), (json!(id), Value::Null)] {
        let call = seller.rpc(
            "send_message",
            json!({"session_id": session, "user_id": null, "content": content}),
        );
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_caller_without_a_user_is_not_signed_in() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (claims, code) in [
        (Value::Null, ErrorCode::Unauthenticated),
        (json!({}), ErrorCode::Unauthenticated),
        (json!({"sub": ""}), ErrorCode::Unauthenticated),
        (json!({"sub": null}), ErrorCode::Unauthenticated),
        (json!({"sub": "seller"}), ErrorCode::TokenInvalid),
        (json!({"sub": 7}), ErrorCode::TokenInvalid),
        (json!("not json"), ErrorCode::TokenInvalid),
        (json!([]), ErrorCode::TokenInvalid),
        // The role is the database's, never a claim's.
        (json!({"role": "service_role"}), ErrorCode::Unauthenticated),
    ] {
        let caller = database
            .session(Identity::with_claims("authenticated", claims))
            .await?;
        let send = caller.rpc(
            "send_message",
            json!({"session_id": id, "user_id": demo::SELLER, "content": "hi"}),
        );
        database.refuses(code, send).await?;
        let read = caller.rpc("get_stream_state", json!({"session_id": id}));
        database.refuses(code, read).await?;
    }
    Ok(())
}
