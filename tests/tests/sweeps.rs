//! What does each rule of the sweep do, how much of it at once, and what does it leave alone?

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::beat;
use stream_tests::regular_work::RULES;
use stream_tests::webhook::{CHANNEL_DESTROYED, notice, tell};
use uuid::Uuid;

/// Something that becomes due: its rule, and after how many seconds.
struct Case {
    rule: &'static str,
    due_after: i64,
    /// What the sweep handles beside it, in the same run.
    also: &'static [&'static str],
}

const fn case(rule: &'static str, due_after: i64, also: &'static [&'static str]) -> Case {
    Case {
        rule,
        due_after,
        also,
    }
}

/// With the defaults of `stream.config`. A stream that the sweep ends is checked in the same run.
const CASES: [Case; 11] = [
    case("initializing_timeout", 300, &["ended_resources"]),
    case("host_lost", 20, &[]),
    case("reconnect_timeout", 60, &["ended_resources"]),
    case("paused_timeout", 3600, &["ended_resources"]),
    case("max_duration", 43_200, &["ended_resources"]),
    case("viewer_leases", 45, &[]),
    case("tokens", 3600, &[]),
    case("restrictions", 600, &[]),
    case("retention", 90 * 86_400, &[]),
    case("webhook_cursors", 60, &[]),
    case("webhook_events", 7 * 86_400, &[]),
];

/// Makes what the rule of a case is about; it is not due yet.
async fn prepare(database: &TestDatabase, rule: &str) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let state = match rule {
        "initializing_timeout" => StreamState::Initializing,
        "reconnect_timeout" => StreamState::Error,
        "paused_timeout" => StreamState::Paused,
        "retention" | "webhook_events" => StreamState::Ended,
        _ => StreamState::Active,
    };
    let id = database.stream_in(state).await?;
    match rule {
        "host_lost" => {
            beat(&seller, id).await?;
        }
        "viewer_leases" => {
            database.viewer(id, demo::ADA).await?;
        }
        "tokens" => {
            seller_token(&seller, id).await?;
        }
        "restrictions" => restrict(database, id, demo::ADA, "mute").await?,
        "retention" => {
            database.sweep().await?;
        }
        "webhook_events" | "webhook_cursors" => {
            database.sweep().await?;
            let destroyed = notice(CHANNEL_DESTROYED, json!({"channelName": id, "ts": 1}));
            tell(&database.service().await?, &destroyed).await?;
        }
        _ => {}
    }
    Ok(id)
}

/// For ten minutes.
async fn restrict(database: &TestDatabase, session: Uuid, user: Uuid, kind: &str) -> Result<()> {
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             values ('{session}', '{user}', '{kind}', now() + interval '10 minutes')"
        ))
        .await
}

#[tokio::test]
async fn each_rule_handles_what_is_due_once_and_nothing_before() -> Result<()> {
    let database = TestDatabase::create().await?;
    for case in &CASES {
        let id = prepare(&database, case.rule).await?;
        database.pass_time(id, case.due_after - 5).await?;
        let early = database.sweep().await?;
        assert!(early.handled().is_empty(), "{} {early:?}", case.rule);

        database.pass_time(id, 105).await?;
        let swept = database.sweep().await?;
        let mut handled = swept.handled();
        let rows = handled.remove(case.rule);
        assert!(rows.is_some_and(|rows| rows > 0), "{} {swept:?}", case.rule);
        let others: Vec<_> = handled.keys().copied().collect();
        assert_eq!(others, case.also, "{}", case.rule);
        if case.rule != "retention" {
            let age = seconds(&database, &swept.rule(case.rule)?["oldest_age"]).await?;
            assert!(
                (100.0..130.0).contains(&age),
                "{} is {age} s old",
                case.rule
            );
        }

        let again = database.sweep().await?;
        assert!(again.handled().is_empty(), "{} {again:?}", case.rule);
        // What was made for the next rules stays out of the way.
        if is_there(&database, id).await? {
            database
                .service()
                .await?
                .rpc("end_stream", json!({"session_id": id}))
                .await?;
            database.sweep().await?;
        }
    }
    Ok(())
}

async fn seconds(database: &TestDatabase, interval: &Value) -> Result<f64> {
    let interval = interval.as_str().unwrap_or_default();
    database
        .value(&format!(
            "select extract(epoch from interval '{interval}')::float8"
        ))
        .await
}

async fn is_there(database: &TestDatabase, session: Uuid) -> Result<bool> {
    database
        .value(&format!(
            "select exists (select from stream.stream_sessions where id = '{session}')"
        ))
        .await
}

#[tokio::test]
async fn every_sweep_reports_every_rule_in_one_order() -> Result<()> {
    let database = TestDatabase::create().await?;
    for _ in 0..2 {
        let swept = database.sweep().await?;
        let names: Vec<_> = swept.0.iter().map(|rule| rule["rule"].clone()).collect();
        assert_eq!(json!(names), json!(RULES));
        for rule in &swept.0 {
            assert_eq!(rule["rows"], 0);
            assert_eq!(rule["oldest_age"], Value::Null);
        }
        let id = prepare(&database, "paused_timeout").await?;
        database.pass_time(id, 4000).await?;
        database.sweep().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_oldest_of_several_is_reported() -> Result<()> {
    let database = TestDatabase::create().await?;
    for overdue in [50, 500, 5] {
        let id = prepare(&database, "paused_timeout").await?;
        database.pass_time(id, 3600 + overdue).await?;
        let id = prepare(&database, "tokens").await?;
        database.pass_time(id, 3600 + overdue).await?;
    }
    let swept = database.sweep().await?;
    for rule in ["paused_timeout", "tokens"] {
        let rule = swept.rule(rule)?;
        assert_eq!(rule["rows"], 3);
        let age = seconds(&database, &rule["oldest_age"]).await?;
        assert!((500.0..530.0).contains(&age), "{rule}");
    }
    Ok(())
}

#[tokio::test]
async fn the_age_of_an_old_log_counts_from_when_it_was_due() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = prepare(&database, "retention").await?;
    database.pass_time(id, 90 * 86_400 + 100).await?;
    let swept = database.sweep().await?;
    let age = seconds(&database, &swept.rule("retention")?["oldest_age"]).await?;
    assert!((100.0..130.0).contains(&age), "{age} s");
    Ok(())
}

const BATCH: i64 = 3;
const DUE: usize = 7;

/// As many due things of a rule as [`DUE`] says.
async fn make_due(database: &TestDatabase, rule: &str) -> Result<()> {
    match rule {
        "viewer_leases" | "restrictions" => {
            let id = database.stream_in(StreamState::Active).await?;
            for number in 0..DUE {
                let user = database.add_user(&format!("{rule}{number}")).await?;
                if rule == "restrictions" {
                    restrict(database, id, user, "ban").await?;
                } else {
                    database.viewer(id, user).await?;
                }
            }
            database.pass_time(id, 700).await
        }
        "tokens" => {
            let id = database.stream_in(StreamState::Active).await?;
            let seller = database.user(demo::SELLER).await?;
            for _ in 0..DUE {
                seller_token(&seller, id).await?;
            }
            database.pass_time(id, 3700).await
        }
        rule => {
            // All of them first: preparing some of them sweeps.
            let mut ids = Vec::new();
            for _ in 0..DUE {
                ids.push(prepare(database, rule).await?);
            }
            let seconds = if rule == "webhook_events" {
                8 * 86_400
            } else {
                4000
            };
            for id in ids {
                database.pass_time(id, seconds).await?;
            }
            Ok(())
        }
    }
}

#[tokio::test]
async fn each_rule_takes_at_most_a_batch() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set sweep_batch_size = {BATCH} where id"
        ))
        .await?;
    for rule in [
        "initializing_timeout",
        "host_lost",
        "reconnect_timeout",
        "paused_timeout",
        "viewer_leases",
        "tokens",
        "restrictions",
        "webhook_cursors",
        "webhook_events",
    ] {
        make_due(&database, rule).await?;
        let mut taken = Vec::new();
        for _ in 0..4 {
            let swept = database.sweep().await?;
            taken.push(swept.handled().get(rule).copied().unwrap_or(0));
        }
        assert_eq!(taken, [3, 3, 1, 0], "{rule}");
        // Nobody is left for the next rule.
        database
            .change("delete from stream.chat_restrictions")
            .await?;
        end_all(&database).await?;
    }
    Ok(())
}

async fn end_all(database: &TestDatabase) -> Result<()> {
    database
        .change("select stream.end_stream(id) from stream.stream_sessions where state <> 'ended'")
        .await?;
    while !database.sweep().await?.handled().is_empty() {}
    Ok(())
}

#[tokio::test]
async fn an_old_log_goes_in_batches_and_then_the_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 100, retention_days = 1 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 220, 5).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    let young = database.stream_in(StreamState::Ended).await?;
    database.sweep().await?;
    database.pass_time(id, 86_400 + 60).await?;
    // 220 messages and 3 moves, then the session itself.
    for rows in [100, 100, 24, 0] {
        let swept = database.sweep().await?;
        assert_eq!(swept.rule("retention")?["rows"], rows);
    }
    for table in [
        "stream_viewers",
        "chat_heads",
        "chat_relay",
        "chat_messages",
    ] {
        let left: i64 = database
            .value(&format!(
                "select count(*) from stream.{table} where session_id = '{id}'"
            ))
            .await?;
        assert_eq!(left, 0, "{table}");
    }
    assert!(!is_there(&database, id).await?);
    assert!(is_there(&database, young).await?);
    Ok(())
}

#[tokio::test]
async fn without_retention_a_log_stays_for_ever() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set retention_days = null where id")
        .await?;
    let id = database.stream_in(StreamState::Ended).await?;
    database.sweep().await?;
    database.pass_time(id, 5000 * 86_400).await?;
    assert!(database.sweep().await?.handled().is_empty());
    assert!(is_there(&database, id).await?);
    Ok(())
}

/// A session that was ended past the functions, with everything left open.
async fn end_by_hand(database: &TestDatabase, viewers: usize) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    seller_token(&database.user(demo::SELLER).await?, id).await?;
    for number in 0..viewers {
        let user = database
            .add_user(&format!("{number}-{}", Uuid::new_v4().as_fields().0))
            .await?;
        let viewer = database.viewer(id, user).await?;
        buyer_token(&viewer, id).await?;
    }
    database
        .change(&format!(
            "update stream.stream_sessions
             set state = 'ended', ended_at = now(), check_at = null, viewer_count = 0
             where id = '{id}'"
        ))
        .await?;
    Ok(id)
}

async fn open_ends(database: &TestDatabase, session: Uuid) -> Result<BTreeMap<String, i64>> {
    let row: Value = database
        .value(&format!(
            "select jsonb_build_object(
                 'leases', (select count(*) from stream.stream_viewers
                            where session_id = '{session}' and is_active),
                 'tokens', (select count(*) from stream.agora_tokens
                            where session_id = '{session}' and is_active),
                 'logs', (select count(*) from stream.chat_heads
                          where session_id = '{session}' and open))"
        ))
        .await?;
    Ok(serde_json::from_value(row)?)
}

#[tokio::test]
async fn what_an_ended_stream_left_open_is_closed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = end_by_hand(&database, 2).await?;
    assert_eq!(
        open_ends(&database, id)
            .await?
            .into_values()
            .collect::<Vec<_>>(),
        [2, 1, 3]
    );
    assert_eq!(
        database.sweep().await?.handled(),
        [("ended_resources", 1)].into()
    );
    assert!(
        open_ends(&database, id)
            .await?
            .values()
            .all(|open| *open == 0)
    );
    assert_eq!(database.session_row(id).await?["is_cleaned"], true);
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_stream_with_more_leases_than_a_batch_is_closed_in_several_sweeps() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 3 where id")
        .await?;
    let id = end_by_hand(&database, 7).await?;
    for leases in [4, 1, 0] {
        assert_eq!(
            database.sweep().await?.handled(),
            [("ended_resources", 1)].into()
        );
        assert_eq!(open_ends(&database, id).await?["leases"], leases);
    }
    assert!(database.sweep().await?.handled().is_empty());
    assert_eq!(database.session_row(id).await?["is_cleaned"], true);
    Ok(())
}

#[tokio::test]
async fn users_do_not_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [database.user(demo::SELLER).await?, database.anon().await?] {
        for function in ["sweep", "tick"] {
            let call = caller.rpc(function, json!({}));
            database.refuses(ErrorCode::PermissionDenied, call).await?;
        }
    }
    Ok(())
}
