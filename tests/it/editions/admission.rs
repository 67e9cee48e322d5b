//! An operation of the SQL edition admits its caller once: the claims are parsed again for nothing that comes after.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use xtask::edition::Edition;

/// How often callers were admitted since the connection's figures were last reported: they only grow within a transaction.
async fn admissions(caller: &Session) -> Result<i64> {
    let counted = caller
        .query_within(
            "select to_jsonb(coalesce(sum(f.calls), 0)::bigint) from pg_catalog.pg_stat_xact_user_functions as f
             where f.schemaname = 'stream_ext' and f.funcname = 'caller_admit'",
        )
        .await?;
    Ok(counted[0].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn an_operation_admits_its_caller_once() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let counting = format!(
        "alter database {} set track_functions = 'pl'",
        database.name()
    );
    database.superuser().await?.batch_execute(&counting).await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let of_it = json!({"session_id": id});
    let against = json!({"session_id": id, "user_id": demo::BEN});
    let reaction = json!({"session_id": id, "kind": "love"});
    for (user, function, arguments, expected) in [
        (
            demo::ADA,
            "send_message",
            json!({"session_id": id, "user_id": null, "content": "hi"}),
            1,
        ),
        (demo::ADA, "send_reaction", reaction.clone(), 1),
        (demo::SELLER, "send_reaction", reaction, 1),
        (demo::ADA, "heartbeat", of_it.clone(), 1),
        (demo::SELLER, "heartbeat", of_it.clone(), 1),
        (demo::ADA, "sync", of_it.clone(), 1),
        (demo::ADA, "unread_count", of_it.clone(), 1),
        // Once more for its token.
        (demo::BEN, "join_stream", of_it.clone(), 2),
        (
            demo::ADA,
            "generate_buyer_token",
            json!({"channel_id": id}),
            1,
        ),
        (demo::SELLER, "mute_user", against, 1),
        (demo::SELLER, "list_restrictions", of_it.clone(), 1),
        (demo::SELLER, "get_moderation_log", of_it.clone(), 1),
        (demo::SELLER, "pause_stream", of_it.clone(), 1),
    ] {
        let caller = database.user(user).await?;
        caller.begin().await?;
        let before = admissions(&caller).await?;
        caller.rpc_rows_within(function, arguments).await?;
        let counted = admissions(&caller).await? - before;
        caller.commit().await?;
        assert_eq!(counted, expected, "{function}");
    }
    Ok(())
}
