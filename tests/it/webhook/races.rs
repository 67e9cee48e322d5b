//! Notices that arrive at the same time, and a server that dies between them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::{is_blocked, wait_until_blocked};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::trace::Trace;
use stream_tests::webhook::*;
use uuid::Uuid;

const HOST: i64 = 1;

async fn state(database: &TestDatabase, session: Uuid) -> Result<Value> {
    Ok(database.session_row(session).await?["state"].clone())
}

/// A has stored and applied the notice and not committed; B brings the same one.
#[tokio::test]
async fn two_copies_at_once_are_applied_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let ada = database.uid_of(id, demo::ADA).await?;
    let (a, b) = (database.service().await?, database.service().await?);
    for told in [
        left(BROADCASTER_LEFT, id, HOST, 1, 1),
        left(AUDIENCE_LEFT, id, ada, 1, 1),
        notice(110, json!({})),
    ] {
        for a_commits in [false, true] {
            a.begin().await?;
            let first = a
                .rpc_within("apply_webhook", json!({"notice": told}))
                .await?;
            assert_ne!(first["status"], "duplicate");
            let backend = b.backend().await?;
            let (second, ended) = tokio::join!(send_notice(&b, &told), async {
                wait_until_blocked(&database.owner, backend).await?;
                if a_commits {
                    a.commit().await?;
                } else {
                    a.rollback().await?;
                }
                anyhow::Ok(())
            });
            ended?;
            let expected = if a_commits {
                "duplicate"
            } else {
                first["status"].as_str().context("no status")?
            };
            assert_eq!(second?.0, expected, "{told}");
            if !a_commits {
                database
                    .change(&format!(
                        "delete from stream.webhook_events; delete from stream.webhook_cursors;
                         select stream.update_stream_state('{id}', 'active')"
                    ))
                    .await?;
            }
        }
    }
    Ok(())
}

/// A has applied a leave of the host and not committed; B brings the join that came after, or before.
#[tokio::test]
async fn two_notices_of_one_host_at_once_end_as_the_newer_one_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (a, b) = (database.service().await?, database.service().await?);
    for (join_number, expected, state_after) in [
        (2, outcome("applied", "host_returned"), "active"),
        (0, outcome("outdated", ""), "error"),
    ] {
        let id = database.stream_in(StreamState::Active).await?;
        a.begin().await?;
        let told = left(BROADCASTER_LEFT, id, HOST, 1, 1);
        a.rpc_within("apply_webhook", json!({"notice": told}))
            .await?;
        let joined = of_user(BROADCASTER_JOINED, id, HOST, join_number);
        let backend = b.backend().await?;
        let (second, ended) = tokio::join!(send_notice(&b, &joined), async {
            wait_until_blocked(&database.owner, backend).await?;
            a.commit().await?;
            anyhow::Ok(())
        });
        ended?;
        assert_eq!(second?, expected);
        assert_eq!(state(&database, id).await?, state_after);
    }
    Ok(())
}

/// A heartbeat has come in and not committed; the notice of an interruption waits, and then finds it.
#[tokio::test]
async fn a_notice_that_waited_for_a_heartbeat_finds_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    seller.begin().await?;
    seller
        .rpc_within("heartbeat", json!({"session_id": id}))
        .await?;
    let told = left(BROADCASTER_LEFT, id, HOST, 1, 10);
    let backend = service.backend().await?;
    let (answer, ended) = tokio::join!(send_notice(&service, &told), async {
        wait_until_blocked(&database.owner, backend).await?;
        seller.commit().await?;
        anyhow::Ok(())
    });
    ended?;
    assert_eq!(answer?, outcome("applied", "waiting_for_heartbeat"));
    assert_eq!(state(&database, id).await?, "active");
    Ok(())
}

#[tokio::test]
async fn notices_about_viewers_wait_for_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(id, user).await?;
    }
    let ada = database.uid_of(id, demo::ADA).await?;
    let ben = database.uid_of(id, demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    let (a, b) = (database.service().await?, database.service().await?);
    seller.begin().await?;
    seller
        .rpc_within("heartbeat", json!({"session_id": id}))
        .await?;
    a.begin().await?;
    let told = of_user(AUDIENCE_JOINED, id, ada, 1);
    a.rpc_within("apply_webhook", json!({"notice": told}))
        .await?;
    let answer = send_notice(&b, &of_user(AUDIENCE_JOINED, id, ben, 1)).await?;
    assert_eq!(answer, outcome("applied", "noted"));
    assert!(!is_blocked(&database.owner, a.backend().await?).await?);
    a.commit().await?;
    seller.commit().await?;
    Ok(())
}

#[tokio::test]
async fn a_hundred_copies_in_parallel_are_stored_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let told = left(BROADCASTER_LEFT, id, HOST, 1, 1);
    let mut tellers = Vec::new();
    for _ in 0..20 {
        let service = database.service().await?;
        let told = told.clone();
        tellers.push(tokio::spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..5 {
                answers.push(send_notice(&service, &told).await?.0);
            }
            Ok::<_, tokio_postgres::Error>(answers)
        }));
    }
    let mut answers = Vec::new();
    for teller in tellers {
        answers.extend(teller.await??);
    }
    answers.sort();
    assert_eq!(answers.len(), 100);
    assert_eq!(answers[0], "applied");
    assert!(answers[1..].iter().all(|answer| answer == "duplicate"));
    assert_eq!(database.stored_notices(id).await?.len(), 1);
    // Two moves made it live, one lost it.
    assert_eq!(database.log(id).await?.len(), 3);
    Ok(())
}

/// The notice waits for the head of the log, in the middle of its move, when its server process dies.
#[tokio::test]
async fn a_notice_whose_server_process_dies_is_not_half_there_and_can_come_again() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let told = left(BROADCASTER_LEFT, id, HOST, 1, 1);
    let service = database.service().await?;
    let superuser = database.superuser().await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; update stream.chat_heads set last_seq = last_seq")
        .await?;
    let before = Trace::take(&database.owner).await?;
    let backend = service.backend().await?;
    let (answer, ended) = tokio::join!(send_notice(&service, &told), async {
        wait_until_blocked(&superuser, backend).await?;
        let end = "select pg_terminate_backend($1, 10000)";
        superuser.execute(end, &[&backend]).await?;
        anyhow::Ok(())
    });
    ended?;
    assert!(answer.is_err());
    holder.batch_execute("rollback").await?;
    let after = Trace::take(&database.owner).await?;
    assert_eq!(after.changed_since(&before), Vec::<&str>::new());

    let service = database.service().await?;
    assert_eq!(
        send_notice(&service, &told).await?,
        outcome("applied", "host_lost")
    );
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_somebody_moves_is_left_for_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    let service = database.service().await?;
    send_notice(&service, &left(BROADCASTER_LEFT, id, HOST, 1, 10)).await?;
    database
        .change("update stream.webhook_cursors set forget_at = now()")
        .await?;
    service.begin().await?;
    let joined = of_user(BROADCASTER_JOINED, id, HOST, 2);
    service
        .rpc_within("apply_webhook", json!({"notice": joined}))
        .await?;
    assert!(database.sweep().await?.handled().is_empty());
    service.commit().await?;
    assert!(database.sweep().await?.handled().is_empty());
    assert_eq!(
        database.cursors(id).await?,
        [json!([HOST, FIRST_SEQ + 2, true])]
    );
    Ok(())
}
