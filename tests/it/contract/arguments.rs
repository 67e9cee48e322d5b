//! Names and defaults of the arguments of functions, read from the catalogue: what PostgREST and generated
//! types make of them.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

/// The words that PostgREST reads itself in a query, in front of which a dot may stand: as an argument of a
/// GET, `limit` pages the answer, and the function gets its default.
const POSTGREST_WORDS: &[&str] = &[
    "and",
    "columns",
    "limit",
    "not",
    "offset",
    "on_conflict",
    "or",
    "order",
    "select",
];

/// Arguments that are PostgREST's own words, or that it would take for a path to another table.
async fn arguments_that_postgrest_takes(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "select p.proname || '.' || a.name
             from pg_catalog.pg_proc as p
             cross join unnest(p.proargnames, p.proargmodes) as a (name, mode)
             where p.pronamespace = any (array['stream', 'stream_private']::regnamespace[])
               and coalesce(a.mode, 'i') in ('i', 'b', 'v')
               and (split_part(a.name, '.', -1) = any ($1) or a.name !~ '^[a-z][a-z0-9_]*$')
             order by 1",
            &[&POSTGREST_WORDS],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn no_argument_is_a_word_of_postgrest() -> Result<()> {
    let database = TestDatabase::create().await?;
    let found = arguments_that_postgrest_takes(&database).await?;
    assert!(found.is_empty(), "{found:?}");
    for word in POSTGREST_WORDS {
        let function = format!(
            "create function stream.page(\"{word}\" integer, fine integer) returns integer
                 language sql as 'select 1';"
        );
        database.change(&function).await?;
        let found = arguments_that_postgrest_takes(&database).await?;
        assert_eq!(found, [format!("page.{word}")]);
        database.change("drop function stream.page").await?;
    }
    Ok(())
}

/// Arguments of which the comment says what null means, and which have no default.
async fn nullable_arguments_without_a_default(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "select p.proname || '.' || a.name
             from pg_catalog.pg_proc as p
             cross join unnest(p.proargnames) with ordinality as a (name, place)
             where p.pronamespace = 'stream'::regnamespace
               and a.place <= p.pronargs - p.pronargdefaults
               and obj_description(p.oid, 'pg_proc') ~ ('\\m' || a.name || ' null\\M')
             order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Types that are generated from the database take no null, so what may be null must be left out.
#[tokio::test]
async fn what_may_be_null_may_be_left_out() -> Result<()> {
    let database = TestDatabase::create().await?;
    let found = nullable_arguments_without_a_default(&database).await?;
    assert!(found.is_empty(), "{found:?}");
    database
        .change(
            "create function stream.page(who uuid, word text default null) returns integer
                 language sql as 'select 1';
             comment on function stream.page is 'A page. who null: the caller.'",
        )
        .await?;
    let found = nullable_arguments_without_a_default(&database).await?;
    assert_eq!(found, ["page.who"]);
    Ok(())
}

/// An argument that has a default only because one before it has one is asked for by name.
#[tokio::test]
async fn what_is_needed_and_left_out_is_asked_for() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let of_session = json!({"session_id": id});
    for (caller, function, arguments) in [
        (&seller, "generate_seller_token", json!({})),
        (&seller, "generate_buyer_token", json!({})),
        (&seller, "refresh_token", json!({})),
        (&seller, "send_message", of_session.clone()),
        (&seller, "mark_messages_as_read", of_session.clone()),
        (&seller, "mark_read_up_to", of_session.clone()),
        (&seller, "block_term", of_session.clone()),
        (&seller, "unblock_term", of_session),
        (&service, "block_term", json!({})),
    ] {
        database
            .refuses(ErrorCode::InvalidArgument, caller.rpc(function, arguments))
            .await
            .context(function)?;
    }
    Ok(())
}
