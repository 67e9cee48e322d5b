//! Comments on every object, read from the catalogue.

use anyhow::Result;
use stream_tests::database::TestDatabase;

#[tokio::test]
async fn every_object_says_what_it_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    let silent: Vec<String> = database
        .owner
        .query(
            "select 'function ' || p.oid::regprocedure from pg_catalog.pg_proc as p
             where p.pronamespace = 'stream'::regnamespace
               and obj_description(p.oid, 'pg_proc') is null
             union all
             select 'function ' || p.oid::regprocedure from pg_catalog.pg_proc as p
             where p.pronamespace in ('stream_private'::regnamespace, 'stream_edge'::regnamespace)
               and obj_description(p.oid, 'pg_proc') is null
             union all
             select 'table ' || c.oid::regclass from pg_catalog.pg_class as c
             where c.relnamespace = 'stream'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
               and obj_description(c.oid, 'pg_class') is null
             union all
             select 'type ' || t.oid::regtype from pg_catalog.pg_type as t
             join pg_catalog.pg_class as c on c.oid = t.typrelid and c.relkind = 'c'
             where t.typnamespace = 'stream'::regnamespace
               and obj_description(t.oid, 'pg_type') is null
             union all
             select 'schema ' || n.nspname from pg_catalog.pg_namespace as n
             where n.nspname in ('stream', 'stream_private', 'stream_edge')
               and obj_description(n.oid, 'pg_namespace') is null
             order by 1",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    Ok(())
}
