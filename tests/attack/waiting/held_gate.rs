//! A role that holds the number of a stream's gate while joins overlap without a pause: every join passes, and a change waits for a
//! gap between them no longer than its caller lets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::waiting::wait_for;
use tokio_postgres::Error;
use uuid::Uuid;

use super::locks::{hold_numbers, live};

const JOINERS: usize = 6;

/// Joins again and again, and holds each join for some time.
async fn join(
    viewer: Session,
    session: Uuid,
    is_over: Arc<AtomicBool>,
    joins: Arc<AtomicU32>,
) -> Result<(), Error> {
    while !is_over.load(Ordering::Relaxed) {
        viewer.begin().await?;
        viewer
            .rpc_within("add_viewer", json!({"session_id": session}))
            .await?;
        viewer
            .execute_within("select pg_catalog.pg_sleep(0.03)")
            .await?;
        viewer.commit().await?;
        joins.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// In a transaction that waits for locks no longer than a second.
async fn begin_change(
    seller: &Session,
    session: Uuid,
    operation: &str,
) -> Result<Result<Value, Error>> {
    seller.begin().await?;
    seller
        .execute_within("set local lock_timeout = '1s'")
        .await?;
    let of_it = json!({"session_id": session});
    Ok(seller.rpc_within(operation, of_it).await)
}

#[tokio::test]
async fn a_held_number_stops_no_join_and_a_change_no_longer_than_its_limit() -> Result<()> {
    for mode in ["", "_shared"] {
        let (database, session) = live().await?;
        let holder = hold_numbers(&database, session, mode).await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let joins: [Arc<AtomicU32>; JOINERS] = Default::default();
        let mut joining = Vec::new();
        for counted in &joins {
            let viewer = database.add_user(&Uuid::new_v4().to_string()[..8]).await?;
            let viewer = database.user(viewer).await?;
            let (is_over, counted) = (Arc::clone(&is_over), Arc::clone(counted));
            joining.push(tokio::spawn(join(viewer, session, is_over, counted)));
        }
        let everybody_joins = async || {
            let counts = || joins.iter().map(|joins| joins.load(Ordering::Relaxed));
            let before: Vec<u32> = counts().collect();
            wait_for("joins of everybody", async || {
                let is_ahead = counts().zip(&before).all(|(now, before)| now >= before + 2);
                let has_failed = joining.iter().any(tokio::task::JoinHandle::is_finished);
                Ok((is_ahead || has_failed).then_some(()))
            })
            .await
        };
        let seller = database.user(demo::SELLER).await?;
        let mut next = "pause_stream";
        // One join that stays open leaves no gap.
        let open = database.user(demo::ADA).await?;
        open.begin().await?;
        open.rpc_within("add_viewer", json!({"session_id": session}))
            .await?;
        everybody_joins().await?;
        let changed = begin_change(&seller, session, next).await?;
        expect_refusal(ErrorCode::LockTimeout, changed)?;
        seller.rollback().await?;
        open.commit().await?;
        for _ in 0..3 {
            everybody_joins().await?;
            let changed = begin_change(&seller, session, next).await?;
            if changed.is_ok() {
                seller.commit().await?;
                next = match next {
                    "pause_stream" => "resume_stream",
                    _ => "pause_stream",
                };
            } else {
                expect_refusal(ErrorCode::LockTimeout, changed)?;
                seller.rollback().await?;
            }
        }
        // A free gate lets a change come between them.
        holder
            .batch_execute("select pg_advisory_unlock_all()")
            .await?;
        everybody_joins().await?;
        seller.rpc(next, json!({"session_id": session})).await?;
        everybody_joins().await?;
        is_over.store(true, Ordering::Relaxed);
        for joining in joining {
            joining.await??;
        }
        ensure!(joins.iter().all(|joins| joins.load(Ordering::Relaxed) > 0));
    }
    Ok(())
}

/// Unwritten, and with the word to come again soon; until one is written the host counts as silent.
#[tokio::test]
async fn a_hosts_heartbeat_beside_a_held_number_is_written_when_no_join_is_open() -> Result<()> {
    for mode in ["", "_shared"] {
        let (database, session) = live().await?;
        let seller = database.user(demo::SELLER).await?;
        send_heartbeat(&seller, session).await?;
        database.pass_time(session, 30).await?;
        let holder = hold_numbers(&database, session, mode).await?;
        let open = database.user(demo::ADA).await?;
        open.begin().await?;
        open.rpc_within("add_viewer", json!({"session_id": session}))
            .await?;

        let before = database.session_row(session).await?;
        let answer = send_heartbeat(&seller, session).await?;
        assert_eq!(
            (&answer["status"], &answer["next_in_ms"]),
            (&json!("ok"), &json!(1000)),
            "{mode}"
        );
        database.sweep().await?;
        assert_eq!(database.session_row(session).await?, before, "{mode}");

        open.commit().await?;
        database.sweep().await?;
        assert_eq!(database.session_row(session).await?["state"], "error");
        let answer = send_heartbeat(&seller, session).await?;
        assert_eq!(
            (&answer["state"], &answer["next_in_ms"]),
            (&json!("active"), &json!(15_000)),
            "{mode}"
        );
        holder.batch_execute("rollback").await?;
    }
    Ok(())
}
