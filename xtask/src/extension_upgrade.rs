//! The script that takes an installed extension from an older version to the present one, made from the SQL of both.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::extension_sql::{DIRECTORY, SQL};
use crate::statements::{split, squeezed, until, without_comments};
use crate::{console, workspace};

const NAME: &str = "pg_stream_ext--";
const CREATE: &str = "CREATE FUNCTION ";

/// A script, and what of the two versions it leaves to whoever writes the rest.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    pub text: String,
    /// Statements of one version that make no function and are not in the other.
    pub undecided: Vec<String>,
}

/// Writes the script from a version, by default the newest older one, to the present one.
pub fn write(from: Option<&str>) -> Result<()> {
    let directory = workspace::root().join(DIRECTORY);
    let to = version(SQL)?;
    let older = full_versions(&directory)?;
    let from = match from {
        Some(from) => from.to_owned(),
        None => older
            .into_iter()
            .rfind(|version| *version != to)
            .with_context(|| {
                format!("{DIRECTORY} has the SQL of no older version than {to}: there is nothing to upgrade from")
            })?,
    };
    let read = |version: &str| {
        let file = directory.join(format!("{NAME}{version}.sql"));
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let script = script(&from, &to, &read(&from)?, &read(&to)?)?;
    let name = format!("{NAME}{from}--{to}.sql");
    console::step(format_args!("writing {DIRECTORY}/{name}"));
    fs::write(directory.join(&name), &script.text)
        .with_context(|| format!("cannot write {name}"))?;
    if !script.undecided.is_empty() {
        bail!(
            "write into {name} by hand what becomes of: {}",
            script.undecided.join(" ")
        );
    }
    Ok(())
}

/// Every version of which the whole SQL is there, the oldest first.
pub fn full_versions(directory: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut versions: Vec<String> = entries
        .flatten()
        .filter_map(|entry| version(&entry.file_name().to_string_lossy()).ok())
        .collect();
    versions.sort_by_key(|version| {
        let numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        numbers.collect::<Vec<u32>>()
    });
    Ok(versions)
}

/// The version in the name of a file that holds the whole SQL of one.
pub fn version(file: &str) -> Result<String> {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.strip_prefix(NAME)
        .and_then(|rest| rest.strip_suffix(".sql"))
        .filter(|version| !version.contains("--"))
        .map(str::to_owned)
        .with_context(|| format!("{file} is not the whole SQL of a version"))
}

/// Drops the functions that are gone, makes the new ones, and makes those anew whose signature is another; those that differ in what
/// `create or replace` can change are replaced.
pub fn script(from: &str, to: &str, old: &str, new: &str) -> Result<Script> {
    let (old, new) = (Version::read(old)?, Version::read(new)?);
    let mut statements = Vec::new();
    // A caller of the older SQL would give these other arguments than the library reads.
    let mut unsafe_to_call = Vec::new();
    for function in &old.functions {
        if new.same_signature(function).is_none() {
            statements.push(format!("DROP FUNCTION {};", function.identity));
            unsafe_to_call.push(function.name.as_str());
        }
    }
    for function in &new.functions {
        match old.same_signature(function) {
            Some(before) if before.squeezed == function.squeezed => {}
            Some(_) => statements.push(format!("CREATE OR REPLACE FUNCTION {}", function.rest)),
            None => statements.push(format!("CREATE FUNCTION {}", function.rest)),
        }
    }
    let differs = |one: &Version, other: &Version| -> Vec<String> {
        let others = one
            .others
            .iter()
            .filter(|text| !other.others.contains(text));
        others.cloned().collect()
    };
    let undecided = [differs(&old, &new), differs(&new, &old)].concat();
    let warning = if unsafe_to_call.is_empty() {
        String::new()
    } else {
        format!(
            "-- Between the installation of the library and this script nobody may call: {}.\n",
            unsafe_to_call.join(", ")
        )
    };
    let text = format!(
        "-- pg_stream_ext {from} becomes {to}. Written by `cargo x ext upgrade` from the SQL of both.\n{warning}\
         \\echo Use \"ALTER EXTENSION pg_stream_ext UPDATE TO '{to}'\" to load this file. \\quit\n\n{}\n",
        statements.join("\n\n")
    );
    Ok(Script { text, undecided })
}

/// What the SQL of one version makes.
struct Version {
    functions: Vec<Function>,
    /// The other statements, squeezed.
    others: Vec<String>,
}

struct Function {
    name: String,
    /// With the names and types of its arguments, as DROP takes them.
    identity: String,
    /// Arguments with their defaults, and the result: what cannot be replaced.
    signature: String,
    squeezed: String,
    /// As it was written, behind CREATE FUNCTION.
    rest: String,
}

impl Version {
    fn read(text: &str) -> Result<Self> {
        let mut version = Self {
            functions: Vec::new(),
            others: Vec::new(),
        };
        for statement in split(text) {
            match Function::read(statement)? {
                Some(function) => version.functions.push(function),
                None => version.others.push(squeezed(statement)),
            }
        }
        Ok(version)
    }

    fn same_signature(&self, function: &Function) -> Option<&Function> {
        self.functions
            .iter()
            .find(|other| other.signature == function.signature)
    }
}

impl Function {
    fn read(statement: &str) -> Result<Option<Self>> {
        // The generator breaks lines as it likes.
        let squeezed = squeezed(statement)
            .replace("( ", "(")
            .replace(" )", ")")
            .replace(" ,", ",");
        let Some(declared) = squeezed.strip_prefix(CREATE) else {
            return Ok(None);
        };
        let no_end = || format!("a function without an end of its arguments: {squeezed}");
        let open = declared.find('(').with_context(no_end)?;
        let arguments = until(&declared[open + 1..], &[")"]);
        let mut declared_arguments = Vec::new();
        let mut left = arguments;
        while !left.trim().is_empty() {
            let argument = until(left, &[","]);
            left = left[argument.len()..].trim_start_matches(',');
            let without_default = argument.split(" DEFAULT ").next().unwrap_or_default();
            declared_arguments.push(without_default.trim().to_owned());
        }
        let name = declared[..open].trim().to_owned();
        let attributes = [
            " LANGUAGE ",
            " STABLE",
            " IMMUTABLE",
            " VOLATILE",
            " STRICT",
            " PARALLEL ",
            " SECURITY ",
            " COST ",
            " SUPPORT ",
            " SET ",
        ];
        let text = without_comments(statement);
        let rest = text.trim_start_matches("CREATE").trim_start();
        Ok(Some(Self {
            identity: format!("{name}({})", declared_arguments.join(", ")),
            signature: until(declared, &attributes).trim().to_owned(),
            name,
            rest: rest.trim_start_matches("FUNCTION").trim_start().to_owned(),
            squeezed,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"
CREATE  FUNCTION "same"("a" uuid /* Option < & '_ str > */) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'same';
CREATE  FUNCTION "gone"("a" uuid, "b" INT DEFAULT 1) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'gone';
CREATE  FUNCTION "other_result"() RETURNS uuid
STABLE
LANGUAGE c AS 'MODULE_PATHNAME', 'other_result';
CREATE  FUNCTION "other_volatility"() RETURNS TABLE ("a" uuid) LANGUAGE c AS 'MODULE_PATHNAME', 'v';
CREATE TYPE moved AS ENUM ('a');
"#;

    const NEW: &str = r#"
CREATE  FUNCTION "same"(
	"a" uuid /* Option < Uuid > */
) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'same';
CREATE  FUNCTION "other_result"() RETURNS text STABLE LANGUAGE c AS 'MODULE_PATHNAME', 'other_result';
CREATE  FUNCTION "other_volatility"() RETURNS TABLE ("a" uuid) STABLE LANGUAGE c AS 'MODULE_PATHNAME', 'v';
CREATE  FUNCTION "new"() RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'new';
"#;

    #[test]
    fn a_script_holds_what_differs_and_nothing_else() {
        let script = script("1", "2", OLD, NEW).expect("both are read");
        let (head, body) = script.text.split_once("\n\n").expect("has a head");
        assert!(
            head.contains("nobody may call: \"gone\", \"other_result\""),
            "{head}"
        );
        let begins: Vec<&str> = body
            .trim()
            .split("\n\n")
            .map(|statement| until(statement, &[" RETURNS", ";"]))
            .collect();
        assert_eq!(
            begins,
            [
                r#"DROP FUNCTION "gone"("a" uuid, "b" INT)"#,
                r#"DROP FUNCTION "other_result"()"#,
                r#"CREATE FUNCTION "other_result"()"#,
                r#"CREATE OR REPLACE FUNCTION "other_volatility"()"#,
                r#"CREATE FUNCTION "new"()"#,
            ]
        );
        assert_eq!(script.undecided, ["CREATE TYPE moved AS ENUM ('a');"]);
    }

    #[test]
    fn equal_versions_need_no_statement() {
        let script = script("1", "2", NEW, NEW).expect("both are read");
        assert!(
            script.text.trim_end().ends_with("\\quit"),
            "{}",
            script.text
        );
        assert_eq!(script.undecided, [""; 0]);
    }

    /// Bumped together: whoever installs a release gets one of them from each of these files.
    #[test]
    fn the_present_version_is_one_everywhere() -> Result<()> {
        let read = |file: &str| fs::read_to_string(workspace::root().join(file));
        let version = version(SQL)?;
        let control = read("pg_stream_ext/pg_stream_ext.control")?;
        assert!(control.contains(&format!("default_version = '{version}'")));
        let code = read("sql/edition/native/code.sql")?;
        assert!(code.contains(&format!("< string_to_array('{version}', '.')")));
        assert!(code.contains(&format!("update to '{version}';")));
        assert_eq!(
            full_versions(&workspace::root().join(DIRECTORY))?.last(),
            Some(&version)
        );
        Ok(())
    }
}
