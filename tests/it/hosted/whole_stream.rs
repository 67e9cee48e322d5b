//! A stream from start to end by the rights of hosted Supabase: host, viewers, tokens, chat, a bid, the regular work, Agora's notices.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::hosted::Hosted;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use stream_tests::webhook::*;
use uuid::Uuid;

/// What nobody can see from the database of a test, or has set up in it.
const WARNINGS: [&str; 4] = [
    "canary",
    "cohost_authentication",
    "realtime_replication",
    "server_log",
];

async fn tick(service: &Session) -> Result<()> {
    service.rpc_rows("tick", json!({})).await?;
    Ok(())
}

/// The frames of a stream in the order in which they were written, each with the numbers of what it holds.
async fn framed(database: &TestDatabase, stream: Uuid) -> Result<Vec<Vec<i64>>> {
    let rows = database
        .owner
        .query(
            "select array(select (e.entry ->> 'seq')::bigint from jsonb_array_elements(m.payload -> 'messages') as e (entry))
             from realtime.messages as m
             where m.topic = $1 and m.event = 'messages'
             order by m.inserted_at, (m.payload ->> 'from_seq')::bigint",
            &[&format!("chat:{stream}")],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn a_stream_is_played_from_start_to_end() -> Result<()> {
    let hosted = Hosted::installed("hosted-stream").await?;
    let database = &hosted.database;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let stream = database.start_stream().await?;
    let host = seller
        .rpc("generate_seller_token", json!({"channel_id": stream}))
        .await?;
    assert!(
        host["token"]
            .as_str()
            .is_some_and(|token| token.starts_with("007"))
    );
    move_to(&seller, stream, StreamState::Active).await?;
    send_heartbeat(&seller, stream).await?;

    let ada = database.user(demo::ADA).await?;
    let joined = ada
        .rpc("join_stream", json!({"session_id": stream}))
        .await?;
    assert!(joined["token"]["uid"].as_i64().is_some(), "{joined}");
    let inspected = service
        .rpc("inspect_token", json!({"token": joined["token"]["token"]}))
        .await?;
    assert_eq!(inspected["is_signed"], true, "{inspected}");
    let sent = send_message(&ada, stream, "Is it gold?").await?;
    send_heartbeat(&ada, stream).await?;
    let auction: Uuid = database
        .value(&format!(
            "select s.auction_id from stream.stream_sessions as s where s.id = '{stream}'"
        ))
        .await?;
    let bid = format!(
        "select to_jsonb(public.place_bid('{auction}', 10000, '{}'))",
        Uuid::new_v4()
    );
    assert_eq!(ada.run(&bid).await?[0]["amount_cents"], 10_000);
    tick(&service).await?;
    service.rpc_rows("sweep", json!({})).await?;
    assert_eq!(database.session_row(stream).await?["viewer_count"], 1);

    // A deletion takes the text out of Realtime's own table.
    let stored = format!(
        "select count(*) from realtime.messages where topic = 'chat:{stream}' and payload::text like '%Is it gold%'"
    );
    assert_eq!(database.value::<i64>(&stored).await?, 1);
    let message = json!({"session_id": stream, "message_id": sent["id"]});
    let before = framed(database, stream).await?;
    seller.rpc("delete_message", message).await?;
    assert_eq!(database.value::<i64>(&stored).await?, 0);
    let reaction = json!({"session_id": stream, "kind": "love"});
    ada.rpc("send_reaction", reaction).await?;
    let muted = json!({"session_id": stream, "user_id": demo::ADA, "duration_s": 60});
    seller.rpc("mute_user", muted).await?;
    tick(&service).await?;

    let uid = host["uid"].as_i64().context("the host has no uid")?;
    let gone = left(BROADCASTER_LEFT, stream, uid, 1, 1);
    let back = of_user(BROADCASTER_JOINED, stream, uid, 2);
    for (notice, expected) in [
        (&gone, outcome("applied", "host_lost")),
        (&back, outcome("applied", "host_returned")),
        (&back, outcome("duplicate", "")),
    ] {
        assert_eq!(send_notice(&service, notice).await?, expected);
    }
    move_to(&seller, stream, StreamState::Ended).await?;
    tick(&service).await?;

    let synced = ada
        .rpc(
            "sync",
            json!({"session_id": stream, "after_seq": sent["seq"]}),
        )
        .await?;
    assert_eq!(synced["state"], "ended", "{synced}");
    let log = database.log(stream).await?;
    let seqs: Vec<i64> = log
        .iter()
        .filter_map(|entry| entry["seq"].as_i64())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    // The frame of the deleted message is gone, with all that it carried, and no other entry is missing.
    let deleted = sent["seq"].as_i64().context("a message has a number")?;
    let is_gone = |frame: &&Vec<i64>| frame.contains(&deleted);
    let gone: Vec<i64> = before.iter().filter(is_gone).flatten().copied().collect();
    assert!(gone.contains(&deleted), "{before:?}");
    let framed = framed(database, stream).await?.concat();
    let expected: Vec<i64> = seqs.into_iter().filter(|seq| !gone.contains(seq)).collect();
    assert_eq!(framed, expected);
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    let states: i64 = database
        .value(&format!(
            "select count(*) from realtime.messages where topic = 'stream:{stream}' and event = 'state'"
        ))
        .await?;
    assert!(states >= 4, "{states} states were told");
    Ok(())
}

#[tokio::test]
async fn doctor_finds_nothing_wrong() -> Result<()> {
    let hosted = Hosted::installed("hosted-doctor").await?;
    let database = &hosted.database;
    let service = database.service().await?;
    let notice = of_user(BROADCASTER_JOINED, database.start_stream().await?, 1, 1);
    send_notice(&service, &notice).await?;
    // In one transaction: a ticker is missed after seconds.
    service.begin().await?;
    service.rpc_rows_within("tick", json!({})).await?;
    let checks = service.rpc_rows_within("doctor", json!({})).await?;
    service.commit().await?;
    let of_status = |status: &str| -> Vec<&Value> {
        checks
            .iter()
            .filter(|check| check["status"] == status)
            .collect()
    };
    assert!(
        of_status("failure").is_empty(),
        "{:#?}",
        of_status("failure")
    );
    let mut warnings: Vec<&str> = of_status("warning")
        .iter()
        .filter_map(|check| check["check_name"].as_str())
        .collect();
    warnings.sort_unstable();
    assert_eq!(warnings, WARNINGS, "{:#?}", of_status("warning"));
    Ok(())
}
