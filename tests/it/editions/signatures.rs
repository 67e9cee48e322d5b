//! Every function of the native edition stands in the SQL edition with the same signature and the same properties.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// What callers and the planner depend on. Names and defaults of arguments stand in `arguments`: `create or replace` keeps the
/// OID of a function only where they are the same. A cost is compared with that of the language, below.
const FUNCTIONS: &str = "
select p.proname::text, jsonb_build_object(
    'arguments', pg_get_function_arguments(p.oid), 'types', oidvectortypes(p.proargtypes), 'result', pg_get_function_result(p.oid),
    'kind', p.prokind, 'is_set', p.proretset, 'rows', p.prorows, 'volatility', p.provolatile, 'is_strict', p.proisstrict,
    'parallel', p.proparallel, 'is_leakproof', p.proleakproof, 'is_definer', p.prosecdef, 'variadic', p.provariadic,
    'support', p.prosupport::text)
from pg_catalog.pg_proc as p
where p.pronamespace = 'stream_ext'::regnamespace";

/// What differs: the function, the property, its value in the native edition and in the SQL edition, and the reason.
const MAY_DIFFER: &[(&str, &str, &str, &str, &str)] = &[(
    "user_id",
    "parallel",
    "s",
    "u",
    "claims are read in a subtransaction, and up to Postgres 16 none can begin in a parallel plan",
)];

/// The properties of each function, by their names.
type Functions = BTreeMap<String, Value>;

async fn functions(database: &TestDatabase) -> Result<Functions> {
    let rows = database.owner.query(FUNCTIONS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test]
async fn the_sql_edition_has_the_functions_of_the_native_one() -> Result<()> {
    let native = functions(&TestDatabase::of_edition(Edition::Native).await?).await?;
    let sql = functions(&TestDatabase::of_edition(Edition::Sql).await?).await?;
    assert!(native.len() > 50, "only {} functions", native.len());
    let mut differences = Vec::new();
    for (name, of_native) in &native {
        let Some(of_sql) = sql.get(name) else {
            panic!("{name} is missing in SQL: {of_native}");
        };
        for (property, value) in of_native.as_object().expect("an object") {
            if value != &of_sql[property] {
                let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
                differences.push((
                    name.clone(),
                    property.clone(),
                    text(value),
                    text(&of_sql[property]),
                ));
            }
        }
    }
    let known: Vec<_> = MAY_DIFFER
        .iter()
        .map(|(name, property, native, sql, _)| {
            [*name, *property, *native, *sql].map(str::to_owned).into()
        })
        .collect();
    assert_eq!(differences, known);
    Ok(())
}

/// Calls stand in bodies of `stream_private`, whose own cost the planner sees, so no function of either edition states one.
#[tokio::test]
async fn every_cost_is_that_of_the_language() -> Result<()> {
    for edition in Edition::ALL {
        let database = TestDatabase::of_edition(edition).await?;
        let stated: Option<String> = database
            .value(
                "select string_agg(p.proname, ', ') from pg_catalog.pg_proc as p
                 join pg_catalog.pg_language as l on l.oid = p.prolang
                 where p.pronamespace = 'stream_ext'::regnamespace
                     and p.procost <> case when l.lanname in ('c', 'internal') then 1 else 100 end",
            )
            .await?;
        assert_eq!(stated, None, "{}", edition.as_str());
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
