//! Moving both ways under load: nothing that was acknowledged is lost, and nobody hears of it.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::load_over_moves::Load;
use stream_tests::stream::numbers;
use uuid::Uuid;
use xtask::edition::Edition;

use super::{LEFT, edition_of, move_to};

const MOVES: usize = 3;

/// The run of the database that a client is told of.
async fn epoch(database: &TestDatabase, stream: Uuid) -> Result<Value> {
    let service = database.service().await?;
    let missed = service.rpc("sync", json!({"session_id": stream})).await?;
    Ok(missed["epoch"].clone())
}

#[tokio::test]
async fn moving_under_load_loses_nothing_and_fails_no_call() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Native).await?;
    let load = Load::start(&database).await?;
    let stream = load.stream;
    let before = epoch(&database, stream).await?;
    assert!(before.is_string());
    load.goes_on().await?;
    for _ in 0..MOVES {
        for edition in [Edition::Sql, Edition::Native] {
            move_to(&database, edition).await?;
            assert_eq!(edition_of(&database).await?, edition);
            load.goes_on().await?;
            assert_eq!(epoch(&database, stream).await?, before);
        }
    }
    assert_eq!(database.value::<i64>(LEFT).await?, 0);
    let told = load.end().await?;
    assert!(told.faults.is_empty(), "{:#?}", told.faults);

    let log = database.log(stream).await?;
    let numbers = numbers(&log);
    let dense: Vec<i64> = (1..=i64::try_from(log.len())?).collect();
    assert_eq!(numbers, dense);
    for (id, seq) in &told.sent {
        let stored = &log[usize::try_from(*seq)? - 1];
        assert_eq!(stored["id"], json!(id), "{seq}");
    }
    // Every entry is in a frame.
    database.service().await?.rpc("tick", json!({})).await?;
    database.flush(stream).await?;
    let missing: Option<String> = database
        .value(&format!(
            "select string_agg(m.seq::text, ', ' order by m.seq) from stream.chat_messages as m
             where m.session_id = '{stream}' and not exists (
                 select from realtime.messages as f
                 where f.topic = 'chat:{stream}' and f.event = 'messages'
                     and m.seq between (f.payload ->> 'from_seq')::bigint and (f.payload ->> 'to_seq')::bigint)"
        ))
        .await?;
    assert_eq!(missing, None);
    Ok(())
}
