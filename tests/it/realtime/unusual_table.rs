//! Messages where Realtime's table is not as usual: they are stored in any case.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

/// Changes Realtime's side, then sends on a new connection, which knows nothing of what was there.
async fn send_after(database: &TestDatabase, id: Uuid, statements: &str) -> Result<Value> {
    database
        .superuser()
        .await?
        .batch_execute(statements)
        .await?;
    let seller = database.user(demo::SELLER).await?;
    Ok(send_message(&seller, id, "hello").await?)
}

const DROP_TODAY: &str = "do $$ begin
    execute format('drop table realtime.messages_%s', to_char(now() at time zone 'UTC', 'YYYY_MM_DD'));
end $$";

#[tokio::test]
async fn without_todays_partition_messages_are_stored_and_sent_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    assert_eq!(send_after(&database, id, DROP_TODAY).await?["seq"], 3);
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Paused).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for number in 0..150 {
        send_message(&ada, id, &number.to_string()).await?;
    }
    assert!(database.frames(id).await?.is_empty());
    let missed = ada
        .rpc("sync", json!({"session_id": id, "after_seq": 2}))
        .await?;
    assert_eq!(missed["messages"].as_array().unwrap().len(), 152);

    database
        .superuser()
        .await?
        .batch_execute("select realtime.maintain_partitions()")
        .await?;
    // The same connection, which found no partition before.
    send_message(&ada, id, "at last").await?;
    let frames = database.frames(id).await?;
    let sent: Vec<i64> = frames
        .iter()
        .flat_map(|frame| numbers(frame["messages"].as_array().unwrap()))
        .collect();
    assert_eq!(sent, (3..=155).collect::<Vec<_>>());
    assert_eq!(frames.len(), 2);
    Ok(())
}

#[tokio::test]
async fn without_realtime_the_chat_goes_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let sent = send_after(&database, id, "drop schema realtime cascade").await?;
    assert_eq!(sent["seq"], 3);
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    Ok(())
}

/// A column that Realtime's own function does not name has another name, or another type.
#[tokio::test]
async fn columns_that_are_not_as_known_are_left_to_realtimes_own_function() -> Result<()> {
    for statement in [
        "alter table realtime.messages rename column updated_at to changed_at",
        "alter table realtime.messages alter column updated_at type timestamptz",
        "alter table realtime.messages drop column updated_at",
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        send_after(&database, id, statement).await?;
        let sent = database
            .broadcasts(&format!("chat:{id}"))
            .await?
            .pop()
            .unwrap();
        assert_eq!(sent.payload["from_seq"], 3, "{statement}");
        assert_eq!(sent.payload["messages"][0]["content"], "hello");
        assert_eq!((sent.event.as_str(), sent.private), ("messages", true));
    }
    Ok(())
}

/// The connection has written directly before; then a column is not there, and then it is back.
#[tokio::test]
async fn columns_that_change_while_a_connection_writes_are_noticed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let superuser = database.superuser().await?;
    let rename = "alter table realtime.messages rename column";
    for (from, to) in [("updated_at", "changed_at"), ("changed_at", "updated_at")] {
        send_message(&seller, id, from).await?;
        superuser
            .batch_execute(&format!("{rename} {from} to {to}"))
            .await?;
        send_message(&seller, id, to).await?;
    }
    let sent: Vec<Value> = database
        .frames(id)
        .await?
        .into_iter()
        .flat_map(|frame| frame["messages"].as_array().cloned().unwrap_or_default())
        .map(|message| message["content"].clone())
        .filter(|content| content.as_str().is_some_and(|text| text.ends_with("_at")))
        .collect();
    assert_eq!(
        json!(sent),
        json!(["updated_at", "changed_at", "changed_at", "updated_at"])
    );
    Ok(())
}

/// Realtime's own function fails, which it tells in a warning; `sync` still has the message.
#[tokio::test]
async fn a_broadcast_that_cannot_be_written_does_not_fail_the_message() -> Result<()> {
    for statement in [
        "alter table realtime.messages rename column private to is_private",
        "drop index realtime.messages_inserted_at_topic_index;
         alter table realtime.messages alter column private drop default;
         alter table realtime.messages alter column private type text",
        "drop function realtime.send;
         create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
         returns void language plpgsql as 'begin null; end';
         alter table realtime.messages rename column extension to kind",
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let message = send_after(&database, id, statement).await?;
        assert_eq!(message["seq"], 3);
        let seller = database.user(demo::SELLER).await?;
        let missed = seller.rpc("sync", json!({"session_id": id, "after_seq": 2})).await?;
        assert_eq!(missed["messages"][0]["id"], message["id"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_new_column_with_a_default_changes_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let statement = "alter table realtime.messages add column shard integer not null default 0";
    send_after(&database, id, statement).await?;
    assert_eq!(database.frames(id).await?.pop().unwrap()["from_seq"], 3);
    Ok(())
}

#[tokio::test]
async fn a_new_column_that_must_be_given_does_not_fail_the_message() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let statement = "truncate realtime.messages;
        alter table realtime.messages add column shard integer not null";
    let message = send_after(&database, id, statement).await?;
    assert_eq!(message["seq"], 3);
    Ok(())
}

/// It comes while the first message of a connection waits, whose statement saw the table without it.
#[tokio::test]
async fn a_column_that_comes_while_a_message_waits_fails_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let backend = seller.backend().await?;
    let holder = database.superuser().await?;
    holder
        .batch_execute("begin; select from stream.chat_relay for no key update")
        .await?;
    let sending = tokio::spawn(async move {
        let sent = send_message(&seller, id, "on its way").await;
        (seller, sent)
    });
    wait_until_blocked(&database.owner, backend).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "truncate realtime.messages; alter table realtime.messages add column shard integer not null",
        )
        .await?;
    holder.batch_execute("commit").await?;
    let (seller, sent) = sending.await?;
    assert_eq!(sent?["seq"], 3);
    assert_eq!(send_message(&seller, id, "after it").await?["seq"], 4);
    Ok(())
}

/// Partitions are found by the days in their names, and not every name is that of a day.
#[tokio::test]
async fn partitions_of_other_names_disturb_none_of_todays() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let statements = "create table realtime.messages_2041_02_31 partition of realtime.messages
            for values from ('2041-01-01') to ('2041-01-02');
        create table realtime.messages_0000_01_01 partition of realtime.messages
            for values from ('2041-01-02') to ('2041-01-03');
        create table realtime.messages_2041_13_00 partition of realtime.messages
            for values from ('2041-01-03') to ('2041-01-04');
        create table realtime.\"messages_late in 2041\" partition of realtime.messages
            for values from ('2041-01-04') to ('2041-01-05')";
    send_after(&database, id, statements).await?;
    assert_eq!(database.frames(id).await?.pop().unwrap()["from_seq"], 3);
    Ok(())
}

/// One zone is always in another day than UTC.
#[tokio::test]
async fn broadcasts_are_dated_in_utc_whatever_the_senders_time_zone() -> Result<()> {
    for zone in ["Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let set = format!(
            "alter database {} set timezone to '{zone}'",
            database.name()
        );
        send_after(&database, id, &set).await?;
        let seller = database.user(demo::SELLER).await?;
        move_to(&seller, id, StreamState::Paused).await?;
        database.change("set timezone to 'UTC'").await?;
        let ages: Vec<f64> = database
            .owner
            .query(
                "select extract(epoch from now() - m.inserted_at at time zone 'UTC')::float8
                 from realtime.messages as m
                 union all
                 select extract(epoch from now() - (m.payload ->> 'server_time')::timestamptz)::float8
                 from realtime.messages as m",
                &[],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        // The two times of each of seven broadcasts, one of them on `live`.
        assert_eq!(ages.len(), 14, "{zone}");
        assert!(
            ages.iter().all(|age| (-1.0..60.0).contains(age)),
            "{zone}: {ages:?}"
        );
    }
    Ok(())
}
