//! `version` of `sync`: equal versions mean an equal answer for the same caller and cursor.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

/// The readers and their cursors, each with the answer that it got last.
struct Readers {
    session: Uuid,
    sessions: Vec<(&'static str, Session)>,
    seen: BTreeMap<(&'static str, Option<i64>), Value>,
}

/// How far two answers differ.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Difference {
    None,
    Some,
}

/// What an answer says apart from the time, and from how long the cooldown is from now.
fn rest(answer: &Value) -> Value {
    let mut rest = answer.clone();
    for of_the_moment in ["version", "server_time", "cooldown_ms"] {
        rest[of_the_moment] = Value::Null;
    }
    rest
}

impl Readers {
    async fn of(database: &TestDatabase, session: Uuid) -> Result<Self> {
        let mut sessions = vec![
            ("ada", database.user(demo::ADA).await?),
            ("ben", database.user(demo::BEN).await?),
            ("seller", database.user(demo::SELLER).await?),
        ];
        sessions.push(("service", database.service().await?));
        Ok(Self {
            session,
            sessions,
            seen: BTreeMap::new(),
        })
    }

    /// Asks for every reader and cursor; returns whose answers differ from the last ones by their versions.
    async fn ask(
        &mut self,
        what: &str,
    ) -> Result<BTreeMap<(&'static str, Option<i64>), Difference>> {
        let mut differences = BTreeMap::new();
        for (reader, caller) in &self.sessions {
            for cursor in [None, Some(0), Some(2)] {
                let arguments = json!({"session_id": self.session, "after_seq": cursor});
                let answer = caller.rpc("sync", arguments.clone()).await?;
                expect_parts(&answer)?;
                // Without a change in between it is the same.
                let again = caller.rpc("sync", arguments).await?;
                assert_eq!(answer["version"], again["version"], "{what}, {reader}");
                assert_eq!(rest(&answer), rest(&again), "{what}, {reader}");
                let key = (*reader, cursor);
                if let Some(last) = self.seen.insert(key, answer.clone()) {
                    let is_same = last["version"] == answer["version"];
                    assert_eq!(is_same, rest(&last) == rest(&answer), "{what}, {key:?}");
                    let difference = if is_same {
                        Difference::None
                    } else {
                        Difference::Some
                    };
                    differences.insert(key, difference);
                }
            }
        }
        Ok(differences)
    }
}

/// A version begins with what it is compared by most often.
fn expect_parts(answer: &Value) -> Result<()> {
    let text = |name: &str| match &answer[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let expected = ["epoch", "head_seq", "state", "viewer_count"]
        .map(text)
        .join(".");
    let version = answer["version"].as_str().context("no version")?;
    let digest = version.strip_prefix(&expected).context("other parts")?;
    let digest = digest.strip_prefix('.').context("no digest")?;
    assert_eq!(digest.len(), 16);
    assert!(
        version
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"')
    );
    Ok(())
}

#[tokio::test]
async fn a_version_changes_with_the_answer_and_with_nothing_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(session, user).await?;
    }
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut readers = Readers::of(&database, session).await?;
    readers.ask("the start").await?;
    let of_session = json!({"session_id": session});

    let message = send_message(&ada, session, "hi").await?;
    let all = readers.ask("a message").await?;
    assert!(
        all.values()
            .all(|difference| *difference == Difference::Some)
    );

    // These change no number of the log.
    let silent: [(&str, &str); 9] = [
        (
            "count",
            "update stream.stream_sessions set viewer_count = 17, peak_viewer_count = 17 where id = {session}",
        ),
        (
            "takeover",
            "update stream.stream_sessions set generation = generation + 1 where id = {session}",
        ),
        (
            "mode",
            "update stream.stream_sessions set chat_mode = 'verified' where id = {session}",
        ),
        (
            "slow mode",
            "update stream.stream_sessions set slow_mode_ms = 5000 where id = {session}",
        ),
        (
            "pin",
            "update stream.stream_sessions set pinned_seq = 3 where id = {session}",
        ),
        (
            "name",
            "update stream.chat_messages set username = null, user_id = null where session_id = {session} and seq = 3",
        ),
        (
            "retention",
            "delete from stream.chat_messages where session_id = {session} and seq = 1",
        ),
        (
            "polling",
            "update stream.chat_relay set poll_ms = 20000 where session_id = {session}",
        ),
        ("epoch", "update stream.config set epoch_salt = 'another'"),
    ];
    for (what, change) in silent {
        let change = change.replace("{session}", &format!("'{session}'"));
        database.change(&change).await?;
        let all = readers.ask(what).await?;
        let concerned = all
            .iter()
            .filter(|(_, difference)| **difference == Difference::Some);
        assert!(concerned.count() > 0, "{what}");
    }

    // What concerns one reader alone.
    let mark = json!({"session_id": session, "user_id": null, "seq": message["seq"]});
    ada.rpc("mark_read_up_to", mark).await?;
    let own: [(&str, &str); 4] = [
        ("mark", "select 1"),
        (
            "mute",
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             values ({session}, {ada}, 'mute', now() + interval '1 hour')",
        ),
        (
            "cooldown",
            "update stream.stream_viewers set chat_tat = now() + interval '1 minute'
             where session_id = {session} and user_id = {ada}",
        ),
        (
            "lease",
            "update stream.stream_viewers set left_at = now() where session_id = {session} and user_id = {ada}",
        ),
    ];
    for (what, change) in own {
        let change = change.replace("{session}", &format!("'{session}'"));
        let change = change.replace("{ada}", &format!("'{}'", demo::ADA));
        if what == "cooldown" {
            // Only the version shows it: how long the cooldown is from now is of the moment.
            let before = readers.seen[&("ada", None)]["version"].clone();
            database.change(&change).await?;
            let now = ada.rpc("sync", of_session.clone()).await?;
            assert_ne!(now["version"], before);
            readers.seen.clear();
            readers.ask(what).await?;
            continue;
        }
        database.change(&change).await?;
        for (key, difference) in readers.ask(what).await? {
            let expected = if key.0 == "ada" {
                Difference::Some
            } else {
                Difference::None
            };
            assert_eq!(difference, expected, "{what}, {key:?}");
        }
    }

    seller.rpc("pause_stream", of_session.clone()).await?;
    let all = readers.ask("pause").await?;
    assert!(
        all.values()
            .all(|difference| *difference == Difference::Some)
    );
    let joined = ada.rpc("join_stream", of_session).await?;
    expect_parts(&joined["sync"])?;
    Ok(())
}
