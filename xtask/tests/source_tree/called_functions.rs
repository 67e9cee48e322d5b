//! Every function of the SQL edition is called: by what both editions share, or by a function of the edition that is called.

use std::collections::{BTreeMap, BTreeSet};

use xtask::edition::Edition;
use xtask::product_sql::{ProductSql, SqlFile};
use xtask::{extension_sql, workspace};

const SCHEMA: &str = "stream_ext.";

/// Functions of both editions that no SQL calls, each with the reason.
const CALLED_BY_TESTS: [(&str, &str); 1] = [(
    "flush",
    "tests write the frame of a stream by it, without the regular work",
)];

/// The names behind `stream_ext.` in a text, with what stands before each.
fn names(code: &str) -> impl Iterator<Item = (&str, &str)> {
    code.match_indices(SCHEMA).map(|(at, _)| {
        let name = &code[at + SCHEMA.len()..];
        let end =
            name.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        (code[..at].trim_end(), &name[..end.unwrap_or(name.len())])
    })
}

/// Whether a name is declared or described there, and not called.
fn is_declared(before: &str) -> bool {
    ["function", "procedure"]
        .iter()
        .any(|kind| before.ends_with(kind))
        && !before.ends_with("execute function")
}

fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// What the functions of the edition call; under no name, what is outside of all.
fn calls(files: &[&SqlFile]) -> BTreeMap<String, BTreeSet<String>> {
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let is_of_edition = file.path.starts_with(Edition::Sql.sources());
        let mut caller = String::new();
        for (before, name) in names(&without_comments(&file.text)) {
            let declares = is_of_edition && is_declared(before);
            if declares && !before.ends_with("on function") && !before.ends_with("on procedure") {
                name.clone_into(&mut caller);
                calls.entry(caller.clone()).or_default();
            } else if !declares {
                calls
                    .entry(caller.clone())
                    .or_default()
                    .insert(name.to_owned());
            }
        }
    }
    calls
}

fn uncalled(calls: &BTreeMap<String, BTreeSet<String>>, others: &[&str]) -> Vec<String> {
    let mut left: Vec<&str> = others.to_vec();
    left.extend(calls.get("").into_iter().flatten().map(String::as_str));
    let mut called = BTreeSet::from([""]);
    while let Some(name) = left.pop() {
        if called.insert(name) {
            left.extend(calls.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    let functions = calls.keys().filter(|name| !called.contains(name.as_str()));
    functions.cloned().collect()
}

#[test]
fn every_function_of_the_sql_edition_is_called() {
    let sql = ProductSql::of_edition(workspace::root(), Edition::Sql).expect("sql/ is read");
    let files: Vec<&SqlFile> = sql
        .hand_written()
        .chain(&sql.api)
        .chain(&sql.host_app)
        .collect();
    let calls = calls(&files);
    assert!(calls.len() > 300, "only {} functions", calls.len());
    let by_tests = CALLED_BY_TESTS.map(|(name, _)| name);
    let uncalled_by_sql = uncalled(&calls, &[]);
    assert_eq!(
        uncalled(&calls, &by_tests),
        Vec::<String>::new(),
        "nothing calls these"
    );
    let native =
        std::fs::read_to_string(workspace::root().join(extension_sql::SQL)).expect("it is there");
    for name in by_tests {
        assert!(
            uncalled_by_sql.iter().any(|one| one == name),
            "SQL calls {name}"
        );
        assert!(
            native.contains(&format!("FUNCTION \"{name}\"(")),
            "{name} is of SQL alone"
        );
    }
}

#[test]
fn a_function_that_only_an_uncalled_one_calls_is_uncalled() {
    let file = |path: &str, text: &str| SqlFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let edition = file(
        "sql/edition/sql/a.sql",
        "create function stream_ext.a() as $$ select stream_ext.b() $$;
         comment on function stream_ext.a() is 'a';
         create function stream_ext.b() as $$ select 1 $$; -- stream_ext.d()
         create function stream_ext.d() as $$ select stream_ext.e() $$;
         comment on function stream_ext.d() is 'd';
         create function stream_ext.e() as $$ select stream_ext.e() $$;
         create procedure stream_ext.f() as $$ call stream_ext.a() $$;",
    );
    let shared = file(
        "sql/private/a.sql",
        "create function stream_private.a() as $$ select stream_ext.a() $$;",
    );
    assert_eq!(uncalled(&calls(&[&edition, &shared]), &[]), ["d", "e", "f"]);
    let trigger = file(
        "sql/private/b.sql",
        "create trigger a before insert on b execute function stream_ext.d();",
    );
    assert_eq!(
        uncalled(&calls(&[&edition, &shared, &trigger]), &["f"]),
        Vec::<String>::new()
    );
}
