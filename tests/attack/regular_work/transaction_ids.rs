//! What the regular work costs in transaction ids, whoever does it: at most one for each unit, a dozen more for each
//! stream that fails, and none when nothing is due.

use anyhow::Result;
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::ticking::database_with_worker;
use stream_tests::waiting::wait_until;
use xtask::cluster::Options;

const STREAMS: i64 = 1000;

/// A unit looks at the clock after every eighth stream, so that no machine is too slow for this.
const MOST_UNITS: i64 = STREAMS / 8;

/// Of a call besides the units that count: its own transaction, and units for the two marks of the ticker, the plan of
/// the governor, what is done for no stream (the canary, late events) and the queue of tails, which may fail alone.
const BESIDE_COUNTS: i64 = 7;

const MORE_PER_FAILURE: i64 = 12;

/// Live streams of one viewer each, whom nobody has counted. Past the functions, and without the application's keys.
const FILL: &str = "set session_replication_role = replica;
-- A lease that lay further ahead than leases do would be corrected.
update stream.config set lease_s = 600;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, check_at, started_at)
select i.id, i.id, i.id, i.id::text, 'active', now() + interval '1 day', now()
from generate_series(1, 1000) as n
cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.chat_heads (session_id) select s.id from stream.stream_sessions as s;
insert into stream.chat_relay (session_id) select s.id from stream.stream_sessions as s;
insert into stream.stream_viewers (session_id, user_id, agora_uid, lease_check_at)
select s.id, s.id, 1000000, now() + interval '10 minutes' from stream.stream_sessions as s;
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

/// Ticks until no change is left but those of the streams in trouble; returns the calls and the ids that they spent.
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
        ids <= units + BESIDE_COUNTS * calls,
        "{ids} ids for {units} units in {calls} calls"
    );
    Ok(())
}

/// A transaction of this loop may only fail as a whole at its commit, so the unit in it is a subtransaction.
#[tokio::test]
async fn the_loop_spends_one_id_for_a_unit_and_one_for_its_transaction() -> Result<()> {
    let (_own, database) = thousand_streams("regular-work-loop-ids").await?;
    database
        .change("select stream_private.begin_work()")
        .await?;
    let (mut transactions, mut ids) = (0, 0);
    while database
        .value::<bool>("select exists (select from stream.viewer_changes)")
        .await?
    {
        anyhow::ensure!(transactions < 1000, "it never came to an end");
        let before = next_id(&database).await?;
        let goes_on: bool = database.value("select stream_private.work()").await?;
        anyhow::ensure!(goes_on, "the loop ended early");
        let spent = next_id(&database).await? - before;
        assert!(spent <= 2, "{spent} ids in one transaction");
        ids += spent;
        transactions += 1;
    }
    let units: i64 = database.value(UNITS).await?;
    assert!(units <= MOST_UNITS, "{units} units");
    assert!(
        units * 2 <= ids,
        "{ids} ids for {units} units: the test sees nothing"
    );
    Ok(())
}

/// The ids that the log of the server names, and how many of them a commit of their own: a subtransaction
/// has none, and neither has what was rolled back.
const SPENT: &str = "select count(distinct w.xid::text),
    count(distinct w.xid::text) filter (where w.record_type like 'COMMIT%'),
    string_agg(distinct w.xid::text, ', ') filter (where w.record_type like 'ABORT%')
from pg_get_wal_records_info($1::text::pg_lsn, pg_current_wal_flush_lsn()) as w
where w.xid::text <> '0' and w.xid::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

#[tokio::test]
async fn the_worker_spends_one_id_for_a_unit() -> Result<()> {
    let (_own, database) = database_with_worker("regular-work-worker-ids").await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("create extension pg_walinspect")
        .await?;
    let since: String = superuser
        .query_one("select pg_current_wal_lsn()::text", &[])
        .await?
        .get(0);
    superuser.batch_execute(FILL).await?;
    wait_until(
        &superuser,
        "select count(*) = 1000 from stream.stream_sessions where viewer_count = 1",
    )
    .await?;
    let units: i64 = database.value(UNITS).await?;
    assert!(units <= MOST_UNITS, "{units} units");
    let spent = superuser.query_one(SPENT, &[&since]).await?;
    let (ids, commits): (i64, i64) = (spent.get(0), spent.get(1));
    assert_eq!(
        ids,
        commits,
        "aborted: {:?}",
        spent.get::<_, Option<String>>(2)
    );
    assert!(commits >= units, "the test sees nothing");
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
    // Neither twice in one call.
    assert!(
        attempts <= 2 * calls,
        "{attempts} attempts in {calls} calls"
    );
    assert!(
        ids <= units + BESIDE_COUNTS * calls + MORE_PER_FAILURE * attempts,
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
