//! Each check of doctor() sees its fault.

use std::process::{Child, Command, Stdio};

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::waiting::wait_until;
use xtask::edition::Edition;

async fn status(database: &TestDatabase, name: &str) -> Result<String> {
    Ok(database.check(name).await?.0)
}

#[tokio::test]
async fn every_check_is_answered_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let rows = service.rpc_rows("doctor", json!({})).await?;
    let names: Vec<_> = rows.iter().map(|row| row["check_name"].clone()).collect();
    assert_eq!(
        json!(names),
        json!([
            "certificate",
            "secondary_certificate",
            "clock",
            "webhooks",
            "ticker",
            "pg_cron",
            "troubles",
            "held_rows",
            "owner_bypasses_rls",
            "table_privileges",
            "realtime_partition",
            "realtime_publication",
            "canary",
            "edition",
            "server_log",
            "realtime_replication",
            "realtime_policies",
            "time_zone",
            "cohost_authentication",
        ])
    );
    for row in &rows {
        assert!(
            ["ok", "warning", "failure"]
                .map(|known| json!(known))
                .contains(&row["status"])
        );
        assert!(
            row["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{row}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_edition_is_named() -> Result<()> {
    for edition in Edition::ALL {
        let database = TestDatabase::of_edition(edition).await?;
        let (status, detail) = database.check("edition").await?;
        assert_eq!(status, "ok");
        assert!(detail.starts_with(edition.as_str()), "{detail}");
        // What stands in for the worker, the certificate's file and the gate.
        for stand_in in ["edge_api or pg_cron", "Vault", "advisory lock"] {
            let is_named = detail.contains(stand_in);
            assert_eq!(is_named, edition == Edition::Sql, "{stand_in}: {detail}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn users_do_not_ask_the_doctor() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [database.user(demo::SELLER).await?, database.anon().await?] {
        let call = caller.rpc("doctor", json!({}));
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_only_agoras_console_shows_is_always_reminded_of() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (status, detail) = database.check("cohost_authentication").await?;
    assert_eq!(status, "warning");
    assert!(
        detail.contains("a subscriber token can publish"),
        "{detail}"
    );
    Ok(())
}

#[tokio::test]
async fn a_clock_behind_the_last_sweep_is_a_warning() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (ahead, expected) in [("3 s", "ok"), ("1 minute", "warning")] {
        database
            .change(&format!(
                "update stream.ticker set swept_at = now() + interval '{ahead}'"
            ))
            .await?;
        let (status, detail) = database.check("clock").await?;
        assert_eq!(status, expected, "{ahead}: {detail}");
        assert_eq!(detail.contains("set back"), expected == "warning");
    }
    Ok(())
}

#[tokio::test]
async fn a_ticker_is_missed_after_seconds_and_gone_after_minutes() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (never, detail) = database.check("ticker").await?;
    assert_eq!(never, "failure");
    assert!(detail.contains("never"), "{detail}");
    assert!(detail.contains("not running"), "{detail}");
    database.tick().await?;
    assert_eq!(status(&database, "ticker").await?, "ok");
    for (age, expected) in [(10, "warning"), (80, "warning"), (100, "failure")] {
        database
            .change(&format!(
                "update stream.ticker set ticked_at = now() - interval '{age} s'"
            ))
            .await?;
        assert_eq!(status(&database, "ticker").await?, expected, "{age} s");
    }
    Ok(())
}

const DROP_PUBLICATION: &str = "drop publication supabase_realtime_messages_publication";

/// Somebody who follows a replication slot, as the Realtime server does.
struct SlotFollower(Child);

impl SlotFollower {
    /// Makes the slot and follows it. The slot stands before the follower starts: one that the
    /// follower itself is still making counts as active too, and vanishes when it is ended then.
    async fn start(database: &TestDatabase, slot: &str) -> Result<Self> {
        let realtime = database.connect("realtime_gateway").await?;
        realtime
            .execute(
                "select pg_create_logical_replication_slot($1, 'pgoutput')",
                &[&slot],
            )
            .await?;
        let bin_dir = xtask::postgres::installation()?.bin_dir;
        let url = database
            .environment
            .cluster
            .url("realtime_gateway", database.name())?;
        let child = Command::new(bin_dir.join("pg_recvlogical"))
            .args(["--dbname", &url, "--slot", slot, "--start"])
            .args(["--file", "/dev/null"])
            .args(["--option", "proto_version=1"])
            .args([
                "--option",
                "publication_names=supabase_realtime_messages_publication",
            ])
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for SlotFollower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ACTIVE: &str = "select exists (select from pg_replication_slots as r
    where r.database = current_database() and r.active)";

#[tokio::test]
async fn realtime_is_there_while_it_follows_this_database() -> Result<()> {
    let database = TestDatabase::create().await?;
    let elsewhere = TestDatabase::create().await?;
    assert_eq!(status(&database, "realtime_replication").await?, "warning");
    // One server may hold several projects, each with a slot of its own.
    let number = std::process::id();
    let slot =
        |place: &str| format!("supabase_realtime_messages_replication_slot_{place}_{number}");
    let other = SlotFollower::start(&elsewhere, &slot("other")).await?;
    wait_until(&elsewhere.owner, ACTIVE).await?;
    assert_eq!(status(&elsewhere, "realtime_replication").await?, "ok");
    let beside = status(&database, "realtime_replication").await;
    let own = SlotFollower::start(&database, &slot("own")).await?;
    wait_until(&database.owner, ACTIVE).await?;
    let with = status(&database, "realtime_replication").await;
    // Who follows without a publication gets nothing.
    assert_eq!(status(&database, "realtime_publication").await?, "ok");
    let dropping = database.superuser().await?;
    dropping.batch_execute(DROP_PUBLICATION).await?;
    let unpublished = status(&database, "realtime_publication").await;
    drop(own);
    let gone = "select not exists (select from pg_replication_slots as r
        where r.database = current_database() and r.active)";
    wait_until(&database.owner, gone).await?;
    let without = status(&database, "realtime_replication").await;

    drop(other);
    wait_until(&elsewhere.owner, gone).await?;
    let superuser = database.superuser().await?;
    for place in ["own", "other"] {
        superuser
            .execute("select pg_drop_replication_slot($1)", &[&slot(place)])
            .await?;
    }
    assert_eq!(with?, "ok");
    assert_eq!(unpublished?, "failure");
    assert_eq!(beside?, "warning", "another database's slot counted");
    assert_eq!(without?, "warning");
    Ok(())
}

#[tokio::test]
async fn another_time_zone_is_a_warning() -> Result<()> {
    let database = TestDatabase::create().await?;
    assert_eq!(status(&database, "time_zone").await?, "ok");
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "alter database \"{}\" set timezone = 'Europe/Berlin'",
            database.name()
        ))
        .await?;
    let (status, detail) = database.check("time_zone").await?;
    assert_eq!(
        (status.as_str(), detail.as_str()),
        ("warning", "Europe/Berlin")
    );
    Ok(())
}
