//! Breaking changes against `contract/released.json`: phones cannot be updated at once.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::files::Files;
use super::version::Version;

pub const FILE: &str = "contract/released.json";

/// The parts of a contract, as they stand in `contract/`.
const PARTS: &[&str] = &["operations", "types", "events", "errors"];

/// The parts of the contract that was generated, as one document.
pub fn of_files(files: &Files) -> Result<Value> {
    let mut parts = Map::new();
    for part in PARTS {
        let path = format!("contract/{part}.json");
        if let Some(text) = files.get(path.as_str()) {
            let value = serde_json::from_str(text).with_context(|| path.clone())?;
            parts.insert((*part).to_owned(), value);
        }
    }
    Ok(Value::Object(parts))
}

/// Fails where the contract breaks clients of the released one and its versions do not say so, or differs
/// under the same version.
pub fn check(released: &Value, current: &Value) -> Result<()> {
    let [was, is] = [released, current].map(|contract| version(contract, "version"));
    let (was, is) = (was?, is?);
    let oldest = version(current, "oldest_client")?;
    if oldest > is {
        bail!("no client is as new as oldest_client {oldest}: the contract is {is}");
    }
    let breaks = breaks(released, current);
    if !breaks.is_empty() && (is.major <= was.major || oldest.major <= was.major) {
        bail!(
            "clients of the released contract {was} would break: {}; keep what they use, or move \
             contract_version() and oldest_client() in sql/ to {}.0",
            breaks.join("; "),
            was.major + 1
        );
    }
    if is <= was && without_texts(released) != without_texts(current) {
        bail!(
            "the contract is not the released {was}: move contract_version() in sql/ to {}.{}",
            was.major,
            was.minor + 1
        );
    }
    Ok(())
}

fn version(contract: &Value, name: &str) -> Result<Version> {
    contract["operations"][name]
        .as_str()
        .with_context(|| format!("a contract without {name}"))?
        .parse()
}

/// The losses of a client of the released contract, one sentence each.
pub fn breaks(released: &Value, current: &Value) -> Vec<String> {
    let mut breaks = Vec::new();
    let [was, is] = [released, current].map(|contract| &contract["operations"]["operations"]);
    for (name, was) in members(was) {
        match is.get(name) {
            None => breaks.push(format!("operation {name} is gone")),
            Some(is) => operation_breaks(name, was, is, &mut breaks),
        }
    }
    for part in ["types", "events"] {
        let [was, is] = [released, current].map(|contract| &contract[part]["$defs"]);
        for (name, was) in members(was) {
            match is.get(name) {
                None => breaks.push(format!("{part}: {name} is gone")),
                Some(is) => type_breaks(name, was, is, &mut breaks),
            }
        }
    }
    let [was, is] = [released, current].map(|contract| &contract["events"]["events"]);
    by_key(was, is, "events", &["topic", "event"], &mut breaks);
    let [was, is] = [released, current].map(|contract| &contract["errors"]);
    by_key(was, is, "errors", &["code"], &mut breaks);
    breaks
}

fn operation_breaks(name: &str, was: &Value, is: &Value, breaks: &mut Vec<String>) {
    for caller in elements(&was["callers"]) {
        if !elements(&is["callers"]).contains(caller) {
            breaks.push(format!("{} may not call {name} any more", plain(caller)));
        }
    }
    if was["repeat"] != is["repeat"] && was["repeat"]["safe"] == json!(true) {
        breaks.push(format!("{name} is repeated in another way"));
    }
    if was["access"] != is["access"] {
        breaks.push(format!("{name} is of another access"));
    }
    for argument in elements(&was["arguments"]) {
        let argument_name = plain(&argument["name"]);
        let found = elements(&is["arguments"])
            .iter()
            .find(|other| other["name"] == argument["name"]);
        let Some(found) = found else {
            breaks.push(format!("argument {argument_name} of {name} is gone"));
            continue;
        };
        if found["type"] != argument["type"] {
            breaks.push(format!(
                "argument {argument_name} of {name} is of another type"
            ));
        }
        if found["required"] == json!(true) && argument["required"] == json!(false) {
            breaks.push(format!("argument {argument_name} of {name} is required"));
        } else if found.get("default") != argument.get("default")
            && argument["required"] == json!(false)
        {
            breaks.push(format!(
                "argument {argument_name} of {name} has another default"
            ));
        }
    }
    for argument in elements(&is["arguments"]) {
        let is_new = elements(&was["arguments"])
            .iter()
            .all(|other| other["name"] != argument["name"]);
        if is_new && argument["required"] == json!(true) {
            let argument_name = plain(&argument["name"]);
            breaks.push(format!(
                "{name} has a new required argument {argument_name}"
            ));
        }
    }
    let [was, is] = [was, is].map(|operation| &operation["result"]);
    if was["type"] != is["type"] || was["set"] != is["set"] {
        breaks.push(format!("{name} returns another type"));
    }
    if is["null"] == json!(true) && was["null"] == json!(false) {
        breaks.push(format!("{name} can return null"));
    }
}

fn type_breaks(name: &str, was: &Value, is: &Value, breaks: &mut Vec<String>) {
    for (field, was) in members(&was["properties"]) {
        let place = format!("field {field} of {name}");
        match is["properties"].get(field) {
            None => breaks.push(format!("{place} is gone")),
            Some(is) => field_breaks(&place, was, is, breaks),
        }
    }
}

fn field_breaks(place: &str, was: &Value, is: &Value, breaks: &mut Vec<String>) {
    let (was, was_null) = without_null(&without_texts(was));
    let (is, is_null) = without_null(&without_texts(is));
    if is_null && !was_null {
        breaks.push(format!("{place} can be null"));
    }
    let values = |schema: &Value| -> BTreeSet<String> {
        elements(&schema["enum"]).iter().map(plain).collect()
    };
    for value in values(&was).difference(&values(&is)) {
        breaks.push(format!("{place} is never {value}"));
    }
    let [was, is] = [was, is].map(without_values);
    if was != is {
        breaks.push(format!("{place} is of another type"));
    }
}

/// Compares lists whose entries have a key: no entry of the released one may be missing, and its members stay.
fn by_key(released: &Value, current: &Value, part: &str, key: &[&str], breaks: &mut Vec<String>) {
    for was in elements(released) {
        let name: Vec<String> = key.iter().map(|member| plain(&was[member])).collect();
        let found = elements(current)
            .iter()
            .find(|is| key.iter().all(|member| is[member] == was[member]));
        match found {
            None => breaks.push(format!("{part}: {} is gone", name.join(" "))),
            Some(is) if without_texts(is) != without_texts(was) => {
                breaks.push(format!("{part}: {} is another one", name.join(" ")));
            }
            Some(_) => {}
        }
    }
}

/// A schema without null among its types, and whether it was there.
fn without_null(schema: &Value) -> (Value, bool) {
    let null = json!("null");
    if let Some(kinds) = schema["type"].as_array()
        && kinds.contains(&null)
    {
        let mut schema = schema.clone();
        schema["type"] = kinds.iter().find(|kind| **kind != null).cloned().into();
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<Value> = values
                .iter()
                .filter(|value| !value.is_null())
                .cloned()
                .collect();
            schema["enum"] = values.into();
        }
        return (schema, true);
    }
    let of_null = json!({"type": "null"});
    match schema["anyOf"].as_array() {
        Some(options) if options.contains(&of_null) => {
            let other = options.iter().find(|option| **option != of_null);
            (other.cloned().into(), true)
        }
        _ => (schema.clone(), false),
    }
}

fn without_values(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => {
            members.remove("enum");
            Value::Object(members)
        }
        other => other,
    }
}

/// Without what is written for people alone, and without the versions.
fn without_texts(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, member)| {
                let is_text = ["description", "message", "hint", "version", "oldest_client"]
                    .contains(&name.as_str());
                !(is_text && member.is_string())
            })
            .map(|(name, member)| (name.clone(), without_texts(member)))
            .collect(),
        Value::Array(items) => items.iter().map(without_texts).collect(),
        other => other.clone(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[path = "released_tests.rs"]
mod tests;
