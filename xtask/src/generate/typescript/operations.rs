//! `operations.ts` and `routes.ts`: the operations that a signed-in user may call, and their routes.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::header::header;
use super::schema::{members, pascal};

pub struct Operations<'a> {
    version: &'a str,
    by_name: BTreeMap<&'a str, Operation<'a>>,
}

struct Operation<'a> {
    value: &'a Value,
    verb: &'a str,
    path: &'a str,
}

/// Called over RPC alone.
const WITHOUT_ROUTE: [&str; 1] = ["user_id"];

impl<'a> Operations<'a> {
    pub fn read(contract: &'a Value, routes: &'a Value) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        for (name, value) in members(&contract["operations"])? {
            let callers = value["callers"].as_array().context("has no callers")?;
            if WITHOUT_ROUTE.contains(&name) || !callers.iter().any(|role| role == "authenticated")
            {
                continue;
            }
            let route = &routes[name];
            let (Some(verb), Some(path)) = (route["method"].as_str(), route["path"].as_str())
            else {
                bail!(
                    "contract/routes.json has no route to {name}: add a line to edge_api/src/routes.rs, then run \
                     UPDATE_DOCS=1 cargo test -p edge_api --test http docs"
                );
            };
            if !route["whole_body"].is_null() {
                bail!("a user's operation takes its arguments by name, and {name} does not");
            }
            by_name.insert(name, Operation { value, verb, path });
        }
        Ok(Self {
            version: contract["version"].as_str().context("has no version")?,
            by_name,
        })
    }

    /// The types of their results.
    pub fn results(&self) -> impl Iterator<Item = &'a str> {
        self.by_name
            .values()
            .filter_map(|operation| operation.value["result"]["type"].as_str())
    }

    pub fn write(&self) -> Result<String> {
        let mut text =
            header("Operations that a signed-in user may call, with their arguments and results.");
        text.push_str("import type * as Wire from './wire.ts'\n\n");
        writeln!(
            text,
            "/** The version of the contract that this client was built with. */\nexport const CONTRACT_VERSION = '{}'\n",
            self.version
        )?;
        text.push_str("/** Arguments and result of each operation, as on the wire. */\nexport interface Operations {\n");
        for (name, operation) in &self.by_name {
            let description = operation.value["description"].as_str().unwrap_or_default();
            writeln!(
                text,
                "    /** {description} */\n    {name}: {{\n        args: {{"
            )?;
            let arguments = operation.value["arguments"]
                .as_array()
                .context("has no arguments")?;
            for argument in arguments {
                let argument_name = argument["name"].as_str().context("has no name")?;
                let type_name = scalar(argument["type"].as_str().unwrap_or_default())?;
                let rest = match argument["required"] == true {
                    true => format!("{argument_name}: {type_name}"),
                    false => format!("{argument_name}?: {type_name} | null | undefined"),
                };
                writeln!(text, "            {rest}")?;
            }
            writeln!(
                text,
                "        }}\n        result: {}\n    }}",
                result(&operation.value["result"])?
            )?;
        }
        text.push_str("}\n\nexport type OperationName = keyof Operations\n\n");
        text.push_str(REPEATS);
        let mut by_argument: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, operation) in &self.by_name {
            let repeat = &operation.value["repeat"];
            if let Some(argument) = repeat["with"].as_str() {
                by_argument.entry(argument).or_default().push(name);
            } else if repeat["safe"] != true {
                by_argument.entry(NEVER).or_default().push(name);
            }
        }
        for (argument, names) in by_argument {
            writeln!(text, "    {argument}:\n        '{}',", names.join(" "))?;
        }
        text.push_str("}\n");
        Ok(text)
    }

    pub fn routes(&self) -> Result<String> {
        let mut text = header("Routes of the edge by operation.");
        text.push_str("import type { OperationName } from './operations.ts'\n\n");
        text.push_str(ROUTES);
        for (name, operation) in &self.by_name {
            writeln!(
                text,
                "    {name}: ['{}', '{}'],",
                operation.verb, operation.path
            )?;
        }
        text.push_str("}\n");
        Ok(text)
    }
}

/// Stands in the place of an argument.
const NEVER: &str = "never";

const REPEATS: &str = "\
/** Operations that may be sent again only when the argument of this name is the same, or never; all others as they are. */
export const REPEATS: Readonly<Record<string, string>> = {
";

const ROUTES: &str = "\
export const ROUTES: { readonly [Name in OperationName]: readonly [method: string, path: string] } = {
";

fn result(result: &Value) -> Result<String> {
    let name = result["type"].as_str().context("has no type")?;
    let mut text = match scalar(name) {
        Ok(known) => known.to_owned(),
        Err(_) => format!("Wire.{}", pascal(name)),
    };
    if result["null"] == true {
        text.push_str(" | null");
    }
    if result["set"] == true {
        text = if text.contains(' ') {
            format!("({text})[]")
        } else {
            text + "[]"
        };
    }
    Ok(text)
}

fn scalar(name: &str) -> Result<&'static str> {
    Ok(match name {
        "uuid" | "text" | "timestamptz" => "string",
        "integer" | "bigint" | "double precision" => "number",
        "boolean" => "boolean",
        "json" | "jsonb" => "unknown",
        "uuid[]" | "text[]" => "string[]",
        "void" => "null",
        other => bail!("{other} is no scalar of the contract"),
    })
}
