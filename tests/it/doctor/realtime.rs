//! Checks of doctor() about Realtime's tables, the role that writes there, and the server's log.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::partitions::{DETACH_TODAY, DROP_TODAY};
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;
use tokio_postgres::error::SqlState;
use xtask::cluster::Options;
use xtask::edition::Edition;

async fn status(database: &TestDatabase, name: &str) -> Result<String> {
    Ok(database.check(name).await?.0)
}

/// Takes away the partition of a day.
async fn drop_partition(database: &TestDatabase, day: &str) -> Result<()> {
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "do $$ begin
                 execute format('drop table realtime.%I',
                     to_char(now() at time zone 'UTC' + interval '{day}', '\"messages_\"YYYY_MM_DD'));
             end $$"
        ))
        .await?;
    Ok(())
}

const DROP_PUBLICATION: &str = "drop publication supabase_realtime_messages_publication";

#[tokio::test]
async fn without_a_partition_for_today_nothing_is_broadcast() -> Result<()> {
    let database = TestDatabase::create().await?;
    assert_eq!(status(&database, "realtime_partition").await?, "ok");
    drop_partition(&database, "0").await?;
    let (status, detail) = database.check("realtime_partition").await?;
    assert_eq!(status, "failure");
    assert!(detail.contains("nothing is broadcast"), "{detail}");
    Ok(())
}

/// The table is there under its name: frames are not written either.
#[tokio::test]
async fn a_partition_that_is_not_attached_takes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.user(demo::ADA).await?;
    let superuser = database.superuser().await?;
    let topic = format!("chat:{id}");
    superuser.batch_execute(DETACH_TODAY).await?;
    let frames = database.broadcasts(&topic).await?.len();
    send_message(&ada, id, "hello").await?;
    assert_eq!(database.broadcasts(&topic).await?.len(), frames);
    let (status, detail) = database.check("realtime_partition").await?;
    assert_eq!(status, "failure");
    assert!(detail.contains("nothing is broadcast"), "{detail}");
    Ok(())
}

/// Its detachment waits for a transaction that reads it, and new rows find no partition meanwhile.
#[tokio::test]
async fn a_partition_that_is_being_detached_takes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let superuser = database.superuser().await?;
    let today = "to_char(now() at time zone 'UTC', 'YYYY_MM_DD')";
    let today: String = database.value(&format!("select {today}")).await?;
    let reader = database.superuser().await?;
    reader
        .batch_execute("begin; select from realtime.messages")
        .await?;
    let backend = superuser.query_one("select pg_backend_pid()", &[]).await?;
    let detaching = tokio::spawn(async move {
        let detach = format!(
            "alter table realtime.messages detach partition realtime.messages_{today} concurrently"
        );
        superuser.batch_execute(&detach).await
    });
    wait_until_blocked(&database.owner, backend.get(0)).await?;
    let topic = format!("chat:{id}");
    let frames = database.broadcasts(&topic).await?.len();
    send_message(&seller, id, "hello").await?;
    assert_eq!(database.broadcasts(&topic).await?.len(), frames);
    assert_eq!(status(&database, "realtime_partition").await?, "failure");
    reader.batch_execute("rollback").await?;
    Ok(detaching.await??)
}

#[tokio::test]
async fn a_default_partition_takes_the_rows_of_every_day() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.user(demo::ADA).await?;
    let superuser = database.superuser().await?;
    superuser.batch_execute(DROP_TODAY).await?;
    drop_partition(&database, "1 day").await?;
    superuser
        .batch_execute(
            "create table realtime.messages_default partition of realtime.messages default",
        )
        .await?;
    let topic = format!("chat:{id}");
    let frames = database.broadcasts(&topic).await?.len();
    send_message(&ada, id, "hello").await?;
    assert_eq!(database.broadcasts(&topic).await?.len(), frames + 1);
    for time in ["00:00", "23:59:59"] {
        let (status, detail) = partition_at(&database, time).await?;
        assert_eq!(status, "ok", "{time}: {detail}");
        assert!(detail.contains("messages_default"), "{detail}");
    }
    Ok(())
}

/// What the Realtime server makes at the first join is not missed before.
#[tokio::test]
async fn before_the_first_join_nothing_of_realtime_is_a_failure() -> Result<()> {
    let database = TestDatabase::create().await?;
    drop_partition(&database, "0").await?;
    drop_partition(&database, "1 day").await?;
    database
        .superuser()
        .await?
        .batch_execute(DROP_PUBLICATION)
        .await?;
    for check in [
        "realtime_partition",
        "realtime_publication",
        "realtime_replication",
    ] {
        let (status, detail) = database.check(check).await?;
        assert_eq!(status, "warning", "{check}: {detail}");
    }
    let (_, detail) = database.check("realtime_publication").await?;
    assert!(detail.contains("when the first client joins"), "{detail}");
    Ok(())
}

/// At another moment of today than now.
async fn partition_at(database: &TestDatabase, time: &str) -> Result<(String, String)> {
    let check = |column: &str| {
        format!(
            "select ({column}) from stream_private.check_realtime_partitions(
                 ((now() at time zone 'UTC')::date + time '{time}') at time zone 'UTC') as c"
        )
    };
    Ok((
        database.value(&check("c.status")).await?,
        database.value(&check("c.detail")).await?,
    ))
}

#[tokio::test]
async fn a_partition_that_is_missing_for_tomorrow_is_a_warning_in_the_evening() -> Result<()> {
    let database = TestDatabase::create().await?;
    assert_eq!(partition_at(&database, "23:59:59").await?.0, "ok");
    drop_partition(&database, "1 day").await?;
    for (time, expected) in [
        ("00:00", "ok"),
        ("19:59:59.999", "ok"),
        ("20:00", "warning"),
        ("23:59:59", "warning"),
    ] {
        let (status, detail) = partition_at(&database, time).await?;
        assert_eq!(status, expected, "{time}: {detail}");
        assert_eq!(
            detail.contains("none for tomorrow"),
            expected == "warning",
            "{detail}"
        );
    }
    // Whatever zone the session has: 20:00 UTC is the afternoon in New York, and the next day in Tokyo.
    for zone in ["America/New_York", "Asia/Tokyo"] {
        database.change(&format!("set timezone = '{zone}'")).await?;
        assert_eq!(partition_at(&database, "20:00").await?.0, "warning");
        assert_eq!(partition_at(&database, "19:00").await?.0, "ok");
    }
    // doctor() asks about now.
    let now = "select extract(hour from now() at time zone 'UTC') >= 20";
    let is_evening: bool = database.value(now).await?;
    let expected = if is_evening { "warning" } else { "ok" };
    assert_eq!(status(&database, "realtime_partition").await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_library_that_is_not_preloaded_is_a_warning() -> Result<()> {
    let database = TestDatabase::create().await?;
    let superuser = database.superuser().await?;
    for (change, expected) in [("reset", "warning"), ("set", "ok"), ("reset", "warning")] {
        let to = if change == "set" {
            " = 'pg_stream_ext'"
        } else {
            ""
        };
        superuser
            .batch_execute(&format!(
                "alter database \"{}\" {change} session_preload_libraries{to}",
                database.name()
            ))
            .await?;
        let (status, detail) = database.check("server_log").await?;
        assert_eq!(status, expected, "{detail}");
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_policy_is_a_failure() -> Result<()> {
    let database = TestDatabase::create().await?;
    assert_eq!(status(&database, "realtime_policies").await?, "ok");
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("drop policy stream_topics_read on realtime.messages")
        .await?;
    assert_eq!(status(&database, "realtime_policies").await?, "failure");
    Ok(())
}

/// A role belongs to the whole server, so this one is the test's own.
#[tokio::test]
async fn an_owner_whom_policies_stop_is_a_failure_with_its_cure() -> Result<()> {
    let own = OwnCluster::start(Options::temporary("doctor-owner")?)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let superuser = database.superuser().await?;
    assert_eq!(status(&database, "owner_bypasses_rls").await?, "ok");
    send_message(&seller, id, "before").await?;

    superuser
        .batch_execute("alter role postgres nobypassrls")
        .await?;
    let (status_without, detail) = database.check("owner_bypasses_rls").await?;
    assert_eq!(status_without, "failure");
    let (_, cure) = detail.rsplit_once(": ").context("no cure")?;
    assert_eq!(cure, "alter role postgres bypassrls");
    // What callers are told, seen by a connection that has no plan from before: it is the operator's to mend.
    superuser
        .batch_execute("revoke supabase_realtime_admin from postgres")
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let refused = send_message(&seller, id, "refused").await;
    match Edition::chosen()? {
        Edition::Native => expect_refusal(ErrorCode::Internal, refused)?,
        // Nothing replaces an error of Postgres.
        Edition::Sql => {
            let refused = refused.expect_err("is refused");
            assert_eq!(
                refused.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{refused:?}"
            );
        }
    }

    superuser.batch_execute(cure).await?;
    assert_eq!(status(&database, "owner_bypasses_rls").await?, "ok");
    // Plans are kept, so the connection is another.
    send_message(&database.user(demo::SELLER).await?, id, "after").await?;
    Ok(())
}
