//! Rules of which a second copy would part from the first: each is written in its home alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xtask::workspace;

/// (what a copy would hold, the files that may)
const HOMES: [(&str, &[&str]); 14] = [
    ("r.until is null", &["sql/private/rules.sql"]),
    ("until <= now", &[]),
    ("coalesce(stream.hook_can_view(", &["sql/private/rules.sql"]),
    ("lease_floor", &[]),
    ("background_since, now()", &["sql/private/rules.sql"]),
    ("StreamState::parse", &["pg_stream_ext/src/stream/state.rs"]),
    ("== \"ended\"", &[]),
    (
        "page_size is",
        &["pg_stream_ext/src/limits.rs", "sql/private/rules.sql"],
    ),
    ("between 1 and 200 then", &[]),
    ("RateLimit::new(", &["pg_stream_ext/src/chat/settings.rs"]),
    ("Vec<&RawValue>", &["pg_stream_ext/src/batch.rs"]),
    (".div_ceil(1000)", &["pg_stream_ext/src/rate.rs"]),
    // When a lease ends: a join sets the first look of the sweep by it, which need not be exact.
    (
        "lease_s * interval",
        &[
            "sql/private/rules.sql",
            "pg_stream_ext/src/viewer/joining.rs",
            "sql/edition/sql/viewer.sql",
        ],
    ),
    // How long somebody has watched: in the view for reading, in one macro for writing.
    (
        "- v.joined_at) * 1000",
        &[
            "sql/private/rules.sql",
            "pg_stream_ext/src/stream/watch_time.rs",
        ],
    ),
];

fn sources(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, into)?;
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "sql")
        {
            into.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_rule_is_written_in_its_home_alone() -> Result<()> {
    let root = workspace::root();
    let mut files = Vec::new();
    for directory in ["sql", "pg_stream_ext/src"] {
        sources(&root.join(directory), &mut files)?;
    }
    for (rule, homes) in HOMES {
        let mut found = Vec::new();
        for file in &files {
            if fs::read_to_string(file)?.contains(rule) {
                found.push(file.strip_prefix(root)?.to_string_lossy().into_owned());
            }
        }
        found.sort();
        let mut homes: Vec<_> = homes.to_vec();
        homes.sort_unstable();
        assert_eq!(found, homes, "{rule}");
    }
    Ok(())
}
