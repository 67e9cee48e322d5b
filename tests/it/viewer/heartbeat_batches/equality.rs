//! A heartbeat in a batch is answered and written exactly as the single call, a fresh token included.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, seller_token};
use stream_tests::batched::{Batched, UserCall};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::identity::Identity;
use uuid::Uuid;

const HEARTBEATS: Batched = Batched {
    single: "heartbeat",
    batch: "heartbeats",
};

/// Past 75 % of the default life of an hour, in seconds.
const RENEWED_AFTER: i64 = 2701;

fn call(user: Uuid, arguments: Value) -> UserCall {
    UserCall {
        identity: Identity::user(user),
        arguments,
    }
}

/// Two streams in equal states: the one's devices call alone, the other's in one batch.
struct Pair {
    database: TestDatabase,
    alone: Uuid,
    batched: Uuid,
}

impl Pair {
    async fn new() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let (alone, batched) = (
            database.stream_in(StreamState::Active).await?,
            database.stream_in(StreamState::Active).await?,
        );
        for session in [alone, batched] {
            for user in [demo::ADA, demo::BEN, demo::CLEO] {
                database.viewer(session, user).await?;
            }
        }
        Ok(Self {
            database,
            alone,
            batched,
        })
    }

    async fn pass_time(&self, seconds: i64) -> Result<()> {
        for session in [self.alone, self.batched] {
            self.database.pass_time(session, seconds).await?;
        }
        Ok(())
    }

    /// The results of both ways, in the order of the calls, without what differs between two calls in any case.
    async fn answers(&self, calls: &[(Uuid, Value)]) -> Result<[Vec<Value>; 2]> {
        let mut alone = Vec::new();
        for (user, more) in calls {
            let call = on(self.alone, *user, more);
            let caller = self.database.session(call.identity.clone()).await?;
            alone.push(caller.rpc(HEARTBEATS.single, call.arguments).await?);
        }
        let items: Vec<Value> = calls
            .iter()
            .map(|(user, more)| on(self.batched, *user, more).item())
            .collect();
        let answers = HEARTBEATS.send(&self.database, &json!(items)).await?;
        let batched = answers
            .into_iter()
            .map(|mut answer| answer["heartbeat"].take())
            .collect();
        Ok([alone, batched])
    }

    async fn rows(&self, session: Uuid) -> Result<Value> {
        self.database
            .value(&format!(
                "select jsonb_agg(jsonb_build_array(v.user_id, v.is_active, v.foreground, v.join_no,
                     v.last_seen_at > now() - interval '10 s', v.token_issued_at is not null) order by v.user_id)
                 from stream.stream_viewers as v where v.session_id = '{session}'"
            ))
            .await
    }
}

fn on(session: Uuid, user: Uuid, more: &Value) -> UserCall {
    let mut arguments = more.clone();
    arguments["session_id"] = json!(session);
    call(user, arguments)
}

fn comparable(mut answer: Value) -> Value {
    answer["session_id"] = Value::Null;
    answer["server_time"] = Value::Null;
    if answer["token"].is_object() {
        for unique in ["token", "channel_id", "expires_at", "uid"] {
            answer["token"][unique] = Value::Null;
        }
    }
    answer
}

fn expect_same(answers: [Vec<Value>; 2]) {
    let [alone, batched] =
        answers.map(|answers| -> Vec<Value> { answers.into_iter().map(comparable).collect() });
    assert!(!alone.is_empty());
    assert_eq!(alone, batched);
}

#[tokio::test]
async fn a_heartbeat_is_answered_and_written_alike() -> Result<()> {
    let pair = Pair::new().await?;
    for session in [pair.alone, pair.batched] {
        let ben = pair.database.user(demo::BEN).await?;
        ben.rpc("add_viewer", json!({"session_id": session}))
            .await?;
    }
    pair.pass_time(15).await?;
    let calls = [
        (demo::ADA, json!({})),
        (demo::BEN, json!({"join_no": 1})),
        (demo::CLEO, json!({"foreground": false, "join_no": 1})),
        (demo::SELLER, json!({"generation": 1})),
        (
            demo::ADA,
            json!({"foreground": true, "token_expires_at": "2030-01-01T00:00:00Z"}),
        ),
    ];
    expect_same(pair.answers(&calls).await?);
    assert_eq!(pair.rows(pair.alone).await?, pair.rows(pair.batched).await?);
    let back = [(demo::CLEO, json!({"foreground": true}))];
    expect_same(pair.answers(&back).await?);
    assert_eq!(pair.rows(pair.alone).await?, pair.rows(pair.batched).await?);
    Ok(())
}

/// The host was lost: the heartbeat brings the stream back, with an entry and a broadcast.
#[tokio::test]
async fn a_lost_host_comes_back_with_a_batch() -> Result<()> {
    let pair = Pair::new().await?;
    let host = [(demo::SELLER, json!({"generation": 1}))];
    pair.answers(&host).await?;
    pair.pass_time(30).await?;
    pair.database.sweep().await?;
    for session in [pair.alone, pair.batched] {
        assert_eq!(pair.database.session_row(session).await?["state"], "error");
    }
    let answers = pair.answers(&host).await?;
    assert_eq!(answers[1][0]["state"], "active");
    expect_same(answers);
    let alone = pair.database.log(pair.alone).await?;
    let batched = pair.database.log(pair.batched).await?;
    let metadata = |log: &[Value]| log.last().map(|entry| entry["metadata"].clone());
    assert_eq!(metadata(&alone), metadata(&batched));
    let events = pair.database.state_events(pair.batched).await?;
    assert_eq!(events.last().context("no event")?["state"], "active");
    Ok(())
}

/// Everybody whose token is due gets a token of their own uid and role, once, and nobody else gets one.
#[tokio::test]
async fn each_gets_the_own_token_in_a_batch() -> Result<()> {
    let pair = Pair::new().await?;
    let database = &pair.database;
    for session in [pair.alone, pair.batched] {
        seller_token(&database.user(demo::SELLER).await?, session).await?;
        for user in [demo::ADA, demo::BEN] {
            buyer_token(&database.user(user).await?, session).await?;
        }
        send_heartbeat(&database.user(demo::SELLER).await?, session).await?;
    }
    pair.pass_time(RENEWED_AFTER).await?;
    let calls = [demo::ADA, demo::SELLER, demo::CLEO, demo::BEN].map(|user| (user, json!({})));
    let answers = pair.answers(&calls).await?;
    expect_same(answers.clone());
    let batched = &answers[1];
    let mut texts = Vec::new();
    for (place, privileges) in [(0, SUBSCRIBER), (1, PUBLISHER), (3, SUBSCRIBER)] {
        let token = &batched[place]["token"];
        database.verified(token, privileges)?;
        assert_eq!(token["channel_id"], json!(pair.batched));
        let uid: i32 = database
            .value(&format!(
                "select coalesce(
                     (select v.agora_uid from stream.stream_viewers as v
                      where v.session_id = '{}' and v.user_id = '{}'), 1)",
                pair.batched, calls[place].0
            ))
            .await?;
        assert_eq!(token["uid"], uid);
        let stored: bool = database
            .value(&format!(
                "select exists (select from stream.agora_tokens as t
                 where t.user_id = '{}' and t.token_hash = encode(sha256('{}'), 'hex'))",
                calls[place].0,
                token["token"].as_str().context("no text")?
            ))
            .await?;
        assert!(stored, "the token of {place} is noted for somebody else");
        texts.push(token["token"].to_string());
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 3);
    assert_eq!(batched[2]["token"], Value::Null);
    let [_, again] = pair.answers(&calls).await?;
    assert!(again.iter().all(|answer| answer["token"].is_null()));
    Ok(())
}

/// The host's heartbeat would have to wait for the stream: it is to come alone, and the others are answered.
#[tokio::test]
async fn a_host_whose_stream_is_held_is_told_to_come_alone() -> Result<()> {
    let pair = Pair::new().await?;
    let holder = pair.database.connect("postgres").await?;
    let hold = format!(
        "begin; select from stream.stream_sessions where id = '{}' for no key update",
        pair.batched
    );
    holder.batch_execute(&hold).await?;
    let items =
        [demo::ADA, demo::SELLER, demo::BEN].map(|user| on(pair.batched, user, &json!({})).item());
    let answers = HEARTBEATS.send(&pair.database, &json!(items)).await?;
    let statuses: Vec<_> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(statuses, ["ok", "lock_timeout", "ok"]);
    holder.batch_execute("rollback").await?;
    let answers = HEARTBEATS.send(&pair.database, &json!(items)).await?;
    assert!(answers.iter().all(|answer| answer["status"] == "ok"));
    Ok(())
}

/// A trigger of the application raises for one viewer. It may raise what PL/pgSQL catches only by its name, too.
#[tokio::test]
async fn a_heartbeat_that_fails_costs_only_itself() -> Result<()> {
    for (body, code) in [
        ("raise 'no'", "internal"),
        ("assert false", "internal"),
        ("raise sqlstate '57014'", "statement_timeout"),
    ] {
        expect_to_cost_only_itself(body, code).await.context(body)?;
    }
    Ok(())
}

async fn expect_to_cost_only_itself(body: &str, code: &str) -> Result<()> {
    let pair = Pair::new().await?;
    pair.pass_time(30).await?;
    pair.database
        .change(&format!(
            "create function public.fail() returns trigger language plpgsql
             as $$ begin {body}; end $$;
             create trigger fail before update on stream.stream_viewers
             for each row when (new.user_id = '{}') execute function public.fail()",
            demo::BEN
        ))
        .await?;
    let items =
        [demo::ADA, demo::BEN, demo::CLEO].map(|user| on(pair.batched, user, &json!({})).item());
    let answers = HEARTBEATS.send(&pair.database, &json!(items)).await?;
    let statuses: Vec<_> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(statuses, ["ok", code, "ok"]);
    for (user, seen) in [(demo::ADA, true), (demo::BEN, false), (demo::CLEO, true)] {
        let row = pair.database.viewer_row(pair.batched, user).await?;
        assert_eq!(row["is_active"], true);
        let is_seen: bool = pair
            .database
            .value(&format!(
                "select v.last_seen_at > now() - interval '10 s' from stream.stream_viewers as v
                 where v.session_id = '{}' and v.user_id = '{user}'",
                pair.batched
            ))
            .await?;
        assert_eq!(is_seen, seen);
    }
    Ok(())
}
