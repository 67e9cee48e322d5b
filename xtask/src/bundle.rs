//! The migrations as bundles of the files in `sql/`.
//!
//! The host application's migration belongs to whoever adopts the product, who edits it: nothing
//! that runs on the way overwrites it. In this repository it is the template itself, and checked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::product_sql::ProductSql;
use crate::{console, workspace};

const BUNDLE: &str = "supabase/migrations/20260102000000_stream.sql";
const HOST_APP: &str = "supabase/migrations/20260103000000_stream_host_app.sql";

const HEADER: &str = "\
-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.
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
    sql: ProductSql,
}

impl Sources {
    fn read(root: &Path) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            sql: ProductSql::read(root)?,
        })
    }

    fn write(&self) -> Result<()> {
        self.write_where_it_differs(BUNDLE, &self.bundle())?;
        match &self.sql.host_app {
            Some(file) => self.write_where_it_differs(HOST_APP, &file.text),
            None => Ok(()),
        }
    }

    fn write_before_run(&self) -> Result<()> {
        self.write_where_it_differs(BUNDLE, &self.bundle())?;
        match &self.sql.host_app {
            Some(file) if !self.root.join(HOST_APP).exists() => {
                self.write_where_it_differs(HOST_APP, &file.text)
            }
            Some(file) if self.differs(HOST_APP, &file.text)? => {
                console::step(format_args!(
                    "leaving {HOST_APP} as it is: not equal to {}",
                    file.path
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
        if let Some(file) = &self.sql.host_app
            && self.differs(HOST_APP, &file.text)?
        {
            bail!(
                "{HOST_APP} is not {}; change that file, run `cargo x sql bundle` and commit the result",
                file.path
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
        for file in self.sql.bundled() {
            bundle.push_str(&format!("\n-- {}\n\n{}\n", file.path, file.text.trim_end()));
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
            for directory in ["sql/schema", "sql/private", "supabase/migrations"] {
                fs::create_dir_all(root.join(directory)).expect("the directory is made");
            }
            let repository = Self(root);
            repository.put("sql/schema/010_a.sql", "select 1;\n\n");
            repository.put("sql/private/b.sql", "select 2;");
            repository.put("sql/host_app.sql", "select 3;\n");
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
        let expected = format!(
            "{HEADER}\n-- sql/schema/010_a.sql\n\nselect 1;\n\n-- sql/private/b.sql\n\nselect 2;\n"
        );
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
