//! The limit of messages per second, as the stand-in has it from the real server.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::phoenix::{Frame, Phoenix, REPLICATION_READY, text};
use stream_tests::waiting::wait_for;

const TOPIC: &str = "realtime:live";
/// A limit of one message a second over twelve buckets of this length: whoever exceeds it is over it for long enough.
const LIMIT: &str = r#"{"quota": {"events_per_second": 1, "bucket_ms": 500}}"#;

async fn start() -> Result<Services> {
    let mut services = Services::start().await?;
    services
        .database
        .keep_broadcasts_uncompared("rows of its own");
    Ok(services)
}

async fn write(services: &Services, event: &str, rows: u32) -> Result<()> {
    let statement =
        format!("select realtime.send('{{}}', '{event}', 'live') from generate_series(1, {rows})");
    services.database.change(&statement).await
}

async fn until(services: &Services, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_for(what, async || {
        let counts = services.gateway_counts().await?;
        Ok(holds(&counts).then_some(counts))
    })
    .await
}

async fn exceed(services: &Services) -> Result<()> {
    services.fault(serde_json::from_str(LIMIT)?).await?;
    write(services, "burst", 20).await?;
    until(services, "the limit is exceeded", |counts| {
        counts["is_over_limit"] == true
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_row_counts_once_and_once_more_for_each_channel_that_gets_it() -> Result<()> {
    let services = start().await?;
    let token = services.token_of(demo::ADA);
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Phoenix::connect(&services).await?;
        socket.join_ready(TOPIC, &token).await?;
        sockets.push(socket);
    }
    write(&services, "e", 5).await?;
    for socket in &mut sockets {
        for _ in 0..5 {
            assert!(matches!(socket.next().await?, Frame::Broadcast { .. }));
        }
    }
    let expected = 5 * (1 + 3);
    until(&services, "all are counted", |counts| {
        counts["messages"] == expected
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn over_the_limit_rows_are_dropped_and_no_socket_is_told() -> Result<()> {
    let services = start().await?;
    let mut socket = Phoenix::connect(&services).await?;
    socket
        .join_ready(TOPIC, &services.token_of(demo::ADA))
        .await?;
    exceed(&services).await?;
    for _ in 0..20 {
        assert!(matches!(socket.next().await?, Frame::Broadcast { .. }));
    }
    write(&services, "dropped", 1).await?;
    until(&services, "a row is dropped", |counts| {
        counts["rows_over_limit"].as_u64() > Some(0)
    })
    .await?;
    services.heal().await?;
    write(&services, "after", 1).await?;
    let Frame::Broadcast { event, .. } = socket.next().await? else {
        panic!("no broadcast");
    };
    assert_eq!(event, "after");
    Ok(())
}

/// Rows are dropped before them, so these are messages of clients, and rows that were on their way.
#[tokio::test]
async fn over_the_limit_a_channel_that_is_handed_a_message_ends_behind_it() -> Result<()> {
    let services = start().await?;
    let mut sender = Phoenix::connect(&services).await?;
    let sending = sender.join(TOPIC, json!({}), None).await?;
    let mut listener = Phoenix::connect(&services).await?;
    let ready = json!({"broadcast": {"replication_ready": true}});
    let listening = listener.join(TOPIC, ready, None).await?;
    assert_eq!(listener.system_message().await?, REPLICATION_READY);
    exceed(&services).await?;
    let message = json!({"type": "broadcast", "event": "e", "payload": {}});
    sender
        .push(Some(&sending), TOPIC, "broadcast", message)
        .await?;
    assert!(matches!(listener.next().await?, Frame::Broadcast { .. }));
    let system = json!({
        "channel": "live", "extension": "system", "status": "error",
        "message": "Too many messages per second",
    });
    let expected = text(json!(listening), Value::Null, TOPIC, "system", system);
    assert_eq!(listener.next().await?, expected);
    listener.expect_end(TOPIC, &listening).await?;
    // Who was handed nothing goes on.
    let beat = sender.heartbeat().await?;
    sender.reply_to(&beat).await?;
    Ok(())
}
