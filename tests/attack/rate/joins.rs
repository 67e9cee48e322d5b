//! One user who joins in a loop: tokens beyond the rate are the stored ones, and nobody is locked out.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{SUBSCRIBER, buyer_token, refreshed_token};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use tokio_postgres::Error;
use uuid::Uuid;

async fn join(caller: &Session, session: Uuid) -> Result<Value, Error> {
    caller
        .rpc("join_stream", json!({"session_id": session}))
        .await
}

/// A live stream whose viewers may ask for so many tokens a minute, and ADA, who has not joined.
async fn stream_with_a_rate(per_minute: i32) -> Result<(TestDatabase, Uuid, Session)> {
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set token_rate_per_minute = {per_minute} where id"
        ))
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    Ok((database, id, ada))
}

async fn stored(database: &TestDatabase) -> Result<i64> {
    database
        .value("select count(*) from stream.agora_tokens")
        .await
}

/// Whether the text is one of the stored tokens.
async fn is_stored(database: &TestDatabase, token: &Value) -> Result<bool> {
    let text = token["token"].as_str().context("no token")?;
    let row = database
        .owner
        .query_one(
            "select exists (select from stream.agora_tokens as t
                 where t.token_hash::text = encode(sha256(convert_to($1, 'UTF8')), 'hex'))",
            &[&text],
        )
        .await?;
    Ok(row.get(0))
}

/// Without a token, and with the wait until there is one.
fn expect_none(joined: &Value) {
    assert_eq!(joined["token"], Value::Null);
    let wait_ms = joined["retry_after_ms"].as_u64();
    assert!(
        wait_ms.is_some_and(|wait_ms| (1..=60_000).contains(&wait_ms)),
        "{wait_ms:?}"
    );
    assert!(joined["lease"]["join_no"].is_number());
    assert!(joined["sync"]["head_seq"].is_number());
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the rate gives more with time; the time itself is not judged"
)]
async fn a_loop_of_joins_stores_no_more_tokens_than_the_rate() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(6).await?;
    let begin = Instant::now();
    let (mut tokens, mut join_no) = (BTreeSet::new(), 0);
    for _ in 0..60 {
        let joined = join(&ada, id).await?;
        database.verified(&joined["token"], SUBSCRIBER)?;
        assert!(is_stored(&database, &joined["token"]).await?);
        assert_eq!(joined["retry_after_ms"], Value::Null);
        join_no += 1;
        assert_eq!(joined["lease"]["join_no"], join_no);
        tokens.insert(joined["token"]["token"].to_string());
    }
    // Six at once, and one more each ten seconds that the loop took.
    let room = 6 + i64::try_from(begin.elapsed().as_secs() / 10)? + 1;
    let stored = stored(&database).await?;
    assert!((6..=room).contains(&stored), "{stored}");
    assert_eq!(i64::try_from(tokens.len())?, stored);
    Ok(())
}

#[tokio::test]
async fn beyond_the_rate_the_newest_token_comes_again_byte_for_byte() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(2).await?;
    let first = join(&ada, id).await?;
    // Times of issue are whole seconds.
    database.pass_time(id, 1).await?;
    let second = join(&ada, id).await?;
    assert_ne!(second["token"]["token"], first["token"]["token"]);
    for join_no in 3..6 {
        let again = join(&ada, id).await?;
        assert_eq!(again["token"], second["token"]);
        assert_eq!(again["retry_after_ms"], Value::Null);
        assert_eq!(again["lease"]["join_no"], join_no);
        assert_eq!(again["lease"]["agora_uid"], again["token"]["uid"]);
    }
    assert_eq!(stored(&database).await?, 2);
    // What was asked for otherwise counts, and is the newest.
    database.pass_time(id, 60).await?;
    join(&ada, id).await?;
    let refreshed = refreshed_token(&ada, id).await?;
    assert_eq!(join(&ada, id).await?["token"], refreshed);
    Ok(())
}

/// The lease counts too: nobody asks for tokens at will by joining between the requests.
#[tokio::test]
async fn a_join_beyond_the_rate_leaves_the_rate_as_it_is() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(6).await?;
    for _ in 0..12 {
        join(&ada, id).await?;
    }
    let call = buyer_token(&ada, id);
    database.refuses(ErrorCode::RateLimited, call).await?;
    database.pass_time(id, 10).await?;
    buyer_token(&ada, id).await?;
    Ok(())
}

/// As many requests as one likes, all sent before the first is answered.
#[tokio::test]
async fn a_request_that_began_before_the_rate_was_used_up_is_refused() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(3).await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    let seller = database.user(demo::SELLER).await?;
    for (caller, user) in [(&ada, demo::ADA), (&seller, demo::SELLER)] {
        let early = database.user(user).await?;
        early.begin().await?;
        for _ in 0..3 {
            refreshed_token(caller, id).await?;
        }
        let arguments = json!({"user_id": null, "channel_id": id});
        let late = early.rpc_within("refresh_token", arguments).await;
        expect_refusal(ErrorCode::RateLimited, late)?;
    }
    Ok(())
}

/// The second device joins before the first one's join is committed.
#[tokio::test]
async fn two_joins_at_once_share_one_token() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(1).await?;
    let other = database.user(demo::ADA).await?;
    let backend = other.backend().await?;
    ada.begin().await?;
    let first = ada
        .rpc_within("join_stream", json!({"session_id": id}))
        .await?;
    let waiting = tokio::spawn(async move { join(&other, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    ada.commit().await?;
    let second = waiting.await??;
    assert_eq!(second["token"], first["token"]);
    assert_eq!(second["lease"]["join_no"], 2);
    assert_eq!(stored(&database).await?, 1);
    Ok(())
}

/// A quarter of an hour's token is 900 seconds: before that no heartbeat replaces it.
#[tokio::test]
async fn a_token_in_its_last_quarter_is_not_handed_out_again() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(1).await?;
    let mut newest = join(&ada, id).await?["token"]["token"].clone();
    let mut age_s = 0;
    for (seconds, comes) in [(0, true), (2600, true), (2710, false), (3610, false)] {
        let text = newest.as_str().context("a token")?;
        newest = json!(database.age(text, seconds - age_s).await?);
        age_s = seconds;
        let joined = join(&ada, id).await?;
        if comes {
            assert_eq!(joined["token"]["token"], newest);
            database.verified(&joined["token"], SUBSCRIBER)?;
        } else {
            expect_none(&joined);
        }
    }
    assert_eq!(stored(&database).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_token_that_the_rows_do_not_give_any_more_is_not_handed_out() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(1).await?;
    let token = join(&ada, id).await?["token"].clone();
    let superuser = database.superuser().await?;
    for (change, back) in [
        (
            "update stream.config set agora_app_id = reverse(agora_app_id) where id",
            "update stream.config set agora_app_id = reverse(agora_app_id) where id",
        ),
        (
            "update vault.secrets set secret = reverse(secret)",
            "update vault.secrets set secret = reverse(secret)",
        ),
        (
            "update stream.stream_viewers set agora_uid = agora_uid + 1",
            "update stream.stream_viewers set agora_uid = agora_uid - 1",
        ),
        (
            "update stream.agora_tokens set salt = salt % 99999999 + 1",
            "update stream.agora_tokens set salt = (salt + 99999997) % 99999999 + 1",
        ),
        (
            "update stream.agora_tokens set expires_at = expires_at + interval '1 second'",
            "update stream.agora_tokens set expires_at = expires_at - interval '1 second'",
        ),
        (
            "update stream.agora_tokens set is_active = false",
            "update stream.agora_tokens set is_active = true",
        ),
    ] {
        superuser.batch_execute(change).await?;
        expect_none(&join(&ada, id).await?);
        superuser.batch_execute(back).await?;
        assert_eq!(join(&ada, id).await?["token"], token, "{change}");
    }
    assert_eq!(stored(&database).await?, 1);
    Ok(())
}

#[tokio::test]
async fn whoever_got_none_has_one_after_the_wait_or_with_a_heartbeat() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(1).await?;
    let first = join(&ada, id).await?["token"].clone();
    database
        .superuser()
        .await?
        .batch_execute("update vault.secrets set secret = reverse(secret)")
        .await?;
    expect_none(&join(&ada, id).await?);
    let heartbeat = json!({"session_id": id});
    assert_eq!(
        ada.rpc("heartbeat", heartbeat.clone()).await?["token"],
        json!(null)
    );
    database.pass_time(id, 30).await?;
    let renewed = ada.rpc("heartbeat", heartbeat).await?["token"].clone();
    assert!(renewed["token"].is_string());
    // The one that the heartbeat brought is the newest, and the new certificate's.
    let again = join(&ada, id).await?;
    assert_eq!(again["token"]["token"], renewed["token"]);
    database.pass_time(id, 60).await?;
    let next = join(&ada, id).await?["token"].clone();
    for older in [&first, &renewed] {
        assert_ne!(next["token"], older["token"]);
    }
    Ok(())
}

#[tokio::test]
async fn whoever_was_banned_meanwhile_gets_no_older_token_again() -> Result<()> {
    let (database, id, ada) = stream_with_a_rate(1).await?;
    let first = join(&ada, id).await?["token"].clone();
    let seller = database.user(demo::SELLER).await?;
    let user = json!({"session_id": id, "user_id": demo::ADA});
    seller.rpc("ban_user", user.clone()).await?;
    database.refuses(ErrorCode::Banned, join(&ada, id)).await?;
    let mut lift = user;
    lift["kind"] = json!("ban");
    seller.rpc("lift_restriction", lift).await?;
    expect_none(&join(&ada, id).await?);
    database.pass_time(id, 60).await?;
    let next = join(&ada, id).await?["token"].clone();
    database.verified(&next, SUBSCRIBER)?;
    assert_ne!(next["token"], first["token"]);
    move_to(&seller, id, StreamState::Ended).await?;
    database
        .refuses(ErrorCode::StreamEnded, join(&ada, id))
        .await
}
