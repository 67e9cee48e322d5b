//! Playing the model's operations against the product, as its people.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stateful::{self, Outcome};
use tokio_postgres::Error;
use uuid::Uuid;

use super::model::ModerationModel;
use super::operation::{Actor, Call, Operation, RestrictionKind, sequences};

pub struct ModeratedChat {
    database: TestDatabase,
    ids: BTreeMap<Actor, Uuid>,
    sessions: BTreeMap<Actor, Session>,
}

const RESTRICTED: [Actor; 4] = [
    Actor::FirstModerator,
    Actor::SecondModerator,
    Actor::Ada,
    Actor::Ben,
];

/// One stream, the ids of what was written there, and the model of it.
pub struct ModeratedStream {
    session: Uuid,
    messages: Vec<Uuid>,
    model: ModerationModel,
}

impl stateful::Model for ModeratedChat {
    type Operation = Call;
    type State = ModeratedStream;

    fn operations() -> impl Strategy<Value = Vec<Call>> {
        sequences()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let mut ids = BTreeMap::from([
            (Actor::Seller, demo::SELLER),
            (Actor::Ada, demo::ADA),
            (Actor::Ben, demo::BEN),
        ]);
        for (person, name) in [
            (Actor::FirstModerator, "first"),
            (Actor::SecondModerator, "second"),
        ] {
            ids.insert(person, database.moderator(name).await?.0);
        }
        let mut sessions = BTreeMap::from([(Actor::Service, database.service().await?)]);
        for (person, id) in &ids {
            sessions.insert(*person, database.user(*id).await?);
        }
        Ok(Self {
            database,
            ids,
            sessions,
        })
    }

    async fn begin(&self) -> Result<ModeratedStream> {
        Ok(ModeratedStream {
            session: self.database.stream_in(StreamState::Active).await?,
            messages: Vec::new(),
            model: ModerationModel::new(),
        })
    }

    async fn step(&self, case: &mut ModeratedStream, (actor, operation): &Call) -> Result<()> {
        // Nobody in particular writes nothing.
        if *actor == Actor::Service && matches!(operation, Operation::Write) {
            return Ok(());
        }
        let messages = &mut case.messages;
        let returned = self.call(case.session, messages, *actor, operation).await?;
        Outcome::from(case.model.apply(*actor, operation)).compare(returned)
    }

    async fn compare(&self, case: ModeratedStream) -> Result<()> {
        self.check(case.session, &case.model).await
    }
}

impl ModeratedChat {
    async fn call(
        &self,
        session: Uuid,
        messages: &mut Vec<Uuid>,
        actor: Actor,
        operation: &Operation,
    ) -> Result<Result<Value, Error>> {
        let named = |place: usize| messages.get(place).copied().unwrap_or_else(Uuid::new_v4);
        let (function, mut arguments) = match operation {
            Operation::Restrict {
                target,
                kind: RestrictionKind::Mute,
                duration_s,
            } => (
                "mute_user",
                json!({"user_id": self.ids[target], "duration_s": duration_s}),
            ),
            Operation::Restrict {
                target, duration_s, ..
            } => (
                "ban_user",
                json!({"user_id": self.ids[target], "duration_s": duration_s}),
            ),
            Operation::Lift { target, kind } => (
                "lift_restriction",
                json!({"user_id": self.ids[target], "kind": kind.as_str()}),
            ),
            Operation::SlowMode(interval_ms) => {
                ("set_slow_mode", json!({"interval_ms": interval_ms}))
            }
            Operation::ChatMode(mode) => ("set_chat_mode", json!({"mode": mode})),
            Operation::Pin(place) => ("pin_message", json!({"message_id": named(*place)})),
            Operation::Unpin => ("unpin_message", json!({})),
            Operation::Delete(place) => ("delete_message", json!({"message_id": named(*place)})),
            Operation::DeleteAll(target) => {
                ("delete_user_messages", json!({"user_id": self.ids[target]}))
            }
            Operation::Block(term) => ("block_term", json!({"term": term})),
            Operation::Unblock(term) => ("unblock_term", json!({"term": term})),
            Operation::Join => ("add_viewer", json!({})),
            Operation::End => ("end_stream", json!({})),
            Operation::Write => {
                let written = self.write(session, self.ids[&actor]).await?;
                messages.extend(written);
                // What may be written is no question of moderation's own functions.
                let Some(_) = written else {
                    return Ok(self.ended(session).await);
                };
                return Ok(Ok(Value::Null));
            }
            Operation::Minute => {
                self.database.pass_time(session, 60).await?;
                return Ok(Ok(Value::Null));
            }
        };
        arguments["session_id"] = json!(session);
        Ok(self.sessions[&actor].rpc(function, arguments).await)
    }

    /// Puts a message in an open log, past the functions; returns its id.
    async fn write(&self, session: Uuid, author: Uuid) -> Result<Option<Uuid>> {
        let row = self
            .database
            .owner
            .query_opt(
                "with head as (
                     update stream.chat_heads
                     set last_seq = last_seq + 1,
                         last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond')
                     where session_id = $1 and open
                     returning last_seq, last_at
                 )
                 insert into stream.chat_messages
                     (session_id, seq, user_id, username, content, created_at, updated_at)
                 select $1, h.last_seq, $2, 'name', 'text', h.last_at, h.last_at from head as h
                 returning id",
                &[&session, &author],
            )
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// The refusal of a stream that has ended.
    async fn ended(&self, session: Uuid) -> Result<Value, Error> {
        let arguments = json!({"session_id": session, "state": "active"});
        self.sessions[&Actor::Seller]
            .rpc("update_stream_state", arguments)
            .await
    }

    async fn check(&self, session: Uuid, model: &ModerationModel) -> Result<()> {
        let row = self.database.session_row(session).await?;
        let rules = json!([row["slow_mode_ms"], row["chat_mode"], row["pinned_seq"]]);
        let expected = json!([model.slow_mode_ms, model.chat_mode, model.pinned_seq]);
        ensure!(rules == expected, "rules {rules} instead of {expected}");

        let seller = &self.sessions[&Actor::Seller];
        let of = json!({"session_id": session});
        let listed = seller.rpc_rows("list_restrictions", of.clone()).await?;
        let mut listed: Vec<_> = listed
            .iter()
            .map(|row| json!([row["user_id"], row["kind"]]).to_string())
            .collect();
        listed.sort();
        let mut expected = Vec::new();
        for person in RESTRICTED {
            for kind in [RestrictionKind::Mute, RestrictionKind::Ban] {
                if model.in_force(person, kind) {
                    expected.push(json!([self.ids[&person], kind.as_str()]).to_string());
                }
            }
        }
        expected.sort();
        ensure!(listed == expected, "{listed:?} instead of {expected:?}");

        let terms = seller.rpc_rows("list_blocked_terms", of).await?;
        ensure!(terms.len() == model.terms.len(), "{terms:?}");
        self.check_log(session, model).await?;
        for (person, is_active) in &model.places {
            let place = self.database.viewer_row(session, self.ids[person]).await?;
            ensure!(place["is_active"] == *is_active, "{person:?}: {place}");
        }
        Ok(())
    }

    async fn check_log(&self, session: Uuid, model: &ModerationModel) -> Result<()> {
        let log = self.database.log(session).await?;
        let kinds: Vec<_> = log[2..]
            .iter()
            .map(|entry| entry["metadata"]["kind"].as_str().unwrap_or("message"))
            .collect();
        ensure!(kinds == model.log, "{kinds:?} instead of {:?}", model.log);
        for (place, entry) in log.iter().enumerate() {
            ensure!(entry["seq"] == place + 1, "{entry}");
        }
        for message in &model.messages {
            let place = usize::try_from(message.seq - 1)?;
            let is_deleted = log[place]["content"] == "" && log[place]["deleted_at"].is_string();
            ensure!(is_deleted == message.is_deleted, "{}", log[place]);
        }
        let kept = self.database.decisions(session).await?;
        let kept: Vec<_> = kept
            .iter()
            .map(|row| json!([row["action"], row["seq"].is_i64()]))
            .collect();
        let expected: Vec<_> = model
            .decisions
            .iter()
            .map(|(action, is_announced)| json!([action, is_announced]))
            .collect();
        ensure!(kept == expected, "{kept:?} instead of {expected:?}");
        Ok(())
    }
}
