//! Blocked terms: their spelling, their scope, and the right to decide.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

async fn call(
    caller: &Session,
    function: &str,
    session: Option<Uuid>,
    term: &str,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "term": term});
    caller.rpc(function, arguments).await
}

async fn list(caller: &Session, session: Option<Uuid>) -> Result<Vec<Value>, Error> {
    caller
        .rpc_rows("list_blocked_terms", json!({"session_id": session}))
        .await
}

#[tokio::test]
async fn a_term_is_blocked_once_in_every_spelling_and_unblocked_by_any() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let head = database.head_seq(id).await?;
    assert_eq!(
        call(&seller, "block_term", Some(id), " Sc\u{E0}mmer ").await?,
        "blocked"
    );
    for spelling in ["scammer", "SCAMMER!", "\u{FF33}cammer"] {
        let again = call(&seller, "block_term", Some(id), spelling);
        assert_eq!(database.changes_nothing(again).await?, "already_blocked");
    }
    let listed = list(&seller, Some(id)).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["term"], "Sc\u{E0}mmer");
    assert_eq!(listed[0]["session_id"], json!(id));
    assert_eq!(listed[0]["actor"], json!(demo::SELLER));
    let pattern: String = database
        .value("select pattern from stream.blocked_terms")
        .await?;
    assert_eq!(pattern, " scammer ");

    assert_eq!(
        call(&seller, "unblock_term", Some(id), "scammer").await?,
        "unblocked"
    );
    assert!(list(&seller, Some(id)).await?.is_empty());
    let again = call(&seller, "unblock_term", Some(id), "scammer");
    assert_eq!(database.changes_nothing(again).await?, "not_blocked");

    // Viewers are not shown which words it is.
    assert_eq!(database.head_seq(id).await?, head);
    let kept: Vec<_> = database.decisions(id).await?;
    let kept: Vec<_> = kept
        .iter()
        .map(|decision| json!([decision["action"], decision["term"], decision["seq"]]))
        .collect();
    assert_eq!(
        kept,
        [
            json!(["term_blocked", "Sc\u{E0}mmer", null]),
            json!(["term_unblocked", "Sc\u{E0}mmer", null]),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_term_without_a_letter_or_too_long_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for function in ["block_term", "unblock_term"] {
        for term in ["", "  ", "?!", "\u{200B}", &"a".repeat(101)] {
            let call = call(&seller, function, Some(id), term);
            database.refuses(ErrorCode::InvalidArgument, call).await?;
        }
        let null = seller.rpc(function, json!({"session_id": id, "term": null}));
        database.refuses(ErrorCode::InvalidArgument, null).await?;
    }
    call(&seller, "block_term", Some(id), &"a".repeat(100)).await?;
    Ok(())
}

#[tokio::test]
async fn terms_of_all_streams_are_the_services() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(call(&service, "block_term", None, "scam").await?, "blocked");
    assert_eq!(
        call(&service, "block_term", None, "Scam").await?,
        "already_blocked"
    );
    // The same term in one stream is another row.
    assert_eq!(
        call(&seller, "block_term", Some(id), "scam").await?,
        "blocked"
    );
    let of_all = list(&service, None).await?;
    assert_eq!(of_all.len(), 1);
    assert_eq!(of_all[0]["session_id"], Value::Null);
    assert_eq!(of_all[0]["actor"], Value::Null);
    assert_eq!(list(&seller, Some(id)).await?.len(), 1);
    assert_eq!(
        call(&service, "unblock_term", None, "scam").await?,
        "unblocked"
    );
    assert_eq!(list(&seller, Some(id)).await?.len(), 1);

    let log = service
        .rpc_rows("get_moderation_log", json!({"session_id": null}))
        .await?;
    let actions: Vec<_> = log.iter().map(|row| row["action"].clone()).collect();
    assert_eq!(json!(actions), json!(["term_unblocked", "term_blocked"]));
    Ok(())
}

#[tokio::test]
async fn at_most_500_terms_are_blocked_in_a_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .change(&format!(
            "insert into stream.blocked_terms (session_id, term, pattern)
             select '{id}', 'term' || n, ' term' || n || ' ' from generate_series(1, 499) as n"
        ))
        .await?;
    call(&seller, "block_term", Some(id), "term500").await?;
    let more = call(&seller, "block_term", Some(id), "term501");
    database.refuses(ErrorCode::InvalidArgument, more).await?;
    // One that is there is no new one.
    assert_eq!(
        call(&seller, "block_term", Some(id), "term7").await?,
        "already_blocked"
    );
    call(&seller, "unblock_term", Some(id), "term7").await?;
    call(&seller, "block_term", Some(id), "term501").await?;
    Ok(())
}
