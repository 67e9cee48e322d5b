//! Starting a stream, and its takeover by another device of the seller.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, session_id};
use tokio::sync::Barrier;
use uuid::Uuid;

#[tokio::test]
async fn a_new_stream_is_initializing_and_its_log_says_so() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let session = seller
        .rpc("start_stream", json!({"auction_id": demo::AUCTION}))
        .await?;
    let id = session_id(&session)?;

    assert_eq!(session["state"], "initializing");
    assert_eq!(session["seller_id"], json!(demo::SELLER));
    assert_eq!(session["auction_id"], json!(demo::AUCTION));
    assert_eq!(session["channel_id"], json!(id));
    assert_eq!(session["generation"], 1);
    assert_eq!(session["host_uid"], 1);
    assert_eq!(session["viewer_count"], 0);
    assert_eq!(session["ended_at"], Value::Null);
    assert_eq!(id.get_version_num(), 7);

    let log = database.log(id).await?;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["seq"], 1);
    assert_eq!(
        log[0]["metadata"],
        json!({
            "kind": "state_changed", "state": "initializing", "previous_state": null,
            "reason": null, "generation": 1,
        })
    );
    Ok(())
}

#[tokio::test]
async fn the_owner_of_the_auction_starts_its_stream_and_nobody_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    let start = json!({"auction_id": demo::AUCTION});
    for id in [demo::ADA, database.add_stranger().await?] {
        let call = database.user(id).await?;
        let call = call.rpc("start_stream", start.clone());
        database.refuses(ErrorCode::NotAuctionOwner, call).await?;
    }
    let anon = database.anon().await?;
    database
        .refuses(
            ErrorCode::PermissionDenied,
            anon.rpc("start_stream", start.clone()),
        )
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let unknown = seller.rpc("start_stream", json!({"auction_id": Uuid::new_v4()}));
    database
        .refuses(ErrorCode::NotAuctionOwner, unknown)
        .await?;
    let null = seller.rpc("start_stream", json!({"auction_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;

    seller.rpc("start_stream", start).await?;
    Ok(())
}

#[tokio::test]
async fn a_user_starts_streams_as_themself_only() -> Result<()> {
    let database = TestDatabase::create().await?;
    let start = json!({"auction_id": demo::AUCTION, "seller_id": demo::SELLER});
    let ada = database.user(demo::ADA).await?;
    database
        .refuses(ErrorCode::NotSelf, ada.rpc("start_stream", start.clone()))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let started = seller.rpc("start_stream", start).await?;
    assert_eq!(started["seller_id"], json!(demo::SELLER));
    Ok(())
}

#[tokio::test]
async fn the_service_starts_a_stream_for_the_seller_whom_it_names() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let start = |seller: Option<Uuid>| {
        service.rpc(
            "start_stream",
            json!({"auction_id": demo::AUCTION, "seller_id": seller}),
        )
    };
    database
        .refuses(ErrorCode::InvalidArgument, start(None))
        .await?;
    database
        .refuses(ErrorCode::NotAuctionOwner, start(Some(demo::ADA)))
        .await?;
    let started = start(Some(demo::SELLER)).await?;
    assert_eq!(started["seller_id"], json!(demo::SELLER));
    Ok(())
}

#[tokio::test]
async fn starting_again_takes_the_stream_over_with_the_next_generation() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let start = || seller.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    let first = start().await?;
    let id = session_id(&first)?;
    move_to(&seller, id, StreamState::Active).await?;

    let second = start().await?;
    assert_eq!(session_id(&second)?, id);
    assert_eq!(second["state"], "active");
    assert_eq!(second["generation"], 2);
    assert_eq!(second["host_uid"], 2);

    let log = database.log(id).await?;
    let entry = log.last().unwrap();
    assert_eq!(entry["seq"], 3);
    assert_eq!(
        entry["metadata"],
        json!({"kind": "host_changed", "state": "active", "generation": 2})
    );
    let events = database.state_events(id).await?;
    let event = events.last().unwrap();
    assert_eq!(event["state"], "active");
    assert_eq!(event["previous_state"], "active");
    assert_eq!(event["generation"], 2);
    assert_eq!(event["host_uid"], 2);
    assert_eq!(event["seq"], 3);
    Ok(())
}

#[tokio::test]
async fn a_superseded_device_is_refused_and_the_new_one_goes_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let start = || seller.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    let id = session_id(&start().await?)?;
    start().await?;
    let token = |user: &str| json!({user: null, "channel_id": id});
    for (function, arguments) in [
        (
            "update_stream_state",
            json!({"session_id": id, "state": "active"}),
        ),
        ("pause_stream", json!({"session_id": id})),
        ("resume_stream", json!({"session_id": id})),
        ("end_stream", json!({"session_id": id})),
        ("heartbeat", json!({"session_id": id})),
        ("generate_seller_token", token("seller_id")),
        ("refresh_token", token("user_id")),
    ] {
        for generation in [0, 1, 3, -1] {
            let mut stale = arguments.clone();
            stale["generation"] = json!(generation);
            let call = seller.rpc(function, stale);
            database.refuses(ErrorCode::StaleHost, call).await?;
        }
    }
    let current = json!({"session_id": id, "state": "active", "generation": 2});
    let answer = seller.rpc("update_stream_state", current).await?;
    assert_eq!(answer["state"], "active");
    for (function, user) in [
        ("generate_seller_token", "seller_id"),
        ("refresh_token", "user_id"),
    ] {
        for generation in [json!(2), Value::Null] {
            let mut arguments = token(user);
            arguments["generation"] = generation;
            let answer = seller.rpc(function, arguments).await?;
            assert_eq!(answer["uid"], 2, "{function}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_seller_does_not_take_a_live_auction_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let start = json!({"auction_id": demo::AUCTION});
    let live = seller.rpc("start_stream", start.clone()).await?;
    database
        .change(
            "create or replace function stream.hook_owns_auction(user_id uuid, auction_id uuid)
             returns boolean language sql stable set search_path = pg_catalog, pg_temp as 'select true'",
        )
        .await?;
    database
        .refuses(
            ErrorCode::AuctionLive,
            ada.rpc("start_stream", start.clone()),
        )
        .await?;
    move_to(&seller, session_id(&live)?, StreamState::Ended).await?;
    let hers = ada.rpc("start_stream", start).await?;
    assert_eq!(hers["seller_id"], json!(demo::ADA));
    assert_eq!(hers["generation"], 1);
    Ok(())
}

#[tokio::test]
async fn one_seller_streams_several_auctions_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.start_stream().await?;
    let second = database.start_stream().await?;
    assert_ne!(first, second);
    let live: i64 = database
        .value("select count(*) from stream.stream_sessions where state <> 'ended'")
        .await?;
    assert_eq!(live, 2);
    Ok(())
}

#[tokio::test]
async fn starts_at_the_same_instant_make_one_live_session() -> Result<()> {
    const DEVICES: usize = 6;
    let database = TestDatabase::create().await?;
    let barrier = Arc::new(Barrier::new(DEVICES));
    let mut starts = Vec::new();
    for _ in 0..DEVICES {
        let device = database.user(demo::SELLER).await?;
        let barrier = Arc::clone(&barrier);
        starts.push(tokio::spawn(async move {
            barrier.wait().await;
            device
                .rpc("start_stream", json!({"auction_id": demo::AUCTION}))
                .await
        }));
    }
    let mut ids = Vec::new();
    let mut generations = Vec::new();
    for start in starts {
        let session = start.await??;
        ids.push(session_id(&session)?);
        generations.push(session["generation"].as_i64().unwrap());
    }
    generations.sort_unstable();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(generations, (1..=DEVICES as i64).collect::<Vec<_>>());
    let sessions: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(sessions, 1);
    Ok(())
}

/// The first device's start is not committed yet when the second one's arrives.
#[tokio::test]
async fn a_start_waits_for_an_uncommitted_one_and_then_takes_it_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (first, second) = (
        database.user(demo::SELLER).await?,
        database.user(demo::SELLER).await?,
    );
    let start = json!({"auction_id": demo::AUCTION});
    let backend = second.backend().await?;

    first.begin().await?;
    let started = first.rpc_within("start_stream", start.clone()).await?;
    let waiting = tokio::spawn({
        let start = start.clone();
        async move { second.rpc("start_stream", start).await }
    });
    wait_until_blocked(&database.owner, backend).await?;
    first.commit().await?;

    let taken = waiting.await??;
    assert_eq!(taken["id"], started["id"]);
    assert_eq!(taken["generation"], 2);
    Ok(())
}

#[tokio::test]
async fn a_start_goes_ahead_when_the_one_it_waited_for_is_rolled_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (first, second) = (
        database.user(demo::SELLER).await?,
        database.user(demo::SELLER).await?,
    );
    let start = json!({"auction_id": demo::AUCTION});
    let backend = second.backend().await?;

    first.begin().await?;
    let lost = first.rpc_within("start_stream", start.clone()).await?;
    let waiting = tokio::spawn(async move { second.rpc("start_stream", start).await });
    wait_until_blocked(&database.owner, backend).await?;
    first.rollback().await?;

    let started = waiting.await??;
    assert_ne!(started["id"], lost["id"]);
    assert_eq!(started["generation"], 1);
    Ok(())
}
