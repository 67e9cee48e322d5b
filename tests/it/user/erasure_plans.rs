//! Deleting a user costs their messages once, whatever the connection has deleted before.

use anyhow::Result;
use stream_tests::logged_plans::{LoggedPlans, scans};

/// A user with one message and one with three thousand, past the functions.
const FILL: &str = "insert into auth.users (id, email)
select md5(n::text)::uuid, n || '@demo.test' from generate_series(1, 2) as n;
set session_replication_role = replica;
insert into stream.stream_sessions (id, seller_id, auction_id, channel_id, state, ended_at, check_at)
select i.id, i.id, i.id, i.id::text, 'ended', now(), null from (select md5('stream')::uuid as id) as i;
insert into stream.chat_heads (session_id, last_seq, open) values (md5('stream')::uuid, 3001, false);
insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
select md5(n::text)::uuid, md5('stream')::uuid, n, md5((case when n = 1 then 1 else 2 end)::text)::uuid, 'name', 'hello',
    now() + n * interval '1 us', now()
from generate_series(1, 3001) as n;
reset session_replication_role;";

#[tokio::test]
async fn the_rows_of_a_deletion_are_joined_once() -> Result<()> {
    let plans = LoggedPlans::start("erasure-plans", FILL).await?;
    let connection = plans.database.connect("postgres").await?;
    // The first one is planned for one row.
    for user in ["1", "2"] {
        let deleted = connection
            .execute("delete from auth.users where id = md5($1)::uuid", &[&user])
            .await?;
        assert_eq!(deleted, 1);
    }
    let log = plans.log(10)?;
    let scans = scans(&log);
    let of_deletion: Vec<_> = scans
        .iter()
        .filter(|scan| scan.line.contains("Named Tuplestore Scan"))
        .collect();
    assert!(of_deletion.iter().any(|scan| scan.rows >= 3000.0));
    let often: Vec<_> = of_deletion
        .iter()
        .filter(|scan| scan.rows > 3000.0)
        .collect();
    assert!(often.is_empty(), "{often:#?}");
    Ok(())
}
