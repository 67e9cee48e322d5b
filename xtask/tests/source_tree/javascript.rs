//! No scripts import each other in a circle.

use std::path::{Path, PathBuf};

use crate::graph::Graph;
use crate::sources;

const FOLDERS: [&str; 3] = ["client", "supabase/functions", "tests/js"];

/// The files that a script imports by a relative path, types among them.
fn imports(text: &str) -> Vec<&str> {
    let is_statement = |line: &&str| {
        let words = ["import ", "import{", "export {", "export *", "} from "];
        words.iter().any(|word| line.starts_with(word))
    };
    let mut found: Vec<&str> = text
        .lines()
        .filter(is_statement)
        .filter_map(first_literal)
        .collect();
    found.extend(text.split("import(").skip(1).filter_map(first_literal));
    found.retain(|path| path.starts_with('.'));
    found
}

fn first_literal(text: &str) -> Option<&str> {
    let start = text.find(['\'', '"'])?;
    let quote = &text[start..=start];
    text[start + 1..].split(quote).next()
}

fn graph(files: &[PathBuf], read: &dyn Fn(&Path) -> Option<String>) -> Graph {
    let mut graph = Graph::default();
    for file in files {
        let text = read(file).expect("was found");
        for import in imports(&text) {
            let to = normal(&file.parent().unwrap_or(Path::new("")).join(import));
            graph.add(
                &file.display().to_string(),
                &to.display().to_string(),
                import,
            );
        }
    }
    graph
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path {
        if part == ".." {
            normal.pop();
        } else if part != "." {
            normal.push(part);
        }
    }
    normal
}

#[test]
fn no_script_is_in_a_circle() {
    let mut files = sources::with_extension(&["mjs", "js", "ts", "tsx"]);
    files.retain(|file| FOLDERS.iter().any(|folder| file.starts_with(folder)));
    let graph = graph(&files, &|path| sources::read(path));
    assert!(graph.arrows() >= 20, "{graph:?}");
    assert!(graph.circles().is_empty(), "\n{}", graph.describe_circles());
}

#[test]
fn circle_of_scripts_is_found() {
    let files = ["a/one.mjs", "a/two.mjs", "three.mjs"].map(PathBuf::from);
    let texts = [
        "import {\n  x,\n} from './two.mjs'\n",
        "// of\nimport { readFile } from 'node:fs'\nimport '../three.mjs'\n",
        "export { y } from './a/one.mjs'\nconst z = await import('./a/two.mjs')\n",
    ];
    let read = |path: &Path| {
        let found = files.iter().position(|file| file == path);
        found.map(|index| texts[index].to_owned())
    };
    let graph = graph(&files, &read);
    assert_eq!(
        graph.circles(),
        [["a/one.mjs", "a/two.mjs", "three.mjs"]],
        "{graph:?}"
    );
}
