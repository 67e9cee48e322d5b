//! Errors inside the product: whoever causes one reads the catalogue's sentences, and nothing of what is inside.

mod operations;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

/// What is missing, and a call that needs it.
const FAULTS: [(&str, &str); 7] = [
    (
        "alter table stream.config rename column token_ttl_s to gone",
        "stream.generate_buyer_token('{ada}', '{session}')",
    ),
    (
        "alter table stream.stream_viewers rename column agora_uid to gone",
        "stream.generate_buyer_token('{ada}', '{session}')",
    ),
    (
        "alter table stream.stream_viewers rename column join_no to gone",
        "stream.heartbeat(session_id => '{session}', user_id => '{ada}')",
    ),
    (
        "alter type stream.agora_token add attribute more integer",
        "stream.generate_buyer_token('{ada}', '{session}')",
    ),
    (
        "alter table stream.chat_heads rename to gone",
        "stream.send_message('{session}', '{ada}', 'hello', null)",
    ),
    (
        "delete from stream.config",
        "stream.generate_buyer_token('{ada}', '{session}')",
    ),
    (
        "alter table stream.stream_sessions drop constraint stream_sessions_chat_mode_check;
         update stream.stream_sessions set chat_mode = 'whispers'",
        "stream.send_message('{session}', '{ada}', 'hello', null)",
    ),
];

#[tokio::test]
async fn an_internal_error_tells_its_caller_what_the_catalogue_says() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    buyer_token(&ada, session).await?;
    for (fault, call) in FAULTS {
        let call = call
            .replace("{session}", &session.to_string())
            .replace("{ada}", &demo::ADA.to_string());
        database
            .owner
            .batch_execute(&format!("begin; {fault}"))
            .await
            .context(fault)?;
        let outcome = database.owner.query(&format!("select {call}"), &[]).await;
        database.owner.batch_execute("rollback").await?;
        let error = outcome.err().context(fault)?;
        let error = error.as_db_error().context(fault)?;
        let internal = ErrorCode::Internal;
        assert_eq!(
            Some(error.code().code()),
            internal.sqlstate(),
            "{fault}: {error:?}"
        );
        assert_eq!(error.message(), internal.message(), "{fault}");
        assert_eq!(error.hint(), Some(internal.hint()), "{fault}");
        let detail: Value = serde_json::from_str(error.detail().context(fault)?)?;
        let expected =
            json!({"code": "internal", "category": "system_error", "recoverable": false});
        assert_eq!(detail, expected, "{fault}");
    }
    Ok(())
}

/// Nothing is copied where memory is gone, so not even the application's own text is told.
#[tokio::test]
async fn a_lack_of_memory_is_told_without_its_text() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database
        .superuser()
        .await?
        .batch_execute(
            "create function public.fail() returns trigger language plpgsql
                 as $$ begin raise sqlstate '53200' using message = 'failed on request of size 8'; end $$;
             create trigger fail before insert on stream.chat_messages
                 for each row execute function public.fail()",
        )
        .await?;
    // The first call of a connection may load the library.
    for _ in 0..2 {
        let call = json!({"session_id": session, "user_id": null, "content": "hi"});
        let error = ada.rpc("send_message", call).await;
        let error = error.err().context("it is refused")?;
        let error = error.as_db_error().context("by the server")?;
        assert_eq!(error.code().code(), "53200");
        assert_eq!(error.message(), ErrorCode::OutOfMemory.message());
    }
    Ok(())
}
