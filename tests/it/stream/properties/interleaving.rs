//! Calls of everybody at the same time. No model knows how each ends, but what must be true of every history is
//! checked.

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stateful::Property;
use stream_tests::stream::numbers;
use tokio_postgres::Error;
use uuid::Uuid;

use super::operation::{Operation, Person, calls};

/// What each connection asks for, one thing after the other.
pub type Scripts = Vec<Vec<super::operation::Call>>;

const CONNECTIONS: usize = 6;

pub struct Interleaving(TestDatabase);

impl Property for Interleaving {
    type Case = Scripts;

    fn cases() -> impl Strategy<Value = Scripts> {
        vec(vec(calls(), 6..14), CONNECTIONS)
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.change(EXTRA_FUNCTIONS).await?;
        database.refuse_second_updates().await?;
        Ok(Self(database))
    }

    async fn play(&self, scripts: &Scripts) -> Result<()> {
        play(&self.0, scripts).await
    }
}

/// Plays all scripts at once on one auction, with one message id in common.
async fn play(database: &TestDatabase, scripts: &Scripts) -> Result<()> {
    let auction = database.add_auction(demo::SELLER).await?;
    let message = Uuid::new_v4();
    let mut connections = Vec::new();
    for script in scripts {
        let service = database.service().await?;
        let script = script.clone();
        connections.push(tokio::spawn(async move {
            for call in script {
                let outcome =
                    perform(&service, auction, message, call.person, &call.operation).await;
                if let Err(error) = outcome {
                    check_refusal(&error).with_context(|| format!("{call:?}"))?;
                }
            }
            anyhow::Ok(())
        }));
    }
    for connection in connections {
        connection.await??;
    }
    check(database, auction).await
}

async fn perform(
    service: &Session,
    auction: Uuid,
    message: Uuid,
    person: Person,
    operation: &Operation,
) -> Result<Value, Error> {
    let start = json!({"auction_id": auction, "seller_id": demo::SELLER});
    // Whoever starts again takes over, so this finds the live session too.
    let newest = format!("select to_jsonb(s) from stream.newest('{auction}') as s");
    let session = match service.run(&newest).await?.pop() {
        Some(id) if !id.is_null() => id,
        _ => return service.rpc("start_stream", start).await,
    };
    let person = person.id();
    let (function, arguments) = match operation {
        Operation::Start => ("start_stream", start),
        Operation::Move { to, .. } if *to == StreamState::Ended && person != demo::SELLER => (
            "end_stream",
            json!({"session_id": session, "generation": 1}),
        ),
        Operation::Move { to, .. } => (
            "update_stream_state",
            json!({"session_id": session, "state": to.as_str()}),
        ),
        Operation::Join => (
            "add_viewer",
            json!({"session_id": session, "buyer_id": person}),
        ),
        Operation::Leave { .. } => (
            "remove_viewer",
            json!({"session_id": session, "buyer_id": person}),
        ),
        Operation::Send { content, id } => (
            "send_message",
            json!({
                "session_id": session, "user_id": person, "content": content,
                "id": id.filter(|id| *id == 0).map(|_| message),
            }),
        ),
        Operation::SellerToken => (
            "generate_seller_token",
            json!({"seller_id": demo::SELLER, "channel_id": session}),
        ),
        Operation::BuyerToken => (
            "generate_buyer_token",
            json!({"buyer_id": person, "channel_id": session}),
        ),
        Operation::Heartbeat { foreground, .. } => (
            "heartbeat",
            json!({"session_id": session, "user_id": person, "foreground": foreground}),
        ),
        Operation::PassTime { seconds } => {
            ("grow_old", json!({"session": session, "seconds": seconds}))
        }
        Operation::Sweep => ("sweep", json!({})),
        Operation::Tick => ("tick", json!({})),
        Operation::Sync { after } => ("sync", json!({"session_id": session, "after_seq": after})),
    };
    service.rpc(function, arguments).await
}

/// Refusals are the product's own, and none says that something inside went wrong.
fn check_refusal(error: &Error) -> Result<()> {
    let refusal = error.as_db_error().context("the connection broke")?;
    let state = refusal.code().code();
    ensure!(
        state.starts_with("PT4"),
        "{state} {} {:?} {:?}",
        refusal.message(),
        refusal.detail(),
        refusal.hint()
    );
    Ok(())
}

async fn check(database: &TestDatabase, auction: Uuid) -> Result<()> {
    // Twice: the first might be early.
    database.tick().await?;
    database.tick().await?;
    let rows = database
        .owner
        .query(
            "select s.id, s.state,
                 s.viewer_count = (select count(*) from stream.stream_viewers as v
                                   where v.session_id = s.id and v.is_active),
                 h.last_seq, r.flushed_seq, h.open = (s.state <> 'ended'),
                 s.state <> 'ended' or not exists (
                     select from stream.agora_tokens as t where t.session_id = s.id and t.is_active)
             from stream.stream_sessions as s
             join stream.chat_heads as h on h.session_id = s.id
             join stream.chat_relay as r on r.session_id = s.id
             where s.auction_id = $1",
            &[&auction],
        )
        .await?;
    let live = rows
        .iter()
        .filter(|row| row.get::<_, &str>(1) != "ended")
        .count();
    ensure!(live <= 1, "{live} live sessions of one auction");
    for row in rows {
        let id: Uuid = row.get(0);
        ensure!(row.get::<_, bool>(2), "the viewer count");
        let log = numbers(&database.log(id).await?);
        let head: i64 = row.get(3);
        ensure!(
            log == (1..=head).collect::<Vec<_>>(),
            "the log of {head}: {log:?}"
        );
        ensure!(row.get::<_, i64>(4) == head, "not all was flushed");
        ensure!(row.get::<_, bool>(5), "the log is open or closed wrongly");
        ensure!(row.get::<_, bool>(6), "a usable token of an ended stream");
        let mut sent: Vec<i64> = database
            .frames(id)
            .await?
            .iter()
            .flat_map(|frame| numbers(frame["messages"].as_array().map_or(&[], Vec::as_slice)))
            .collect();
        sent.sort_unstable();
        ensure!(sent == log, "the frames hold {sent:?}");
    }
    Ok(())
}

/// Lets the service find the newest session of an auction, as an application would by its own table,
/// and makes a session older, in the product's order of locks.
const EXTRA_FUNCTIONS: &str = "create function stream.newest(auction uuid) returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp as
    'select s.id from stream.stream_sessions as s where s.auction_id = $1
     order by s.created_at desc limit 1';
    grant execute on function stream.newest(uuid) to service_role;
    create function stream.grow_old(session uuid, seconds integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
        age interval := make_interval(secs => seconds);
    begin
        update stream.stream_sessions as s
        set host_seen_at = s.host_seen_at - age, state_changed_at = s.state_changed_at - age,
            reconnect_deadline = s.reconnect_deadline - age, check_at = s.check_at - age
        where s.id = session;
        perform from stream.stream_viewers as v where v.session_id = session
        order by v.user_id for no key update;
        update stream.stream_viewers as v
        set last_seen_at = v.last_seen_at - age, lease_check_at = v.lease_check_at - age,
            background_since = v.background_since - age
        where v.session_id = session;
    end
    $$;
    grant execute on function stream.grow_old(uuid, integer) to service_role";
