//! Faults of the gateway: the stream that breaks in silence, rows that are lost, sockets and channels that end; and who may
//! ask for them.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::phoenix::{Frame, Phoenix};
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_for;

const TOPIC: &str = "realtime:live";

async fn start_with(variables: &[(&str, &str)]) -> Result<Services> {
    let mut services = Services::start_with(variables).await?;
    services
        .database
        .keep_broadcasts_uncompared("rows of its own");
    Ok(services)
}

async fn joined(services: &Services) -> Result<(Phoenix, String)> {
    let mut socket = Phoenix::connect(services).await?;
    let token = services.token_of(demo::ADA);
    let join = socket.join_ready(TOPIC, &token).await?;
    Ok((socket, join))
}

async fn write(services: &Services, event: &str) -> Result<()> {
    let statement = format!("select realtime.send('{{}}', '{event}', 'live')");
    services.database.change(&statement).await
}

async fn until(services: &Services, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
    wait_for(what, async || {
        let counts = services.gateway_counts().await?;
        Ok(holds(&counts).then_some(()))
    })
    .await
}

/// The event of the next broadcast, if nothing else comes before it.
async fn next_event(socket: &mut Phoenix) -> Result<String> {
    match socket.next().await? {
        Frame::Broadcast { event, .. } => Ok(event),
        other => anyhow::bail!("no broadcast: {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_silence_and_then_a_gap() -> Result<()> {
    // Long enough for a row to be written in between.
    let services = start_with(&[("REPLICATION_RETRY_MS", "1500")]).await?;
    let (mut socket, _) = joined(&services).await?;
    for fault in [
        json!({"kill_walsender": true}),
        json!({"cut_slot": {"for_ms": 1500}}),
    ] {
        write(&services, "before").await?;
        assert_eq!(next_event(&mut socket).await?, "before");
        services.fault(fault).await?;
        until(&services, "the stream breaks", |counts| {
            counts["is_streaming"] == false
        })
        .await?;
        write(&services, "lost").await?;
        until(&services, "the stream is back", |counts| {
            counts["is_streaming"] == true
        })
        .await?;
        write(&services, "after").await?;
        // Neither a system message nor an end of the channel came first.
        assert_eq!(next_event(&mut socket).await?, "after");
    }
    Ok(())
}

#[tokio::test]
async fn rows_of_a_topic_are_lost_without_a_word() -> Result<()> {
    let services = start_with(&[]).await?;
    let (mut socket, _) = joined(&services).await?;
    let lose = json!({"drop_rows": {"topic": "live", "count": 2}});
    services.fault(lose).await?;
    for event in ["first", "second", "third"] {
        write(&services, event).await?;
    }
    assert_eq!(next_event(&mut socket).await?, "third");
    let elsewhere = json!({"drop_rows": {"topic": "elsewhere"}});
    services.fault(elsewhere).await?;
    write(&services, "fourth").await?;
    assert_eq!(next_event(&mut socket).await?, "fourth");
    assert_eq!(services.gateway_counts().await?["rows_lost"], 2);
    Ok(())
}

#[tokio::test]
async fn a_socket_is_cut_and_a_channel_ended_by_its_topic() -> Result<()> {
    let services = start_with(&[]).await?;
    let (mut struck, _) = joined(&services).await?;
    let mut other = Phoenix::connect(&services).await?;
    other.join("realtime:elsewhere", json!({}), None).await?;
    let (mut ended, join) = joined(&services).await?;
    let end = json!({"end_channels": {"topic": "live", "message": "Server requested disconnect"}});
    services.fault(end).await?;
    assert_eq!(ended.system_message().await?, "Server requested disconnect");
    ended.expect_end(TOPIC, &join).await?;
    assert_eq!(
        struck.system_message().await?,
        "Server requested disconnect"
    );

    let (mut struck, _) = joined(&services).await?;
    services
        .fault(json!({"cut_sockets": {"topic": "live"}}))
        .await?;
    assert_eq!(struck.next().await?, Frame::Closed(None));
    let beat = other.heartbeat().await?;
    other.reply_to(&beat).await?;
    Ok(())
}

#[tokio::test]
async fn faults_take_the_service_key_and_no_unknown_words() -> Result<()> {
    let services = Services::start().await?;
    for (key, faults, status) in [
        (None, json!({}), 401),
        (Some(&services.keys.anon_key), json!({}), 403),
        (
            Some(&services.keys.service_role_key),
            json!({"drop_row": {}}),
            400,
        ),
        (Some(&services.keys.service_role_key), json!({}), 200),
    ] {
        let mut request = Request::post("/_local/faults").json(&faults);
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        let answer = request.send(&services.supabase_url).await?;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    Ok(())
}
