//! The end of a stream: its last totals hold every reaction that was accepted, and then nothing is kept.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState::{Active, Ended};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::reactions::{react, react_within};
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::move_to;
use uuid::Uuid;

async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(Active).await?;
    Ok((database, session))
}

async fn is_cleaned(database: &TestDatabase, session: Uuid) -> Result<bool> {
    Ok(database.session_row(session).await?["is_cleaned"] == true)
}

#[tokio::test]
async fn the_last_totals_follow_the_end_and_nothing_is_kept() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    react(&ada, session, "love").await?;
    database.tick().await?;
    react(&ada, session, "fire").await?;
    react(&seller, session, "love").await?;
    move_to(&seller, session, Ended).await?;
    database.tick().await?;
    assert_eq!(
        database.reactions_sent(session).await?,
        [
            json!([["love", 1, 1]]),
            json!([["fire", 1, 1], ["love", 2, 1]])
        ]
    );
    database.keeps_no_reactions(session).await?;
    assert!(is_cleaned(&database, session).await?);
    Ok(())
}

#[tokio::test]
async fn a_stream_without_reactions_ends_without_a_broadcast_of_them() -> Result<()> {
    let (database, session) = live().await?;
    move_to(&database.user(demo::SELLER).await?, session, Ended).await?;
    database.tick().await?;
    assert!(database.reactions_sent(session).await?.is_empty());
    assert!(is_cleaned(&database, session).await?);
    Ok(())
}

/// The end waits for whoever has reacted, viewer or seller.
#[tokio::test]
async fn a_reaction_before_the_end_is_in_the_last_totals() -> Result<()> {
    for user in [demo::ADA, demo::SELLER] {
        let (database, session) = live().await?;
        if user != demo::SELLER {
            database.viewer(session, user).await?;
        }
        let open = database.user(user).await?;
        open.begin().await?;
        react_within(&open, session, "love").await?;
        let service = database.service().await?;
        let backend = service.backend().await?;
        let ending = tokio::spawn(async move {
            let of = json!({"session_id": session});
            service.rpc("end_stream", of).await
        });
        wait_until_blocked(&database.owner, backend).await?;
        open.commit().await?;
        ending.await??;
        database.tick().await?;
        assert_eq!(
            database.reactions_sent(session).await?,
            [json!([["love", 1, 1]])]
        );
        database.keeps_no_reactions(session).await?;
    }
    Ok(())
}

/// It waits for the end and is refused by it.
#[tokio::test]
async fn a_reaction_behind_the_end_is_refused_and_leaves_nothing() -> Result<()> {
    for user in [demo::ADA, demo::SELLER] {
        let (database, session) = live().await?;
        if user != demo::SELLER {
            database.viewer(session, user).await?;
        }
        let late = database.user(user).await?;
        let backend = late.backend().await?;
        let service = database.service().await?;
        database.let_gate_waits_last().await?;
        service.begin().await?;
        let of = json!({"session_id": session});
        service.rpc_within("end_stream", of).await?;
        let reacting = tokio::spawn(async move { react(&late, session, "love").await });
        wait_until_blocked(&database.owner, backend).await?;
        service.commit().await?;
        expect_refusal(ErrorCode::StreamEnded, reacting.await?)?;
        database.tick().await?;
        assert!(database.reactions_sent(session).await?.is_empty());
        database.keeps_no_reactions(session).await?;
    }
    Ok(())
}

/// The sweep ends a stream without waiting for a viewer who is reacting, and comes back for what they leave.
#[tokio::test]
async fn a_reaction_beside_a_sweep_that_ends_the_stream_is_in_the_last_totals() -> Result<()> {
    let (database, session) = live().await?;
    let open = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    react(&ben, session, "love").await?;
    open.begin().await?;
    react_within(&open, session, "fire").await?;
    database
        .change("update stream.stream_sessions set created_at = now() - interval '8 days', check_at = now()")
        .await?;
    database.tick().await?;
    assert_eq!(database.session_row(session).await?["state"], "ended");
    database.tick().await?;
    assert!(!is_cleaned(&database, session).await?);
    open.commit().await?;
    database.tick_after_windows().await?;
    let totals = database.totals_sent(session).await?;
    assert_eq!(
        totals,
        [("fire".to_owned(), 1), ("love".to_owned(), 1)].into()
    );
    database.keeps_no_reactions(session).await?;
    assert!(is_cleaned(&database, session).await?);
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_is_closed_on_a_day_without_a_partition_too() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    react(&ada, session, "love").await?;
    move_to(&database.user(demo::SELLER).await?, session, Ended).await?;
    database
        .superuser()
        .await?
        .batch_execute(
            "do $$ begin
                 execute format('drop table realtime.messages_%s',
                     to_char(now() at time zone 'UTC', 'YYYY_MM_DD'));
             end $$",
        )
        .await?;
    database.tick().await?;
    database.keeps_no_reactions(session).await?;
    assert!(is_cleaned(&database, session).await?);
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_an_old_stream_goes_with_it() -> Result<()> {
    let (database, session) = live().await?;
    move_to(&database.user(demo::SELLER).await?, session, Ended).await?;
    database.sweep().await?;
    // Past the functions, as after a restore of a part.
    database
        .change(&format!(
            "insert into stream.reaction_counts (session_id, kind, id, added)
             select '{session}', 'love', gen_random_uuid(), n from generate_series(1, 700) as n;
             insert into stream.reaction_totals (session_id, kind, total, sent_at) values ('{session}', 'love', 1, now());
             insert into stream.reaction_rates (session_id, tat) values ('{session}', now())"
        ))
        .await?;
    database.pass_time(session, 91 * 86_400).await?;
    for _ in 0..4 {
        database.sweep().await?;
    }
    let left = format!("select count(*) from stream.stream_sessions where id = '{session}'");
    assert_eq!(database.value::<i64>(&left).await?, 0);
    database.keeps_no_reactions(session).await
}
