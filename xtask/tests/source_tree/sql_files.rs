//! The files of `sql/`: short enough to read in one go, and in a folder that somebody applies.

use xtask::edition::Edition;
use xtask::product_sql::{ProductSql, SqlFile};
use xtask::workspace;

use crate::sources;

const LONGEST: usize = 300;

/// What `cargo x generate` writes for an edition.
const GENERATED: &str = "sql/edition/sql/core_";

/// The files of all editions, each once.
fn files() -> Vec<SqlFile> {
    let mut files: Vec<SqlFile> = Vec::new();
    for edition in Edition::ALL {
        let sql = ProductSql::of_edition(workspace::root(), edition).expect("sql/ is read");
        files.extend(
            sql.hand_written()
                .chain(&sql.host_app)
                .chain(&sql.api)
                .cloned(),
        );
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup();
    files
}

#[test]
fn hand_written_sql_stands_in_short_files() {
    let mut files = files();
    files.retain(|file| !file.path.starts_with("sql/api/") && !file.path.starts_with(GENERATED));
    assert!(files.len() > 40, "only {} files", files.len());
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(file, lines)| format!("{} has {lines} lines", file.path))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

/// A file beside the folders that are applied would be written and never run.
#[test]
fn every_file_of_sql_is_applied() {
    let files = files();
    let applied: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let forgotten: Vec<String> = sources::with_extension(&["sql"])
        .into_iter()
        .map(|path| path.display().to_string())
        .filter(|path| path.starts_with("sql/") && !applied.contains(&path.as_str()))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
