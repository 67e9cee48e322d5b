//! The background worker: it ticks, as the owner of the tables, and comes back whatever happens to it.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::ticking::{database_with_worker, restarted};
use stream_tests::waiting::wait_until;

const IS_RUNNING: &str = "select count(*) = 1 from pg_stat_activity
    where backend_type = 'pg_stream_ext worker' and datname = current_database()";

async fn worker_pid(database: &TestDatabase) -> Result<i32> {
    let row = database
        .superuser()
        .await?
        .query_one(
            "select pid from pg_stat_activity where backend_type = 'pg_stream_ext worker'",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

#[tokio::test]
async fn it_counts_and_sweeps_as_the_owner_of_the_tables_and_the_doctor_sees_it() -> Result<()> {
    let (_own, database) = database_with_worker("worker-ticks").await?;
    database
        .change(
            "create table public.ticked_as (login text, role text, is_superuser boolean);
             create function public.note_role() returns trigger
             language plpgsql set search_path = pg_catalog, pg_temp as $$
             begin
                 insert into public.ticked_as
                 select session_user, current_user, r.rolsuper from pg_catalog.pg_roles as r
                 where r.rolname = current_user;
                 return new;
             end
             $$;
             create trigger ticker_note_role after update on stream.ticker
             for each row execute function public.note_role()",
        )
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    wait_until(
        &database.owner,
        &format!("select viewer_count = 1 from stream.stream_sessions where id = '{id}'"),
    )
    .await?;
    database.pass_time(id, 60).await?;
    wait_until(
        &database.owner,
        &format!("select viewer_count = 0 from stream.stream_sessions where id = '{id}'"),
    )
    .await?;
    assert_eq!(database.counts_sent(id).await?, [1, 0]);

    let service = database.service().await?;
    let rows = service.rpc_rows("doctor", json!({})).await?;
    let ticker = rows.iter().find(|row| row["check_name"] == "ticker");
    let ticker = ticker.cloned().unwrap_or_default();
    assert_eq!(ticker["status"], "ok");
    let pid = worker_pid(&database).await?;
    let detail = ticker["detail"].as_str().unwrap_or_default();
    assert!(detail.ends_with(&format!("pid {pid}")), "{detail}");

    let roles: Vec<String> = database
        .owner
        .query(
            "select distinct format('%s %s %s', login, role, is_superuser) from public.ticked_as",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(roles, ["postgres postgres f"]);
    Ok(())
}

#[tokio::test]
async fn it_comes_back_after_it_was_ended_or_the_server_restarted() -> Result<()> {
    let (mut own, mut database) = database_with_worker("worker-returns").await?;
    database.wait_for_tick().await?;
    let superuser = database.superuser().await?;
    for _ in 0..3 {
        let pid = worker_pid(&database).await?;
        superuser
            .execute("select pg_terminate_backend($1)", &[&pid])
            .await?;
        wait_until(
            &superuser,
            &format!(
                "select count(*) = 1 from pg_stat_activity
                      where backend_type = 'pg_stream_ext worker' and pid <> {pid}"
            ),
        )
        .await?;
        database.wait_for_tick().await?;
    }

    let pid = worker_pid(&database).await?;
    superuser.execute("select pg_reload_conf()", &[]).await?;
    for _ in 0..3 {
        database.wait_for_tick().await?;
    }
    assert_eq!(worker_pid(&database).await?, pid);

    database = restarted(&mut own.cluster, database).await?;
    database.wait_for_tick().await?;
    own.cluster.crash()?;
    database = restarted(&mut own.cluster, database).await?;
    database.wait_for_tick().await
}

/// The server starts it again after ten seconds.
#[tokio::test]
async fn the_launcher_comes_back_after_it_was_ended() -> Result<()> {
    let (_own, database) = database_with_worker("worker-launcher").await?;
    let superuser = database.superuser().await?;
    superuser
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where backend_type = 'pg_stream_ext launcher'",
            &[],
        )
        .await?;
    wait_until(
        &superuser,
        "select not exists (select from pg_stat_activity
                            where backend_type = 'pg_stream_ext launcher')",
    )
    .await?;
    wait_until(
        &superuser,
        "select exists (select from pg_stat_activity
                        where backend_type = 'pg_stream_ext launcher')",
    )
    .await?;
    wait_until(&superuser, IS_RUNNING).await?;
    database.wait_for_tick().await
}

#[tokio::test]
async fn other_tickers_beside_it_do_no_harm() -> Result<()> {
    let (_own, database) = database_with_worker("worker-beside").await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut tickers = Vec::new();
    for _ in 0..3 {
        let service = database.service().await?;
        tickers.push(tokio::spawn(async move {
            for _ in 0..200 {
                service.rpc("tick", json!({})).await?;
            }
            Ok::<_, tokio_postgres::Error>(())
        }));
    }
    for number in 0..20 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        database.viewer(id, user).await?;
    }
    for ticker in tickers {
        ticker.await??;
    }
    wait_until(
        &database.owner,
        &format!("select viewer_count = 20 from stream.stream_sessions where id = '{id}'"),
    )
    .await?;
    let sent = database.counts_sent(id).await?;
    assert!(sent.is_sorted_by(|a, b| a < b), "{sent:?}");
    assert_eq!(sent.last(), Some(&20));
    Ok(())
}

/// Not even where no unit can begin.
#[tokio::test]
async fn it_lives_through_whatever_fails_and_the_doctor_names_the_cause() -> Result<()> {
    let (_own, database) = database_with_worker("worker-fails").await?;
    database.wait_for_tick().await?;
    let pid = worker_pid(&database).await?;
    database
        .change("alter table stream.webhook_cursors rename to webhook_cursors_away")
        .await?;
    wait_until(
        &database.owner,
        "select exists (select from stream.troubles
                        where rule = 'webhook_cursors' and session_id is null and sqlstate = '42P01')",
    )
    .await?;
    let (status, detail) = database.check("troubles").await?;
    assert_eq!(status, "failure");
    assert!(
        detail.contains("webhook_cursors") && detail.contains("42P01"),
        "{detail}"
    );
    database.wait_for_tick().await?;
    database
        .change("alter table stream.webhook_cursors_away rename to webhook_cursors")
        .await?;
    wait_until(
        &database.owner,
        "select not exists (select from stream.troubles)",
    )
    .await?;
    assert_eq!(worker_pid(&database).await?, pid);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_unit_is_no_trouble_and_no_end() -> Result<()> {
    let (_own, database) = database_with_worker("worker-cancel").await?;
    let pid = worker_pid(&database).await?;
    let superuser = database.superuser().await?;
    for _ in 0..20 {
        superuser
            .execute("select pg_cancel_backend($1)", &[&pid])
            .await?;
        database.wait_for_tick().await?;
    }
    assert_eq!(worker_pid(&database).await?, pid);
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    Ok(())
}
