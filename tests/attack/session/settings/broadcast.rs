//! One broadcast from start to end, as everybody in it has the same setting.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use uuid::Uuid;

use super::caller::DirectCaller;
use super::placeholders::Placeholders;

/// A bid whose columns have a text for each of the formats that a session chooses.
const BIDS: &str = "create table public.bids (
    auction_id uuid not null, amount double precision, at timestamptz, span interval, raw bytea, price money,
    days daterange
);
create constraint trigger bids_log after insert on public.bids deferrable initially deferred
for each row execute function stream.auction_update_trigger('auction_id', 'amount', 'at', 'span', 'raw', 'price', 'days');
grant insert on public.bids to authenticated";

/// Plays a broadcast; returns what everybody was told, by step.
pub async fn play(database: &TestDatabase, settings: &str) -> Result<Vec<(String, Value)>> {
    database.change(BIDS).await?;
    let open = |identity| DirectCaller::open(database, identity, settings);
    let seller = open(Identity::user(demo::SELLER)).await?;
    let ada = open(Identity::user(demo::ADA)).await?;
    let ben = open(Identity::user(demo::BEN)).await?;
    let service = open(Identity::service()).await?;
    let started = seller
        .call("start_stream", json!({"auction_id": demo::AUCTION}))
        .await?;
    let id = started[0]["id"].as_str().context("no id")?.to_owned();
    let of = |more: Value| {
        let mut arguments = json!({"session_id": id});
        arguments
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        arguments
    };
    let message = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);
    let content = r#"It's a "test" \ of 1.50, \n and $1"#;
    let said = || of(json!({"user_id": null, "content": content, "id": message}));
    let mut names = Placeholders::default();
    let mut told = vec![("start".to_owned(), names.normalise(&started[0], false))];
    let steps: Vec<(&DirectCaller, &str, Value)> = vec![
        (
            &seller,
            "update_stream_state",
            of(json!({"state": "active"})),
        ),
        (
            &seller,
            "generate_seller_token",
            json!({"seller_id": null, "channel_id": id}),
        ),
        (&ada, "join_stream", of(json!({}))),
        (&ben, "add_viewer", of(json!({}))),
        (&seller, "heartbeat", of(json!({"generation": 1}))),
        (&ada, "heartbeat", of(json!({"foreground": true}))),
        (&ada, "send_message", said()),
        (&ada, "send_message", said()),
        (
            &ben,
            "send_message",
            of(json!({"user_id": null, "content": ""})),
        ),
        (
            &ben,
            "send_message",
            of(json!({"user_id": null, "content": "to be deleted", "id": demo::BEN})),
        ),
        (
            &service,
            "send_messages",
            json!({"items": [
            {"session_id": id, "user_id": demo::ADA, "content": content},
            {"session_id": id, "user_id": demo::CLEO, "content": "no viewer"}]}),
        ),
        (
            &service,
            "post_auction_update",
            of(json!({"update": {"text": content, "price": 1.10, "at": null}})),
        ),
        (&ada, "get_message_history", of(json!({}))),
        (&ada, "sync", of(json!({"after_seq": 0}))),
        (
            &ada,
            "sync_messages",
            of(json!({"last_message_id": message})),
        ),
        (
            &ada,
            "mark_messages_as_read",
            of(json!({"user_id": null, "message_ids": format!("{{{message}}}")})),
        ),
        (
            &ada,
            "mark_read_up_to",
            of(json!({"user_id": null, "seq": 2})),
        ),
        (&ada, "unread_count", of(json!({}))),
        (&ada, "subscribe_to_chat", of(json!({}))),
        (
            &ada,
            "generate_buyer_token",
            json!({"buyer_id": null, "channel_id": id}),
        ),
        (
            &ada,
            "refresh_token",
            json!({"user_id": null, "channel_id": id}),
        ),
        (&seller, "pin_message", of(json!({"message_id": message}))),
        (
            &seller,
            "delete_message",
            of(json!({"message_id": demo::BEN, "reason": content})),
        ),
        (&seller, "block_term", of(json!({"term": "50% \\ off"}))),
        (
            &ada,
            "send_message",
            of(json!({"user_id": null, "content": "Now 50% \\ OFF!"})),
        ),
        (
            &seller,
            "mute_user",
            of(json!({"user_id": demo::BEN, "duration_s": 60, "reason": content})),
        ),
        (
            &ben,
            "send_message",
            of(json!({"user_id": null, "content": "still here"})),
        ),
        (&seller, "ban_user", of(json!({"user_id": demo::CLEO}))),
        (
            &seller,
            "lift_restriction",
            of(json!({"user_id": demo::BEN, "kind": "mute"})),
        ),
        (&ada, "send_reaction", of(json!({"kind": "like"}))),
        (&ada, "send_reaction", of(json!({"kind": "like"}))),
        (&seller, "unpin_message", of(json!({}))),
        (&seller, "set_slow_mode", of(json!({"interval_ms": 1}))),
        (&seller, "set_chat_mode", of(json!({"mode": "verified"}))),
        (&seller, "list_restrictions", of(json!({}))),
        (&seller, "list_blocked_terms", of(json!({}))),
        (&seller, "get_moderation_log", of(json!({}))),
        (&seller, "get_viewers", of(json!({}))),
        (&ben, "sync", of(json!({"after_seq": 0}))),
        (&ada, "end_stream", of(json!({}))),
        (&service, "tick", json!({})),
        (&seller, "pause_stream", of(json!({}))),
        (&seller, "resume_stream", of(json!({}))),
        (&ada, "get_session", of(json!({}))),
        (&seller, "end_stream", of(json!({"reason": content}))),
        (
            &ada,
            "send_message",
            of(json!({"user_id": null, "content": "too late"})),
        ),
        (&ada, "get_stream_state", json!({"session_id": Uuid::nil()})),
    ];
    for (number, (player, function, arguments)) in steps.into_iter().enumerate() {
        if number == 12 {
            let bid = format!(
                "insert into public.bids values ('{}', 0.1, '2020-02-29T12:00:00+00', '1 day 2 hours'::interval,
                     decode('00ff5c', 'hex'), 12.50::numeric::money, daterange('2020-02-03', '2020-03-04'))",
                demo::AUCTION
            );
            told.push((
                "bid".to_owned(),
                outcome(&mut names, ada.write(&bid).await)?,
            ));
        }
        let answer = outcome(&mut names, player.call(function, arguments).await)?;
        told.push((format!("{number} {function}"), answer));
    }
    let session = Uuid::parse_str(&id)?;
    let kept = [
        ("log", database.log(session).await?),
        ("frames", database.frames(session).await?),
        ("state events", database.state_events(session).await?),
        ("decisions", database.decisions(session).await?),
    ];
    told.extend(
        kept.into_iter()
            .map(|(name, rows)| (name.to_owned(), names.normalise(&Value::Array(rows), true))),
    );
    for topic in [
        format!("viewers:{id}"),
        "live".to_owned(),
        format!("user:{}", demo::SELLER),
        format!("user:{}", demo::ADA),
        format!("user:{}", demo::BEN),
        format!("user:{}", demo::CLEO),
    ] {
        let sent = database.broadcasts(&topic).await?.into_iter();
        let sent = sent.map(|sent| json!([sent.event, sent.payload]));
        told.push((topic_name(&topic), names.normalise(&sent.collect(), true)));
    }
    Ok(told)
}

/// A topic without the id of its stream.
fn topic_name(topic: &str) -> String {
    match topic.split_once(':') {
        Some(("viewers", _)) => "viewers".to_owned(),
        _ => topic.to_owned(),
    }
}

/// An answer, or what a refusal says.
fn outcome(
    names: &mut Placeholders,
    answer: Result<Vec<Value>, tokio_postgres::Error>,
) -> Result<Value> {
    match answer {
        Ok(rows) => Ok(names.normalise(&Value::Array(rows), false)),
        Err(error) => {
            let refusal = error.as_db_error().with_context(|| error.to_string())?;
            let detail = refusal
                .detail()
                .map(serde_json::from_str::<Value>)
                .transpose()?;
            Ok(
                json!({"refused": refusal.code().code(), "detail": detail.map(|detail| names.normalise(&detail, false))}),
            )
        }
    }
}
