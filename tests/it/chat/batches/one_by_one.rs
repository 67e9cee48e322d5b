//! After a fault the items of a stream go one by one, and still in the order of locks.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{send_all, statuses};

/// Ada's message is stored, so the head of the log is held; the row of Ben, who comes after her, was locked before it.
#[tokio::test]
async fn the_rows_of_all_senders_are_locked_before_the_head() -> Result<()> {
    let (database, session) = where_ada_waits(3).await?;
    let ben = Row::of(&database, session, demo::BEN).await?;
    let gate = Gate::close(&database).await?;
    let of = |user: Uuid| json!({"session_id": session, "user_id": user, "content": "hi"});
    let items = json!([of(demo::ADA), of(demo::CLEO), of(demo::BEN)]);
    let batch = gate.send(&database, items).await?;
    assert!(!ben.is_free().await?);
    gate.open().await?;
    assert_eq!(statuses(&batch.await??), json!(["ok", "internal", "ok"]));
    Ok(())
}

/// Ben joins while the items of the stream are judged together, and his row is held when they go one by one: what is new gets
/// lock_timeout, that of the others too, since their head would be locked before his row.
#[tokio::test]
async fn where_a_row_stays_held_nothing_new_is_stored() -> Result<()> {
    let (database, session) = where_ada_waits(2).await?;
    let known = json!({"session_id": session, "user_id": demo::ADA, "content": "known", "id": Uuid::new_v4()});
    let stored = send_all(&database, &json!([known])).await?;
    database
        .change("alter sequence public.asked restart")
        .await?;
    let leaving = database.user(demo::BEN).await?;
    let leaves = json!({"session_id": session});
    leaving.rpc("remove_viewer", leaves).await?;
    database
        .change("delete from stream.stream_viewers where not is_active")
        .await?;
    let gate = Gate::close(&database).await?;
    let of = |user: Uuid| json!({"session_id": session, "user_id": user, "content": "hi"});
    let items = json!([of(demo::ADA), known, of(demo::CLEO), of(demo::BEN)]);
    let batch = gate.send(&database, items).await?;
    database.viewer(session, demo::BEN).await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!(
            "begin; {}",
            Row::of(&database, session, demo::BEN).await?.lock
        ))
        .await?;
    gate.open().await?;
    let answers = batch.await??;
    let expected = json!(["lock_timeout", "ok", "lock_timeout", "lock_timeout"]);
    assert_eq!(statuses(&answers), expected);
    assert_eq!(answers[1]["message"], stored[0]["message"]);
    holder.batch_execute("rollback").await?;
    assert_eq!(database.log(session).await?.len(), 3);
    Ok(())
}

/// A table that somebody takes between the attempts: the caller's lock_timeout ends the wait for it with an error.
#[tokio::test]
async fn locks_that_fail_cost_the_items_of_their_stream_alone() -> Result<()> {
    let (database, session) = where_ada_waits(2).await?;
    let settings = format!(
        "alter role authenticator in database {} set lock_timeout = '500ms'",
        database.name()
    );
    database.superuser().await?.batch_execute(&settings).await?;
    let gate = Gate::close(&database).await?;
    let of = |user: Uuid| json!({"session_id": session, "user_id": user, "content": "hi"});
    let items = json!([
        of(demo::ADA),
        of(demo::CLEO),
        {"session_id": Uuid::new_v4(), "user_id": demo::ADA, "content": 7},
    ]);
    let batch = gate.send(&database, items).await?;
    let holder = database.connect("postgres").await?;
    let backend: i32 = holder
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let locking = tokio::spawn(async move {
        let lock = "set lock_timeout = 0; begin; lock table stream.stream_viewers in access exclusive mode";
        holder.batch_execute(lock).await.map(|()| holder)
    });
    wait_until_blocked(&database.owner, backend).await?;
    gate.open().await?;
    let answers = batch.await??;
    let expected = json!(["lock_timeout", "lock_timeout", "invalid_argument"]);
    assert_eq!(statuses(&answers), expected);
    locking.await??.batch_execute("rollback").await?;
    assert_eq!(database.log(session).await?.len(), 2);
    Ok(())
}

/// Where the hook waits.
struct Gate {
    holder: tokio_postgres::Client,
}

impl Gate {
    async fn close(database: &TestDatabase) -> Result<Self> {
        let holder = database.connect("postgres").await?;
        holder.batch_execute("select pg_advisory_lock(7)").await?;
        Ok(Self { holder })
    }

    /// Sends a batch, which waits for the gate.
    async fn send(
        &self,
        database: &TestDatabase,
        items: Value,
    ) -> Result<JoinHandle<Result<Vec<Value>, tokio_postgres::Error>>> {
        let service = database.service().await?;
        let backend = service.backend().await?;
        let batch = tokio::spawn(async move {
            service
                .rpc_rows("send_messages", json!({"items": items}))
                .await
        });
        wait_until_blocked(&database.owner, backend).await?;
        Ok(batch)
    }

    async fn open(self) -> Result<()> {
        self.holder
            .batch_execute("select pg_advisory_unlock(7)")
            .await?;
        Ok(())
    }
}

/// A stream whose hook fails for Cleo, and waits when it is asked about Ada for this time: with all, with those of the
/// stream, alone.
async fn where_ada_waits(time: u8) -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN, demo::CLEO] {
        database.viewer(session, user).await?;
    }
    let (ada, cleo) = (demo::ADA, demo::CLEO);
    database
        .change(&format!(
            "create sequence public.asked;
             create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
             language plpgsql set lock_timeout = 0 set search_path = pg_catalog, pg_temp
             as $$
             begin
                 if $1 = '{cleo}' then raise 'no'; end if;
                 if $1 = '{ada}' and nextval('public.asked') = {time} then
                     perform pg_advisory_xact_lock(7);
                 end if;
                 return true;
             end $$"
        ))
        .await?;
    Ok((database, session))
}

/// The row of one viewer, as somebody else finds it.
struct Row {
    observer: tokio_postgres::Client,
    lock: String,
}

impl Row {
    async fn of(database: &TestDatabase, session: Uuid, user: Uuid) -> Result<Self> {
        let lock = format!(
            "select from stream.stream_viewers where session_id = '{session}' and user_id = '{user}'
             for no key update skip locked"
        );
        let observer = database.connect("postgres").await?;
        Ok(Self { observer, lock })
    }

    async fn is_free(&self) -> Result<bool> {
        Ok(!self.observer.query(&self.lock, &[]).await?.is_empty())
    }
}
