//! Forgetting a user, and exporting the rows about one.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::{move_to, send_message};
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
    "requests.request_id",
    "stream_sessions.auction_id",
    "stream_sessions.id",
    // The application's, as are the JSON of its auction updates.
    "stream_sessions.metadata",
    "stream_viewers.id",
];

/// Every other such column, each once in the stream of the user and once in that of somebody else.
async fn columns(database: &TestDatabase) -> Result<BTreeSet<String>> {
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
async fn holding(database: &TestDatabase, user: Uuid) -> Result<BTreeSet<String>> {
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

async fn forget(database: &TestDatabase, user: Uuid) -> Result<usize> {
    let service = database.service().await?;
    for calls in 1..1000 {
        let part = service.rpc("forget_user", json!({"user_id": user})).await?;
        if part["has_more"] == false {
            return Ok(calls);
        }
        ensure!(
            part["changed"].as_i64() > Some(0),
            "{part} goes on without end"
        );
    }
    anyhow::bail!("forgetting has no end")
}

async fn export(database: &TestDatabase, user: Uuid) -> Result<Vec<Value>> {
    let service = database.service().await?;
    Ok(service
        .rpc_rows("export_user", json!({"user_id": user}))
        .await?)
}

/// The user in every way in which the product can know one, in `id` and in a stream of their own that has ended.
async fn leave_traces(database: &TestDatabase, user: Uuid, id: Uuid) -> Result<()> {
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
    Ok(())
}

#[tokio::test]
async fn a_forgotten_user_is_in_no_column_and_no_frame_and_the_log_keeps_its_numbers() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let user = database.add_user("a-name-like-no-other").await?;
    let id = database.stream_in(StreamState::Active).await?;
    leave_traces(&database, user, id).await?;
    // A column that is added later must be filled above, and then be erased and exported. The note about users
    // whose account is gone has a test of its own.
    let mut expected = columns(&database).await?;
    expected.remove("authors_deleted.user_id");
    assert_eq!(holding(&database, user).await?, expected);
    let exported = export(&database, user).await?;
    let tables: BTreeSet<String> = exported
        .iter()
        .filter_map(|line| line["table"].as_str().map(str::to_owned))
        .collect();
    let in_tables: BTreeSet<String> = expected
        .iter()
        .filter_map(|column| column.split('.').next().map(str::to_owned))
        .chain(["webhook_cursors", "webhook_events"].map(str::to_owned))
        .collect();
    assert_eq!(tables, in_tables);

    let before = database.log(id).await?;
    assert!(forget(&database, user).await? > 1);
    assert_eq!(holding(&database, user).await?, BTreeSet::new());
    for text in [
        "secret-words",
        "reason-about-the-user",
        "reason-of-the-user",
        &user.to_string(),
    ] {
        let left: Vec<_> = database.tables_with(text).await?;
        let ours: Vec<_> = left
            .iter()
            .filter(|table| table.starts_with("stream.") || table.starts_with("realtime."))
            .collect();
        assert!(ours.is_empty(), "{text} is in {ours:?}");
    }
    let name: Vec<_> = database.tables_with("a-name-like-no-other").await?;
    assert_eq!(name, ["public.users"]);
    assert_eq!(export(&database, user).await?, Vec::<Value>::new());
    let after = database.log(id).await?;
    let kept: Vec<_> = after[..before.len()]
        .iter()
        .map(|entry| &entry["seq"])
        .collect();
    let were: Vec<_> = before.iter().map(|entry| &entry["seq"]).collect();
    assert_eq!(kept, were);
    // Whoever watches hears which numbers lost their text, and that nothing is pinned.
    let events: Vec<_> = after[before.len()..]
        .iter()
        .map(|entry| entry["metadata"]["kind"].clone())
        .collect();
    assert_eq!(events, ["messages_deleted", "message_unpinned"]);
    let service = database.service().await?;
    let synced = service.rpc("sync", json!({"session_id": id, "after_seq": 0}));
    let synced = synced.await?;
    assert_eq!(
        synced["messages"].as_array().map(Vec::len),
        Some(after.len())
    );
    Ok(())
}

#[tokio::test]
async fn an_export_names_nobody_else_and_holds_no_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("someone").await?;
    let id = database.stream_in(StreamState::Active).await?;
    leave_traces(&database, user, id).await?;
    let exported = json!(export(&database, user).await?).to_string();
    let others: Vec<String> = database
        .owner
        .query("select id::text from auth.users where id <> $1", &[&user])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    for other in others {
        assert!(!exported.contains(&other), "{other} is in {exported}");
    }
    for not in [
        "of somebody else",
        "token_hash",
        "salt",
        "reason-of-the-user",
    ] {
        assert!(!exported.contains(not), "{not}");
    }
    for own in ["secret-words-of-the-user", "reason-about-the-user", "spam"] {
        assert!(exported.contains(own), "{own}");
    }
    Ok(())
}

#[tokio::test]
async fn a_user_whose_account_is_gone_can_still_be_forgotten() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("a-name-like-no-other").await?;
    let id = database.stream_in(StreamState::Active).await?;
    let theirs = database.viewer(id, user).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for number in 0..3 {
        send_message(&theirs, id, &format!("secret-words {number}")).await?;
        send_message(&ada, id, "of somebody else").await?;
    }
    database
        .superuser()
        .await?
        .execute("delete from auth.users where id = $1", &[&user])
        .await?;
    assert!(!database.tables_with("secret-words").await?.is_empty());
    let exported = json!(export(&database, user).await?).to_string();
    assert!(exported.contains("secret-words 2") && !exported.contains("of somebody else"));
    forget(&database, user).await?;
    for text in ["secret-words", "a-name-like-no-other", &user.to_string()] {
        assert_eq!(
            database.tables_with(text).await?,
            Vec::<String>::new(),
            "{text}"
        );
    }
    let of_others = database.log(id).await?;
    let of_others = of_others
        .iter()
        .filter(|entry| entry["content"] == "of somebody else");
    assert_eq!(of_others.count(), 3);
    Ok(())
}

#[tokio::test]
async fn a_large_erasure_goes_in_parts_and_ends_the_place_of_a_viewer() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("someone").await?;
    let id = database.stream_in(StreamState::Active).await?;
    let theirs = database.viewer(id, user).await?;
    database.tick().await?;
    for number in 0..150 {
        send_message(&theirs, id, &format!("secret-words {number}")).await?;
    }
    let service = database.service().await?;
    let part = service.rpc("forget_user", json!({"user_id": user})).await?;
    assert_eq!(part["has_more"], true);
    let left: i64 = database
        .value("select count(*) from stream.chat_messages where user_id is not null")
        .await?;
    assert_eq!(left, 50);
    forget(&database, user).await?;
    assert!(database.tables_with("secret-words").await?.is_empty());
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 0);
    Ok(())
}

#[tokio::test]
async fn the_seller_of_a_live_stream_is_not_forgotten_and_users_forget_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let arguments = json!({"user_id": demo::SELLER});
    let refused = service.rpc("forget_user", arguments.clone());
    database.refuses(ErrorCode::StreamLive, refused).await?;
    for who in [demo::SELLER, demo::ADA] {
        let caller = database.user(who).await?;
        for function in ["forget_user", "export_user"] {
            let refused = caller.rpc(function, json!({"user_id": who})).await;
            expect_refusal(ErrorCode::PermissionDenied, refused)?;
        }
    }
    for nobody in [json!(null), json!(Uuid::nil())] {
        let refused = service.rpc("forget_user", json!({"user_id": nobody}));
        database
            .refuses(ErrorCode::InvalidArgument, refused)
            .await?;
    }
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_message(&ada, id, "hello").await?;
    move_to(&seller, id, StreamState::Ended).await?;
    forget(&database, demo::SELLER).await?;
    let sessions: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(sessions, 0);
    Ok(())
}
