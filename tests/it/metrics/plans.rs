//! The view reads live streams and the newest of the others, however many there were.

use anyhow::Result;
use stream_tests::logged_plans::{LoggedPlans, scans};

/// A hundred thousand streams that ended long ago with a million viewers and entries, and a hundred live ones. Past the
/// functions, and without the application's foreign keys.
const FILL: &str = "set session_replication_role = replica;
set synchronous_commit = off;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, ended_at, check_at, is_cleaned)
select i.id, i.id, i.id, i.id::text, case when n < 100 then 'active' else 'ended' end,
    case when n >= 100 then now() - interval '1 day' end, case when n < 100 then now() + interval '1 day' end, n >= 100
from generate_series(0, 100000) as n
cross join lateral (select md5(n::text)::uuid as id) as i;
insert into stream.chat_heads (session_id, last_seq) select s.id, 10 from stream.stream_sessions as s;
insert into stream.chat_relay (session_id, flushed_seq) select s.id, 9 from stream.stream_sessions as s;
insert into stream.chat_messages (session_id, seq, content, created_at, updated_at)
select h.session_id, n, 'hello', now(), now()
from stream.chat_heads as h cross join generate_series(1, 10) as n;
insert into stream.stream_viewers (session_id, user_id, agora_uid, left_at)
select h.session_id, md5(n::text)::uuid, 1000000 + n, case when h.session_id <> md5('1')::uuid then now() end
from stream.chat_heads as h cross join generate_series(1, 10) as n;
insert into stream.agora_tokens (user_id, session_id, token_hash, channel_id, uid, salt, privileges, expires_at, check_at)
select h.session_id, h.session_id, repeat('0', 64), 'x', 1, 1, '{}', e.at, e.at
from stream.chat_heads as h cross join (select now() + interval '1 hour' as at) as e;
update stream.figures set sampled_at = now() - interval '10 seconds', ended_upto = now() - interval '12 minutes';
reset session_replication_role;
analyze stream.stream_sessions, stream.chat_heads, stream.chat_relay, stream.chat_messages, stream.stream_viewers";

const LARGE: [&str; 6] = [
    "stream_sessions",
    "chat_heads",
    "chat_relay",
    "chat_messages",
    "stream_viewers",
    "agora_tokens",
];

/// The hundred live streams, each once in a scan.
const MOST_ROWS: f64 = 110.0;

#[tokio::test]
async fn neither_the_view_nor_the_sample_reads_what_is_over() -> Result<()> {
    let plans = LoggedPlans::start("metrics-plans", FILL).await?;
    let owner = plans.database.connect("postgres").await?;
    let figures = owner.query("select * from stream.metrics", &[]).await?;
    assert!(figures.len() > 10);
    owner.batch_execute("select stream.sweep()").await?;
    let sampled: i64 = plans
        .database
        .value("select messages from stream.figures")
        .await?;
    assert_eq!(sampled, 1000, "of the live streams, ten entries each");
    let log = plans.log(8)?;
    let mut seen = 0;
    for scan in scans(&log)
        .into_iter()
        .filter(|scan| scan.is_of_any(&LARGE))
    {
        assert!(!scan.is_of_the_whole_table(), "{scan:?}");
        assert!(scan.rows <= MOST_ROWS, "{scan:?}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
    Ok(())
}
