//! Somebody holds rows of a stream, Realtime's table of today, or advisory locks.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::ticking::{Ticker, Ticking};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{is_done, make_due, make_host_lost, stream};

attacks! {
    hold_logs: the_worker_goes_on_beside_a_held_log_of_a_lost_host
        tick_goes_on_beside_a_held_log_of_a_lost_host
        the_loop_goes_on_beside_a_held_log_of_a_lost_host;
    hold_rows: the_worker_goes_on_beside_whoever_holds_rows
        tick_goes_on_beside_whoever_holds_rows
        the_loop_goes_on_beside_whoever_holds_rows;
    lock_partition: the_worker_goes_on_beside_a_locked_partition
        tick_goes_on_beside_a_locked_partition
        the_loop_goes_on_beside_a_locked_partition;
    hold_advisory_locks: the_worker_goes_on_beside_whoever_holds_advisory_locks
        tick_goes_on_beside_whoever_holds_advisory_locks
        the_loop_goes_on_beside_whoever_holds_advisory_locks;
}

/// Every table of the product of which a stream has a row, and how that row is found.
async fn rows_of(database: &TestDatabase, id: Uuid) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "select format('stream.%I where %I = %L', c.relname, a.attname, $1::text)
             from pg_catalog.pg_class as c
             join pg_catalog.pg_attribute as a on a.attrelid = c.oid
                 and a.attname = case when c.relname = 'stream_sessions' then 'id' else 'session_id' end
             where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r'
             order by 1",
            &[&id.to_string()],
        )
        .await?;
    let mut tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // Those that refer to a stream are among them; others hold its id alone.
    let referring: Vec<String> = database
        .value(
            "select array_agg(distinct format('stream.%I where session_id = ', c.relname))
             from pg_catalog.pg_constraint as f
             join pg_catalog.pg_class as c on c.oid = f.conrelid
             where f.contype = 'f' and f.confrelid = 'stream.stream_sessions'::regclass",
        )
        .await?;
    for table in referring {
        let is_held = tables.iter().any(|held| held.starts_with(&table));
        anyhow::ensure!(is_held, "{table} is not among {tables:?}");
    }
    tables.extend(["stream.config".to_owned(), "stream.ticker".to_owned()]);
    Ok(tables)
}

async fn hold(database: &TestDatabase, rows: &str) -> Result<Client> {
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!("begin; select from {rows} for update"))
        .await?;
    Ok(holder)
}

async fn hold_rows(mut ticking: Ticking) -> Result<()> {
    let database = &ticking.database;
    let held = stream(database).await?;
    let tables = rows_of(database, held).await?;
    for rows in tables {
        let database = &ticking.database;
        let other = stream(database).await?;
        let holder = hold(database, &rows).await?;
        // Nobody but the holder may be waited for while the rest becomes due.
        if !rows.starts_with("stream.config") {
            make_due(database, &[other]).await?;
            ticking
                .until(&is_done(other))
                .await
                .with_context(|| format!("while {rows} is held"))?;
        }
        holder.batch_execute("rollback").await?;
        let end = format!("select stream.end_stream('{other}')");
        ticking.database.change(&end).await?;
    }
    // And what was left out follows.
    make_due(&ticking.database, &[held]).await?;
    ticking.until(&is_done(held)).await?;
    let (status, detail) = ticking.database.check("troubles").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

/// Both hosts are lost in the same unit, and one of the two logs cannot be written.
async fn hold_logs(mut ticking: Ticking) -> Result<()> {
    for table in ["chat_heads", "chat_relay"] {
        let database = &ticking.database;
        let (held, other) = (stream(database).await?, stream(database).await?);
        let holder = hold(
            database,
            &format!("stream.{table} where session_id = '{held}'"),
        )
        .await?;
        database
            .change(&format!(
                "update stream.stream_sessions
                 set host_seen_at = now() - interval '25 seconds', check_at = now() - interval '5 seconds'
                 where id in ('{held}', '{other}')"
            ))
            .await?;
        let is_lost = |id: Uuid| {
            format!("select state = 'error' from stream.stream_sessions where id = '{id}'")
        };
        ticking
            .until(&is_lost(other))
            .await
            .with_context(|| format!("while a row of {table} is held"))?;
        let is_early: bool = ticking.database.value(&is_lost(held)).await?;
        assert!(!is_early, "{table}");
        let troubles: i64 = ticking
            .database
            .value("select count(*) from stream.troubles")
            .await?;
        assert_eq!(troubles, 0, "{table}");
        holder.batch_execute("rollback").await?;
        ticking.until(&is_lost(held)).await?;
        ticking
            .database
            .change(&format!(
                "select stream.end_stream('{held}'); select stream.end_stream('{other}')"
            ))
            .await?;
    }
    Ok(())
}

async fn lock_partition(mut ticking: Ticking) -> Result<()> {
    let database = &ticking.database;
    let id = stream(database).await?;
    make_due(database, &[]).await?;
    let superuser = database.superuser().await?;
    let partition: String = superuser
        .query_one(
            "select 'realtime.messages_' || to_char(now() at time zone 'UTC', 'YYYY_MM_DD')",
            &[],
        )
        .await?
        .get(0);
    make_due(database, &[id]).await?;
    let paused = database.stream_in(StreamState::Paused).await?;
    superuser
        .batch_execute(&format!(
            "begin; lock table {partition} in access exclusive mode"
        ))
        .await?;
    database
        .change(&format!(
            "update stream.stream_sessions
             set state_changed_at = now() - interval '2 hours', check_at = now() where id = '{paused}'"
        ))
        .await?;
    ticking
        .until(&format!(
            "select bool_and(s.state in ('ended', 'error')) from stream.stream_sessions as s
             where s.id in ('{id}', '{paused}')"
        ))
        .await?;
    let (status, detail) = ticking.database.check("held_rows").await?;
    let holder: i32 = superuser
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    assert_eq!(status, "warning");
    assert!(
        detail.contains(&format!("pid {holder} locks the table")),
        "{detail}"
    );
    superuser.batch_execute("rollback").await?;
    ticking.until(&is_done(id)).await?;
    ticking
        .until(&format!(
            "select r.flushed_seq = h.last_seq from stream.chat_heads as h
             join stream.chat_relay as r on r.session_id = h.session_id
             where h.session_id = '{paused}'"
        ))
        .await?;
    let troubles: i64 = ticking
        .database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    Ok(())
}

async fn hold_advisory_locks(mut ticking: Ticking) -> Result<()> {
    let database = &ticking.database;
    let ids = [stream(database).await?, stream(database).await?];
    make_due(database, &[]).await?;
    let stranger = database.connect("authenticator").await?;
    for key in [
        "pg_stream_ext.tick".to_owned(),
        format!("pg_stream_ext.gate {}", ids[0]),
    ] {
        stranger
            .query_one("select pg_advisory_lock(hashtextextended($1, 0))", &[&key])
            .await?;
    }
    // Joins wait at the gate too, so only what is judged.
    for id in ids {
        make_host_lost(database, id).await?;
    }
    for id in ids {
        ticking
            .until(&format!(
                "select state = 'error' from stream.stream_sessions where id = '{id}'"
            ))
            .await?;
    }
    Ok(())
}

/// doctor() names the process, and nothing of what it runs.
#[tokio::test]
async fn the_holder_of_a_row_is_shown_by_its_process() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = stream(&database).await?;
    make_due(&database, &[id]).await?;
    for table in [
        "stream_sessions where id",
        "chat_heads where session_id",
        "chat_relay where session_id",
    ] {
        let holder = hold(&database, &format!("stream.{table} = '{id}'")).await?;
        let pid: i32 = holder
            .query_one("select pg_backend_pid()", &[])
            .await?
            .get(0);
        database.service().await?.rpc("tick", json!({})).await?;
        let (status, detail) = database.check("held_rows").await?;
        assert_eq!(status, "warning", "{detail}");
        assert!(
            detail.contains(&format!("pid {pid} holds the row of stream {id}")),
            "{detail}"
        );
        assert!(!detail.contains("for update") && detail.contains("pg_terminate_backend"));
        holder.batch_execute("rollback").await?;
    }
    let (status, detail) = database.check("held_rows").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

/// The state of the queue of tails is locked: nobody sends for all streams then, so heartbeats must.
#[tokio::test]
async fn a_heartbeat_sends_while_somebody_holds_the_state_of_the_queue() -> Result<()> {
    let mut ticking = Ticking::start(Ticker::Tick, "held-queue").await?;
    let session = ticking.database.stream_in(StreamState::Active).await?;
    let ada = ticking.database.viewer(session, demo::ADA).await?;
    let is_sending = "select sends_at > now() - interval '1 second' from stream.ticker";
    ticking.until(is_sending).await?;
    let holder = hold(&ticking.database, "stream.chat_tail_reads").await?;
    ticking.database.leave_unflushed(session, 3).await?;
    ticking
        .until("select sends_at < now() - interval '4 seconds' from stream.ticker")
        .await?;
    send_heartbeat(&ada, session).await?;
    assert_eq!(ticking.database.sent(session).await?, [[1, 2, 3, 4, 5]]);
    let (status, detail) = ticking.database.check("held_rows").await?;
    assert!(
        status == "warning" && detail.contains("in stream.chat_tail_reads"),
        "{detail}"
    );
    holder.batch_execute("rollback").await?;
    ticking.until(is_sending).await
}
