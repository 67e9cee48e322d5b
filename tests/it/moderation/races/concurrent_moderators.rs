//! Many connections that moderate at once never wait for each other in a circle.

use anyhow::{Result, ensure};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::moderation::{delete_message, lift, restrict};
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

use super::{against, waits, within};

/// Whoever holds the head for long, as a slow transaction of the application does, is waited for
/// without keeping joins out, except by a ban and by what changes the session.
#[tokio::test]
async fn viewers_join_while_a_mute_waits_for_a_slow_transaction() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "hi").await?;
    let seller = database.user(demo::SELLER).await?;
    let mut holder = database.connect("postgres").await?;
    let transaction = holder.transaction().await?;
    transaction
        .batch_execute(&format!(
            "update stream.chat_heads set last_seq = last_seq where session_id = '{id}'"
        ))
        .await?;
    let delete = json!({"session_id": id, "message_id": message["id"]});
    let deleting = waits(&database, ada, "delete_message", delete).await?;
    let muting = waits(&database, seller, "mute_user", against(id, demo::ADA)).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    send_heartbeat(&ben, id).await?;
    buyer_token(&ben, id).await?;
    transaction.rollback().await?;
    deleting.await??;
    muting.await??;
    Ok(())
}

/// Everything at once, from six connections: every call is answered or refused by the catalogue.
#[tokio::test]
async fn moderation_from_many_connections_never_deadlocks() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    let mut connections = Vec::new();
    for number in 0..6_i64 {
        let caller = match number {
            0 => database.user(demo::SELLER).await?,
            1 => database.user(demo::ADA).await?,
            2 => database.user(demo::BEN).await?,
            3 => database.service().await?,
            _ => {
                let (moderator_id, _) = database.moderator(&format!("mod{number}")).await?;
                database.viewer(id, moderator_id).await?
            }
        };
        connections.push(tokio::spawn(async move {
            for round in 0..25_i64 {
                play(&caller, id, number, round).await?;
            }
            anyhow::Ok(())
        }));
    }
    for connection in connections {
        connection.await??;
    }
    let seqs = numbers(&database.log(id).await?);
    assert!(seqs.iter().copied().eq(1..=database.head_seq(id).await?));
    let active_and_banned: i64 = database
        .value(
            "select count(*) from stream.stream_viewers as v
             join stream.chat_restrictions as r
                 on r.session_id = v.session_id and r.user_id = v.user_id and r.kind = 'ban'
             where v.is_active",
        )
        .await?;
    assert_eq!(active_and_banned, 0);
    Ok(())
}

async fn play(caller: &Session, id: Uuid, number: i64, round: i64) -> Result<()> {
    let target = [demo::ADA, demo::BEN][(round % 2) as usize];
    let outcomes = match number {
        1 | 2 => vec![
            caller.rpc("add_viewer", json!({"session_id": id})).await,
            send_message(caller, id, "hi").await,
            buyer_token(caller, id).await,
            send_heartbeat(caller, id).await,
        ],
        3 => vec![
            caller.rpc("sweep", json!({})).await,
            lift(caller, id, target, "ban").await,
            caller.rpc("tick", json!({})).await,
        ],
        _ => {
            let message = send_message(caller, id, "order").await;
            let slow = json!({"session_id": id, "interval_ms": round % 3});
            let mut outcomes = vec![
                restrict(caller, "mute_user", id, target).await,
                lift(caller, id, target, "mute").await,
                restrict(caller, "ban_user", id, target).await,
                restrict(caller, "delete_user_messages", id, target).await,
                caller.rpc("set_slow_mode", slow).await,
            ];
            if let Ok(message) = &message {
                let pin = json!({"session_id": id, "message_id": message["id"]});
                outcomes.push(caller.rpc("pin_message", pin).await);
                outcomes.push(delete_message(caller, id, message).await);
            }
            outcomes
        }
    };
    for outcome in outcomes {
        let Err(error) = outcome else { continue };
        let state = error.code().map(|state| state.code().to_owned());
        ensure!(
            state
                .as_deref()
                .is_some_and(|state| state.starts_with("PT4")),
            "{error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn two_streams_are_moderated_at_the_same_time() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(first, demo::ADA)).await?;
    let (_, moderator) = database.moderator("mod").await?;
    restrict(&moderator, "ban_user", second, demo::ADA).await?;
    seller.commit().await?;
    move_to(&seller, first, StreamState::Ended).await?;
    Ok(())
}
