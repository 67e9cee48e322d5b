//! The background worker of a preloaded library works for a database of either edition, and goes on over a move.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::ticking::database_with_worker;
use stream_tests::waiting::wait_until;
use uuid::Uuid;
use xtask::edition::Edition;

use super::move_to;

const WORKER: &str =
    "select max(pid)::text from pg_stat_activity where backend_type = 'pg_stream_ext worker'";

#[tokio::test]
async fn the_worker_goes_on_over_moves() -> Result<()> {
    let (own, database) = database_with_worker("worker-moves").await?;
    if Edition::chosen()? == Edition::Sql {
        move_to(&database, Edition::Native).await?;
    }
    let superuser = database.superuser().await?;
    let pid =
        async || -> Result<Option<String>> { Ok(superuser.query_one(WORKER, &[]).await?.get(0)) };
    let stream = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(stream, demo::ADA).await?;
    database.wait_for_tick().await?;
    let worker = pid().await?;
    assert!(worker.is_some());
    let before = own.log()?.len();
    for edition in [Edition::Sql, Edition::Native, Edition::Sql] {
        move_to(&database, edition).await?;
        for _ in 0..3 {
            database.wait_for_tick().await?;
        }
        // Two messages within one window: the worker sends the second.
        for _ in 0..2 {
            let arguments = json!({"session_id": stream, "content": "hi", "id": Uuid::new_v4()});
            ada.rpc("send_message", arguments).await?;
        }
        // Postgres shows the owner no setting of a library that is loaded which names a certificate's file.
        let token = ada
            .rpc("generate_buyer_token", json!({"channel_id": stream}))
            .await?;
        assert!(token["token"].is_string(), "{token}");
        wait_until(
            &database.owner,
            "select h.last_seq = r.flushed_seq from stream.chat_heads as h join stream.chat_relay as r using (session_id)",
        )
        .await?;
        assert_eq!(pid().await?, worker);
        let troubles: i64 = database
            .value("select count(*) from stream.troubles")
            .await?;
        assert_eq!(troubles, 0);
    }
    let log = own.log()?;
    let said: Vec<&str> = log[before..]
        .lines()
        .filter(|line| !line.contains("checkpoint"))
        .collect();
    assert!(said.len() < 12, "{said:#?}");
    Ok(())
}
