//! What becomes of a message when its partition of `realtime.messages` goes while it is sent, or a new day
//! begins without one: it is stored, and its frame comes later.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::partitions::{BRING_BACK, DETACH_TODAY, DROP_TODAY};
use stream_tests::server_clock::ServerClock;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;
use xtask::cluster::Options;

/// The numbers that frames carry, in the order in which they were written.
async fn framed(database: &TestDatabase, session: Uuid) -> Result<Vec<i64>> {
    let frames = database.frames(session).await?;
    Ok(frames
        .iter()
        .flat_map(|frame| numbers(frame["messages"].as_array().map_or(&[][..], Vec::as_slice)))
        .collect())
}

/// A connection that has sent before, and so knows how to write.
async fn warm(database: &TestDatabase, session: Uuid) -> Result<Session> {
    let seller = database.user(demo::SELLER).await?;
    send_message(&seller, session, "before").await?;
    Ok(seller)
}

/// A message on its way on a connection that knew the partition, which goes when the message waits: for the
/// relay row, and for Realtime's table after it has written that row.
#[tokio::test]
async fn a_partition_that_goes_while_a_message_waits_postpones_its_frame() -> Result<()> {
    const RELAY: &str = "begin; select from stream.chat_relay for no key update";
    const TABLE: &str = "begin; lock table realtime.messages in access exclusive mode";
    for (go, hold) in [
        (DROP_TODAY, RELAY),
        (DETACH_TODAY, RELAY),
        (DROP_TODAY, TABLE),
        (DETACH_TODAY, TABLE),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = warm(&database, id).await?;
        let holder = database.superuser().await?;
        holder.batch_execute(hold).await?;
        let backend = seller.backend().await?;
        let sending = tokio::spawn(async move { send_message(&seller, id, "on its way").await });
        wait_until_blocked(&database.owner, backend).await?;
        if hold == RELAY {
            database.superuser().await?.batch_execute(go).await?;
        } else {
            holder.batch_execute(go).await?;
        }
        holder.batch_execute("commit").await?;
        assert_eq!(sending.await??["seq"], 4);
        assert_eq!(database.log(id).await?.len(), 4);

        database
            .superuser()
            .await?
            .batch_execute(BRING_BACK)
            .await?;
        database.tick().await?;
        // Once, with everything that was kept.
        let expected: &[i64] = if go == DROP_TODAY {
            &[4]
        } else {
            &[1, 2, 3, 4]
        };
        assert_eq!(framed(&database, id).await?, expected, "{hold}");
    }
    Ok(())
}

/// Every kind of event on a connection that knew the partition: none fails what it belongs to.
#[tokio::test]
async fn a_partition_that_is_gone_fails_no_call() -> Result<()> {
    for go in [DROP_TODAY, DETACH_TODAY] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = warm(&database, id).await?;
        let ada = database.viewer(id, demo::ADA).await?;
        database.tick().await?;
        let service = database.service().await?;
        for call in 0..2 {
            if call == 1 {
                database.superuser().await?.batch_execute(go).await?;
            }
            send_message(&ada, id, "hi").await?;
            move_to(&seller, id, StreamState::Paused).await?;
            move_to(&seller, id, StreamState::Active).await?;
            let mute = json!({"session_id": id, "user_id": demo::BEN, "duration_s": 60 + call});
            seller.rpc("mute_user", mute).await?;
            let update = json!({"session_id": id, "update": {"price": call}});
            service.rpc("post_auction_update", update).await?;
            ada.rpc("remove_viewer", json!({"session_id": id})).await?;
            database.tick().await?;
            ada.rpc("add_viewer", json!({"session_id": id})).await?;
            database.tick().await?;
        }
        let missed = ada
            .rpc("sync", json!({"session_id": id, "after_seq": 0}))
            .await?;
        let head = missed["head_seq"].as_i64().context("no head")?;
        let messages = missed["messages"].as_array().context("no messages")?;
        assert_eq!(numbers(messages), (1..=head).collect::<Vec<_>>());
    }
    Ok(())
}

/// A frame that is written and not committed keeps its partition.
#[tokio::test]
async fn a_partition_is_not_dropped_from_under_a_frame() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = warm(&database, id).await?;
    seller.begin().await?;
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    seller.rpc_within("send_message", message).await?;
    let superuser = database.superuser().await?;
    let backend: i32 = superuser
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let dropping = tokio::spawn(async move { superuser.batch_execute(DROP_TODAY).await });
    wait_until_blocked(&database.owner, backend).await?;
    seller.commit().await?;
    dropping.await??;
    assert_eq!(database.log(id).await?.len(), 4);
    Ok(())
}

/// Where a partition takes what no other takes, it is written there.
#[tokio::test]
async fn a_default_partition_takes_frames() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = warm(&database, id).await?;
    let superuser = database.superuser().await?;
    superuser.batch_execute(DROP_TODAY).await?;
    superuser
        .batch_execute("create table realtime.messages_rest partition of realtime.messages default")
        .await?;
    send_message(&seller, id, "hi").await?;
    assert_eq!(framed(&database, id).await?, [4]);
    Ok(())
}

/// A server that lives by a clock of its own. Dropped in this order, the server before its clock.
struct ServerAtMidnight {
    database: TestDatabase,
    _server: OwnCluster,
    clock: ServerClock,
}

#[tokio::test]
async fn a_day_that_begins_without_a_partition_postpones_its_frames() -> Result<()> {
    let clock = ServerClock::new()?;
    let server = OwnCluster::start(Options {
        environment: clock.environment()?,
        ..Options::temporary("midnight")?
    })?;
    let world = ServerAtMidnight {
        database: TestDatabase::create_in(server.make_template("")?).await?,
        _server: server,
        clock,
    };
    let database = &world.database;
    let midnight: i64 = database
        .value(
            "select extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day')::bigint",
        )
        .await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "do $$ begin
                 execute format('drop table realtime.messages_%s',
                     to_char(now() at time zone 'UTC' + interval '1 day', 'YYYY_MM_DD'));
             end $$",
        )
        .await?;
    world.clock.set(midnight - 600)?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = warm(database, id).await?;
    // A transaction of the old day that goes on in the new one, on a connection that has written already.
    let service = database.service().await?;
    let update = |price: i64| json!({"session_id": id, "update": {"price": price}});
    service.rpc("post_auction_update", update(1)).await?;
    service.begin().await?;
    service.execute_within("select now()").await?;

    world.clock.set(midnight + 60)?;
    let stored = |answer: Value| answer["seq"].as_i64().context("no seq");
    assert_eq!(
        stored(service.rpc_within("post_auction_update", update(2)).await?)?,
        5
    );
    service.commit().await?;
    assert_eq!(stored(send_message(&seller, id, "good morning").await?)?, 6);
    move_to(&seller, id, StreamState::Paused).await?;
    assert_eq!(framed(database, id).await?, [1, 2, 3, 4]);

    superuser
        .batch_execute("select realtime.maintain_partitions()")
        .await?;
    database.tick().await?;
    assert_eq!(framed(database, id).await?, [1, 2, 3, 4, 5, 6, 7]);
    let days: Vec<bool> = database
        .owner
        .query(
            "select inserted_at at time zone 'UTC' >= to_timestamp($1::bigint)
             from realtime.messages where topic like 'chat:%' order by inserted_at",
            &[&midnight],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(days, [false, false, false, false, true]);
    Ok(())
}
