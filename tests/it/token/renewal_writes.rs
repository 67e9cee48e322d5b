//! A heartbeat that renews a token: one write of its row, and none at all of a token that cannot be made.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::session::Session;
use uuid::Uuid;

/// The seller and a viewer, whose tokens are in the last quarter of their lives.
async fn stream_with_old_tokens(database: &TestDatabase) -> Result<(Uuid, [Session; 2])> {
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    seller_token(&seller, id).await?;
    buyer_token(&ada, id).await?;
    database.pass_time(id, 2700).await?;
    Ok((id, [seller, ada]))
}

#[tokio::test]
async fn a_renewal_writes_the_row_of_its_caller_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, ada]) = stream_with_old_tokens(&database).await?;
    database.refuse_second_updates().await?;
    database.refuse_second_updates_of_viewers().await?;
    // The first heartbeat of a host, and a later one.
    let answer = send_heartbeat(&seller, id).await?;
    database.verified(&answer["token"], PUBLISHER)?;
    database.pass_time(id, 2700).await?;
    let answer = send_heartbeat(&seller, id).await?;
    database.verified(&answer["token"], PUBLISHER)?;
    // In the foreground, on the way to the background, there, and back.
    for foreground in [Value::Null, json!(false), json!(false), json!(true)] {
        let answer = send_heartbeat_with(&ada, id, json!({"foreground": foreground})).await?;
        database.verified(&answer["token"], SUBSCRIBER)?;
        database.pass_time(id, 2700).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_host_who_returns_with_a_token_due_writes_the_stream_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, [seller, _]) = stream_with_old_tokens(&database).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, 2700).await?;
    database.sweep().await?;
    assert_eq!(database.session_row(id).await?["state"], "error");
    database.refuse_second_updates().await?;
    let answer = send_heartbeat(&seller, id).await?;
    assert_eq!(answer["state"], "active");
    database.verified(&answer["token"], PUBLISHER)?;
    Ok(())
}

/// What the two rows tell of tokens, and how many tokens there are.
async fn tokens(database: &TestDatabase, id: Uuid) -> Result<Value> {
    database
        .value(&format!(
            "select jsonb_build_array(
                 s.host_token_issued_at, s.host_token_expires_at, s.host_token_held_until, s.host_token_tat,
                 v.token_issued_at, v.token_expires_at, v.token_held_until, v.token_tat,
                 (select count(*) from stream.agora_tokens))
             from stream.stream_sessions as s
             join stream.stream_viewers as v on v.session_id = s.id
             where s.id = '{id}' and v.user_id = '{}'",
            demo::ADA
        ))
        .await
}

/// Whether both have been seen since the given time.
async fn are_seen(database: &TestDatabase, id: Uuid, since: &str) -> Result<bool> {
    database
        .value(&format!(
            "select s.host_heartbeat_at > '{since}' and v.last_seen_at > '{since}'
             from stream.stream_sessions as s
             join stream.stream_viewers as v on v.session_id = s.id
             where s.id = '{id}' and v.user_id = '{}'",
            demo::ADA
        ))
        .await
}

#[tokio::test]
async fn a_heartbeat_for_which_no_token_can_be_made_is_a_heartbeat_all_the_same() -> Result<()> {
    for fault in [
        "delete from vault.secrets",
        "update stream.config set agora_app_id = null where id",
        "revoke all on vault.decrypted_secrets from postgres, service_role",
        // The Vault raises an error of its own.
        "create function vault.broken(secret text) returns text language plpgsql
             as $$ begin raise 'cannot decrypt'; end $$;
         create or replace view vault.decrypted_secrets as
             select s.id, s.name, s.description, s.secret, vault.broken(s.secret) as decrypted_secret,
                 s.key_id, s.nonce, s.created_at, s.updated_at
             from vault.secrets as s",
    ] {
        let database = TestDatabase::create().await?;
        let (id, callers) = stream_with_old_tokens(&database).await?;
        database.superuser().await?.batch_execute(fault).await?;
        let before = tokens(&database, id).await?;
        let since: String = database.value("select clock_timestamp()::text").await?;
        for caller in &callers {
            caller.begin().await?;
            let answer = caller
                .rpc_within("heartbeat", json!({"session_id": id}))
                .await?;
            assert_eq!(answer["status"], "ok", "{fault}");
            assert_eq!(answer["token"], Value::Null, "{fault}");
            // The transaction goes on.
            let answer = caller
                .rpc_within("get_stream_state", json!({"session_id": id}))
                .await?;
            assert_eq!(answer, "active", "{fault}");
            caller.commit().await?;
        }
        assert!(are_seen(&database, id, &since).await?, "{fault}");
        assert_eq!(tokens(&database, id).await?, before, "{fault}");
    }
    Ok(())
}
