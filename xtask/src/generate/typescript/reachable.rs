//! The definitions that an app can meet: in an operation that users may call, or in an event.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::operations::Operations;
use super::schema::referenced;

pub fn of<'a>(
    definitions: &BTreeMap<&'a str, &'a Value>,
    operations: &Operations<'a>,
    events: &'a Value,
) -> Result<BTreeSet<&'a str>> {
    let mut waiting: Vec<&str> = operations
        .results()
        .filter(|name| definitions.contains_key(name))
        .collect();
    references(&events["events"], &mut waiting);
    let mut reached = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if reached.insert(name) {
            let definition = definitions
                .get(name)
                .with_context(|| format!("nothing defines {name}"))?;
            references(definition, &mut waiting);
        }
    }
    Ok(reached)
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    found.extend(referenced(value));
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => members.values().for_each(|item| references(item, found)),
        _ => {}
    }
}
