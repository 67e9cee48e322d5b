//! Flushing the entries of prepared transactions, which are open without a session, and outlive a crash of the server.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use xtask::cluster::Options;

#[tokio::test]
async fn the_tail_of_a_prepared_transaction_is_sent_once_it_has_committed() -> Result<()> {
    let mut options = Options::temporary("tails-prepared")?;
    options
        .settings
        .push("max_prepared_transactions=2".to_owned());
    let mut own = OwnCluster::start(options)?;
    let mut database = TestDatabase::create_in(own.make_template("")?).await?;
    let [ends, goes, other] = [
        database.stream_in(StreamState::Active).await?,
        database.start_stream().await?,
        database.start_stream().await?,
    ];
    // The look for lost ones is over.
    database.tick().await?;
    for session in [ends, goes] {
        database.leave_unqueued(session, 1).await?;
        database
            .change(&format!(
                "begin;
                 select from stream.chat_relay where session_id = '{session}' for no key update;
                 insert into stream.chat_tails (session_id) values ('{session}');
                 prepare transaction '{session}'"
            ))
            .await?;
    }
    for crashes in [true, false] {
        for _ in 0..2 {
            database.leave_unflushed(other, 1).await?;
            database.tick().await?;
            assert_eq!(database.queued_flushes().await?, 0);
            assert!(database.sent(ends).await?.is_empty());
        }
        if crashes {
            own.cluster.crash()?;
            own.cluster.restart()?;
            database.environment.cluster = own.cluster.address().clone();
            database.owner = database.connect("postgres").await?;
        }
    }
    database
        .change(&format!("commit prepared '{ends}'"))
        .await?;
    database
        .change(&format!("rollback prepared '{goes}'"))
        .await?;
    assert_eq!(database.queued_flushes().await?, 1);
    database.tick().await?;
    assert_eq!(database.queued_flushes().await?, 0);
    assert_eq!(database.sent(ends).await?.concat(), [1, 2, 3]);
    assert!(database.sent(goes).await?.is_empty());
    Ok(())
}
