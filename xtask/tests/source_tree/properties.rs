//! Property tests: each property of the design is tested, at the edge too where it concerns it, and random cases follow the seed.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources;

/// What stands before a property's number in the comment of its test, or in its name.
const TAG: &str = "streaming-realtime-fixes, Property ";

const PROPERTIES: usize = 14;

/// Those that concern the edge.
const OF_EDGE: [usize; 4] = [3, 8, 11, 12];

/// Where the edge is tested.
const AT_EDGE: [&str; 5] = [
    "edge_api/",
    "tests/attack/edge/",
    "tests/benches/edge/",
    "tests/e2e/edge/",
    "tests/e2e/realtime/canary.rs",
];

/// The files that name each property.
fn tagged() -> BTreeMap<usize, BTreeSet<String>> {
    let mut tagged = BTreeMap::<_, BTreeSet<_>>::new();
    for path in sources::with_extension(&["rs", "ts"]) {
        let text = sources::read(&path).expect("a text");
        for rest in text.split(TAG).skip(1) {
            let number = rest.split(|letter: char| !letter.is_ascii_digit()).next();
            if let Some(Ok(number)) = number.map(str::parse) {
                let files = tagged.entry(number).or_default();
                files.insert(path.display().to_string());
            }
        }
    }
    tagged
}

#[test]
fn every_property_has_a_test_and_no_other_is_named() {
    let tagged = tagged();
    let named: Vec<_> = tagged.keys().copied().collect();
    assert_eq!(named, (1..=PROPERTIES).collect::<Vec<_>>());
    for property in OF_EDGE {
        let is_at_edge = |file: &&String| AT_EDGE.iter().any(|place| file.starts_with(place));
        let at_edge: Vec<_> = tagged[&property].iter().filter(is_at_edge).collect();
        assert!(!at_edge.is_empty(), "{property}: {:?}", tagged[&property]);
    }
}

/// `config` is that of the crate `property_seed`, which prints the seed and takes it from PROPERTY_SEED.
#[test]
fn random_cases_follow_the_seed() {
    let mut blocks = 0;
    for path in sources::with_extension(&["rs"]) {
        let text = sources::read(&path).expect("a text");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim_start() != "proptest! {" {
                continue;
            }
            let first = lines.next().unwrap_or_default().trim_start();
            let path = path.display();
            assert!(
                first.starts_with("#![proptest_config(config("),
                "{path}: {first}"
            );
            assert!(text.contains("use property_seed::config;"), "{path}");
            blocks += 1;
        }
    }
    assert!(blocks > 10, "{blocks} blocks");
}
