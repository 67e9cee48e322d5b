//! Deleting a message reads one index range of Realtime's table, whose other rows are many.

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::demo;
use stream_tests::moderation::delete_message;
use stream_tests::stream::send_message;

use super::ChatWithText;

/// Frames of five hundred other chats, from yesterday until now and beyond.
const FILL: &str = "
    insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
    select 'chat:' || md5((n % 500)::text)::uuid, 'broadcast',
        jsonb_build_object('from_seq', n, 'to_seq', n, 'text', repeat('x', 300)), 'messages', true, t, t
    from generate_series(1, 60000) as n
    cross join lateral (
        select (now() at time zone 'UTC') - interval '24 hours' + n * interval '1700 milliseconds' as t
    ) as x;
    analyze realtime.messages";

#[tokio::test]
async fn a_deletion_reads_one_range_of_the_index() -> Result<()> {
    let mut chat = ChatWithText::start().await?;
    chat.database
        .keep_broadcasts_uncompared("the frames of the other chats are made up");
    chat.database.superuser().await?.batch_execute(FILL).await?;
    let pages: i64 = chat
        .database
        .value(
            "select sum(pg_relation_size(i.inhrelid) / 8192)::bigint from pg_inherits as i
             where i.inhparent = 'realtime.messages'::regclass",
        )
        .await?;
    let mut messages = Vec::new();
    for number in 0..20 {
        messages.push(send_message(&chat.ada, chat.id, &number.to_string()).await?);
    }
    // Until every statement has its plan for good.
    for message in &messages[..10] {
        delete_message(&chat.seller, chat.id, message).await?;
    }
    for (what, function, arguments) in [
        (
            "a message",
            "delete_message",
            format!(
                "'{}', '{}'",
                chat.id,
                messages[10]["id"].as_str().context("no id")?
            ),
        ),
        (
            "nine of a user",
            "delete_user_messages",
            format!("'{}', '{}'", chat.id, demo::ADA),
        ),
    ] {
        chat.seller.begin().await?;
        let plan = chat
            .seller
            .explain_within(&format!("select stream.{function}({arguments})"))
            .await?;
        chat.seller.commit().await?;
        let read = |name: &str| plan[0]["Plan"][name].as_i64().unwrap_or(0);
        let read = read("Shared Hit Blocks") + read("Shared Read Blocks");
        assert!(
            read > 0 && read < pages / 3,
            "{what}: {read} of {pages} pages"
        );
    }
    let left = chat.database.frames(chat.id).await?;
    assert!(
        left.iter()
            .all(|frame| frame["messages"][0]["user_id"] != json!(demo::ADA))
    );
    Ok(())
}
