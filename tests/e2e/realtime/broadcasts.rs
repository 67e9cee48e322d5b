//! Broadcasts of the stand-in: of rows and of clients, to whom they go and what they look like.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::phoenix::{Frame, Phoenix, push_bytes, text};

const TOPIC: &str = "realtime:live";

async fn services_with_rows_of_their_own() -> Result<Services> {
    let mut services = Services::start().await?;
    services
        .database
        .keep_broadcasts_uncompared("rows of its own");
    Ok(services)
}

async fn public(services: &Services, broadcast: Value) -> Result<(Phoenix, String)> {
    let mut socket = Phoenix::connect(services).await?;
    let join = socket
        .join(TOPIC, json!({"broadcast": broadcast}), None)
        .await?;
    Ok((socket, join))
}

fn message(event: &str) -> Value {
    json!({"type": "broadcast", "event": event, "payload": {"x": 1.10}})
}

#[tokio::test]
async fn a_row_goes_to_its_kind_of_channel_with_its_id_and_its_own_digits() -> Result<()> {
    let services = services_with_rows_of_their_own().await?;
    let mut closed = Phoenix::connect(&services).await?;
    closed
        .join_ready(TOPIC, &services.token_of(demo::ADA))
        .await?;
    let (mut open, _) = public(&services, json!({})).await?;
    for is_private in [true, false] {
        services
            .database
            .change(&format!(
                "insert into realtime.messages (topic, extension, event, payload, private)
                 values ('live', 'broadcast', 'e{is_private}', '{{\"x\": 1.10}}', {is_private})"
            ))
            .await?;
    }
    for (socket, is_private) in [(&mut closed, true), (&mut open, false)] {
        let Frame::Broadcast {
            topic,
            event,
            metadata,
            is_json,
            payload,
        } = socket.next().await?
        else {
            panic!("no broadcast");
        };
        assert_eq!((topic.as_str(), is_json), (TOPIC, true));
        assert_eq!(event, format!("e{is_private}"));
        assert_eq!(String::from_utf8(payload)?, r#"{"x": 1.10}"#);
        let id: String = services
            .database
            .value(&format!(
                "select id::text from realtime.messages where event = '{event}'"
            ))
            .await?;
        assert_eq!(metadata, format!(r#"{{"id":"{id}"}}"#));
    }
    Ok(())
}

#[tokio::test]
async fn a_binary_row_arrives_as_its_bytes() -> Result<()> {
    let services = services_with_rows_of_their_own().await?;
    let mut socket = Phoenix::connect(&services).await?;
    socket
        .join_ready(TOPIC, &services.token_of(demo::ADA))
        .await?;
    services
        .database
        .change(
            "insert into realtime.messages (topic, extension, event, binary_payload, private)
             values ('live', 'broadcast', 'bytes', decode('00ff7b22', 'hex'), true)",
        )
        .await?;
    let Frame::Broadcast {
        event,
        metadata,
        is_json,
        payload,
        ..
    } = socket.next().await?
    else {
        panic!("no broadcast");
    };
    assert_eq!((event.as_str(), is_json), ("bytes", false));
    assert_eq!(payload, [0x00, 0xff, 0x7b, 0x22]);
    assert!(metadata.starts_with(r#"{"id":""#), "{metadata}");
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_sent_is_passed_over_and_the_next_arrives() -> Result<()> {
    let services = services_with_rows_of_their_own().await?;
    let mut socket = Phoenix::connect(&services).await?;
    socket
        .join_ready(TOPIC, &services.token_of(demo::ADA))
        .await?;
    services
        .database
        .change(
            "insert into realtime.messages (topic, extension, event, payload, private) values
                 ('live', 'broadcast', null, '{}', true),
                 ('live', 'broadcast', 'no payload', null, true),
                 ('live', 'broadcast', 'neither private nor public', '{}', null),
                 ('live', 'broadcast', repeat('e', 256), '{}', true),
                 ('live', 'broadcast', 'too large', to_jsonb(repeat('x', 3000500)), true),
                 ('live', 'broadcast', 'sent', '{}', true);
             update realtime.messages set event = 'changed' where event = 'no payload'",
        )
        .await?;
    let Frame::Broadcast { event, .. } = socket.next().await? else {
        panic!("no broadcast");
    };
    assert_eq!(event, "sent");
    Ok(())
}

#[tokio::test]
async fn a_broadcast_of_a_client_goes_to_the_others_in_either_form() -> Result<()> {
    let services = Services::start().await?;
    let (mut sender, join) = public(&services, json!({})).await?;
    let (mut other, _) = public(&services, json!({})).await?;
    sender
        .push(Some(&join), TOPIC, "broadcast", message("text"))
        .await?;
    let binary = push_bytes(&join, "7", TOPIC, "binary", b"{\"x\":1}")?;
    sender.send(binary).await?;
    for (expected, expected_payload) in [("text", r#"{"x":1.1}"#), ("binary", r#"{"x":1}"#)] {
        let Frame::Broadcast {
            event,
            metadata,
            payload,
            ..
        } = other.next().await?
        else {
            panic!("no broadcast");
        };
        assert_eq!((event.as_str(), metadata.as_str()), (expected, ""));
        assert_eq!(String::from_utf8(payload)?, expected_payload);
    }
    // Neither an echo nor a confirmation, for which it did not ask.
    let beat = sender.heartbeat().await?;
    let answer = json!({"status": "ok", "response": {}});
    let only_the_beat = text(Value::Null, json!(beat), "phoenix", "phx_reply", answer);
    assert_eq!(sender.next().await?, only_the_beat);
    Ok(())
}

#[tokio::test]
async fn whoever_asks_hears_itself_and_is_told_that_it_was_sent_or_is_too_large() -> Result<()> {
    let services = Services::start().await?;
    let (mut sender, join) = public(&services, json!({"ack": true, "self": true})).await?;
    let sent = sender
        .push(Some(&join), TOPIC, "broadcast", message("e"))
        .await?;
    assert_eq!(sender.reply_to(&sent).await?, ("ok".to_owned(), json!({})));
    assert!(matches!(sender.next().await?, Frame::Broadcast { .. }));

    let large = json!({"type": "broadcast", "event": "e", "payload": "x".repeat(3_000_500)});
    let sent = sender.push(Some(&join), TOPIC, "broadcast", large).await?;
    assert_eq!(sender.reply_to(&sent).await?.0, "error");
    Ok(())
}

#[tokio::test]
async fn who_may_not_write_is_not_told() -> Result<()> {
    let services = Services::start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    let config = json!({"private": true, "broadcast": {"ack": true, "self": true}});
    let token = services.token_of(demo::ADA);
    let join = socket.join(TOPIC, config, Some(&token)).await?;
    socket
        .push(Some(&join), TOPIC, "broadcast", message("e"))
        .await?;
    let beat = socket.heartbeat().await?;
    let Frame::Text { reference, .. } = socket.next().await? else {
        panic!("a broadcast of somebody who may not write");
    };
    assert_eq!(reference, json!(beat));
    Ok(())
}

#[tokio::test]
async fn presence_and_changes_of_tables_are_refused_in_so_many_words() -> Result<()> {
    let services = Services::start().await?;
    let (mut socket, join) = public(&services, json!({})).await?;
    let track = json!({"type": "presence", "event": "track", "payload": {}});
    let asked = socket.push(Some(&join), TOPIC, "presence", track).await?;
    let (_, response) = socket.reply_to(&asked).await?;
    assert_eq!(response["reason"], "supabase_local does not serve presence");
    let config = json!({"postgres_changes": [{"event": "*", "schema": "public"}]});
    let asked = socket.ask_to_join("realtime:b", config, None).await?;
    let (_, response) = socket.reply_to(&asked).await?;
    let reason = "UnknownErrorOnChannel: supabase_local does not serve postgres_changes";
    assert_eq!(response["reason"], reason);
    Ok(())
}
