//! The committed SQL of the extension, compared with what the built library says of its functions.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{console, process, workspace};

pub const CONTROL: &str = "pg_stream_ext/pg_stream_ext.control";

/// The SQL that was generated, as committed; the same for every major version of Postgres.
pub const SQL: &str = "pg_stream_ext/sql/pg_stream_ext--0.1.0.sql";

/// The folder of the extension's SQL.
pub const DIRECTORY: &str = "pg_stream_ext/sql";

/// What says which SQL belongs to a library.
pub struct Generator {
    /// The built `extension_sql`.
    pub program: PathBuf,
    /// The built extension.
    pub library: PathBuf,
}

/// Writes what the library says.
pub fn write(generator: &Generator) -> Result<()> {
    console::step(format_args!("generating {SQL}"));
    let file = workspace::root().join(SQL);
    fs::create_dir_all(file.parent().expect("is in a directory"))?;
    fs::write(&file, generated(generator)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Every SQL file of the extension, as committed.
pub fn files() -> Result<Vec<PathBuf>> {
    let directory = workspace::root().join(DIRECTORY);
    let entries =
        fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// Fails when the committed SQL is not that of the built library: Postgres would pass other arguments than
/// the functions read, and crash.
pub fn check(generator: &Generator) -> Result<()> {
    let file = workspace::root().join(SQL);
    let committed =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let generated = generated(generator)?;
    if committed == generated {
        return Ok(());
    }
    bail!(
        "{SQL} is not the SQL of the built library ({}); run `cargo x ext sql` and commit the result",
        difference(&committed, &generated)
    )
}

fn generated(generator: &Generator) -> Result<String> {
    let text = process::output(
        Command::new(&generator.program)
            .arg(&generator.library)
            .arg(workspace::root().join(CONTROL)),
    )?;
    Ok(without_places(&text))
}

/// The first lines that are not the same.
fn difference(committed: &str, generated: &str) -> String {
    let (mut committed, mut generated) = (committed.lines(), generated.lines());
    loop {
        match (committed.next(), generated.next()) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                let line = |line: Option<&str>| line.unwrap_or("nothing more").trim().to_owned();
                return format!("it has `{}`, the library `{}`", line(one), line(other));
            }
        }
    }
}

/// The generator notes each item's file and line, which would change the file with every edit.
fn without_places(generated: &str) -> String {
    let mut text = String::new();
    let mut was_blank = true;
    for line in generated.lines() {
        let is_place = line.starts_with("-- ")
            || line.starts_with("/* <begin")
            || line.starts_with("/* </end");
        let is_blank = line.trim().is_empty();
        if is_place || (is_blank && was_blank) {
            continue;
        }
        was_blank = is_blank;
        text.push_str(line);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_sql_loses_its_line_numbers() {
        let generated = "/* <begin connected objects> */\n\n-- src/lib.rs:12\n\
                         create function a();\n/* </end connected objects> */\n\n\n\
                         create function b();\n\n";
        assert_eq!(
            without_places(generated),
            "create function a();\n\ncreate function b();\n"
        );
    }

    #[test]
    fn difference_names_the_first_lines_that_part() {
        assert_eq!(
            difference("a\n  id uuid\n", "a\n  id bigint\n"),
            "it has `id uuid`, the library `id bigint`"
        );
        assert_eq!(
            difference("a\n", "a\nb\n"),
            "it has `nothing more`, the library `b`"
        );
    }
}
