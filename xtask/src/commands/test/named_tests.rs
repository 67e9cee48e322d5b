//! Lists of tests by parts of their paths, each with its reason, checked for names that no test has any more.

#[cfg(test)]
use std::fs;

#[cfg(test)]
use xtask::workspace;

/// Parts of the paths of tests, each with the reason why it is named.
pub type NamedTests = [(&'static str, &'static str)];

/// Arguments of the test binaries that leave them out.
pub fn skip(named: &NamedTests) -> Vec<&'static str> {
    named
        .iter()
        .flat_map(|(path, _)| ["--skip", *path])
        .collect()
}

/// Whether a test, or a file of tests, has this path in one of the targets.
#[cfg(test)]
fn is_there(path: &str) -> bool {
    let (file, test) = match path.strip_suffix("::") {
        Some(file) => (file, None),
        None => path
            .rsplit_once("::")
            .map_or((path, None), |(file, test)| (file, Some(test))),
    };
    ["it", "attack", "e2e"].iter().any(|target| {
        let file = workspace::root().join(format!("tests/{target}/{}.rs", file.replace("::", "/")));
        // Some are named in a macro alone.
        let is_named = |text: &str, test: &str| {
            text.split(|character: char| !character.is_alphanumeric() && character != '_')
                .any(|word| word == test)
        };
        fs::read_to_string(file).is_ok_and(|text| test.is_none_or(|test| is_named(&text, test)))
    })
}

#[cfg(test)]
pub fn expect_all_there(named: &NamedTests) {
    for (path, reason) in named {
        assert!(is_there(path), "no test is {path}");
        assert!(reason.len() > 20, "{path} has no reason");
    }
}
