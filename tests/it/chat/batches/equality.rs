//! A message in a batch is refused exactly as the single call: every refusal of the contract, in equal states.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::batched::{Batched, Refusal, UserCall, item_refusal, refusal};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::stream::send_message;
use uuid::Uuid;

const MESSAGES: Batched = Batched {
    single: "send_message",
    batch: "send_messages",
};

/// Judged before the call itself is, so the contract names them once for all operations.
const OF_THE_CALLER: [&str; 2] = ["unauthenticated", "token_invalid"];

/// Refused for the transaction that the caller has opened, so a batch is refused as a whole.
const OF_THE_TRANSACTION: &str = "isolation_level";

/// A stream in which Ada, Ben and the seller may write.
struct World {
    database: TestDatabase,
    session: Uuid,
}

impl World {
    async fn new() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        for user in [demo::ADA, demo::BEN] {
            database.viewer(session, user).await?;
        }
        Ok(Self { database, session })
    }

    fn call(&self, user: Uuid, content: &str) -> UserCall {
        let arguments = json!({
            "session_id": self.session, "user_id": null, "content": content, "id": Uuid::new_v4(),
        });
        UserCall {
            identity: Identity::user(user),
            arguments,
        }
    }

    fn with(&self, argument: &str, value: Value) -> UserCall {
        let mut call = self.call(demo::ADA, "hi");
        call.arguments[argument] = value;
        call
    }

    fn as_whom(&self, identity: Identity) -> UserCall {
        UserCall {
            identity,
            ..self.call(demo::ADA, "hi")
        }
    }

    async fn set(&self, change: &str) -> Result<()> {
        let session = self.session;
        let change = change.replace("{session}", &format!("'{session}'"));
        let change = change.replace("{ada}", &format!("'{}'", demo::ADA));
        self.database.change(&change).await
    }

    /// Makes a state in which this refusal comes; returns the call that gets it.
    async fn refused_with(&self, code: &str) -> Result<UserCall> {
        let hi = self.call(demo::ADA, "hi");
        let restriction = |kind: &str, until: &str| {
            format!(
                "insert into stream.chat_restrictions (session_id, user_id, kind, until)
                 values ({{session}}, {{ada}}, '{kind}', {until})"
            )
        };
        let change = match code {
            "invalid_argument" => return Ok(self.with("content", Value::Null)),
            "not_self" => return Ok(self.with("user_id", json!(demo::BEN))),
            "session_not_found" => return Ok(self.with("session_id", json!(Uuid::new_v4()))),
            "not_viewer" => return Ok(self.call(demo::CLEO, "hi")),
            "content_empty" => return Ok(self.call(demo::ADA, " \u{200b} ")),
            "content_too_long" => return Ok(self.call(demo::ADA, &"x".repeat(2001))),
            "content_invalid" => return Ok(self.call(demo::ADA, "a\u{202e}b")),
            "anonymous_user" => return Ok(self.as_whom(Identity::anonymous_user(demo::ADA))),
            "unauthenticated" => {
                let claims = json!({"role": "authenticated"});
                return Ok(self.as_whom(Identity::with_claims("authenticated", claims)));
            }
            "token_invalid" => {
                let claims = json!({"role": "authenticated", "sub": "ada"});
                return Ok(self.as_whom(Identity::with_claims("authenticated", claims)));
            }
            "message_id_conflict" => {
                let ben = self.database.user(demo::BEN).await?;
                let stored = send_message(&ben, self.session, "first").await?;
                return Ok(self.with("id", stored["id"].clone()));
            }
            "stream_ended" => {
                let service = self.database.service().await?;
                let session = json!({"session_id": self.session});
                service.rpc("end_stream", session).await?;
                return Ok(hi);
            }
            "banned" => restriction("ban", "null"),
            "muted" => restriction("mute", "now() + interval '1 hour'"),
            "cannot_chat" => {
                "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid)
                returns boolean language sql set search_path = pg_catalog, pg_temp
                as $$ select $1 <> {ada} $$"
                    .to_owned()
            }
            "chat_closed" => {
                "update stream.stream_sessions set chat_mode = 'hosts' where id = {session}"
                    .to_owned()
            }
            "slow_mode" => {
                let ada = self.database.user(demo::ADA).await?;
                send_message(&ada, self.session, "first").await?;
                "update stream.stream_sessions set slow_mode_ms = 60000 where id = {session}"
                    .to_owned()
            }
            "rate_limited" => {
                let limit =
                    "update stream.config set chat_interval_ms = 10000, chat_burst = 1 where id";
                self.set(limit).await?;
                let ada = self.database.user(demo::ADA).await?;
                send_message(&ada, self.session, "first").await?;
                return Ok(hi);
            }
            "content_blocked" => "insert into stream.blocked_terms (session_id, term, pattern)
                values ({session}, 'hi', 'hi')"
                .to_owned(),
            code => anyhow::bail!("no state is known in which {code} comes: add it"),
        };
        self.set(&change).await?;
        Ok(hi)
    }

    async fn now_ms(&self) -> Result<i64> {
        self.database
            .value("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
            .await
    }
}

/// The later wait is shorter by what passed between the two calls, which both clock readings enclose.
fn expect_same(alone: &Refusal, batched: &Refusal, passed_ms: i64) {
    assert_eq!(alone.code, batched.code);
    let (first, second) = (alone.retry_after_ms, batched.retry_after_ms);
    assert_eq!(first.is_some(), second.is_some(), "{}", alone.code);
    if let (Some(first), Some(second)) = (first, second) {
        // Each is rounded to a millisecond.
        let apart = first.cast_signed() - second.cast_signed();
        assert!(
            (-1..=passed_ms + 1).contains(&apart),
            "{alone:?} and {batched:?}"
        );
    }
}

#[tokio::test]
async fn every_refusal_of_a_message_is_the_same_alone_and_in_a_batch() -> Result<()> {
    let codes = MESSAGES.codes();
    let codes = codes.iter().map(String::as_str);
    let codes: Vec<&str> = codes.filter(|code| *code != OF_THE_TRANSACTION).collect();
    for code in codes.into_iter().chain(OF_THE_CALLER) {
        let world = World::new().await?;
        let call = world.refused_with(code).await.context(code.to_owned())?;
        let before = world.now_ms().await?;
        let alone = MESSAGES.refused_alone(&world.database, &call).await;
        let alone = alone.context(code.to_owned())?;
        assert_eq!(alone.code, code);
        let batched = MESSAGES.refused_in_batch(&world.database, &call).await;
        let batched = batched.context(code.to_owned())?;
        expect_same(&alone, &batched, world.now_ms().await? - before);

        // Between two that are answered, where anybody is.
        let good = world.call(demo::SELLER, "good").item();
        let answers = MESSAGES
            .send(&world.database, &json!([good, call.item(), good]))
            .await?;
        let beside = item_refusal(&answers[1]).context("it was answered")?;
        expect_same(&alone, &beside, world.now_ms().await? - before);
        let all_refused = ["stream_ended"].contains(&code);
        assert_eq!(answers[0]["status"] == "ok", !all_refused, "{code}");
        assert_eq!(answers[0]["message"], answers[2]["message"], "{code}");
    }
    Ok(())
}

#[tokio::test]
async fn above_read_committed_both_are_refused() -> Result<()> {
    let world = World::new().await?;
    let call = world.call(demo::ADA, "hi");
    let ada = world.database.session(call.identity.clone()).await?;
    let service = world.database.service().await?;
    let items = json!({"items": [call.item()]});
    for isolation in ["repeatable read", "serializable"] {
        let alone = ada.rpc_at(isolation, MESSAGES.single, call.arguments.clone());
        let alone = refusal(&alone.await.expect_err("refused"))?;
        let batch = service.rpc_at(isolation, MESSAGES.batch, items.clone());
        assert_eq!(alone, refusal(&batch.await.expect_err("refused"))?);
        assert_eq!(alone.code, OF_THE_TRANSACTION);
    }
    Ok(())
}

/// What a message leaves behind, apart from its times.
#[tokio::test]
async fn a_message_that_is_stored_leaves_the_same_behind() -> Result<()> {
    let world = World::new().await?;
    world
        .set("update stream.config set chat_interval_ms = 10000, chat_burst = 5 where id")
        .await?;
    let alone = world.call(demo::ADA, " one ");
    let ada = world.database.session(alone.identity.clone()).await?;
    let stored = ada.rpc(MESSAGES.single, alone.arguments.clone()).await?;
    let batched = world.call(demo::BEN, " one ");
    let answers = MESSAGES
        .send(&world.database, &json!([batched.item()]))
        .await?;
    let message = &answers[0]["message"];
    let keys = |message: &Value| -> BTreeSet<String> {
        message
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().cloned())
            .collect()
    };
    assert_eq!(keys(message), keys(&stored));
    assert_eq!(message["content"], stored["content"]);
    assert_eq!(message["user_id"], json!(demo::BEN));
    assert_eq!(message["username"], "ben");
    for (user, column) in [demo::ADA, demo::BEN].iter().flat_map(|user| {
        [
            "chat_tat > last_chat_at",
            "last_chat_at is not null",
            "is_active",
        ]
        .map(|column| (user, column))
    }) {
        let holds: bool = world
            .database
            .value(&format!(
                "select {column} from stream.stream_viewers where session_id = '{}' and user_id = '{user}'",
                world.session
            ))
            .await?;
        assert!(holds, "{column}");
    }
    // The same id again is the same message, either way.
    let again = MESSAGES
        .send(&world.database, &json!([alone.item()]))
        .await?;
    assert_eq!(again[0]["message"], stored);
    let ben = world.database.session(batched.identity.clone()).await?;
    assert_eq!(ben.rpc(MESSAGES.single, batched.arguments).await?, *message);
    Ok(())
}
