//! The queue of logs that a tick has to flush: its rows, those that a read takes, and those that it passes over.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

async fn note(client: &tokio_postgres::Client, session: Uuid) -> Result<()> {
    let row = format!("insert into stream.chat_tails (session_id) values ('{session}')");
    Ok(client.batch_execute(&row).await?)
}

/// Whoever writes: a viewer, the service, the host, a bid.
#[tokio::test]
async fn without_a_partition_a_stream_has_one_row_however_much_is_written() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.set_partition(false).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    for text in ["one", "two", "three"] {
        send_message(&ada, session, text).await?;
    }
    let items = ["four", "five"]
        .map(|text| json!({"session_id": session, "user_id": demo::SELLER, "content": text}));
    let service = database.service().await?;
    service
        .rpc("send_messages", json!({"items": items}))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, session, StreamState::Paused).await?;
    move_to(&seller, session, StreamState::Active).await?;
    assert_eq!(database.queued_flushes().await?, 1);
    // A ticker leaves it alone.
    database.tick().await?;
    assert_eq!(database.queued_flushes().await?, 1);
    database.set_partition(true).await?;
    database.tick().await?;
    assert_eq!(database.queued_flushes().await?, 0);
    assert_eq!(
        database.sent(session).await?.concat(),
        (1..=9).collect::<Vec<_>>()
    );
    Ok(())
}

/// It would raise 40001 if it met a row that its snapshot hides.
#[tokio::test]
async fn above_read_committed_an_entry_is_queued_whatever_others_have_queued() -> Result<()> {
    for isolation in ["repeatable read", "serializable"] {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        database.set_partition(false).await?;
        let auction = database.session_row(session).await?["auction_id"].clone();
        database
            .change(
                "create table public.bids (auction_id uuid not null, amount integer not null);
                 create constraint trigger bids_log after insert on public.bids
                 deferrable initially deferred for each row
                 execute function stream.auction_update_trigger('auction_id', 'amount')",
            )
            .await?;
        let bidder = database.connect("postgres").await?;
        bidder
            .batch_execute(&format!(
                "begin isolation level {isolation}; select count(*) from stream.chat_tails;
                 insert into public.bids select id, 5 from public.auctions where id::text = '{}'",
                auction.as_str().unwrap_or_default()
            ))
            .await?;
        let ada = database.viewer(session, demo::ADA).await?;
        send_message(&ada, session, "hidden from the bid").await?;
        bidder.batch_execute("commit").await?;
        database.set_partition(true).await?;
        database.tick().await?;
        assert_eq!(
            database.sent(session).await?.concat(),
            [1, 2, 3, 4],
            "{isolation}"
        );
        assert_eq!(database.queued_flushes().await?, 0);
    }
    Ok(())
}

/// The row has a lower number than those that were read meanwhile. A subtransaction wrote it, whose own
/// number is higher.
#[tokio::test]
async fn a_row_is_read_when_its_transaction_commits_after_later_ones() -> Result<()> {
    let database = TestDatabase::create().await?;
    let slow = database.stream_in(StreamState::Active).await?;
    let quick = database.stream_in(StreamState::Active).await?;
    // The look for lost ones is over.
    database.tick().await?;
    database.leave_unqueued(slow, 3).await?;
    let writer = database.connect("postgres").await?;
    writer.batch_execute("begin; savepoint one").await?;
    note(&writer, slow).await?;
    writer.batch_execute("release one; savepoint two").await?;
    note(&writer, slow).await?;
    writer.batch_execute("rollback to two").await?;
    for _ in 0..3 {
        database.leave_unflushed(quick, 1).await?;
        database.tick().await?;
        assert_eq!(database.queued_flushes().await?, 0);
        assert!(database.sent(slow).await?.is_empty());
    }
    writer.batch_execute("commit").await?;
    assert_eq!(database.queued_flushes().await?, 1);
    database.tick().await?;
    assert_eq!(database.queued_flushes().await?, 0);
    assert_eq!(database.sent(slow).await?.concat(), [1, 2, 3, 4, 5]);
    Ok(())
}

#[tokio::test]
async fn what_a_tick_takes_is_back_when_it_is_rolled_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(session, 3).await?;
    database
        .change("begin; select stream.tick(); rollback")
        .await?;
    assert!(database.sent(session).await?.is_empty());
    assert_eq!(database.queued_flushes().await?, 1);
    database.tick().await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3, 4, 5]);
    Ok(())
}

/// Its own number is neither open nor ahead in the snapshot that it reads by.
#[tokio::test]
async fn a_transaction_that_ticks_may_leave_a_tail_itself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.tick().await?;
    database.leave_unqueued(session, 3).await?;
    let both = database.connect("postgres").await?;
    both.batch_execute("begin; select pg_current_xact_id()")
        .await?;
    database.leave_unflushed(other, 1).await?;
    both.batch_execute("select stream.tick()").await?;
    note(&both, session).await?;
    both.batch_execute("commit").await?;
    database.tick().await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3, 4, 5]);
    assert_eq!(database.queued_flushes().await?, 0);
    Ok(())
}

/// Rows and snapshot of another cluster, whose transactions have other numbers.
#[tokio::test]
async fn after_a_restore_everything_is_read_again() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.leave_unflushed(session, 3).await?;
    database.tick().await?;
    database.leave_unflushed(session, 1).await?;
    database
        .change(
            "update stream.chat_tails set xid = '7';
             update stream.chat_tail_reads
             set epoch = 'another', read_upto = '99999999:99999999:', looked_at = clock_timestamp()",
        )
        .await?;
    database.tick().await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(database.queued_flushes().await?, 0);
    // And from then on as ever.
    database.leave_unflushed(session, 1).await?;
    database.tick().await?;
    assert_eq!(
        database.sent(session).await?.concat(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    Ok(())
}

/// A read takes about 5000 rows, and whole transactions.
#[tokio::test]
async fn what_is_behind_a_page_of_rows_is_read_next() -> Result<()> {
    let database = TestDatabase::create().await?;
    let last = database.stream_in(StreamState::Active).await?;
    // The look for lost ones is over.
    database.tick().await?;
    let many = "insert into stream.chat_tails (session_id)
                select '00000000-0000-0000-0000-000000000000' from generate_series(1, 5000)";
    database.change(many).await?;
    note(&database.owner, Uuid::nil()).await?;
    database.leave_unflushed(last, 1).await?;
    database.tick().await?;
    database.tick().await?;
    assert_eq!(database.sent(last).await?.concat(), [1, 2, 3]);
    assert_eq!(database.queued_flushes().await?, 0);
    Ok(())
}

/// Somebody emptied the queue, or restored a part of the database.
#[tokio::test]
async fn a_tail_that_is_not_in_the_queue_is_found_within_a_minute() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.tick().await?;
    for (last_look, is_found) in [("1 s", false), ("61 s", true), ("-1 hour", true)] {
        database.leave_unqueued(session, 1).await?;
        database
            .change(&format!(
                "update stream.chat_tail_reads set looked_at = clock_timestamp() - interval '{last_look}'"
            ))
            .await?;
        database.tick().await?;
        assert_eq!(
            !database.sent(session).await?.is_empty(),
            is_found,
            "{last_look}"
        );
    }
    // Also where somebody emptied both tables.
    database.leave_unqueued(session, 1).await?;
    database
        .change("delete from stream.chat_tails; delete from stream.chat_tail_reads")
        .await?;
    database.tick().await?;
    database.tick().await?;
    assert!(!database.sent(session).await?.is_empty());
    Ok(())
}

/// A look compares 1000 streams at once.
#[tokio::test]
async fn a_tail_that_is_not_in_the_queue_is_found_behind_a_thousand_streams() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "set session_replication_role = replica;
             insert into stream.stream_sessions
                 (id, seller_id, auction_id, channel_id, state, check_at, host_seen_at)
             select i.id, i.id, i.id, i.id::text, 'active', now() + interval '1 hour', now()
             from generate_series(1, 1000) as n
             cross join lateral (select lpad(n::text, 32, '0')::uuid as id) as i;
             insert into stream.chat_heads (session_id)
             select lpad(n::text, 32, '0')::uuid from generate_series(1, 1000) as n;
             insert into stream.chat_relay (session_id)
             select lpad(n::text, 32, '0')::uuid from generate_series(1, 1000) as n",
        )
        .await?;
    database.leave_unqueued(session, 1).await?;
    database
        .change("update stream.chat_tail_reads set looked_at = '-infinity'")
        .await?;
    database.tick().await?;
    database.tick().await?;
    assert_eq!(database.sent(session).await?.concat(), [1, 2, 3]);
    Ok(())
}

/// As pg_dump keeps one: rows that were taken stay in the table and in its index, and no read comes by them.
#[tokio::test]
async fn under_a_held_snapshot_a_read_passes_over_no_row_that_was_taken() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let dump = database.connect("postgres").await?;
    dump.batch_execute(
        "begin isolation level repeatable read; select count(*) from stream.chat_tails",
    )
    .await?;
    let mut read = Vec::new();
    for _ in 0..40 {
        database.leave_unflushed(session, 1).await?;
        database.change("select pg_stat_force_next_flush()").await?;
        database.change("begin; select stream.tick()").await?;
        let entries: i64 = database
            .value(
                "select sum(pg_stat_get_xact_tuples_returned(i.name::regclass))::bigint
                 from unnest(array['stream.chat_tails_pkey', 'stream.chat_tail_reads_pkey']) as i (name)",
            )
            .await?;
        database.change("commit").await?;
        read.push(entries);
    }
    let (first, last) = (&read[5..10], &read[35..]);
    assert_eq!(first.iter().max(), last.iter().max(), "{read:?}");
    assert!(read.iter().all(|entries| *entries > 0), "{read:?}");
    Ok(())
}
