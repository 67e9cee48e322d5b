//! Which file needs which other, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// For each file the files that it needs, each with the names that tie it.
#[derive(Debug, Default)]
pub struct Graph {
    needs: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Graph {
    /// A file never needs itself.
    pub fn add(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            let needs = self.needs.entry(from.to_owned()).or_default();
            needs
                .entry(to.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }

    pub fn needs(&self, from: &str, to: &str) -> bool {
        self.needs
            .get(from)
            .is_some_and(|needs| needs.contains_key(to))
    }

    pub fn arrows(&self) -> usize {
        self.needs.values().map(BTreeMap::len).sum()
    }

    /// Files that reach each other: each circle once, its files sorted.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .needs
            .keys()
            .map(|file| (file.as_str(), self.reach(file)))
            .collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reached {
            let circle: Vec<&str> = others
                .iter()
                .filter(|other| {
                    reached
                        .get(*other)
                        .is_some_and(|theirs| theirs.contains(file))
                })
                .copied()
                .collect();
            if !circle.is_empty() {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reach(&self, file: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![file];
        while let Some(file) = waiting.pop() {
            for next in self.needs.get(file).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(next.as_str()) {
                    waiting.push(next);
                }
            }
        }
        reached
    }

    /// The circles with what ties each, as a person mends them.
    pub fn describe_circles(&self) -> String {
        let mut text = String::new();
        for circle in self.circles() {
            writeln!(text, "{} files in a circle:", circle.len()).unwrap();
            for from in &circle {
                for (to, names) in &self.needs[*from] {
                    if circle.contains(&to.as_str()) {
                        let names: Vec<_> = names.iter().map(String::as_str).collect();
                        writeln!(text, "  {from} -> {to}: {}", names.join(", ")).unwrap();
                    }
                }
            }
        }
        text
    }
}

#[test]
fn circle_of_three_is_found_once_and_what_hangs_on_it_is_left_out() {
    let mut graph = Graph::default();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e")] {
        graph.add(from, to, "x");
    }
    graph.add("e", "e", "itself");
    assert_eq!(graph.circles(), [["a", "b", "c"]]);
    assert_eq!(graph.arrows(), 5);
}
