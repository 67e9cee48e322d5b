//! Joins of the stand-in: their answers, their refusals and when those come, and when rows begin to arrive.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::access_token::{Signer, claims_of, expired_claims_of};
use stream_tests::services::phoenix::{Frame, Phoenix, REPLICATION_READY, text};

const PRIVATE: &str = "realtime:live";

fn private() -> Value {
    json!({"private": true})
}

/// The reason for which a join is refused.
async fn refusal(
    socket: &mut Phoenix,
    topic: &str,
    config: Value,
    token: Option<&str>,
) -> Result<String> {
    let asked = socket.ask_to_join(topic, config, token).await?;
    let (status, response) = socket.reply_to(&asked).await?;
    assert_eq!(status, "error", "{response}");
    Ok(response["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_join_is_answered_with_its_reference_and_ended_by_a_second_one() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let first = socket.ask_to_join("realtime:a", json!({}), None).await?;
    let answer = json!({"status": "ok", "response": {"postgres_changes": []}});
    let expected = text(
        json!(first),
        json!(first),
        "realtime:a",
        "phx_reply",
        answer,
    );
    assert_eq!(socket.next().await?, expected);

    let second = socket.ask_to_join("realtime:a", json!({}), None).await?;
    socket.expect_end("realtime:a", &first).await?;
    assert_eq!(socket.reply_to(&second).await?.0, "ok");

    let leave = socket
        .push(Some(&second), "realtime:a", "phx_leave", json!({}))
        .await?;
    assert_eq!(socket.reply_to(&leave).await?.0, "ok");
    socket.expect_end("realtime:a", &second).await
}

#[tokio::test]
async fn presence_that_is_asked_for_is_an_empty_state_after_the_answer() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let config = json!({"presence": {"enabled": "true"}});
    let join = socket.join("realtime:a", config, None).await?;
    let expected = text(
        json!(join),
        Value::Null,
        "realtime:a",
        "presence_state",
        json!({}),
    );
    assert_eq!(socket.next().await?, expected);
    Ok(())
}

#[tokio::test]
async fn without_a_token_of_its_own_a_join_is_judged_by_the_key_of_the_socket() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let unauthorized =
        "Unauthorized: You do not have permissions to read from this Channel topic: live";
    let ada = services.token_of(demo::ADA);
    for (token, expected) in [
        (None, unauthorized),
        (Some("sb_publishable_x"), unauthorized),
    ] {
        let reason = refusal(&mut socket, PRIVATE, private(), token).await?;
        assert_eq!(reason, expected);
    }
    socket.join(PRIVATE, private(), Some(&ada)).await?;
    Ok(())
}

#[tokio::test]
async fn refused_joins_name_their_codes() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let ada = services.token_of(demo::ADA);
    let sign = |claims: &Value| services.signer.sign(claims);
    let another = Signer::new(&stream_tests::secret::random("another JWT secret", 32)?);
    let without_role = json!({"exp": claims_of(demo::ADA)["exp"], "sub": demo::ADA});
    for (topic, token, reason) in [
        (
            "realtime:",
            ada.as_str(),
            "TopicNameRequired: You must provide a topic name",
        ),
        (
            PRIVATE,
            "x",
            "MalformedJWT: The token provided is not a valid JWT",
        ),
        (
            PRIVATE,
            &another.sign(&claims_of(demo::ADA)),
            "JwtSignatureError: Failed to validate JWT signature",
        ),
        (
            PRIVATE,
            &sign(&without_role),
            "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
        ),
        (
            PRIVATE,
            &sign(&expired_claims_of(demo::ADA)),
            "InvalidJWTToken: Token has expired ",
        ),
    ] {
        let refused = refusal(&mut socket, topic, private(), Some(token)).await?;
        assert!(refused.starts_with(reason), "{topic}: {refused}");
    }
    Ok(())
}

/// Refused without a look into the database, so that nothing but the pause keeps its answer behind the heartbeat's.
#[tokio::test]
async fn a_refused_join_is_answered_after_a_pause() -> Result<()> {
    let services = Services::start_with(&[("CHANNEL_ERROR_BACKOFF_MS", "1500")]).await?;
    let mut socket = Phoenix::connect(&services).await?;
    let refused = socket.ask_to_join("realtime:", json!({}), None).await?;
    let beat = socket.heartbeat().await?;
    let mut answered = Vec::new();
    for _ in 0..2 {
        if let Frame::Text { reference, .. } = socket.next().await? {
            answered.push(reference);
        }
    }
    assert_eq!(answered, [json!(beat), json!(refused)]);
    Ok(())
}

#[tokio::test]
async fn on_a_day_without_a_partition_joins_fail_and_joined_channels_go_on() -> Result<()> {
    let services = Services::start().await?;
    let ada = services.token_of(demo::ADA);
    let mut joined = Phoenix::connect(&services).await?;
    let join = joined.join_ready(PRIVATE, &ada).await?;
    services.fault(json!({"no_partition": true})).await?;

    let mut socket = Phoenix::connect(&services).await?;
    let reason = refusal(&mut socket, PRIVATE, private(), Some(&ada)).await?;
    let missing = "MissingPartition: Realtime was unable to find the expected messages partition";
    assert_eq!(reason, missing);
    // A public channel asks for nothing.
    socket.join("realtime:a", json!({}), None).await?;
    let beat = joined.heartbeat().await?;
    let answer = json!({"status": "ok", "response": {}});
    let only_the_beat = text(Value::Null, json!(beat), "phoenix", "phx_reply", answer);
    assert_eq!(joined.next().await?, only_the_beat);

    // Whoever is asked about anew meanwhile is told of the database, and not of the partition.
    let token = json!({"access_token": services.signer.sign(&later_claims())});
    joined
        .push(Some(&join), PRIVATE, "access_token", token)
        .await?;
    let message = joined.system_message().await?;
    assert_eq!(
        message,
        "Realtime was unable to connect to the project database"
    );
    joined.expect_end(PRIVATE, &join).await?;

    services.heal().await?;
    socket.join(PRIVATE, private(), Some(&ada)).await?;
    Ok(())
}

/// Another token of the same user.
fn later_claims() -> Value {
    let mut claims = claims_of(demo::ADA);
    claims["session_id"] = json!("another");
    claims
}

#[tokio::test]
async fn the_first_join_after_a_start_is_ready_later_than_joined_and_the_next_at_once() -> Result<()>
{
    let mut services = Services::start().await?;
    let database = &mut services.database;
    database.keep_broadcasts_uncompared("rows of its own");
    let writer = database.connect("postgres").await?;
    let ada = services.token_of(demo::ADA);
    let config = json!({"private": true, "broadcast": {"replication_ready": true}});

    for _ in 0..2 {
        let mut socket = Phoenix::connect(&services).await?;
        writer
            .batch_execute("begin; select realtime.send('{}', 'lost', 'live')")
            .await?;
        socket.join(PRIVATE, config.clone(), Some(&ada)).await?;
        // No slot is made while a transaction is open that began before: the channel answers, and is not ready.
        let beat = socket.heartbeat().await?;
        socket.reply_to(&beat).await?;
        writer.batch_execute("commit").await?;
        assert_eq!(socket.system_message().await?, REPLICATION_READY);
        writer
            .batch_execute("select realtime.send('{}', 'heard', 'live')")
            .await?;
        // What was written in between is lost.
        let Frame::Broadcast { event, .. } = socket.next().await? else {
            panic!("no broadcast");
        };
        assert_eq!(event, "heard");

        // The slot is there: the next one waits for no transaction.
        let mut second = Phoenix::connect(&services).await?;
        writer
            .batch_execute("begin; select realtime.send('{}', 'never', 'live')")
            .await?;
        second.join(PRIVATE, config.clone(), Some(&ada)).await?;
        assert_eq!(second.system_message().await?, REPLICATION_READY);
        writer.batch_execute("rollback").await?;
        // As after a start.
        services.fault(json!({"restart_with_loss": {}})).await?;
        stream_tests::waiting::wait_for("the stream is back", async || {
            let counts = services.gateway_counts().await?;
            Ok((counts["is_streaming"] == true).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Without a message stream a channel is joined all the same, and no row reaches it.
#[tokio::test]
async fn a_join_whose_stream_does_not_come_is_told_and_ended() -> Result<()> {
    let services = Services::start_with(&[("REPLICATION_READY_TIMEOUT_MS", "300")]).await?;
    services
        .fault(json!({"cut_slot": {"for_ms": 600_000}}))
        .await?;
    stream_tests::waiting::wait_for("the stream breaks", async || {
        let counts = services.gateway_counts().await?;
        Ok((counts["is_streaming"] == false).then_some(()))
    })
    .await?;
    let ada = services.token_of(demo::ADA);
    let mut socket = Phoenix::connect(&services).await?;
    let config = json!({"private": true, "broadcast": {"replication_ready": true}});
    let join = socket.join(PRIVATE, config, Some(&ada)).await?;
    let Frame::Text { event, payload, .. } = socket.next().await? else {
        panic!("no text frame");
    };
    assert_eq!(
        (event.as_str(), &payload["status"]),
        ("system", &json!("error"))
    );
    assert_eq!(
        payload["message"],
        "Replication connection was not established in time"
    );
    socket.expect_end(PRIVATE, &join).await?;
    // Who does not ask for it stays.
    let config = json!({"private": true});
    socket.join(PRIVATE, config, Some(&ada)).await?;
    let beat = socket.heartbeat().await?;
    assert_eq!(socket.reply_to(&beat).await?.0, "ok");
    Ok(())
}
