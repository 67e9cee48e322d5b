//! Deleting a user while calls about them are under way: who comes second waits, and nobody waits in a circle.

mod order;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, seller_token};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

type Call<T> = JoinHandle<Result<T, Error>>;

/// Two streams that ADA watches, the older one first; a circle is found at once.
async fn watched_twice() -> Result<(TestDatabase, [Uuid; 2], Session)> {
    let database = TestDatabase::create().await?;
    database.find_deadlocks_soon().await?;
    let older = database.stream_in(StreamState::Active).await?;
    let newer = database.stream_in(StreamState::Active).await?;
    database.viewer(older, demo::ADA).await?;
    let ada = database.viewer(newer, demo::ADA).await?;
    Ok((database, [older, newer], ada))
}

/// Lets the places of viewers, and then the streams, stand in their tables against their order.
async fn turn_round(database: &TestDatabase) -> Result<()> {
    let turn_round = "do $$
        declare
            found record;
        begin
            for found in select session_id, user_id from stream.stream_viewers
                order by session_id desc, user_id desc
            loop
                -- In an index, so that the new version stands in another place.
                update stream.stream_viewers
                set lease_check_at = lease_check_at + interval '1 microsecond'
                where session_id = found.session_id and user_id = found.user_id;
            end loop;
            for found in select id from stream.stream_sessions order by id desc loop
                update stream.stream_sessions set ended_at = ended_at + interval '1 microsecond'
                where id = found.id;
            end loop;
        end
        $$";
    database.change(turn_round).await
}

/// A transaction of the table owner that holds some rows.
async fn hold(database: &TestDatabase, rows: &str) -> Result<Client> {
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!("begin; select from {rows} for no key update"))
        .await?;
    Ok(holder)
}

fn place(session: Uuid, user: Uuid) -> String {
    format!("stream.stream_viewers where session_id = '{session}' and user_id = '{user}'")
}

async fn release(holder: Client) -> Result<()> {
    Ok(holder.batch_execute("rollback").await?)
}

/// A deletion on its way that waits for a lock. It is the row's in `auth.users` or `public.auctions`.
async fn delete_and_wait(database: &TestDatabase, table: &str, id: Uuid) -> Result<Call<u64>> {
    let client = database.connect("postgres").await?;
    let backend: i32 = client
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let delete = format!("delete from {table} where id = $1");
    let call = tokio::spawn(async move { client.execute(&delete, &[&id]).await });
    wait_until_blocked(&database.owner, backend).await?;
    Ok(call)
}

/// A call on its way that waits for a lock.
async fn call_and_wait(
    database: &TestDatabase,
    caller: Session,
    function: &'static str,
    arguments: Value,
) -> Result<Call<Vec<Value>>> {
    let backend = caller.backend().await?;
    let call = tokio::spawn(async move { caller.rpc_rows(function, arguments).await });
    wait_until_blocked(&database.owner, backend).await?;
    Ok(call)
}

fn item(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user, "content": "me", "id": Uuid::new_v4()})
}

/// The deletion of ADA, who is held in the older stream, and then a call of hers in the newer one.
async fn refused_behind_the_deletion(
    function: &'static str,
    arguments: impl Fn(Uuid) -> Value,
    code: ErrorCode,
) -> Result<()> {
    let (database, [older, newer], ada) = watched_twice().await?;
    let holder = hold(&database, &place(older, demo::ADA)).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    let call = call_and_wait(&database, ada, function, arguments(newer)).await?;
    release(holder).await?;
    assert_eq!(deletion.await??, 1);
    expect_refusal(code, call.await?)
}

#[tokio::test]
async fn a_message_that_waited_for_the_deletion_of_its_user_is_refused() -> Result<()> {
    let message = |session| json!({"session_id": session, "user_id": null, "content": "hi"});
    refused_behind_the_deletion("send_message", message, ErrorCode::NotViewer).await
}

#[tokio::test]
async fn a_join_that_waited_for_the_deletion_of_its_user_is_refused() -> Result<()> {
    let join = |session| json!({"session_id": session});
    refused_behind_the_deletion("join_stream", join, ErrorCode::CannotView).await
}

#[tokio::test]
async fn a_token_that_waited_for_the_deletion_of_its_user_is_refused() -> Result<()> {
    let token = |session| json!({"buyer_id": null, "channel_id": session});
    refused_behind_the_deletion("generate_buyer_token", token, ErrorCode::NotViewer).await
}

#[tokio::test]
async fn a_read_mark_that_waited_for_the_deletion_of_its_user_is_refused() -> Result<()> {
    let mark = |session| json!({"session_id": session, "user_id": null, "seq": 1});
    refused_behind_the_deletion("mark_read_up_to", mark, ErrorCode::CannotView).await
}

#[tokio::test]
async fn a_deletion_waits_for_the_message_of_its_user_which_stays() -> Result<()> {
    let (database, [_, session], ada) = watched_twice().await?;
    let head = format!("stream.chat_heads where session_id = '{session}'");
    let holder = hold(&database, &head).await?;
    let message = json!({"session_id": session, "user_id": null, "content": "hi"});
    let message = call_and_wait(&database, ada, "send_message", message).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    release(holder).await?;
    message.await??;
    assert_eq!(deletion.await??, 1);
    let log = database.log(session).await?;
    let last = log.last().cloned().unwrap_or_default();
    assert_eq!(
        (&last["content"], &last["user_id"]),
        (&json!("hi"), &Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn a_deletion_waits_for_the_token_of_its_user() -> Result<()> {
    let (database, [_, session], ada) = watched_twice().await?;
    buyer_token(&ada, session).await?;
    let holder = hold(&database, "stream.agora_tokens").await?;
    let refresh = json!({"user_id": null, "channel_id": session});
    let refresh = call_and_wait(&database, ada, "refresh_token", refresh).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    release(holder).await?;
    refresh.await??;
    assert_eq!(deletion.await??, 1);
    Ok(())
}

/// A batch of many users waits for none of them.
#[tokio::test]
async fn a_batch_refuses_the_user_who_is_being_deleted_alone() -> Result<()> {
    let (database, [older, newer], _) = watched_twice().await?;
    database.viewer(newer, demo::BEN).await?;
    let holder = hold(&database, &place(older, demo::ADA)).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    let items = json!([item(newer, demo::ADA), item(newer, demo::BEN)]);
    let service = database.service().await?;
    let answers = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    release(holder).await?;
    assert_eq!(deletion.await??, 1);
    assert_eq!(
        (&answers[0]["status"], &answers[1]["status"]),
        (&json!("lock_timeout"), &json!("ok"))
    );
    Ok(())
}

/// It would hold the lease while it waits for the user.
#[tokio::test]
async fn a_heartbeat_renews_no_token_of_a_user_who_is_being_deleted() -> Result<()> {
    let (database, [older, newer], ada) = watched_twice().await?;
    buyer_token(&ada, newer).await?;
    database.pass_time(newer, 3000).await?;
    let holder = hold(&database, &place(older, demo::ADA)).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    let answer = send_heartbeat(&ada, newer).await?;
    release(holder).await?;
    assert_eq!(deletion.await??, 1);
    assert_eq!(
        (&answer["status"], &answer["token"]),
        (&json!("ok"), &Value::Null)
    );
    Ok(())
}

/// The same with the row of the stream.
#[tokio::test]
async fn a_heartbeat_renews_no_token_of_a_host_whom_somebody_holds() -> Result<()> {
    let (database, [session, _], _) = watched_twice().await?;
    let seller = database.user(demo::SELLER).await?;
    send_heartbeat(&seller, session).await?;
    seller_token(&seller, session).await?;
    database.pass_time(session, 3000).await?;
    let holder = database.connect("postgres").await?;
    let hold = format!(
        "begin; select from auth.users where id = '{}' for update",
        demo::SELLER
    );
    holder.batch_execute(&hold).await?;
    // Else the timeout of its statement ends it.
    let answer = send_heartbeat(&seller, session).await?;
    release(holder).await?;
    assert_eq!(
        (&answer["status"], &answer["token"]),
        (&json!("ok"), &Value::Null)
    );
    assert!(send_heartbeat(&seller, session).await?["token"].is_object());
    Ok(())
}

/// Who changes a stream may have to look at its seller and its auction while they hold it.
#[tokio::test]
async fn the_deletion_of_who_is_live_is_refused_without_waiting_for_the_stream() -> Result<()> {
    let (database, [_, session], _) = watched_twice().await?;
    let row = format!("stream.stream_sessions where id = '{session}'");
    let holder = hold(&database, &row).await?;
    let auction = format!(
        "delete from public.auctions where id in
             (select s.auction_id from stream.stream_sessions as s where s.id = '{session}')"
    );
    let seller = format!("delete from auth.users where id = '{}'", demo::SELLER);
    let owner = database.connect("postgres").await?;
    owner.batch_execute("set statement_timeout = '10s'").await?;
    for deletion in [auction, seller] {
        database
            .refuses(ErrorCode::StreamLive, owner.execute(&deletion, &[]))
            .await?;
    }
    release(holder).await
}

#[tokio::test]
async fn a_user_who_is_deleted_leaves_the_log_whole() -> Result<()> {
    let (database, [session, _], ada) = watched_twice().await?;
    send_message(&ada, session, "hi").await?;
    let before = database.log(session).await?;
    let deleted = database
        .owner
        .execute("delete from auth.users where id = $1", &[&demo::ADA])
        .await?;
    assert_eq!(deleted, 1);
    let after = database.log(session).await?;
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|entry| entry["user_id"].is_null()));
    Ok(())
}
