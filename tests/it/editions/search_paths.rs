//! Functions of the SQL edition that set no search path, as hot paths have them, run under the path of their callers alone.
//!
//! Nobody but the owner of the tables may execute them (`signatures.rs`).

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// What names a function without a path of its own, and sets none either: where a caller's path would reach it.
const REACHED: &str = "
with pathless as (
    select p.oid, p.proname::text as name
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'stream_ext'::regnamespace
        and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))
)
select string_agg(distinct format('%s names %s', p.oid::regprocedure, f.name), ', ')
from pathless as f
join pg_catalog.pg_proc as p
    on p.prosrc ~ ('stream_ext[.]' || f.name || '[(]')
    and p.oid not in (select o.oid from pathless as o)
    and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))";

/// Triggers, policies, defaults, constraints, indexes and views of a function without a path run under anybody's.
const REFERRED: &str = "
select string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ')
from pg_catalog.pg_depend as d
join pg_catalog.pg_proc as p on p.oid = d.refobjid
where d.refclassid = 'pg_proc'::regclass and p.pronamespace = 'stream_ext'::regnamespace
    and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))
    and d.classid <> 'pg_proc'::regclass";

/// Names of tables and functions of other schemas than Postgres's own would be looked for in the caller's.
const UNSPECIFIC: &str = "
select string_agg(distinct format('%s in %s', n.name, p.oid::regprocedure), ', ')
from pg_catalog.pg_proc as p
cross join lateral (
    select c.relname::text as name from pg_catalog.pg_class as c
    where c.relnamespace in ('stream'::regnamespace, 'stream_private'::regnamespace) and c.relkind in ('r', 'v')
    union
    select f.proname::text from pg_catalog.pg_proc as f
    where f.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace, 'stream_ext'::regnamespace)
) as n
where p.pronamespace = 'stream_ext'::regnamespace
    and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))
    and p.prosrc ~ ('(from|join|update|into|perform|:=|return) +' || n.name || '[ (;]')
    and not n.name = any (coalesce(p.proargnames, '{}'))";

#[tokio::test]
async fn a_function_without_a_search_path_is_reached_under_that_of_its_callers() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let pathless: i64 = database
        .value(
            "select count(*) from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream_ext'::regnamespace and p.proconfig is null and p.prokind = 'f'",
        )
        .await?;
    assert!(pathless > 10, "only {pathless} functions set no path");
    for query in [REACHED, REFERRED, UNSPECIFIC] {
        let found: Option<String> = database.value(query).await?;
        assert_eq!(found, None, "{query}");
    }

    database
        .change(
            "create function stream_ext.careless() returns boolean language plpgsql
             as 'begin update chat_heads set last_seq = 0; return true; end';
             create function stream_private.open_door() returns void language plpgsql as 'begin perform stream_ext.careless(); end';
             create view stream_private.careless as select stream_ext.careless()",
        )
        .await?;
    for query in [REACHED, REFERRED, UNSPECIFIC] {
        let found: Option<String> = database.value(query).await?;
        assert!(
            found.is_some_and(|found| found.contains("careless")),
            "{query}"
        );
    }
    Ok(())
}
