//! No setting of a caller's session changes an answer, a refusal, the log or a frame.
//!
//! One broadcast is played from start to end in sessions with each setting that a user may change, taken from
//! the catalogue, and compared with the same broadcast in sessions without.

mod broadcast;
mod caller;
mod own;
mod placeholders;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::refusal::expect_refusal;

use broadcast::play;
use caller::DirectCaller;

/// What is not a boolean or an enumeration, or says more when set together.
const OTHERS: &[&str] = &[
    "set timezone = 'Asia/Kathmandu'",
    "set datestyle = 'SQL, DMY'",
    "set datestyle = 'German'",
    "set extra_float_digits = -15",
    "set extra_float_digits = 3",
    "set lc_monetary = 'POSIX'; set lc_numeric = 'POSIX'; set lc_time = 'POSIX'",
    "set client_encoding = 'LATIN1'",
    "set timezone_abbreviations = 'India'",
    "set default_text_search_config = 'pg_catalog.german'",
    "set default_table_access_method = 'heap'; set default_tablespace = 'pg_default'; set temp_tablespaces = ''",
    "set search_path = pg_temp, public",
    "set search_path = ''",
    "set lock_timeout = '1min'; set statement_timeout = '10min'; set idle_in_transaction_session_timeout = '10min'",
    "set jit = on; set jit_above_cost = 0; set jit_inline_above_cost = 0; set jit_optimize_above_cost = 0",
    "set work_mem = '64kB'; set from_collapse_limit = 1; set join_collapse_limit = 1; set geqo_threshold = 2",
    "set plpgsql.extra_errors = 'all'; set plpgsql.extra_warnings = 'all'",
    "set default_transaction_deferrable = on",
];

/// Settings from the catalogue that are left out, and why.
const LEFT_OUT: &[&str] = &[
    // Of the transaction that is open.
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    // With a refusal of their own, below.
    "default_transaction_isolation",
    "default_transaction_read_only",
    // Ends the caller's own session at the first refusal.
    "exit_on_error",
    // Of what the caller's own connection prints and of the server's log.
    "client_min_messages",
    "debug_pretty_print",
    "debug_print_parse",
    "debug_print_plan",
    "debug_print_rewritten",
];

/// One statement for each value of a setting that a user may change and that is not in force.
async fn settings(database: &TestDatabase) -> Result<Vec<String>> {
    database.change("do 'begin end'").await?;
    let rows = database
        .owner
        .query(
            "select format('set %s = %L', s.name, v.value),
                 s.category like 'Query Tuning%' and s.vartype = 'bool'
             from pg_catalog.pg_settings as s
             cross join lateral unnest(case when s.vartype = 'bool'
                 then array[case s.setting when 'on' then 'off' else 'on' end] else s.enumvals end) as v (value)
             where s.context = 'user' and s.vartype in ('bool', 'enum') and v.value <> s.setting
                 and s.name <> all ($1) and s.name not like 'ssl%'
             order by 1",
            &[&LEFT_OUT],
        )
        .await?;
    let statements: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    for setting in ["set bytea_output = 'escape'", "set enable_seqscan = 'off'"] {
        assert!(statements.contains(setting), "{setting}: {statements:?}");
    }
    let of = |is_planners: bool| {
        let rows = rows
            .iter()
            .filter(move |row| row.get::<_, bool>(1) == is_planners);
        rows.map(|row| row.get::<_, String>(0))
    };
    let planners: Vec<String> = of(true).collect();
    let others = OTHERS.iter().map(|statements| (*statements).to_owned());
    Ok(of(false)
        .chain(others)
        .chain([planners.join("; ")])
        .collect())
}

/// What the broadcast is refused; every other step succeeds.
const REFUSALS: [&str; 6] = [
    "content_empty",
    "content_blocked",
    "muted",
    "not_stream_owner",
    "stream_ended",
    "session_not_found",
];

/// What calls of each kind broadcast: of viewers, reactions, states and restrictions.
const EVENTS: [&str; 4] = [
    "\"viewer_count\"",
    "\"reactions\"",
    "\"live\"",
    "\"restricted\"",
];

#[tokio::test]
async fn no_setting_changes_what_anybody_is_told() -> Result<()> {
    let database = TestDatabase::create().await?;
    let settings = settings(&database).await?;
    let expected = play(&database, "select").await?;
    let refusals: Vec<&str> = expected
        .iter()
        .filter_map(|(_, result)| result["detail"]["code"].as_str())
        .collect();
    assert_eq!(refusals, REFUSALS, "{expected:#?}");
    for event in EVENTS {
        let is_there = expected
            .iter()
            .any(|(_, told)| told.to_string().contains(event));
        assert!(is_there, "{event}: {expected:#?}");
    }
    let mut differences = Vec::new();
    for setting in settings {
        let database = TestDatabase::create().await?;
        let told = play(&database, &setting)
            .await
            .with_context(|| setting.clone())?;
        assert_eq!(told.len(), expected.len(), "{setting}");
        for (told, expected) in told.into_iter().zip(&expected) {
            if &told != expected {
                differences.push(format!(
                    "under {setting}: {told:?}\ninstead of {expected:?}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// The same where the settings are those of the login role.
#[tokio::test]
async fn defaults_of_a_role_change_nothing_either() -> Result<()> {
    let plain = TestDatabase::create().await?;
    let expected = play(&plain, "select").await?;
    let database = TestDatabase::create().await?;
    let superuser = database.superuser().await?;
    for setting in [
        "standard_conforming_strings = off",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "search_path = pg_temp, public",
        "synchronous_commit = off",
        "row_security = off",
        "transform_null_equals = on",
    ] {
        let role = format!(
            "alter role authenticator in database {} set {setting}",
            database.name()
        );
        superuser.batch_execute(&role).await?;
    }
    assert_eq!(play(&database, "select").await?, expected);
    Ok(())
}

/// Two change what a transaction is, and one how long it waits: the refusal says so, and reading goes on.
#[tokio::test]
async fn other_transactions_are_refused_by_the_catalogue() -> Result<()> {
    use stream_core::lifecycle::StreamState;

    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let said = json!({"session_id": id, "user_id": null, "content": "hello"});
    for (setting, code) in [
        (
            "set default_transaction_read_only = on",
            ErrorCode::ReadOnly,
        ),
        (
            "set default_transaction_isolation = 'repeatable read'",
            ErrorCode::IsolationLevel,
        ),
        (
            "set default_transaction_isolation = 'serializable'",
            ErrorCode::IsolationLevel,
        ),
    ] {
        let player = DirectCaller::open(&database, Identity::user(demo::ADA), setting).await?;
        expect_refusal(code, player.call("send_message", said.clone()).await).context(setting)?;
        let read = player
            .call("get_message_history", json!({"session_id": id}))
            .await?;
        assert!(!read.is_empty(), "{setting}");
    }
    ada.begin().await?;
    ada.rpc_within("send_message", said.clone()).await?;
    let player = DirectCaller::open(
        &database,
        Identity::user(demo::ADA),
        "set lock_timeout = '1ms'",
    )
    .await?;
    expect_refusal(
        ErrorCode::LockTimeout,
        player.call("send_message", said).await,
    )?;
    ada.commit().await?;
    Ok(())
}
