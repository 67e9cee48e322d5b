//! No file of a crate needs, directly or over others, a file that needs it.
//!
//! A file needs another when it names something that the other defines: in a `use`, a path or the
//! tokens of a macro. What is decided thereby:
//!
//! * A name belongs to the file that defines it, whichever re-export it is reached through. The
//!   modules that a path passes on its way are not needed.
//! * `mod child;` and a re-export of a descendant's item are declarations: a parent needs its child
//!   only where its own code names the child's item. So a child may use its parent's items as long as the
//!   parent calls none of the child's.
//! * What only tests compile is a layer of its own above its file: a test may play a file against
//!   those that need it.
//! * Methods called on a value name no file; types are not inferred.

mod modules;
mod names;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use xtask::{process, workspace};

use crate::graph::Graph;
use crate::sources;
use modules::Crate;

/// The part of cargo's metadata that is read: targets with the file at their top.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<CargoPackage>,
}

#[derive(Deserialize)]
struct CargoPackage {
    name: String,
    targets: Vec<CargoTarget>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
    src_path: PathBuf,
}

fn packages() -> Vec<CargoPackage> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let text = process::output(workspace::cargo().args(arguments)).unwrap();
    serde_json::from_str::<Metadata>(&text).unwrap().packages
}

fn graph_of(top: &Path) -> Graph {
    let top = top.strip_prefix(workspace::root()).unwrap();
    Crate::read(top, &|path| sources::read(path)).graph()
}

#[test]
fn no_crate_has_a_circle() {
    let mut wrong = String::new();
    let mut targets = 0;
    for package in packages() {
        for target in &package.targets {
            let graph = graph_of(&target.src_path);
            let found = graph.circles().len();
            println!(
                "{} {}: {} arrows, {found} circles",
                package.name,
                target.name,
                graph.arrows()
            );
            targets += 1;
            wrong += &graph.describe_circles();
        }
    }
    assert!(targets >= 10, "only {targets} targets were read");
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The graph of a crate of these files, the first at its top.
    fn graph(files: &[(&str, &str)]) -> Graph {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        Crate::read(Path::new(files[0].0), &read).graph()
    }

    const LIB: &str = "mod a; mod b;";

    #[test]
    fn use_on_both_sides_is_a_circle() {
        let graph = graph(&[
            ("lib.rs", LIB),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; fn f(_: &super::a::A) {}"),
        ]);
        assert_eq!(graph.circles(), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn import_of_a_module_ties_to_what_is_called_in_it() {
        let files = |body| {
            [
                ("lib.rs", LIB),
                ("a.rs", body),
                ("b.rs", "pub fn f() { crate::a::f() }"),
            ]
        };
        let calls = graph(&files("use crate::b; pub fn f() { b::f() }"));
        assert_eq!(calls.circles(), [["a.rs", "b.rs"]]);
        let in_a_macro = graph(&files(
            "use crate::b; pub fn f() { println!(\"{}\", b::f()) }",
        ));
        assert_eq!(in_a_macro.circles(), [["a.rs", "b.rs"]]);
        let external = graph(&files("use other::b; pub fn f() { b::f() }"));
        assert!(external.circles().is_empty());
    }

    #[test]
    fn name_belongs_to_the_file_that_defines_it() {
        let graph = graph(&[
            ("lib.rs", "pub mod a; pub mod b;"),
            ("a.rs", "mod c; mod d; pub use c::C; pub(crate) use d::*;"),
            (
                "a/c.rs",
                "pub struct C; pub fn f() { crate::b::in_b(); super::in_d() }",
            ),
            ("a/d.rs", "pub fn in_d() {}"),
            ("b.rs", "pub fn in_b() { crate::a::in_d() }"),
        ]);
        assert!(graph.circles().is_empty(), "{}", graph.describe_circles());
        assert!(graph.needs("b.rs", "a/d.rs"));
        assert!(graph.needs("a/c.rs", "a/d.rs"));
        assert!(!graph.needs("a/c.rs", "a.rs"));
    }

    #[test]
    fn child_may_use_its_parent_unless_the_parent_calls_it() {
        let files = |parent| {
            [
                ("lib.rs", parent),
                ("a.rs", "use super::P; pub fn f(_: P) {}"),
            ]
        };
        let declares = graph(&files("mod a; pub use a::f; pub struct P;"));
        assert!(declares.circles().is_empty());
        let calls = graph(&files("mod a; pub use a::f; pub struct P; fn g() { f(P) }"));
        assert_eq!(calls.circles(), [["a.rs", "lib.rs"]]);
        let imports = graph(&files("mod a; use a::f; pub struct P;"));
        assert_eq!(imports.circles(), [["a.rs", "lib.rs"]]);
    }

    #[test]
    fn glob_ties_to_what_is_named_through_it() {
        let graph = graph(&[
            ("lib.rs", LIB),
            ("a.rs", "use crate::b::*; pub fn f() { in_b() }"),
            ("b.rs", "pub fn in_b() { crate::a::f() } mod c;"),
            ("b/c.rs", "use super::*; fn g() { in_b() }"),
        ]);
        assert_eq!(graph.circles(), [["a.rs", "b.rs"]]);
        assert!(graph.needs("b/c.rs", "b.rs"));
    }

    #[test]
    fn tests_stand_above_their_file() {
        let graph = graph(&[
            ("lib.rs", LIB),
            (
                "a.rs",
                "pub fn f() {} #[cfg(test)] mod tests { use super::*; fn t() { crate::b::g(); f() } }",
            ),
            ("b.rs", "pub fn g() { crate::a::f() }"),
        ]);
        assert!(graph.circles().is_empty(), "{}", graph.describe_circles());
        assert!(graph.needs("a.rs (tests)", "b.rs"));
    }

    #[test]
    fn macro_ties_to_the_file_that_writes_it() {
        let graph = graph(&[
            ("lib.rs", "#[macro_use] mod a; mod b;"),
            (
                "a.rs",
                "#[macro_export] macro_rules! call { () => { $crate::b::g() } }",
            ),
            ("b.rs", "pub fn g() { crate::call!() }"),
        ]);
        assert_eq!(graph.circles(), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn what_a_macro_makes_ties_to_its_module() {
        let graph = graph(&[
            ("lib.rs", LIB),
            ("a.rs", "make! { Made } fn f() { super::b::g() }"),
            ("b.rs", "pub fn g() { crate::a::Made::new() }"),
        ]);
        assert_eq!(graph.circles(), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn function_with_the_name_of_a_module_is_not_what_the_module_holds() {
        let graph = graph(&[
            ("lib.rs", "mod a; mod b; pub fn a() { b::f() }"),
            ("a.rs", "pub struct A;"),
            ("b.rs", "use super::a::A; pub fn f() -> A { A }"),
        ]);
        assert!(graph.circles().is_empty(), "{}", graph.describe_circles());
        assert!(graph.needs("b.rs", "a.rs"));
    }

    #[test]
    fn inline_module_is_part_of_its_file() {
        let graph = graph(&[
            ("lib.rs", "mod a { pub mod b; pub fn f() { b::g() } }"),
            ("a/b.rs", "pub fn g() { super::f() }"),
        ]);
        assert_eq!(graph.circles(), [["a/b.rs", "lib.rs"]]);
    }
}
