//! The files of `sql/`: short enough to read in one go, and in a folder that somebody applies.

use xtask::product_sql::ProductSql;
use xtask::workspace;

use crate::sources;

const LONGEST: usize = 300;

#[test]
fn hand_written_sql_stands_in_short_files() {
    let sql = ProductSql::read(workspace::root()).expect("sql/ is read");
    let files: Vec<_> = sql.hand_written().chain(&sql.host_app).collect();
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
    let sql = ProductSql::read(workspace::root()).expect("sql/ is read");
    let applied: Vec<&str> = sql
        .hand_written()
        .chain(&sql.api)
        .chain(&sql.host_app)
        .map(|file| file.path.as_str())
        .collect();
    let forgotten: Vec<String> = sources::with_extension(&["sql"])
        .into_iter()
        .map(|path| path.display().to_string())
        .filter(|path| path.starts_with("sql/") && !applied.contains(&path.as_str()))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
