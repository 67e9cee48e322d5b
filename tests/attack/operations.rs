//! Operations about finding, summaries, reports, users and request ids: wrong roles, hostile input, two at once, deletion
//! beside.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState::{Active, Ended};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::restrict;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

/// The operations, with arguments that mean something for Ada's message in a stream.
fn calls(session: Uuid, auction: &Value, message: &Value) -> [(&'static str, Value); 9] {
    let about_message = json!({"session_id": session, "message_id": message["id"]});
    let reaction = json!({"session_id": session, "kind": "love"});
    [
        ("get_live_stream", json!({"auction_id": auction})),
        ("list_live_streams", json!({})),
        ("get_stream_summary", json!({"session_id": session})),
        ("report_message", about_message.clone()),
        ("list_reports", json!({"session_id": session})),
        ("resolve_report", about_message),
        ("forget_user", json!({"user_id": demo::ADA})),
        ("export_user", json!({"user_id": demo::ADA})),
        ("send_reaction", reaction),
    ]
}

/// A live stream in which Ada has written, and its auction.
async fn stream(database: &TestDatabase) -> Result<(Uuid, Value, Value)> {
    let session = database.stream_in(Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let message = send_message(&ada, session, "rude").await?;
    let auction = database.session_row(session).await?["auction_id"].clone();
    Ok((session, auction, message))
}

#[tokio::test]
async fn each_role_is_refused_what_is_not_its_own_and_leaves_no_trace() -> Result<()> {
    use ErrorCode::*;
    let database = TestDatabase::create().await?;
    let (session, auction, message) = stream(&database).await?;
    let banned = database.viewer(session, demo::CLEO).await?;
    let (_, moderator) = database.moderator("mia").await?;
    restrict(&moderator, "ban_user", session, demo::CLEO).await?;
    let anon = database.anon().await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let viewer = database.viewer(session, demo::BEN).await?;
    // What each gets for the calls above; none: the call answers.
    let outcomes = [
        (&anon, [Some(PermissionDenied); 9]),
        (
            &stranger,
            [
                Some(SessionNotFound),
                None,
                Some(NotStreamOwner),
                Some(CannotView),
                Some(NotModerator),
                Some(NotModerator),
                Some(PermissionDenied),
                Some(PermissionDenied),
                Some(NotViewer),
            ],
        ),
        (
            &banned,
            [
                Some(SessionNotFound),
                None,
                Some(NotStreamOwner),
                Some(Banned),
                Some(NotModerator),
                Some(NotModerator),
                Some(PermissionDenied),
                Some(PermissionDenied),
                Some(Banned),
            ],
        ),
        (
            &viewer,
            [
                None,
                None,
                Some(NotStreamOwner),
                None,
                Some(NotModerator),
                Some(NotModerator),
                Some(PermissionDenied),
                Some(PermissionDenied),
                None,
            ],
        ),
    ];
    for (number, (caller, expected)) in outcomes.into_iter().enumerate() {
        let calls = calls(session, &auction, &message);
        for ((operation, arguments), code) in calls.into_iter().zip(expected) {
            let call = caller.rpc_rows(operation, arguments);
            let outcome = match code {
                Some(code) => database.refuses(code, call).await,
                None => call.await.map(|_| ()).map_err(Into::into),
            };
            outcome.with_context(|| format!("{operation} by caller {number}"))?;
        }
    }
    Ok(())
}

/// Nothing of what is sent is run, quoted or an internal error.
#[tokio::test]
async fn hostile_values_are_stored_as_they_are_or_refused_by_the_catalogue() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (session, _, message) = stream(&database).await?;
    let elsewhere = stream(&database).await?.2;
    let ben = database.viewer(session, demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let nobody = Uuid::nil();
    let about = |id: &Value| json!({"session_id": session, "message_id": id});
    let hostile = [
        (&ben, "report_message", about(&elsewhere["id"])),
        (&ben, "report_message", about(&json!(nobody))),
        (&ben, "report_message", about(&Value::Null)),
        (&seller, "resolve_report", about(&elsewhere["id"])),
        (&seller, "list_reports", json!({"session_id": nobody})),
        (
            &seller,
            "list_reports",
            json!({"session_id": session, "page_size": i32::MAX}),
        ),
        (&ben, "list_live_streams", json!({"page_size": i32::MIN})),
        (&ben, "get_live_stream", json!({"auction_id": nobody})),
        (&seller, "get_stream_summary", json!({"session_id": null})),
        (&service, "forget_user", json!({"user_id": nobody})),
        (&service, "export_user", json!({"user_id": null})),
    ];
    for (caller, operation, arguments) in hostile {
        let refused = caller.rpc_rows(operation, arguments.clone()).await;
        let error = refused
            .err()
            .with_context(|| format!("{operation} {arguments}"))?;
        let state = error
            .as_db_error()
            .context("no refusal")?
            .code()
            .code()
            .to_owned();
        ensure!(state.starts_with("PT4"), "{operation} {arguments}: {state}");
    }
    // Beyond the last of anything.
    for arguments in [
        json!({"session_id": session, "after": i64::MAX}),
        json!({"session_id": session, "after": i64::MIN}),
    ] {
        seller.rpc_rows("list_reports", arguments).await?;
    }
    let reason = "'); drop table stream.message_reports; -- %s {} \u{202e}$1 \\";
    let mut arguments = about(&message["id"]);
    arguments["reason"] = json!(reason);
    assert_eq!(
        ben.rpc("report_message", arguments).await?["reason"],
        reason
    );
    let listed = seller
        .rpc_rows("list_reports", json!({"session_id": session}))
        .await?;
    assert_eq!(listed[0]["reports"][0]["reason"], reason);
    Ok(())
}

#[tokio::test]
async fn of_two_devices_that_report_at_once_one_report_counts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (session, _, message) = stream(&database).await?;
    let first = database.viewer(session, demo::BEN).await?;
    let second = database.user(demo::BEN).await?;
    let backend = second.backend().await?;
    let arguments = json!({"session_id": session, "message_id": message["id"]});
    first.begin().await?;
    let reported = first
        .rpc_within("report_message", arguments.clone())
        .await?;
    let waiting = tokio::spawn(async move { second.rpc("report_message", arguments).await });
    wait_until_blocked(&database.owner, backend).await?;
    first.commit().await?;
    assert_eq!(waiting.await??["created_at"], reported["created_at"]);
    let count: i32 = database
        .value("select report_count from stream.reported_messages")
        .await?;
    assert_eq!(count, 1);
    Ok(())
}

#[tokio::test]
async fn of_two_moderators_who_resolve_at_once_one_decision_is_recorded() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (session, _, message) = stream(&database).await?;
    let arguments = json!({"session_id": session, "message_id": message["id"]});
    let ben = database.viewer(session, demo::BEN).await?;
    ben.rpc("report_message", arguments.clone()).await?;
    let seller = database.user(demo::SELLER).await?;
    let (_, moderator) = database.moderator("mia").await?;
    let backend = moderator.backend().await?;
    seller.begin().await?;
    let resolved = seller
        .rpc_within("resolve_report", arguments.clone())
        .await?;
    assert_eq!(resolved, "resolved");
    let waiting = tokio::spawn(async move { moderator.rpc("resolve_report", arguments).await });
    wait_until_blocked(&database.owner, backend).await?;
    seller.commit().await?;
    assert_eq!(waiting.await??, "not_reported");
    let recorded: i64 = database
        .value("select count(*) from stream.moderation_log where action = 'report_resolved'")
        .await?;
    assert_eq!(recorded, 1);
    Ok(())
}

/// The account goes while its report is not committed yet; the deletion waits and takes the report along.
#[tokio::test]
async fn a_reporter_who_is_deleted_beside_the_report_leaves_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (session, _, message) = stream(&database).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    let other = database.connect("postgres").await?;
    let backend: i32 = other
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    ben.begin().await?;
    ben.rpc_within(
        "report_message",
        json!({"session_id": session, "message_id": message["id"]}),
    )
    .await?;
    let deletion = format!("delete from auth.users where id = '{}'", demo::BEN);
    let waiting = tokio::spawn(async move { other.batch_execute(&deletion).await });
    wait_until_blocked(&database.owner, backend).await?;
    ben.commit().await?;
    waiting.await??;
    let left: i64 = database
        .value("select count(*) from stream.message_reports")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

/// Two erasures of one user share the work, and neither counts what the other has done as more to do.
#[tokio::test]
async fn two_erasures_at_once_end_and_an_export_beside_them_is_whole_or_empty() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (session, ..) = stream(&database).await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, session, Ended).await?;
    let arguments = json!({"user_id": demo::ADA});
    let erase = || async {
        let service = database.service().await?;
        for _ in 0..100 {
            let part = service.rpc("forget_user", arguments.clone()).await?;
            if part["has_more"] == false {
                return anyhow::Ok(());
            }
        }
        anyhow::bail!("the erasure has no end")
    };
    let export = || async {
        let service = database.service().await?;
        anyhow::Ok(service.rpc_rows("export_user", arguments.clone()).await?)
    };
    let (one, other, _) = tokio::try_join!(erase(), erase(), export())?;
    assert_eq!((one, other), ((), ()));
    assert_eq!(export().await?, Vec::<Value>::new());
    Ok(())
}

/// A request id belongs to its caller: nobody gets at the first result of another by guessing it.
#[tokio::test]
async fn a_request_id_of_somebody_else_returns_nothing_of_theirs() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = Uuid::new_v4();
    let auction = database.add_auction(demo::SELLER).await?;
    let arguments = json!({"auction_id": auction, "request_id": id});
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("start_stream", arguments.clone()).await?;
    let ada = database.user(demo::ADA).await?;
    let refused = ada.rpc("start_stream", arguments.clone()).await;
    expect_refusal(ErrorCode::NotAuctionOwner, refused)?;
    let anon = database.anon().await?.rpc("start_stream", arguments).await;
    expect_refusal(ErrorCode::PermissionDenied, anon)?;
    let kept: i64 = database
        .value("select count(*) from stream.requests")
        .await?;
    assert_eq!(kept, 1);
    Ok(())
}
