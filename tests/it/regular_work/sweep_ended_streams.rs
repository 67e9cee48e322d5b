//! Sweeps close what an ended stream left open: leases, tokens, subscriptions and log.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

/// Less than a lease, in seconds.
const WATCHED: i64 = 30;

/// A session that was ended past the functions, with everything left open.
async fn end_by_hand(database: &TestDatabase, viewers: usize) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    seller_token(&database.user(demo::SELLER).await?, id).await?;
    for number in 0..viewers {
        let user = database
            .add_user(&format!("{number}-{}", Uuid::new_v4().as_fields().0))
            .await?;
        let viewer = database.viewer(id, user).await?;
        buyer_token(&viewer, id).await?;
        let session = json!({"session_id": id});
        viewer.rpc("subscribe_to_chat", session).await?;
    }
    database.pass_time(id, WATCHED).await?;
    database
        .change(&format!(
            "update stream.stream_sessions
             set state = 'ended', ended_at = now(), check_at = null, viewer_count = 0
             where id = '{id}'"
        ))
        .await?;
    Ok(id)
}

async fn open_ends(database: &TestDatabase, session: Uuid) -> Result<BTreeMap<String, i64>> {
    let row: Value = database
        .value(&format!(
            "select jsonb_build_object(
                 'leases', (select count(*) from stream.stream_viewers
                            where session_id = '{session}' and is_active),
                 'tokens', (select count(*) from stream.agora_tokens
                            where session_id = '{session}' and is_active),
                 'subscriptions', (select count(*) from stream.chat_subscriptions
                                   where session_id = '{session}' and is_active),
                 'logs', (select count(*) from stream.chat_heads
                          where session_id = '{session}' and open))"
        ))
        .await?;
    Ok(serde_json::from_value(row)?)
}

#[tokio::test]
async fn what_an_ended_stream_left_open_is_closed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = end_by_hand(&database, 2).await?;
    assert_eq!(
        open_ends(&database, id)
            .await?
            .into_values()
            .collect::<Vec<_>>(),
        [2, 1, 2, 3]
    );
    assert_eq!(
        database.sweep().await?.handled(),
        [("ended_resources", 1)].into()
    );
    assert!(
        open_ends(&database, id)
            .await?
            .values()
            .all(|open| *open == 0)
    );
    assert_eq!(database.session_row(id).await?["is_cleaned"], true);
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn leases_that_were_left_open_count_as_watched_until_the_stream_ended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = end_by_hand(&database, 2).await?;
    database.sweep().await?;
    let (least, most): (i64, i64) = {
        let watched = "select min(watch_ms), max(watch_ms) from stream.stream_viewers";
        let row = database.owner.query_one(watched, &[]).await?;
        (row.get(0), row.get(1))
    };
    let expected = WATCHED * 1000..(WATCHED + 10) * 1000;
    assert!(expected.contains(&least) && expected.contains(&most));
    let left_at_the_end: bool = database
        .value(&format!(
            "select bool_and(v.left_at = s.ended_at and b.ended_at = s.ended_at)
             from stream.stream_sessions as s
             join stream.stream_viewers as v on v.session_id = s.id
             join stream.chat_subscriptions as b on b.session_id = s.id
             where s.id = '{id}'"
        ))
        .await?;
    assert!(left_at_the_end);
    Ok(())
}

/// Sum of what is open and may be more than one.
async fn left_open(database: &TestDatabase, session: Uuid) -> Result<i64> {
    let mut open = open_ends(database, session).await?;
    open.remove("logs");
    Ok(open.into_values().sum())
}

#[tokio::test]
async fn a_stream_that_left_more_open_than_a_batch_is_closed_in_several_sweeps() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 3 where id")
        .await?;
    let id = end_by_hand(&database, 4).await?;
    assert_eq!(left_open(&database, id).await?, 13);
    for open in [10, 7, 4, 1, 0] {
        assert_eq!(
            database.sweep().await?.handled(),
            [("ended_resources", 1)].into()
        );
        assert_eq!(left_open(&database, id).await?, open);
    }
    assert!(database.sweep().await?.handled().is_empty());
    assert_eq!(database.session_row(id).await?["is_cleaned"], true);
    Ok(())
}

/// The batch is of the sweep, not of each stream.
#[tokio::test]
async fn several_streams_that_left_something_open_share_a_batch() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 5 where id")
        .await?;
    let ids = [
        end_by_hand(&database, 1).await?,
        end_by_hand(&database, 1).await?,
    ];
    for open in [3, 0] {
        database.sweep().await?;
        let left = left_open(&database, ids[0]).await? + left_open(&database, ids[1]).await?;
        assert_eq!(left, open);
    }
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_token_of_an_ended_stream_that_somebody_holds_is_retired_by_the_next_sweep() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Ended).await?;
    let add = format!(
        "insert into stream.agora_tokens
             (user_id, session_id, token_hash, channel_id, uid, salt, privileges, expires_at, check_at)
         values ('{}', '{id}', repeat('0', 64), '{id}', 1, 1, '{{}}', now() + interval '1 hour',
             now() + interval '51 minutes')",
        demo::ADA
    );
    database.change(&add).await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; select from stream.agora_tokens for update")
        .await?;
    database.sweep().await?;
    holder.batch_execute("rollback").await?;
    assert_eq!(database.session_row(id).await?["is_cleaned"], false);
    database.sweep().await?;
    assert_eq!(database.session_row(id).await?["is_cleaned"], true);
    let is_active: bool = database
        .value("select is_active from stream.agora_tokens")
        .await?;
    assert!(!is_active);
    Ok(())
}
