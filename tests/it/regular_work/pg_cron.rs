//! pg_cron does the regular work where the background worker cannot.

mod doctor;
mod killed_loop;
mod sql_edition;

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::waiting::{wait_until_within, wait_within};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification};
use xtask::cluster::Options;
use xtask::edition::Edition;

const SCHEDULE: &str = "select stream.schedule_with_pg_cron()";

/// Whatever the version: the job itself goes on for just under a minute.
const EVERY_MINUTE: &str = "* * * * *";

/// A minute until the job is due, and as long again for a busy machine.
const TWO_MINUTES: Duration = Duration::from_secs(120);

/// Until a run that is about to end, and the whole of the next.
const THREE_MINUTES: Duration = Duration::from_secs(180);

/// The ticker's row beside each run of the job that goes on.
const RUNS: &str = "stream.ticker as t cross join pg_stat_activity as a
    where a.query like '%tick_for_a_minute%' and a.pid <> pg_backend_pid()";

/// A database in whose cluster pg_cron runs, open to the owner of the tables.
async fn database_with_pg_cron(name: &str) -> Result<(OwnCluster, TestDatabase)> {
    database_of_edition_with_pg_cron(Edition::chosen()?, name).await
}

async fn database_of_edition_with_pg_cron(
    edition: Edition,
    name: &str,
) -> Result<(OwnCluster, TestDatabase)> {
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
    let mut database = TestDatabase::of_edition_in(own.make_template("")?, edition).await?;
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
                 'name', j.jobname, 'schedule', j.schedule, 'command', split_part(btrim(j.command, E' \n'), E'\n', 1),
                 'role', j.username, 'database', j.database = current_database()) order by j.jobid)
             from cron.job as j",
        )
        .await
}

#[tokio::test]
async fn the_owner_gets_the_same_jobs_however_often_they_ask() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-job").await?;
    for _ in 0..2 {
        let schedule: String = database.value(SCHEDULE).await?;
        assert_eq!(schedule, EVERY_MINUTE);
        assert_eq!(
            jobs(&database).await?,
            json!([
                {
                    "name": "pg_stream_tick", "schedule": EVERY_MINUTE,
                    "command": "do $tick_for_a_minute$",
                    "role": "postgres", "database": true,
                },
                {
                    "name": "pg_stream_prune", "schedule": "17 3 * * *",
                    "command": "delete from cron.job_run_details as d",
                    "role": "postgres", "database": true,
                },
            ])
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

/// A version that knows seconds gets the same job: it begins a minute later, not a second.
#[tokio::test]
async fn every_version_with_named_jobs_gets_the_loop() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-versions").await?;
    let superuser = database.superuser().await?;
    for version in ["1.3", "1.5", "1.6.4", "1.10", "2.0"] {
        superuser
            .execute(
                "update pg_extension set extversion = $1 where extname = 'pg_cron'",
                &[&version],
            )
            .await?;
        let schedule: String = database.value(SCHEDULE).await?;
        assert_eq!(schedule, EVERY_MINUTE, "{version}");
    }
    Ok(())
}

/// What it marks it has committed, and it goes on: without the loop there is one mark a minute.
#[tokio::test]
async fn the_job_commits_and_goes_on_until_the_next_minute() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-loop").await?;
    let _: String = database.value(SCHEDULE).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    let mark =
        format!("select a.query_start, t.ticked_at from {RUNS} and t.ticked_at > a.query_start");
    let mut marks: HashMap<SystemTime, HashSet<SystemTime>> = HashMap::new();
    wait_within(TWO_MINUTES, "two marks of a run that goes on", async || {
        for row in superuser.query(&mark, &[]).await? {
            marks.entry(row.get(0)).or_default().insert(row.get(1));
        }
        Ok(marks.values().any(|run| run.len() >= 2).then_some(()))
    })
    .await?;
    for (number, user) in [demo::ADA, demo::BEN].into_iter().enumerate() {
        database.viewer(id, user).await?;
        let counted = format!(
            "select viewer_count = {} from stream.stream_sessions where id = '{id}'",
            number + 1
        );
        wait_until_within(TWO_MINUTES, &database.owner, &counted).await?;
    }
    let is_marked = "select sends_at > '-infinity' from stream.ticker";
    wait_until_within(TWO_MINUTES, &database.owner, is_marked).await?;
    // A loop that ended long before the next minute would leave the rest of each without a ticker. pg_cron's own times of a run are
    // not those of its end: 1.4 may wait for it with the time taken before.
    let goes_on =
        format!("select bool_or(t.ticked_at > a.query_start + interval '50 seconds') from {RUNS}");
    wait_until_within(THREE_MINUTES, &superuser, &goes_on).await?;
    let first =
        "select d.status = 'succeeded' from cron.job_run_details as d order by d.runid limit 1";
    wait_until_within(TWO_MINUTES, &database.owner, first).await
}

/// Of pg_cron's own table, which nobody else prunes. Runs of the owner's other jobs are theirs.
#[tokio::test]
async fn old_runs_of_the_jobs_are_deleted_and_no_others() -> Result<()> {
    let (_own, database) = database_with_pg_cron("pg-cron-prune").await?;
    let _: String = database.value(SCHEDULE).await?;
    let _: i64 = database
        .value("select cron.schedule('theirs', '0 0 1 1 *', 'select 1')")
        .await?;
    leave_runs(&database, "3 days").await?;
    assert_eq!(
        runs_after_pruning(&database).await?,
        json!({
            "pg_stream_tick": ["3 days", "6 days"],
            "pg_stream_prune": ["3 days", "6 days"],
            "theirs": ["3 days", "6 days", "9 days", "12 days"],
        })
    );
    Ok(())
}

/// Four runs of each job, the last of which ended so long ago, and the others as long before each other.
async fn leave_runs(database: &TestDatabase, age: &str) -> Result<()> {
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "insert into cron.job_run_details (jobid, runid, database, username, command, status, return_message, end_time)
             select j.jobid, j.jobid * 1000 + n, current_database(), 'postgres', 'x', 'succeeded', (n * interval '{age}')::text,
                 now() - n * interval '{age}'
             from cron.job as j cross join generate_series(1, 4) as n"
        ))
        .await?;
    Ok(())
}

/// The ages of those that are left, by their job, once the job has run that prunes them.
async fn runs_after_pruning(database: &TestDatabase) -> Result<Value> {
    let command: String = database
        .value("select command from cron.job where jobname = 'pg_stream_prune'")
        .await?;
    database.change(&command).await?;
    database
        .value(
            "select jsonb_object_agg(k.jobname, k.ages) from (
                 select j.jobname, array_agg(d.return_message order by d.end_time desc) as ages
                 from cron.job_run_details as d join cron.job as j on j.jobid = d.jobid
                 where d.command = 'x' group by j.jobname) as k",
        )
        .await
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
