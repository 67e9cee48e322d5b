//! Interfaces of composites and payloads, in both forms, and the members that are more than renamed between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Result, bail};
use serde_json::Value;

use super::header::header;
use super::schema::{Form, camel, comment, is_instant, is_opaque, members as of, pascal, type_of};

type Definitions<'a> = BTreeMap<&'a str, &'a Value>;

pub fn wire(definitions: &Definitions<'_>, reached: &BTreeSet<&str>) -> Result<String> {
    let states = "Composites and payloads of events as the server writes them.";
    interfaces(states, definitions, reached, Form::Wire)
}

pub fn named(definitions: &Definitions<'_>, reached: &BTreeSet<&str>) -> Result<String> {
    let states = "The same composites and payloads in camelCase, with instants as dates.";
    interfaces(states, definitions, reached, Form::Named)
}

fn interfaces(
    states: &str,
    definitions: &Definitions<'_>,
    reached: &BTreeSet<&str>,
    form: Form,
) -> Result<String> {
    let mut text = header(states);
    for name in reached {
        let definition = definitions[name];
        writeln!(
            text,
            "{}export interface {} {{",
            comment(definition, ""),
            pascal(name)
        )?;
        for (member, schema) in of(&definition["properties"])? {
            let shown = match form {
                Form::Wire => member.to_owned(),
                Form::Named => camel(member),
            };
            let type_name = type_of(schema, form)?;
            writeln!(text, "{}    {shown}: {type_name}", comment(schema, "    "))?;
        }
        text.push_str("}\n\n");
    }
    Ok(text.trim_end().to_owned() + "\n")
}

/// A name means the same in every object, so that one conversion serves all of them.
pub fn members(definitions: &Definitions<'_>, reached: &BTreeSet<&str>) -> Result<String> {
    let mut instants = BTreeMap::new();
    let mut opaque = BTreeSet::new();
    for name in reached {
        for (member, schema) in of(&definitions[name]["properties"])? {
            if instants
                .insert(member, is_instant(schema))
                .is_some_and(|before| before != is_instant(schema))
            {
                bail!("{member} is an instant in one composite and none in another");
            }
            if is_opaque(schema) {
                opaque.insert(member);
            }
        }
    }
    let mut named_otherwise = Vec::new();
    for (name, is_instant) in instants {
        match (name.ends_with(INSTANT_SUFFIX), is_instant) {
            (true, false) => bail!("{name} is named as an instant and is none"),
            (false, true) => named_otherwise.push(format!("|^{name}")),
            _ => {}
        }
    }
    let instants = format!("{INSTANT_SUFFIX}{}", named_otherwise.concat());
    let opaque: Vec<&str> = opaque.into_iter().collect();
    Ok(
        header("Members that are more than renamed when they leave the wire.")
            + &pattern(
                "INSTANTS",
                "Text on the wire, a `Date` in the client.",
                &format!("({instants})$"),
            )
            + "\n"
            + &pattern(
                "OPAQUE",
                "Objects whose members are the application's and keep their names.",
                &format!("^({})$", opaque.join("|")),
            ),
    )
}

/// By which most instants are known, and nothing else is.
const INSTANT_SUFFIX: &str = "_at";

fn pattern(name: &str, states: &str, pattern: &str) -> String {
    format!("/** {states} */\nexport const {name}: RegExp = /{pattern}/\n")
}
