//! Chat subscriptions: the right to follow the chat of a stream, and its end.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::realtime::may_read;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use tokio_postgres::Error;
use uuid::Uuid;

async fn subscribe(caller: &Session, session: Uuid) -> Result<Value, Error> {
    caller
        .rpc("subscribe_to_chat", json!({"session_id": session}))
        .await
}

async fn unsubscribe(caller: &Session, subscription: impl Into<Value>) -> Result<Value, Error> {
    let arguments = json!({"subscription_id": subscription.into()});
    caller.rpc("unsubscribe_from_chat", arguments).await
}

/// Whether each subscription that is stored is active.
async fn stored(database: &TestDatabase, session: Uuid) -> Result<Vec<bool>> {
    database
        .value(&format!(
            "select array(select c.is_active from stream.chat_subscriptions as c
                 where c.session_id = '{session}' order by c.user_id)"
        ))
        .await
}

#[tokio::test]
async fn a_subscription_names_the_topic_that_its_user_may_join() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    for (caller, user) in [(&ada, demo::ADA), (&seller, demo::SELLER)] {
        let subscription = subscribe(caller, id).await?;
        assert_eq!(subscription["session_id"], json!(id));
        assert_eq!(subscription["user_id"], json!(user));
        assert_eq!(subscription["is_active"], true);
        let channel = subscription["channel"].as_str().context("no channel")?;
        assert_eq!(channel, format!("chat:{id}"));
        assert!(may_read(&mut gateway, &Identity::user(user), channel, "broadcast").await?);
        let is_uuid = subscription["id"].as_str().map(Uuid::parse_str);
        assert!(is_uuid.is_some_and(|id| id.is_ok()));
    }
    Ok(())
}

#[tokio::test]
async fn subscribing_again_answers_the_same_subscription() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let first = subscribe(&ada, id).await?;
    let again = database.changes_nothing(subscribe(&ada, id)).await?;
    assert_eq!(again, first);

    let ended = unsubscribe(&ada, first["id"].clone()).await?;
    assert_eq!(ended["is_active"], false);
    let same = database
        .changes_nothing(unsubscribe(&ada, first["id"].clone()))
        .await?;
    assert_eq!(same, ended);

    assert_eq!(subscribe(&ada, id).await?, first);
    assert_eq!(stored(&database, id).await?, [true]);
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_read_the_chat_cannot_follow_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ended = database.stream_in(StreamState::Ended).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until) values
                 ('{id}', '{}', 'ban', now() + interval '1 hour'),
                 ('{id}', '{}', 'ban', now() - interval '1 hour'),
                 ('{id}', '{}', 'mute', null)",
            demo::ADA,
            demo::BEN,
            demo::BEN
        ))
        .await?;
    let cleo = database.user(demo::CLEO).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let anon = database.anon().await?;
    let seller = database.user(demo::SELLER).await?;
    for (code, caller, session) in [
        (ErrorCode::Banned, &ada, id),
        (ErrorCode::NotViewer, &cleo, id),
        (ErrorCode::CannotView, &stranger, id),
        (ErrorCode::PermissionDenied, &anon, id),
        (ErrorCode::StreamEnded, &seller, ended),
        (ErrorCode::SessionNotFound, &seller, Uuid::new_v4()),
    ] {
        database.refuses(code, subscribe(caller, session)).await?;
    }
    let null = seller.rpc("subscribe_to_chat", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;
    let snapshot = seller.rpc_at(
        "repeatable read",
        "subscribe_to_chat",
        json!({"session_id": id}),
    );
    database
        .refuses(ErrorCode::IsolationLevel, snapshot)
        .await?;

    // A ban that is over and a mute keep nobody from reading.
    assert_eq!(subscribe(&ben, id).await?["is_active"], true);
    // Who has left may still read the chat, as the Realtime policy has it.
    ben.rpc("remove_viewer", json!({"session_id": id})).await?;
    assert_eq!(subscribe(&ben, id).await?["is_active"], true);
    Ok(())
}

#[tokio::test]
async fn a_user_follows_for_themself_and_the_service_for_anybody_who_may() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    let of = |user: Value| json!({"session_id": id, "user_id": user});

    let for_ben = ada.rpc("subscribe_to_chat", of(json!(demo::BEN)));
    database.refuses(ErrorCode::NotSelf, for_ben).await?;
    let for_nobody = service.rpc("subscribe_to_chat", of(Value::Null));
    database
        .refuses(ErrorCode::InvalidArgument, for_nobody)
        .await?;
    let not_joined = service.rpc("subscribe_to_chat", of(json!(demo::BEN)));
    database.refuses(ErrorCode::NotViewer, not_joined).await?;

    let subscription = service
        .rpc("subscribe_to_chat", of(json!(demo::ADA)))
        .await?;
    assert_eq!(subscribe(&ada, id).await?, subscription);
    let ended = unsubscribe(&service, subscription["id"].clone()).await?;
    assert_eq!(ended["is_active"], false);
    Ok(())
}

#[tokio::test]
async fn somebody_elses_subscription_is_like_one_that_is_not_there() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let of_ada = subscribe(&ada, id).await?["id"].clone();
    for (caller, subscription) in [(&ben, of_ada.clone()), (&ada, json!(Uuid::new_v4()))] {
        let call = unsubscribe(caller, subscription);
        database
            .refuses(ErrorCode::SubscriptionNotFound, call)
            .await?;
    }
    database
        .refuses(ErrorCode::InvalidArgument, unsubscribe(&ada, Value::Null))
        .await?;
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::PermissionDenied, unsubscribe(&anon, of_ada))
        .await?;
    assert_eq!(stored(&database, id).await?, [true]);
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_stream_ends_its_subscriptions_and_no_others() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.viewer(other, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    subscribe(&seller, id).await?;
    let subscription = subscribe(&ada, id).await?;
    subscribe(&ada, other).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    assert_eq!(stored(&database, id).await?, [false, false]);
    assert_eq!(stored(&database, other).await?, [true]);
    assert_eq!(
        unsubscribe(&ada, subscription["id"].clone()).await?["is_active"],
        false
    );
    Ok(())
}

#[tokio::test]
async fn subscribing_while_a_stream_ends_leaves_no_subscription() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .rpc_within("end_stream", json!({"session_id": id}))
        .await?;
    let waiting = ada.backend().await?;
    let (outcome, ended) = tokio::join!(subscribe(&ada, id), async {
        wait_until_blocked(&database.owner, waiting).await?;
        seller.commit().await?;
        anyhow::Ok(())
    });
    ended?;
    expect_refusal(ErrorCode::StreamEnded, outcome)?;
    assert_eq!(stored(&database, id).await?, Vec::<bool>::new());
    Ok(())
}
