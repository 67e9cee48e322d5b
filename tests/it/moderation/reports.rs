//! Reports about messages: once per user and message, for moderators, until somebody resolves them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict, seq};
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use tokio_postgres::Error;
use uuid::Uuid;

async fn report(
    caller: &Session,
    session: Uuid,
    message: &Value,
    reason: &str,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "message_id": message["id"], "reason": reason});
    caller.rpc("report_message", arguments).await
}

async fn list(caller: &Session, session: Uuid) -> Result<Vec<Value>, Error> {
    caller
        .rpc_rows("list_reports", json!({"session_id": session}))
        .await
}

async fn resolve(caller: &Session, session: Uuid, message: &Value) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "message_id": message["id"]});
    caller.rpc("resolve_report", arguments).await
}

#[tokio::test]
async fn moderators_see_who_reported_which_message_when_and_why() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let cleo = database.viewer(id, demo::CLEO).await?;
    let rude = send_message(&ada, id, "rude").await?;
    let worse = send_message(&ada, id, "worse").await?;
    let first = report(&ben, id, &rude, " spam ").await?;
    assert_eq!(first["reason"], "spam");
    assert_eq!(first["user_id"], json!(demo::BEN));
    assert_eq!(first["seq"], rude["seq"]);
    report(&cleo, id, &rude, "").await?;
    report(&cleo, id, &worse, "hate").await?;
    // Again: the first one, and nothing is written.
    let again = database.changes_nothing(report(&ben, id, &rude, "other"));
    assert_eq!(again.await?, first);

    let (_, moderator) = database.moderator("mia").await?;
    for caller in [
        &moderator,
        &database.user(demo::SELLER).await?,
        &database.service().await?,
    ] {
        let reported = list(caller, id).await?;
        assert_eq!(reported.len(), 2);
        assert_eq!(reported[0]["message_id"], rude["id"]);
        assert_eq!(reported[0]["user_id"], json!(demo::ADA));
        assert_eq!(reported[0]["report_count"], 2);
        let of_rude = reported[0]["reports"].as_array().context("no reports")?;
        assert_eq!(of_rude[1], first);
        assert_eq!(of_rude[0]["user_id"], json!(demo::CLEO));
        assert_eq!(of_rude[0]["reason"], Value::Null);
        assert_eq!(reported[1]["seq"], worse["seq"]);
        let arguments = json!({"session_id": id, "after": seq(&rude)?, "page_size": 1});
        let rest = caller.rpc_rows("list_reports", arguments).await?;
        assert_eq!(rest, [reported[1].clone()]);
    }
    for caller in [&ben, &database.user(database.add_stranger().await?).await?] {
        database
            .refuses(ErrorCode::NotModerator, list(caller, id))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_report_ends_when_it_is_resolved_or_its_message_deleted() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let cleo = database.viewer(id, demo::CLEO).await?;
    let (_, moderator) = database.moderator("mia").await?;
    let harmless = send_message(&ada, id, "harmless").await?;
    let rude = send_message(&ada, id, "rude").await?;
    let ruder = send_message(&ada, id, "ruder").await?;
    for message in [&harmless, &rude, &ruder] {
        report(&ben, id, message, "spam").await?;
    }
    assert_eq!(resolve(&moderator, id, &harmless).await?, "resolved");
    let again = database.changes_nothing(resolve(&moderator, id, &harmless));
    assert_eq!(again.await?, "not_reported");
    assert_eq!(list(&moderator, id).await?.len(), 2);
    delete_message(&moderator, id, &rude).await?;
    assert_eq!(list(&moderator, id).await?.len(), 1);
    let arguments = json!({"session_id": id, "user_id": demo::ADA});
    moderator.rpc("delete_user_messages", arguments).await?;
    assert_eq!(list(&moderator, id).await?, Vec::<Value>::new());
    let open: i64 = database
        .value("select count(*) from stream.reported_messages where resolved_at is null")
        .await?;
    assert_eq!(open, 0);
    let decisions = database.decisions(id).await?;
    assert_eq!(decisions[0]["action"], "report_resolved");
    assert_eq!(decisions[0]["target_seq"], harmless["seq"]);
    // What is deleted is gone for whoever did not report it before.
    let late = report(&cleo, id, &rude, "spam");
    database.refuses(ErrorCode::MessageNotFound, late).await?;
    let again = report(&ben, id, &rude, "x").await?;
    assert_eq!(
        (&again["seq"], &again["reason"]),
        (&rude["seq"], &Value::Null)
    );
    // Somebody else's report opens it again.
    let kept = send_message(&cleo, id, "kept").await?;
    report(&ben, id, &kept, "spam").await?;
    resolve(&moderator, id, &kept).await?;
    report(&ada, id, &kept, "really").await?;
    assert_eq!(list(&moderator, id).await?[0]["report_count"], 2);
    Ok(())
}

#[tokio::test]
async fn only_readers_of_the_chat_report_and_only_what_others_wrote() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "hello").await?;
    let system = database.log(id).await?[0].clone();
    let banned = database.viewer(id, demo::BEN).await?;
    let (moderator_id, moderator) = database.moderator("mia").await?;
    restrict(&moderator, "ban_user", id, demo::BEN).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let guest = database.user(demo::CLEO).await?;
    let seller = database.user(demo::SELLER).await?;
    let nowhere = json!({"id": Uuid::new_v4()});
    for (code, caller, message) in [
        (ErrorCode::CannotView, &stranger, &message),
        (ErrorCode::Banned, &banned, &message),
        (ErrorCode::NotViewer, &guest, &message),
        (ErrorCode::InvalidArgument, &ada, &message),
        (ErrorCode::InvalidArgument, &ada, &system),
        (ErrorCode::MessageNotFound, &ada, &nowhere),
    ] {
        database
            .refuses(code, report(caller, id, message, "spam"))
            .await?;
    }
    let elsewhere = report(&ada, Uuid::new_v4(), &message, "spam");
    database
        .refuses(ErrorCode::SessionNotFound, elsewhere)
        .await?;
    let long = report(&seller, id, &message, &"x".repeat(201)).await;
    expect_refusal(ErrorCode::InvalidArgument, long)?;
    let anon = database.anon().await?;
    expect_refusal(
        ErrorCode::PermissionDenied,
        report(&anon, id, &message, "spam").await,
    )?;
    report(&seller, id, &message, &"x".repeat(200)).await?;
    // Who moderates is not judge of their own message.
    let own = database.viewer(id, moderator_id).await?;
    let theirs = send_message(&own, id, "mine").await?;
    report(&ada, id, &theirs, "spam").await?;
    for code in [ErrorCode::NotModerator] {
        database
            .refuses(code, resolve(&moderator, id, &theirs))
            .await?;
        database.refuses(code, resolve(&ada, id, &theirs)).await?;
    }
    assert_eq!(resolve(&seller, id, &theirs).await?, "resolved");
    Ok(())
}

#[tokio::test]
async fn reports_have_a_rate_for_each_user_and_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set reports_per_minute = 2 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let mut messages = Vec::new();
    for number in 0..3 {
        messages.push(send_message(&ada, id, &format!("message {number}")).await?);
    }
    for message in &messages[..2] {
        report(&ben, id, message, "spam").await?;
        report(&ben, id, message, "spam").await?;
    }
    let third = report(&ben, id, &messages[2], "spam");
    database.refuses(ErrorCode::RateLimited, third).await?;
    let seller = database.user(demo::SELLER).await?;
    report(&seller, id, &messages[2], "spam").await?;
    database.pass_time(id, 60).await?;
    report(&ben, id, &messages[2], "spam").await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_message_leaves_no_copy_with_its_reports() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let text = "an-unmistakable-text";
    let message = send_message(&ada, id, text).await?;
    report(&ben, id, &message, "he said an-unmistakable-text").await?;
    assert!(!database.tables_with(text).await?.is_empty());
    let (_, moderator) = database.moderator("mia").await?;
    delete_message(&moderator, id, &message).await?;
    assert_eq!(database.tables_with(text).await?, Vec::<String>::new());
    Ok(())
}
