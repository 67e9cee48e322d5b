//! A moved database is what a new installation of its edition makes, to the last right; functions keep their OIDs.

use std::collections::BTreeMap;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

use super::{edition_of, move_to};
use crate::upgrade::dump::{assert_same, catalogue};

/// Every function of the schema with what pg_dump does not write of members of an extension.
const FUNCTIONS: &str = "
select concat_ws(e'\\n', p.oid::regprocedure, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile,
    p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof, p.prokind, p.proretset, md5(p.prosrc), p.probin, p.proconfig, p.procost,
    p.prorows, p.prosupport, l.lanname, pg_get_userbyid(p.proowner), 'comment ' || obj_description(p.oid, 'pg_proc'),
    array(
        select a::text from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a order by 1
    ),
    array(
        select format('%s %s', d.deptype, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
        from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = p.oid order by 1
    ))
from pg_proc as p join pg_language as l on l.oid = p.prolang
where p.pronamespace = 'stream_ext'::regnamespace
order by 1";

/// The schema and the extensions.
const AROUND: &str = "
select concat_ws(' ', n.nspname, pg_get_userbyid(n.nspowner), obj_description(n.oid, 'pg_namespace'), array(
    select a::text from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a order by 1))
from pg_namespace as n where n.nspname like 'stream%'
union all
select concat_ws(' ', e.extname, pg_get_userbyid(e.extowner), e.extversion, e.extnamespace::regnamespace, obj_description(e.oid, 'pg_extension'))
from pg_extension as e
order by 1";

const OIDS: &str = "select p.oid::regprocedure::text, p.oid from pg_proc as p where p.pronamespace = 'stream_ext'::regnamespace";

async fn texts(database: &TestDatabase, query: &str) -> Result<String> {
    let rows = database.owner.query(query, &[]).await?;
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(rows.join("\n"))
}

async fn oids(database: &TestDatabase) -> Result<BTreeMap<String, u32>> {
    let rows = database.owner.query(OIDS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(super) async fn assert_as_new(moved: &TestDatabase, new: &TestDatabase) -> Result<()> {
    for query in [FUNCTIONS, AROUND] {
        assert_same(&texts(moved, query).await?, &texts(new, query).await?);
    }
    assert_same(&catalogue(moved)?, &catalogue(new)?);
    Ok(())
}

#[tokio::test]
async fn a_moved_database_is_as_a_new_one_and_a_second_move_changes_nothing() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let sql = TestDatabase::of_edition(Edition::Sql).await?;
    let moved = TestDatabase::of_edition(Edition::Native).await?;
    let native_oids = oids(&native).await?;
    assert!(native_oids.len() > 50, "only {}", native_oids.len());
    let before = oids(&moved).await?;
    for _ in 0..2 {
        for (edition, new) in [(Edition::Sql, &sql), (Edition::Native, &native)] {
            for _ in 0..2 {
                move_to(&moved, edition).await?;
                assert_eq!(edition_of(&moved).await?, edition);
                assert_as_new(&moved, new).await?;
            }
            let after = oids(&moved).await?;
            for (signature, oid) in &before {
                assert_eq!(after.get(signature), Some(oid), "{signature}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_move_needs_a_superuser_and_the_product() -> Result<()> {
    for (from, to) in [
        (Edition::Native, Edition::Sql),
        (Edition::Sql, Edition::Native),
    ] {
        let database = TestDatabase::of_edition(from).await?;
        let cluster = &database.environment.cluster;
        let before = catalogue(&database)?;
        let file = xtask::workspace::root().join(to.move_script());
        let refusal = cluster.psql("postgres", database.name()).run_script(&file);
        let refusal = refusal.expect_err("is refused").to_string();
        assert!(refusal.contains("superuser"), "{refusal}");
        assert_same(&catalogue(&database)?, &before);
        let empty = TestDatabase::without_product().await?;
        let refusal = move_to(&empty, to)
            .await
            .expect_err("is refused")
            .to_string();
        assert!(refusal.contains("has no pg_stream"), "{refusal}");
    }
    Ok(())
}

#[tokio::test]
async fn two_moves_do_not_meet() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Native).await?;
    let other = database.superuser().await?;
    other
        .batch_execute(
            "begin; select pg_advisory_xact_lock(hashtextextended('pg_stream: move between editions', 0))",
        )
        .await?;
    let refusal = move_to(&database, Edition::Sql).await;
    let refusal = refusal.expect_err("is refused").to_string();
    assert!(refusal.contains("another session"), "{refusal}");
    other.batch_execute("rollback").await?;
    move_to(&database, Edition::Sql).await
}
