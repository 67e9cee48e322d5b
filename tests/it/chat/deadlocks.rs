//! Calls about one chat never wait for each other in a circle: everybody takes rows in one order, so nobody
//! gets a deadlock (40P01), which callers would retry for ever.

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use stream_tests::stateful::{Property, check};
use stream_tests::stream::numbers;
use tokio_postgres::Error;
use uuid::Uuid;

const CONNECTIONS: usize = 8;
const CALLS: usize = 60;
/// Round trips for which a slow transaction holds the head.
const HELD_FOR: usize = 20;
const SESSIONS: usize = 3;
const VIEWERS: [Uuid; 3] = [demo::ADA, demo::BEN, demo::CLEO];

/// The tick has ended the stream and is not committed, a viewer's row is held by somebody else.
#[tokio::test]
async fn a_sweep_never_waits_for_a_tick_whose_rows_it_may_hold() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Paused).await?;
    database.viewer(session, demo::ADA).await?;
    database.viewer(session, demo::BEN).await?;
    database.pass_time(session, 3700).await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!(
            "begin; select from stream.stream_viewers where user_id = '{}' for update",
            demo::ADA
        ))
        .await?;
    let ticker = database.service().await?;
    ticker.begin().await?;
    ticker.rpc_within("tick", json!({})).await?;
    // Else the timeout of its statement ends it.
    database.sweep().await?;
    holder.batch_execute("rollback").await?;
    assert_eq!(database.session_row(session).await?["state"], "paused");
    ticker.commit().await?;
    assert_eq!(database.session_row(session).await?["state"], "ended");
    Ok(())
}

/// The heartbeat holds its lease, the end holds the stream and waits for the lease.
#[tokio::test]
async fn a_heartbeat_that_renews_a_token_never_waits_for_the_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    buyer_token(&ada, session).await?;
    database.pass_time(session, 3000).await?;
    let ending = database.connect("postgres").await?;
    ending
        .batch_execute("begin; select from stream.stream_sessions for no key update")
        .await?;
    // Else the timeout of its statement ends it.
    let answer = send_heartbeat(&ada, session).await?;
    assert_eq!(
        (&answer["status"], &answer["token"]),
        (&json!("ok"), &Value::Null)
    );
    ending.batch_execute("rollback").await?;
    assert!(send_heartbeat(&ada, session).await?["token"].is_object());
    Ok(())
}

/// One call of anybody, about one or more of the streams.
#[derive(Debug, Clone)]
enum ChatCall {
    Send(usize, usize),
    /// In the order of the caller, which need not be that of the rows.
    Batch(Vec<(usize, usize)>),
    Join(usize, usize),
    Leave(usize, usize),
    Token(usize, usize),
    Heartbeat(usize, usize),
    Heartbeats(Vec<(usize, usize)>),
    HostHeartbeat(usize),
    Move(usize, StreamState),
    TakeOver(usize),
    SlowBid(usize),
    GrowOld(usize),
    Tick,
    Sweep,
}

fn scripts() -> impl Strategy<Value = Vec<Vec<ChatCall>>> {
    let (stream, viewer) = (0..SESSIONS, 0..VIEWERS.len());
    let place = (stream.clone(), viewer.clone());
    let state = prop_oneof![
        3 => Just(StreamState::Active),
        2 => Just(StreamState::Paused),
        1 => Just(StreamState::Ended),
    ];
    let call = prop_oneof![
        6 => place.clone().prop_map(|(stream, viewer)| ChatCall::Send(stream, viewer)),
        6 => vec(place.clone(), 1..10).prop_map(ChatCall::Batch),
        9 => place.clone().prop_map(|(stream, viewer)| ChatCall::Join(stream, viewer)),
        1 => place.clone().prop_map(|(stream, viewer)| ChatCall::Leave(stream, viewer)),
        2 => place.clone().prop_map(|(stream, viewer)| ChatCall::Token(stream, viewer)),
        3 => place.clone().prop_map(|(stream, viewer)| ChatCall::Heartbeat(stream, viewer)),
        4 => vec(place, 1..10).prop_map(ChatCall::Heartbeats),
        1 => stream.clone().prop_map(ChatCall::HostHeartbeat),
        3 => (stream.clone(), state).prop_map(|(stream, state)| ChatCall::Move(stream, state)),
        4 => stream.clone().prop_map(ChatCall::TakeOver),
        4 => stream.clone().prop_map(ChatCall::SlowBid),
        2 => stream.prop_map(ChatCall::GrowOld),
        3 => Just(ChatCall::Tick),
        2 => Just(ChatCall::Sweep),
    ];
    vec(vec(call, CALLS), CONNECTIONS)
}

/// The scripts are replayed by their seed; how the server interleaves them is not.
#[test]
fn calls_about_chats_in_any_order_never_deadlock() -> Result<()> {
    check::<CallsAboutChats>()
}

struct CallsAboutChats(TestDatabase);

impl Property for CallsAboutChats {
    type Case = Vec<Vec<ChatCall>>;
    const CASES: u32 = 6;
    /// A circle that was met by chance is not met again by a smaller script.
    const MAX_SHRINKS: u32 = 0;

    fn cases() -> impl Strategy<Value = Self::Case> {
        scripts()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.change(EXTRA_FUNCTIONS).await?;
        database.find_deadlocks_soon().await?;
        Ok(Self(database))
    }

    async fn play(&self, scripts: &Self::Case) -> Result<()> {
        play(&self.0, scripts.clone()).await
    }
}

async fn play(database: &TestDatabase, scripts: Vec<Vec<ChatCall>>) -> Result<()> {
    let mut auctions = Vec::new();
    let service = database.service().await?;
    for _ in 0..SESSIONS {
        let auction = database.add_auction(demo::SELLER).await?;
        let started = service.rpc("start_stream", start(auction)).await?;
        for viewer in VIEWERS {
            let arguments = json!({"session_id": started["id"], "buyer_id": viewer});
            service.rpc("add_viewer", arguments).await?;
        }
        auctions.push(auction);
    }
    let mut connections = Vec::new();
    for script in scripts {
        let service = database.service().await?;
        let auctions = auctions.clone();
        connections.push(tokio::spawn(async move {
            for call in script {
                let outcome = perform(&service, &auctions, &call).await;
                outcome.with_context(|| format!("{call:?}"))?;
            }
            anyhow::Ok(())
        }));
    }
    for connection in connections {
        connection.await??;
    }
    let deadlocks: i64 = database
        .value("select deadlocks from pg_stat_database where datname = current_database()")
        .await?;
    ensure!(deadlocks == 0, "{deadlocks} deadlocks");
    check_logs(database).await
}

fn start(auction: Uuid) -> Value {
    json!({"auction_id": auction, "seller_id": demo::SELLER})
}

async fn perform(service: &Session, auctions: &[Uuid], call: &ChatCall) -> Result<()> {
    let newest: Vec<String> = auctions
        .iter()
        .map(|auction| format!("stream.newest('{auction}')"))
        .collect();
    let newest = format!("select to_jsonb(array[{}])", newest.join(", "));
    let sessions = service.run(&newest).await?.pop().context("no sessions")?;
    let items = |places: &[(usize, usize)]| -> Vec<Value> {
        let item = |(stream, viewer): &(usize, usize)| {
            json!({"session_id": sessions[*stream], "user_id": VIEWERS[*viewer],
                "content": "hi", "id": Uuid::new_v4()})
        };
        places.iter().map(item).collect()
    };
    let buyer = |stream: &usize, viewer: &usize| json!({"session_id": sessions[*stream], "buyer_id": VIEWERS[*viewer]});
    let (function, arguments) = match call {
        ChatCall::Send(stream, viewer) => ("send_message", items(&[(*stream, *viewer)]).remove(0)),
        ChatCall::Batch(places) => ("send_messages", json!({"items": items(places)})),
        ChatCall::Join(stream, viewer) => ("add_viewer", buyer(stream, viewer)),
        ChatCall::Leave(stream, viewer) => ("remove_viewer", buyer(stream, viewer)),
        ChatCall::Token(stream, viewer) => (
            "generate_buyer_token",
            json!({"buyer_id": VIEWERS[*viewer], "channel_id": sessions[*stream]}),
        ),
        ChatCall::Heartbeat(stream, viewer) => (
            "heartbeat",
            json!({"session_id": sessions[*stream], "user_id": VIEWERS[*viewer]}),
        ),
        ChatCall::Heartbeats(places) => ("heartbeats", json!({"items": items(places)})),
        ChatCall::HostHeartbeat(stream) => (
            "heartbeat",
            json!({"session_id": sessions[*stream], "user_id": demo::SELLER}),
        ),
        ChatCall::Move(stream, state) => (
            "update_stream_state",
            json!({"session_id": sessions[*stream], "state": state.as_str()}),
        ),
        ChatCall::TakeOver(stream) => ("start_stream", start(auctions[*stream])),
        ChatCall::SlowBid(stream) => ("hold_head", json!({"session": sessions[*stream]})),
        ChatCall::GrowOld(stream) => ("grow_old", json!({"session": sessions[*stream]})),
        ChatCall::Tick => ("tick", json!({})),
        ChatCall::Sweep => ("sweep", json!({})),
    };
    if function == "hold_head" {
        return hold(service, arguments).await;
    }
    match service.rpc_rows(function, arguments).await {
        Ok(_) => Ok(()),
        Err(error) => check_refusal(&error),
    }
}

/// A slow transaction, behind which others gather.
async fn hold(service: &Session, arguments: Value) -> Result<()> {
    service.begin().await?;
    service.rpc_within("hold_head", arguments).await?;
    for _ in 0..HELD_FOR {
        service.backend().await?;
    }
    Ok(service.commit().await?)
}

/// Refusals are the product's own.
fn check_refusal(error: &Error) -> Result<()> {
    let refusal = error.as_db_error().context("the connection broke")?;
    let state = refusal.code().code();
    ensure!(
        state.starts_with("PT4"),
        "{state} {} {:?}",
        refusal.message(),
        refusal.detail()
    );
    Ok(())
}

async fn check_logs(database: &TestDatabase) -> Result<()> {
    let sessions = database
        .owner
        .query("select s.id from stream.stream_sessions as s", &[])
        .await?;
    for row in sessions {
        let id: Uuid = row.get(0);
        let log = database.log(id).await?;
        let dense: Vec<i64> = (1..).take(log.len()).collect();
        ensure!(numbers(&log) == dense, "{:?}", numbers(&log));
        let ends = log
            .iter()
            .position(|entry| entry["metadata"]["state"] == "ended");
        ensure!(
            ends.is_none_or(|end| end + 1 == log.len()),
            "entries after the end"
        );
    }
    Ok(())
}

/// The newest session of an auction, as an application finds it by its own table; and a session that
/// grows older by an hour, in the product's order of locks.
const EXTRA_FUNCTIONS: &str = "create function stream.newest(auction uuid) returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp as
    'select s.id from stream.stream_sessions as s where s.auction_id = $1
     order by s.created_at desc limit 1';
    grant execute on function stream.newest(uuid) to service_role;
    create function stream.hold_head(session uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as
    'update stream.chat_heads set last_at = last_at where session_id = $1';
    grant execute on function stream.hold_head(uuid) to service_role;
    create function stream.grow_old(session uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
        age interval := interval '50 minutes';
    begin
        update stream.stream_sessions as s
        set host_seen_at = s.host_seen_at - age, state_changed_at = s.state_changed_at - age,
            reconnect_deadline = s.reconnect_deadline - age, check_at = s.check_at - age
        where s.id = session;
        perform from stream.stream_viewers as v where v.session_id = session
        order by v.user_id for no key update;
        update stream.stream_viewers as v
        set lease_check_at = v.lease_check_at - age, token_issued_at = v.token_issued_at - age,
            token_expires_at = v.token_expires_at - age
        where v.session_id = session;
        -- A round of the next tick is due.
        update stream.ticker as t set swept_at = t.swept_at - age
        where (select r.id from stream.ticker as r for update skip locked);
    end
    $$;
    grant execute on function stream.grow_old(uuid) to service_role";
