//! What happens when moderation and something else come at the same time?

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::beat;
use stream_tests::moderation::{delete_message, lift, restrict};
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, say};
use tokio::task::JoinHandle;
use tokio_postgres::Error;
use uuid::Uuid;

type Waiting = JoinHandle<Result<Value, Error>>;

/// Starts a call that must wait for somebody, and returns when it does.
async fn waits(
    database: &TestDatabase,
    caller: Session,
    function: &'static str,
    arguments: Value,
) -> Result<Waiting> {
    let backend = caller.backend().await?;
    let waiting = tokio::spawn(async move { caller.rpc(function, arguments).await });
    wait_until_blocked(&database.owner, backend).await?;
    Ok(waiting)
}

async fn within(caller: &Session, function: &str, arguments: Value) -> Result<Value> {
    caller.begin().await?;
    Ok(caller.rpc_within(function, arguments).await?)
}

fn against(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user})
}

/// The log has no hole, and says what it should in this order.
async fn expect_events(database: &TestDatabase, session: Uuid, kinds: &[&str]) -> Result<()> {
    let log = database.log(session).await?;
    let seqs = numbers(&log);
    ensure!(seqs.iter().copied().eq(1..=log.len() as i64), "{seqs:?}");
    let found: Vec<_> = log[2..]
        .iter()
        .map(|entry| entry["metadata"]["kind"].as_str().unwrap_or("message"))
        .collect();
    ensure!(found == kinds, "{found:?}");
    Ok(())
}

async fn is_active(database: &TestDatabase, session: Uuid, user: Uuid) -> Result<bool> {
    let row = database.viewer_row(session, user).await?;
    row["is_active"].as_bool().context("no viewer")
}

#[tokio::test]
async fn a_message_that_waited_for_the_ban_of_its_sender_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    let waiting = waits(&database, ada, "send_message", message).await?;
    seller.commit().await?;
    assert!(waiting.await?.is_err());
    expect_events(&database, id, &["user_banned"]).await
}

#[tokio::test]
async fn a_ban_waits_for_the_message_that_came_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = json!({"session_id": id, "user_id": null, "content": "hi"});
    within(&ada, "send_message", message).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    expect_events(&database, id, &["message", "user_banned"]).await
}

#[tokio::test]
async fn a_message_is_deleted_by_whoever_waited_for_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = Uuid::new_v4();
    let send = json!({"session_id": id, "user_id": null, "content": "hi", "id": message});
    within(&ada, "send_message", send).await?;
    let delete = json!({"session_id": id, "message_id": message});
    let waiting = waits(&database, seller, "delete_message", delete).await?;
    ada.commit().await?;
    assert_eq!(waiting.await??, "deleted");
    expect_events(&database, id, &["message", "message_deleted"]).await
}

#[tokio::test]
async fn all_messages_of_a_user_are_those_that_came_while_it_waited_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    say(&ada, id, "one").await?;
    let second = json!({"session_id": id, "user_id": null, "content": "two"});
    within(&ada, "send_message", second).await?;
    let arguments = against(id, demo::ADA);
    let waiting = waits(&database, seller, "delete_user_messages", arguments).await?;
    ada.commit().await?;
    assert_eq!(waiting.await??, 2);
    let events = database.events_after(id, 4).await?;
    assert_eq!(events[0]["up_to_seq"], 4);
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_deleted_meanwhile_is_deleted_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = say(&ada, id, "hi").await?;
    let delete = json!({"session_id": id, "message_id": message["id"]});
    within(&seller, "delete_message", delete.clone()).await?;
    let waiting = waits(&database, ada, "delete_message", delete).await?;
    seller.commit().await?;
    assert_eq!(waiting.await??, "already_deleted");
    expect_events(&database, id, &["message", "message_deleted"]).await
}

#[tokio::test]
async fn a_join_that_waited_for_the_ban_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    // The first join, and one that comes back.
    database.viewer(id, demo::BEN).await?;
    for user in [demo::ADA, demo::BEN] {
        within(&seller, "ban_user", against(id, user)).await?;
        let viewer = database.user(user).await?;
        let waiting = waits(&database, viewer, "add_viewer", json!({"session_id": id})).await?;
        seller.commit().await?;
        expect_refusal(ErrorCode::Banned, waiting.await?)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_ban_that_waited_for_the_join_ends_the_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    within(&ada, "add_viewer", json!({"session_id": id})).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    assert!(!is_active(&database, id, demo::ADA).await?);
    expect_refusal(ErrorCode::Banned, beat(&ada, id).await)
}

/// The statement that waits has read the lease as it was before the ban.
#[tokio::test]
async fn a_token_that_waited_for_the_ban_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let arguments = json!({"buyer_id": null, "channel_id": id});
    let waiting = waits(&database, ada, "generate_buyer_token", arguments).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)?;
    let tokens: i64 = database
        .value("select count(*) from stream.agora_tokens")
        .await?;
    assert_eq!(tokens, 0);
    Ok(())
}

#[tokio::test]
async fn a_ban_that_waited_for_a_token_retires_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    buyer_token(&ada, id).await?;
    let arguments = json!({"buyer_id": null, "channel_id": id});
    within(&ada, "generate_buyer_token", arguments).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, demo::ADA)).await?;
    ada.commit().await?;
    waiting.await??;
    let active: i64 = database
        .value("select count(*) from stream.agora_tokens where is_active")
        .await?;
    assert_eq!(active, 0);
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_that_waited_for_the_ban_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "ban_user", against(id, demo::ADA)).await?;
    let waiting = waits(&database, ada, "heartbeat", json!({"session_id": id})).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)
}

#[tokio::test]
async fn moderation_that_waited_for_the_end_is_refused_and_nothing_is_logged_after_it() -> Result<()>
{
    for (function, more) in [
        ("ban_user", json!({"user_id": demo::ADA})),
        ("mute_user", json!({"user_id": demo::ADA})),
        ("set_slow_mode", json!({"interval_ms": 1000})),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        database.viewer(id, demo::ADA).await?;
        let seller = database.user(demo::SELLER).await?;
        within(&seller, "end_stream", json!({"session_id": id})).await?;
        let (_, moderator) = database.moderator("mod").await?;
        let mut arguments = more;
        arguments["session_id"] = json!(id);
        let waiting = waits(&database, moderator, function, arguments).await?;
        seller.commit().await?;
        expect_refusal(ErrorCode::StreamEnded, waiting.await?)?;
        let log = database.log(id).await?;
        assert_eq!(
            log.last().context("no entry")?["metadata"]["state"],
            "ended"
        );
        assert!(database.decisions(id).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn an_end_waits_for_the_ban_that_came_first() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let (_, moderator) = database.moderator("mod").await?;
    within(&moderator, "ban_user", against(id, demo::ADA)).await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "end_stream", json!({"session_id": id})).await?;
    moderator.commit().await?;
    waiting.await??;
    expect_events(&database, id, &["user_banned", "state_changed"]).await
}

/// The end closes the log while the text goes.
#[tokio::test]
async fn a_deletion_that_waited_for_the_end_is_done_without_an_event() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = say(&ada, id, "hi").await?;
    let seller = database.user(demo::SELLER).await?;
    within(&seller, "end_stream", json!({"session_id": id})).await?;
    let delete = json!({"session_id": id, "message_id": message["id"]});
    let waiting = waits(&database, ada, "delete_message", delete).await?;
    seller.commit().await?;
    assert_eq!(waiting.await??, "deleted");
    expect_events(&database, id, &["message", "state_changed"]).await
}

#[tokio::test]
async fn a_mute_that_waited_for_the_sweep_of_the_one_before_is_in_force() -> Result<()> {
    for function in ["mute_user", "ban_user"] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let seller = database.user(demo::SELLER).await?;
        let short = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 1});
        seller.rpc(function, short).await?;
        database.pass_time(id, 1).await?;
        let service = database.service().await?;
        service.begin().await?;
        service.rpc_rows_within("sweep", json!({})).await?;
        let waiting = waits(&database, seller, function, against(id, demo::ADA)).await?;
        service.commit().await?;
        waiting.await??;
        let in_force: i64 = database
            .value("select count(*) from stream.chat_restrictions where until is null")
            .await?;
        assert_eq!(in_force, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_sweep_passes_by_a_restriction_that_is_being_prolonged() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let short = json!({"session_id": id, "user_id": demo::ADA, "duration_s": 1});
    seller.rpc("mute_user", short).await?;
    database.pass_time(id, 1).await?;
    within(&seller, "mute_user", against(id, demo::ADA)).await?;
    assert!(database.sweep().await?.handled().is_empty());
    seller.commit().await?;
    assert!(database.sweep().await?.handled().is_empty());
    let left: i64 = database
        .value("select count(*) from stream.chat_restrictions")
        .await?;
    assert_eq!(left, 1);
    Ok(())
}

#[tokio::test]
async fn of_two_moderators_who_do_the_same_one_makes_the_event() -> Result<()> {
    for (function, more, kind) in [
        ("mute_user", json!({"user_id": demo::ADA}), "user_muted"),
        ("ban_user", json!({"user_id": demo::ADA}), "user_banned"),
        ("set_slow_mode", json!({"interval_ms": 1000}), "slow_mode"),
        ("set_chat_mode", json!({"mode": "hosts"}), "chat_mode"),
    ] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        database.viewer(id, demo::ADA).await?;
        let (_, first) = database.moderator("first").await?;
        let (_, second) = database.moderator("second").await?;
        let mut arguments = more;
        arguments["session_id"] = json!(id);
        within(&first, function, arguments.clone()).await?;
        let waiting = waits(&database, second, function, arguments).await?;
        first.commit().await?;
        waiting.await??;
        expect_events(&database, id, &[kind]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_moderator_who_is_banned_while_waiting_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let (moderator_id, moderator) = database.moderator("mod").await?;
    within(&seller, "ban_user", against(id, moderator_id)).await?;
    let slow = json!({"session_id": id, "interval_ms": 1000});
    let waiting = waits(&database, moderator, "set_slow_mode", slow).await?;
    seller.commit().await?;
    expect_refusal(ErrorCode::NotModerator, waiting.await?)?;
    expect_events(&database, id, &["user_banned"]).await
}

/// The deletion of a user holds their row when it comes for the viewer's and the restriction's.
#[tokio::test]
async fn the_deletion_of_a_user_and_a_ban_of_theirs_never_deadlock() -> Result<()> {
    for was_banned in [false, true] {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let target = database.add_user("target").await?;
        say(&database.viewer(id, target).await?, id, "hi").await?;
        let seller = database.user(demo::SELLER).await?;
        if was_banned {
            let short = json!({"session_id": id, "user_id": target, "duration_s": 60});
            seller.rpc("ban_user", short).await?;
        }
        within(&seller, "ban_user", against(id, target)).await?;
        let deleter = database.connect("postgres").await?;
        let row = deleter.query_one("select pg_backend_pid()", &[]).await?;
        let backend: i32 = row.get(0);
        let delete = format!("delete from auth.users where id = '{target}'");
        let deleting = tokio::spawn(async move { deleter.batch_execute(&delete).await });
        wait_until_blocked(&database.owner, backend).await?;
        seller.commit().await?;
        deleting.await??;
        let left: i64 = database
            .value("select count(*) from stream.chat_restrictions")
            .await?;
        assert_eq!(left, 0);
    }
    Ok(())
}

/// A ban of a user who is being deleted waits for that with nothing that the deletion needs.
#[tokio::test]
async fn a_ban_that_waited_for_the_deletion_of_the_user_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let target = database.add_user("target").await?;
    database.viewer(id, target).await?;
    let mut deleter = database.connect("postgres").await?;
    let transaction = deleter.transaction().await?;
    transaction
        .batch_execute(&format!(
            "select from auth.users where id = '{target}' for update"
        ))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let waiting = waits(&database, seller, "ban_user", against(id, target)).await?;
    transaction
        .batch_execute(&format!("delete from auth.users where id = '{target}'"))
        .await?;
    transaction.commit().await?;
    expect_refusal(ErrorCode::InvalidArgument, waiting.await?)
}

/// Whoever holds the head for long, as a slow transaction of the application does, is waited for
/// without keeping joins out, except by a ban and by what changes the session.
#[tokio::test]
async fn viewers_join_while_a_mute_waits_for_a_slow_transaction() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = say(&ada, id, "hi").await?;
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
    beat(&ben, id).await?;
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
            say(caller, id, "hi").await,
            buyer_token(caller, id).await,
            beat(caller, id).await,
        ],
        3 => vec![
            caller.rpc("sweep", json!({})).await,
            lift(caller, id, target, "ban").await,
            caller.rpc("tick", json!({})).await,
        ],
        _ => {
            let message = say(caller, id, "order").await;
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
