//! A server that is killed in the middle of a move has the one edition or the other, whole, and the move can be made again.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::waiting::wait_until;
use uuid::Uuid;
use xtask::cluster::Options;
use xtask::edition::Edition;

use super::catalogue::assert_as_new;
use super::{LEFT, begin_move, edition_of, move_to};

async fn crash(own: &mut OwnCluster, database: &mut TestDatabase) -> Result<()> {
    own.cluster.crash()?;
    own.cluster.restart()?;
    database.environment.cluster = own.cluster.address().clone();
    database.owner = database.connect("postgres").await?;
    Ok(())
}

async fn send(database: &TestDatabase, stream: Uuid) -> Result<i64> {
    let ada = database.user(demo::ADA).await?;
    let arguments = json!({"session_id": stream, "content": "after", "id": Uuid::new_v4()});
    let sent = ada.rpc("send_message", arguments).await?;
    Ok(sent["seq"].as_i64().unwrap_or(0))
}

#[tokio::test]
async fn a_killed_move_leaves_one_whole_edition() -> Result<()> {
    let mut own = OwnCluster::start(Options::temporary("edition-crash")?)?;
    let environment = own.make_template("")?;
    let mut database = TestDatabase::of_edition_in(environment.clone(), Edition::Native).await?;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let mut seq = send(&database, stream).await?;
    for edition in [Edition::Sql, Edition::Native] {
        let before = edition_of(&database).await?;
        let holder = database.connect("postgres").await?;
        holder
            .batch_execute("begin; lock table stream_private.code_objects in access share mode")
            .await?;
        let moving = begin_move(&database, edition);
        wait_until(
            &database.superuser().await?,
            "select exists (select from pg_locks as l
                 where l.relation = 'stream_private.code_objects'::regclass and not l.granted)",
        )
        .await?;
        crash(&mut own, &mut database).await?;
        assert!(moving.await?.is_err());
        assert_eq!(edition_of(&database).await?, before);
        seq += 1;
        assert_eq!(send(&database, stream).await?, seq);

        // And behind the move, while what is left of SQL waits for a transaction to end.
        if edition == Edition::Native {
            let open = database.user(demo::BEN).await?;
            open.begin().await?;
            open.query_within("select to_json(1)").await?;
            let moving = begin_move(&database, edition);
            wait_until(&database.owner, "select stream_private.is_native()").await?;
            crash(&mut own, &mut database).await?;
            assert!(moving.await?.is_err());
            assert_eq!(edition_of(&database).await?, edition);
            assert!(database.value::<i64>(LEFT).await? > 100);
            seq += 1;
            assert_eq!(send(&database, stream).await?, seq);
        }
        move_to(&database, edition).await?;
        assert_eq!(edition_of(&database).await?, edition);
        seq += 1;
        assert_eq!(send(&database, stream).await?, seq);
    }
    assert_eq!(database.value::<i64>(LEFT).await?, 0);
    database.environment.cluster = own.cluster.address().clone();
    let new = TestDatabase::of_edition_in(database.environment.clone(), Edition::Native).await?;
    assert_as_new(&database, &new).await
}
