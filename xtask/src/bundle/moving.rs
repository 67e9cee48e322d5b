//! The files that move a database from one edition to the other: written from `sql/edition/move/`, they apply the migration of code
//! itself, so that nothing in them can differ from what an installation makes.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{CODE_NAME, HEADER, Sources};
use crate::edition::Edition;
use crate::product_sql::SqlFile;

/// Stands before the place of the edition's own schema.
const SCHEMA_PLACE: &str = "-- The schema of the edition.\n";

/// Stands before the place of the code.
const CODE_PLACES: [&str; 2] = [
    "-- Its functions, and again all that the editions share.\n",
    "-- All that the editions share.\n",
];

impl Sources {
    pub(super) fn write_move(&self) -> Result<()> {
        match self.move_script()? {
            Some(script) => self.write_where_it_differs(self.edition.move_script(), &script),
            None => Ok(()),
        }
    }

    pub(super) fn check_move(&self) -> Result<()> {
        let file = self.edition.move_script();
        match self.move_script()? {
            Some(script) if self.differs(file, &script)? => bail!(
                "{file} is not what sql/edition/move/ says; run `cargo x sql bundle` and commit the result"
            ),
            _ => Ok(()),
        }
    }

    /// The script for psql; none where its source is not there.
    fn move_script(&self) -> Result<Option<String>> {
        let Some(source) = &self.sql.edition_move else {
            return Ok(None);
        };
        let code = self
            .newest(CODE_NAME)?
            .context("the code of the edition is not written")?;
        let schema = self
            .sql
            .schema
            .iter()
            .find(|file| file.path.starts_with(self.edition.sources()));
        script(self.edition, source, schema, &code).map(Some)
    }
}

fn script(
    edition: Edition,
    source: &SqlFile,
    schema: Option<&SqlFile>,
    code: &str,
) -> Result<String> {
    let directory = Path::new(edition.migrations()).file_name();
    let directory = directory.context("is a directory")?.to_string_lossy();
    let name = Path::new(code).file_name().context("is a file")?;
    let include = format!("\\ir ../{directory}/{}\n", name.to_string_lossy());
    let mut text = source.text.clone();
    let place = CODE_PLACES.iter().find(|place| text.contains(**place));
    let place = place.with_context(|| format!("{} has no place for the code", source.path))?;
    text = text.replacen(place, &format!("{place}{include}"), 1);
    if edition == Edition::Sql {
        let schema = schema.context("the edition has a schema")?;
        if !text.contains(SCHEMA_PLACE) {
            bail!("{} has no place for the schema", source.path);
        }
        text = text.replacen(SCHEMA_PLACE, &format!("{SCHEMA_PLACE}{}\n", schema.text), 1);
    }
    Ok(format!("{HEADER}{text}"))
}
