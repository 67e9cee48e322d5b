//! A database restored from `pg_dump`, as docs/restoring.md says: into the same database and into another one.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use uuid::Uuid;

/// What a client holds: what it saw last.
struct Held {
    epoch: Value,
    head: i64,
}

impl Held {
    async fn of(caller: &Session, session: Uuid) -> Result<Self> {
        let seen = caller.rpc("sync", json!({"session_id": session})).await?;
        Ok(Self {
            epoch: seen["epoch"].clone(),
            head: seen["head_seq"].as_i64().context("no head")?,
        })
    }

    /// What the client is told when it asks for what it missed.
    async fn sync(&self, caller: &Session, session: Uuid) -> Result<Value> {
        let arguments = json!({"session_id": session, "after_seq": self.head, "epoch": self.epoch});
        Ok(caller.rpc("sync", arguments).await?)
    }
}

/// A stream whose dump has three entries, and whose client has seen five; the last tail of the dump was not sent.
struct Restored {
    database: TestDatabase,
    dumps: Vec<PathBuf>,
    session: Uuid,
    held: Held,
}

impl Restored {
    /// With a dump for each of these ways.
    async fn dumped(ways: &[&[&str]]) -> Result<Self> {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(session, demo::ADA).await?;
        database.drop_partition_of_today().await?;
        send_message(&ada, session, "in the dump").await?;
        database.bring_partition_back().await?;
        let mut dumps = Vec::new();
        for options in ways {
            let dump = std::env::temp_dir().join(format!("stream-tests-{}.dump", Uuid::new_v4()));
            let file = dump.to_str().context("a path in UTF-8")?.to_owned();
            dumps.push(dump);
            let mut arguments = vec!["--format=custom", "--file", &file];
            // Broadcasts of before would reach the clients of now.
            arguments.push("--exclude-table-data=realtime.messages*");
            arguments.extend_from_slice(options);
            database.run_program("pg_dump", &arguments)?;
        }
        for text in ["lost", "lost too"] {
            send_message(&ada, session, text).await?;
        }
        let held = Held::of(&ada, session).await?;
        assert_eq!(held.head, 5);
        Ok(Self {
            database,
            dumps,
            session,
            held,
        })
    }

    fn restore(&self, into: &TestDatabase, options: &[&str]) -> Result<()> {
        for dump in &self.dumps {
            let mut arguments = vec!["--exit-on-error", "--dbname", into.name()];
            arguments.extend(options);
            arguments.push(dump.to_str().context("a path in UTF-8")?);
            into.run_program("pg_restore", &arguments)?;
        }
        Ok(())
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        for dump in &self.dumps {
            let _ = std::fs::remove_file(dump);
        }
    }
}

/// After the restore: the client is told to begin anew, gets the log as it is, and chat goes on without a gap.
async fn expect_resynchronised(database: &TestDatabase, session: Uuid, held: &Held) -> Result<()> {
    let ada = database.user(demo::ADA).await?;
    let told = held.sync(&ada, session).await?;
    assert_eq!(told["recovered"], false);
    assert_ne!(told["epoch"], held.epoch);
    let messages = told["messages"].as_array().context("no messages")?;
    assert_eq!(numbers(messages), [1, 2, 3]);
    assert_eq!(messages[2]["content"], "in the dump");

    // As Realtime does when a client joins a channel.
    let realtime = database.superuser().await?;
    realtime
        .batch_execute("select realtime.maintain_partitions()")
        .await?;
    database.tick().await?;
    assert_eq!(send_message(&ada, session, "goes on").await?["seq"], 4);
    database.tick().await?;
    // The tail that was not sent before the dump is sent now. Under the new epoch: what was sent before the restore may be there.
    let frames = database.frames(session).await?;
    let sent: Vec<i64> = frames
        .iter()
        .filter(|frame| frame["epoch"] == told["epoch"])
        .flat_map(|frame| numbers(frame["messages"].as_array().map_or(&[], Vec::as_slice)))
        .collect();
    assert_eq!(sent, [3, 4]);
    Ok(())
}

/// The rows alone, as where a database cannot be dropped.
#[tokio::test]
async fn rows_restored_into_the_same_database_need_a_new_epoch() -> Result<()> {
    let world = Restored::dumped(&[&[]]).await?;
    let (database, session) = (&world.database, world.session);
    let superuser = database.superuser().await?;
    let tables: String = superuser
        .query_one(
            "select string_agg(c.oid::regclass::text, ', ') from pg_catalog.pg_class as c
             where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r'",
            &[],
        )
        .await?
        .get(0);
    superuser
        // A record of moderation is only added to, but for this.
        .batch_execute(&format!(
            "set session_replication_role = replica; truncate {tables}"
        ))
        .await?;
    world.restore(
        database,
        &["--data-only", "--disable-triggers", "--schema=stream"],
    )?;
    // What would happen without: two logs under one epoch, and a client that never learns that its third was another.
    let ada = database.user(demo::ADA).await?;
    assert_eq!(Held::of(&ada, session).await?.epoch, world.held.epoch);

    let hinted: i32 = database.value("select stream.new_epoch()").await?;
    assert_eq!(hinted, 1);
    expect_resynchronised(database, session, &world.held).await
}

/// Another database has another epoch by itself.
#[tokio::test]
async fn a_dump_restored_into_another_database_resynchronises_by_itself() -> Result<()> {
    restore_elsewhere(&[&[]], &[]).await
}

/// As Supabase's command line dumps and restores.
#[tokio::test]
async fn a_schema_and_its_rows_restored_one_after_the_other_are_whole() -> Result<()> {
    let ways: [&[&str]; 2] = [&["--schema-only"], &["--data-only"]];
    restore_elsewhere(&ways, &["--disable-triggers"]).await
}

async fn restore_elsewhere(ways: &[&[&str]], options: &[&str]) -> Result<()> {
    let world = Restored::dumped(ways).await?;
    let mut other = TestDatabase::create().await?;
    let superuser = world.database.superuser().await?;
    let name = other.name();
    for statement in [
        format!("drop database {name} with (force)"),
        format!("create database {name} template template0"),
        format!("alter database {name} set timezone to 'UTC'"),
        format!("grant create, connect, temporary on database {name} to postgres"),
    ] {
        superuser.batch_execute(&statement).await?;
    }
    world.restore(&other, options)?;
    other.owner = other.connect("postgres").await?;
    expect_resynchronised(&other, world.session, &world.held).await
}
