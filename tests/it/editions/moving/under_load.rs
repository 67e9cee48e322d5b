//! Moving both ways under load: nothing that was acknowledged is lost, and nobody hears of it.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::load_over_moves::{Load, SUCCESSES, Told};
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
    let [stream, other] = load.streams;
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
    // Refusals are the exception: every kind of call succeeded before, between and after the moves.
    let pauses = 2 * MOVES + 1;
    for (stream, senders) in [(stream, 2), (other, 1)] {
        let sent = told.sent.iter().filter(|(of, ..)| *of == stream);
        let least = senders * pauses * usize::try_from(SUCCESSES)?;
        assert!(sent.count() >= least, "{:#?}", told.refusals);
        expect_whole_log(&database, stream, &told).await?;
    }
    Ok(())
}

/// Numbers without holes, every message that was acknowledged, and every entry in a frame.
async fn expect_whole_log(database: &TestDatabase, stream: Uuid, told: &Told) -> Result<()> {
    let log = database.log(stream).await?;
    let numbers = numbers(&log);
    let dense: Vec<i64> = (1..=i64::try_from(log.len())?).collect();
    assert_eq!(numbers, dense);
    for (_, id, seq) in told.sent.iter().filter(|(of, ..)| *of == stream) {
        let stored = usize::try_from(*seq - 1).ok().and_then(|at| log.get(at));
        assert_eq!(
            stored.map(|stored| &stored["id"]),
            Some(&json!(id)),
            "{seq}"
        );
    }
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
