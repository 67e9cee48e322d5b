//! How do the files in `sql/` become migrations?

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{console, workspace};

const BUNDLE: &str = "supabase/migrations/20260102000000_stream.sql";
/// Belongs to whoever adopts the product: written once, never overwritten.
const HOST_APP: &str = "supabase/migrations/20260103000000_stream_host_app.sql";
const HOST_APP_SOURCE: &str = "host_app";

const HEADER: &str = "\
-- Generated from sql/*.sql by `cargo x sql bundle`; change those files, not this one.
";

/// Writes the migrations, the host application's only when it is not there; says what it changed.
pub fn write() -> Result<()> {
    let sources = Sources::read()?;
    if differs(BUNDLE, &sources.bundle())? {
        console::step(format_args!("writing {BUNDLE}"));
        fs::write(workspace::root().join(BUNDLE), sources.bundle())?;
    }
    if let Some((_, text)) = &sources.host_app
        && !workspace::root().join(HOST_APP).exists()
    {
        console::step(format_args!("writing {HOST_APP}"));
        fs::write(workspace::root().join(HOST_APP), text)?;
    }
    Ok(())
}

/// Fails when a migration is not what `sql/` says. In this repository that holds for the host
/// application's migration too: here it is the template that adopters start from.
pub fn check() -> Result<()> {
    let sources = Sources::read()?;
    if differs(BUNDLE, &sources.bundle())? {
        bail!("{BUNDLE} is not the bundle of sql/; run `cargo x sql bundle` and commit the result");
    }
    if let Some((name, text)) = &sources.host_app
        && differs(HOST_APP, text)?
    {
        bail!("{HOST_APP} and sql/{name} differ; make them equal");
    }
    Ok(())
}

struct Sources {
    /// Names and texts in the order of the names.
    files: Vec<(String, String)>,
    host_app: Option<(String, String)>,
}

impl Sources {
    fn read() -> Result<Self> {
        let directory = workspace::root().join("sql");
        let mut paths: Vec<PathBuf> = fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .collect();
        paths.sort();
        let mut sources = Self {
            files: Vec::new(),
            host_app: None,
        };
        for path in paths {
            let name = path
                .file_name()
                .expect("is a file")
                .to_string_lossy()
                .into_owned();
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read sql/{name}"))?;
            if name.contains(HOST_APP_SOURCE) {
                sources.host_app = Some((name, text));
            } else {
                sources.files.push((name, text));
            }
        }
        Ok(sources)
    }

    fn bundle(&self) -> String {
        let mut bundle = String::from(HEADER);
        for (name, text) in &self.files {
            bundle.push_str(&format!("\n-- sql/{name}\n\n{}\n", text.trim_end()));
        }
        bundle
    }
}

fn differs(file: &str, wanted: &str) -> Result<bool> {
    match fs::read_to_string(workspace::root().join(file)) {
        Ok(text) => Ok(text != wanted),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {file}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundle_keeps_order_and_names_every_file() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let sources = Sources {
            files: vec![
                file("010_a.sql", "select 1;\n\n"),
                file("020_b.sql", "select 2;"),
            ],
            host_app: Some(file("900_host_app.sql", "select 3;")),
        };
        let expected =
            format!("{HEADER}\n-- sql/010_a.sql\n\nselect 1;\n\n-- sql/020_b.sql\n\nselect 2;\n");
        assert_eq!(sources.bundle(), expected);
    }
}
