//! The documentation's TypeScript: it compiles against the types that Supabase generates from the database, and the
//! example of a subscription does what it says.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::services::{Services, script};
use xtask::workspace;

/// Answer of `types.mjs` for all documents.
async fn compiled(database: &TestDatabase) -> Result<Value> {
    let root = workspace::root();
    let mut documents = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root.join("docs"))? {
        let name = entry?.file_name();
        let name = name.to_str().context("a file's name")?;
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    documents.sort();
    let cluster = &database.environment.cluster;
    let argument = json!({
        "socketDir": cluster.socket_dir,
        "port": cluster.port,
        "database": database.name(),
        "root": root,
        "documents": documents,
    });
    let script = "tests/js/types.mjs";
    let finished = script::run(&database.environment, script, &[&argument.to_string()]).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    finished.json()
}

fn texts(answer: &Value) -> BTreeSet<&str> {
    answer
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[tokio::test]
async fn examples_and_calls_compile_against_the_generated_types() -> Result<()> {
    let database = TestDatabase::create().await?;
    let answer = compiled(&database).await?;
    let problems = answer["problems"].as_array().context("no problems")?;
    assert!(problems.is_empty(), "{problems:#?}");
    let examples = texts(&answer["examples"]);
    for document in ["README.md:", "docs/realtime.md:"] {
        let has_example = examples.iter().any(|place| place.starts_with(document));
        assert!(has_example, "no example in {document} {examples:?}");
    }

    let open: Vec<String> = database
        .value(
            "select array_agg(distinct p.proname::text)
             from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream'::regnamespace and p.proname <> 'user_id'
               and (has_function_privilege('authenticated', p.oid, 'execute')
                    or has_function_privilege('service_role', p.oid, 'execute'))",
        )
        .await?;
    let open: BTreeSet<&str> = open.iter().map(String::as_str).collect();
    assert_eq!(texts(&answer["called"]), open);
    Ok(())
}

/// As before the argument had a default: the call that leaves it out is no call of that function.
#[tokio::test]
async fn a_must_that_may_be_null_does_not_compile() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "drop function stream.unread_count(uuid, uuid);
             create function stream.unread_count(session_id uuid, user_id uuid) returns bigint
                 language sql as 'select 1::bigint'",
        )
        .await?;
    let answer = compiled(&database).await?;
    let problems = answer["problems"].to_string();
    assert!(problems.contains("user_id"), "{problems}");
    Ok(())
}

#[tokio::test]
async fn the_example_of_a_subscription_loses_nothing() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let stranger = database.add_stranger().await?;
    let argument = json!({
        "supabaseUrl": services.supabase_url,
        "anonKey": services.keys.anon_key,
        "sessionId": stream,
        "document": workspace::root().join("docs/realtime.md"),
        "viewer": services.token_of(demo::ADA),
        "stranger": services.token_of(stranger),
        "seller": services.token_of(demo::SELLER),
    });
    let script = "tests/js/follow_example.mjs";
    let arguments = [argument.to_string()];
    let finished = script::run(&database.environment, script, &[&arguments[0]]).await?;
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let answer = finished.json()?;
    let shown: Vec<i64> = serde_json::from_value(answer["shown"].clone())?;
    let last = answer["last"].as_i64().context("no last number")?;
    assert_eq!(shown, (1..=last).collect::<Vec<_>>(), "{answer}");
    assert!(answer["lost"].as_i64() > Some(0), "{answer}");
    Ok(())
}
