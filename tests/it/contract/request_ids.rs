//! Request ids: the same call with the same id again returns the first result.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::seq;
use stream_tests::stream::{move_to, send_message, session_id};
use uuid::Uuid;

async fn kept(database: &TestDatabase) -> Result<i64> {
    database.value("select count(*) from stream.requests").await
}

#[tokio::test]
async fn a_repeated_start_takes_nothing_over_and_returns_the_first_result() -> Result<()> {
    let database = TestDatabase::create().await?;
    let auction = database.add_auction(demo::SELLER).await?;
    let seller = database.user(demo::SELLER).await?;
    let arguments = json!({"auction_id": auction, "request_id": Uuid::new_v4()});
    let first = seller.rpc("start_stream", arguments.clone()).await?;
    let again = database
        .changes_nothing(seller.rpc("start_stream", arguments.clone()))
        .await?;
    assert_eq!(again, first);
    assert_eq!(again["generation"], 1);
    // Also when the stream has moved on since, and ended.
    let id = session_id(&first)?;
    move_to(&seller, id, StreamState::Active).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    assert_eq!(seller.rpc("start_stream", arguments).await?, first);
    let another = json!({"auction_id": auction, "request_id": Uuid::new_v4()});
    assert_ne!(
        seller.rpc("start_stream", another).await?["id"],
        first["id"]
    );
    Ok(())
}

/// Every operation that takes a request id, in an order in which each succeeds.
fn calls(id: Uuid, auction: Uuid, message: &Value, other: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("start_stream", json!({"auction_id": auction})),
        (
            "update_stream_state",
            json!({"session_id": id, "state": "active"}),
        ),
        ("pause_stream", json!({"session_id": id})),
        ("resume_stream", json!({"session_id": id, "reason": "back"})),
        (
            "mute_user",
            json!({"session_id": id, "user_id": demo::ADA, "duration_s": 60, "reason": "(a, \"b\")"}),
        ),
        (
            "lift_restriction",
            json!({"session_id": id, "user_id": demo::ADA, "kind": "mute"}),
        ),
        ("ban_user", json!({"session_id": id, "user_id": demo::CLEO})),
        (
            "set_slow_mode",
            json!({"session_id": id, "interval_ms": 1000}),
        ),
        ("set_chat_mode", json!({"session_id": id, "mode": "hosts"})),
        (
            "pin_message",
            json!({"session_id": id, "message_id": message["id"]}),
        ),
        ("unpin_message", json!({"session_id": id})),
        ("block_term", json!({"session_id": id, "term": "darn"})),
        ("unblock_term", json!({"session_id": id, "term": "darn"})),
        (
            "resolve_report",
            json!({"session_id": id, "message_id": message["id"]}),
        ),
        (
            "delete_message",
            json!({"session_id": id, "message_id": other["id"]}),
        ),
        (
            "delete_user_messages",
            json!({"session_id": id, "user_id": demo::ADA}),
        ),
        ("end_stream", json!({"session_id": id})),
    ]
}

#[tokio::test]
async fn every_operation_with_a_request_id_acts_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Initializing).await?;
    let auction = database.add_auction(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "one").await?;
    let other = send_message(&ada, id, "two").await?;
    let seller = database.user(demo::SELLER).await?;
    seller
        .rpc(
            "report_message",
            json!({"session_id": id, "message_id": message["id"]}),
        )
        .await?;
    let calls = calls(id, auction, &message, &other);
    let mut firsts = Vec::new();
    for (operation, arguments) in &calls {
        let mut arguments = arguments.clone();
        arguments["request_id"] = json!(Uuid::new_v4());
        let first = seller.rpc(operation, arguments.clone()).await?;
        let again = database
            .changes_nothing(seller.rpc(operation, arguments.clone()))
            .await
            .with_context(|| format!("{operation} again"))?;
        assert_eq!(again, first, "{operation}");
        firsts.push((operation, arguments, first));
    }
    // After the end too, in whatever state all of it is now.
    for (operation, arguments, first) in firsts {
        assert_eq!(
            seller.rpc(operation, arguments).await?,
            first,
            "{operation}"
        );
    }
    let contract: Value = serde_json::from_str(include_str!("../../../contract/operations.json"))?;
    let mut promised: Vec<&str> = contract["operations"]
        .as_object()
        .context("no operations")?
        .iter()
        .filter(|(_, operation)| operation["repeat"]["with"] == "request_id")
        .map(|(name, _)| name.as_str())
        .collect();
    promised.sort_unstable();
    let mut called: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
    called.sort_unstable();
    assert_eq!(called, promised);
    Ok(())
}

#[tokio::test]
async fn an_id_means_one_operation_with_its_arguments_of_one_caller() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let request = Uuid::new_v4();
    let pause = json!({"session_id": id, "reason": "coffee", "request_id": request});
    let paused = seller.rpc("pause_stream", pause.clone()).await?;
    for (operation, arguments) in [
        (
            "pause_stream",
            json!({"session_id": id, "request_id": request}),
        ),
        (
            "pause_stream",
            json!({"session_id": id, "reason": "tea", "request_id": request}),
        ),
        (
            "resume_stream",
            json!({"session_id": id, "reason": "coffee", "request_id": request}),
        ),
    ] {
        let refused = seller.rpc(operation, arguments);
        database
            .refuses(ErrorCode::RequestIdConflict, refused)
            .await?;
    }
    // Somebody else's id is another one, and rights are judged as ever.
    let ada = database.user(demo::ADA).await?;
    let refused = ada.rpc("pause_stream", pause.clone());
    database.refuses(ErrorCode::NotStreamOwner, refused).await?;
    let service = database.service().await?;
    let resume = json!({"session_id": id, "request_id": request});
    let resumed = service.rpc("resume_stream", resume.clone()).await?;
    assert_eq!(resumed["state"], "active");
    assert_eq!(seller.rpc("pause_stream", pause).await?, paused);
    assert_eq!(service.rpc("resume_stream", resume.clone()).await?, resumed);
    let again = service.rpc_at("repeatable read", "resume_stream", resume);
    database.refuses(ErrorCode::IsolationLevel, again).await?;
    assert_eq!(kept(&database).await?, 2);
    // Without an id nothing is kept.
    seller
        .rpc("pause_stream", json!({"session_id": id}))
        .await?;
    assert_eq!(kept(&database).await?, 2);
    Ok(())
}

#[tokio::test]
async fn of_two_at_once_the_second_waits_and_returns_the_first_result() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let head = database.head_seq(id).await?;
    for commits in [false, true] {
        let first = database.user(demo::SELLER).await?;
        let second = database.user(demo::SELLER).await?;
        let request = json!({"session_id": id, "user_id": demo::ADA, "request_id": Uuid::new_v4()});
        first.begin().await?;
        let muted = first.rpc_within("mute_user", request.clone()).await?;
        let waiter = second.backend().await?;
        let waiting = tokio::spawn(async move { second.rpc("mute_user", request).await });
        wait_until_blocked(&database.superuser().await?, waiter).await?;
        if commits {
            first.commit().await?;
            assert_eq!(waiting.await??, muted);
        } else {
            first.rollback().await?;
            assert_eq!(waiting.await??["user_id"], json!(demo::ADA));
            let seller = database.user(demo::SELLER).await?;
            let lift = json!({"session_id": id, "user_id": demo::ADA, "kind": "mute"});
            seller.rpc("lift_restriction", lift).await?;
        }
    }
    let events = database.events_after(id, head).await?;
    let kinds: Vec<_> = events.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["user_muted", "restriction_lifted", "user_muted"]);
    Ok(())
}

#[tokio::test]
async fn a_refused_call_keeps_nothing_and_may_succeed_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "hello").await?;
    let request =
        json!({"session_id": id, "message_id": message["id"], "request_id": Uuid::new_v4()});
    let ben = database.viewer(id, demo::BEN).await?;
    let refused = ben.rpc("pin_message", request.clone());
    database.refuses(ErrorCode::NotModerator, refused).await?;
    database
        .change(&format!(
            "update public.users set is_moderator = true where id = '{}'",
            demo::BEN
        ))
        .await?;
    let pinned = ben.rpc("pin_message", request).await?;
    assert_eq!(pinned["pinned_seq"], seq(&message)?);
    Ok(())
}

#[tokio::test]
async fn first_results_are_swept_after_their_time() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "update stream.config set sweep_batch_size = 2, request_retention_hours = 2 where id",
        )
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for _ in 0..4 {
        let request = json!({"session_id": id, "request_id": Uuid::new_v4()});
        seller.rpc("pause_stream", request).await?;
    }
    let age = |minutes: i64| {
        format!(
            "update stream.requests set created_at = now() - {minutes} * interval '1 minute' where id > 1"
        )
    };
    database.change(&age(119)).await?;
    assert_eq!(database.sweep().await?.handled().get("requests"), None);
    database.change(&age(125)).await?;
    for (swept, left) in [(Some(2), 2), (Some(1), 1), (None, 1)] {
        let sweep = database.sweep().await?;
        let handled = sweep.handled();
        assert_eq!(handled.get("requests").copied(), swept);
        assert_eq!(kept(&database).await?, left);
    }
    Ok(())
}

/// Pages that a call with a new id and its repetition read.
async fn pages_of_two_calls(database: &TestDatabase, session: Uuid) -> Result<u64> {
    let id = Uuid::new_v4();
    let mut pages = 0;
    for _ in 0..2 {
        pages += database
            .pages(&format!(
                "select stream.set_slow_mode('{session}', 1000, '{id}')"
            ))
            .await?;
    }
    Ok(pages)
}

/// Of the service, whose ids lie together.
#[tokio::test]
async fn what_was_kept_before_makes_no_call_dearer() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    // The first calls fill the caches of the connection.
    pages_of_two_calls(&database, id).await?;
    let before = pages_of_two_calls(&database, id).await?;
    database
        .change(
            "insert into stream.requests (caller, request_id, operation, arguments_hash)
             select r.caller, gen_random_uuid(), r.operation, r.arguments_hash
             from (select * from stream.requests order by id limit 1) as r
             cross join generate_series(1, 50000)",
        )
        .await?;
    // The first ones after it make their plans anew.
    pages_of_two_calls(&database, id).await?;
    let after = pages_of_two_calls(&database, id).await?;
    assert!(after < before + 100, "{before} pages, then {after}");
    Ok(())
}
