//! The migrations over a database of the release before, and over one of this release.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;
use xtask::cluster::SUPERUSER;
use xtask::product_sql::ProductSql;
use xtask::{bundle, workspace};

use super::dump::{assert_same, catalogue, rows};
use super::previous_release::{self, PreviousRelease};

/// What an application has attached to the product.
const APPLICATION: &str = "
create table public.bids (auction_id uuid, bidder uuid, amount numeric);
alter table public.bids enable row level security;
create policy own_bids on public.bids using (bidder = (select stream.user_id()));
create constraint trigger publish after insert or update on public.bids
deferrable initially deferred for each row
execute function stream.auction_update_trigger('auction_id', 'amount');
create view public.counted as select s.id, stream.get_viewer_count(s.id) from stream.stream_sessions as s;
";

fn code() -> Result<String> {
    bundle::code(&ProductSql::chosen(workspace::root())?)
}

fn host_app() -> Result<String> {
    let file = ProductSql::chosen(workspace::root())?.host_app;
    Ok(file.context("there is a template")?.text)
}

/// A database of the release before, with the demo application.
async fn of_release_before(release: &PreviousRelease) -> Result<TestDatabase> {
    let database = TestDatabase::without_product().await?;
    for migration in [&release.schema, &release.code, &host_app()?] {
        database.change(migration).await?;
    }
    Ok(database)
}

async fn send(database: &TestDatabase, session: Uuid, id: Uuid, content: &str) -> Result<i64> {
    let ada = database.user(demo::ADA).await?;
    let sent = ada
        .rpc(
            "send_message",
            json!({"session_id": session, "content": content, "id": id}),
        )
        .await?;
    sent["seq"].as_i64().context("has a number")
}

#[tokio::test]
async fn a_database_of_the_release_before_becomes_a_new_one_and_keeps_its_rows() -> Result<()> {
    let release = PreviousRelease::new()?;
    let old = of_release_before(&release).await?;
    old.change(APPLICATION).await?;
    let session = old.stream_in(StreamState::Active).await?;
    old.viewer(session, demo::ADA).await?;
    let first = Uuid::new_v4();
    let seq = send(&old, session, first, "before").await?;
    old.change("update stream.config set lease_s = 50 where id")
        .await?;
    let before = rows(&old).await?;
    assert!(before.values().filter(|rows| **rows != json!([])).count() > 8);

    old.change(&release.schema_of_upgrade).await?;
    old.change(&code()?).await?;
    let new = TestDatabase::create().await?;
    new.change(APPLICATION).await?;
    let expected = catalogue(&new)?;
    assert_same(&catalogue(&old)?, &expected);
    let mut after = rows(&old).await?;
    after.retain(|table, _| before.contains_key(table));
    assert_eq!(after, before);
    assert_eq!(send(&old, session, first, "before").await?, seq);
    assert_eq!(send(&old, session, Uuid::new_v4(), "after").await?, seq + 1);

    let before = rows(&old).await?;
    old.change(&code()?).await?;
    assert_same(&catalogue(&old)?, &expected);
    assert_eq!(rows(&old).await?, before);
    Ok(())
}

/// Every test's database has the migrations of all releases in their order; `sql/` says what is there now.
#[tokio::test]
async fn the_migrations_of_all_releases_make_what_sql_says() -> Result<()> {
    let sql = ProductSql::chosen(workspace::root())?;
    let present = TestDatabase::without_product().await?;
    for migration in [bundle::schema(&sql), bundle::code(&sql)?, host_app()?] {
        present.change(&migration).await?;
    }
    let migrated = TestDatabase::create().await?;
    assert_same(&catalogue(&migrated)?, &catalogue(&present)?);
    Ok(())
}

#[tokio::test]
async fn a_function_that_the_application_uses_is_not_taken_from_it() -> Result<()> {
    let release = PreviousRelease::new()?;
    let old = of_release_before(&release).await?;
    old.change(&release.schema_of_upgrade).await?;
    old.change("create view public.mine as select stream.gone(3) as three")
        .await?;
    let before = catalogue(&old)?;
    let refusal = old.change(&code()?).await.expect_err("a view needs it");
    let refusal = refusal.downcast_ref::<tokio_postgres::Error>();
    let detail = refusal.and_then(|refusal| refusal.as_db_error()?.detail());
    assert_eq!(
        detail,
        Some("view public.mine depends on function stream.gone(integer)")
    );
    assert_same(&catalogue(&old)?, &before);
    Ok(())
}

/// A policy, whose text is the same in both releases, is made anew when the function that it calls has other arguments.
#[tokio::test]
async fn a_policy_follows_the_function_that_it_calls() -> Result<()> {
    let mut before = ProductSql::chosen(workspace::root())?;
    for (present, older) in [
        (
            "can_read_topic(topic text)",
            "can_read_topic(topic text, which integer default 0)",
        ),
        ("can_read_topic(text)", "can_read_topic(text, integer)"),
    ] {
        let files = before.bodies.iter_mut().chain(&mut before.api);
        let changed = files.filter(|file| file.text.contains(present));
        let changed = changed.map(|file| file.text = file.text.replace(present, older));
        assert_ne!(changed.count(), 0, "{present}");
    }
    let old = TestDatabase::without_product().await?;
    for migration in [bundle::schema(&before), bundle::code(&before)?, host_app()?] {
        old.change(&migration).await?;
    }
    old.change(&code()?).await?;
    let new = TestDatabase::create().await?;
    assert_same(&catalogue(&old)?, &catalogue(&new)?);
    Ok(())
}

#[tokio::test]
async fn code_of_the_same_release_changes_nothing_and_locks_no_table() -> Result<()> {
    let database = TestDatabase::create().await?;
    let expected = catalogue(&database)?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    // A message that is not committed holds its rows, and reads the views.
    ada.begin().await?;
    ada.rpc_within(
        "send_message",
        json!({"session_id": session, "content": "hello"}),
    )
    .await?;

    database.change("begin").await?;
    database.change(&code()?).await?;
    let locks = database
        .owner
        .query(
            "select l.relation::regclass::text, l.mode from pg_catalog.pg_locks as l
             join pg_catalog.pg_class as c on c.oid = l.relation
             where l.pid = pg_backend_pid() and l.mode not in ('AccessShareLock', 'ShareUpdateExclusiveLock')
                 and c.relnamespace in ('stream'::regnamespace, 'stream_private'::regnamespace, 'realtime'::regnamespace)",
            &[],
        )
        .await?;
    let locks: Vec<(String, String)> = locks.iter().map(|row| (row.get(0), row.get(1))).collect();
    let only_its_own = [(
        "stream_private.code_objects".to_owned(),
        "AccessExclusiveLock".to_owned(),
    )];
    assert_eq!(locks, only_its_own);
    database.change("commit").await?;
    ada.commit().await?;
    assert_same(&catalogue(&database)?, &expected);
    Ok(())
}

#[tokio::test]
async fn a_trigger_or_a_policy_that_somebody_dropped_is_made_again() -> Result<()> {
    let database = TestDatabase::create().await?;
    let expected = catalogue(&database)?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "drop trigger config_rearm on stream.config;
             drop policy stream_topics_read on realtime.messages;
             drop view stream_private.leases;
             drop function stream.sync(uuid, bigint, text);
             grant execute on function stream.sweep() to authenticated;
             comment on function stream.sweep() is null",
        )
        .await?;
    database.change(&code()?).await?;
    assert_same(&catalogue(&database)?, &expected);
    Ok(())
}

#[tokio::test]
async fn code_is_applied_in_one_transaction_or_not_at_all() -> Result<()> {
    let database = TestDatabase::create().await?;
    let before = catalogue(&database)?;
    let psql = database
        .environment
        .cluster
        .psql("postgres", database.name());
    let previous = bundle::code(&previous_release::sql()?)?;
    let refusal = psql.run(&previous).expect_err("statement by statement");
    assert!(
        format!("{refusal:#}").contains("one transaction"),
        "{refusal:#}"
    );
    assert_same(&catalogue(&database)?, &before);
    // Some role that logs in for the application, and owns nothing.
    let stranger = database
        .environment
        .cluster
        .psql("authenticator", database.name());
    let in_one = format!("begin;\n{}\ncommit;\n", code()?);
    assert!(stranger.run(&in_one).is_err());
    let superuser = database
        .environment
        .cluster
        .psql(SUPERUSER, database.name());
    superuser.run("select from stream_private.code_objects")?;
    // What a superuser made would be a superuser's.
    let refusal = superuser.run(&in_one).expect_err("another owner");
    assert!(
        format!("{refusal:#}").contains("role that owns the tables"),
        "{refusal:#}"
    );
    assert_same(&catalogue(&database)?, &before);
    Ok(())
}

/// Fits better than what Postgres has, where schema public is searched too.
const TRAPS: &str = "
create function public.format(text, text, text) returns text
language plpgsql as 'begin raise exception ''caught''; end';
create function public.array_position(text[], text) returns integer
language plpgsql as 'begin raise exception ''caught''; end';
create function public.trap(integer, interval) returns interval
language plpgsql as 'begin raise exception ''caught''; end';
create operator public.* (function = public.trap, leftarg = integer, rightarg = interval);
";

#[tokio::test]
async fn migrations_take_no_name_from_schema_public() -> Result<()> {
    let release = PreviousRelease::new()?;
    let database = TestDatabase::without_product().await?;
    database.change(TRAPS).await?;
    let path = "select current_setting('search_path')";
    let before: String = database.value(path).await?;
    for migration in [&release.schema, &release.code, &host_app()?] {
        database.change(migration).await?;
    }
    database.change(&release.schema_of_upgrade).await?;
    database.change(&code()?).await?;
    let bound: i64 = database
        .value(
            "select count(*) from pg_catalog.pg_depend as d
             where d.refobjid in (
                 'public.trap(integer, interval)'::regprocedure, 'public.*(integer, interval)'::regoperator
             ) and d.classid = 'pg_catalog.pg_rewrite'::regclass",
        )
        .await?;
    assert_eq!(bound, 0);
    let after: String = database.value(path).await?;
    assert_eq!(after, before);
    Ok(())
}

#[tokio::test]
async fn code_leaves_an_extension_of_a_later_release_as_it_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("update pg_catalog.pg_extension set extversion = '0.10.0' where extname = 'pg_stream_ext'")
        .await?;
    database.change(&code()?).await?;
    let version: String = database
        .value("select extversion from pg_catalog.pg_extension where extname = 'pg_stream_ext'")
        .await?;
    assert_eq!(version, "0.10.0");
    Ok(())
}
