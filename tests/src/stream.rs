//! Streams in the states that tests need.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::demo;
use crate::session::Session;

impl TestDatabase {
    /// A new stream of the demo seller, of an auction of its own, in state `initializing`.
    pub async fn start_stream(&self) -> Result<Uuid> {
        let auction = self.add_auction(demo::SELLER).await?;
        let seller = self.user(demo::SELLER).await?;
        let session = seller
            .rpc("start_stream", json!({"auction_id": auction}))
            .await?;
        session_id(&session)
    }

    /// A new stream of the demo seller in any state.
    pub async fn stream_in(&self, state: StreamState) -> Result<Uuid> {
        let id = self.start_stream().await?;
        let seller = self.user(demo::SELLER).await?;
        let path: &[StreamState] = match state {
            StreamState::Initializing => &[],
            StreamState::Paused => &[StreamState::Active, StreamState::Paused],
            StreamState::Active => &[StreamState::Active],
            StreamState::Ended => &[StreamState::Ended],
            StreamState::Error => &[StreamState::Error],
        };
        for step in path {
            move_to(&seller, id, *step).await?;
        }
        Ok(id)
    }

    /// A user's connection, joined as a viewer.
    pub async fn viewer(&self, session: Uuid, user: Uuid) -> Result<Session> {
        let viewer = self.user(user).await?;
        viewer
            .rpc("add_viewer", json!({"session_id": session}))
            .await?;
        Ok(viewer)
    }

    /// The row of a session, as JSON.
    pub async fn session_row(&self, session: Uuid) -> Result<Value> {
        self.value(&format!(
            "select to_jsonb(s) from stream.stream_sessions as s where s.id = '{session}'"
        ))
        .await
    }

    /// The log of a session, as JSON objects in the order of `seq`.
    pub async fn log(&self, session: Uuid) -> Result<Vec<Value>> {
        let rows = self
            .owner
            .query(
                "select to_jsonb(m) from stream.chat_messages as m
                 where m.session_id = $1 order by m.seq",
                &[&session],
            )
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// Calls `update_stream_state`.
pub async fn move_to(
    caller: &Session,
    session: Uuid,
    state: StreamState,
) -> Result<Value, tokio_postgres::Error> {
    let arguments = json!({"session_id": session, "state": state.as_str()});
    caller.rpc("update_stream_state", arguments).await
}

/// Sends a chat message in the caller's own name.
pub async fn send_message(
    caller: &Session,
    session: Uuid,
    content: &str,
) -> Result<Value, tokio_postgres::Error> {
    let arguments = json!({"session_id": session, "user_id": null, "content": content});
    caller.rpc("send_message", arguments).await
}

/// The id in an answer that describes a session.
pub fn session_id(session: &Value) -> Result<Uuid> {
    let id = session["id"].as_str().context("the answer has no id")?;
    Ok(Uuid::parse_str(id)?)
}

impl TestDatabase {
    /// Appends `count` messages of the seller to a log in one statement, past the functions; and
    /// flushes them. `width` is the length of each.
    pub async fn append_messages(&self, session: Uuid, count: i64, width: i32) -> Result<()> {
        self.owner
            .execute(
                "with head as (
                     update stream.chat_heads
                     set last_seq = last_seq + $2,
                         last_at = greatest(clock_timestamp(), last_at)
                             + $2 * interval '1 microsecond'
                     where session_id = $1
                     returning last_seq - $2 as above, last_at
                 )
                 insert into stream.chat_messages
                     (session_id, seq, user_id, username, content, created_at, updated_at)
                 select $1, h.above + n, $4, 'seller', rpad(n::text, $3, '.'), at.time, at.time
                 from head as h
                 cross join generate_series(1, $2) as n
                 cross join lateral (
                     select h.last_at - ($2 - n) * interval '1 microsecond' as time
                 ) as at
                 order by n",
                &[&session, &count, &width, &demo::SELLER],
            )
            .await?;
        self.flush(session).await
    }

    /// Sends every entry that no frame carries yet.
    pub async fn flush(&self, session: Uuid) -> Result<()> {
        self.native(&format!("select stream_ext.flush('{session}')"))
            .await
    }
}

/// The numbers of log entries or messages.
pub fn numbers(entries: &[Value]) -> Vec<i64> {
    entries
        .iter()
        .filter_map(|entry| entry["seq"].as_i64())
        .collect()
}
