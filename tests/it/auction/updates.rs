//! Bids reach the log of their stream, together with the bid and from nobody else.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use tokio_postgres::Error;
use uuid::Uuid;

async fn post(caller: &Session, session: Uuid, update: Value) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "update": update});
    caller.rpc("post_auction_update", arguments).await
}

#[tokio::test]
async fn an_update_takes_its_place_in_the_log_and_in_a_frame() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let update = json!({"text": "  Ada bids 20 ", "amount": 20, "kind": "state_changed"});
    let posted = post(&service, id, update).await?;
    assert_eq!(posted["seq"], 3);
    assert_eq!(posted["message_type"], "auction_update");
    assert_eq!(posted["content"], "Ada bids 20");
    assert_eq!(
        (&posted["user_id"], &posted["username"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        posted["metadata"],
        json!({"kind": "auction_update", "text": "  Ada bids 20 ", "amount": 20})
    );
    assert_eq!(database.log(id).await?.pop(), Some(posted.clone()));
    let frames = database.frames(id).await?;
    let framed = &frames.last().expect("a frame")["messages"][0];
    assert_eq!(framed["id"], posted["id"]);
    assert_eq!(framed["metadata"], posted["metadata"]);
    Ok(())
}

#[tokio::test]
async fn without_a_text_that_a_message_may_have_a_neutral_sentence_stands() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    for update in [
        json!({}),
        json!({"text": "  "}),
        json!({"text": "a\u{7}b"}),
        json!({"text": "x".repeat(2001)}),
        json!({"text": 5}),
        json!({"text": null}),
    ] {
        let posted = post(&service, id, update).await?;
        assert_eq!(posted["content"], "The auction was updated.");
    }
    Ok(())
}

/// More digits than 64 bits hold, more than a binary exponent reaches, and more levels than serde reads.
fn large_values() -> [String; 3] {
    [
        "12345678901234567890.10".to_owned(),
        format!("1{}", "0".repeat(400)),
        format!("{}{}", "[".repeat(300), "]".repeat(300)),
    ]
}

#[tokio::test]
async fn values_stay_as_they_are_wherever_they_are_read() -> Result<()> {
    let mut database = TestDatabase::create().await?;
    database.keep_broadcasts_uncompared("the tests read no numbers that are so large");
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let superuser = database.superuser().await?;
    for value in large_values() {
        let posted = format!(
            "(select p.metadata -> 'amount' from stream.post_auction_update('{id}', '{{\"amount\": {value}}}') as p)"
        );
        // As text within JSON: what reads the answer here is no better than a client in JavaScript.
        let answered = service
            .run(&format!("select to_jsonb({posted}::text)"))
            .await?;
        assert_eq!(answered, [json!(value)]);
        let last = "p where p.message_type = 'auction_update' order by p.seq desc limit 1";
        for source in [
            format!(
                "(select p.metadata -> 'amount' from stream.get_message_history('{id}') as {last})"
            ),
            format!("(select p.metadata -> 'amount' from stream.sync_messages('{id}') as {last})"),
        ] {
            let read = service
                .run(&format!("select to_jsonb({source}::text)"))
                .await?;
            assert_eq!(read, [json!(value)], "{source}");
        }
        let stored: String = superuser
            .query_one(
                "select (m.payload -> 'messages' -> 0 -> 'metadata' -> 'amount')::text
                 from realtime.messages as m where m.event = 'messages'
                 order by (m.payload ->> 'to_seq')::bigint desc limit 1",
                &[],
            )
            .await?
            .get(0);
        assert_eq!(stored, value);
    }
    Ok(())
}

/// A bid does not fail for what stands in its columns.
#[tokio::test]
async fn a_bid_with_large_values_is_logged() -> Result<()> {
    let mut database = TestDatabase::create().await?;
    database.keep_broadcasts_uncompared("the tests read no JSON that is nested so deeply");
    let id = database.stream_in(StreamState::Active).await?;
    database
        .change(&format!(
            "create table public.lots (auction_id uuid, amount numeric, note json);
             create constraint trigger lots_log after insert on public.lots
             deferrable initially deferred for each row
             execute function stream.auction_update_trigger('auction_id');
             insert into public.lots
             select s.auction_id, 1e400, (repeat('[', 300) || repeat(']', 300))::json
             from stream.stream_sessions as s where s.id = '{id}'"
        ))
        .await?;
    let logged: bool = database
        .value(
            "select m.metadata -> 'amount' = to_jsonb(1e400) from stream.chat_messages as m
             where m.message_type = 'auction_update'",
        )
        .await?;
    assert!(logged);
    Ok(())
}

/// What jsonb cannot hold is refused by our own code.
#[tokio::test]
async fn a_number_beyond_those_of_postgres_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let call =
        format!("select to_jsonb(stream.post_auction_update('{id}', '{{\"amount\": 1e999999}}'))");
    database
        .refuses(ErrorCode::InvalidArgument, service.run(&call))
        .await
}

#[tokio::test]
async fn an_update_is_an_object_of_at_most_8_kilobytes() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let around = r#"{"note": ""}"#.len();
    let largest = json!({"note": "x".repeat(8192 - around)});
    let larger = json!({"note": "x".repeat(8193 - around)});
    post(&service, id, largest).await?;
    database
        .refuses(ErrorCode::PayloadTooLarge, post(&service, id, larger))
        .await?;
    for update in [json!([1]), json!(1), Value::Null] {
        let arguments = json!({"session_id": id, "update": update});
        let call = service.rpc("post_auction_update", arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let text = format!("select to_jsonb(stream.post_auction_update('{id}', '\"a\"'))");
    database
        .refuses(ErrorCode::InvalidArgument, service.run(&text))
        .await?;
    let null = service.rpc(
        "post_auction_update",
        json!({"session_id": null, "update": {}}),
    );
    database.refuses(ErrorCode::InvalidArgument, null).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_posted_to_a_stream_that_has_ended_or_never_was() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Ended).await?;
    let service = database.service().await?;
    database
        .refuses(ErrorCode::StreamEnded, post(&service, id, json!({})))
        .await?;
    let unknown = post(&service, Uuid::new_v4(), json!({}));
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    let live = database.stream_in(StreamState::Active).await?;
    let arguments = json!({"session_id": live, "update": {}});
    let call = service.rpc_at("repeatable read", "post_auction_update", arguments);
    database.refuses(ErrorCode::IsolationLevel, call).await?;
    Ok(())
}

#[tokio::test]
async fn a_bidder_cannot_forge_an_update_and_their_bid_can_post_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database
        .change(
            "create function public.bid(session_id uuid, amount numeric) returns void
             language plpgsql security definer set search_path = pg_catalog, pg_temp
             as $$
             begin
                 perform stream_private.post_auction_update(
                     $1, json_build_object('bidder', stream.user_id(), 'amount', $2));
             end
             $$;
             grant execute on function public.bid(uuid, numeric) to authenticated",
        )
        .await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let anon = database.anon().await?;
    for caller in [&ada, &seller, &anon] {
        database
            .refuses(ErrorCode::PermissionDenied, post(caller, id, json!({})))
            .await?;
        for forged in [
            format!("select to_jsonb(stream_private.post_auction_update('{id}', '{{}}'))"),
            format!("select to_jsonb(stream_ext.post_auction_update('{id}', '{{}}'))"),
            format!("select to_jsonb(stream_ext.log_auction_row('{id}', '{{}}'))"),
            "select to_jsonb(stream.auction_update_trigger())".to_owned(),
        ] {
            database
                .refuses(ErrorCode::PermissionDenied, caller.run(&forged))
                .await?;
        }
    }
    ada.run(&format!("select to_jsonb(public.bid('{id}', 12)::text)"))
        .await?;
    let posted = database.log(id).await?.pop().expect("an entry");
    assert_eq!(posted["metadata"]["bidder"], json!(demo::ADA));
    assert_eq!(posted["metadata"]["amount"], 12);
    assert_eq!(posted["user_id"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn chat_goes_on_around_an_update() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    send_message(&seller, id, "one").await?;
    post(&service, id, json!({"amount": 1})).await?;
    send_message(&seller, id, "two").await?;
    move_to(&seller, id, StreamState::Ended).await?;
    let log = database.log(id).await?;
    let kinds: Vec<_> = log
        .iter()
        .map(|entry| entry["message_type"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        kinds,
        [
            "system_message",
            "system_message",
            "user_message",
            "auction_update",
            "user_message",
            "system_message"
        ]
    );
    Ok(())
}
