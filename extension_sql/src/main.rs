//! Prints the SQL of the extension, from what pgrx has put into the built library.
//!
//! `extension_sql LIBRARY CONTROL` does what `cargo pgrx schema --skip-build` does, with the very crate that
//! pgrx's macros use. A program of its own, so that `cargo x` itself compiles nothing of pgrx.

mod elf;

use std::env::args_os;
use std::fs;
use std::io::stdout;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use pgrx_sql_entity_graph::section::{decode_entities, is_schema_section_name};
use pgrx_sql_entity_graph::{ControlFile, PgrxSql, SqlGraphEntity};

const NAME: &str = "pg_stream_ext";

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let [library, control] = &arguments[..] else {
        bail!("the arguments are the library and the control file");
    };
    let library_bytes =
        fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    let section = elf::section(&library_bytes, is_schema_section_name)
        .with_context(|| format!("{} holds nothing of pgrx", library.display()))?;
    // pgrx's errors are of another crate.
    let own = |error: String| anyhow!(error);
    let control = ControlFile::from_path_with_cargo_version(control, env!("CARGO_PKG_VERSION"))
        .map_err(|error| own(format!("{error:#}")))?;
    let entities = decode_entities(section).map_err(|error| own(format!("{error:#}")))?;
    let root = SqlGraphEntity::ExtensionRoot(control);
    PgrxSql::build([root].into_iter().chain(entities), NAME.to_owned(), false)
        .and_then(|sql| sql.write(&mut stdout()))
        .map_err(|error| own(format!("{error:#}")))
}
