//! The files that `cargo x generate` writes, from the hand-written SQL of a checkout.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;
use stream_tests::database::TestDatabase;
use xtask::product_sql::ProductSql;
use xtask::{generate, workspace};

fn contract(part: &str) -> Result<Value> {
    let file = workspace::root().join(format!("contract/{part}.json"));
    Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
}

/// Views, policies and triggers cannot name what is not there when they are applied. Bodies can, so their texts are searched
/// for calls of wrappers, and the host application's file too; and all hand-written texts for calls of the overloads with a
/// request id, which `sql/api` adds beside bodies of the same name.
#[tokio::test]
async fn hand_written_sql_applies_alone_and_names_nothing_generated() -> Result<()> {
    let database = TestDatabase::without_product().await?;
    let sql = ProductSql::read(workspace::root())?;
    for file in sql.hand_written() {
        database
            .change(&file.text)
            .await
            .map_err(|error| error.context(file.path.clone()))?;
    }
    let contract = contract("operations")?;
    let operations: BTreeSet<&str> = contract["operations"]
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    // Of the wrappers, which are generated too.
    let wrappers = sql.api.iter().map(|file| {
        let lines = file.text.lines();
        let wrapper = |line: &&str| line.starts_with("create function stream.");
        lines.filter(wrapper).count()
    });
    assert_eq!(operations.len(), wrappers.sum::<usize>());
    let bodies = database
        .owner
        .query(
            "select p.oid::regprocedure::text, p.prosrc from pg_catalog.pg_proc as p
             where p.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)",
            &[],
        )
        .await?;
    for row in bodies {
        let (name, body): (String, String) = (row.get(0), row.get(1));
        let called = called_of_schema_stream(&body);
        let generated: Vec<_> = called.intersection(&operations).collect();
        assert!(generated.is_empty(), "{name} calls {generated:?}");
    }
    assert_eq!(
        called_of_schema_stream("a stream.x(1), mystream.y(2), stream.z, stream_private.w()"),
        BTreeSet::from(["x"])
    );
    let host_app = sql.host_app.as_ref().expect("the host application's file");
    let called = called_of_schema_stream(&host_app.text);
    let generated: Vec<_> = called.intersection(&operations).collect();
    assert!(
        generated.is_empty(),
        "{} calls {generated:?}",
        host_app.path
    );
    // The overload with a request id takes one argument more than its body.
    for (name, operation) in contract["operations"].as_object().expect("an object") {
        let arguments = operation["arguments"].as_array().expect("a list");
        if arguments
            .last()
            .is_none_or(|last| last["name"] != "request_id")
        {
            continue;
        }
        for file in sql.hand_written().chain([host_app]) {
            let longest = argument_counts(&file.text, &format!("stream_private.{name}")).max();
            assert!(
                longest.is_none_or(|count| count < arguments.len()),
                "{} calls the overload of {name}",
                file.path
            );
        }
    }
    assert_eq!(
        argument_counts("a.f(b(1, 2), 'c') a.f() a.f(1, (2, 3), 4)", "a.f").collect::<Vec<_>>(),
        [2, 0, 3]
    );
    Ok(())
}

/// How many arguments each call of a function has in a text; declarations and comments count as calls.
fn argument_counts(text: &str, function: &str) -> impl Iterator<Item = usize> {
    let call = format!("{function}(");
    let starts: Vec<usize> = text
        .match_indices(&call)
        .map(|(place, _)| place + call.len())
        .collect();
    starts.into_iter().map(|start| {
        let (mut depth, mut commas, mut is_empty) = (1, 0, true);
        for c in text[start..].chars() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 1 => commas += 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            is_empty &= c.is_whitespace();
        }
        if is_empty { 0 } else { commas + 1 }
    })
}

/// Names of functions that a text calls in schema `stream`.
fn called_of_schema_stream(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut called = BTreeSet::new();
    for (place, schema) in text.match_indices("stream.") {
        if text[..place].ends_with(is_word) {
            continue;
        }
        let rest = &text[place + schema.len()..];
        let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        if rest[name.len()..].trim_start().starts_with('(') {
            called.insert(name);
        }
    }
    called
}

#[tokio::test]
async fn committed_files_are_what_the_hand_written_sql_says() -> Result<()> {
    let database = TestDatabase::without_product().await?;
    let root = workspace::root();
    let files = generate::files(root, &database.environment.cluster, database.name())?;
    // Nothing is left of what was generated once.
    let generated: BTreeSet<String> = files.keys().map(|path| path.to_string()).collect();
    for directory in ["sql/api", "contract"] {
        for entry in std::fs::read_dir(root.join(directory))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // A release writes the one, the tests of edge_api the other.
            let is_kept = ["released.json", "routes.json"].contains(&name.as_str());
            let path = format!("{directory}/{name}");
            assert_ne!(generated.contains(&path), is_kept, "{path}");
        }
    }
    for (path, text) in files {
        let committed = std::fs::read_to_string(root.join(path))?;
        assert!(
            committed == text,
            "{path} is out of date: run `cargo x generate`"
        );
    }
    Ok(())
}

/// Of the version that it tells in SQL, the contract tells the same.
#[tokio::test]
async fn join_tells_the_version_of_the_contract() -> Result<()> {
    let database = TestDatabase::create().await?;
    let operations = contract("operations")?;
    for (function, member) in [
        ("contract_version", "version"),
        ("oldest_client", "oldest_client"),
    ] {
        let told: String = database
            .value(&format!("select stream_private.{function}()"))
            .await?;
        assert_eq!(operations[member], told.as_str());
    }
    Ok(())
}
