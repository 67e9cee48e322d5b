//! Rights on a stream's private channels: who may listen, and that the database alone may send. Asked with the
//! real client.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::restrict;
use stream_tests::services::{Services, script};
use stream_tests::stream::move_to;
use uuid::Uuid;

/// The verdicts on each caller and topic: true for joined, false for refused as unauthorized.
async fn joins(
    services: &Services,
    callers: &[(&str, Option<String>)],
    topics: &[String],
) -> Result<BTreeMap<String, Vec<bool>>> {
    let argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "callers": callers.iter().cloned().collect::<BTreeMap<_, _>>(),
        "topics": topics,
    });
    let answer = run(services, "join", argument).await?;
    let verdict_on = |name: &str, topic: &String| {
        let verdict = answer[name][topic].as_str().context("no verdict")?;
        let is_refused = verdict.contains("Unauthorized");
        assert!(
            is_refused || verdict == "joined",
            "{name} {topic}: {verdict}"
        );
        Ok(!is_refused)
    };
    let verdicts = callers.iter().map(|(name, _)| {
        let of_topics: Result<Vec<bool>> =
            topics.iter().map(|topic| verdict_on(name, topic)).collect();
        Ok(((*name).to_owned(), of_topics?))
    });
    verdicts.collect()
}

async fn run(services: &Services, name: &str, argument: Value) -> Result<Value> {
    let environment = &services.database.environment;
    let path = format!("tests/js/{name}.mjs");
    let finished = script::run(environment, &path, &[&argument.to_string()]).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    finished.json()
}

/// What one client was sent on a topic, in order.
fn payloads<'a>(sightings: &'a Value, topic: &str) -> Vec<&'a Value> {
    let sightings = sightings.as_array().into_iter().flatten();
    let on_topic = sightings.filter(|sighting| sighting["topic"] == topic);
    on_topic.map(|sighting| &sighting["payload"]).collect()
}

fn topics_of(stream: Uuid) -> Vec<String> {
    let kinds = ["stream", "viewers", "chat"];
    kinds.map(|kind| format!("{kind}:{stream}")).to_vec()
}

#[tokio::test]
async fn state_and_count_are_open_to_who_may_view_and_the_chat_to_who_has_joined() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let stranger = database.add_stranger().await?;
    let callers = [
        ("seller", Some(services.token_of(demo::SELLER))),
        ("viewer", Some(services.token_of(demo::ADA))),
        ("not joined", Some(services.token_of(demo::BEN))),
        ("stranger", Some(services.token_of(stranger))),
        ("nobody", None),
    ];
    let verdicts = joins(&services, &callers, &topics_of(stream)).await?;
    let expected = [
        ("seller", [true, true, true]),
        ("viewer", [true, true, true]),
        ("not joined", [true, true, false]),
        ("stranger", [false, false, false]),
        ("nobody", [false, false, false]),
    ];
    let expected = expected.map(|(name, joined)| (name.to_owned(), joined.to_vec()));
    assert_eq!(verdicts, BTreeMap::from(expected));

    database.viewer(stream, demo::BEN).await?;
    let ben = [("ben", Some(services.token_of(demo::BEN)))];
    let verdicts = joins(&services, &ben, &topics_of(stream)).await?;
    assert_eq!(verdicts["ben"], [true, true, true]);
    Ok(())
}

/// A stream that was in every state up to this one. Viewers join as soon as they may.
async fn stream_with_members(
    database: &TestDatabase,
    state: StreamState,
    [viewer, left, banned]: [Uuid; 3],
) -> Result<Uuid> {
    let stream = database.start_stream().await?;
    let seller = database.user(demo::SELLER).await?;
    if state != StreamState::Initializing {
        move_to(&seller, stream, StreamState::Active).await?;
    }
    for member in [viewer, left, banned] {
        database.viewer(stream, member).await?;
    }
    let arguments = json!({"session_id": stream});
    let leaving = database.user(left).await?;
    leaving.rpc("remove_viewer", arguments).await?;
    restrict(&seller, "ban_user", stream, banned).await?;
    if !matches!(state, StreamState::Initializing | StreamState::Active) {
        move_to(&seller, stream, state).await?;
    }
    Ok(stream)
}

/// Feature: streaming-realtime-fixes, Property 8, its first half: every role, topic, membership and state.
#[tokio::test]
async fn membership_decides_who_joins_a_topic_and_the_state_of_the_stream_does_not() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stranger = database.add_stranger().await?;
    let banned = database.add_user("dora").await?;
    let members = [demo::ADA, demo::BEN, banned];
    let mut topics = Vec::new();
    for state in StreamState::ALL.iter().copied() {
        let stream = stream_with_members(database, state, members).await?;
        topics.extend(topics_of(stream));
    }
    let per_stream = topics.clone();
    topics.extend([
        "live".to_owned(),
        format!("user:{}", demo::ADA),
        format!("canary:{}", demo::ADA),
        format!("chat:{}", Uuid::new_v4()),
        "lobby".to_owned(),
    ]);
    let service_key = services.keys.service_role_key.clone();
    let token_of = |user| Some(services.token_of(user));
    // Whether they may join stream and viewers, the chat, live, the topics of ada, and what there is not.
    let callers = [
        (
            "seller",
            token_of(demo::SELLER),
            [true, true, true, false, false],
        ),
        (
            "viewer",
            token_of(demo::ADA),
            [true, true, true, true, false],
        ),
        (
            "left",
            token_of(demo::BEN),
            [true, true, true, false, false],
        ),
        (
            "never joined",
            token_of(demo::CLEO),
            [true, false, true, false, false],
        ),
        (
            "banned",
            token_of(banned),
            [false, false, true, false, false],
        ),
        (
            "stranger",
            token_of(stranger),
            [false, false, true, false, false],
        ),
        ("nobody", None, [false; 5]),
        // It passes all policies, and so may listen to topics on which nobody speaks.
        ("service", Some(service_key), [true; 5]),
    ];
    let asking: Vec<_> = callers
        .iter()
        .map(|(name, token, _)| (*name, token.clone()))
        .collect();
    let verdicts = joins(&services, &asking, &topics).await?;
    for (name, _, [watches, chats, hears_of_all, is_ada, passes]) in callers {
        let of_streams = per_stream.iter().map(|topic| {
            if topic.starts_with("chat:") {
                chats
            } else {
                watches
            }
        });
        let others = [hears_of_all, is_ada, is_ada, passes, passes];
        let expected: Vec<bool> = of_streams.chain(others).collect();
        assert_eq!(verdicts[name], expected, "{name} {topics:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_user_has_a_topic_of_their_own_and_no_other_topic_exists() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let seller = [("seller", Some(services.token_of(demo::SELLER)))];
    let topics = [
        (format!("user:{}", demo::SELLER), true),
        (format!("user:{}", demo::ADA), false),
        (format!("chat:{}", Uuid::new_v4()), false),
        (format!("chat:{}", stream.to_string().to_uppercase()), false),
        (format!("gifts:{stream}"), false),
        ("lobby".to_owned(), false),
    ];
    let (names, expected): (Vec<_>, Vec<_>) = topics.into_iter().unzip();
    assert_eq!(joins(&services, &seller, &names).await?["seller"], expected);
    Ok(())
}

#[tokio::test]
async fn nobody_but_the_database_speaks_on_a_private_topic() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "sessionId": stream,
        "listener": services.token_of(demo::ADA),
        // The seller, who may do more than anybody else.
        "forger": services.token_of(demo::SELLER),
    });
    let seen = run(&services, "forge", argument).await?;
    let forged = json!({"forged": true});
    for name in ["listener", "forger"] {
        let chat = payloads(&seen[name], &format!("chat:{stream}"));
        assert_eq!(chat.len(), 1, "{name}: {chat:?}");
        assert_eq!(chat[0]["messages"][0]["content"], "genuine", "{name}");
        for kind in ["stream", "viewers"] {
            let payloads = payloads(&seen[name], &format!("{kind}:{stream}"));
            assert_eq!(payloads, Vec::<&Value>::new(), "{name}");
        }
    }
    // A public topic of the same name is another one: there they hear themselves and nothing else.
    for topic in topics_of(stream) {
        assert_eq!(payloads(&seen["outsider"], &topic), [&forged], "{topic}");
    }
    for name in ["listener", "forger", "outsider"] {
        let control = payloads(&seen[name], &format!("control:{stream}"));
        assert_eq!(control, [&forged], "{name}");
    }

    for topic in topics_of(stream) {
        for row in database.broadcasts(&topic).await? {
            assert_eq!(row.payload["forged"], Value::Null, "{topic}");
        }
    }
    Ok(())
}
