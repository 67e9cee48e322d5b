//! Messages next to other work on the same rows: who comes second waits, and finds what the first one left.

mod batches;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::{wait_until_blocked, wait_until_retrying_lock};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::identity::Identity;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

type Call<T> = JoinHandle<Result<T, Error>>;

/// A stream with a viewer.
async fn watched(state: StreamState) -> Result<(TestDatabase, Uuid, Session)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(state).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    Ok((database, session, ada))
}

/// The same, of viewers who write two messages at once and one more a minute.
async fn limited() -> Result<(TestDatabase, Uuid, Session)> {
    let watched = watched(StreamState::Active).await?;
    let limit = "update stream.config set chat_interval_ms = 60000, chat_burst = 2 where id";
    watched.0.change(limit).await?;
    Ok(watched)
}

/// A connection of the table owner in a transaction.
async fn owner_at_work(database: &TestDatabase) -> Result<Client> {
    let owner = database.connect("postgres").await?;
    owner.batch_execute("begin").await?;
    Ok(owner)
}

/// As everything does that writes into the log.
async fn lock_head(holder: &Client, session: Uuid) -> Result<()> {
    holder
        .execute(
            "update stream.chat_heads set last_at = clock_timestamp() where session_id = $1",
            &[&session],
        )
        .await?;
    Ok(())
}

/// The ban as moderators write it: the viewer's row, the head, the restriction.
async fn ban(moderator: &Client, session: Uuid, user: Uuid) -> Result<()> {
    moderator
        .execute(
            "update stream.stream_viewers set left_at = now()
             where session_id = $1 and user_id = $2",
            &[&session, &user],
        )
        .await?;
    lock_head(moderator, session).await?;
    moderator
        .execute(
            "insert into stream.chat_restrictions (session_id, user_id, kind) values ($1, $2, 'ban')",
            &[&session, &user],
        )
        .await?;
    Ok(())
}

/// A message on its way that waits for a lock.
async fn send_and_wait(
    database: &TestDatabase,
    sender: Session,
    session: Uuid,
) -> Result<Call<Value>> {
    let backend = sender.backend().await?;
    let call = tokio::spawn(async move { send_message(&sender, session, "me").await });
    wait_until_blocked(&database.owner, backend).await?;
    Ok(call)
}

/// A batch on its way that waits for a lock.
async fn batch_and_wait(database: &TestDatabase, items: Value) -> Result<Call<Vec<Value>>> {
    database.let_batches_wait().await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    let arguments = json!({"items": items});
    let call = tokio::spawn(async move { service.rpc_rows("send_messages", arguments).await });
    wait_until_retrying_lock(database, backend).await?;
    Ok(call)
}

fn item(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user, "content": "me", "id": Uuid::new_v4()})
}

fn statuses(answers: &[Value]) -> Vec<&str> {
    answers
        .iter()
        .map(|answer| answer["status"].as_str().unwrap_or_default())
        .collect()
}

/// Nothing is missing, neither in the log nor in what was sent.
async fn assert_whole(database: &TestDatabase, session: Uuid, entries: i64) -> Result<()> {
    database.flush(session).await?;
    let expected: Vec<i64> = (1..=entries).collect();
    assert_eq!(numbers(&database.log(session).await?), expected);
    let mut sent = Vec::new();
    for frame in database.frames(session).await? {
        sent.extend(numbers(frame["messages"].as_array().context("no list")?));
    }
    sent.sort_unstable();
    assert_eq!(sent, expected);
    Ok(())
}

/// A viewer waits at the lease that the sweep closes, the seller at the head.
#[tokio::test]
async fn a_message_that_waited_for_a_sweep_that_ends_the_stream_is_refused() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Paused).await?;
    let seller = database.user(demo::SELLER).await?;
    database.pass_time(session, 3700).await?;
    let sweeper = database.service().await?;
    sweeper.begin().await?;
    sweeper.rpc_within("sweep", json!({})).await?;
    let of_ada = send_and_wait(&database, ada, session).await?;
    let of_seller = send_and_wait(&database, seller, session).await?;
    sweeper.commit().await?;
    for call in [of_ada, of_seller] {
        expect_refusal(ErrorCode::StreamEnded, call.await?)?;
    }
    let log = database.log(session).await?;
    assert_eq!(log.last().context("no log")?["metadata"]["state"], "ended");
    assert_whole(&database, session, 4).await
}

#[tokio::test]
async fn a_message_that_waited_for_a_ban_is_refused() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let moderator = owner_at_work(&database).await?;
    ban(&moderator, session, demo::ADA).await?;
    let waiting = send_and_wait(&database, ada, session).await?;
    moderator.batch_execute("commit").await?;
    expect_refusal(ErrorCode::Banned, waiting.await?)?;
    assert_whole(&database, session, 2).await
}

/// The first term of all: before it, messages are compared with none.
#[tokio::test]
async fn a_message_that_waited_while_a_term_was_blocked_is_refused() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let holder = owner_at_work(&database).await?;
    lock_head(&holder, session).await?;
    let waiting = send_and_wait(&database, ada, session).await?;
    let service = database.service().await?;
    service
        .rpc("block_term", json!({"session_id": session, "term": "me"}))
        .await?;
    holder.batch_execute("commit").await?;
    expect_refusal(ErrorCode::ContentBlocked, waiting.await?)?;
    assert_whole(&database, session, 2).await
}

#[tokio::test]
async fn an_anonymous_message_that_waited_is_judged_by_the_newest_rule() -> Result<()> {
    for may_chat in [false, true] {
        let (database, session, ada) = watched(StreamState::Active).await?;
        drop(ada);
        let set = |may_chat: bool| {
            format!("update stream.config set anonymous_users_may_chat = {may_chat} where id")
        };
        database.change(&set(!may_chat)).await?;
        let anonymous = database
            .session(Identity::anonymous_user(demo::ADA))
            .await?;
        let holder = owner_at_work(&database).await?;
        lock_head(&holder, session).await?;
        let waiting = send_and_wait(&database, anonymous, session).await?;
        database.change(&set(may_chat)).await?;
        holder.batch_execute("commit").await?;
        if may_chat {
            assert_eq!(waiting.await??["seq"], 3);
        } else {
            expect_refusal(ErrorCode::AnonymousUser, waiting.await?)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_waited_goes_out_in_the_newest_epoch() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let holder = owner_at_work(&database).await?;
    lock_head(&holder, session).await?;
    let waiting = send_and_wait(&database, ada, session).await?;
    database
        .change("update stream.config set epoch_salt = 'another' where id")
        .await?;
    holder.batch_execute("commit").await?;
    waiting.await??;
    let frames = database.frames(session).await?;
    let last = frames.last().context("no frame")?;
    assert_eq!(last["to_seq"], 3);
    let service = database.service().await?;
    let now = service.rpc("sync", json!({"session_id": session})).await?;
    assert_eq!(last["epoch"], now["epoch"]);
    Ok(())
}

/// Its place was counted by the old rate already.
#[tokio::test]
async fn a_message_that_waited_is_counted_by_the_newest_rate() -> Result<()> {
    for (rate, taken) in [
        ("chat_interval_ms = 1, chat_burst = 1000", ["ok", "ok"]),
        ("chat_burst = 1", ["rate_limited", "rate_limited"]),
        ("chat_burst = 2", ["ok", "rate_limited"]),
        ("chat_burst = 3", ["ok", "ok"]),
    ] {
        let (database, session, ada) = limited().await?;
        send_message(&ada, session, "one").await?;
        let holder = owner_at_work(&database).await?;
        lock_head(&holder, session).await?;
        let waiting = send_and_wait(&database, ada, session).await?;
        database
            .change(&format!("update stream.config set {rate} where id"))
            .await?;
        holder.batch_execute("commit").await?;
        let mut answers = vec![waiting.await?];
        let again = database.user(demo::ADA).await?;
        answers.push(send_message(&again, session, "and then").await);
        for (answer, expected) in answers.into_iter().zip(taken) {
            match expected {
                "ok" => assert!(answer?["seq"].is_number(), "{rate}"),
                _ => expect_refusal(ErrorCode::RateLimited, answer).context(rate)?,
            }
        }
    }
    Ok(())
}

/// Whose rate was used up when the row was looked at first.
#[tokio::test]
async fn a_message_beyond_the_rate_that_waited_while_its_sender_left_is_refused_for_that()
-> Result<()> {
    let (database, session, ada) = limited().await?;
    for text in ["one", "two"] {
        send_message(&ada, session, text).await?;
    }
    let holder = owner_at_work(&database).await?;
    let leave = format!(
        "update stream.stream_viewers set left_at = now() where user_id = '{}'",
        demo::ADA
    );
    holder.batch_execute(&leave).await?;
    let waiting = send_and_wait(&database, ada, session).await?;
    holder.batch_execute("commit").await?;
    expect_refusal(ErrorCode::NotViewer, waiting.await?)
}

#[tokio::test]
async fn a_ban_waits_for_the_message_that_is_under_way() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "before it"});
    ada.begin().await?;
    ada.rpc_within("send_message", arguments).await?;
    let moderator = owner_at_work(&database).await?;
    let backend: i32 = moderator
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let banning = tokio::spawn(async move {
        ban(&moderator, session, demo::ADA).await?;
        anyhow::Ok(moderator.batch_execute("commit").await?)
    });
    wait_until_blocked(&database.owner, backend).await?;
    ada.commit().await?;
    banning.await??;
    expect_refusal(
        ErrorCode::Banned,
        send_message(&ada, session, "after it").await,
    )?;
    assert_whole(&database, session, 3).await
}

#[tokio::test]
async fn everybody_waits_for_a_slow_bid_and_no_message_is_lost() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    database.viewer(session, demo::CLEO).await?;
    let seller = database.user(demo::SELLER).await?;
    let bid = owner_at_work(&database).await?;
    bid.execute(
        "with head as (
             update stream.chat_heads
             set last_seq = last_seq + 1, last_at = greatest(clock_timestamp(), last_at + interval '1 ms')
             where session_id = $1 returning last_seq, last_at
         )
         insert into stream.chat_messages
             (session_id, seq, content, message_type, created_at, updated_at)
         select $1, h.last_seq, 'A bid.', 'auction_update', h.last_at, h.last_at from head as h",
        &[&session],
    )
    .await?;
    let mut messages = Vec::new();
    for sender in [ada, ben, seller] {
        messages.push(send_and_wait(&database, sender, session).await?);
    }
    let batch = batch_and_wait(&database, json!([item(session, demo::CLEO)])).await?;
    bid.batch_execute("commit").await?;

    let mut taken = vec![batch.await??[0]["message"]["seq"].clone()];
    for message in messages {
        taken.push(message.await??["seq"].clone());
    }
    taken.sort_unstable_by_key(Value::as_i64);
    assert_eq!(json!(taken), json!([4, 5, 6, 7]));
    assert_whole(&database, session, 7).await
}

#[tokio::test]
async fn a_heartbeat_does_not_wait_for_the_message_of_the_same_viewer() -> Result<()> {
    let (database, session, ada) = watched(StreamState::Active).await?;
    let other_tab = database.user(demo::ADA).await?;
    let holder = owner_at_work(&database).await?;
    lock_head(&holder, session).await?;
    let message = send_and_wait(&database, ada, session).await?;
    assert_eq!(send_heartbeat(&other_tab, session).await?["status"], "ok");
    holder.batch_execute("commit").await?;
    assert_eq!(message.await??["seq"], 3);
    assert_whole(&database, session, 3).await
}

/// A message counts from when it came; that it had to wait for others is not its sender's doing.
#[tokio::test]
async fn waiting_for_the_head_costs_nothing_of_the_rate() -> Result<()> {
    let tat = format!(
        "select extract(epoch from v.chat_tat)::float8 from stream.stream_viewers as v
         where v.user_id = '{}'",
        demo::ADA
    );
    for in_a_batch in [false, true] {
        let (database, session, ada) = limited().await?;
        send_message(&ada, session, "one").await?;
        let before: f64 = database.value(&tat).await?;
        let holder = owner_at_work(&database).await?;
        lock_head(&holder, session).await?;
        if in_a_batch {
            let batch = batch_and_wait(&database, json!([item(session, demo::ADA)])).await?;
            holder.batch_execute("commit").await?;
            assert_eq!(statuses(&batch.await??), ["ok"]);
        } else {
            let message = send_and_wait(&database, ada, session).await?;
            holder.batch_execute("commit").await?;
            message.await??;
        }
        let after: f64 = database.value(&tat).await?;
        // An interval later to the microsecond, whatever the clock was meanwhile.
        let added = after - before - 60.0;
        assert!(added.abs() < 0.000_01, "{added} s too much");
    }
    Ok(())
}
