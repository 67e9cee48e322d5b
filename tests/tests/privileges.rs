//! Who may reach which object? Read from the catalogue, so that a new object is judged too.

use std::collections::BTreeSet;

use anyhow::Result;
use stream_tests::database::TestDatabase;

/// Under an empty path, types and relations are looked for in `pg_temp` first, where a caller puts them.
const SEARCH_PATH: &str = "pg_catalog, pg_temp";

const API_ROLES: &[&str] = &["anon", "authenticated", "service_role"];

/// Functions of schema `stream` that are no wrappers: the application's hooks, called by the inner
/// functions only.
const HOOKS: &[&str] = &[
    "hook_can_chat",
    "hook_can_moderate",
    "hook_can_view",
    "hook_is_verified",
    "hook_owns_auction",
    "hook_username",
];

/// Runs as its owner although it stands in schema `stream`: it cannot be called, only be attached by
/// the owner to a table that bidders write.
const AUCTION_TRIGGER: &str = "auction_update_trigger";

/// Functions of `stream_private` that are no inner half of a wrapper, and who may call them.
const PRIVATE_EXCEPTIONS: &[(&str, &[&str])] = &[
    ("begin_work", &[]),
    ("can_read_topic", &["authenticated"]),
    ("check_held_rows", &[]),
    ("check_troubles", &[]),
    ("check_owner", &[]),
    ("check_realtime_partitions", &[]),
    ("check_realtime_publication", &[]),
    ("check_server_log", &[]),
    ("check_table_privileges", &[]),
    ("delete_turn_of_deleted_session", &[]),
    ("emit_session_changes", &[]),
    ("lock_for_deletion", &[]),
    ("lock_holders", &[]),
    ("lock_places_of_deleted_session", &[]),
    ("lock_streams_of_deleted_auctions", &[]),
    ("lock_streams_of_deleted_users", &[]),
    ("note_deleted_viewers", &[]),
    ("pause", &[]),
    ("rearm", &[]),
    ("refuse_changing_moderation_log", &[]),
    ("refuse_deleting_live_session", &[]),
    ("session", &[]),
    ("tick_for_a_minute", &[]),
    ("wait_at_gate", &[]),
    ("wait_for_session", &[]),
    ("work", &[]),
];

/// Functions of schema `stream` that have no inner half, and who may call them.
const BARE: &[(&str, &[&str])] = &[(AUCTION_TRIGGER, &[]), ("schedule_with_pg_cron", &[])];

/// Who may call a wrapper and its inner half, where it is not both users and the service.
const OTHER_CALLERS: &[(&str, &[&str])] = &[
    ("apply_webhook", &["service_role"]),
    ("doctor", &["service_role"]),
    ("heartbeats", &["service_role"]),
    ("inspect_token", &["service_role"]),
    ("join_stream", &["authenticated"]),
    ("send_messages", &["service_role"]),
    ("post_auction_update", &["service_role"]),
    ("sweep", &["service_role"]),
    ("tick", &["service_role"]),
];

struct Function {
    schema: String,
    name: String,
    /// Types of the arguments, to pair a wrapper with its inner function.
    arguments: String,
    owner: String,
    is_definer: bool,
    is_procedure: bool,
    /// What it sets as its search path, if anything.
    search_path: Option<String>,
    is_sql_or_plpgsql: bool,
    /// Of the API roles and PUBLIC, those that may execute it.
    callers: BTreeSet<String>,
}

async fn functions(database: &TestDatabase, schemas: &str) -> Result<Vec<Function>> {
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

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn each_wrapper_has_an_inner_function_and_both_the_same_callers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let functions = functions(&database, "'stream', 'stream_private'").await?;
    let signature = |function: &Function| (function.name.clone(), function.arguments.clone());
    let (wrappers, inner): (Vec<_>, Vec<_>) = functions
        .iter()
        .filter(|function| !HOOKS.contains(&function.name.as_str()))
        .filter(|function| BARE.iter().all(|(name, _)| *name != function.name))
        .filter(|function| {
            function.schema == "stream"
                || PRIVATE_EXCEPTIONS
                    .iter()
                    .all(|(name, _)| *name != function.name)
        })
        .partition(|function| function.schema == "stream");
    assert!(wrappers.len() >= 22, "only {} wrappers", wrappers.len());
    assert_eq!(
        wrappers
            .iter()
            .map(|function| signature(function))
            .collect::<Vec<_>>(),
        inner
            .iter()
            .map(|function| signature(function))
            .collect::<Vec<_>>()
    );
    for function in wrappers.into_iter().chain(inner) {
        let name = format!("{}.{}", function.schema, function.name);
        let other = OTHER_CALLERS
            .iter()
            .find(|(other, _)| *other == function.name);
        let expected = other.map_or(&["authenticated", "service_role"][..], |(_, callers)| {
            callers
        });
        assert_eq!(function.callers, set(expected), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn other_functions_are_open_to_those_who_are_named_here() -> Result<()> {
    let database = TestDatabase::create().await?;
    for function in functions(&database, "'stream', 'stream_private'").await? {
        let expected: &[&str] = match (function.schema.as_str(), function.name.as_str()) {
            ("stream", name) if HOOKS.contains(&name) => &[],
            (schema, name) => {
                let exceptions = match schema {
                    "stream" => BARE,
                    _ => PRIVATE_EXCEPTIONS,
                };
                match exceptions.iter().find(|(exception, _)| *exception == name) {
                    Some((_, callers)) => callers,
                    None => continue,
                }
            }
        };
        assert_eq!(
            function.callers,
            set(expected),
            "{}.{}",
            function.schema,
            function.name
        );
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
    for function in functions(&database, "'stream', 'stream_private'").await? {
        let name = format!("{}.{}", function.schema, function.name);
        // Procedures that commit can set none: attack_bodies.rs judges them.
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
    assert!(rows.len() >= 7);
    for row in rows {
        let (name, kind): (String, String) = (row.get(0), row.get(1));
        assert_eq!(row.get::<_, Vec<String>>(4), Vec::<String>::new(), "{name}");
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

#[tokio::test]
async fn every_object_says_what_it_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    // Inner halves are described by their wrappers.
    let silent: Vec<String> = database
        .owner
        .query(
            "select 'function ' || p.oid::regprocedure from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream'::regnamespace
               and obj_description(p.oid, 'pg_proc') is null
             union all
             select 'function ' || p.oid::regprocedure from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream_private'::regnamespace
               and obj_description(p.oid, 'pg_proc') is null
               and not exists (
                   select from pg_catalog.pg_proc as w
                   where w.pronamespace = 'stream'::regnamespace and w.proname = p.proname
               )
             union all
             select 'table ' || c.oid::regclass from pg_catalog.pg_class as c
             where c.relnamespace = 'stream'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
               and obj_description(c.oid, 'pg_class') is null
             union all
             select 'type ' || t.oid::regtype from pg_catalog.pg_type as t
             join pg_catalog.pg_class as c on c.oid = t.typrelid and c.relkind = 'c'
             where t.typnamespace = 'stream'::regnamespace
               and obj_description(t.oid, 'pg_type') is null
             union all
             select 'schema ' || n.nspname from pg_catalog.pg_namespace as n
             where n.nspname in ('stream', 'stream_private')
               and obj_description(n.oid, 'pg_namespace') is null
             order by 1",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    Ok(())
}
