//! Entries of a log that no frame carries yet, which writers leave to the ticker, and how a test leaves them.

use anyhow::Result;
use serde_json::Value;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::stream::numbers;

impl TestDatabase {
    /// Entries of a log that no frame carries, with a row in the queue that says so.
    pub async fn leave_unflushed(&self, session: Uuid, entries: i64) -> Result<()> {
        self.leave_unqueued(session, entries).await?;
        self.change(&format!(
            "insert into stream.chat_tails (session_id) values ('{session}')"
        ))
        .await
    }

    /// Entries of a log that no frame carries, and nothing in the queue.
    pub async fn leave_unqueued(&self, session: Uuid, entries: i64) -> Result<()> {
        self.append_messages(session, entries, 10).await?;
        self.change(&format!(
            "delete from realtime.messages where topic = 'chat:{session}';
             update stream.chat_relay set flushed_seq = 0 where session_id = '{session}'"
        ))
        .await
    }

    /// Rows in the queue, and sessions that were taken from it and not sent.
    pub async fn queued_flushes(&self) -> Result<i64> {
        self.value(
            "select (select count(*) from stream.chat_tails)
                 + coalesce(sum(cardinality(r.unsent)), 0)::bigint
             from stream.chat_tail_reads as r",
        )
        .await
    }

    /// The numbers that the frames of a session carry, frame by frame.
    pub async fn sent(&self, session: Uuid) -> Result<Vec<Vec<i64>>> {
        let frames = self.frames(session).await?;
        let of = |frame: &Value| numbers(frame["messages"].as_array().map_or(&[], Vec::as_slice));
        Ok(frames.iter().map(of).collect())
    }

    /// Whether a ticker that sends was seen this moment, or none for a while.
    pub async fn set_ticker_alive(&self, is_alive: bool) -> Result<()> {
        let age = if is_alive { "0 s" } else { "3 s" };
        self.change(&format!(
            "update stream.ticker
             set sends_at = clock_timestamp() - interval '{age}', swept_at = clock_timestamp()"
        ))
        .await
    }

    /// Takes today's partition of `realtime.messages` away, or puts it back.
    pub async fn set_partition(&self, is_there: bool) -> Result<()> {
        let change = if is_there {
            "execute format('alter table realtime.put_aside rename to %I', today);
             execute format('alter table realtime.messages attach partition realtime.%I
                 for values from (%L) to (%L)', today,
                 date_trunc('day', now() at time zone 'UTC'),
                 date_trunc('day', now() at time zone 'UTC') + interval '1 day');"
        } else {
            "execute format('alter table realtime.messages detach partition realtime.%1$I;
                 alter table realtime.%1$I rename to put_aside', today);"
        };
        let superuser = self.superuser().await?;
        superuser
            .batch_execute(&format!(
                "do $$
                 declare today text := to_char(now() at time zone 'UTC', '\"messages_\"YYYY_MM_DD');
                 begin {change} end $$"
            ))
            .await?;
        Ok(())
    }
}
