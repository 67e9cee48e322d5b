//! No code of the product changes an object of schema `realtime` but its own policy: Realtime makes the partitions, and
//! every DDL there would make PostgREST read its schema cache again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use tokio_postgres::Client;
use xtask::product_sql::ProductSql;
use xtask::{bundle, workspace};

use crate::session::search_path::calls;

/// Notes every DDL about an object of the schema, whoever runs it. What the stand-in refuses is let through: code that catches
/// the refusal would go unseen.
const WATCH: &str = r"
alter event trigger realtime_refuse_changes disable;
alter event trigger realtime_refuse_drops disable;
create table public.ddl (tag text, kind text, identity text);
create function public.note_ddl() returns event_trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    if tg_event = 'sql_drop' then
        insert into public.ddl
        select tg_tag, d.object_type, d.object_identity from pg_event_trigger_dropped_objects() as d
        where d.schema_name = 'realtime' or d.object_identity ~ '\mrealtime\.';
    elsif tg_event = 'table_rewrite' then
        insert into public.ddl select tg_tag, 'table', pg_event_trigger_table_rewrite_oid()::regclass::text
        where pg_event_trigger_table_rewrite_oid()::regclass::text ~ '\mrealtime\.';
    else
        insert into public.ddl
        select c.command_tag, c.object_type, c.object_identity from pg_event_trigger_ddl_commands() as c
        where c.schema_name = 'realtime' or c.object_identity ~ '\mrealtime\.';
    end if;
end $$;
create event trigger note_ddl on ddl_command_end execute function public.note_ddl();
create event trigger note_drops on sql_drop execute function public.note_ddl();
create event trigger note_rewrites on table_rewrite execute function public.note_ddl();
";

/// What was noted since the last time.
async fn noted(database: &TestDatabase) -> Result<Vec<Value>> {
    let superuser = database.superuser().await?;
    let rows = superuser
        .query("delete from public.ddl as d returning to_jsonb(d)", &[])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a superuser does here is noted as well, and taken out of the notes.
async fn as_realtime(database: &TestDatabase, change: &str) -> Result<()> {
    database.superuser().await?.batch_execute(change).await?;
    noted(database).await?;
    Ok(())
}

/// Statements of the table owner, as many as succeed: each alone.
async fn try_all(owner: &Client, statements: &[String]) -> usize {
    let mut succeeded = 0;
    for statement in statements {
        succeeded += usize::from(owner.batch_execute(statement).await.is_ok());
    }
    succeeded
}

#[tokio::test]
async fn neither_the_migrations_nor_any_function_runs_ddl_there() -> Result<()> {
    let database = TestDatabase::without_product().await?;
    database.superuser().await?.batch_execute(WATCH).await?;
    let sql = ProductSql::chosen(workspace::root())?;
    let host_app = sql
        .host_app
        .as_ref()
        .context("there is a template")?
        .text
        .clone();
    let (schema, code) = (bundle::schema(&sql), bundle::code(&sql)?);
    // The code again, as every release brings it.
    for migration in [&schema, &code, &host_app, &code] {
        database.change(migration).await?;
    }
    let mut by_migrations = noted(&database).await?;
    // The one kind of object that role postgres may have there on Supabase.
    by_migrations.retain(|ddl| ddl["kind"] != "policy");
    assert_eq!(by_migrations, Vec::<Value>::new(), "the migrations");

    let world = calls::world(&database).await?;
    let mut functions = calls::functions(&database).await?;
    // Of ours: Realtime's own makes partitions.
    functions.retain(|function| function.name.starts_with("stream"));
    let owner = database.connect("postgres").await?;
    owner
        .batch_execute("set search_path = pg_catalog, pg_temp; set statement_timeout = '3s'")
        .await?;
    let is_done = database.leave_regular_work().await?;
    for has_partition in [true, false] {
        if !has_partition {
            as_realtime(&database, stream_tests::partitions::DROP_TODAY).await?;
        }
        // Before the calls, which leave nothing as it was.
        let ticker = database.connect("postgres").await?;
        ticker.batch_execute("set statement_timeout = '3s'").await?;
        let block = database.tick_loop().await?;
        ticker.batch_execute(&block).await?;
        let has_worked: bool = database.value(&is_done).await?;
        assert!(has_worked || !has_partition, "the loop did nothing");
        database.tick().await?;
        database.sweep().await?;
        for user in [Some(demo::SELLER), Some(demo::ADA), None] {
            let identity = user.map_or_else(Identity::service, Identity::user);
            let session = database.session(identity).await?;
            let mut answered = 0;
            for function in &functions {
                let call = format!(
                    "select to_jsonb(({})::text)",
                    function.call_inline(&world, user)
                );
                answered += usize::from(session.run(&call).await.is_ok());
            }
            assert!(answered > 20, "{answered} calls were answered");
        }
        let direct: Vec<String> = functions
            .iter()
            .map(|function| format!("select {}", function.call_inline(&world, None)))
            .collect();
        assert!(try_all(&owner, &direct).await > 50);
        let by_functions = noted(&database).await?;
        assert_eq!(by_functions, Vec::<Value>::new(), "the functions");
    }

    // Whoever runs it would have been seen.
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("create index seen on realtime.messages (event)")
        .await?;
    assert_eq!(noted(&database).await?.len(), 1);
    Ok(())
}

/// The verbs of DDL, by which a statement begins.
const VERBS: [&str; 9] = [
    "create", "alter", "drop", "truncate", "comment", "reindex", "cluster", "vacuum", "security",
];

/// Statements of a source about an object of the schema, in strings of Rust and of SQL too.
fn ddl(source: &str) -> Vec<String> {
    let lines = source.lines().map(str::trim);
    let code: Vec<&str> = lines
        .filter(|line| !line.starts_with("--") && !line.starts_with("//"))
        .collect();
    let code = code.join(" ").to_lowercase();
    let statements = code.split([';', '"', '\'', '$', '{', '}']);
    statements
        .map(|statement| statement.trim().trim_start_matches("execute ").trim())
        .filter(|statement| {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let of_policy = words.get(1) == Some(&"policy") || words.get(2) == Some(&"policy");
            let is_ddl = words.first().is_some_and(|verb| VERBS.contains(verb));
            // A function or trigger of ours may name a table there; what is made must not be there.
            let objects = words.iter().skip(1).take(6);
            let is_there = objects
                .clone()
                .any(|word| word.starts_with("realtime.") || *word == "realtime");
            is_ddl && is_there && !of_policy
        })
        .map(str::to_owned)
        .collect()
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, into)?;
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "sql")
        {
            into.push(path);
        }
    }
    Ok(())
}

#[test]
fn no_source_of_the_product_holds_ddl_there() -> Result<()> {
    assert_eq!(ddl("drop table realtime.messages_1; select 1").len(), 1);
    assert_eq!(
        ddl("execute format('create table if not exists realtime.%I')").len(),
        1
    );
    assert_eq!(
        ddl("let x = \"alter table realtime.messages add x int\";").len(),
        1
    );
    assert!(ddl("create policy p on realtime.messages using (true);").is_empty());
    assert!(
        ddl("create function stream.f() returns void as $$ insert into realtime.messages $$")
            .is_empty()
    );
    let mut files = Vec::new();
    for directory in [
        "sql",
        "pg_stream_ext",
        "edge_api/src",
        "supabase/migrations",
        "supabase/migrations_sql",
        "supabase/editions",
    ] {
        sources(&workspace::root().join(directory), &mut files)?;
    }
    assert!(files.len() > 100, "{} files", files.len());
    for file in files {
        assert_eq!(
            ddl(&fs::read_to_string(&file)?),
            Vec::<String>::new(),
            "{}",
            file.display()
        );
    }
    Ok(())
}
