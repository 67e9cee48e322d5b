//! What the product can store of a user: every such column, and calls that fill them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::send_message;
use uuid::Uuid;

/// Columns of type uuid, of arrays of it and of JSON that never hold the id of a user.
const NO_USER: &[&str] = &[
    "agora_tokens.id",
    "agora_tokens.privileges",
    "blocked_terms.id",
    "chat_messages.id",
    "chat_subscriptions.id",
    "chat_tail_reads.look_after",
    "chat_tail_reads.unsent",
    // The operator's own, set by hand.
    "config.canary_user_id",
    "governor.sessions",
    "late_events.payload",
    // Of the row, which nobody owns.
    "reaction_counts.id",
    "requests.request_id",
    "stream_sessions.auction_id",
    "stream_sessions.id",
    // The application's, as are the JSON of its auction updates.
    "stream_sessions.metadata",
    "stream_viewers.id",
    "ticker.unit_secret",
];

/// Every other such column, each once in the stream of the user and once in that of somebody else.
pub async fn columns(database: &TestDatabase) -> Result<BTreeSet<String>> {
    let rows = database
        .owner
        .query(
            "select c.relname || '.' || a.attname from pg_catalog.pg_class as c
             join pg_catalog.pg_attribute as a on a.attrelid = c.oid
             where c.relnamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)
                 and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
                 and a.atttypid in ('uuid'::regtype, 'uuid[]'::regtype, 'json'::regtype, 'jsonb'::regtype)
                 and a.attname <> 'session_id'",
            &[],
        )
        .await?;
    let all: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    for known in NO_USER {
        ensure!(all.contains(*known), "{known} is not there");
    }
    Ok(all
        .into_iter()
        .filter(|column| !NO_USER.contains(&column.as_str()))
        .collect())
}

/// The columns that hold the user's id anywhere.
pub async fn holding(database: &TestDatabase, user: Uuid) -> Result<BTreeSet<String>> {
    let mut holding = BTreeSet::new();
    for column in columns(database).await? {
        let (table, name) = column.split_once('.').context("no table")?;
        let is_there: bool = database
            .value(&format!(
                "select exists (select from stream.{table} as t where strpos(t.{name}::text, '{user}') > 0)"
            ))
            .await?;
        if is_there {
            holding.insert(column);
        }
    }
    Ok(holding)
}

/// The user in every way in which the product can know one, in `id` and in a stream of their own that has ended.
pub async fn leave_traces(database: &TestDatabase, user: Uuid, id: Uuid) -> Result<()> {
    let (other, moderator) = database.moderator("mia").await?;
    let theirs = database.viewer(id, user).await?;
    let session = json!({"session_id": id});
    let by_other = send_message(&database.viewer(id, other).await?, id, "of somebody else").await?;
    let message = send_message(&theirs, id, "secret-words-of-the-user").await?;
    send_message(&theirs, id, "secret-words-that-a-moderator-deleted").await?;
    theirs.rpc("subscribe_to_chat", session.clone()).await?;
    theirs
        .rpc("mark_read_up_to", json!({"session_id": id, "seq": 2}))
        .await?;
    theirs
        .rpc("generate_buyer_token", json!({"channel_id": id}))
        .await?;
    let about_message = json!({"session_id": id, "message_id": by_other["id"], "reason": "spam"});
    theirs.rpc("report_message", about_message).await?;
    moderator
        .rpc(
            "mute_user",
            json!({"session_id": id, "user_id": user, "reason": "reason-about-the-user"}),
        )
        .await?;
    let seller = database.user(demo::SELLER).await?;
    seller
        .rpc(
            "pin_message",
            json!({"session_id": id, "message_id": message["id"]}),
        )
        .await?;
    // As a moderator of somebody else's stream.
    database
        .change(&format!(
            "update public.users set is_moderator = true where id = '{user}'"
        ))
        .await?;
    theirs
        .rpc(
            "mute_user",
            json!({"session_id": id, "user_id": demo::CLEO, "reason": "reason-of-the-user"}),
        )
        .await?;
    theirs
        .rpc("block_term", json!({"session_id": id, "term": "darn"}))
        .await?;
    let resolved = json!({"session_id": id, "message_id": by_other["id"]});
    theirs.rpc("resolve_report", resolved).await?;
    database
        .change(&format!(
            "insert into stream.webhook_cursors (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
             select v.session_id, v.agora_uid, 1, true, now(), now(), now() + interval '1 hour'
             from stream.stream_viewers as v where v.session_id = '{id}' and v.user_id = '{user}';
             insert into stream.webhook_events (notice_id, product_id, event_type, session_id, uid, client_seq, status)
             select 'n1', 1, 105, v.session_id, v.agora_uid, 7, 'applied'
             from stream.stream_viewers as v where v.session_id = '{id}' and v.user_id = '{user}';
             insert into stream.late_events (session_id, topic, subject, event, payload, user_id, noted_at)
             values ('{id}', 'user:{user}', 'mute', 'restricted', '{{}}', '{user}', now());
             insert into stream.moderation_log (action, actor, term) values ('term_blocked', '{user}', 'all');
             insert into stream.moderation_log (action, user_id, reason) values ('noted', '{user}', 'reason-about-the-user');
             insert into stream.blocked_terms (term, pattern, actor) values ('all', 'all', '{user}');
             insert into stream.requests (caller, request_id, operation, arguments_hash, result)
             values ('{user}', gen_random_uuid(), 'x', repeat('0', 64), '{{\"seller_id\": \"{user}\"}}');
             insert into stream.requests (caller, request_id, operation, arguments_hash, result, about)
             values ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'x', repeat('0', 64), '{{\"user_id\": \"{user}\"}}', '{user}')"
        ))
        .await?;
    let auction = database.add_auction(user).await?;
    let sold = theirs
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    let sold: Uuid = sold["id"].as_str().context("no id")?.parse()?;
    theirs
        .rpc("end_stream", json!({"session_id": sold}))
        .await?;
    // Under the uid of the host.
    database
        .change(&format!(
            "insert into stream.webhook_cursors (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
             values ('{sold}', 1, 1, true, now(), now(), now() + interval '1 hour');
             insert into stream.webhook_events (notice_id, product_id, event_type, session_id, uid, client_seq, status)
             values ('n2', 1, 103, '{sold}', 1, 7, 'applied');
             update stream.stream_sessions set metadata = '{{\"shelf\": \"of the user\"}}' where id = '{sold}'"
        ))
        .await?;
    Ok(())
}
