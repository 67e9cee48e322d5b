//! Each rule of the sweep: its effect, its batch, and the rows that it leaves alone.

mod reports;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::seller_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::webhook::{CHANNEL_DESTROYED, notice, send_notice};
use uuid::Uuid;

/// Something that becomes due: its rule, and after how many seconds.
struct DueRule {
    rule: &'static str,
    due_after: i64,
    /// What the next sweep handles.
    next: &'static [&'static str],
}

const fn case(rule: &'static str, due_after: i64, next: &'static [&'static str]) -> DueRule {
    DueRule {
        rule,
        due_after,
        next,
    }
}

/// With the defaults of `stream.config`. A stream that a sweep ends is checked by the next one.
const CASES: [DueRule; 13] = [
    case("initializing_timeout", 300, &["ended_resources"]),
    case("host_lost", 20, &[]),
    case("reconnect_timeout", 60, &["ended_resources"]),
    case("paused_timeout", 3600, &["ended_resources"]),
    case("max_duration", 43_200, &["ended_resources"]),
    case("viewer_leases", 45, &[]),
    case("expiring_tokens", 3060, &[]),
    // From then on.
    case("tokens", 540, &[]),
    case("restrictions", 600, &[]),
    case("retention", 90 * 86_400, &[]),
    case("webhook_cursors", 60, &[]),
    case("webhook_events", 7 * 86_400, &[]),
    case("requests", 86_400, &[]),
];

/// Makes what the rule of a case is about; it is not due yet.
async fn prepare(database: &TestDatabase, rule: &str) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let state = match rule {
        "initializing_timeout" => StreamState::Initializing,
        "reconnect_timeout" => StreamState::Error,
        "paused_timeout" => StreamState::Paused,
        "ended_resources" | "retention" | "webhook_events" => StreamState::Ended,
        _ => StreamState::Active,
    };
    let id = database.stream_in(state).await?;
    match rule {
        "host_lost" => {
            send_heartbeat(&seller, id).await?;
        }
        "viewer_leases" => {
            database.viewer(id, demo::ADA).await?;
        }
        "expiring_tokens" => {
            seller_token(&seller, id).await?;
        }
        "tokens" => {
            seller_token(&seller, id).await?;
            database.pass_time(id, 3060).await?;
            database.sweep().await?;
        }
        "restrictions" => restrict(database, id, demo::ADA, "mute").await?,
        "retention" => {
            database.sweep().await?;
        }
        "requests" => {
            let request = json!({"session_id": id, "request_id": Uuid::new_v4()});
            seller.rpc("end_stream", request).await?;
            database.sweep().await?;
        }
        "webhook_events" | "webhook_cursors" => {
            database.sweep().await?;
            let destroyed = notice(CHANNEL_DESTROYED, json!({"channelName": id, "ts": 1}));
            send_notice(&database.service().await?, &destroyed).await?;
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
        assert!(handled.is_empty(), "{} {swept:?}", case.rule);
        if case.rule != "retention" {
            let age = seconds(&database, &swept.rule(case.rule)?["oldest_age"]).await?;
            assert!(
                (100.0..130.0).contains(&age),
                "{} is {age} s old",
                case.rule
            );
        }

        let next = database.sweep().await?;
        let rules: Vec<_> = next.handled().into_keys().collect();
        assert_eq!(rules, case.next, "{}", case.rule);
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
        "retention" => {
            // Three moves in the log, a place, a subscription and a read mark; the stream goes last.
            let id = database.stream_in(StreamState::Active).await?;
            let ada = database.viewer(id, demo::ADA).await?;
            let session = json!({"session_id": id});
            ada.rpc("subscribe_to_chat", session.clone()).await?;
            ada.rpc(
                "mark_read_up_to",
                json!({"session_id": id, "user_id": null, "seq": 1}),
            )
            .await?;
            let service = database.service().await?;
            service.rpc("end_stream", session).await?;
            database.sweep().await?;
            database.pass_time(id, 91 * 86_400).await
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
        "ended_resources",
        "retention",
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
