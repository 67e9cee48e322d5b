//! Callers that turn waiting for the disk off between a message and its commit.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::own_cluster::OwnCluster;
use uuid::Uuid;

/// Without the wait, what was written is on disk a moment later; in so many rounds that shows.
const ROUNDS: usize = 10;

#[tokio::test]
async fn a_message_is_on_disk_though_the_caller_turns_waiting_off() -> Result<()> {
    is_on_disk("synchronous-commit", |_| {
        "set local synchronous_commit = off".to_owned()
    })
    .await
}

#[tokio::test]
async fn a_message_is_on_disk_though_a_heartbeat_follows() -> Result<()> {
    is_on_disk("synchronous-heartbeat", |stream| {
        let seller = demo::SELLER;
        format!("select stream.heartbeat(session_id => '{stream}', user_id => '{seller}')")
    })
    .await
}

#[tokio::test]
async fn a_message_is_on_disk_though_a_reaction_follows() -> Result<()> {
    is_on_disk("synchronous-reaction", |stream| {
        let claims = Identity::user(demo::SELLER).claims_text();
        format!(
            "set local role authenticated;
             select set_config('request.jwt.claims', '{claims}', true);
             select stream.send_reaction('{stream}', 'like')"
        )
    })
    .await
}

/// The frame goes with the message, or later.
async fn is_on_disk(name: &str, off: impl Fn(Uuid) -> String) -> Result<()> {
    // Else whatever other tests commit would flush it too.
    let (_own, database) = OwnCluster::with_database(name).await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let service = database.connect("authenticator").await?;
    let seller = demo::SELLER;
    let off = off(stream);
    for flushed_at in ["clock_timestamp()", "'-infinity'"] {
        for round in 0..ROUNDS {
            database
                .change(&format!(
                    "update stream.config set reaction_interval_ms = 1, reaction_burst = 1000;
                     update stream.ticker set sends_at = clock_timestamp();
                     update stream.chat_heads set host_chat_tat = '-infinity';
                     update stream.reaction_rates set tat = '-infinity';
                     update stream.chat_relay set flushed_at = {flushed_at}"
                ))
                .await?;
            service
                .batch_execute(&format!(
                    "begin;
                     set local role service_role;
                     select stream.send_message('{stream}', '{seller}', 'hi');
                     {off};
                     select set_config('tests.written', pg_current_wal_insert_lsn()::text, false);
                     commit"
                ))
                .await?;
            let is_on_disk =
                "select pg_current_wal_flush_lsn() >= current_setting('tests.written')::pg_lsn";
            let row = service.query_one(is_on_disk, &[]).await?;
            assert!(row.get::<_, bool>(0), "round {round}: {off}, {flushed_at}");
        }
    }
    Ok(())
}
