//! Does pg_cron run `tick` where the background worker cannot?

use std::future::poll_fn;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification};
use xtask::cluster::Options;

const SCHEDULE: &str = "select stream.schedule_with_pg_cron()";

/// What pg_cron 1.4 of Debian 12 can do.
const EVERY_MINUTE: &str = "* * * * *";

/// A minute until the job is due, and as long again for a busy machine.
const TWO_MINUTES: Duration = Duration::from_secs(120);

/// A database in whose cluster pg_cron runs, open to the owner of the tables.
async fn database_with_pg_cron(name: &str) -> Result<(OwnCluster, TestDatabase)> {
    let mut options = Options::temporary(name)?;
    options.settings.extend(
        [
            "shared_preload_libraries=pg_cron",
            // Else each job logs in over TCP and needs a password file.
            "cron.use_background_workers=on",
        ]
        .map(str::to_owned),
    );
    let mut own = OwnCluster::start(options)?;
    let mut database = TestDatabase::create_in(own.make_template("")?).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "alter system set cron.database_name = '{}'",
            database.name()
        ))
        .await?;
    own.cluster.restart()?;
    database.environment.cluster = own.cluster.address().clone();
    database.owner = database.connect("postgres").await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "create extension pg_cron;
             grant usage on schema cron to postgres",
        )
        .await?;
    Ok((own, database))
}

/// A connection of the owner and what it is notified of.
async fn listen(
    database: &TestDatabase,
    channel: &str,
) -> Result<(Client, mpsc::Receiver<Notification>)> {
    let url = database
        .environment
        .cluster
        .url("postgres", database.name())?;
    let (client, mut connection) = tokio_postgres::connect(&url, NoTls).await?;
    let (sender, receiver) = mpsc::channel(100);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && sender.send(notification).await.is_err()
            {
                return;
            }
        }
    });
    client.batch_execute(&format!("listen {channel}")).await?;
    Ok((client, receiver))
}

async fn jobs(database: &TestDatabase) -> Result<Value> {
    database
        .value(
            "select jsonb_agg(jsonb_build_object(
                 'name', j.jobname, 'schedule', j.schedule, 'command', j.command,
                 'role', j.username, 'database', j.database = current_database()))
             from cron.job as j",
        )
        .await
}

#[tokio::test]
async fn the_owner_gets_one_job_however_often_they_ask() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-job").await?;
    for _ in 0..2 {
        let schedule: String = database.value(SCHEDULE).await?;
        assert_eq!(schedule, EVERY_MINUTE);
        assert_eq!(
            jobs(&database).await?,
            json!([{
                "name": "pg_stream_tick", "schedule": EVERY_MINUTE,
                "command": "select stream.tick()", "role": "postgres", "database": true,
            }])
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_job_ticks_as_the_owner() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-ticks").await?;
    database
        .change(
            "create function public.tell_tick() returns trigger
             language plpgsql set search_path = pg_catalog, pg_temp as $$
             begin
                 perform pg_catalog.pg_notify('ticked', format('%s %s', session_user,
                     (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = session_user)));
                 return new;
             end
             $$;
             create trigger ticker_tell_tick after update of ticked_at on stream.ticker
             for each row execute function public.tell_tick()",
        )
        .await?;
    let (_listener, mut ticks) = listen(&database, "ticked").await?;
    let _: String = database.value(SCHEDULE).await?;
    let tick = tokio::time::timeout(TWO_MINUTES, ticks.recv())
        .await
        .context("pg_cron never ticked")?
        .context("the connection broke")?;
    assert_eq!(tick.payload(), "postgres f");
    Ok(())
}

/// The server has an older one, which refuses the schedule that it is asked for.
#[tokio::test]
async fn versions_that_know_seconds_are_asked_for_seconds() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-seconds").await?;
    let superuser = database.superuser().await?;
    for version in ["1.5", "1.6.4", "1.10", "2.0"] {
        superuser
            .execute(
                "update pg_extension set extversion = $1 where extname = 'pg_cron'",
                &[&version],
            )
            .await?;
        let refused = database.owner.query_one(SCHEDULE, &[]).await.err();
        let refused = refused.context("scheduled")?;
        let refused = refused.as_db_error().context("the connection broke")?;
        assert_eq!(
            refused.message(),
            "invalid schedule: 1 seconds",
            "{version}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn versions_without_named_jobs_are_refused_as_no_pg_cron_is() -> Result<()> {
    let without = TestDatabase::create().await?;
    let call = without.owner.query_one(SCHEDULE, &[]);
    without.refuses(ErrorCode::NotConfigured, call).await?;

    let (_own, database) = database_with_pg_cron("pg-cron-old").await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("update pg_extension set extversion = '1.2' where extname = 'pg_cron'")
        .await?;
    let call = database.owner.query_one(SCHEDULE, &[]);
    database.refuses(ErrorCode::NotConfigured, call).await
}
