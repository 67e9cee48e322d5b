//! One user who joins in a loop: the cost in leases, in notes for the tick and in stored tokens.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

/// A live stream, and ADA, who has not joined.
async fn stream_and_viewer() -> Result<(TestDatabase, Uuid, Session)> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    Ok((database, id, ada))
}

/// A user may hold as many as the rate gives in an hour.
#[tokio::test]
async fn the_newest_token_is_found_without_reading_the_older_ones() -> Result<()> {
    let (database, id, ada) = stream_and_viewer().await?;
    database
        .change("update stream.config set token_rate_per_minute = 1 where id")
        .await?;
    let join = format!(
        "select jsonb_build_object(
             'joined', j.joined,
             'read', (
                 select s.seq_tup_read + s.idx_tup_fetch from pg_stat_xact_user_tables as s
                 where s.relid = case when j.joined is not null then 'stream.agora_tokens'::regclass end))
         from (select to_jsonb(stream.join_stream('{id}')) as joined offset 0) as j"
    );
    let first = ada.run(&join).await?;
    let again = ada.run(&join).await?;
    database
        .change(&format!(
            "analyze stream.agora_tokens;
             insert into stream.agora_tokens
                 (user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, check_at)
             select '{}', '{id}', repeat('0', 64), '{id}', 1, 1, '{{}}', now() - (n + 60) * interval '1 second',
                 now() + interval '1 hour', now() + interval '51 minutes'
             from generate_series(1, 2000) as n",
            demo::ADA
        ))
        .await?;
    let later = ada.run(&join).await?;
    let token = |answer: &[Value]| answer[0]["joined"]["token"].clone();
    assert!(token(&first)["token"].is_string());
    assert_eq!(token(&again), token(&first));
    assert_eq!(token(&later), token(&first));
    let read = later[0]["read"].as_i64().context("a number of rows")?;
    assert!((1..=3).contains(&read), "read {read} stored tokens");
    Ok(())
}

#[tokio::test]
async fn a_second_join_updates_the_place_without_touching_an_index() -> Result<()> {
    let (database, id, _) = stream_and_viewer().await?;
    let rejoin = format!("select stream.add_viewer('{id}', '{}')", demo::ADA);
    database.change(&rejoin).await?;
    let statistics =
        "select n_tup_upd - n_tup_hot_upd as cold, n_tup_upd from pg_stat_xact_user_tables
         where schemaname = 'stream' and relname = 'stream_viewers'";
    let messages = database
        .owner
        .simple_query(&format!(
            "begin; {}; {statistics}; commit",
            [&*rejoin; 5].join("; ")
        ))
        .await?;
    let counted: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) if row.len() == 2 => {
                Some((row.get(0)?.to_owned(), row.get(1)?.to_owned()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(counted, [("0".to_owned(), "5".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn joining_and_leaving_again_and_again_leaves_one_note_for_the_tick() -> Result<()> {
    let (database, id, ada) = stream_and_viewer().await?;
    let notes = "select count(*) from stream.viewer_changes";
    for _ in 0..20 {
        ada.rpc("add_viewer", json!({"session_id": id})).await?;
        ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    }
    assert_eq!(database.value::<i64>(notes).await?, 1);
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [1]);
    assert_eq!(database.value::<i64>(notes).await?, 0);
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    assert_eq!(database.value::<i64>(notes).await?, 1);
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [1, 0]);
    Ok(())
}

/// ADA's older note stands for her leaving too, which no tick can see yet.
#[tokio::test]
async fn a_note_that_stands_for_a_change_under_way_waits_for_its_commit() -> Result<()> {
    let (database, id, ada) = stream_and_viewer().await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    database.viewer(id, demo::BEN).await?;
    ada.begin().await?;
    ada.rpc_within("remove_viewer", json!({"session_id": id}))
        .await?;
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [2]);
    ada.commit().await?;
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [2, 1]);
    Ok(())
}
