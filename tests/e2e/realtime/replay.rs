//! Broadcast Replay with the real client: what somebody gets who joins late, and that deleted texts are
//! not among it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict};
use stream_tests::services::phoenix::{Frame, Phoenix};
use stream_tests::services::{Services, script};
use stream_tests::stream::send_message;
use uuid::Uuid;

/// From the beginning of time.
const EVERYTHING: i64 = 0;

/// The verdict on a join with these members beside the topic, and what came with it.
async fn join(
    services: &Services,
    user: Uuid,
    topic: &str,
    members: Value,
) -> Result<(String, Vec<Value>)> {
    let mut argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "accessToken": services.token_of(user),
        "topic": topic,
    });
    for (name, value) in members.as_object().context("no members")? {
        argument[name] = value.clone();
    }
    let environment = &services.database.environment;
    let arguments = [&*argument.to_string()];
    let finished = script::run(environment, "tests/js/replay.mjs", &arguments).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let answer = finished.json()?;
    let verdict = answer["verdict"].as_str().context("no verdict")?.to_owned();
    let messages = answer["messages"].as_array().context("no messages")?;
    Ok((verdict, messages.clone()))
}

async fn replayed(services: &Services, topic: &str, replay: Value) -> Result<Vec<Value>> {
    let joined = join(services, demo::ADA, topic, json!({ "replay": replay })).await?;
    assert_eq!(joined.0, "joined");
    Ok(joined.1)
}

/// The texts of frames, in their order.
fn texts(frames: &[Value]) -> Vec<&Value> {
    frames
        .iter()
        .flat_map(|frame| {
            frame["payload"]["messages"]
                .as_array()
                .into_iter()
                .flatten()
        })
        .map(|message| &message["content"])
        .collect()
}

async fn chat(services: &Services) -> Result<(Uuid, String)> {
    let stream = services.database.stream_in(StreamState::Active).await?;
    services.database.viewer(stream, demo::ADA).await?;
    Ok((stream, format!("chat:{stream}")))
}

#[tokio::test]
async fn who_joins_late_gets_the_newest_messages_in_their_order() -> Result<()> {
    let services = Services::start().await?;
    let (stream, topic) = chat(&services).await?;
    let seller = services.database.user(demo::SELLER).await?;
    for number in 0..30 {
        send_message(&seller, stream, &number.to_string()).await?;
    }
    let everything = json!({"since": EVERYTHING});
    let messages = replayed(&services, &topic, everything).await?;
    let expected: Vec<Value> = (5..30).map(|number| json!(number.to_string())).collect();
    assert_eq!(texts(&messages), expected.iter().collect::<Vec<_>>());
    let stored = services.database.frames(stream).await?;
    for (message, stored) in messages.iter().zip(&stored[stored.len() - 25..]) {
        assert_eq!(message["event"], "messages");
        assert_eq!(message["payload"], *stored);
        assert_eq!(message["meta"]["replayed"], true);
        let id = message["meta"]["id"].as_str().context("no id")?;
        let kept: bool = services
            .database
            .value(&format!(
                "select exists (select from realtime.messages where id = '{id}')"
            ))
            .await?;
        assert!(kept);
    }
    let three = json!({"since": EVERYTHING, "limit": 3});
    let messages = replayed(&services, &topic, three).await?;
    assert_eq!(texts(&messages), ["27", "28", "29"]);

    let since: i64 = services
        .database
        .value(
            "select (extract(epoch from max(inserted_at)) * 1000)::bigint + 1 from realtime.messages",
        )
        .await?;
    let messages = replayed(&services, &topic, json!({"since": since})).await?;
    assert!(messages.is_empty(), "{messages:?}");
    let (_, live_only) = join(&services, demo::ADA, &topic, json!({})).await?;
    assert!(live_only.is_empty(), "{live_only:?}");
    Ok(())
}

#[tokio::test]
async fn replay_is_refused_where_the_topic_may_not_be_read_or_is_public() -> Result<()> {
    let services = Services::start().await?;
    let (stream, topic) = chat(&services).await?;
    send_message(&services.database.user(demo::SELLER).await?, stream, "hi").await?;
    let replay = json!({"since": EVERYTHING});
    let stranger = services.database.add_stranger().await?;
    let params = "UnableToReplayMessages: Replay params are not valid";
    for (user, members, reason) in [
        (stranger, json!({"replay": replay}), "Unauthorized"),
        // Not joined.
        (demo::BEN, json!({"replay": replay}), "Unauthorized"),
        (
            demo::ADA,
            json!({"replay": replay, "isPublic": true}),
            "UnableToReplayMessages: Replay is not allowed for public channels",
        ),
        (demo::ADA, json!({"replay": {}}), params),
        (demo::ADA, json!({"replay": {"since": "now"}}), params),
        (
            demo::ADA,
            json!({"replay": {"since": 1, "limit": "x"}}),
            params,
        ),
    ] {
        let (verdict, messages) = join(&services, user, &topic, members.clone()).await?;
        assert!(verdict.contains(reason), "{members}: {verdict}");
        assert!(messages.is_empty(), "{members}: {messages:?}");
    }
    Ok(())
}

#[tokio::test]
async fn who_joins_after_a_deletion_is_not_sent_the_text() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let (stream, topic) = chat(&services).await?;
    let seller = database.user(demo::SELLER).await?;
    let ben = database.viewer(stream, demo::BEN).await?;
    send_message(&seller, stream, "welcome").await?;
    let insult = send_message(&ben, stream, "an insult").await?;
    let everything = json!({"since": EVERYTHING});
    let before = replayed(&services, &topic, everything.clone()).await?;
    assert!(texts(&before).contains(&&json!("an insult")), "{before:?}");

    delete_message(&seller, stream, &insult).await?;
    send_message(&ben, stream, "another").await?;
    restrict(&seller, "delete_user_messages", stream, demo::BEN).await?;
    let after = replayed(&services, &topic, everything).await?;
    assert!(texts(&after).contains(&&json!("welcome")));
    for text in ["an insult", "another"] {
        assert!(!texts(&after).contains(&&json!(text)), "{after:?}");
    }
    Ok(())
}

#[tokio::test]
async fn rows_of_one_transaction_are_replayed_in_reverse() -> Result<()> {
    let mut services = Services::start().await?;
    let database = &mut services.database;
    database.keep_broadcasts_uncompared("rows of its own");
    // Each call is a transaction.
    database
        .change(
            "select realtime.send('{}', 'first', 'live'), realtime.send('{}', 'second', 'live')",
        )
        .await?;
    database
        .change("select realtime.send('{}', 'third', 'live')")
        .await?;
    let replay = json!({"private": true, "broadcast": {"replay": {"since": EVERYTHING}}});
    let mut socket = Phoenix::connect(&services).await?;
    let token = services.token_of(demo::ADA);
    socket.join("realtime:live", replay, Some(&token)).await?;
    for expected in ["second", "first", "third"] {
        let Frame::Text { event, payload, .. } = socket.next().await? else {
            panic!("no text frame");
        };
        assert_eq!(event, "broadcast");
        assert_eq!(payload["event"], expected);
        assert_eq!(payload["meta"]["replayed"], true);
    }
    Ok(())
}
