//! The loop and its fallback of a tick a second, as `doctor()` names them.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;

use super::{SCHEDULE, database_with_pg_cron};

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
    let _: String = database.value(SCHEDULE).await?;
    let (status, detail) = database.check("pg_cron").await?;
    assert_eq!(
        (status.as_str(), detail.as_str()),
        ("ok", "a job a minute loops until the next")
    );

    let superuser = database.superuser().await?;
    for (change, word) in [
        ("update cron.job set active = false where jobname = 'pg_stream_tick'", "switched off"),
        ("delete from cron.job where jobname = 'pg_stream_prune'", "deletes its old runs"),
        (
            "insert into cron.job_run_details (jobid, runid, database, username, command, status, end_time)
             select j.jobid, 1000, current_database(), 'postgres', 'x', 'failed', now()
             from cron.job as j where j.jobname = 'pg_stream_tick'",
            "its last run failed",
        ),
        (
            "update cron.job set schedule = '1 second', command = 'select stream_private.tick()', active = true
             where jobname = 'pg_stream_tick'",
            "the fallback ticks with the schedule \"1 second\"",
        ),
        ("revoke usage on schema cron from postgres", "cannot be seen"),
    ] {
        superuser.batch_execute(change).await?;
        let (status, detail) = database.check("pg_cron").await?;
        assert_eq!(status, "warning", "{change}");
        assert!(detail.contains(word), "{detail}");
    }
    Ok(())
}

/// Schedules of seconds came with 1.5.
#[tokio::test]
async fn the_fallback_is_refused_where_pg_cron_knows_no_seconds() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-seconds").await?;
    let fallback = "select stream.schedule_with_pg_cron(every_second => true)";
    let call = database.owner.query_one(fallback, &[]);
    database.refuses(ErrorCode::NotConfigured, call).await?;
    // With a pg_cron that knows them, as far as this one can show it: its function is asked for that schedule.
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("update pg_extension set extversion = '1.5' where extname = 'pg_cron'")
        .await?;
    let failed = database.owner.query_one(fallback, &[]).await;
    let message = failed.err().context("1.4 knows no seconds")?.to_string();
    assert!(
        message.contains("1 second") || message.contains("db error"),
        "{message}"
    );
    Ok(())
}
