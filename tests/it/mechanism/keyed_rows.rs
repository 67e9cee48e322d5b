//! Constraints and triggers that a team adds to a table hold for the rows that are written by key too.
//!
//! Each test lets a buyer's connection write once before and once after the addition, so that nothing
//! which the connection remembers of the table hides it.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

struct WatchedStream {
    database: TestDatabase,
    id: Uuid,
    ada: Session,
}

impl WatchedStream {
    /// With a viewer who has written a message and has a token.
    async fn watched() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let id = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(id, demo::ADA).await?;
        let stream = Self { database, id, ada };
        stream.write().await?;
        Ok(stream)
    }

    /// Changes the viewer's row for a message and for a token, and adds a token's row.
    async fn write(&self) -> Result<()> {
        send_message(&self.ada, self.id, "hi").await?;
        buyer_token(&self.ada, self.id).await?;
        Ok(())
    }

    async fn add(&self, statement: &str) -> Result<()> {
        self.database.change(statement).await
    }

    /// What the viewer's row says.
    async fn viewers(&self, expression: &str) -> Result<bool> {
        let row = self
            .database
            .owner
            .query_one(
                &format!(
                    "select {expression} from stream.stream_viewers
                     where session_id = $1 and user_id = $2"
                ),
                &[&self.id, &demo::ADA],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// What callers see of a constraint that is not the product's own.
fn internal() -> SqlState {
    SqlState::from_code("PT500")
}

#[tokio::test]
async fn a_generated_column_follows_the_columns_that_it_is_made_from() -> Result<()> {
    let stream = WatchedStream::watched().await?;
    stream
        .add(
            "alter table stream.stream_viewers
             add chatted timestamptz generated always as (last_chat_at) stored,
             add token_began timestamptz generated always as (token_issued_at) stored",
        )
        .await?;
    let before = "chatted = last_chat_at and token_began = token_issued_at";
    assert!(stream.viewers(before).await?);
    stream.write().await?;
    assert!(stream.viewers(before).await?);
    stream
        .add("alter table stream.stream_viewers drop chatted, drop token_began")
        .await?;
    stream.write().await
}

#[tokio::test]
async fn a_check_refuses_what_it_forbids() -> Result<()> {
    let stream = WatchedStream::watched().await?;
    stream
        .add(
            "alter table stream.stream_viewers
             add constraint nobody_writes check (last_chat_at < '2020-01-01') not valid",
        )
        .await?;
    let refusal = send_message(&stream.ada, stream.id, "hi")
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), Some(&internal()));
    stream
        .add(
            "alter table stream.stream_viewers drop constraint nobody_writes;
             alter table stream.agora_tokens
             add constraint nobody_gets_one check (uid < 0) not valid",
        )
        .await?;
    let refusal = buyer_token(&stream.ada, stream.id).await.unwrap_err();
    assert_eq!(refusal.code(), Some(&internal()));
    stream
        .add("alter table stream.agora_tokens drop constraint nobody_gets_one")
        .await?;
    stream.write().await
}

#[tokio::test]
async fn an_index_finds_the_newest_version() -> Result<()> {
    let stream = WatchedStream::watched().await?;
    stream
        .add("create index chatters on stream.stream_viewers (last_chat_at)")
        .await?;
    stream.write().await?;
    let found = stream
        .database
        .owner
        .query_one(
            "select count(*) from stream.stream_viewers
             where last_chat_at = (select v.last_chat_at from stream.stream_viewers as v
                 where v.session_id = $1 and v.user_id = $2)",
            &[&stream.id, &demo::ADA],
        )
        .await?;
    assert_eq!(found.get::<_, i64>(0), 1);
    Ok(())
}

#[tokio::test]
async fn triggers_for_rows_are_fired_before_and_after_each_change() -> Result<()> {
    let stream = WatchedStream::watched().await?;
    stream
        .add(
            "create table public.seen (trigger text, operation text);
             create function public.see() returns trigger language plpgsql security definer as $$
             begin
                 insert into public.seen values (tg_name, tg_op);
                 return new;
             end
             $$;
             create trigger before_viewers before update on stream.stream_viewers
             for each row execute function public.see();
             create trigger after_viewers after update on stream.stream_viewers
             for each row execute function public.see();
             create trigger before_tokens before insert on stream.agora_tokens
             for each row execute function public.see();
             create trigger after_tokens after insert on stream.agora_tokens
             for each row execute function public.see()",
        )
        .await?;
    stream.write().await?;
    let seen = stream
        .database
        .owner
        .query(
            "select trigger, operation, count(*) from public.seen group by 1, 2 order by 1",
            &[],
        )
        .await?;
    let seen: Vec<(String, String, i64)> = seen
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let expected = [
        ("after_tokens", "INSERT", 1),
        ("after_viewers", "UPDATE", 2),
        ("before_tokens", "INSERT", 1),
        ("before_viewers", "UPDATE", 2),
    ];
    let expected = expected.map(|(name, operation, count)| (name.into(), operation.into(), count));
    assert_eq!(seen, expected);
    Ok(())
}

#[tokio::test]
async fn a_foreign_key_refuses_a_row_that_refers_to_nothing() -> Result<()> {
    let stream = WatchedStream::watched().await?;
    stream
        .add(
            "create table public.allowed (id uuid primary key);
             alter table stream.agora_tokens add constraint allowed_user
             foreign key (user_id) references public.allowed (id) not valid",
        )
        .await?;
    let refusal = buyer_token(&stream.ada, stream.id).await.unwrap_err();
    assert_eq!(refusal.code(), Some(&internal()));
    stream
        .add("alter table stream.agora_tokens drop constraint allowed_user")
        .await?;
    stream.write().await
}
