//! The edge and its database: hang-ups, stuck streams, dead connections, faults of the network, TLS, a pooler.

mod hang_ups;
mod killed_connections;
mod network_faults;
mod pooler;
mod stuck_stream;
mod tls;
mod whole_calls;

use anyhow::Result;
use stream_tests::database::TestDatabase;

/// The server processes of the edge on a database: those of them that are at something, and all.
async fn backends(database: &TestDatabase) -> Result<(i64, i64)> {
    let row = database
        .superuser()
        .await?
        .query_one(
            "select count(*) filter (where state <> 'idle'), count(*) from pg_stat_activity
             where datname = current_database() and application_name = 'edge_api'",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}
