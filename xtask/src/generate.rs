//! Everything that is generated from the hand-written SQL: `sql/api/`, `contract/`, `docs/api.md`, the client's types and the Edge
//! Function's catalogue.
//!
//! An operation is written once, as a function of `stream_private` with an annotated comment
//! (CONTRIBUTING.md explains it). The hand-written SQL is applied to an empty database, and the rest is
//! written from its catalogue.

mod agora_webhook;
mod annotations;
mod catalogue;
mod core_sql;
mod declaration;
mod documentation;
mod edge_calls;
mod edition_text;
mod errors_json;
mod events;
mod files;
mod grants;
mod json;
mod natives;
mod operation;
mod operations_json;
mod released;
mod repeats;
mod roles;
mod types_json;
mod typescript;
mod values;
mod version;
mod wrappers;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cluster::{Address, Cluster, Options};
use crate::console;
use crate::database;
use crate::database::OWNER;
use crate::product_sql::{ProductSql, SqlFile};
pub use files::Files;

use catalogue::Catalogue;
use operation::Operation;
use version::Versions;

const DATABASE: &str = "generate";

const ROUTES: &str = "contract/routes.json";

/// The use of the generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Write,
    /// Fails where a file is not what it should be, or breaks clients of the released contract.
    Check,
    /// Writes, and makes this the released contract.
    Release,
}

/// Generates everything of a checkout, on a cluster of its own; the extension must be installed.
pub fn run(root: &Path, mode: Mode) -> Result<()> {
    console::step("making a cluster for the hand-written SQL");
    let cluster = Cluster::start(Options::temporary("generate")?)?;
    cluster.address().create_empty_database(DATABASE)?;
    database::bootstrap(cluster.address(), DATABASE)?;
    let files = files(root, cluster.address(), DATABASE);
    cluster.stop();
    let files = files?;
    apply(root, &files, mode)?;
    let contract = released::of_files(&files)?;
    let file = root.join(released::FILE);
    // Only the first release has nothing to be compared with.
    if mode != Mode::Release || file.is_file() {
        let text = fs::read_to_string(&file).with_context(|| {
            format!(
                "cannot read {}; `cargo x generate --release` writes it",
                released::FILE
            )
        })?;
        released::check(&serde_json::from_str(&text)?, &contract)?;
    }
    if mode == Mode::Release {
        console::step(format_args!("writing {}", released::FILE));
        fs::write(&file, json::pretty(&contract)?)?;
    }
    Ok(())
}

/// The files that are generated from the hand-written SQL of a checkout. The database has Supabase's schemas and roles and
/// nothing of the product.
pub fn files(root: &Path, address: &Address, database: &str) -> Result<Files> {
    let sql = ProductSql::read(root)?;
    for file in sql.hand_written() {
        apply_sql(address, database, file)?;
    }
    let catalogue = Catalogue::read(address, database)?;
    let versions = Versions::read(address, database)?;
    let files = generate(root, &catalogue, versions)?;
    // What was generated must be applicable.
    let generated = files
        .iter()
        .filter(|(path, _)| path.starts_with("sql/api/"));
    for (path, text) in generated {
        let file = SqlFile {
            path: (*path).to_owned(),
            text: text.clone(),
        };
        apply_sql(address, database, &file)?;
    }
    Ok(files)
}

fn generate(root: &Path, catalogue: &Catalogue, versions: Versions) -> Result<Files> {
    let operations = Operation::all(catalogue)?;
    let types = types_json::Types::of(catalogue)?;
    let mut files = Files::from([
        (core_sql::PATH, core_sql::write()),
        (edition_text::CONTENT_PATH, edition_text::content()),
        (edition_text::TERMS_PATH, edition_text::terms()),
        (
            "sql/api/010_natives.sql",
            natives::write(catalogue, &operations)?,
        ),
        ("sql/api/015_repeats.sql", repeats::write(&operations)),
        ("sql/api/020_wrappers.sql", wrappers::write(&operations)),
        (
            "sql/api/030_grants.sql",
            grants::write(catalogue, &operations),
        ),
        (
            "sql/api/040_edge_calls.sql",
            edge_calls::write(versions.contract, &operations),
        ),
        (
            "contract/operations.json",
            operations_json::write(versions, &operations, &types)?,
        ),
        ("contract/types.json", types.write()?),
        ("contract/events.json", events::write(catalogue)?),
        ("contract/errors.json", errors_json::write()?),
        (agora_webhook::ERRORS_PATH, agora_webhook::errors()?),
        ("contract/roles.md", roles::write(&operations)),
        ("docs/api.md", documentation::write(catalogue, &operations)?),
    ]);
    files.extend(of_client(root, &files)?);
    Ok(files)
}

/// The client's part of the generated files. Routes are the edge's, whose tests write them.
fn of_client(root: &Path, files: &Files) -> Result<Vec<(&'static str, String)>> {
    let routes = fs::read_to_string(root.join(ROUTES))
        .with_context(|| format!("cannot read {ROUTES}, which the tests of edge_api write"))?;
    typescript::write(&typescript::Contract {
        operations: &files["contract/operations.json"],
        types: &files["contract/types.json"],
        events: &files["contract/events.json"],
        errors: &files["contract/errors.json"],
        routes: &routes,
    })
}

fn apply_sql(address: &Address, database: &str, file: &SqlFile) -> Result<()> {
    let statements = format!("begin;\n{}\ncommit;\n", file.text);
    address
        .psql(OWNER, database)
        .run(&statements)
        .with_context(|| format!("cannot apply {}", file.path))?;
    Ok(())
}

fn apply(root: &Path, files: &Files, mode: Mode) -> Result<()> {
    let mut different = Vec::new();
    for (path, text) in files {
        let file = root.join(path);
        if fs::read_to_string(&file).is_ok_and(|present| present == *text) {
            continue;
        }
        if mode == Mode::Check {
            different.push(*path);
            continue;
        }
        console::step(format_args!("writing {path}"));
        fs::create_dir_all(file.parent().expect("is in a directory"))?;
        fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
    }
    let strange = strangers(root, files)?;
    if !strange.is_empty() {
        bail!(
            "not generated from the hand-written SQL: {}; everything in sql/api is, so take it away",
            strange.join(", ")
        );
    }
    if different.is_empty() {
        return Ok(());
    }
    bail!(
        "not what the hand-written SQL says: {}; run `cargo x generate` and commit the result",
        different.join(", ")
    )
}

/// Files of `sql/api` that nothing generates: they would be bundled too.
fn strangers(root: &Path, files: &Files) -> Result<Vec<String>> {
    let mut strange = Vec::new();
    for entry in fs::read_dir(root.join("sql/api")).context("cannot read sql/api")? {
        let name = entry.context("cannot read sql/api")?.file_name();
        let path = format!("sql/api/{}", name.to_string_lossy());
        if !files.contains_key(path.as_str()) {
            strange.push(path);
        }
    }
    strange.sort();
    Ok(strange)
}
