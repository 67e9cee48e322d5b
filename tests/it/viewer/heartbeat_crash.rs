//! The cost of a heartbeat that does not wait for the disk, when the server is killed.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::own_cluster::OwnCluster;
use xtask::cluster::Options;

/// Heartbeats that were answered and lost leave what stood before them: a lease that is shorter by them,
/// and never a place, a count or a state that is gone.
#[tokio::test]
async fn lost_heartbeats_shorten_a_lease_and_nothing_else() -> Result<()> {
    let mut options = Options::temporary("crash-heartbeats")?;
    // So long that the heartbeats are lost for certain; the default loses at most 0.6 s of them.
    options.settings.push("wal_writer_delay=10s".to_owned());
    let mut own = OwnCluster::start(options)?;
    let mut database = TestDatabase::create_in(own.make_template("")?).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, 15).await?;
    let before = database.viewer_row(id, demo::ADA).await?;
    let host_before = database.session_row(id).await?;

    // A full page of WAL wakes the writer at once, whatever its delay: the heartbeats fit into a new one.
    let superuser = database.superuser().await?;
    superuser.batch_execute("select pg_switch_wal()").await?;
    for _ in 0..3 {
        assert_eq!(send_heartbeat(&ada, id).await?["status"], "ok");
        assert_eq!(send_heartbeat(&seller, id).await?["status"], "ok");
    }
    let beaten = database.viewer_row(id, demo::ADA).await?;
    assert_ne!(beaten["last_seen_at"], before["last_seen_at"]);
    own.cluster.crash()?;
    own.cluster.restart()?;
    database.environment.cluster = own.cluster.address().clone();
    database.owner = database.connect("postgres").await?;

    assert_eq!(database.viewer_row(id, demo::ADA).await?, before);
    assert_eq!(database.session_row(id).await?, host_before);
    // Fifteen seconds of the lease and of the host's timeout are gone, so they still hold.
    database.tick().await?;
    let session = database.session_row(id).await?;
    assert_eq!(
        json!([session["state"], session["viewer_count"]]),
        json!(["active", 1])
    );
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(send_heartbeat(&ada, id).await?["status"], "ok");
    assert_eq!(send_heartbeat(&seller, id).await?["status"], "ok");
    database.pass_time(id, 15).await?;
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}
