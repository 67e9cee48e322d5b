//! Moving a database between the editions while its streams are live.

mod catalogue;
mod certificate;
mod crash;
mod gate;
mod open_transactions;
mod under_load;
mod worker;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// Moves as a DBA does; other tasks of the test go on meanwhile.
async fn move_to(database: &TestDatabase, edition: Edition) -> Result<()> {
    begin_move(database, edition).await?
}

/// A move that goes on beside the test.
fn begin_move(database: &TestDatabase, edition: Edition) -> tokio::task::JoinHandle<Result<()>> {
    let address = database.environment.cluster.clone();
    let name = database.name().to_owned();
    tokio::task::spawn_blocking(move || xtask::database::move_to(&address, &name, edition))
}

/// The edition that doctor() names.
async fn edition_of(database: &TestDatabase) -> Result<Edition> {
    let is_native: bool = database.value("select stream_private.is_native()").await?;
    Ok(match is_native {
        true => Edition::Native,
        false => Edition::Sql,
    })
}

/// Functions of the SQL edition that are left in a native database.
const LEFT: &str = "select count(*) from pg_catalog.pg_proc as p join pg_catalog.pg_language as l on l.oid = p.prolang
where p.pronamespace = 'stream_ext'::regnamespace and l.lanname = 'plpgsql'";
