//! Names and defaults of the arguments of functions, read from the catalogue: what PostgREST and generated
//! types make of them.

use anyhow::Result;
use stream_tests::database::TestDatabase;

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
             where p.pronamespace = any (array['stream', 'stream_private', 'stream_ext']::regnamespace[])
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
