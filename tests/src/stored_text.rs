//! Search for a text in every table of a database, whoever owns it.

use anyhow::Result;

use crate::database::TestDatabase;

/// The planner's statistics hold samples of what a table held when it was analyzed, and Realtime's tables
/// are not ours to tell what to sample. Its own test looks at the product's tables.
const NOT_SEARCHED: [&str; 2] = [
    "pg_catalog.pg_statistic",
    "pg_catalog.pg_statistic_ext_data",
];

impl TestDatabase {
    /// The tables, partitions and materialized views of which a row holds the text in any column, as text
    /// or as bytes; the catalogue's own tables are among them.
    pub async fn tables_with(&self, text: &str) -> Result<Vec<String>> {
        let superuser = self.superuser().await?;
        let tables = superuser
            .query(
                "select format('%I.%I', c.relnamespace::regnamespace::text, c.relname)
                 from pg_catalog.pg_class as c
                 where c.relkind in ('r', 'm')
                     and format('%s.%s', c.relnamespace::regnamespace, c.relname) <> all ($1)
                 order by 1",
                &[&&NOT_SEARCHED[..]],
            )
            .await?;
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut found = Vec::new();
        for row in tables {
            let table: String = row.get(0);
            let statement = format!(
                "select exists (select from {table} as t
                     where strpos(t::text, $1) > 0 or strpos(t::text, $2) > 0)"
            );
            if superuser
                .query_one(&statement, &[&text, &hex])
                .await?
                .get(0)
            {
                found.push(table);
            }
        }
        Ok(found)
    }
}
