//! A file that people write has at most 300 lines; the longer ones, nearly all of tests, are named and may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use crate::sources;

const MOST: usize = 300;

/// Written by programs.
const GENERATED: [&str; 6] = [
    "client/src/contract",
    "pg_stream_ext/sql",
    "sql/api",
    "sql/edition/sql/core_terms.sql",
    "supabase/migrations",
    "supabase/migrations_sql",
];

/// Longer files, with their lines. Whoever shortens one lowers its number here, or takes the line away.
const LONGER: &[(&str, usize)] = &[
    ("stream_core/src/agora/decode/tests.rs", 308),
    ("stream_core/src/webhook/tests.rs", 375),
    ("tests/attack/errors/quoting.rs", 374),
    ("tests/attack/session/search_path.rs", 309),
    ("tests/attack/waiting/batches.rs", 301),
    ("tests/it/auction/bid_deadlocks.rs", 316),
    ("tests/it/auction/triggers.rs", 305),
    ("tests/it/chat/deadlocks.rs", 318),
    ("tests/it/chat/interleavings.rs", 369),
    ("tests/it/chat/properties/senders.rs", 304),
    ("tests/it/config/values.rs", 329),
    ("tests/it/contract/request_ids.rs", 308),
    ("tests/it/moderation/properties/model.rs", 327),
    ("tests/it/stream/finding.rs", 333),
    ("tests/it/stream/host_liveness.rs", 390),
    ("tests/it/stream/properties/model.rs", 340),
    ("tests/it/stream/properties/product.rs", 344),
    ("tests/it/stream/start_and_takeover.rs", 305),
    ("tests/it/token/minting.rs", 304),
    ("tests/it/token/renewal.rs", 310),
    ("tests/it/viewer/viewer_count.rs", 338),
    ("tests/it/webhook/host_notices.rs", 301),
    ("xtask/tests/source_tree/circles/modules.rs", 407),
];

#[test]
fn files_are_short_and_the_longer_ones_only_shrink() {
    let longer: BTreeMap<&str, usize> = LONGER.iter().copied().collect();
    let is_generated = |path: &Path| GENERATED.iter().any(|folder| path.starts_with(folder));
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for path in sources::with_extension(&["rs", "sql", "mjs", "ts"]) {
        let lines = sources::read(&path).map_or(0, |text| text.lines().count());
        if lines > MOST && !is_generated(&path) {
            found.insert(path.display().to_string(), lines);
        }
    }
    let changed: Vec<String> = found
        .iter()
        .filter(|(path, lines)| longer.get(path.as_str()) != Some(lines))
        .map(|(path, lines)| match longer.get(path.as_str()) {
            Some(known) if lines > known => {
                format!("{path} has grown from {known} to {lines} lines: split it")
            }
            Some(known) => format!("{path} has {lines} lines: put that in the place of {known}"),
            None => format!("{path} has {lines} lines, of at most {MOST}: split it"),
        })
        .chain(
            longer
                .keys()
                .filter(|path| !found.contains_key(**path))
                .map(|path| format!("{path} has at most {MOST} lines: take it off the list")),
        )
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}
