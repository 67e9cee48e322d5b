//! The loop and its fallback of a tick a second, as `doctor()` names them.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;

use super::{EVERY_MINUTE, SCHEDULE, database_with_pg_cron, jobs, leave_runs, runs_after_pruning};

const FALLBACK: &str = "select stream.schedule_with_pg_cron(every_second => true)";

/// Of pg_cron 1.4, which knows no seconds; a job of a later one is put into its table.
#[tokio::test]
async fn the_doctor_names_the_loop_and_the_fallback() -> Result<()> {
    let without = TestDatabase::create().await?;
    let (status, detail) = without.check("pg_cron").await?;
    assert_eq!(status, "ok");
    assert!(detail.contains("not installed"), "{detail}");

    let (_own, database) = database_with_pg_cron("pg-cron-doctor").await?;
    let (status, detail) = database.check("pg_cron").await?;
    assert_eq!(status, "ok");
    assert!(detail.contains("does not do the regular work"), "{detail}");
    schedule(&database).await?;

    let superuser = database.superuser().await?;
    for (change, word) in [
        ("update cron.job set active = false where jobname = 'pg_stream_tick'", "switched off"),
        ("delete from cron.job where jobname = 'pg_stream_prune'", "deletes its old runs"),
        (
            "update cron.job set active = false where jobname = 'pg_stream_prune'",
            "deletes its old runs",
        ),
        (
            "insert into cron.job_run_details (jobid, runid, database, username, command, status, end_time)
             select j.jobid, 1000, current_database(), 'postgres', 'x', 'failed', now()
             from cron.job as j where j.jobname = 'pg_stream_tick'",
            "its last run failed",
        ),
        (
            "update cron.job set schedule = '1 second', command = 'select stream_private.tick()'
             where jobname = 'pg_stream_tick'",
            "the fallback ticks with the schedule \"1 second\"",
        ),
        ("revoke usage on schema cron from postgres", "cannot be seen"),
    ] {
        superuser.batch_execute(change).await?;
        let (status, detail) = database.check("pg_cron").await?;
        assert_eq!(status, "warning", "{change}");
        assert!(detail.contains(word), "{detail}");
        // Each alone.
        superuser
            .batch_execute(
                "grant usage on schema cron to postgres;
                 delete from cron.job_run_details where runid = 1000;
                 update cron.job set active = true",
            )
            .await?;
        schedule(&database).await?;
    }
    Ok(())
}

/// Schedules the loop, with which the check is content.
async fn schedule(database: &TestDatabase) -> Result<()> {
    let _: String = database.value(SCHEDULE).await?;
    let (status, detail) = database.check("pg_cron").await?;
    assert_eq!(
        (status.as_str(), detail.as_str()),
        ("ok", "a job a minute loops until the next")
    );
    Ok(())
}

/// Schedules of seconds came with 1.5.
#[tokio::test]
async fn the_fallback_is_refused_where_pg_cron_knows_no_seconds() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-seconds").await?;
    let call = database.owner.query_one(FALLBACK, &[]);
    database.refuses(ErrorCode::NotConfigured, call).await
}

/// As pg_cron 1.5 takes it. Debian's is older, so its function is replaced by one that takes any schedule.
#[tokio::test]
async fn the_fallback_ticks_each_second_and_keeps_its_runs_for_a_day() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-fallback").await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "update pg_extension set extversion = '1.5' where extname = 'pg_cron';
             create or replace function cron.schedule(job_name text, schedule text, command text) returns bigint
             language sql security definer set search_path = pg_catalog, pg_temp as $$
                 insert into cron.job (jobname, schedule, command, database, username)
                 values ($1, $2, $3, current_database(), session_user)
                 on conflict (jobname, username) do update set schedule = $2, command = $3
                 returning jobid
             $$",
        )
        .await?;
    let answer: String = database.value(FALLBACK).await?;
    assert_eq!(answer, "1 second");
    let scheduled = jobs(&database).await?;
    assert_eq!(
        (&scheduled[0]["schedule"], &scheduled[0]["command"]),
        (&json!("1 second"), &json!("select stream_private.tick()"))
    );
    let (status, detail) = database.check("pg_cron").await?;
    assert_eq!(status, "warning");
    assert!(detail.contains("the fallback ticks"), "{detail}");
    leave_runs(&database, "12 hours").await?;
    let left = json!(["12:00:00"]);
    assert_eq!(
        runs_after_pruning(&database).await?,
        json!({"pg_stream_tick": left, "pg_stream_prune": left})
    );

    // The loop takes its place.
    schedule(&database).await?;
    let scheduled = jobs(&database).await?;
    assert_eq!(scheduled.as_array().map(Vec::len), Some(2), "{scheduled}");
    assert_eq!(scheduled[0]["schedule"], EVERY_MINUTE);
    Ok(())
}
