//! A sweep in whose middle the server was killed.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use tokio::sync::mpsc;
use uuid::Uuid;
use xtask::cluster::Options;

const SESSIONS: usize = 40;
const VIEWERS: i64 = 500;
const BATCH: i64 = 100;

/// Half of the streams have leases that are over, the other half should end.
async fn make_due(database: &TestDatabase) -> Result<()> {
    database
        .change(&format!(
            "update stream.config set sweep_batch_size = {BATCH} where id"
        ))
        .await?;
    for number in 0..SESSIONS {
        let is_paused = number % 2 == 0;
        let state = if is_paused {
            StreamState::Paused
        } else {
            StreamState::Active
        };
        let id = database.stream_in(state).await?;
        fill(database, id).await?;
        database
            .pass_time(id, if is_paused { 3700 } else { 100 })
            .await?;
    }
    Ok(())
}

/// Viewers past the functions: the superuser leaves the foreign keys out.
async fn fill(database: &TestDatabase, session: Uuid) -> Result<()> {
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into stream.stream_viewers (session_id, user_id, agora_uid)
             select '{session}', gen_random_uuid(), 1000000 + n
             from generate_series(1, {VIEWERS}) as n;
             insert into stream.viewer_changes (session_id) values ('{session}')"
        ))
        .await?;
    Ok(())
}

/// What must be true after any crash: no stream that has half ended, no lease half over. A lease that somebody
/// holds while a sweep ends its stream is left to the next sweep, and until then the stream is not clean.
async fn assert_whole(database: &TestDatabase) -> Result<()> {
    let broken: Vec<String> = database
        .owner
        .query(
            "select format('%s %s', s.state, s.id) from stream.stream_sessions as s
             join stream.chat_heads as h on h.session_id = s.id
             join stream.chat_relay as r on r.session_id = s.id
             cross join lateral (
                 select count(*) filter (where v.is_active) as active,
                     count(*) filter (where v.is_active = (v.left_at is not null)) as torn
                 from stream.stream_viewers as v where v.session_id = s.id
             ) as viewers
             cross join lateral (
                 select count(*) as entries, max(m.seq) as newest,
                     count(*) filter (where m.metadata ->> 'state' = 'ended') as ends
                 from stream.chat_messages as m where m.session_id = s.id
             ) as log
             where viewers.torn > 0 or log.entries <> h.last_seq or log.newest <> h.last_seq
                 or r.flushed_seq <> h.last_seq
                 or (s.state = 'ended') <> (log.ends = 1) or h.open <> (log.ends = 0)
                 or (s.is_cleaned and (s.state <> 'ended' or viewers.active > 0))",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_half_done_and_the_next_sweeps_finish() -> Result<()> {
    let mut own = OwnCluster::start(Options::temporary("crash")?)?;
    let mut database = TestDatabase::create_in(own.make_template("")?).await?;
    make_due(&database).await?;

    for _ in 0..3 {
        let service = database.service().await?;
        let (swept, mut sweeps) = mpsc::channel(100);
        let sweeper = tokio::spawn(async move {
            // Ends when the server does.
            while let Ok(rules) = service.rpc_rows("sweep", json!({})).await {
                if swept.send(rules).await.is_err() {
                    return;
                }
            }
        });
        // One that never commits, and one that may be anywhere.
        let held = database.service().await?;
        held.begin().await?;
        held.rpc_within("sweep", json!({})).await?;
        let held = tokio::spawn(async move { held.rpc_within("sweep", json!({})).await });
        for _ in 0..2 {
            if tokio::time::timeout(std::time::Duration::from_millis(200), sweeps.recv())
                .await
                .is_err()
            {
                break;
            }
        }
        own.cluster.crash()?;
        sweeper.await?;
        let _ = held.await?;
        own.cluster.restart()?;
        database.environment.cluster = own.cluster.address().clone();
        database.owner = database.connect("postgres").await?;
        assert_whole(&database).await?;
    }
    let left: i64 = database
        .value("select count(*) from stream.stream_viewers where is_active")
        .await?;
    assert!(left > 0, "the crashes came too late");

    while !database.sweep().await?.handled().is_empty() {}
    database.tick().await?;
    assert_whole(&database).await?;
    let counts: (i64, i64, i64) = {
        let row = database
            .owner
            .query_one(
                "select count(*) filter (where s.state = 'ended'), sum(s.viewer_count)::bigint,
                     (select count(*) from stream.stream_viewers where is_active)
                 from stream.stream_sessions as s",
                &[],
            )
            .await?;
        (row.get(0), row.get(1), row.get(2))
    };
    assert_eq!(counts, (SESSIONS as i64 / 2, 0, 0));
    Ok(())
}
