//! Events of a time without today's partition: sent late where they are still true, else the topic is told to resynchronise.

mod restrictions;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{lift, restrict};
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

/// The events of a topic without their times.
async fn events(database: &TestDatabase, topic: &str) -> Result<Vec<(String, Value)>> {
    let sent = database.broadcasts(topic).await?;
    let events = sent.into_iter().map(|sent| {
        let mut payload = sent.payload;
        if let Some(members) = payload.as_object_mut() {
            members.remove("server_time");
        }
        (sent.event, payload)
    });
    Ok(events.collect())
}

async fn kept(database: &TestDatabase) -> Result<i64> {
    database
        .value("select count(*) from stream.late_events")
        .await
}

fn missed(session: Uuid) -> (String, Value) {
    let payload = json!({"session_id": session, "reason": "missed_event"});
    ("resync".to_owned(), payload)
}

/// A live stream whose broadcasts are all sent, and from now on no partition.
async fn without_partition() -> Result<(TestDatabase, Uuid, Session)> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.tick().await?;
    let seller = database.user(demo::SELLER).await?;
    database.drop_partition_of_today().await?;
    Ok((database, id, seller))
}

#[tokio::test]
async fn the_newest_state_is_sent_late_and_none_before_it() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    move_to(&seller, id, StreamState::Paused).await?;
    move_to(&seller, id, StreamState::Active).await?;
    move_to(&seller, id, StreamState::Paused).await?;
    database.tick().await?;
    assert_eq!(kept(&database).await?, 1);
    database.bring_partition_back().await?;
    database.tick().await?;
    let topic = format!("stream:{id}");
    let sent = events(&database, &topic).await?;
    let row = database.session_row(id).await?;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].0, "state");
    assert_eq!(sent[0].1["state"], "paused");
    assert_eq!(sent[0].1["seq"], row["state_seq"]);
    // Once.
    database.tick().await?;
    assert_eq!(events(&database, &topic).await?, sent);
    assert_eq!(kept(&database).await?, 0);
    Ok(())
}

/// Clients take the difference of the clocks from it.
#[tokio::test]
async fn a_late_event_bears_the_time_at_which_it_is_sent() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    move_to(&seller, id, StreamState::Paused).await?;
    database
        .change(
            "update stream.late_events set noted_at = now() - interval '1 hour',
             payload = jsonb_set(payload, '{server_time}', to_jsonb(now() - interval '1 hour'))",
        )
        .await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    let is_new: bool = database
        .value(&format!(
            "select (payload ->> 'server_time')::timestamptz > now() - interval '10 minutes'
             from realtime.messages where topic = 'stream:{id}'"
        ))
        .await?;
    assert!(is_new);
    Ok(())
}

#[tokio::test]
async fn a_state_that_has_changed_since_is_replaced_by_a_hint() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    move_to(&seller, id, StreamState::Paused).await?;
    database.bring_partition_back().await?;
    move_to(&seller, id, StreamState::Active).await?;
    database.tick().await?;
    let sent = events(&database, &format!("stream:{id}")).await?;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0].1["state"], "active");
    assert_eq!(sent[1], missed(id));
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_stream_is_sent_late_to_its_viewers_and_to_the_list() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    move_to(&seller, id, StreamState::Ended).await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    let sent = events(&database, &format!("stream:{id}")).await?;
    assert_eq!(sent[0].1["state"], "ended");
    let listed = events(&database, "live").await?;
    assert_eq!(
        listed.last().map(|sent| &sent.1["state"]),
        Some(&json!("ended"))
    );
    Ok(())
}

/// The count of now is sent late; one that changed since, by another tick, is replaced by a hint.
#[tokio::test]
async fn a_viewer_count_is_sent_late_while_it_is_the_present_one() -> Result<()> {
    let (database, id, _) = without_partition().await?;
    let topic = format!("viewers:{id}");
    for user in [demo::ADA, demo::BEN] {
        database.viewer(id, user).await?;
        database.tick().await?;
    }
    assert_eq!(kept(&database).await?, 1);
    database.bring_partition_back().await?;
    database.tick().await?;
    let first = json!({"session_id": id, "viewer_count": 2, "peak": 2});
    let first = ("viewer_count".to_owned(), first);
    assert_eq!(
        events(&database, &topic).await?,
        std::slice::from_ref(&first)
    );

    database.drop_partition_of_today().await?;
    database.viewer(id, demo::CLEO).await?;
    database.tick().await?;
    database.bring_partition_back().await?;
    database
        .change(&format!(
            "update stream.stream_sessions set viewer_count = 1 where id = '{id}'"
        ))
        .await?;
    database.tick().await?;
    let sent = events(&database, &topic).await?;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0].1["viewer_count"], 1);
    assert_eq!(sent[1], missed(id));
    Ok(())
}

/// What is sent late is not sent behind what is newer: a stream that somebody changes is left to a later round.
#[tokio::test]
async fn a_stream_that_somebody_changes_is_left_out_and_others_are_told() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    let other = database.stream_in(StreamState::Active).await?;
    for session in [id, other] {
        move_to(&seller, session, StreamState::Paused).await?;
    }
    database.bring_partition_back().await?;
    seller.begin().await?;
    let active = json!({"session_id": id, "state": "active"});
    seller.rpc_within("update_stream_state", active).await?;
    database.tick().await?;
    assert!(events(&database, &format!("stream:{id}")).await?.is_empty());
    let sent = events(&database, &format!("stream:{other}")).await?;
    assert_eq!(sent.len(), 1);
    seller.commit().await?;
    database.tick().await?;
    let sent = events(&database, &format!("stream:{id}")).await?;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0].1["state"], "active");
    assert_eq!(sent[1], missed(id));
    assert_eq!(kept(&database).await?, 0);
    Ok(())
}

/// One fault, one stream: it is quarantined as every other failure of the regular work.
#[tokio::test]
async fn an_event_that_cannot_be_sent_keeps_no_other_from_being_sent() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    let other = database.stream_in(StreamState::Active).await?;
    for session in [id, other] {
        move_to(&seller, session, StreamState::Paused).await?;
    }
    database
        .change(&format!(
            "update stream.late_events set payload = payload || '{{\"seq\": \"none\"}}' where session_id = '{id}'"
        ))
        .await?;
    database.bring_partition_back().await?;
    database.tick().await?;
    assert_eq!(
        events(&database, &format!("stream:{other}")).await?.len(),
        1
    );
    let noted: Value = database
        .value("select jsonb_agg(jsonb_build_object('rule', rule, 'session', session_id)) from stream.troubles")
        .await?;
    assert_eq!(noted, json!([{"rule": "late_events", "session": id}]));
    assert_eq!(kept(&database).await?, 1);
    Ok(())
}

/// An installation whose Realtime is away keeps one row for each subject, whatever happens there.
#[tokio::test]
async fn a_long_time_without_a_partition_keeps_one_row_for_each_subject() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    for _ in 0..5 {
        move_to(&seller, id, StreamState::Paused).await?;
        move_to(&seller, id, StreamState::Active).await?;
        let ada = database.viewer(id, demo::ADA).await?;
        database.tick().await?;
        ada.rpc("remove_viewer", json!({"session_id": id})).await?;
        database.tick().await?;
        restrict(&seller, "mute_user", id, demo::ADA).await?;
        lift(&seller, id, demo::ADA, "mute").await?;
        send_message(&seller, id, "hello").await?;
    }
    let subjects: Value = database
        .value("select jsonb_agg(subject order by subject) from stream.late_events")
        .await?;
    assert_eq!(subjects, json!(["mute", "state", "viewer_count"]));
    Ok(())
}

#[tokio::test]
async fn what_is_kept_goes_with_its_stream() -> Result<()> {
    let (database, id, seller) = without_partition().await?;
    move_to(&seller, id, StreamState::Ended).await?;
    assert_eq!(kept(&database).await?, 2);
    database
        .change(&format!(
            "update stream.stream_sessions set ended_at = now() - interval '1000 days', is_cleaned = true where id = '{id}'"
        ))
        .await?;
    for _ in 0..3 {
        database.sweep().await?;
    }
    assert_eq!(
        database
            .value::<i64>("select count(*) from stream.stream_sessions")
            .await?,
        0
    );
    assert_eq!(kept(&database).await?, 0);
    Ok(())
}
