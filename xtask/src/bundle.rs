//! How do the files in `sql/` become migrations?
//!
//! The host application's migration belongs to whoever adopts the product, who edits it: nothing
//! that runs on the way overwrites it. In this repository it is the template itself, and checked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{console, workspace};

const BUNDLE: &str = "supabase/migrations/20260102000000_stream.sql";
const HOST_APP: &str = "supabase/migrations/20260103000000_stream_host_app.sql";
const HOST_APP_SOURCE: &str = "host_app";

const HEADER: &str = "\
-- Generated from sql/*.sql by `cargo x sql bundle`; change those files, not this one.
";

/// Makes every migration what `sql/` says; says what it changed.
pub fn write() -> Result<()> {
    Sources::read(workspace::root())?.write()
}

/// For runs: writes the bundle, and the host application's migration only when it is not there.
pub fn write_before_run() -> Result<()> {
    Sources::read(workspace::root())?.write_before_run()
}

/// Fails when a migration is not what `sql/` says.
pub fn check() -> Result<()> {
    Sources::read(workspace::root())?.check()
}

struct Sources {
    root: PathBuf,
    /// Names and texts in the order of the names.
    files: Vec<(String, String)>,
    host_app: Option<(String, String)>,
}

impl Sources {
    fn read(root: &Path) -> Result<Self> {
        let directory = root.join("sql");
        let mut paths: Vec<PathBuf> = fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .collect();
        paths.sort();
        let mut sources = Self {
            root: root.to_owned(),
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

    fn write(&self) -> Result<()> {
        self.write_where_it_differs(BUNDLE, &self.bundle())?;
        match &self.host_app {
            Some((_, text)) => self.write_where_it_differs(HOST_APP, text),
            None => Ok(()),
        }
    }

    fn write_before_run(&self) -> Result<()> {
        self.write_where_it_differs(BUNDLE, &self.bundle())?;
        match &self.host_app {
            Some((_, text)) if !self.root.join(HOST_APP).exists() => {
                self.write_where_it_differs(HOST_APP, text)
            }
            Some((name, text)) if self.differs(HOST_APP, text)? => {
                console::step(format_args!(
                    "leaving {HOST_APP} as it is: not equal to sql/{name}"
                ));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<()> {
        if self.differs(BUNDLE, &self.bundle())? {
            bail!(
                "{BUNDLE} is not the bundle of sql/; run `cargo x sql bundle` and commit the result"
            );
        }
        if let Some((name, text)) = &self.host_app
            && self.differs(HOST_APP, text)?
        {
            bail!(
                "{HOST_APP} is not sql/{name}; change that file, run `cargo x sql bundle` and commit \
                 the result"
            );
        }
        Ok(())
    }

    fn write_where_it_differs(&self, file: &str, wanted: &str) -> Result<()> {
        if !self.differs(file, wanted)? {
            return Ok(());
        }
        console::step(format_args!("writing {file}"));
        fs::write(self.root.join(file), wanted).with_context(|| format!("cannot write {file}"))
    }

    fn differs(&self, file: &str, wanted: &str) -> Result<bool> {
        match fs::read_to_string(self.root.join(file)) {
            Ok(text) => Ok(text != wanted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error).with_context(|| format!("cannot read {file}")),
        }
    }

    fn bundle(&self) -> String {
        let mut bundle = String::from(HEADER);
        for (name, text) in &self.files {
            bundle.push_str(&format!("\n-- sql/{name}\n\n{}\n", text.trim_end()));
        }
        bundle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository of two files of `sql/` and the host application's template.
    struct Repository(PathBuf);

    impl Repository {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("bundle-{name}-{}", std::process::id()));
            for directory in ["sql", "supabase/migrations"] {
                fs::create_dir_all(root.join(directory)).expect("the directory is made");
            }
            let repository = Self(root);
            repository.put("sql/010_a.sql", "select 1;\n\n");
            repository.put("sql/020_b.sql", "select 2;");
            repository.put("sql/900_host_app.sql", "select 3;\n");
            repository
        }

        fn put(&self, file: &str, text: &str) {
            fs::write(self.0.join(file), text).expect("the file is written");
        }

        fn text(&self, file: &str) -> String {
            fs::read_to_string(self.0.join(file)).expect("the file is there")
        }

        fn sources(&self) -> Sources {
            Sources::read(&self.0).expect("sql/ is read")
        }
    }

    impl Drop for Repository {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn bundle_keeps_order_and_names_every_file() {
        let repository = Repository::new("order");
        repository.sources().write().expect("writes");
        let expected =
            format!("{HEADER}\n-- sql/010_a.sql\n\nselect 1;\n\n-- sql/020_b.sql\n\nselect 2;\n");
        assert_eq!(repository.text(BUNDLE), expected);
    }

    #[test]
    fn host_application_migration_becomes_its_template() {
        let repository = Repository::new("template");
        repository.put(HOST_APP, "select 'edited';");
        repository.sources().write().expect("writes");
        assert_eq!(repository.text(HOST_APP), "select 3;\n");
    }

    #[test]
    fn run_writes_migrations_that_are_not_there() {
        let repository = Repository::new("absent");
        repository.sources().write_before_run().expect("writes");
        repository.sources().check().expect("all are there");
    }

    #[test]
    fn run_keeps_an_edited_host_application_migration() {
        let repository = Repository::new("edited");
        repository.put(HOST_APP, "select 'edited';");
        repository.sources().write_before_run().expect("writes");
        assert_eq!(repository.text(HOST_APP), "select 'edited';");
    }

    #[test]
    fn check_refuses_a_migration_that_differs_from_its_source() {
        let repository = Repository::new("check");
        let sources = repository.sources();
        sources.write().expect("writes");
        sources.check().expect("all are equal");
        for file in [BUNDLE, HOST_APP] {
            let written = repository.text(file);
            repository.put(file, &format!("{written}select 4;\n"));
            let refusal = sources.check().expect_err("one differs").to_string();
            assert!(refusal.starts_with(file), "{refusal}");
            repository.put(file, &written);
        }
    }
}
