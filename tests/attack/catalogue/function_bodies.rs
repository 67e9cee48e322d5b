//! Bodies of functions and procedures hold nothing that a caller's session can give another meaning.

mod backslashes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use stream_tests::contract;
use stream_tests::database::TestDatabase;
use xtask::workspace;

use backslashes::has_plain_backslash;

const SCHEMAS: &str = "'stream', 'stream_private', 'stream_edge', 'stream_ext'";

/// Anybody who may execute a function may have it compiled under a path of their own
/// (`pg_catalog.plpgsql_validator`), which keeps the types of its variables for the session: so these need
/// their schema, whatever path the function sets.
#[tokio::test]
async fn declared_types_are_found_without_a_search_path() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "create function stream_private.careless(id uuid) returns void language plpgsql
             set search_path = pg_catalog, pg_temp as 'declare name text; begin end';
             create function stream_private.careful(id uuid) returns void language plpgsql
             set search_path = pg_catalog, pg_temp as 'declare name pg_catalog.text; begin end'",
        )
        .await?;
    let superuser = database.superuser().await?;
    // A type that is announced and does not exist is an error wherever it is found first.
    superuser
        .batch_execute(&format!(
            "create schema shadows;
             do $$
             declare
                 shadow text;
             begin
                 for shadow in
                     select distinct t.typname from pg_catalog.pg_type as t
                     where t.typnamespace in ('pg_catalog'::regnamespace, 'stream'::regnamespace)
                         and t.typelem = 0
                 loop
                     execute format('create type shadows.%I', shadow);
                 end loop;
             end
             $$;
             create function shadows.complaint(function oid) returns text language plpgsql as $$
             begin
                 perform set_config('search_path', 'shadows, pg_catalog', true);
                 perform pg_catalog.plpgsql_validator(function);
                 perform set_config('search_path', 'pg_catalog', true);
                 return null;
             exception when others then
                 return sqlerrm;
             end
             $$;
             create view shadows.complaints as
             select p.proname::text as name, shadows.complaint(p.oid) as complaint
             from pg_catalog.pg_proc as p
             join pg_catalog.pg_language as l on l.oid = p.prolang
             join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
             where n.nspname in ({SCHEMAS}) and l.lanname = 'plpgsql'"
        ))
        .await?;
    let rows = superuser
        .query(
            "select name, complaint from shadows.complaints order by 1",
            &[],
        )
        .await?;
    let seen: BTreeSet<&str> = rows.iter().map(|row| row.get(0)).collect();
    let operations = contract::part("operations");
    let operations = operations["operations"].as_object().context("no object")?;
    let missing: Vec<_> = operations
        .keys()
        .filter(|name| !seen.contains(name.as_str()))
        .collect();
    assert_eq!(missing, Vec::<&String>::new(), "were not compiled");
    let complaints: Vec<(String, String)> = rows
        .iter()
        .filter_map(|row| Some((row.get(0), row.get::<_, Option<String>>(1)?)))
        .collect();
    let careless = (
        "careless".to_owned(),
        "type \"text\" is only a shell".to_owned(),
    );
    assert_eq!(complaints, [careless]);
    Ok(())
}

/// With `standard_conforming_strings` off, a backslash in a plain literal begins an escape; in `e''` it does so always.
#[tokio::test]
async fn no_literal_of_a_body_holds_a_backslash() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("create function stream_private.escaping() returns text language sql as $$ select '\\d' $$")
        .await?;
    let rows = database
        .owner
        .query(
            &format!(
                "select p.proname::text, p.prosrc from pg_catalog.pg_proc as p
                 join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
                 where n.nspname in ({SCHEMAS}) and p.prosrc ~ '[\\\\]'"
            ),
            &[],
        )
        .await?;
    let found: Vec<String> = rows
        .iter()
        .filter(|row| has_plain_backslash(row.get(1)))
        .map(|row| row.get(0))
        .collect();
    assert_eq!(found, ["escaping"]);
    Ok(())
}

/// The statements of native code stand in its source, with Rust's own escapes for quotes and lines.
#[test]
fn no_statement_of_native_code_holds_a_backslash() -> Result<()> {
    let mut files = Vec::new();
    find_sources(&workspace::root().join("pg_stream_ext/src"), &mut files)?;
    assert!(files.iter().any(|file| file.ends_with("src/lib.rs")));
    for file in files {
        let source = fs::read_to_string(&file)?;
        assert!(
            are_rusts_own(&source),
            "{}: a backslash in a text",
            file.display()
        );
    }
    assert!(are_rusts_own(r#""a \"b\" \0""#) && !are_rusts_own(r"'\d'"));
    Ok(())
}

/// Whether the backslashes of a source stand before quotes, zeros and the ends of lines; what a raw text would hold
/// is none of these.
fn are_rusts_own(source: &str) -> bool {
    let is_rusts =
        |(place, _): (usize, &str)| source[place + 1..].starts_with(['"', '\'', '0', 'n', '\n']);
    source.match_indices('\\').all(is_rusts)
}

fn find_sources(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            find_sources(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

struct Procedure {
    name: String,
    /// Neither open to others nor run with the owner's rights, and without settings.
    is_the_owners_alone: bool,
    body: String,
}

async fn procedures(database: &TestDatabase) -> Result<Vec<Procedure>> {
    let rows = database
        .owner
        .query(
            &format!(
                "select p.proname::text,
                     not p.prosecdef and p.proconfig is null and not exists (
                         select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                         where a.grantee <> p.proowner),
                     p.prosrc
                 from pg_catalog.pg_proc as p
                 join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
                 where n.nspname in ({SCHEMAS}) and p.prokind = 'p'
                 order by 1"
            ),
            &[],
        )
        .await?;
    let procedures = rows.iter().map(|row| Procedure {
        name: row.get(0),
        is_the_owners_alone: row.get(1),
        body: row.get(2),
    });
    Ok(procedures.collect())
}

/// One that commits can set no path, so it must be nobody's but the owner's and name all schemas.
#[tokio::test]
async fn procedures_only_commit_sleep_and_call() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "create procedure stream.in_order() language plpgsql as $$
             begin
                 loop
                     perform stream_private.tick();
                     commit;
                     perform pg_catalog.pg_sleep(0.05);
                     exit when stream_private.close_gate(1);
                 end loop;
             end $$;
             revoke all on procedure stream.in_order() from public;
             create procedure stream.definer() language sql security definer as 'select';
             create procedure stream.for_all() language plpgsql as 'begin commit; end';
             create procedure stream.unqualified() language plpgsql as 'begin perform now(); end';
             create procedure stream.typed() language plpgsql as 'begin perform stream_private.close_gate(1::int8); end';
             create procedure stream.operated() language plpgsql as 'begin perform stream_private.close_gate(1 + 1); end';
             create procedure stream.reading() language plpgsql as 'begin perform id from stream.config; end';
             revoke all on procedure stream.unqualified(), stream.typed(), stream.operated(), stream.reading()
                 from public",
        )
        .await?;
    // The block that pg_cron runs commits too.
    let block = database.tick_loop().await?;
    let body = block.split("$tick_for_a_minute$").nth(1);
    assert!(only_commits_sleeps_and_calls(body.context("no block")?));
    let mut refused = Vec::new();
    for procedure in procedures(&database).await? {
        if !is_safe(&procedure) {
            refused.push(procedure.name);
        }
    }
    let expected = [
        "definer",
        "for_all",
        "operated",
        "reading",
        "typed",
        "unqualified",
    ];
    assert_eq!(refused, expected);
    Ok(())
}

fn is_safe(procedure: &Procedure) -> bool {
    procedure.is_the_owners_alone && only_commits_sleeps_and_calls(&procedure.body)
}

/// Whether every word of a body is a keyword of control, a number or text, or a call with its schema, and
/// nothing in it is an operator or a cast.
fn only_commits_sleeps_and_calls(body: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "begin", "call", "commit", "end", "exit", "if", "loop", "not", "null", "perform", "then",
        "when", "while", "true", "false",
    ];
    const PREFIXES: &[&str] = &["stream.", "stream_private.", "stream_ext."];
    let code: String = body
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .flat_map(|line| [line, "\n"])
        .collect();
    let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    let are_words_safe = code
        .split(|c: char| !is_of_a_word(c))
        .filter(|word| !word.is_empty())
        .all(|word| {
            let is_call =
                || PREFIXES.iter().any(|schema| word.starts_with(schema)) && calls(&code, word);
            KEYWORDS.contains(&word.to_lowercase().as_str())
                || word.parse::<f64>().is_ok()
                || word == "pg_catalog.pg_sleep"
                || is_call()
        });
    let is_punctuation =
        |c: char| is_of_a_word(c) || c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';');
    are_words_safe && code.chars().all(is_punctuation)
}

/// Whether a name is followed by its arguments wherever it stands.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .all(|(place, _)| code[place + name.len()..].starts_with(['(', '_']))
}
