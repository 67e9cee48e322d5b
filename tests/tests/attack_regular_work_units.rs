//! Units of the regular work: what they cost in transaction ids, what a failure takes back, and who may end them.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::beat;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::waiting::wait_until;
use uuid::Uuid;
use xtask::cluster::Options;

const STREAMS: i64 = 1000;

/// A unit looks at the clock after every eighth stream, so that no machine is too slow for this.
const MOST_UNITS: i64 = STREAMS / 8;

/// Of a call besides its units: its transaction, and the two marks of the ticker, which may fail alone.
const BESIDE_UNITS: i64 = 3;

const MORE_PER_FAILURE: i64 = 12;

/// Live streams of one viewer each, whom nobody has counted. Past the functions, and without the application's keys.
const FILL: &str = "set session_replication_role = replica;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, check_at, started_at)
select i.id, i.id, i.id, i.id::text, 'active', now() + interval '1 day', now()
from generate_series(1, 1000) as n
cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.chat_heads (session_id) select s.id from stream.stream_sessions as s;
insert into stream.chat_relay (session_id) select s.id from stream.stream_sessions as s;
insert into stream.stream_viewers (session_id, user_id, agora_uid, lease_check_at)
select s.id, s.id, 1000000, now() + interval '1 day' from stream.stream_sessions as s;
insert into stream.viewer_changes (session_id) select s.id from stream.stream_sessions as s;
reset session_replication_role;
analyze";

/// A server of its own: transaction ids are counted in all its databases together.
async fn thousand_streams(name: &str) -> Result<(OwnCluster, TestDatabase)> {
    let mut options = Options::temporary(name)?;
    options.settings.push("autovacuum=off".to_owned());
    let own = OwnCluster::start(options)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    database.superuser().await?.batch_execute(FILL).await?;
    Ok((own, database))
}

async fn next_id(database: &TestDatabase) -> Result<i64> {
    database
        .value("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        .await
}

/// Ticks until no change is left but those of the streams in trouble; answers the calls and the ids that they spent.
async fn count_all(database: &TestDatabase) -> Result<(i64, i64)> {
    let service = database.service().await?;
    let (mut calls, mut ids) = (0, 0);
    let is_left = "select exists (select from stream.viewer_changes as c
        where c.session_id not in (select t.session_id from stream.troubles as t))";
    while database.value(is_left).await? {
        anyhow::ensure!(calls < 100, "it never came to an end");
        database
            .change("update stream.ticker set swept_at = '-infinity'")
            .await?;
        let before = next_id(database).await?;
        service.rpc("tick", json!({})).await?;
        ids += next_id(database).await? - before;
        calls += 1;
    }
    Ok((calls, ids))
}

/// Each transaction or subtransaction that wrote a count.
const UNITS: &str =
    "select count(distinct s.xmin::text) from stream.stream_sessions as s where s.viewer_count = 1";

#[tokio::test]
async fn a_thousand_streams_spend_an_id_for_each_unit_and_not_for_each_stream() -> Result<()> {
    let (_own, database) = thousand_streams("regular-work-ids").await?;
    let (calls, ids) = count_all(&database).await?;
    let units: i64 = database.value(UNITS).await?;
    let counted: i64 = database
        .value("select count(*) from stream.stream_sessions where viewer_count = 1")
        .await?;
    assert_eq!(counted, STREAMS);
    assert!(units <= MOST_UNITS, "{units} units");
    assert!(
        ids <= MOST_UNITS + BESIDE_UNITS * calls,
        "{ids} ids for {units} units in {calls} calls"
    );
    Ok(())
}

#[tokio::test]
async fn a_stream_that_fails_spends_a_dozen_more() -> Result<()> {
    let (_own, database) = thousand_streams("regular-work-failing-ids").await?;
    // One is found while it is counted, the other only at the end of its unit.
    database
        .change(
            "create function public.attack() returns trigger language plpgsql as $$
             begin
                 if new.id in (md5('77')::uuid, md5('777')::uuid) then
                     raise exception 'no';
                 end if;
                 return new;
             end
             $$;
             create trigger attack after update on stream.stream_sessions
             for each row when (new.id = md5('77')::uuid) execute function public.attack();
             create constraint trigger attack_late after update on stream.stream_sessions
             deferrable initially deferred
             for each row when (new.id = md5('777')::uuid) execute function public.attack()",
        )
        .await?;
    let (calls, ids) = count_all(&database).await?;
    let units: i64 = database.value(UNITS).await?;
    let counted: i64 = database
        .value("select count(*) from stream.stream_sessions where viewer_count = 1")
        .await?;
    assert_eq!(counted, STREAMS - 2);
    // Streams in trouble may have been tried again meanwhile.
    let attempts: i64 = database
        .value("select sum(attempts)::bigint from stream.troubles")
        .await?;
    assert!(attempts >= 2);
    assert!(
        ids <= MOST_UNITS + BESIDE_UNITS * calls + MORE_PER_FAILURE * attempts,
        "{ids} ids for {units} units in {calls} calls with {attempts} failures"
    );
    // What the failed units took is there again.
    let left: i64 = database
        .value("select count(distinct session_id) from stream.viewer_changes")
        .await?;
    assert_eq!(left, 2);
    Ok(())
}

#[tokio::test]
async fn a_tick_without_work_spends_no_transaction_id() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    service.rpc("tick", json!({})).await?;
    // In one transaction no time passes.
    database
        .change(
            "begin;
             update stream.ticker set swept_at = clock_timestamp() + interval '1 minute',
                 ticked_at = clock_timestamp() + interval '1 minute';
             commit;
             create function public.at_that_time() returns boolean language plpgsql as $$
             begin
                 perform stream.tick();
                 return pg_current_xact_id_if_assigned() is not null;
             end
             $$;
             update stream.ticker set swept_at = clock_timestamp(), ticked_at = clock_timestamp()",
        )
        .await?;
    let has_spent: bool = database.value("select public.at_that_time()").await?;
    assert!(!has_spent);
    database
        .change("update stream.ticker set swept_at = '-infinity'")
        .await?;
    let has_spent: bool = database.value("select public.at_that_time()").await?;
    assert!(has_spent, "the test sees nothing");
    Ok(())
}

/// A stream that is counted by the next tick, and whose count takes a minute.
async fn slow_stream(database: &TestDatabase) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    beat(&seller, id).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&format!(
            "create function public.attack() returns trigger language plpgsql as $$
             begin
                 perform pg_sleep(60);
                 return new;
             end
             $$;
             create trigger attack after update of viewer_count on stream.stream_sessions
             for each row when (new.id = '{id}') execute function public.attack()"
        ))
        .await?;
    Ok(id)
}

/// The unit's own timer ends the unit, everybody else's the call.
#[tokio::test]
async fn a_cancel_of_the_caller_ends_the_call() -> Result<()> {
    let database = TestDatabase::create().await?;
    slow_stream(&database).await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    let tick = tokio::spawn(async move { service.rpc("tick", json!({})).await });
    let superuser = database.superuser().await?;
    wait_until(
        &superuser,
        &format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {backend}"),
    )
    .await?;
    superuser
        .execute("select pg_cancel_backend($1)", &[&backend])
        .await?;
    let refused = tick.await?.err().context("it went on")?;
    let code = refused.code().context("the connection broke")?;
    assert_eq!(code.code(), "57014");
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    // And the next one is as ever.
    database.service().await?.rpc("tick", json!({})).await?;
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 1);
    Ok(())
}

/// Else nothing would ever be noted, and every call fail.
#[tokio::test]
async fn a_unit_ends_before_the_callers_statement_timeout() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database.change("set statement_timeout = '4s'").await?;
    database.change("select stream.tick()").await?;
    let sqlstate: String = database
        .value(&format!(
            "select sqlstate from stream.troubles where session_id = '{id}'"
        ))
        .await?;
    assert_eq!(sqlstate, "57014");
    Ok(())
}

#[tokio::test]
async fn a_stream_in_trouble_is_tried_again_later_and_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database
        .change(
            "create or replace function public.attack() returns trigger language plpgsql as $$
             begin
                 raise exception 'no';
             end
             $$",
        )
        .await?;
    let mut waits = Vec::new();
    for _ in 0..11 {
        database.tick().await?;
        let (attempts, wait): (i32, i32) = {
            let row = database
                .owner
                .query_one(
                    "select attempts, round(extract(epoch from next_attempt_at - clock_timestamp()) + 0.4)::integer
                     from stream.troubles where session_id = $1",
                    &[&id],
                )
                .await?;
            (row.get(0), row.get(1))
        };
        waits.push((attempts, wait));
        // Not before its time.
        database.tick().await?;
        let again: i32 = database
            .value("select attempts from stream.troubles")
            .await?;
        assert_eq!(again, attempts);
        database
            .change("update stream.troubles set next_attempt_at = now()")
            .await?;
    }
    let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
    for ((attempts, wait), (number, most)) in waits.iter().zip((1..).zip(expected)) {
        assert_eq!(*attempts, number);
        assert!(
            (0..=most).contains(wait),
            "{wait} s after {attempts} attempts"
        );
        // A machine may stand still, but not for half of these.
        assert!(
            most < 64 || *wait > most / 2,
            "{wait} s after {attempts} attempts"
        );
    }
    Ok(())
}

/// A trigger that ticks would work in the middle of a unit.
#[tokio::test]
async fn a_tick_inside_a_unit_does_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database
        .change(
            "create or replace function public.attack() returns trigger language plpgsql as $$
             begin
                 update stream.ticker set swept_at = '-infinity';
                 perform stream.tick();
                 perform stream.sweep();
                 return new;
             end
             $$",
        )
        .await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 1);
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    Ok(())
}
