//! The regular work stays on its indexes when there are a million viewers.

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::logged_plans::{LoggedPlans, scans};

/// Tables that no part of the regular work may read as a whole.
const LARGE: [&str; 12] = [
    "requests",
    "start_rates",
    "stream_viewers",
    "stream_sessions",
    "agora_tokens",
    "chat_messages",
    "chat_reads",
    "chat_subscriptions",
    "chat_restrictions",
    "chat_heads",
    "webhook_events",
    "webhook_cursors",
];

/// What one scan may give: a batch is 500, and the viewers of a stream that changed, who are counted,
/// are 1000.
const MOST_ROWS: f64 = 1000.0;

/// What one scan may read and throw away: what several sweeps have handled already and nobody has
/// vacuumed. A thousand streams are live, and every other table is larger.
const MOST_REMOVED: f64 = 100.0;

/// What a tick with nothing due may read, of about a hundred thousand pages.
const MOST_PAGES: u64 = 500;

/// A thousand live streams of a thousand viewers each, as many that have ended, and some of
/// everything that is due. Past the functions, and without the application's foreign keys.
const FILL: &str = "alter table stream.stream_sessions drop constraint stream_sessions_seller_id_fkey,
    drop constraint stream_sessions_auction_id_fkey;
alter table stream.stream_viewers drop constraint stream_viewers_user_id_fkey;
alter table stream.agora_tokens drop constraint agora_tokens_user_id_fkey;
alter table stream.chat_restrictions drop constraint chat_restrictions_user_id_fkey;
alter table stream.start_rates drop constraint start_rates_seller_id_fkey;
set session_replication_role = replica;
set synchronous_commit = off;
-- What is not due yet does not become due while this runs, and a lease lies no further ahead than leases do.
update stream.config set lease_s = 600;
insert into stream.stream_sessions
    (id, seller_id, auction_id, channel_id, state, ended_at, check_at, is_cleaned, host_seen_at,
     started_at, viewer_count, peak_viewer_count)
select i.id, i.id, i.id, i.id::text, case when n <= 1000 then 'active' else 'ended' end,
    case when n > 1000 then now() - n * interval '1 minute' end,
    case when n <= 1000 then now() + (n - 20) * interval '10 seconds' end,
    n > 1010, now() - case when n <= 20 then interval '1 minute' else '0' end, now(),
    case when n <= 1000 then 1000 else 0 end, 1000
from generate_series(1, 11000) as n
cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.chat_heads (session_id, last_seq)
select s.id, 30 from stream.stream_sessions as s;
insert into stream.chat_relay (session_id, flushed_seq)
select s.id, 30 from stream.stream_sessions as s;
insert into stream.chat_messages (session_id, seq, content, created_at, updated_at)
select s.id, n, 'hello', now(), now() from stream.stream_sessions as s
cross join generate_series(1, 30) as n;
insert into stream.stream_viewers (session_id, user_id, agora_uid, last_seen_at, lease_check_at)
select md5((n % 1000 + 1)::text)::uuid, md5(n::text)::uuid, 1000000 + n / 1000,
    now() - case when n % 5000 = 0 then interval '1 minute' else '0' end,
    now() + case when n % 5000 = 0 then interval '-1 second' else interval '10 minutes' end
from generate_series(1, 1000000) as n;
insert into stream.agora_tokens
    (user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, is_active, check_at)
select md5(n::text)::uuid, md5((n % 1000 + 1)::text)::uuid, repeat(md5(n::text), 2), 'c',
    n, 1, '{}', now() - interval '1 day', e.at, true,
    -- Some have ended, and of some others the end is to be announced.
    case when n <= 1000 then e.at when n <= 2000 then now() - (n - 1000) * interval '1 second'
        else e.at - interval '10 minutes' end
from generate_series(1, 100000) as n
cross join lateral (
    select now() + (n - 1000) * interval '1 second' + case when n > 1000 then interval '1 hour' else '0' end as at
) as e;
insert into stream.chat_restrictions (session_id, user_id, kind, until)
select md5((n % 1000 + 1)::text)::uuid, md5(n::text)::uuid, 'mute',
    now() + (n - 100) * interval '1 minute'
from generate_series(1, 20000) as n;
update stream.stream_sessions set ended_at = now() - interval '100 days'
where id = md5('11000')::uuid;
-- What hangs on it, in several batches.
insert into stream.stream_viewers (session_id, user_id, agora_uid, left_at)
select md5('11000')::uuid, md5(n::text)::uuid, 1000000 + n, now() from generate_series(1, 1500) as n;
insert into stream.agora_tokens
    (user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, is_active, check_at)
select md5(n::text)::uuid, md5('11000')::uuid, repeat(md5(n::text), 2), 'c', n, 1, '{}',
    now() - interval '1 day', now(), false, now()
from generate_series(1, 1500) as n;
insert into stream.chat_reads (session_id, user_id)
select s.id, md5(n::text)::uuid from stream.stream_sessions as s
cross join generate_series(1, case when s.id = md5('11000')::uuid then 1500 else 3 end) as n;
insert into stream.chat_subscriptions (session_id, user_id, channel)
select s.id, md5(n::text)::uuid, 'c' from stream.stream_sessions as s
cross join generate_series(1, case when s.id = md5('11000')::uuid then 1500 else 3 end) as n
where s.state <> 'ended' or s.id = md5('11000')::uuid;
insert into stream.webhook_events (notice_id, received_at, product_id, event_type, status)
select n::text, now() - interval '7 days' + (n - 1000) * interval '1 second'
    + case when n > 1000 then interval '1 hour' else '0' end, 1, 103, 'applied'
from generate_series(1, 100000) as n;
insert into stream.webhook_cursors
    (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
select md5((n % 1000 + 1)::text)::uuid, 1000000 + n, 1, true, now(), now(),
    now() + (n - 1000) * interval '1 second' + case when n > 1000 then interval '1 hour' else '0' end
from generate_series(1, 100000) as n;
insert into stream.requests (caller, request_id, operation, arguments_hash, result, created_at)
select md5(n::text)::uuid, md5(n::text)::uuid, 'x', repeat(md5(n::text), 2), '{}',
    now() - interval '1 day' + (n - 1000) * interval '1 second' + case when n > 1000 then interval '1 hour' else '0' end
from generate_series(1, 100000) as n;
insert into stream.start_rates (seller_id, tat)
select md5(n::text)::uuid, now() - interval '1 hour' + (n - 1000) * interval '1 second'
from generate_series(1, 4000) as n;
insert into stream.viewer_changes (session_id)
select md5(n::text)::uuid from generate_series(1, 1000) as n;
reset session_replication_role;
analyze";

#[tokio::test]
async fn no_scan_reads_more_than_what_is_due() -> Result<()> {
    let plans = LoggedPlans::start("sweep-plans", FILL).await?;
    let (database, superuser) = (&plans.database, &plans.superuser);

    // More often than a plan is made for each call, so that the generic ones are seen too.
    let service = database.service().await?;
    for round in 0..8 {
        for (function, table, column) in [
            ("sweep", "stream_sessions", "check_at"),
            ("tick", "stream_viewers", "lease_check_at"),
        ] {
            service
                .rpc_rows(function, json!({}))
                .await
                .with_context(|| format!("{function} in round {round}"))?;
            superuser
                .batch_execute(&format!(
                    "update stream.{table} set {column} = now()
                     where ctid in (select ctid from stream.{table} where {column} > now() limit 5);
                     update stream.ticker set swept_at = now() - interval '1 second'"
                ))
                .await?;
        }
    }
    drop(service);

    let log = plans.log(100)?;
    let scans = scans(&log);
    for table in LARGE {
        let seen = scans.iter().any(|scan| scan.is_of(table));
        assert!(seen, "no scan of {table} was logged");
    }
    let large = || scans.iter().filter(|scan| scan.is_of_any(&LARGE));
    let whole: Vec<_> = large()
        .filter(|scan| scan.is_of_the_whole_table())
        .collect();
    assert!(whole.is_empty(), "{whole:#?}");
    // Sequential scans are switched off for the sweep: without the right index it would read the whole
    // of another one.
    let long: Vec<_> = large()
        .filter(|scan| scan.rows > MOST_ROWS || scan.removed > MOST_REMOVED)
        .collect();
    assert!(long.is_empty(), "{long:#?}");

    let quiet = pages_of_quiet_tick(&plans).await?;
    assert!(
        quiet < MOST_PAGES,
        "a tick with nothing due read {quiet} pages"
    );
    Ok(())
}

/// With nothing due. What it costs in time is for benchmarks: it depends on the machine, and the pages do not.
async fn pages_of_quiet_tick(plans: &LoggedPlans) -> Result<u64> {
    plans.stop_logging().await?;
    let database = &plans.database;
    let superuser = database.superuser().await?;
    let service = database.service().await?;
    while !service
        .rpc_rows("sweep", json!({}))
        .await?
        .iter()
        .all(|rule| rule["rows"] == 0)
    {}
    // One call does not count for longer than a second: what the others have left is no quiet tick.
    let has_swept = "select t.swept_at > '-infinity' from stream.ticker as t";
    loop {
        superuser
            .batch_execute("update stream.ticker set swept_at = '-infinity'")
            .await?;
        service.rpc("tick", json!({})).await?;
        if database.value::<bool>(has_swept).await? {
            break;
        }
    }
    let mut fewest = u64::MAX;
    // The first ones also fill the caches of the connection.
    for _ in 0..10 {
        superuser
            .batch_execute("update stream.ticker set swept_at = '-infinity'")
            .await?;
        fewest = fewest.min(database.pages("select stream.tick()").await?);
        assert!(database.value::<bool>(has_swept).await?);
    }
    eprintln!("a tick with nothing due: {fewest} pages");
    Ok(fewest)
}
