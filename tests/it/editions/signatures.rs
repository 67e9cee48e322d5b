//! Every function of the native edition stands in the SQL edition with the same names, arguments, results and volatility.

use std::collections::BTreeMap;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// What callers of a function depend on. STRICT is left out: it is of functions without arguments, and of those whose null is
/// an error anyway.
const FUNCTIONS: &str = "
select p.proname::text, pg_get_function_arguments(p.oid), format('(%s) returns %s, %s, %s',
    oidvectortypes(p.proargtypes), pg_get_function_result(p.oid), p.provolatile, p.prokind)
from pg_catalog.pg_proc as p
where p.pronamespace = 'stream_ext'::regnamespace";

/// Names and defaults of arguments, then types, result and volatility, of each function.
type Functions = BTreeMap<String, (String, String)>;

async fn functions(edition: Edition) -> Result<Functions> {
    let database = TestDatabase::of_edition(edition).await?;
    let rows = database.owner.query(FUNCTIONS, &[]).await?;
    let functions = rows
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))));
    Ok(functions.collect())
}

#[tokio::test]
async fn the_sql_edition_has_the_functions_of_the_native_one() -> Result<()> {
    let native = functions(Edition::Native).await?;
    let sql = functions(Edition::Sql).await?;
    assert!(native.len() > 50, "only {} functions", native.len());
    for (name, (arguments, types)) in &native {
        let Some(found) = sql.get(name) else {
            panic!("{name}{types} is missing in SQL");
        };
        assert_eq!(&found.1, types, "{name}");
        // `create or replace` keeps the OID of a function only where they are the same.
        assert_eq!(&found.0, arguments, "{name}");
    }
    Ok(())
}

/// Nobody but the owner of the tables may execute a function of the SQL edition, which none of them checks.
#[tokio::test]
async fn nobody_else_may_execute_a_function_of_the_sql_edition() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let open: Option<String> = database
        .value(
            "select string_agg(p.oid::regprocedure::text, ', ')
             from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream_ext'::regnamespace and (
                 p.proowner <> 'postgres'::regrole or p.prosecdef or exists (
                     select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                     where a.grantee <> p.proowner))",
        )
        .await?;
    assert_eq!(open, None);
    let usable: Option<String> = database
        .value(
            "select string_agg(r.rolname, ', ') from pg_catalog.pg_roles as r
             where not r.rolsuper and left(r.rolname, 3) <> 'pg_' and not pg_has_role(r.oid, 'postgres', 'usage')
                 and has_schema_privilege(r.oid, 'stream_ext', 'usage')",
        )
        .await?;
    assert_eq!(usable, None);
    Ok(())
}
