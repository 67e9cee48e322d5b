//! The SQL generated from stream_core, and the CHECKs that cannot read it, against stream_core itself.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::{StreamState, Transition, transition};
use stream_core::limits::{self, InputLimit};
use stream_tests::database::TestDatabase;

#[tokio::test]
async fn the_views_hold_what_stream_core_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    let rows = database
        .owner
        .query(
            "select e.code, e.category, e.sqlstate, e.status, e.recoverable, e.message, e.hint
             from stream_private.error_catalogue as e",
            &[],
        )
        .await?;
    assert_eq!(rows.len(), ErrorCode::ALL.len());
    for (code, row) in ErrorCode::ALL.iter().zip(&rows) {
        assert_eq!(row.get::<_, &str>(0), code.as_str());
        assert_eq!(row.get::<_, &str>(1), code.category().as_str());
        assert_eq!(row.get::<_, Option<&str>>(2), code.sqlstate());
        assert_eq!(row.get::<_, i32>(3), i32::from(code.http_status()));
        assert_eq!(row.get::<_, bool>(4), code.recoverable());
        assert_eq!(row.get::<_, &str>(5), code.message());
        assert_eq!(row.get::<_, &str>(6), code.hint());
    }
    for from in StreamState::ALL {
        for to in StreamState::ALL {
            let changes = database
                .owner
                .query_opt(
                    "select t.changes from stream_private.state_transitions as t
                     where t.from_state = $1 and t.to_state = $2",
                    &[&from.as_str(), &to.as_str()],
                )
                .await?
                .map(|row| row.get::<_, bool>(0));
            let expected = transition(*from, *to).ok();
            assert_eq!(changes, expected.map(|done| done == Transition::Changed));
        }
    }
    let rows = database
        .owner
        .query(
            "select l.name, l.least, l.most from stream_private.limits as l",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| (row.get(0), row.get(1), row.get(2));
    let rows: Vec<(String, i64, i64)> = rows.iter().map(read).collect();
    let limits = limits::ALL.iter();
    let expected: Vec<_> = limits
        .map(|limit| (limit.name.to_owned(), limit.least, limit.most))
        .collect();
    assert_eq!(rows, expected);
    Ok(())
}

/// The constraints that repeat a limit, whose numbers Postgres keeps as they were written.
const REPEATED: [(&str, &str); 8] = [
    ("stream_sessions_state_reason_check", "reason_chars"),
    ("chat_restrictions_reason_check", "reason_chars"),
    ("moderation_log_reason_check", "reason_chars"),
    (
        "stream_sessions_reconnect_window_s_check",
        "reconnect_window_s",
    ),
    ("stream_sessions_slow_mode_ms_check", "slow_mode_ms"),
    ("blocked_terms_term_check", "term_chars"),
    ("moderation_log_term_check", "term_chars"),
    ("config_reconnect_window_s_0_to_1800", "reconnect_window_s"),
];

async fn definition(database: &TestDatabase, constraint: &str) -> Result<String> {
    database
        .value(&format!(
            "select pg_get_constraintdef(c.oid) from pg_catalog.pg_constraint as c
             where c.conname = '{constraint}' and c.connamespace = 'stream'::regnamespace"
        ))
        .await
        .with_context(|| constraint.to_owned())
}

fn numbers(text: &str) -> BTreeSet<i64> {
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn limit(name: &str) -> Result<&'static InputLimit> {
    let found = limits::ALL.iter().find(|limit| limit.name == name);
    found.with_context(|| format!("no limit {name}"))
}

#[tokio::test]
async fn constraints_repeat_the_limits_as_they_are() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (constraint, name) in REPEATED {
        let found = numbers(&definition(&database, constraint).await?);
        let limit = limit(name)?;
        assert!(found.contains(&limit.most), "{constraint}: {found:?}");
        let known = BTreeSet::from([limit.least, limit.most]);
        assert!(found.is_subset(&known), "{constraint}: {found:?}");
    }
    let content: String = database
        .value(
            "select string_agg(pg_get_constraintdef(c.oid), ' ') from pg_catalog.pg_constraint as c
             where c.conrelid = 'stream.chat_messages'::regclass and pg_get_constraintdef(c.oid) ~ 'length\\(content'",
        )
        .await?;
    let limit = limit("content_chars")?;
    assert!(numbers(&content).is_superset(&BTreeSet::from([limit.least, limit.most])));
    Ok(())
}

#[tokio::test]
async fn the_states_of_the_table_are_those_of_the_lifecycle() -> Result<()> {
    let database = TestDatabase::create().await?;
    let definition = definition(&database, "stream_sessions_state_check").await?;
    let quoted: BTreeSet<&str> = definition.split('\'').skip(1).step_by(2).collect();
    let known = StreamState::ALL.iter().map(|state| state.as_str());
    assert_eq!(quoted, known.collect());
    Ok(())
}
