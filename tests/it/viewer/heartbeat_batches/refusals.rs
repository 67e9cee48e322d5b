//! A heartbeat in a batch is refused exactly as the single call: every refusal of the contract, in equal states.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::batched::{Batched, UserCall, claims_of_nobody, item_refusal};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::moderation::restrict;
use uuid::Uuid;

const HEARTBEATS: Batched = Batched {
    single: "heartbeat",
    batch: "heartbeats",
};

/// Judged before the call itself is, so the contract names them once for all operations.
const OF_THE_CALLER: [&str; 2] = ["unauthenticated", "token_invalid"];

fn call(user: Uuid, arguments: Value) -> UserCall {
    UserCall {
        identity: Identity::user(user),
        arguments,
    }
}

fn as_whom(claims: Value, session: Uuid) -> UserCall {
    UserCall {
        identity: Identity::with_claims("authenticated", claims),
        arguments: json!({"session_id": session}),
    }
}

/// Makes a state in which this refusal comes; returns the call that gets it.
async fn refused_with(database: &TestDatabase, code: &str, session: Uuid) -> Result<UserCall> {
    let of_session = json!({"session_id": session});
    let service = database.service().await?;
    Ok(match code {
        "invalid_argument" => call(demo::ADA, json!({"session_id": null})),
        "not_self" => call(
            demo::ADA,
            json!({"session_id": session, "user_id": demo::BEN}),
        ),
        "session_not_found" => call(demo::ADA, json!({"session_id": Uuid::new_v4()})),
        "not_viewer" => call(demo::CLEO, of_session),
        "stale_host" => call(
            demo::SELLER,
            json!({"session_id": session, "generation": 7}),
        ),
        "stream_ended" => {
            service.rpc("end_stream", of_session.clone()).await?;
            call(demo::ADA, of_session)
        }
        "banned" => {
            let seller = database.user(demo::SELLER).await?;
            restrict(&seller, "ban_user", session, demo::ADA).await?;
            call(demo::ADA, of_session)
        }
        "unauthenticated" => as_whom(json!({"role": "authenticated"}), session),
        "token_invalid" => as_whom(json!({"role": "authenticated", "sub": "ada"}), session),
        code => anyhow::bail!("no state is known in which {code} comes: add it"),
    })
}

#[tokio::test]
async fn every_refusal_of_a_heartbeat_is_the_same_alone_and_in_a_batch() -> Result<()> {
    let codes = HEARTBEATS.codes();
    let codes = codes.iter().map(String::as_str);
    // For the transaction that the caller has opened: a batch is refused as a whole.
    let codes: Vec<&str> = codes.filter(|code| *code != "isolation_level").collect();
    let database = TestDatabase::create().await?;
    for code in codes.into_iter().chain(OF_THE_CALLER) {
        let session = database.stream_in(StreamState::Active).await?;
        for user in [demo::ADA, demo::BEN] {
            database.viewer(session, user).await?;
        }
        let call = refused_with(&database, code, session).await?;
        let alone = HEARTBEATS.refused_alone(&database, &call).await;
        let alone = alone.context(code.to_owned())?;
        assert_eq!(alone.code, code);
        let batched = HEARTBEATS.refused_in_batch(&database, &call).await;
        assert_eq!(alone, batched.context(code.to_owned())?);

        let good = json!({"session_id": session, "user_id": demo::BEN});
        let answers = HEARTBEATS
            .send(&database, &json!([good, call.item(), good]))
            .await?;
        assert_eq!(item_refusal(&answers[1]), Some(alone), "{code}");
        for place in [0, 2] {
            let is_answered = answers[place]["status"] == "ok";
            assert_eq!(is_answered, code != "stream_ended", "{code}");
        }
    }
    Ok(())
}

/// Only an item that names no claims is the service's own.
#[tokio::test]
async fn claims_that_are_no_users_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.viewer(session, demo::ADA).await?;
    for (claims, code) in claims_of_nobody(demo::ADA) {
        let item = json!({"session_id": session, "user_id": demo::ADA, "claims": claims});
        let answers = HEARTBEATS.send(&database, &json!([item])).await?;
        assert_eq!(answers[0]["status"], code, "{claims}");
    }
    Ok(())
}
