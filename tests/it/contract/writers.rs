//! Room for more than one writer: everything that belongs to a stream is found by its session first, and nothing of it is ordered by
//! numbers that one server counts. Each exception stands here with its reason.

use std::collections::BTreeMap;

use anyhow::Result;
use stream_tests::database::TestDatabase;

const OF_SERVER: &str = "state or queue of one server's own regular work";
const OF_USER: &str = "belongs to a user, over all streams";
const OF_ALL: &str = "one row for the whole product, or rows of all streams too";
const RANDOM: &str = "a random id in the contract; the session comes first in an index";

/// Tables whose primary key does not begin with the session.
const OTHER_KEYS: &[(&str, &str)] = &[
    ("agora_tokens", RANDOM),
    ("authors_deleted", OF_USER),
    ("blocked_terms", OF_ALL),
    ("canary", OF_SERVER),
    ("chat_subscriptions", RANDOM),
    ("chat_tail_reads", OF_SERVER),
    ("chat_tails", OF_SERVER),
    ("config", OF_ALL),
    ("figures", OF_SERVER),
    ("governor", OF_SERVER),
    ("moderation_log", OF_ALL),
    ("realtime_sends", OF_SERVER),
    ("realtime_spending", OF_SERVER),
    ("recoveries", "never holds a row"),
    ("requests", OF_USER),
    ("rule_figures", OF_SERVER),
    ("start_rates", OF_USER),
    ("stream_sessions", "is the session"),
    ("ticker", OF_SERVER),
    ("troubles", OF_ALL),
    ("viewer_changes", OF_SERVER),
    (
        "webhook_events",
        "Agora's id of a notice, which may be of no stream",
    ),
];

/// Columns that one server counts.
const COUNTED: &[(&str, &str)] = &[
    ("chat_tail_reads.id", OF_SERVER),
    ("chat_tails.id", OF_SERVER),
    (
        "moderation_log.id",
        "the cursor of get_moderation_log, which pages decisions of all streams too; within a stream the log's seq orders them",
    ),
    ("realtime_sends.id", OF_SERVER),
    ("realtime_spending.id", OF_SERVER),
    ("requests.id", "only a key: nothing is ordered by it"),
    ("viewer_changes.id", OF_SERVER),
];

/// Compares what is there with the exceptions: none is missing, none is too much.
async fn assert_excepted(query: &str, exceptions: &[(&str, &str)]) -> Result<()> {
    let database = TestDatabase::create().await?;
    let rows = database.owner.query(query, &[]).await?;
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let named: BTreeMap<&str, &str> = exceptions.iter().copied().collect();
    let named: Vec<&str> = named.into_keys().collect();
    assert_eq!(found, named);
    Ok(())
}

#[tokio::test]
async fn keys_of_a_stream_begin_with_its_session() -> Result<()> {
    assert_excepted(
        "select c.relname::text from pg_catalog.pg_class as c
         left join pg_catalog.pg_index as i on i.indrelid = c.oid and i.indisprimary
         left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
         where c.relkind = 'r' and c.relnamespace = 'stream'::regnamespace and a.attname is distinct from 'session_id'
         order by c.relname::text collate \"C\"",
        OTHER_KEYS,
    )
    .await
}

#[tokio::test]
async fn nothing_of_a_stream_is_counted_by_one_server() -> Result<()> {
    assert_excepted(
        "select concat(c.relname, '.', a.attname) from pg_catalog.pg_attribute as a
         join pg_catalog.pg_class as c on c.oid = a.attrelid
         left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
         where c.relkind = 'r' and c.relnamespace = 'stream'::regnamespace
             and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like '%nextval%')
         order by concat(c.relname, '.', a.attname) collate \"C\"",
        COUNTED,
    )
    .await
}
