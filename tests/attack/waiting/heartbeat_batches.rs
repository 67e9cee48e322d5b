//! Batches of heartbeats next to each other.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

/// Two batches about the same viewers, in other orders: each has written one row and comes to the other's. A wait there
/// would be a deadlock; a row that somebody holds is answered unwritten instead.
#[tokio::test]
async fn two_batches_with_the_same_viewers_in_other_order_do_not_deadlock() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(session, user).await?;
    }
    // Behind its first row each batch waits until both have come so far.
    database
        .change(
            "create function public.wait() returns trigger language plpgsql
                 set search_path = pg_catalog, pg_temp as $$
             begin perform pg_advisory_xact_lock_shared(7); return null; end $$;
             create trigger wait after update on stream.stream_viewers
                 for each row execute function public.wait()",
        )
        .await?;
    let holder = database.connect("postgres").await?;
    holder.batch_execute("select pg_advisory_lock(7)").await?;
    let mut batches = Vec::new();
    for users in [[demo::ADA, demo::BEN], [demo::BEN, demo::ADA]] {
        let service = database.service().await?;
        let backend = service.backend().await?;
        let items: Value = users
            .iter()
            .map(|user| json!({"session_id": session, "user_id": user}))
            .collect();
        batches.push(tokio::spawn(async move {
            service
                .rpc_rows("heartbeats", json!({"items": items}))
                .await
        }));
        wait_until_blocked(&database.owner, backend).await?;
    }
    holder.batch_execute("select pg_advisory_unlock(7)").await?;
    for batch in batches {
        for answer in batch.await?? {
            assert_eq!(answer["status"], "ok");
            assert_eq!(answer["heartbeat"]["status"], "ok");
        }
    }
    Ok(())
}
