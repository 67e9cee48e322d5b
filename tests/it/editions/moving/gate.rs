//! The number of a stream's gate is the same in both editions.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use uuid::Uuid;
use xtask::edition::Edition;

/// The number of the advisory lock that the gate of a session is.
async fn gate(database: &TestDatabase, session: Uuid) -> Result<(u32, u32)> {
    database.change("begin").await?;
    database
        .native(&format!("select stream_ext.enter_gate('{session}', true)"))
        .await?;
    let row = database
        .owner
        .query_one(
            "select l.classid, l.objid from pg_catalog.pg_locks as l
             where l.locktype = 'advisory' and l.pid = pg_backend_pid()",
            &[],
        )
        .await?;
    database.change("rollback").await?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn gates_have_the_same_numbers_in_both_editions() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let sql = TestDatabase::of_edition(Edition::Sql).await?;
    for session in [Uuid::nil(), Uuid::max(), Uuid::new_v4(), Uuid::new_v4()] {
        let number = gate(&native, session).await?;
        assert_eq!(number, gate(&sql, session).await?, "{session}");
    }
    Ok(())
}
