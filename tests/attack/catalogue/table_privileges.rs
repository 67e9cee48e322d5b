//! Nobody but the owner can attach anything to a table of `stream`, whatever a database grants by default.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::move_to;
use xtask::edition::Edition;
use xtask::workspace;

/// Everything of our schemas that somebody other than its owner may use, and how.
async fn privileges(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query(
            "with ours as (
                 select n.oid, n.nspname, n.nspacl, n.nspowner from pg_catalog.pg_namespace as n
                 where n.nspname in ('stream', 'stream_private')
             ),
             acls as (
                 select 'schema ' || o.nspname as of, o.nspowner as owner,
                     coalesce(o.nspacl, acldefault('n', o.nspowner)) as acl
                 from ours as o
                 union all
                 select 'relation ' || c.oid::regclass, c.relowner,
                     coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::\"char\", c.relowner))
                 from pg_catalog.pg_class as c join ours as o on o.oid = c.relnamespace
                 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
                 union all
                 select 'column ' || a.attname || ' of ' || c.oid::regclass, c.relowner, a.attacl
                 from pg_catalog.pg_class as c join ours as o on o.oid = c.relnamespace
                 join pg_catalog.pg_attribute as a on a.attrelid = c.oid
                 union all
                 select 'function ' || p.oid::regprocedure, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
                 from pg_catalog.pg_proc as p join ours as o on o.oid = p.pronamespace
             )
             select format('%s on %s to %s', e.privilege_type, a.of,
                 case when e.grantee = 0 then 'public' else e.grantee::regrole::text end)
             from acls as a cross join aclexplode(a.acl) as e
             where e.grantee <> a.owner
             order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Supabase's image grants all on what `postgres` creates in schema public; a database may do so everywhere.
#[tokio::test]
async fn default_privileges_of_a_database_open_nothing_of_ours() -> Result<()> {
    let database = TestDatabase::create().await?;
    let expected = privileges(&database).await?;
    // Of the functions: each row of the reviewed table, for the body and for the wrapper that it has.
    let reviewed = fs::read_to_string(workspace::root().join("contract/roles.md"))?;
    let granted: usize = reviewed
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let functions = if line.contains("(policy)") { 1 } else { 2 };
            functions * line.matches("| yes ").count()
        })
        .sum();
    let is_of_function = |privilege: &&String| privilege.starts_with("EXECUTE");
    assert_eq!(expected.iter().filter(is_of_function).count(), granted);
    database.drop_product().await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(
            "alter default privileges for role postgres grant all on schemas to anon, authenticated, service_role;
             alter default privileges for role postgres grant all on tables to anon, authenticated, service_role;
             alter default privileges for role postgres grant all on sequences to anon, authenticated, service_role;
             alter default privileges for role postgres grant all on functions to anon, authenticated, service_role",
        )
        .await?;
    let cluster = &database.environment.cluster;
    xtask::database::install(cluster, database.name(), Edition::chosen()?)?;
    let found = privileges(&database).await?;
    let added: Vec<_> = found
        .iter()
        .filter(|found| !expected.contains(found))
        .collect();
    assert!(added.is_empty(), "{added:?}");
    assert_eq!(found.len(), expected.len());
    Ok(())
}

#[tokio::test]
async fn doctor_names_who_could_attach_a_trigger() -> Result<()> {
    let database = TestDatabase::create().await?;
    let check = || database.check("table_privileges");
    assert_eq!(check().await?.0, "ok");
    for (grant, revoke) in [
        (
            "grant trigger on stream.config to anon",
            "revoke trigger on stream.config from anon",
        ),
        (
            "grant references (id) on stream.stream_sessions to public",
            "revoke references (id) on stream.stream_sessions from public",
        ),
    ] {
        database.change(grant).await?;
        let (status, detail) = check().await?;
        assert_eq!(status, "failure", "{grant}");
        let role = grant.rsplit(' ').next().unwrap_or_default();
        assert!(detail.contains(&format!(" to {role}")), "{detail}");
        database.change(revoke).await?;
        assert_eq!(check().await?.0, "ok");
    }
    // Frames are written by the owner too, into partitions of another role.
    let superuser = database.superuser().await?;
    for relation in [
        "realtime.messages".to_owned(),
        database
            .value(
                "select min(i.inhrelid::regclass::text) from pg_catalog.pg_inherits as i
                 where i.inhparent = 'realtime.messages'::regclass",
            )
            .await?,
    ] {
        superuser
            .batch_execute(&format!("grant all on {relation} to authenticated"))
            .await?;
        let (status, detail) = check().await?;
        assert_eq!(status, "failure");
        let named = format!("TRIGGER on {relation} to authenticated");
        assert!(detail.contains(&named), "{detail}");
        superuser
            .batch_execute(&format!("revoke trigger on {relation} from authenticated"))
            .await?;
        assert_eq!(check().await?.0, "ok");
    }
    // As in Supabase's image, everything in public is granted to the API's roles.
    database
        .change(
            "create table public.orders (
                 session_id uuid references stream.stream_sessions (id) on delete cascade
             )",
        )
        .await?;
    let (status, detail) = check().await?;
    assert_eq!(status, "warning");
    assert!(
        detail.contains("orders (TRIGGER of authenticated)"),
        "{detail}"
    );
    database
        .change("revoke trigger on public.orders from anon, authenticated, service_role")
        .await?;
    assert_eq!(check().await?.0, "ok");
    Ok(())
}

/// What docs/operations.md says about the rights of an application's triggers.
#[tokio::test]
async fn a_trigger_of_the_application_runs_with_the_rights_that_the_guide_names() -> Result<()> {
    let database = TestDatabase::create().await?;
    let role = format!("shop_{}", database.name());
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "create role {role};
             grant usage on schema stream to {role};
             grant references on stream.stream_sessions to {role};
             create table public.ran (trigger text, role text);
             grant insert on public.ran to public;
             create table public.orders (
                 session_id uuid primary key references stream.stream_sessions (id) on delete cascade
             );
             grant insert, delete, select on public.orders to {role}, postgres;
             alter table public.orders owner to {role};
             create function public.note() returns trigger language plpgsql as $$
             begin
                 insert into public.ran values (tg_name, current_user);
                 return case when tg_op = 'DELETE' then old else new end;
             end $$;
             create trigger before_cascade before delete on public.orders for each row execute function public.note();
             create trigger after_cascade after delete on public.orders for each row execute function public.note();
             create trigger of_ours after update on stream.stream_sessions for each row execute function public.note()"
        ))
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    superuser
        .execute("insert into public.orders values ($1)", &[&id])
        .await?;
    move_to(&seller, id, StreamState::Ended).await?;
    database
        .change("update stream.stream_sessions set ended_at = ended_at - interval '400 days' where state = 'ended'")
        .await?;
    // Twice: what hangs on a stream goes before the stream itself.
    for _ in 0..3 {
        database.sweep().await?;
    }
    let gone: bool = database
        .value("select not exists (select from stream.stream_sessions)")
        .await?;
    assert!(gone);
    let rows = superuser
        .query(
            "select distinct trigger, role from public.ran order by 1",
            &[],
        )
        .await?;
    let ran: Vec<Value> = rows
        .iter()
        .map(|row| json!([row.get::<_, String>(0), row.get::<_, String>(1)]))
        .collect();
    assert_eq!(
        ran,
        [
            json!(["after_cascade", "postgres"]),
            json!(["before_cascade", role]),
            json!(["of_ours", "postgres"])
        ]
    );
    Ok(())
}
