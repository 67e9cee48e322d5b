//! Reading stays on its index ranges when millions of messages are stored.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::logged_plans::{LoggedPlans, scans};
use uuid::Uuid;

/// One stream of a million messages, and a thousand of a thousand each. Past the functions, and
/// without the application's foreign keys. Tables as small as the settings are never analyzed in
/// practice, so they are not here.
const FILL: &str = "set session_replication_role = replica;
set synchronous_commit = off;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, pinned_seq)
select i.id, i.id, i.id, i.id::text, 'active', 7
from generate_series(0, 1000) as n
cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.chat_heads (session_id, last_seq)
select md5(n::text)::uuid, case when n = 0 then 1000000 else 1000 end
from generate_series(0, 1000) as n;
insert into stream.chat_relay (session_id, flushed_seq)
select h.session_id, h.last_seq from stream.chat_heads as h;
insert into stream.chat_messages (id, session_id, seq, user_id, content, created_at, updated_at)
select md5(h.session_id::text || ':' || n)::uuid, h.session_id, n, h.session_id, 'hello', now(), now()
from stream.chat_heads as h
cross join generate_series(1, h.last_seq) as n
order by h.session_id, n;
insert into stream.chat_reads (session_id, user_id, read)
select h.session_id, h.session_id, '{[1,500)}' from stream.chat_heads as h;
insert into stream.stream_viewers (session_id, user_id, agora_uid)
select h.session_id, md5(n::text)::uuid, 1000000 + n
from stream.chat_heads as h cross join generate_series(1, 20) as n;
reset session_replication_role;
analyze stream.stream_sessions, stream.stream_viewers, stream.chat_heads, stream.chat_relay, stream.chat_messages,
    stream.chat_reads";

/// Tables that no part of reading may read as a whole.
const LARGE: [&str; 7] = [
    "chat_messages",
    "chat_heads",
    "chat_relay",
    "chat_reads",
    "chat_restrictions",
    "stream_sessions",
    "stream_viewers",
];

/// Each call, how many rows of the log it returns, and the reader's stream.
fn calls(session: Uuid, middle: Uuid, newest: i64) -> Vec<(&'static str, Value, usize)> {
    let half = newest / 2;
    vec![
        ("get_message_history", json!({"page_size": 50}), 50),
        (
            "get_message_history",
            json!({"page_size": 50, "skip": half}),
            50,
        ),
        (
            "get_message_history",
            json!({"page_size": 200, "before_seq": half}),
            200,
        ),
        (
            "get_message_history",
            json!({"page_size": 200, "after_seq": 10}),
            200,
        ),
        (
            "sync_messages",
            json!({"last_message_id": middle}),
            half.min(1000) as usize,
        ),
        ("sync_messages", json!({}), 50),
        ("sync", json!({}), 1),
        ("sync", json!({"after_seq": half}), 1),
        ("unread_count", json!({}), 1),
        (
            "mark_messages_as_read",
            json!({"user_id": null, "message_ids": format!("{{{middle}}}")}),
            1,
        ),
        ("mark_read_up_to", json!({"user_id": null, "seq": 600}), 1),
    ]
    .into_iter()
    .map(|(function, mut arguments, rows)| {
        arguments["session_id"] = json!(session);
        (function, arguments, rows)
    })
    .collect()
}

#[tokio::test]
async fn no_read_costs_more_than_the_ranges_that_it_answers() -> Result<()> {
    let plans = LoggedPlans::start("reading-plans", FILL).await?;
    let (database, superuser) = (&plans.database, &plans.superuser);

    for (stream, newest) in [(0, 1_000_000), (1, 1000)] {
        let (session, middle): (Uuid, Uuid) = {
            let row = superuser
                .query_one(
                    "select md5($1)::uuid, md5(md5($1)::uuid::text || ':' || $2)::uuid",
                    &[&stream.to_string(), &(newest / 2).to_string()],
                )
                .await?;
            (row.get(0), row.get(1))
        };
        // One connection, more often than a plan is made for each call, so that the generic plans
        // are seen too.
        let reader = database.user(session).await?;
        for round in 0..8 {
            for (function, arguments, expected) in calls(session, middle, newest) {
                let rows = reader
                    .rpc_rows(function, arguments.clone())
                    .await
                    .with_context(|| format!("{function} {arguments} in round {round}"))?;
                assert_eq!(rows.len(), expected, "{function} {arguments}");
            }
        }
    }

    let log = plans.log(100)?;
    assert!(!log.contains("JIT:"), "a plan was compiled");
    let scans = scans(&log);
    let large = || scans.iter().filter(|scan| scan.is_of_any(&LARGE));
    let count = large().count();
    assert!(count > 100, "only {count} scans were logged");
    // The longest answer is a thousand messages.
    let long: Vec<_> = large()
        .filter(|scan| scan.is_of_the_whole_table() || scan.rows > 1000.0 || scan.removed > 1000.0)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
    Ok(())
}
