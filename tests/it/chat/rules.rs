//! Restrictions, chat modes and blocked terms, checked at the send.

use anyhow::Result;
use serde_json::json;
use stream_core::blocked_term::pattern;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::{expect_refusal, retry_after_ms};
use stream_tests::stream::send_message;
use uuid::Uuid;

impl Setting<'_> {
    async fn restrict(&self, user: Uuid, kind: &str, until: &str) -> Result<()> {
        self.database
            .change(&format!(
                "insert into stream.chat_restrictions (session_id, user_id, kind, until)
                 values ('{}', '{user}', '{kind}', {until})",
                self.session
            ))
            .await
    }

    async fn set(&self, change: &str) -> Result<()> {
        self.database
            .change(&format!(
                "update stream.stream_sessions set {change} where id = '{}'",
                self.session
            ))
            .await
    }

    async fn block(&self, session: Option<Uuid>, term: &str) -> Result<()> {
        self.database
            .owner
            .execute(
                "insert into stream.blocked_terms (session_id, term, pattern) values ($1, $2, $3)",
                &[&session, &term, &pattern(term)],
            )
            .await?;
        Ok(())
    }
}

/// A stream whose rows a test changes.
struct Setting<'a> {
    database: &'a TestDatabase,
    session: Uuid,
}

#[tokio::test]
async fn a_muted_viewer_reads_and_does_not_write() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    setting
        .restrict(demo::ADA, "mute", "now() + interval '1 minute'")
        .await?;
    database
        .refuses(ErrorCode::Muted, send_message(&ada, session, "hi"))
        .await?;
    let refused = send_message(&ada, session, "hi").await.expect_err("muted");
    let wait = retry_after_ms(&refused).expect("a wait");
    assert!((30_000..=60_000).contains(&wait), "{wait} ms");
    ada.rpc("sync", json!({"session_id": session})).await?;
    send_message(&ben, session, "hi").await?;
    database.pass_time(session, 60).await?;
    send_message(&ada, session, "hi").await?;
    Ok(())
}

#[tokio::test]
async fn a_mute_without_an_end_names_no_wait() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    let ada = database.viewer(session, demo::ADA).await?;
    setting.restrict(demo::ADA, "mute", "null").await?;
    let refused = send_message(&ada, session, "hi").await;
    assert_eq!(retry_after_ms(refused.as_ref().expect_err("muted")), None);
    expect_refusal(ErrorCode::Muted, refused)
}

#[tokio::test]
async fn a_banned_viewer_does_not_write_while_the_lease_lasts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    let ada = database.viewer(session, demo::ADA).await?;
    setting.restrict(demo::ADA, "ban", "null").await?;
    database
        .refuses(ErrorCode::Banned, send_message(&ada, session, "hi"))
        .await
}

/// A mute that was committed while the message waited for its turn counts.
#[tokio::test]
async fn a_message_that_waited_for_a_mute_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let backend = ada.backend().await?;
    let mut moderator = database.connect("postgres").await?;
    let muting = moderator.transaction().await?;
    muting
        .execute(
            "update stream.chat_heads set last_seq = last_seq where session_id = $1",
            &[&session],
        )
        .await?;
    let waiting = tokio::spawn(async move { send_message(&ada, session, "hi").await });
    wait_until_blocked(&database.owner, backend).await?;
    muting
        .execute(
            "insert into stream.chat_restrictions (session_id, user_id, kind) values ($1, $2, 'mute')",
            &[&session, &demo::ADA],
        )
        .await?;
    muting.commit().await?;
    expect_refusal(ErrorCode::Muted, waiting.await?)
}

#[tokio::test]
async fn a_chat_mode_says_who_writes() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let verified = database.viewer(session, demo::BEN).await?;
    let moderator = database.viewer(session, demo::CLEO).await?;
    database
        .change(&format!(
            "update public.users set is_verified = id = '{}', is_moderator = id = '{}'",
            demo::BEN,
            demo::CLEO
        ))
        .await?;
    // Who may write: the seller, Ada, Ben (verified), Cleo (moderator).
    for (mode, may) in [
        ("viewers", [true, true, true, true]),
        ("verified", [true, false, true, true]),
        ("hosts", [true, false, false, true]),
        ("nobody", [false, false, false, false]),
    ] {
        setting.set(&format!("chat_mode = '{mode}'")).await?;
        for (sender, may) in [&seller, &ada, &verified, &moderator].into_iter().zip(may) {
            let call = send_message(sender, session, mode);
            if may {
                call.await?;
            } else {
                database.refuses(ErrorCode::ChatClosed, call).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_blocked_term_is_refused_however_it_is_spelled() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    let ada = database.viewer(session, demo::ADA).await?;
    database.viewer(other, demo::ADA).await?;
    setting.block(Some(session), "Scam").await?;
    for text in [
        "scam",
        "a SCAM!",
        "sc\u{e1}m",
        "s\u{200b}cam",
        "\u{ff33}\u{ff43}\u{ff41}\u{ff4d}",
    ] {
        database
            .refuses(ErrorCode::ContentBlocked, send_message(&ada, session, text))
            .await?;
    }
    send_message(&ada, session, "scampi").await?;
    send_message(&ada, other, "scam").await?;
    setting.block(None, "scam").await?;
    database
        .refuses(ErrorCode::ContentBlocked, send_message(&ada, other, "scam"))
        .await
}

#[tokio::test]
async fn the_sellers_words_are_judged_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let setting = Setting {
        database: &database,
        session,
    };
    setting.block(Some(session), "scam").await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .refuses(
            ErrorCode::ContentBlocked,
            send_message(&seller, session, "scam"),
        )
        .await
}
