//! `contract/operations.json`: every operation with its arguments, result, rights and errors.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::catalogue::PUBLIC;
use super::declaration::short;
use super::operation::{COMMON_ERRORS, Operation, Repeat};
use super::types_json::Types;
use super::values::Value;
use super::version::{Version, Versions};

/// Types that arguments and results have besides the composites.
const TYPES: &[&str] = &[
    "uuid",
    "integer",
    "bigint",
    "boolean",
    "text",
    "json",
    "jsonb",
    "timestamptz",
    "double precision",
    "uuid[]",
    "text[]",
    "void",
];

#[derive(Serialize)]
struct OperationsFile<'a> {
    version: Version,
    oldest_client: Version,
    common_errors: &'a [&'a str],
    operations: BTreeMap<&'a str, OperationEntry<'a>>,
}

#[derive(Serialize)]
struct OperationEntry<'a> {
    description: &'a str,
    callers: &'a [String],
    access: &'static str,
    repeat: RepeatEntry<'a>,
    errors: &'a [String],
    arguments: Vec<ArgumentEntry<'a>>,
    result: ResultEntry,
}

#[derive(Serialize)]
struct RepeatEntry<'a> {
    safe: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<&'a str>,
}

#[derive(Serialize)]
struct ArgumentEntry<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    type_name: String,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
}

#[derive(Serialize)]
struct ResultEntry {
    #[serde(rename = "type")]
    type_name: String,
    set: bool,
    null: bool,
}

pub fn write(versions: Versions, operations: &[Operation], types: &Types) -> Result<String> {
    let callable = operations.iter().filter(|operation| !operation.is_policy);
    let entries = callable.map(|operation| {
        let entry = entry(operation, types)
            .with_context(|| format!("the operation {}", operation.function.name))?;
        Ok((plain(&operation.function.name), entry))
    });
    super::json::pretty(&OperationsFile {
        version: versions.contract,
        oldest_client: versions.oldest_client,
        common_errors: COMMON_ERRORS,
        operations: entries.collect::<Result<_>>()?,
    })
}

fn entry<'a>(operation: &'a Operation, types: &Types) -> Result<OperationEntry<'a>> {
    let function = &operation.function;
    let arguments = function.arguments.iter().zip(&operation.defaults);
    let arguments = arguments.map(|(argument, default)| {
        Ok(ArgumentEntry {
            name: plain(&argument.name),
            type_name: type_name(&argument.type_name, types)?,
            required: default.is_none(),
            default: default.as_ref(),
        })
    });
    Ok(OperationEntry {
        description: &operation.description,
        callers: &operation.callers,
        access: if operation.reads_only() {
            "read"
        } else {
            "write"
        },
        repeat: match &operation.repeat {
            Repeat::Safe => RepeatEntry {
                safe: true,
                with: None,
            },
            Repeat::SafeWith(argument) => RepeatEntry {
                safe: true,
                with: Some(argument),
            },
            Repeat::Unsafe => RepeatEntry {
                safe: false,
                with: None,
            },
        },
        errors: &operation.errors,
        arguments: arguments.collect::<Result<_>>()?,
        result: ResultEntry {
            type_name: type_name(&function.result, types)?,
            set: function.is_set,
            null: operation.is_null,
        },
    })
}

/// The name of a type in the contract: a composite's without its schema.
pub fn type_name(name: &str, types: &Types) -> Result<String> {
    let name = short(name);
    if let Some(composite) = name
        .strip_prefix(PUBLIC)
        .and_then(|rest| rest.strip_prefix('.'))
        .filter(|composite| types.composites.contains_key(*composite))
    {
        return Ok(composite.to_owned());
    }
    if TYPES.contains(&name) {
        return Ok(name.to_owned());
    }
    bail!("{name} is no type of the contract")
}

/// A name without the quotes that SQL needs.
pub fn plain(name: &str) -> &str {
    name.trim_matches('"')
}
