//! Claims of a batch's items, and items that fail: each concerns its own item alone.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::batched::claims_of_nobody;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

use super::{send_all, statuses};

struct World {
    database: TestDatabase,
    sessions: [Uuid; 2],
}

impl World {
    /// Two streams; a hook of the application decides who may chat.
    async fn with_hook(body: &str) -> Result<Self> {
        let database = TestDatabase::create().await?;
        let sessions = [
            database.stream_in(StreamState::Active).await?,
            database.stream_in(StreamState::Active).await?,
        ];
        for session in sessions {
            for user in [demo::ADA, demo::BEN] {
                database.viewer(session, user).await?;
            }
        }
        let body = body.replace("{ben}", &format!("'{}'", demo::BEN));
        database
            .change(&format!(
                "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
                 language plpgsql set search_path = pg_catalog, pg_temp
                 as $$ begin {body} end $$"
            ))
            .await?;
        Ok(Self { database, sessions })
    }
}

fn item(session: Uuid, user: Uuid, claims: &Value) -> Value {
    json!({"session_id": session, "user_id": user, "content": "hi", "claims": claims})
}

fn claims(user: Uuid, plan: &str) -> Value {
    json!({"sub": user, "role": "authenticated", "app_metadata": {"plan": plan}})
}

/// As in a call of their own: also those of one user who comes with two tokens, and never those of the item before.
#[tokio::test]
async fn a_hook_finds_the_claims_of_the_item_that_it_judges() -> Result<()> {
    let world = World::with_hook(
        "return current_setting('request.jwt.claims')::json #>> '{app_metadata,plan}' = 'gold'
             and (current_setting('request.jwt.claims')::json ->> 'sub')::uuid = $1;",
    )
    .await?;
    let [first, second] = world.sessions;
    let items = json!([
        item(first, demo::ADA, &claims(demo::ADA, "gold")),
        item(first, demo::BEN, &claims(demo::BEN, "free")),
        item(first, demo::ADA, &claims(demo::ADA, "free")),
        item(first, demo::ADA, &claims(demo::ADA, "gold")),
        item(second, demo::BEN, &claims(demo::BEN, "gold")),
        // The service's own have no plan.
        json!({"session_id": second, "user_id": demo::ADA, "content": "hi"}),
    ]);
    let answers = send_all(&world.database, &items).await?;
    let expected = json!([
        "ok",
        "cannot_chat",
        "cannot_chat",
        "ok",
        "ok",
        "cannot_chat"
    ]);
    assert_eq!(statuses(&answers), expected);
    Ok(())
}

#[tokio::test]
async fn the_claims_of_the_last_item_do_not_outlast_the_batch() -> Result<()> {
    let world = World::with_hook("return true;").await?;
    let service = world.database.service().await?;
    let own = "select to_json(current_setting('request.jwt.claims'))";
    service.begin().await?;
    let before = service.query_within(own).await?;
    let items = json!([item(
        world.sessions[0],
        demo::ADA,
        &claims(demo::ADA, "gold")
    )]);
    service
        .rpc_rows_within("send_messages", json!({"items": items}))
        .await?;
    assert_eq!(service.query_within(own).await?, before);
    let beat = json!([{"session_id": world.sessions[0], "user_id": demo::ADA, "claims": claims(demo::ADA, "gold")}]);
    service
        .rpc_rows_within("heartbeats", json!({"items": beat}))
        .await?;
    assert_eq!(service.query_within(own).await?, before);
    service.commit().await?;
    Ok(())
}

/// The hook raises for one user. Everybody else's messages are stored once, in the order of the batch.
#[tokio::test]
async fn an_item_that_fails_costs_only_itself() -> Result<()> {
    let world = World::with_hook("if $1 = {ben} then raise 'no'; end if; return true;").await?;
    let [first, second] = world.sessions;
    let of = |session: Uuid, user: Uuid| item(session, user, &claims(user, "gold"));
    let items = json!([
        of(first, demo::ADA),
        of(second, demo::ADA),
        of(first, demo::BEN),
        of(first, demo::SELLER),
        of(second, demo::SELLER),
    ]);
    let answers = send_all(&world.database, &items).await?;
    assert_eq!(
        statuses(&answers),
        json!(["ok", "ok", "internal", "ok", "ok"])
    );
    for session in world.sessions {
        let log = world.database.log(session).await?;
        let users: Vec<_> = log[2..].iter().map(|row| row["user_id"].clone()).collect();
        assert_eq!(users, [json!(demo::ADA), json!(demo::SELLER)]);
        let frames = world.database.frames(session).await?;
        let to: Vec<_> = frames.iter().map(|frame| frame["to_seq"].clone()).collect();
        assert_eq!(
            to.last(),
            Some(&json!(log.len())),
            "every entry was sent: {to:?}"
        );
    }
    Ok(())
}

/// States of a server that stops, fails or lacks something, and of a transaction that takes no writes: raised by the
/// application's own code they are an item's own fault, and the connection and the others are as they were.
#[tokio::test]
async fn no_state_that_an_item_raises_throws_the_batch_away() -> Result<()> {
    for (state, code) in [
        ("57P01", "server_stopping"),
        ("57P02", "server_crashed"),
        ("57P03", "server_starting"),
        ("57P05", "internal"),
        ("53100", "disk_full"),
        ("53200", "out_of_memory"),
        ("53300", "too_many_connections"),
        ("53400", "resource_limit"),
        ("58030", "storage_failed"),
        ("58P01", "internal"),
        ("25006", "read_only"),
        ("25001", "internal"),
        ("57014", "statement_timeout"),
        // Of a failed ASSERT.
        ("P0004", "internal"),
        ("40P01", "deadlock"),
    ] {
        let world = World::with_hook(&format!(
            "if $1 = {{ben}} then raise sqlstate '{state}'; end if; return true;"
        ))
        .await?;
        let [first, second] = world.sessions;
        let of = |session: Uuid, user: Uuid| item(session, user, &claims(user, "gold"));
        let items = json!([
            of(first, demo::ADA),
            of(first, demo::BEN),
            of(second, demo::ADA)
        ]);
        let answers = send_all(&world.database, &items).await?;
        assert_eq!(statuses(&answers), json!(["ok", code, "ok"]), "{state}");
        for session in world.sessions {
            assert_eq!(world.database.log(session).await?.len(), 3, "{state}");
        }
    }
    Ok(())
}

/// A refusal of the catalogue that a hook passes on is that refusal.
#[tokio::test]
async fn what_an_application_raises_is_told_as_to_a_single_call() -> Result<()> {
    let world = World::with_hook(
        "if $1 = {ben} then
             raise 'slow down' using errcode = 'PT429',
                 detail = '{\"code\": \"rate_limited\", \"retry_after_ms\": 1500}';
         end if;
         return true;",
    )
    .await?;
    let session = world.sessions[0];
    let items = json!([
        item(session, demo::ADA, &claims(demo::ADA, "gold")),
        item(session, demo::BEN, &claims(demo::BEN, "gold")),
    ]);
    let answers = send_all(&world.database, &items).await?;
    assert_eq!(statuses(&answers), json!(["ok", "rate_limited"]));
    assert_eq!(answers[1]["retry_after_ms"], 1500);
    Ok(())
}

/// Only an item that names no claims is the service's own.
#[tokio::test]
async fn claims_that_are_no_users_are_refused() -> Result<()> {
    let world = World::with_hook("return true;").await?;
    for (claims, code) in claims_of_nobody(demo::ADA) {
        let items = json!([item(world.sessions[0], demo::ADA, &claims)]);
        let answers = send_all(&world.database, &items).await?;
        assert_eq!(statuses(&answers), json!([code]), "{claims}");
    }
    Ok(())
}
