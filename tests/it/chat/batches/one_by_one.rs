//! After a fault the items of a stream go one by one, and still in the order of locks.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

use super::statuses;

/// Ada's message is stored, so the head of the log is held; the row of Ben, who comes after her, was locked before it.
#[tokio::test]
async fn the_rows_of_all_senders_are_locked_before_the_head() -> Result<()> {
    let (database, session) = where_ada_waits().await?;
    let ben = Row::of(&database, session, demo::BEN).await?;
    let holder = database.connect("postgres").await?;
    holder.batch_execute("select pg_advisory_lock(7)").await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    let of = |user: Uuid| json!({"session_id": session, "user_id": user, "content": "hi"});
    let items = json!([of(demo::ADA), of(demo::CLEO), of(demo::BEN)]);
    let batch = tokio::spawn(async move {
        service
            .rpc_rows("send_messages", json!({"items": items}))
            .await
    });
    wait_until_blocked(&database.owner, backend).await?;
    assert!(!ben.is_free().await?);
    holder.batch_execute("select pg_advisory_unlock(7)").await?;
    assert_eq!(statuses(&batch.await??), json!(["ok", "internal", "ok"]));
    Ok(())
}

/// A stream whose hook fails for Cleo, and waits when it is asked about Ada for the third time: with all, with those of
/// the stream, alone.
async fn where_ada_waits() -> Result<(TestDatabase, Uuid)> {
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
             language plpgsql set search_path = pg_catalog, pg_temp
             as $$
             begin
                 if $1 = '{cleo}' then raise 'no'; end if;
                 if $1 = '{ada}' and nextval('public.asked') = 3 then
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
