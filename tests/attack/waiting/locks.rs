//! Advisory locks in foreign hands, and transactions that stay open at the gate: they stop nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;
use tokio_postgres::Client;
use uuid::Uuid;

pub(super) async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    // Whoever waits without end is ended by this, and fails.
    let timeout = format!(
        "alter database {} set statement_timeout = '20s'",
        database.name()
    );
    database.superuser().await?.batch_execute(&timeout).await?;
    Ok((database, session))
}

/// Every number that the product has or had for a lock: by name, and the fields of the gate's own as
/// both kinds of number that SQL offers.
pub(super) async fn hold_numbers(
    database: &TestDatabase,
    session: Uuid,
    mode: &str,
) -> Result<Client> {
    let holder = database.connect("authenticator").await?;
    holder
        .batch_execute("set statement_timeout = 0; begin")
        .await?;
    for name in [
        "pg_stream_ext.tick".to_owned(),
        format!("pg_stream_ext.gate {session}"),
        format!("pg_stream_ext.moderation {session}"),
        "pg_stream_ext.moderation ".to_owned(),
    ] {
        let lock = format!("select pg_advisory_lock{mode}(hashtextextended('{name}', 0))");
        holder.batch_execute(&lock).await?;
    }
    let word = |at: usize| {
        let bytes = &session.as_bytes()[at..at + 4];
        bytes
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
    };
    let (high, low) = (
        (word(0) ^ word(8)).cast_signed(),
        (word(4) ^ word(12)).cast_signed(),
    );
    let both = (i64::from(high) << 32) | i64::from(low.cast_unsigned());
    for arguments in [both.to_string(), format!("{high}, {low}")] {
        let lock = format!("select pg_advisory_lock{mode}({arguments})");
        holder.batch_execute(&lock).await?;
    }
    Ok(holder)
}

#[tokio::test]
async fn a_role_that_holds_every_number_stops_nobody() -> Result<()> {
    for mode in ["", "_shared"] {
        let (database, session) = live().await?;
        let seller = database.user(demo::SELLER).await?;
        let holder = hold_numbers(&database, session, mode).await?;
        let of_it = json!({"session_id": session});

        let ada = database.viewer(session, demo::ADA).await?;
        ada.rpc(
            "subscribe_to_chat",
            json!({"session_id": session, "user_id": null}),
        )
        .await?;
        let before = database.session_row(session).await?;
        assert_eq!(
            send_heartbeat(&seller, session).await?["next_in_ms"],
            15_000
        );
        let after = database.session_row(session).await?;
        assert_ne!(after["host_heartbeat_at"], before["host_heartbeat_at"]);
        let message = send_message(&ada, session, "hi").await?;

        let against = json!({"session_id": session, "user_id": demo::ADA});
        seller.rpc("mute_user", against.clone()).await?;
        let delete = json!({"session_id": session, "message_id": message["id"]});
        assert_eq!(seller.rpc("delete_message", delete).await?, "deleted");
        seller.rpc("ban_user", against).await?;
        let everywhere = json!({"session_id": null, "term": "spam"});
        let service = database.service().await?;
        assert_eq!(service.rpc("block_term", everywhere).await?, "blocked");

        service.rpc("sweep", json!({})).await?;
        database
            .change("update stream.ticker set ticked_at = '-infinity', swept_at = '-infinity'")
            .await?;
        service.rpc("tick", json!({})).await?;
        let ticked = "select least(ticked_at, swept_at) > '-infinity' from stream.ticker";
        ensure!(database.value::<bool>(ticked).await?, "nobody ticked");
        seller.rpc("pause_stream", of_it.clone()).await?;
        seller.rpc("resume_stream", of_it.clone()).await?;
        seller.rpc("end_stream", of_it).await?;
        holder.batch_execute("rollback").await?;
    }
    Ok(())
}

/// The locks of the product are none that SQL could name.
#[tokio::test]
async fn the_gate_is_no_number_that_sql_can_name() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.user(demo::ADA).await?;
    ada.begin().await?;
    ada.rpc_within("add_viewer", json!({"session_id": session}))
        .await?;
    let kinds: Vec<i16> = database
        .value(
            "select array_agg(distinct l.objsubid) from pg_locks as l
             where l.locktype = 'advisory' and l.database = (
                 select d.oid from pg_database as d where d.datname = current_database())",
        )
        .await?;
    ensure!(kinds.len() == 1 && kinds[0] > 2, "{kinds:?}");
    ada.commit().await?;
    Ok(())
}

/// A careless application joins in a transaction of its own and leaves it open.
#[tokio::test]
async fn a_join_that_stays_open_holds_up_changes_and_nobody_else() -> Result<()> {
    let (database, session) = live().await?;
    let open = database.user(demo::ADA).await?;
    open.begin().await?;
    open.execute_within("set local statement_timeout = 0")
        .await?;
    open.rpc_within("add_viewer", json!({"session_id": session}))
        .await?;

    let seller = database.user(demo::SELLER).await?;
    let backend = seller.backend().await?;
    let pause = tokio::spawn(async move {
        seller
            .rpc("pause_stream", json!({"session_id": session}))
            .await
    });
    wait_until_blocked(&database.owner, backend).await?;
    // While the change waits, others join, write and are moderated, and the host is answered.
    let ben = database.viewer(session, demo::BEN).await?;
    send_message(&ben, session, "hi").await?;
    let host = database.user(demo::SELLER).await?;
    assert_eq!(send_heartbeat(&host, session).await?["status"], "ok");
    let against = json!({"session_id": session, "user_id": demo::BEN});
    host.rpc("mute_user", against).await?;
    assert!(!pause.is_finished());

    open.commit().await?;
    pause.await??;
    assert_eq!(database.session_row(session).await?["state"], "paused");
    Ok(())
}

/// The rounds at the gate have a limit of their own, which must not hide the caller's.
#[tokio::test]
async fn a_change_waits_no_longer_than_its_callers_lock_timeout() -> Result<()> {
    let (database, session) = live().await?;
    let open = database.user(demo::ADA).await?;
    open.begin().await?;
    open.rpc_within("add_viewer", json!({"session_id": session}))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .execute_within("set local lock_timeout = '500ms'")
        .await?;
    let pause = seller
        .rpc_within("pause_stream", json!({"session_id": session}))
        .await;
    expect_refusal(ErrorCode::LockTimeout, pause)?;
    seller.rollback().await?;
    open.commit().await?;
    seller
        .rpc("pause_stream", json!({"session_id": session}))
        .await?;
    Ok(())
}

/// The change has lost its first place in the queue to a join that stayed open, and joins never stop.
#[tokio::test]
async fn joins_that_overlap_without_end_let_a_change_through_after_a_long_one() -> Result<()> {
    let (database, session) = live().await?;
    let open = database.user(demo::ADA).await?;
    open.begin().await?;
    open.rpc_within("add_viewer", json!({"session_id": session}))
        .await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut joining = Vec::new();
    for _ in 0..4 {
        let viewer = database.add_user(&Uuid::new_v4().to_string()[..8]).await?;
        let viewer = database.user(viewer).await?;
        let is_over = Arc::clone(&is_over);
        joining.push(tokio::spawn(async move {
            let mut joins = 0;
            while !is_over.load(Ordering::Relaxed) {
                viewer.begin().await?;
                viewer
                    .rpc_within("add_viewer", json!({"session_id": session}))
                    .await?;
                viewer.backend().await?;
                viewer.commit().await?;
                joins += 1;
            }
            Ok::<i32, tokio_postgres::Error>(joins)
        }));
    }
    let seller = database.user(demo::SELLER).await?;
    let backend = seller.backend().await?;
    let pause = tokio::spawn(async move {
        seller
            .rpc("pause_stream", json!({"session_id": session}))
            .await
    });
    wait_until_blocked(&database.owner, backend).await?;
    // The limit of a wait at the gate, several times.
    open.execute_within("select pg_sleep(0.5)").await?;
    open.commit().await?;
    pause.await??;
    let host = database.user(demo::SELLER).await?;
    for _ in 0..5 {
        assert_eq!(send_heartbeat(&host, session).await?["next_in_ms"], 15_000);
    }
    is_over.store(true, Ordering::Relaxed);
    for joins in joining {
        assert!(joins.await?? > 0);
    }
    Ok(())
}

/// Another moderator's transaction is open: the second one waits, of this session alone.
#[tokio::test]
async fn moderators_take_turns_in_each_session() -> Result<()> {
    let (database, session) = live().await?;
    let other = database.stream_in(StreamState::Active).await?;
    let first = database.user(demo::SELLER).await?;
    let block = |session: Uuid, term: &str| json!({"session_id": session, "term": term});
    first.begin().await?;
    first
        .rpc_within("block_term", block(session, "one"))
        .await?;
    let second = database.user(demo::SELLER).await?;
    let backend = second.backend().await?;
    let waiting =
        tokio::spawn(async move { second.rpc("block_term", block(session, "one")).await });
    wait_until_blocked(&database.owner, backend).await?;
    let third = database.user(demo::SELLER).await?;
    assert_eq!(
        third.rpc("block_term", block(other, "one")).await?,
        "blocked"
    );
    first.commit().await?;
    assert_eq!(waiting.await??, "already_blocked");
    Ok(())
}

/// No row stays behind for a stream that is gone.
#[tokio::test]
async fn the_turn_of_a_stream_goes_with_it() -> Result<()> {
    let (database, session) = live().await?;
    let seller = database.user(demo::SELLER).await?;
    let term = json!({"session_id": session, "term": "one"});
    seller.rpc("block_term", term.clone()).await?;
    let count = "select count(*) from stream.moderation_turns";
    assert_eq!(database.value::<i64>(count).await?, 1);
    seller
        .rpc("end_stream", json!({"session_id": session}))
        .await?;
    database
        .change(&format!(
            "delete from stream.stream_sessions where id = '{session}'"
        ))
        .await?;
    assert_eq!(database.value::<i64>(count).await?, 0);
    let gone: Result<Value, _> = seller.rpc("block_term", term).await;
    assert!(gone.is_err());
    assert_eq!(database.value::<i64>(count).await?, 0);
    Ok(())
}
