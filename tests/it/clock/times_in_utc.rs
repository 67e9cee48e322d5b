//! Times in JSON are in UTC and in one form, whatever the session of whoever causes or asks for them: others
//! read them. `Prefer: timezone` sets the zone over PostgREST.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::declared_events;
use stream_tests::demo;
use stream_tests::session::Session;
use uuid::Uuid;

const SETTINGS: [&str; 4] = [
    "set local timezone = 'Asia/Kathmandu'; set local datestyle = 'German, DMY'",
    "set local timezone = 'America/St_Johns'; set local datestyle = 'SQL, MDY';
     set local intervalstyle = 'sql_standard'; set local extra_float_digits = -5;
     set local bytea_output = 'escape'",
    "set local timezone = 'Pacific/Kiritimati'; set local datestyle = 'Postgres, DMY';
     set local intervalstyle = 'iso_8601'; set local extra_float_digits = 3",
    "set local timezone = 'GMT'",
];

/// Calls a function in a session with these settings.
async fn call(caller: &Session, setting: &str, function: &str, arguments: Value) -> Result<Value> {
    caller.begin().await?;
    caller.execute_within(setting).await?;
    let answer = caller.rpc_within(function, arguments).await?;
    caller.commit().await?;
    Ok(answer)
}

/// The names of the members that hold a time, and every time that is not in UTC.
fn times(value: &Value, name: &str, names: &mut BTreeSet<String>, others: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                times(value, name, names, others);
            }
        }
        Value::Array(items) => {
            for item in items {
                times(item, name, names, others);
            }
        }
        Value::String(text) => {
            let is_time_by_name = name.ends_with("_at")
                || ["server_time", "until", "reconnect_deadline"].contains(&name);
            let is_iso =
                text.len() >= 25 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
            if is_time_by_name || is_iso {
                names.insert(name.to_owned());
                if !(is_iso && text.ends_with("+00:00")) {
                    others.push(format!("{name} {text}"));
                }
            }
        }
        _ => {}
    }
}

/// Every event that the product sends, caused in a session with these settings.
async fn cause_everything(database: &TestDatabase, setting: &str) -> Result<()> {
    let id = database.start_stream().await?;
    let (seller, ada, service) = (
        database.user(demo::SELLER).await?,
        database.user(demo::ADA).await?,
        database.service().await?,
    );
    let session = json!({"session_id": id});
    let with = |name: &str, value: Value| {
        let mut arguments = session.clone();
        arguments[name] = value;
        arguments
    };
    call(
        &seller,
        setting,
        "update_stream_state",
        with("state", json!("active")),
    )
    .await?;
    call(&ada, setting, "add_viewer", session.clone()).await?;
    let send_message = json!({"session_id": id, "user_id": null, "content": "hi"});
    let message = call(&ada, setting, "send_message", send_message).await?;
    let items =
        json!([{"session_id": id, "user_id": demo::ADA, "content": "hello", "id": Uuid::new_v4()}]);
    call(&service, setting, "send_messages", json!({"items": items})).await?;
    call(
        &seller,
        setting,
        "pin_message",
        with("message_id", message["id"].clone()),
    )
    .await?;
    call(
        &service,
        setting,
        "post_auction_update",
        with("update", json!({"price": 1})),
    )
    .await?;
    let mute = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 600});
    call(&seller, setting, "mute_user", mute.clone()).await?;
    let lift = json!({"session_id": id, "user_id": demo::ADA, "kind": "mute"});
    call(&seller, setting, "lift_restriction", lift).await?;
    call(&seller, setting, "ban_user", mute).await?;
    call(
        &seller,
        setting,
        "delete_message",
        with("message_id", message["id"].clone()),
    )
    .await?;
    call(
        &seller,
        setting,
        "update_stream_state",
        with("state", json!("paused")),
    )
    .await?;
    let ben = database.user(demo::BEN).await?;
    call(&ben, setting, "add_viewer", session.clone()).await?;
    let channel = json!({"channel_id": id});
    call(&ben, setting, "generate_buyer_token", channel).await?;
    call(&ben, setting, "send_reaction", with("kind", json!("love"))).await?;
    call(&service, setting, "new_epoch", json!({})).await?;
    let canary = demo::BEN;
    let due = format!(
        "update stream.ticker set swept_at = least(swept_at, now()) - interval '1 second';
         update stream.agora_tokens set check_at = now();
         update stream.canary set sent_at = '-infinity';
         update stream.config set canary_user_id = '{canary}' where id"
    );
    database.change(&due).await?;
    call(&service, setting, "tick", json!({})).await?;
    call(&seller, setting, "end_stream", session.clone()).await?;
    Ok(())
}

#[tokio::test]
async fn what_everybody_is_sent_bears_its_times_in_utc() -> Result<()> {
    let database = TestDatabase::create().await?;
    for setting in SETTINGS {
        database
            .superuser()
            .await?
            .batch_execute("truncate realtime.messages")
            .await?;
        cause_everything(&database, setting).await?;
        let rows = database
            .owner
            .query("select event, payload from realtime.messages", &[])
            .await?;
        let (mut names, mut others, mut events) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        for row in &rows {
            events.insert(row.get::<_, String>(0));
            times(&row.get(1), "", &mut names, &mut others);
        }
        assert!(others.is_empty(), "{setting}: {others:?}");
        assert_eq!(events, declared_events::names());
        for name in ["created_at", "server_time", "until"] {
            assert!(names.contains(name), "{setting}: {names:?}");
        }
    }
    Ok(())
}

/// A lost host is not asked for: the deadline of the state event comes from a sweep.
#[tokio::test]
async fn a_deadline_is_in_utc_whoever_sweeps() -> Result<()> {
    for setting in SETTINGS {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = database.user(demo::SELLER).await?;
        seller.rpc("heartbeat", json!({"session_id": id})).await?;
        database.pass_time(id, 3600).await?;
        call(&database.service().await?, setting, "sweep", json!({})).await?;
        let event = database.state_events(id).await?.pop().context("no event")?;
        assert_eq!(event["reason"], "host_lost");
        let (mut names, mut others) = (BTreeSet::new(), Vec::new());
        times(&event, "", &mut names, &mut others);
        assert!(others.is_empty(), "{setting}: {others:?}");
        assert!(names.contains("reconnect_deadline"), "{names:?}");
    }
    Ok(())
}

/// The JSON columns of an answer, as text.
async fn json_columns(caller: &Session, setting: &str, from: &str) -> Result<Value> {
    let statement = format!(
        "select json_build_array(y.messages::text, y.read::text, y.pinned::text, y.restrictions::text)
         from {from} as y"
    );
    caller.begin().await?;
    caller.execute_within(setting).await?;
    let rows = caller.query_within(&statement).await?;
    caller.rollback().await?;
    rows.into_iter().next().context("no row")
}

#[tokio::test]
async fn the_json_of_answers_is_byte_equal_in_every_session() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let session = json!({"session_id": id});
    let send_message = json!({"session_id": id, "user_id": null, "content": "hi"});
    let message = ada.rpc("send_message", send_message.clone()).await?;
    let deleted = ada.rpc("send_message", send_message).await?;
    for (function, message) in [("pin_message", &message), ("delete_message", &deleted)] {
        let mut arguments = session.clone();
        arguments["message_id"] = message["id"].clone();
        seller.rpc(function, arguments).await?;
    }
    let mute = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 600});
    seller.rpc("mute_user", mute).await?;
    for from in [
        format!("stream.sync('{id}')"),
        format!("(select (j.sync).* from stream.join_stream('{id}') as j)"),
    ] {
        let in_utc = json_columns(&ada, "set local timezone = 'UTC'", &from).await?;
        for column in [0, 2, 3] {
            let text = in_utc[column].as_str().context("no JSON")?;
            let (mut names, mut others) = (BTreeSet::new(), Vec::new());
            times(&serde_json::from_str(text)?, "", &mut names, &mut others);
            assert!(others.is_empty() && !names.is_empty(), "{text}");
        }
        for setting in SETTINGS {
            assert_eq!(
                json_columns(&ada, setting, &from).await?,
                in_utc,
                "{setting}"
            );
        }
    }
    Ok(())
}

const LOTS: &str = "
    create table public.lots (
        id bigint generated always as identity primary key,
        auction_id uuid not null,
        closes_at timestamptz not null default '2026-01-02 03:04:05.6+00',
        open_during tstzrange not null default '[2026-01-02 03:04:05+00,2026-02-03 04:05:06+00)',
        runs interval not null default '1 day 02:03:04',
        share float8 not null default 0.1 + 0.2,
        mark bytea not null default '\\x0001ff',
        price money not null default 1.5::numeric::money
    );
    grant select, insert on public.lots to authenticated;
    create constraint trigger lots_log after insert on public.lots
    deferrable initially deferred for each row
    execute function stream.auction_update_trigger('auction_id')";

#[tokio::test]
async fn a_row_that_is_published_looks_the_same_whoever_wrote_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(LOTS).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let auction = auction.as_str().context("no auction")?;
    let ada = database.user(demo::ADA).await?;
    let mut published: Vec<Value> = Vec::new();
    for setting in ["set local timezone = 'UTC'"].iter().chain(&SETTINGS) {
        ada.begin().await?;
        ada.execute_within(setting).await?;
        ada.execute_within(&format!(
            "insert into public.lots (auction_id) values ('{auction}')"
        ))
        .await?;
        ada.commit().await?;
        let frame = database.frames(id).await?.pop().context("no frame")?;
        let mut metadata = frame["messages"][0]["metadata"].clone();
        metadata["id"] = Value::Null;
        published.push(metadata);
    }
    assert!(
        published[0]["closes_at"]
            .as_str()
            .is_some_and(|time| time.ends_with("+00:00")),
        "{}",
        published[0]
    );
    for other in &published[1..] {
        assert_eq!(*other, published[0]);
    }
    Ok(())
}
