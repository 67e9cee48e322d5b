//! The table and the plot of costs in docs/realtime.md are what `cargo x cost --write` writes.

use std::fs;

use xtask::{cost, workspace};

#[test]
fn table_and_plot_are_those_of_the_governor() {
    let root = workspace::root();
    for document in cost::documents(root).expect("a page with a place for the table") {
        let found = fs::read_to_string(root.join(document.path)).unwrap_or_default();
        assert!(
            found == document.text,
            "{} is out of date: run cargo x cost --write",
            document.path
        );
    }
}

#[test]
fn the_page_shows_the_plot() {
    let page = fs::read_to_string(workspace::root().join("docs/realtime.md")).expect("a page");
    assert!(page.contains("](realtime/messages.svg)"));
}
