//! A fingerprint of everything that the product can write, to see whether anything was.

use anyhow::Result;
use tokio_postgres::Client;

/// The fingerprint of each table of schema `stream` and of `realtime.messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(Vec<(String, i64, String)>);

impl Trace {
    /// As the given connection, which must see every row, finds it now.
    pub async fn take(client: &Client) -> Result<Self> {
        let tables = client
            .query(
                "select c.oid::regclass::text from pg_catalog.pg_class as c
                 where c.relkind in ('r', 'p')
                   and (c.relnamespace = 'stream'::regnamespace
                        or c.oid = 'realtime.messages'::regclass)
                 order by 1",
                &[],
            )
            .await?;
        let selects: Vec<String> = tables
            .iter()
            .map(|row| row.get::<_, String>(0))
            .map(|table| {
                format!(
                    "select '{table}', count(*),
                         coalesce(md5(string_agg(t::text, chr(10) order by t::text)), '')
                     from {table} as t"
                )
            })
            .collect();
        let rows = client.query(&selects.join(" union all "), &[]).await?;
        let tables = rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect();
        Ok(Self(tables))
    }

    /// The tables whose content is not the same as in `earlier`.
    pub fn changed_since(&self, earlier: &Self) -> Vec<&str> {
        self.0
            .iter()
            .filter(|table| !earlier.0.contains(table))
            .map(|(name, _, _)| name.as_str())
            .collect()
    }
}
