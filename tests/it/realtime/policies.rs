//! Rights to join each private channel, asked as Realtime asks it.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::realtime::may_read;
use stream_tests::refusal::expect_refusal;
use uuid::Uuid;

#[tokio::test]
async fn topics_of_a_stream_are_open_by_what_the_reader_is_to_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let left = database.viewer(id, demo::CLEO).await?;
    left.rpc("remove_viewer", json!({"session_id": id})).await?;
    let stranger = database.add_stranger().await?;
    let mut gateway = database.connect("realtime_gateway").await?;

    for (who, identity, [stream, viewers, chat]) in [
        ("seller", Identity::user(demo::SELLER), [true, true, true]),
        ("viewer", Identity::user(demo::ADA), [true, true, true]),
        ("guest", Identity::user(demo::BEN), [true, true, false]),
        // They hold no place any more, and saw the chat before.
        (
            "former viewer",
            Identity::user(demo::CLEO),
            [true, true, true],
        ),
        ("stranger", Identity::user(stranger), [false, false, false]),
        (
            "nobody's id",
            Identity::user(Uuid::new_v4()),
            [false, false, false],
        ),
        ("public key", Identity::anon(), [false, false, false]),
    ] {
        for (kind, expected) in [("stream", stream), ("viewers", viewers), ("chat", chat)] {
            let topic = format!("{kind}:{id}");
            let may = may_read(&mut gateway, &identity, &topic, "broadcast").await?;
            assert_eq!(may, expected, "{who} {kind}");
            let presence = may_read(&mut gateway, &identity, &topic, "presence").await?;
            assert!(!presence, "{who} presence {kind}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_viewer_whom_the_application_refuses_now_does_not_join_again() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(
            "create or replace function stream.hook_can_view(user_id uuid, session_id uuid)
             returns boolean language sql stable set search_path = pg_catalog, pg_temp as 'select null::boolean'",
        )
        .await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    for kind in ["stream", "viewers", "chat"] {
        let topic = format!("{kind}:{id}");
        let viewer = Identity::user(demo::ADA);
        assert!(
            !may_read(&mut gateway, &viewer, &topic, "broadcast").await?,
            "{kind}"
        );
        let seller = Identity::user(demo::SELLER);
        assert!(
            may_read(&mut gateway, &seller, &topic, "broadcast").await?,
            "{kind}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_users_own_topic_is_theirs_alone() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    let topic = format!("user:{}", demo::ADA);
    for (user, expected) in [(demo::ADA, true), (demo::BEN, false), (demo::SELLER, false)] {
        let identity = Identity::user(user);
        let may = may_read(&mut gateway, &identity, &topic, "broadcast").await?;
        assert_eq!(may, expected, "{user}");
    }
    Ok(())
}

#[tokio::test]
async fn a_topic_has_one_spelling() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    let seller = Identity::user(demo::SELLER);
    let upper_case = id.to_string().to_uppercase();
    let own_upper_case = format!(
        "user:{}",
        Uuid::from_u128(0xabcdef).to_string().to_uppercase()
    );
    for topic in [
        "",
        "stream",
        "stream:",
        "stream:*",
        "stream:1",
        &format!("stream:{upper_case}"),
        &format!("stream:{{{id}}}"),
        &format!("stream:{}", id.simple()),
        &format!("stream:{id}:"),
        &format!("stream:{id}\n"),
        &format!("stream:{id} "),
        &format!(" stream:{id}"),
        &format!("x\nstream:{id}"),
        &format!("STREAM:{id}"),
        &format!("streams:{id}"),
        &format!("realtime:stream:{id}"),
        &format!("auction:{id}"),
        &format!("{id}"),
        &format!("stream:{}", Uuid::new_v4()),
        &own_upper_case,
    ] {
        let may = may_read(&mut gateway, &seller, topic, "broadcast").await?;
        assert!(!may, "{topic:?}");
    }
    Ok(())
}

#[tokio::test]
async fn claims_without_a_user_open_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    for claims in [
        Value::Null,
        json!({}),
        json!({"sub": ""}),
        json!({"role": "service_role"}),
    ] {
        let identity = Identity::with_claims("authenticated", claims.clone());
        for topic in [format!("stream:{id}"), format!("user:{}", demo::ADA)] {
            // A refusal by an error closes the channel as well.
            let may = may_read(&mut gateway, &identity, &topic, "broadcast").await;
            assert!(!may.unwrap_or(false), "{claims} {topic}");
            gateway = database.connect("realtime_gateway").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn stored_broadcasts_are_not_read_through_the_policy() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for caller in [database.user(demo::SELLER).await?, database.anon().await?] {
        let rows = caller
            .run("select to_jsonb(m) from realtime.messages as m")
            .await?;
        assert!(rows.is_empty());
    }
    assert!(!database.frames(id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn no_client_sends_on_any_topic() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.viewer(id, demo::ADA).await?,
        database.anon().await?,
    ] {
        for topic in [
            format!("stream:{id}"),
            format!("chat:{id}"),
            format!("user:{}", demo::ADA),
        ] {
            let insert = "insert into realtime.messages (topic, extension, private)
                          values ($1, 'broadcast', true)";
            let call = caller.execute(insert, &[&topic]).await;
            expect_refusal(ErrorCode::PermissionDenied, call)?;
        }
        let touched = caller
            .execute("update realtime.messages set payload = '{}'", &[])
            .await?;
        assert_eq!(touched, 0);
    }
    Ok(())
}

#[tokio::test]
async fn the_topic_live_is_every_signed_in_users_and_nobody_elses() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stranger = database.add_stranger().await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    for (identity, topic, expected) in [
        (Identity::user(demo::ADA), "live", true),
        (Identity::user(stranger), "live", true),
        (Identity::anonymous_user(demo::BEN), "live", true),
        (Identity::anon(), "live", false),
        (
            Identity::with_claims("authenticated", json!({})),
            "live",
            false,
        ),
        (Identity::user(demo::ADA), "live:", false),
        (Identity::user(demo::ADA), "Live", false),
        (Identity::user(demo::ADA), "live\n", false),
    ] {
        let may = may_read(&mut gateway, &identity, topic, "broadcast").await?;
        assert_eq!(may, expected, "{topic:?} {identity:?}");
        assert!(!may_read(&mut gateway, &identity, topic, "presence").await?);
    }
    Ok(())
}
