//! The rights on every object, read from the catalogue, so that a new object is judged too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;
use xtask::workspace;

/// Under an empty path, types and relations are looked for in `pg_temp` first, where a caller puts them.
const SEARCH_PATH: &str = "pg_catalog, pg_temp";

const API_ROLES: &[&str] = &["anon", "authenticated", "service_role"];

/// Runs as its owner although it stands in schema `stream`: it cannot be called, only be attached by
/// the owner to a table that bidders write.
const AUCTION_TRIGGER: &str = "auction_update_trigger";

/// Tables, views and sequences of the two schemas.
const TABLES: usize = 59;

/// The one relation that a role of the API reads: figures for those who run the service.
const METRICS: &str = "stream.metrics";

/// Who may call what, as a person has reviewed it.
const REVIEWED: &str = "contract/roles.md";

pub struct Function {
    schema: String,
    pub name: String,
    /// Types of the arguments, to pair a wrapper with its inner function.
    arguments: String,
    owner: String,
    pub is_definer: bool,
    is_procedure: bool,
    /// What it sets as its search path, if anything.
    search_path: Option<String>,
    is_sql_or_plpgsql: bool,
    /// Of the API roles and PUBLIC, those that may execute it.
    pub callers: BTreeSet<String>,
}

pub async fn functions(database: &TestDatabase, schemas: &str) -> Result<Vec<Function>> {
    let query = format!(
        "select n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid),
             r.rolname::text, p.prosecdef,
             p.prokind = 'p',
             (select substring(c from '=(.*)') from unnest(p.proconfig) as c where c ~ '^search_path='),
             l.lanname in ('sql', 'plpgsql'),
             array(
                 select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
                 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                 where a.grantee <> p.proowner
             )
         from pg_catalog.pg_proc as p
         join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
         join pg_catalog.pg_roles as r on r.oid = p.proowner
         join pg_catalog.pg_language as l on l.oid = p.prolang
         where n.nspname in ({schemas})
         order by 1, 2, 3"
    );
    let rows = database.owner.query(&query, &[]).await?;
    let functions = rows.iter().map(|row| Function {
        schema: row.get(0),
        name: row.get(1),
        arguments: row.get(2),
        owner: row.get(3),
        is_definer: row.get(4),
        is_procedure: row.get(5),
        search_path: row.get(6),
        is_sql_or_plpgsql: row.get(7),
        callers: row.get::<_, Vec<String>>(8).into_iter().collect(),
    });
    Ok(functions.collect())
}

/// One row of the reviewed table.
pub struct Reviewed {
    /// Called by policies alone; it has no wrapper.
    pub is_policy: bool,
    callers: BTreeSet<String>,
}

/// The reviewed table, by operation.
pub fn reviewed() -> Result<BTreeMap<String, Reviewed>> {
    let text = fs::read_to_string(workspace::root().join(REVIEWED))?;
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows = text.lines().filter(|line| line.starts_with('|')).map(cells);
    let roles = rows.next().context("the table has a heading")?;
    let rows = rows.skip(1).map(|row| {
        let (name, kind) = row[0].split_once("` ").unwrap_or((&row[0], ""));
        let callers = roles.iter().zip(&row).filter(|(_, cell)| *cell == "yes");
        let reviewed = Reviewed {
            is_policy: kind == "(policy)",
            callers: callers.map(|(role, _)| role.clone()).collect(),
        };
        (name.trim_matches('`').to_owned(), reviewed)
    });
    Ok(rows.collect())
}

#[tokio::test]
async fn functions_are_open_to_the_callers_of_the_reviewed_table_and_closed_otherwise() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let functions = functions(&database, "'stream', 'stream_private'").await?;
    let reviewed = reviewed()?;
    let mut opened = BTreeSet::new();
    // Called by the function of the same name that keeps first results, and by nobody else.
    let is_inner = |function: &Function| {
        let outer = format!("{}, request_id uuid", function.arguments);
        functions.iter().any(|other| {
            (&other.schema, &other.name, &other.arguments)
                == (&function.schema, &function.name, &outer)
        })
    };
    for function in &functions {
        let name = format!("{}.{}", function.schema, function.name);
        let row = reviewed
            .get(&function.name)
            .filter(|row| function.schema == "stream_private" || !row.is_policy)
            .filter(|_| !is_inner(function));
        let expected = row.map_or_else(BTreeSet::new, |row| row.callers.clone());
        assert_eq!(function.callers, expected, "{name}");
        if row.is_some() {
            assert!(opened.insert(name.clone()), "{name} exists twice");
        }
    }
    let expected: BTreeSet<String> = reviewed
        .iter()
        .flat_map(|(name, row)| {
            let wrapper = (!row.is_policy).then(|| format!("stream.{name}"));
            wrapper
                .into_iter()
                .chain([format!("stream_private.{name}")])
        })
        .collect();
    assert_eq!(opened, expected);
    Ok(())
}

#[tokio::test]
async fn each_wrapper_and_its_body_have_the_same_arguments() -> Result<()> {
    let database = TestDatabase::create().await?;
    let functions = functions(&database, "'stream', 'stream_private'").await?;
    let arguments = |schema: &str| -> BTreeMap<&str, &str> {
        functions
            .iter()
            .filter(|function| function.schema == schema)
            .map(|function| (function.name.as_str(), function.arguments.as_str()))
            .collect()
    };
    let (wrappers, bodies) = (arguments("stream"), arguments("stream_private"));
    for (name, row) in reviewed()? {
        if !row.is_policy {
            assert_eq!(wrappers.get(&*name), bodies.get(&*name), "{name}");
        }
    }
    Ok(())
}

/// Of the native functions nothing is granted by name: their schema is closed.
#[tokio::test]
async fn native_functions_are_out_of_reach() -> Result<()> {
    let database = TestDatabase::create().await?;
    let natives = functions(&database, "'stream_ext'").await?;
    // All that the extension made; in SQL there is none, and `editions::signatures` judges the rights on each.
    let made: i64 = database
        .value(
            "select count(*) from pg_catalog.pg_depend as d
             join pg_catalog.pg_extension as e on e.oid = d.refobjid
             where e.extname = 'pg_stream_ext' and d.deptype = 'e' and d.classid = 'pg_proc'::regclass",
        )
        .await?;
    let expected = match Edition::chosen()? {
        Edition::Native => natives.len(),
        Edition::Sql => 0,
    };
    assert_eq!(usize::try_from(made)?, expected);
    assert!(natives.len() > 50, "only {} functions", natives.len());
    for role in API_ROLES.iter().chain(&["public"]) {
        let reaches: bool = database
            .value(&format!(
                "select has_schema_privilege('{role}', 'stream_ext', 'usage')"
            ))
            .await?;
        assert!(!reaches, "{role}");
    }
    Ok(())
}

#[tokio::test]
async fn functions_that_run_as_their_owner_are_private_and_the_table_owners() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (table_owner, is_superuser): (String, bool) = {
        let row = database
            .owner
            .query_one(
                "select r.rolname::text, r.rolsuper from pg_catalog.pg_class as c
                 join pg_catalog.pg_roles as r on r.oid = c.relowner
                 where c.oid = 'stream.stream_sessions'::regclass",
                &[],
            )
            .await?;
        (row.get(0), row.get(1))
    };
    assert!(!is_superuser);
    for function in functions(&database, "'stream', 'stream_private', 'stream_edge'").await? {
        let name = format!("{}.{}", function.schema, function.name);
        // Procedures that commit can set none: `attack/catalogue/function_bodies.rs` judges them.
        if function.search_path.is_some() || !function.is_procedure {
            assert_eq!(function.search_path.as_deref(), Some(SEARCH_PATH), "{name}");
        }
        assert!(function.is_sql_or_plpgsql, "{name}");
        assert_eq!(function.owner, table_owner, "{name}");
        if function.schema == "stream" {
            assert_eq!(
                function.is_definer,
                function.name == AUCTION_TRIGGER,
                "{name}"
            );
        }
    }
    for function in functions(&database, "'stream_ext'").await? {
        assert!(!function.is_definer, "stream_ext.{}", function.name);
    }
    Ok(())
}

#[tokio::test]
async fn tables_are_closed_to_the_api_and_behind_row_level_security() -> Result<()> {
    let database = TestDatabase::create().await?;
    let rows = database
        .owner
        .query(
            "select c.oid::regclass::text, c.relkind::text, c.relrowsecurity,
                 pg_get_userbyid(c.relowner)::text,
                 array(
                     select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
                     from aclexplode(c.relacl) as a where a.grantee <> c.relowner
                 ) || array(
                     select t.attname::text from pg_catalog.pg_attribute as t
                     where t.attrelid = c.oid and t.attacl is not null
                 )
             from pg_catalog.pg_class as c
             where c.relnamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)
               and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')",
            &[],
        )
        .await?;
    assert_eq!(
        rows.len(),
        TABLES,
        "a new relation is counted here, after a look at its rights"
    );
    for row in rows {
        let (name, kind): (String, String) = (row.get(0), row.get(1));
        let readers: &[&str] = if name == METRICS {
            &["service_role"]
        } else {
            &[]
        };
        assert_eq!(row.get::<_, Vec<String>>(4), readers, "{name}");
        assert_eq!(row.get::<_, String>(3), "postgres", "{name}");
        if kind == "r" || kind == "p" {
            assert!(row.get::<_, bool>(2), "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn schemas_are_open_to_those_who_need_them() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (schema, expected) in [
        ("stream", &["authenticated", "service_role"][..]),
        ("stream_private", &["authenticated", "service_role"]),
        ("stream_ext", &[]),
    ] {
        for role in API_ROLES {
            for (privilege, is_expected) in [("usage", expected.contains(role)), ("create", false)]
            {
                let has: bool = database
                    .value(&format!(
                        "select has_schema_privilege('{role}', '{schema}', '{privilege}')"
                    ))
                    .await?;
                assert_eq!(has, is_expected, "{role} {privilege} {schema}");
            }
        }
    }
    Ok(())
}
