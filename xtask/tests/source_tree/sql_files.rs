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
                .chain(&sql.edition_move)
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

/// The argument of a call, from behind its opening parenthesis.
fn argument(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// What a line of SQL leaves to the collation of the database: case and classes of letters. `lower` and `upper` are those of
/// ranges too, which stand in `$1` or in columns of these names.
fn left_to_collation(line: &str) -> Option<&'static str> {
    let is_named = line.contains("collate \"C\"");
    for of_case in ["lower(", "upper("] {
        let judged = line.match_indices(of_case).all(|(at, _)| {
            let argument = argument(&line[at + of_case.len()..]);
            let is_range = argument == "$1"
                || [".range", ".seqs"]
                    .iter()
                    .any(|end| argument.ends_with(end));
            is_range || argument.contains("collate \"C\"")
        });
        if !judged {
            return Some(of_case);
        }
    }
    if line.contains("~*") && !is_named {
        return Some("~*");
    }
    [" ilike ", "initcap(", "[[:", "\\w", "\\s", "\\d"]
        .into_iter()
        .find(|of_classes| line.contains(of_classes))
}

/// Databases of hosted projects have collations of ICU or of libc, and a rule must not decide otherwise in one of them.
#[test]
fn no_rule_of_the_sql_edition_depends_on_a_collation() {
    let sql = ProductSql::of_edition(workspace::root(), Edition::Sql).expect("sql/ is read");
    let files: Vec<&SqlFile> = sql
        .hand_written()
        .filter(|file| file.path.starts_with(Edition::Sql.sources()))
        .collect();
    assert!(files.len() > 40, "only {} files", files.len());
    let left: Vec<String> = files
        .iter()
        .flat_map(|file| file.text.lines().map(move |line| (file, line)))
        .filter(|(_, line)| !line.trim_start().starts_with("--"))
        .filter_map(|(file, line)| {
            left_to_collation(line).map(|what| format!("{}: {what} in {}", file.path, line.trim()))
        })
        .collect();
    assert!(left.is_empty(), "{left:#?}");
    for line in [
        "lower(substr(escape, 3))",
        "a ~* b",
        "regexp_replace(a, '[[:space:]]', '')",
        "where a ilike b",
    ] {
        assert!(left_to_collation(line).is_some(), "{line}");
    }
}
