//! Every path, link and heading that a document names exists.
//!
//! A path is what stands behind a link, and a word that ends like a source file or begins with a folder of the
//! repository's top. It may leave out the folders before it (`keyed.rs`); `*` and `<name>` stand for any part of a name.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::sources;

/// The endings of the files that documents name.
const ENDINGS: [&str; 9] = [
    ".rs", ".sql", ".md", ".mjs", ".js", ".ts", ".json", ".toml", ".control",
];

/// Files that a document tells its reader to make.
const TO_BE_MADE: [(&str, &str); 6] = [
    ("CONTRIBUTING.md", "<version>_stream_schema_<what>.sql"),
    ("docs/supabase.md", "supabase/.env"),
    ("docs/supabase.md", "supabase/config.toml"),
    ("docs/supabase.md", "supabase/functions/.env"),
    ("docs/upgrading.md", "*_stream_schema_<what>.sql"),
    ("docs/upgrading.md", "pg_stream_ext--<from>--<to>.sql"),
];

/// The repository's files and folders, as a document may name them.
struct Tree {
    paths: BTreeSet<String>,
    tops: BTreeSet<String>,
}

impl Tree {
    fn new(files: &[PathBuf]) -> Self {
        let mut paths = BTreeSet::new();
        for file in files {
            let parents = file.ancestors().filter(|path| *path != Path::new(""));
            paths.extend(parents.map(|path| path.display().to_string()));
        }
        let tops = paths
            .iter()
            .filter_map(|path| path.split_once('/'))
            .map(|(top, _)| top.to_owned())
            .collect();
        Self { paths, tops }
    }

    fn has(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        self.paths.iter().any(|path| {
            let tail = |at: usize| &path[at..];
            let starts = path.match_indices('/').map(|(at, _)| at + 1);
            std::iter::once(0)
                .chain(starts)
                .any(|at| is_like(tail(at), name))
        })
    }

    /// Whether a word of a document names something of the repository.
    fn is_named(&self, word: &str) -> bool {
        let begins_at_top = word
            .split_once('/')
            .is_some_and(|(top, _)| self.tops.contains(top));
        let is_file = ENDINGS.iter().any(|ending| {
            word.strip_suffix(ending)
                .is_some_and(|name| !name.is_empty())
        });
        let is_elsewhere = ["/", ".", "~"].iter().any(|sign| word.starts_with(sign));
        begins_at_top || (is_file && !is_elsewhere && !word.contains("://"))
    }
}

/// Whether a path is what a name with `*` or `<name>` in it stands for; neither spans a `/`.
fn is_like(path: &str, name: &str) -> bool {
    let mut path_parts = path.split('/');
    let mut name_parts = name.split('/');
    loop {
        match (path_parts.next(), name_parts.next()) {
            (None, None) => return true,
            (Some(part), Some(pattern)) if is_part_like(part, pattern) => {}
            _ => return false,
        }
    }
}

fn is_part_like(part: &str, pattern: &str) -> bool {
    let Some(at) = pattern.find(['*', '<']) else {
        return part == pattern;
    };
    let Some(rest) = part.strip_prefix(&pattern[..at]) else {
        return false;
    };
    let after = match pattern[at..].find('>') {
        Some(end) if pattern[at..].starts_with('<') => &pattern[at + end + 1..],
        _ => &pattern[at + 1..],
    };
    rest.char_indices()
        .map(|(start, _)| start)
        .chain([rest.len()])
        .any(|start| is_part_like(&rest[start..], after))
}

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The targets of links.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect()
}

/// The words that could be paths.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || "`()[]|,;\"'".contains(letter))
        .map(|word| word.trim_end_matches(['.', ':']))
}

/// The name by which a link reaches a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().chars();
    letters
        .filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter))
        .map(|letter| {
            if letter == ' ' {
                '-'
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The names in one document that lead nowhere.
fn dead_names(document: &Path, tree: &Tree, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let text = prose(&read(document).expect("was found"));
    let mut dead = Vec::new();
    for link in links(&text)
        .into_iter()
        .filter(|link| !link.contains("://"))
    {
        let (path, heading) = link.split_once('#').unwrap_or((link, ""));
        let folder = document.parent().unwrap_or(Path::new(""));
        let target = match path {
            "" => document.to_owned(),
            path => normal(&folder.join(path)),
        };
        let is_there = tree.paths.contains(&target.display().to_string());
        let has_heading = heading.is_empty()
            || read(&target).is_some_and(|text| {
                let text = prose(&text);
                let headings = text.lines().filter(|line| line.starts_with('#'));
                headings.map(anchor).any(|found| found == heading)
            });
        let is_to_be_made = TO_BE_MADE.contains(&(document.to_str().unwrap_or_default(), link));
        if !(is_there && has_heading || is_to_be_made) {
            dead.push(link.to_owned());
        }
    }
    let name = document.display().to_string();
    for word in words(&text).filter(|word| tree.is_named(word)) {
        // A heading, or an item of a source file.
        let word = word.split('#').next().unwrap_or_default();
        let word = word.split("::").next().unwrap_or_default();
        if !tree.has(word) && !TO_BE_MADE.contains(&(name.as_str(), word)) && !is_link(&text, word)
        {
            dead.push(word.to_owned());
        }
    }
    dead
}

/// Links start at their document; they have been looked up there.
fn is_link(text: &str, word: &str) -> bool {
    text.contains(&format!("]({word}"))
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[test]
fn every_path_in_a_document_exists() {
    let tree = Tree::new(&sources::all());
    let documents = sources::with_extension(&["md"]);
    let mut dead = String::new();
    for document in &documents {
        for name in dead_names(document, &tree, &|path| sources::read(path)) {
            dead += &format!("{}: {name}\n", document.display());
        }
    }
    assert!(documents.len() > 15, "{documents:?}");
    assert!(dead.is_empty(), "\n{dead}");
}

#[test]
fn dead_paths_links_and_headings_are_found() {
    let files = [
        "docs/a.md",
        "docs/b.md",
        "sql/api/010_x.sql",
        "core/src/log/keyed.rs",
    ];
    let tree = Tree::new(&files.map(PathBuf::from));
    let dead = |text: &str| {
        let read = |path: &Path| match path.to_str() {
            Some("docs/a.md") => Some(text.to_owned()),
            Some("docs/b.md") => Some("# One two, three\n```\n# no heading\n```\n".to_owned()),
            _ => None,
        };
        dead_names(Path::new("docs/a.md"), &tree, &read)
    };
    for text in [
        "[b](b.md#one-two-three), [itself](#here)\n# Here\n",
        "`keyed.rs`, `log/keyed.rs` and `sql/`, sql/api/*_x.sql. `sql/api/<number>.sql`: `select 1/2`",
        "```\n`sql/gone.sql`\n```\nhttps://example.org/gone.md and `/v1/streams/{id}` and/or",
    ] {
        assert_eq!(dead(text), Vec::<String>::new(), "{text}");
    }
    for (text, name) in [
        ("[b](gone.md)", "gone.md"),
        ("[b](b.md#no-heading)", "b.md#no-heading"),
        ("see `keyd.rs`.", "keyd.rs"),
        ("in sql/gone", "sql/gone"),
        ("`sql/*_y.sql`", "sql/*_y.sql"),
    ] {
        assert_eq!(dead(text).first().map(String::as_str), Some(name), "{text}");
    }
}
