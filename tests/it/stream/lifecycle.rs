//! The moves of a stream: the table of them, the right to ask for each, and its traces.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::{StreamState, Transition, transition};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, session_id};
use uuid::Uuid;

/// Feature: streaming-realtime-fixes, Property 5: For any stream lifecycle event (start, pause,
/// resume, end, error), the Stream_Service should update Stream_State accurately, notify
/// subscribers, and maintain consistency across network interruptions
#[tokio::test]
async fn every_pair_of_states_is_moved_or_refused_as_the_lifecycle_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    for from in StreamState::ALL.iter().copied() {
        for to in StreamState::ALL.iter().copied() {
            let id = database.stream_in(from).await?;
            let events = database.state_events(id).await?.len();
            let entries = database.log(id).await?.len();
            match transition(from, to) {
                Ok(Transition::Changed) => {
                    let answer = move_to(&seller, id, to).await?;
                    assert_eq!(answer["state"], to.as_str());
                    assert_moved(&database, id, from, to).await?;
                    assert_eq!(database.state_events(id).await?.len(), events + 1);
                    assert_eq!(database.log(id).await?.len(), entries + 1);
                }
                Ok(Transition::Unchanged) => {
                    let answer = database.changes_nothing(move_to(&seller, id, to)).await?;
                    assert_eq!(answer["state"], to.as_str());
                }
                Err(_) => {
                    let code = match from {
                        StreamState::Ended => ErrorCode::StreamEnded,
                        _ => ErrorCode::IllegalTransition,
                    };
                    database.refuses(code, move_to(&seller, id, to)).await?;
                }
            }
        }
    }
    Ok(())
}

/// The row, the newest log entry and the newest event tell of the same move.
async fn assert_moved(
    database: &TestDatabase,
    id: Uuid,
    from: StreamState,
    to: StreamState,
) -> Result<()> {
    let row = database.session_row(id).await?;
    let log = database.log(id).await?;
    let entry = log.last().expect("the log has an entry");
    let events = database.state_events(id).await?;
    let event = events.last().expect("there is an event");

    assert_eq!(row["state"], to.as_str());
    assert_eq!(row["state_seq"], entry["seq"]);
    assert_eq!(row["state_changed_at"], entry["created_at"]);
    assert_eq!(entry["message_type"], "system_message");
    assert_eq!(entry["user_id"], Value::Null);
    assert_eq!(
        entry["metadata"],
        json!({
            "kind": "state_changed", "state": to.as_str(), "previous_state": from.as_str(),
            "reason": null, "generation": 1,
        })
    );
    assert_eq!(event["seq"], entry["seq"]);
    assert_eq!(event["state"], to.as_str());
    assert_eq!(event["previous_state"], from.as_str());
    Ok(())
}

#[tokio::test]
async fn pause_resume_and_end_move_to_the_state_that_they_name() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (function, state) in [
        ("pause_stream", "paused"),
        ("resume_stream", "active"),
        ("end_stream", "ended"),
    ] {
        let answer = seller
            .rpc(function, json!({"session_id": id, "reason": "because"}))
            .await?;
        assert_eq!(answer["state"], state);
        assert_eq!(answer["state_reason"], "because");
        assert_eq!(
            seller
                .rpc("get_stream_state", json!({"session_id": id}))
                .await?,
            state
        );
        let log = database.log(id).await?;
        assert_eq!(log.last().unwrap()["metadata"]["reason"], "because");
    }
    Ok(())
}

#[tokio::test]
async fn a_reason_is_gone_with_the_next_move_that_gives_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    seller
        .rpc(
            "pause_stream",
            json!({"session_id": id, "reason": "coffee"}),
        )
        .await?;
    let resumed = seller
        .rpc("resume_stream", json!({"session_id": id}))
        .await?;
    assert_eq!(resumed["state_reason"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn the_seller_and_the_service_move_a_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        caller
            .rpc("pause_stream", json!({"session_id": id}))
            .await?;
        caller
            .rpc("resume_stream", json!({"session_id": id}))
            .await?;
        move_to(&caller, id, StreamState::Error).await?;
        move_to(&caller, id, StreamState::Active).await?;
    }
    Ok(())
}

const MOVES: [&str; 3] = ["pause_stream", "resume_stream", "end_stream"];

#[tokio::test]
async fn nobody_else_moves_a_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let stranger = database.add_stranger().await?;
    let callers = [
        (
            database.viewer(id, demo::ADA).await?,
            ErrorCode::NotStreamOwner,
        ),
        (database.user(demo::BEN).await?, ErrorCode::NotStreamOwner),
        (database.user(stranger).await?, ErrorCode::NotStreamOwner),
        (database.anon().await?, ErrorCode::PermissionDenied),
    ];
    for (caller, code) in callers {
        for function in MOVES {
            let call = caller.rpc(function, json!({"session_id": id}));
            database.refuses(code, call).await?;
        }
        // Not even to the state that it is in already.
        let same = move_to(&caller, id, StreamState::Active);
        database.refuses(code, same).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_not_found() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        for function in MOVES.into_iter().chain(["get_session", "get_stream_state"]) {
            let call = caller.rpc(function, json!({"session_id": Uuid::new_v4()}));
            database.refuses(ErrorCode::SessionNotFound, call).await?;
            let call = caller.rpc(function, json!({"session_id": null}));
            database.refuses(ErrorCode::InvalidArgument, call).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_the_names_of_states_are_states() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    for state in [
        json!("live"),
        json!("ACTIVE"),
        json!("active "),
        json!(""),
        Value::Null,
    ] {
        let call = seller.rpc(
            "update_stream_state",
            json!({"session_id": id, "state": state}),
        );
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reason_has_at_most_200_characters() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let pause = |length| {
        seller.rpc(
            "pause_stream",
            json!({"session_id": id, "reason": "ü".repeat(length)}),
        )
    };
    database
        .refuses(ErrorCode::InvalidArgument, pause(201))
        .await?;
    let paused = pause(200).await?;
    assert_eq!(paused["state_reason"], "ü".repeat(200));
    Ok(())
}

#[tokio::test]
async fn a_stream_remembers_when_it_first_became_active() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    let started = |answer: &Value| answer["started_at"].clone();

    let new = seller.rpc("get_session", json!({"session_id": id})).await?;
    assert_eq!(started(&new), Value::Null);
    let first = move_to(&seller, id, StreamState::Active).await?;
    assert_eq!(started(&first), first["state_changed_at"]);
    move_to(&seller, id, StreamState::Paused).await?;
    let again = move_to(&seller, id, StreamState::Active).await?;
    assert_eq!(started(&again), started(&first));
    assert_ne!(again["state_changed_at"], first["state_changed_at"]);
    Ok(())
}

#[tokio::test]
async fn a_session_is_shown_to_whoever_may_view_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    let row = database.session_row(id).await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.user(demo::ADA).await?,
        database.service().await?,
    ] {
        let session = caller.rpc("get_session", json!({"session_id": id})).await?;
        assert_eq!(session_id(&session)?, id);
        for column in [
            "seller_id",
            "auction_id",
            "channel_id",
            "state",
            "created_at",
            "metadata",
        ] {
            assert_eq!(session[column], row[column], "{column}");
        }
        assert_eq!(session["host_uid"], 1);
    }
    let stranger = database.user(database.add_stranger().await?).await?;
    let anon = database.anon().await?;
    for function in ["get_session", "get_stream_state"] {
        let call = stranger.rpc(function, json!({"session_id": id}));
        database.refuses(ErrorCode::CannotView, call).await?;
        let call = anon.rpc(function, json!({"session_id": id}));
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    Ok(())
}
