//! Finding streams and their summary read index ranges, however many streams have ended.

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use uuid::Uuid;
use xtask::cluster::Options;

/// A million streams that have ended and two thousand that go on, past the functions.
const FILL: &str = "set session_replication_role = replica;
set synchronous_commit = off;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, ended_at, check_at, is_cleaned)
select i.id, i.id, i.id, i.id::text, case when n % 500 = 0 then 'active' else 'ended' end,
    case when n % 500 <> 0 then now() end, case when n % 500 = 0 then now() end, n % 500 <> 0
from generate_series(1, 1000000) as n cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.stream_viewers (session_id, user_id, agora_uid)
select md5((500 * s)::text)::uuid, md5(n::text)::uuid, 1000000 + n
from generate_series(1, 200) as s cross join generate_series(1, 50) as n;
reset session_replication_role;";

/// The rows that a node of a plan really gave.
fn rows(line: &str) -> f64 {
    let actual = line.split("(actual ").nth(1).unwrap_or_default();
    let rows = actual.split("rows=").nth(1).unwrap_or_default();
    let digits = rows.split(' ').next().unwrap_or_default();
    digits.parse().unwrap_or(f64::MAX)
}

#[tokio::test]
async fn no_list_and_no_summary_reads_what_has_ended() -> Result<()> {
    let settings = [
        "session_preload_libraries=auto_explain",
        "auto_explain.log_nested_statements=on",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
        "shared_buffers=512MB",
        "max_wal_size=8GB",
        "autovacuum=off",
    ]
    .map(str::to_owned);
    let mut options = Options::temporary("finding-plans")?;
    options.settings.extend(settings);
    let own = OwnCluster::start(options)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let superuser = database.superuser().await?;
    superuser.batch_execute(FILL).await?;
    superuser
        .batch_execute(&format!(
            "alter database \"{}\" set auto_explain.log_min_duration = 0",
            database.name()
        ))
        .await?;
    let live: Uuid = database.value("select md5('500')::uuid").await?;
    for analyzed in [false, true] {
        if analyzed {
            superuser
                .batch_execute("analyze stream.stream_sessions, stream.stream_viewers")
                .await?;
        }
        let newer = database.service().await?;
        // More often than a plan is made for each call.
        for _ in 0..7 {
            for (function, arguments) in [
                ("list_live_streams", json!({"page_size": 200})),
                (
                    "list_live_streams",
                    json!({"page_size": 200, "after": live}),
                ),
                ("get_live_stream", json!({"auction_id": live})),
                ("get_stream_summary", json!({"session_id": live})),
            ] {
                newer.rpc(function, arguments).await.context(function)?;
            }
        }
    }
    let log = own.log()?;
    assert!(!log.contains("JIT:"), "a plan was compiled");
    let scans: Vec<&str> = log
        .lines()
        .filter(|line| {
            line.contains(" on stream_sessions ") || line.contains(" on stream_viewers ")
        })
        .filter(|line| line.contains("Scan") && !line.contains("never executed"))
        .collect();
    assert!(scans.len() > 50, "only {} scans were logged", scans.len());
    let long: Vec<_> = scans
        .iter()
        .filter(|line| line.contains("Seq Scan") || rows(line) > 501.0)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
    let filtered: Vec<_> = log
        .lines()
        .filter(|line| line.contains("Rows Removed by Filter: "))
        .filter(|line| line.rsplit(' ').next().and_then(|n| n.parse().ok()) > Some(500))
        .collect();
    assert!(filtered.is_empty(), "{filtered:#?}");
    Ok(())
}
