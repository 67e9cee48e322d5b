//! Finding streams and their summary read index ranges, however many streams have ended.

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::logged_plans::{LoggedPlans, Scan, scans};
use uuid::Uuid;

/// A million streams that have ended and two thousand that go on, past the functions.
const FILL: &str = "set session_replication_role = replica;
set synchronous_commit = off;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, started_at, ended_at, check_at, is_cleaned)
select i.id, i.id, i.id, i.id::text, case when n % 500 = 0 then 'active' else 'ended' end, now(),
    case when n % 500 <> 0 then now() end, case when n % 500 = 0 then now() end, n % 500 <> 0
from generate_series(1, 1000000) as n cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.stream_viewers (session_id, user_id, agora_uid)
select md5((500 * s)::text)::uuid, md5(n::text)::uuid, 1000000 + n
from generate_series(1, 200) as s cross join generate_series(1, 50) as n;
reset session_replication_role;";

#[tokio::test]
async fn no_list_and_no_summary_reads_what_has_ended() -> Result<()> {
    let plans = LoggedPlans::start("finding-plans", FILL).await?;
    let (database, superuser) = (&plans.database, &plans.superuser);
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
    let log = plans.log(100)?;
    assert!(!log.contains("JIT:"), "a plan was compiled");
    let scans = scans(&log);
    let of_streams = || {
        let is_of_streams =
            |scan: &&Scan<'_>| scan.is_of_any(&["stream_sessions", "stream_viewers"]);
        scans.iter().filter(is_of_streams)
    };
    let count = of_streams().count();
    assert!(count > 50, "only {count} scans were logged");
    let long: Vec<_> = of_streams()
        .filter(|scan| scan.is_of_the_whole_table() || scan.rows > 501.0 || scan.removed > 500.0)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
    Ok(())
}
