//! One stream's rows are held, its triggers fail, sleep or loop, or Realtime's table is locked: the regular
//! work for all other streams goes on, whoever does it.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use uuid::Uuid;

/// Each attack against each of the three who do the regular work.
macro_rules! attacks {
    ($($attack:ident: $worker:ident $tick:ident $pg_cron:ident;)+) => {
        $(
            #[tokio::test]
            async fn $worker() -> Result<()> {
                $attack(Ticking::start(Ticker::Worker, stringify!($attack)).await?).await
            }

            #[tokio::test]
            async fn $tick() -> Result<()> {
                $attack(Ticking::start(Ticker::Tick, stringify!($attack)).await?).await
            }

            #[tokio::test]
            async fn $pg_cron() -> Result<()> {
                $attack(Ticking::start(Ticker::Loop, stringify!($attack)).await?).await
            }
        )+
    };
}

mod between_units;
mod cancels;
mod failing_triggers;
mod governor;
mod held_rows;
mod locked_tables;
mod loops;
mod transaction_ids;
mod units;

/// A live stream for which everything is due soon: a viewer to be counted, a tail to be sent and, once
/// [`make_due`] says so, a host who is lost.
pub async fn stream(database: &TestDatabase) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    Ok(id)
}

pub async fn make_due(database: &TestDatabase, ids: &[Uuid]) -> Result<()> {
    for id in ids {
        database.append_messages(*id, 3, 10).await?;
        database
            .change(&format!(
                "update stream.chat_relay set flushed_seq = 0 where session_id = '{id}';
                 insert into stream.chat_tails (session_id) values ('{id}')"
            ))
            .await?;
        database.viewer(*id, demo::ADA).await?;
        // All at once, and nothing that a ticker waits for.
        make_host_lost(database, *id).await?;
    }
    Ok(())
}

/// Whether a stream is counted, timed out and sent.
pub fn is_done(id: Uuid) -> String {
    format!(
        "select s.state = 'error' and s.viewer_count = 1 and r.flushed_seq = h.last_seq
         from stream.stream_sessions as s
         join stream.chat_heads as h on h.session_id = s.id
         join stream.chat_relay as r on r.session_id = s.id
         where s.id = '{id}'"
    )
}

/// Moves the host's last sign of life so far back that the next sweep finds the host lost.
async fn make_host_lost(database: &TestDatabase, id: Uuid) -> Result<()> {
    database
        .change(&format!(
            "update stream.stream_sessions
             set host_seen_at = now() - interval '25 seconds', check_at = now() - interval '5 seconds'
             where id = '{id}'"
        ))
        .await
}
