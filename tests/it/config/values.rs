//! The values that `stream.config` takes, and the right to change them.

use std::fs;

use anyhow::{Context, Result, ensure};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use tokio_postgres::error::DbError;
use xtask::workspace;

const NOT_NULL_VIOLATION: &str = "23502";
const CHECK_VIOLATION: &str = "23514";
const UNIQUE_VIOLATION: &str = "23505";

/// A column, as the catalogue knows it.
struct Column {
    name: String,
    data_type: String,
    is_not_null: bool,
    comment: Option<String>,
}

/// The range that a constraint's name promises: `config_<column>_<low>_to_<high>`.
struct Range {
    constraint: String,
    column: String,
    low: i64,
    high: i64,
}

impl Range {
    fn parse(constraint: &str) -> Option<Self> {
        let (rest, high) = constraint.strip_prefix("config_")?.rsplit_once("_to_")?;
        let (column, low) = rest.rsplit_once('_')?;
        Some(Self {
            constraint: constraint.to_owned(),
            column: column.to_owned(),
            low: low.parse().ok()?,
            high: high.parse().ok()?,
        })
    }
}

/// How often the table's definition says something.
fn written(words: &str) -> Result<usize> {
    let file = workspace::root().join("sql/schema/020_config.sql");
    let text = fs::read_to_string(file)?;
    let (_, table) = text
        .split_once("create table stream.config (")
        .context("no table")?;
    let (table, _) = table.split_once("\n);").context("no end")?;
    Ok(table.matches(words).count())
}

/// So that the new column of tomorrow is not forgotten, nothing here names columns one by one.
async fn columns(database: &TestDatabase) -> Result<Vec<Column>> {
    let rows = database
        .owner
        .query(
            "select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                 col_description(a.attrelid, a.attnum)
             from pg_catalog.pg_attribute as a
             where a.attrelid = 'stream.config'::regclass and a.attnum > 0 and not a.attisdropped
             order by a.attnum",
            &[],
        )
        .await?;
    let columns = rows.iter().map(|row| Column {
        name: row.get(0),
        data_type: row.get(1),
        is_not_null: row.get(2),
        comment: row.get(3),
    });
    Ok(columns.collect())
}

async fn ranges(database: &TestDatabase) -> Result<Vec<Range>> {
    let rows = database
        .owner
        .query(
            "select c.conname::text from pg_catalog.pg_constraint as c
             where c.conrelid = 'stream.config'::regclass and c.contype = 'c' and c.convalidated
             order by c.conname",
            &[],
        )
        .await?;
    let names = rows.iter().map(|row| row.get::<_, String>(0));
    Ok(names.filter_map(|name| Range::parse(&name)).collect())
}

/// Tries the assignments on top of values that leave every column its whole range, and undoes it.
async fn attempt(database: &TestDatabase, assignments: &str) -> Result<Result<(), DbError>> {
    let statements = format!(
        "update stream.config set heartbeat_interval_s = 5, lease_s = 600 where id;
         update stream.config set {assignments} where id"
    );
    attempt_statements(database, &statements).await
}

async fn attempt_statements(
    database: &TestDatabase,
    statements: &str,
) -> Result<Result<(), DbError>> {
    database.change("begin").await?;
    let outcome = database.owner.batch_execute(statements).await;
    database.change("rollback").await?;
    match outcome {
        Ok(()) => Ok(Ok(())),
        Err(error) => match error.as_db_error() {
            Some(refusal) => Ok(Err(refusal.clone())),
            None => Err(error.into()),
        },
    }
}

async fn accepts(database: &TestDatabase, assignments: &str) -> Result<()> {
    let outcome = attempt(database, assignments).await?;
    outcome.with_context(|| format!("{assignments} is refused"))
}

async fn refuses(database: &TestDatabase, assignments: &str, constraint: &str) -> Result<()> {
    let outcome = attempt(database, assignments).await?;
    expect_check(outcome, constraint).with_context(|| assignments.to_owned())
}

fn expect_check(outcome: Result<(), DbError>, constraint: &str) -> Result<()> {
    let refusal = outcome.err().context("was accepted")?;
    ensure!(refusal.code().code() == CHECK_VIOLATION, "{refusal}");
    ensure!(refusal.constraint() == Some(constraint), "{refusal}");
    // Whoever sees only the sentence learns the range from it.
    ensure!(refusal.message().contains(constraint), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn every_number_has_a_range_in_a_constraint_and_a_comment_that_says_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ranges = ranges(&database).await?;
    let mut numbers = 0;
    for column in columns(&database).await? {
        if ["boolean", "text", "text[]", "uuid"].contains(&column.data_type.as_str()) {
            continue;
        }
        numbers += 1;
        assert_eq!(column.data_type, "integer", "{}", column.name);
        let mut own = ranges.iter().filter(|range| range.column == column.name);
        let range = own
            .next()
            .with_context(|| format!("{} has no range", column.name))?;
        assert!(own.next().is_none(), "{} has two ranges", column.name);
        assert!(range.low < range.high, "{}", range.constraint);
        let comment = column.comment.unwrap_or_default();
        let said = format!("{} to {}", range.low, range.high);
        assert!(comment.contains(&said), "{}: {comment}", column.name);
    }
    assert_eq!(numbers, written(" integer ")?);
    Ok(())
}

#[tokio::test]
async fn every_setting_has_a_comment() -> Result<()> {
    let database = TestDatabase::create().await?;
    for column in columns(&database).await? {
        let is_said = column.comment.is_some_and(|comment| comment.len() > 10);
        assert!(is_said || column.name == "id", "{}", column.name);
    }
    Ok(())
}

#[tokio::test]
async fn every_range_takes_its_bounds_and_nothing_beyond() -> Result<()> {
    let database = TestDatabase::create().await?;
    let columns = columns(&database).await?;
    let ranges = ranges(&database).await?;
    assert_eq!(ranges.len(), written(" between ")?);
    for range in ranges {
        let column = columns.iter().find(|column| column.name == range.column);
        let column = column.with_context(|| format!("{} is of no column", range.constraint))?;
        // The range of a text is that of its length.
        let value = |number: i64| match column.data_type.as_str() {
            "text" => format!("{} = repeat('x', {number})", column.name),
            _ => format!("{} = {number}", column.name),
        };
        for number in [range.low, range.low + 1, range.high - 1, range.high] {
            accepts(&database, &value(number)).await?;
        }
        let mut outside = vec![range.low - 1, range.high + 1];
        if column.data_type == "integer" {
            outside.extend([i64::from(i32::MIN), i64::from(i32::MAX), -range.high]);
        }
        for number in outside {
            refuses(&database, &value(number), &range.constraint).await?;
        }
    }
    Ok(())
}

const OPTIONAL: [&str; 4] = [
    "agora_app_id",
    "agora_secondary_certificate_secret",
    "canary_user_id",
    "retention_days",
];

#[tokio::test]
async fn only_settings_that_mean_something_without_a_value_can_be_without_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    for column in columns(&database).await? {
        let assignment = format!("{} = null", column.name);
        if OPTIONAL.contains(&column.name.as_str()) {
            assert!(!column.is_not_null, "{}", column.name);
            accepts(&database, &assignment).await?;
            continue;
        }
        let refusal = attempt(&database, &assignment).await?.err();
        let state = refusal.as_ref().map(|refusal| refusal.code().code());
        assert_eq!(state, Some(NOT_NULL_VIOLATION), "{assignment}");
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_lasts_longer_than_two_heartbeats() -> Result<()> {
    let database = TestDatabase::create().await?;
    let constraint = "config_lease_s_over_2_heartbeats";
    for heartbeat in [8, 15, 29, 60] {
        let lease = 2 * heartbeat;
        for (lease, is_enough) in [(lease - 1, false), (lease, false), (lease + 1, true)] {
            let together = format!("heartbeat_interval_s = {heartbeat}, lease_s = {lease}");
            if is_enough {
                accepts(&database, &together).await?;
            } else {
                refuses(&database, &together, constraint).await?;
            }
        }
    }
    // Each of the two alone can break it.
    database
        .change("update stream.config set heartbeat_interval_s = 15, lease_s = 45 where id")
        .await?;
    for assignment in ["heartbeat_interval_s = 23", "lease_s = 30"] {
        let statement = format!("update stream.config set {assignment} where id");
        let outcome = attempt_statements(&database, &statement).await?;
        expect_check(outcome, constraint).context(assignment)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_app_id_is_32_hexadecimal_digits() -> Result<()> {
    let database = TestDatabase::create().await?;
    for good in [
        "0123456789abcdef0123456789ABCDEF",
        "970CA35de60c44645bbae8a215061b33",
    ] {
        accepts(&database, &format!("agora_app_id = '{good}'")).await?;
    }
    for bad in [
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789abcdef0123456789abcdeg",
        " 123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef\n",
        "x\n0123456789abcdef0123456789abcdef",
    ] {
        let assignment = format!("agora_app_id = '{bad}'");
        refuses(&database, &assignment, "config_agora_app_id_is_32_hex").await?;
    }
    Ok(())
}

#[tokio::test]
async fn there_is_exactly_one_row() -> Result<()> {
    let database = TestDatabase::create().await?;
    let rows: i64 = database.value("select count(*) from stream.config").await?;
    assert_eq!(rows, 1);
    for statement in [
        "insert into stream.config (id) values (false)",
        "update stream.config set id = false",
    ] {
        let outcome = attempt_statements(&database, statement).await?;
        expect_check(outcome, "config_id_single_row").context(statement)?;
    }
    for statement in [
        "insert into stream.config (id) values (true)",
        "insert into stream.config default values",
    ] {
        let refusal = attempt_statements(&database, statement).await?.err();
        let state = refusal.as_ref().map(|refusal| refusal.code().code());
        assert_eq!(state, Some(UNIQUE_VIOLATION), "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn the_api_roles_neither_read_nor_write_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [
        database.anon().await?,
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        for statement in [
            "select to_jsonb(c.lease_s) from stream.config as c",
            "select to_jsonb(c.agora_app_id) from stream.config as c for update",
            "insert into stream.config (id) values (true)",
            "update stream.config set lease_s = 100",
            "delete from stream.config",
            "truncate stream.config",
            "alter table stream.config disable row level security",
        ] {
            let call = caller.run(statement);
            database
                .refuses(ErrorCode::PermissionDenied, call)
                .await
                .with_context(|| statement.to_owned())?;
        }
    }
    // The owner of the tables does both.
    let lease: i32 = database.value("select lease_s from stream.config").await?;
    database
        .change(&format!(
            "update stream.config set lease_s = {} where id",
            lease + 1
        ))
        .await
}
