//! The event `token_expiring`: once for each token, to whoever still needs another one.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, refreshed_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use uuid::Uuid;

/// 85 % of the default life of an hour, in seconds.
const WARNED_AFTER: i64 = 3060;

/// The seller and one viewer, both with a token that was minted now; a lease lasts longer than a token.
async fn stream_with_tokens() -> Result<(TestDatabase, Uuid, [Session; 2])> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    seller_token(&seller, id).await?;
    buyer_token(&ada, id).await?;
    Ok((database, id, [seller, ada]))
}

/// Lets time pass for the tokens, and for nothing that would end a lease.
async fn pass_time(database: &TestDatabase, seconds: i64) -> Result<()> {
    database
        .change(&format!(
            "update stream.agora_tokens set created_at = created_at - interval '{seconds} s',
                 expires_at = expires_at - interval '{seconds} s', check_at = check_at - interval '{seconds} s'"
        ))
        .await
}

async fn warnings(database: &TestDatabase, user: Uuid) -> Result<Vec<Value>> {
    let sent = database.broadcasts(&format!("user:{user}")).await?;
    let warnings = sent
        .into_iter()
        .filter(|sent| sent.event == "token_expiring");
    Ok(warnings.map(|sent| sent.payload).collect())
}

#[tokio::test]
async fn the_host_and_a_viewer_are_told_once_when_85_percent_of_the_life_is_over() -> Result<()> {
    let (database, id, _) = stream_with_tokens().await?;
    pass_time(&database, WARNED_AFTER - 5).await?;
    database.tick().await?;
    for user in [demo::SELLER, demo::ADA] {
        assert!(warnings(&database, user).await?.is_empty());
    }
    pass_time(&database, 5).await?;
    for _ in 0..2 {
        database.tick().await?;
        for user in [demo::SELLER, demo::ADA] {
            let told = warnings(&database, user).await?;
            assert_eq!(told.len(), 1);
            assert_eq!(told[0]["session_id"], json!(id));
            let ends_at: Value = database
                .value(&format!(
                    "select to_jsonb(expires_at) from stream.agora_tokens where user_id = '{user}'"
                ))
                .await?;
            assert_eq!(told[0]["expires_at"], ends_at);
        }
    }
    // It ends all the same.
    pass_time(&database, 3600 - WARNED_AFTER).await?;
    database.tick().await?;
    let active: i64 = database
        .value("select count(*) from stream.agora_tokens where is_active")
        .await?;
    assert_eq!(active, 0);
    Ok(())
}

#[tokio::test]
async fn each_token_is_announced_and_a_replaced_one_is_not() -> Result<()> {
    let (database, id, [_, ada]) = stream_with_tokens().await?;
    pass_time(&database, 600).await?;
    // Beside the older one, which stays valid.
    buyer_token(&ada, id).await?;
    pass_time(&database, WARNED_AFTER - 600).await?;
    database.tick().await?;
    assert!(warnings(&database, demo::ADA).await?.is_empty());
    pass_time(&database, 600).await?;
    database.tick().await?;
    assert_eq!(warnings(&database, demo::ADA).await?.len(), 1);

    refreshed_token(&ada, id).await?;
    pass_time(&database, WARNED_AFTER).await?;
    database.tick().await?;
    assert_eq!(warnings(&database, demo::ADA).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn who_has_left_or_whose_stream_has_ended_is_told_nothing() -> Result<()> {
    let (database, id, [seller, ada]) = stream_with_tokens().await?;
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    pass_time(&database, WARNED_AFTER).await?;
    database.tick().await?;
    assert!(warnings(&database, demo::ADA).await?.is_empty());
    assert_eq!(warnings(&database, demo::SELLER).await?.len(), 1);

    seller_token(&seller, id).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    pass_time(&database, WARNED_AFTER).await?;
    database.tick().await?;
    assert_eq!(warnings(&database, demo::SELLER).await?.len(), 1);
    Ok(())
}

/// Without a partition it is said late, unless the token was replaced or has ended meanwhile.
#[tokio::test]
async fn a_warning_of_a_time_without_a_partition_is_sent_late_while_it_helps() -> Result<()> {
    for is_replaced in [false, true] {
        let (database, id, [_, ada]) = stream_with_tokens().await?;
        database.drop_partition_of_today().await?;
        pass_time(&database, WARNED_AFTER).await?;
        database.tick().await?;
        if is_replaced {
            buyer_token(&ada, id).await?;
        }
        database.bring_partition_back().await?;
        database.tick().await?;
        let sent = database.broadcasts(&format!("user:{}", demo::ADA)).await?;
        let events: Vec<_> = sent.iter().map(|sent| sent.event.as_str()).collect();
        let expected: &[&str] = if is_replaced {
            &[]
        } else {
            &["token_expiring"]
        };
        assert_eq!(events, expected);
    }
    Ok(())
}

/// Users of one stream at which it fails keep no others from being told.
#[tokio::test]
async fn a_stream_at_which_it_fails_keeps_no_other_from_being_told() -> Result<()> {
    let (database, id, _) = stream_with_tokens().await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ben = database.viewer(other, demo::BEN).await?;
    buyer_token(&ben, other).await?;
    database
        .change(&format!(
            "create function public.fail() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
                 as $$ begin raise 'no'; end $$;
             create trigger fail before update on stream.agora_tokens for each row
                 when (old.session_id = '{id}') execute function public.fail()"
        ))
        .await?;
    database
        .change("alter table stream.agora_tokens disable trigger fail")
        .await?;
    pass_time(&database, WARNED_AFTER).await?;
    database
        .change("alter table stream.agora_tokens enable trigger fail")
        .await?;
    database.tick().await?;
    assert!(warnings(&database, demo::ADA).await?.is_empty());
    assert_eq!(warnings(&database, demo::BEN).await?.len(), 1);
    let rules: Value = database
        .value("select jsonb_agg(distinct rule) from stream.troubles")
        .await?;
    assert_eq!(rules, json!(["expiring_tokens"]));
    Ok(())
}
