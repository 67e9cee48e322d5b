//! `client/src/contract/`: the contract as TypeScript, for the client.
//!
//! Everything is written from the JSON of `contract/`, so the client knows no more than any other program can.

mod errors;
mod events;
mod header;
mod objects;
mod operations;
mod reachable;
mod schema;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// The texts of the JSON files from which the TypeScript is written.
pub struct Contract<'a> {
    pub operations: &'a str,
    pub types: &'a str,
    pub events: &'a str,
    pub errors: &'a str,
    /// `contract/routes.json`, which the tests of `edge_api` write from its table.
    pub routes: &'a str,
}

/// The files, by their paths in the repository.
pub fn write(contract: &Contract<'_>) -> Result<Vec<(&'static str, String)>> {
    let operations: Value = parse("operations", contract.operations)?;
    let types: Value = parse("types", contract.types)?;
    let events: Value = parse("events", contract.events)?;
    let errors: Value = parse("errors", contract.errors)?;
    let routes: Value = parse("routes", contract.routes)?;

    let operations = operations::Operations::read(&operations, &routes)?;
    let mut definitions: BTreeMap<&str, &Value> = BTreeMap::new();
    for file in [&types, &events] {
        definitions.extend(schema::members(&file["$defs"])?);
    }
    let reached = reachable::of(&definitions, &operations, &events)?;
    Ok(vec![
        (
            "client/src/contract/wire.ts",
            objects::wire(&definitions, &reached)?,
        ),
        (
            "client/src/contract/named.ts",
            objects::named(&definitions, &reached)?,
        ),
        (
            "client/src/contract/members.ts",
            objects::members(&definitions, &reached)?,
        ),
        ("client/src/contract/operations.ts", operations.write()?),
        ("client/src/contract/routes.ts", operations.routes()?),
        ("client/src/contract/events.ts", events::write(&events)?),
        ("client/src/contract/errors.ts", errors::write(&errors)?),
        (
            "client/src/contract/sentences.ts",
            errors::sentences(&errors)?,
        ),
    ])
}

fn parse(name: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("contract/{name}.json is no JSON"))
}
