//! The migrations, written from the files in `sql/`: one of tables and types, which no release changes once it is handed out, and one
//! of code, which every release applies again.
//!
//! Each edition has its own of both, which differ in schema `stream_ext` alone.
//!
//! The host application's migration belongs to whoever adopts the product, who edits it: nothing
//! that runs on the way overwrites it. In this repository it is the template itself, and checked.

mod made;
mod moving;
mod released;
mod repeatable;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::edition::Edition;
use crate::product_sql::{ProductSql, SqlFile};
use crate::{console, extension_sql, process, workspace};
use released::Released;

/// Tables and types of the first release; later ones have files of their own, written by hand.
const SCHEMA: &str = "20260102000000_stream_schema.sql";
const CODE: &str = "20260102000001_stream_code.sql";
const HOST_APP: &str = "supabase/migrations/20260103000000_stream_host_app.sql";
/// What the names of both kinds hold behind their version.
const SCHEMA_NAME: &str = "_stream_schema";
const CODE_NAME: &str = "_stream_code.sql";

const HEADER: &str = "\
-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.
";

/// Makes every migration what `sql/` says; says what it changed.
pub fn write() -> Result<()> {
    each(Sources::write)
}

/// For runs: writes the generated migrations, and the host application's only when it is not there.
pub fn write_before_run() -> Result<()> {
    each(Sources::write_before_run)
}

/// Fails when a migration is not what `sql/` says, or a released file is not as it was handed out.
pub fn check() -> Result<()> {
    each(Sources::check)
}

/// Makes the present migrations and the extension's SQL files that no later release changes.
pub fn release() -> Result<()> {
    for edition in Edition::ALL {
        Sources::read(workspace::root(), edition)?.release()?;
    }
    Ok(())
}

fn each(act: impl Fn(&Sources) -> Result<()>) -> Result<()> {
    for edition in Edition::ALL {
        act(&Sources::read(workspace::root(), edition)?)?;
    }
    Ok(())
}

/// What a schema migration is put between: names without a schema are Postgres's own, whatever stands in schema public.
const SCHEMA_BEGIN: &str = "
select pg_catalog.set_config('pg_stream.path_before', pg_catalog.current_setting('search_path'), false);
set search_path = pg_catalog, pg_temp;
";
const SCHEMA_END: &str = "
select pg_catalog.set_config('search_path', pg_catalog.current_setting('pg_stream.path_before'), false);
";

/// The migration that makes tables and types in a database without the product.
pub fn schema(sql: &ProductSql) -> String {
    let mut bundle = format!("{HEADER}{SCHEMA_BEGIN}");
    for file in &sql.schema {
        bundle.push_str(&format!("\n-- {}\n\n{}\n", file.path, file.text.trim_end()));
    }
    bundle.push_str(SCHEMA_END);
    bundle
}

/// The migration that can be applied to every database that has the tables and types.
pub fn code(sql: &ProductSql) -> Result<String> {
    let text = repeatable::write(sql.bodies.iter().chain(&sql.api))?;
    Ok(format!("{HEADER}\n{text}"))
}

struct Sources {
    root: PathBuf,
    edition: Edition,
    sql: ProductSql,
    released: Released,
}

impl Sources {
    fn read(root: &Path, edition: Edition) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            edition,
            sql: ProductSql::of_edition(root, edition)?,
            released: Released::read(root)?,
        })
    }

    /// A migration of this edition.
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.edition.migrations())
    }

    /// The template of the host application's migration, which all editions share.
    fn host_app(&self) -> Option<&SqlFile> {
        match self.edition {
            Edition::Native => self.sql.host_app.as_ref(),
            Edition::Sql => None,
        }
    }

    fn write(&self) -> Result<()> {
        self.write_generated()?;
        self.write_move()?;
        match self.host_app() {
            Some(file) => self.write_where_it_differs(HOST_APP, &file.text),
            None => Ok(()),
        }
    }

    fn write_before_run(&self) -> Result<()> {
        self.write_generated()?;
        self.write_move()?;
        match self.host_app() {
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

    fn write_generated(&self) -> Result<()> {
        self.released.check(&self.root)?;
        let schema_path = self.path(SCHEMA);
        if !self.released.contains(&schema_path) {
            self.write_where_it_differs(&schema_path, &schema(&self.sql))?;
        }
        let code = code(&self.sql)?;
        let present = self.newest(CODE_NAME)?;
        if let Some(present) = &present
            && !self.is_to_be_renamed(present, &code)?
        {
            return self.write_where_it_differs(present, &code);
        }
        let new = match &present {
            None => self.path(CODE),
            Some(_) => self.new_code_path()?,
        };
        self.write_where_it_differs(&new, &code)?;
        match present {
            Some(old) if !self.released.contains(&old) => fs::remove_file(self.root.join(&old))
                .with_context(|| format!("cannot remove {old}")),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<()> {
        self.released.check(&self.root)?;
        let schema_path = self.path(SCHEMA);
        if !self.released.contains(&schema_path)
            && self.differs(&schema_path, &schema(&self.sql))?
        {
            bail!(
                "{schema_path} is not the bundle of sql/; run `cargo x sql bundle` and commit the result"
            );
        }
        let code = code(&self.sql)?;
        let present = self.newest(CODE_NAME)?.unwrap_or_else(|| self.path(CODE));
        if self.differs(&present, &code)? || self.is_to_be_renamed(&present, &code)? {
            bail!(
                "{present} is not the code of sql/ behind the newest schema; run `cargo x sql bundle` and commit the result"
            );
        }
        self.check_move()?;
        if let Some(file) = self.host_app()
            && self.differs(HOST_APP, &file.text)?
        {
            bail!(
                "{HOST_APP} is not {}; change that file, run `cargo x sql bundle` and commit the result",
                file.path
            );
        }
        Ok(())
    }

    fn release(mut self) -> Result<()> {
        self.check()?;
        let mut files = self.files(self.edition.migrations(), |name| {
            name.contains(SCHEMA_NAME) || name.ends_with(CODE_NAME)
        })?;
        files.extend(self.files(extension_sql::DIRECTORY, |name| name.ends_with(".sql"))?);
        console::step(format_args!("writing {}", released::FILE));
        self.released.add(&self.root, files)
    }

    /// Whether the code needs another version: databases have applied this one, or a schema has come behind it.
    fn is_to_be_renamed(&self, present: &str, code: &str) -> Result<bool> {
        if self.released.contains(present) {
            return self.differs(present, code);
        }
        let schema = self.newest(SCHEMA_NAME)?;
        Ok(schema.is_some_and(|schema| schema.as_str() > present))
    }

    /// A version of now: the command line of Supabase applies a migration once, by its version.
    fn new_code_path(&self) -> Result<String> {
        let now = process::output(Command::new("date").args(["-u", "+%Y%m%d%H%M%S"]))?;
        let path = self.path(&format!("{}{CODE_NAME}", now.trim()));
        match self.newest(SCHEMA_NAME)? {
            Some(schema) if schema > path => bail!("{schema} has a version of the future"),
            _ => Ok(path),
        }
    }

    /// The last migration, in the order of their versions, whose name holds this.
    fn newest(&self, part: &str) -> Result<Option<String>> {
        let directory = self.edition.migrations();
        Ok(self.files(directory, |name| name.contains(part))?.pop())
    }

    /// The files of a directory with names that are wanted, in the order of the names; none where it is not there.
    fn files(&self, directory: &str, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {directory}")),
        };
        let mut files: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| is_wanted(name))
            .map(|name| format!("{directory}/{name}"))
            .collect();
        files.sort();
        Ok(files)
    }

    fn write_where_it_differs(&self, file: &str, wanted: &str) -> Result<()> {
        if !self.differs(file, wanted)? {
            return Ok(());
        }
        console::step(format_args!("writing {file}"));
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().context("is in a directory")?)?;
        fs::write(path, wanted).with_context(|| format!("cannot write {file}"))
    }

    fn differs(&self, file: &str, wanted: &str) -> Result<bool> {
        match fs::read_to_string(self.root.join(file)) {
            Ok(text) => Ok(text != wanted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error).with_context(|| format!("cannot read {file}")),
        }
    }
}
