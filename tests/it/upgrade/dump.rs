//! The catalogue of a database as `pg_dump` writes it, and the rows of the product's tables.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use stream_tests::database::TestDatabase;

/// Every statement that makes the database, but for its rows.
pub fn catalogue(database: &TestDatabase) -> Result<String> {
    let text = database.run_program("pg_dump", &["--schema-only"])?;
    // A random word protects psql from what a dump holds.
    let lines = text.lines().filter(|line| !line.starts_with('\\'));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Fails with the first lines in which two catalogues part.
pub fn assert_same(found: &str, expected: &str) {
    let mut before = Vec::new();
    let (mut found, mut expected) = (found.lines(), expected.lines());
    loop {
        match (found.next(), expected.next()) {
            (None, None) => return,
            (one, other) if one == other => before.extend(one),
            (one, other) => {
                let context = before[before.len().saturating_sub(12)..].join("\n");
                panic!("behind\n{context}\nis {one:?} instead of {other:?}");
            }
        }
    }
}

/// The rows of every table of schema `stream`, as JSON without what is null: a new column says nothing yet.
pub async fn rows(database: &TestDatabase) -> Result<BTreeMap<String, Value>> {
    let tables = database
        .owner
        .query(
            "select c.relname::text from pg_catalog.pg_class as c
             where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r'",
            &[],
        )
        .await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let table: String = table.get(0);
        let json = database
            .value(&format!(
                "select coalesce(jsonb_agg(r order by r::text), '[]')
                 from (select jsonb_strip_nulls(to_jsonb(t)) as r from stream.{table} as t) as n"
            ))
            .await?;
        rows.insert(table, json);
    }
    Ok(rows)
}
