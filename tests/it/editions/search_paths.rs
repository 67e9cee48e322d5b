//! Every function of the SQL edition sets its search path, as the functions that all editions share do.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

const WITHOUT_A_PATH: &str = "
select string_agg(p.oid::regprocedure::text, ', ')
from pg_catalog.pg_proc as p
where p.pronamespace = 'stream_ext'::regnamespace
    and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))";

#[tokio::test]
async fn every_function_sets_its_search_path() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let found: Option<String> = database.value(WITHOUT_A_PATH).await?;
    assert_eq!(found, None);

    database
        .change(
            "create function stream_ext.careless() returns boolean language sql as 'select true';
             create function stream_ext.emptied() returns boolean language sql set search_path = '' as 'select true'",
        )
        .await?;
    let found: Option<String> = database.value(WITHOUT_A_PATH).await?;
    assert_eq!(
        found.as_deref(),
        Some("stream_ext.careless(), stream_ext.emptied()")
    );
    Ok(())
}
