//! Heartbeats bring a fresh Agora token before the old one ends.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use uuid::Uuid;

/// 75 % of the default life of an hour, in seconds.
const RENEWED_AFTER: i64 = 2700;

async fn minted(database: &TestDatabase) -> Result<i64> {
    database
        .value("select count(*) from stream.agora_tokens")
        .await
}

/// The seller and one viewer, both with a token that was minted now.
async fn stream_with_tokens(
    database: &TestDatabase,
) -> Result<(Uuid, [stream_tests::session::Session; 2])> {
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    seller_token(&seller, id).await?;
    buyer_token(&ada, id).await?;
    Ok((id, [seller, ada]))
}

#[tokio::test]
async fn a_token_past_three_quarters_of_its_life_is_renewed_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, ada]) = stream_with_tokens(&database).await?;
    database.pass_time(id, RENEWED_AFTER - 5).await?;
    for caller in [&seller, &ada] {
        assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
    }
    assert_eq!(minted(&database).await?, 2);

    database.pass_time(id, 5).await?;
    for (caller, privileges) in [(&seller, PUBLISHER), (&ada, SUBSCRIBER)] {
        let answer = send_heartbeat(caller, id).await?;
        assert_eq!(answer["status"], "ok");
        let token = database.verified(&answer["token"], privileges)?;
        assert_eq!(token.expires_in_s, 3600);
        for _ in 0..3 {
            assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
        }
    }
    assert_eq!(minted(&database).await?, 4);

    Ok(())
}

/// What a caller says whose token ends in so many seconds.
async fn holding(database: &TestDatabase, seconds: i64) -> Result<Value> {
    let ends_at = format!("select to_jsonb(now() + interval '{seconds} s')");
    let ends_at: Value = database.value(&ends_at).await?;
    Ok(json!({"token_expires_at": ends_at}))
}

/// The answers are thrown away, as if they had been lost on their way.
#[tokio::test]
async fn a_lost_answer_is_repeated_until_the_older_token_is_over_and_another_has_come() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let (id, callers) = stream_with_tokens(&database).await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    // In the last quarter of the older token, at its end and once more.
    for offer in 0..=31 {
        for caller in &callers {
            let lost = send_heartbeat(caller, id).await?;
            assert!(lost["token"].is_object(), "offer {offer}");
            assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
        }
        database.pass_time(id, 30).await?;
    }
    assert_eq!(minted(&database).await?, 2 + 2 * 32);

    // From then on the life of the newest counts.
    database.pass_time(id, RENEWED_AFTER - 35).await?;
    for caller in &callers {
        assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
    }
    database.pass_time(id, 5).await?;
    for caller in &callers {
        assert!(send_heartbeat(caller, id).await?["token"].is_object());
    }
    Ok(())
}

#[tokio::test]
async fn a_caller_who_says_what_they_hold_is_offered_the_next_while_that_nears_its_end()
-> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, callers) = stream_with_tokens(&database).await?;
    // (seconds that pass, seconds that the held token then has left, whether a token comes)
    for (step, (passes, left, is_offered)) in [
        (RENEWED_AFTER - 5, 905, false),
        (5, 900, true),
        // Lost.
        (25, 875, false),
        (5, 870, true),
        // Lost too, and once more when the older one has ended.
        (870, 0, true),
        (30, -30, true),
        // This one arrived.
        (30, 3570, false),
        (RENEWED_AFTER - 35, 905, false),
        (5, 900, true),
    ]
    .into_iter()
    .enumerate()
    {
        database.pass_time(id, passes).await?;
        let held = holding(&database, left).await?;
        for caller in &callers {
            let answer = send_heartbeat_with(caller, id, held.clone()).await?;
            assert_eq!(answer["token"].is_object(), is_offered, "step {step}");
        }
    }
    Ok(())
}

/// The life of a token is known from the rows, so that nobody can claim a need for more.
#[tokio::test]
async fn no_claim_about_the_held_token_brings_more_than_one_in_thirty_seconds() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, callers) = stream_with_tokens(&database).await?;
    let claims = ["-infinity", "4713-01-01 BC", "294276-12-31", "infinity"];
    let offers = async |expected: [bool; 4]| {
        for caller in &callers {
            for (claim, is_offered) in claims.iter().zip(expected) {
                let claim = json!({"token_expires_at": claim});
                let answer = send_heartbeat_with(caller, id, claim.clone()).await?;
                assert_eq!(answer["token"].is_object(), is_offered, "{claim}");
            }
        }
        anyhow::Ok(())
    };
    offers([false; 4]).await?;
    database.pass_time(id, 30).await?;
    offers([true, false, false, false]).await?;
    // A token that nobody issued is not waited for.
    database.pass_time(id, 30).await?;
    let forever = json!({"token_expires_at": "infinity"});
    for caller in &callers {
        assert_eq!(
            send_heartbeat_with(caller, id, forever.clone()).await?["token"],
            Value::Null
        );
    }
    database.pass_time(id, RENEWED_AFTER - 30).await?;
    for caller in &callers {
        assert!(send_heartbeat_with(caller, id, forever.clone()).await?["token"].is_object());
    }
    Ok(())
}

/// In the last quarter of a stream's longest duration nothing would be won by it.
#[tokio::test]
async fn a_token_that_ends_with_its_stream_is_not_renewed_at_every_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    // 600 s are left of twelve hours.
    database.pass_time(id, 12 * 3600 - 600).await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    buyer_token(&ada, id).await?;
    for (passes, left, is_offered) in [(440, 160, false), (40, 120, true), (30, 90, false)] {
        database.pass_time(id, passes).await?;
        let held = holding(&database, left).await?;
        let answer = send_heartbeat_with(&ada, id, held).await?;
        assert_eq!(answer["token"].is_object(), is_offered, "{left} s left");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_token_gets_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    for caller in [&seller, &ada] {
        assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
    }
    assert_eq!(minted(&database).await?, 0);
    Ok(())
}

#[tokio::test]
async fn no_token_is_renewed_within_thirty_seconds() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, ada]) = stream_with_tokens(&database).await?;
    database
        .change(
            "update stream.agora_tokens
             set created_at = now() - interval '25 s', expires_at = now() + interval '1 s';
             update stream.stream_sessions
             set host_token_issued_at = now() - interval '25 s',
                 host_token_expires_at = now() + interval '1 s';
             update stream.stream_viewers
             set token_issued_at = now() - interval '25 s',
                 token_expires_at = now() + interval '1 s'",
        )
        .await?;
    for caller in [&seller, &ada] {
        assert_eq!(send_heartbeat(caller, id).await?["token"], Value::Null);
    }
    database.pass_time(id, 5).await?;
    for caller in [&seller, &ada] {
        assert!(send_heartbeat(caller, id).await?["token"].is_object());
    }
    Ok(())
}

/// One device's heartbeat has brought a token and not committed; another device of the same user beats: a
/// viewer's comes through unwritten, the host's waits for a moment.
#[tokio::test]
async fn heartbeats_at_the_same_time_bring_one_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, ada]) = stream_with_tokens(&database).await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    for (first, user) in [(&seller, demo::SELLER), (&ada, demo::ADA)] {
        let second = database.user(user).await?;
        first.begin().await?;
        let arguments = json!({"session_id": id});
        let renewed = first.rpc_within("heartbeat", arguments).await?;
        assert!(renewed["token"].is_object());
        assert_eq!(send_heartbeat(&second, id).await?["token"], Value::Null);
        first.commit().await?;
        assert_eq!(send_heartbeat(&second, id).await?["token"], Value::Null);
    }
    assert_eq!(minted(&database).await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_token_that_has_expired_is_renewed_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, callers) = stream_with_tokens(&database).await?;
    database.pass_time(id, 7200).await?;
    for caller in &callers {
        assert!(send_heartbeat(caller, id).await?["token"].is_object());
    }
    Ok(())
}

#[tokio::test]
async fn after_a_takeover_the_renewed_token_is_of_the_new_generation() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, _]) = stream_with_tokens(&database).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    let answer = send_heartbeat_with(&seller, id, json!({"generation": 2})).await?;
    assert_eq!(answer["token"]["uid"], 2);
    Ok(())
}

#[tokio::test]
async fn a_superseded_device_gets_no_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [_, ada]) = stream_with_tokens(&database).await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    let answer = send_heartbeat_with(&ada, id, json!({"join_no": 1})).await?;
    assert_eq!(answer["token"], Value::Null);
    assert!(send_heartbeat_with(&ada, id, json!({"join_no": 2})).await?["token"].is_object());
    Ok(())
}

#[tokio::test]
async fn a_missing_certificate_does_not_fail_the_heartbeat() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, ada]) = stream_with_tokens(&database).await?;
    database.pass_time(id, RENEWED_AFTER).await?;
    for broken in [
        "update stream.config set agora_app_id = null where id",
        "update stream.config set agora_app_id = repeat('a', 32),
             agora_certificate_secret = 'not there' where id",
    ] {
        database.change(broken).await?;
        for caller in [&seller, &ada] {
            let before = database.session_row(id).await?["host_seen_at"].clone();
            let answer = send_heartbeat(caller, id).await?;
            assert_eq!(answer["status"], "ok");
            assert_eq!(answer["token"], Value::Null);
            if std::ptr::eq(caller, &seller) {
                assert_ne!(database.session_row(id).await?["host_seen_at"], before);
            }
        }
        assert!(
            !database
                .sweep()
                .await?
                .handled()
                .contains_key("viewer_leases")
        );
    }
    assert_eq!(minted(&database).await?, 2);
    Ok(())
}
