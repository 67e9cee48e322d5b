//! The messages that are sent, in every way in which one can be taken, refused or fail.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use uuid::Uuid;

use super::stack::Stack;

pub async fn send_all(stack: &mut Stack) -> Result<()> {
    send_and_read(stack).await?;
    be_refused(stack).await?;
    send_no_message(stack).await?;
    send_a_batch(stack).await?;
    fail(stack).await?;
    after_the_end(stack).await
}

/// Through both doors; fails unless both answer as expected. Nothing: a success.
async fn send_over_edge(
    stack: &mut Stack,
    user: Uuid,
    text: &str,
    code: Option<ErrorCode>,
) -> Result<()> {
    let path = format!("/v1/streams/{}/messages", stack.stream);
    let arguments = json!({"session_id": stack.stream, "user_id": null, "content": text});
    let edge = stack.post_as(user, &path, json!({"content": text})).await?;
    let gateway = stack.rpc(user, "send_message", arguments).await?;
    for answer in [edge, gateway] {
        let expected = code.map_or(200, ErrorCode::http_status);
        ensure!(answer.status == expected, "{code:?}: {}", answer.status);
    }
    Ok(())
}

async fn send_and_read(stack: &mut Stack) -> Result<()> {
    let stream = stack.stream;
    let text = stack.text("a message");
    send_over_edge(stack, demo::ADA, &text, None).await?;
    let quoted = format!("'\"\\ {} $1 \u{1f600}", stack.text("a message with quotes"));
    send_over_edge(stack, demo::SELLER, &quoted, None).await?;
    let update = json!({"text": stack.text("an auction update"), "bid": 7});
    let service = stack.services.keys.service_role_key.clone();
    let arguments = json!({"session_id": stream, "update": update});
    let posted = stack
        .services
        .rpc(&service, "post_auction_update", arguments);
    posted.await?.ok()?;
    for escape in ["\0", "\u{7}\0"] {
        let text = stack.text("an auction update that cannot be stored");
        let update = json!({"text": format!("{text}{escape}")});
        let path = format!("/v1/streams/{stream}/auction-updates");
        let refused = stack.send(&service, &path, update.clone()).await?;
        ensure!(refused.status == 400, "{}", refused.status);
        let arguments = json!({"session_id": stream, "update": update});
        let refused = stack
            .services
            .rpc(&service, "post_auction_update", arguments);
        let status = refused.await?.status;
        ensure!(status == 400, "{status}");
    }
    let moderated = stack.text("a message that is pinned and deleted");
    let arguments = json!({"session_id": stream, "user_id": null, "content": moderated});
    let sent = stack.rpc(demo::ADA, "send_message", arguments).await?;
    let id = sent.ok()?["id"].clone();
    for (function, arguments) in [
        ("get_message_history", json!({"session_id": stream})),
        ("sync", json!({"session_id": stream})),
        (
            "pin_message",
            json!({"session_id": stream, "message_id": id}),
        ),
        (
            "delete_message",
            json!({"session_id": stream, "message_id": id, "reason": stack.text("a reason")}),
        ),
    ] {
        stack.rpc(demo::SELLER, function, arguments).await?.ok()?;
    }
    Ok(())
}

async fn be_refused(stack: &mut Stack) -> Result<()> {
    let stream = stack.stream;
    let term = stack.text("a blocked term");
    let reason = stack.text("a reason");
    for user in [demo::BEN, demo::CLEO] {
        stack
            .rpc(user, "join_stream", json!({"session_id": stream}))
            .await?;
    }
    for (function, arguments) in [
        ("block_term", json!({"session_id": stream, "term": term})),
        (
            "mute_user",
            json!({"session_id": stream, "user_id": demo::BEN, "reason": reason}),
        ),
        (
            "ban_user",
            json!({"session_id": stream, "user_id": demo::CLEO, "reason": reason}),
        ),
    ] {
        stack.rpc(demo::SELLER, function, arguments).await?.ok()?;
    }
    let stranger = stack.services.database.add_user("stranger").await?;
    let marked = stack.text("a message with a direction override");
    let long = stack.text("an oversized message");
    for (user, text, code) in [
        (
            demo::BEN,
            stack.text("a muted user's message"),
            ErrorCode::Muted,
        ),
        (
            demo::CLEO,
            stack.text("a banned user's message"),
            ErrorCode::Banned,
        ),
        (
            stranger,
            stack.text("a stranger's message"),
            ErrorCode::NotViewer,
        ),
        (
            demo::ADA,
            format!("{} {term}", stack.text("a blocked message")),
            ErrorCode::ContentBlocked,
        ),
        (
            demo::ADA,
            format!("{marked}\u{202e}"),
            ErrorCode::ContentInvalid,
        ),
        (
            demo::ADA,
            format!("{long}{}", "x".repeat(2001)),
            ErrorCode::ContentTooLong,
        ),
    ] {
        send_over_edge(stack, user, &text, Some(code)).await?;
    }
    let closed = stack.text("a message in a closed chat");
    for (mode, code) in [("nobody", Some(ErrorCode::ChatClosed)), ("viewers", None)] {
        let arguments = json!({"session_id": stream, "mode": mode});
        stack
            .rpc(demo::SELLER, "set_chat_mode", arguments)
            .await?
            .ok()?;
        send_over_edge(stack, demo::ADA, &closed, code).await?;
    }
    Ok(())
}

/// What is not even a message, with text in it. An escape that no text can hold (`\u0000`) in a whole call to Supabase's
/// door is one that Postgres quotes before any function is called; the preloaded library keeps it out of the log.
async fn send_no_message(stack: &mut Stack) -> Result<()> {
    let path = format!("/v1/streams/{}/messages", stack.stream);
    let id = Uuid::new_v4();
    for answered in ["a message with an id", "another message with the same id"] {
        let body = json!({"content": stack.text(answered), "id": id});
        stack.post_as(demo::ADA, &path, body).await?;
    }
    let text = stack.text("text in a malformed request");
    let stream = stack.stream;
    for body in [
        format!("{{\"content\": \"{text}"),
        format!("{{\"content\": [\"{text}\"]}}"),
        format!("{{\"content\": \"{text}\", \"id\": \"{text}\"}}"),
        format!("{{\"content\": \"{text}\\u0000\"}}"),
        format!("{{\"content\": \"{text}\\ud800\"}}"),
        format!(
            "{{\"session_id\": \"{stream}\", \"user_id\": null, \"content\": \"{text}\\u0000\"}}"
        ),
        format!("{{\"session_id\": \"{text}\", \"user_id\": null, \"content\": \"{text}\"}}"),
        format!("{{\"session_id\": \"{stream}\", \"user_id\": \"me\", \"content\": \"{text}\"}}"),
        format!("{{\"session_id\": \"{stream}\", \"user_id\": null, \"content\": [\"{text}\"]}}"),
        format!("\"{text}\""),
        text.clone(),
        format!("{{\"content\": \"{text}{}\"}}", "x".repeat(2_000_000)),
    ] {
        // The services may close the connection on what is too large, before all of it was sent.
        let sent = stack.send_bytes(demo::ADA, &path, &body).await;
        ensure!(sent.is_ok() || body.len() > 1_000_000, "{sent:?}");
    }
    Ok(())
}

async fn send_a_batch(stack: &mut Stack) -> Result<()> {
    let stream = stack.stream;
    let nested = (0..500).fold(json!(stack.text("a nested item")), |inner, _| {
        json!([inner])
    });
    let (typed, flat) = (
        stack.text("an item of another type"),
        stack.text("an item that is no object"),
    );
    let mut item = |user: Value, what: &str, more: &str| json!({"session_id": stream, "user_id": user, "content": format!("{}{more}", stack.text(what))});
    let items = json!([
        item(json!(demo::ADA), "an item", ""),
        item(json!(demo::BEN), "a muted user's item", ""),
        item(json!(demo::CLEO), "a banned user's item", ""),
        item(json!(demo::ADA), "an oversized item", &"x".repeat(2001)),
        item(json!(demo::ADA), "an item with a direction override", "\u{202e}"),
        item(json!("nobody"), "an item of nobody", ""),
        {"session_id": stream, "user_id": demo::ADA, "content": {"text": typed}},
        flat,
        nested,
    ]);
    let service = stack.services.keys.service_role_key.clone();
    for (items, is_taken) in [(items, true), (json!(stack.text("no batch")), false)] {
        let arguments = json!({"items": items});
        let answer = stack
            .services
            .rpc(&service, "send_messages", arguments)
            .await?;
        ensure!((answer.status == 200) == is_taken, "{}", answer.status);
    }
    Ok(())
}

/// Messages that are right, and that the database cannot take.
async fn fail(stack: &mut Stack) -> Result<()> {
    let stream = stack.stream;
    let message = |text: String| json!({"session_id": stream, "user_id": null, "content": text});
    let late = message(stack.text("a message that waited too long"));
    let killed = message(stack.text("a message whose server process died"));
    let broken = message(stack.text("a message that a trigger failed"));
    let unsent = message(stack.text("a message that could not be broadcast"));
    let database = &stack.services.database;
    let superuser = database.superuser().await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; update stream.chat_heads set last_seq = last_seq")
        .await?;
    let ada = database.user(demo::ADA).await?;
    ada.begin().await?;
    ada.execute_within("set local lock_timeout = '1ms'").await?;
    let refused = ada.rpc_within("send_message", late).await;
    expect_refusal(ErrorCode::LockTimeout, refused)?;
    ada.rollback().await?;

    let backend = ada.backend().await?;
    let (answer, ended) = tokio::join!(ada.rpc("send_message", killed), async {
        wait_until_blocked(&superuser, backend).await?;
        let end = "select pg_terminate_backend($1, 10000)";
        superuser.execute(end, &[&backend]).await?;
        anyhow::Ok(())
    });
    ended?;
    ensure!(answer.is_err());
    holder.batch_execute("rollback").await?;

    let seller = database.user(demo::SELLER).await?;
    superuser
        .batch_execute(
            "create function public.fail() returns trigger language plpgsql
                 as $$ begin raise 'the application failed'; end $$;
             create trigger fail before insert on stream.chat_messages
                 for each row execute function public.fail()",
        )
        .await?;
    ensure!(seller.rpc("send_message", broken).await.is_err());
    superuser
        .batch_execute(
            "drop trigger fail on stream.chat_messages;
             create trigger fail before insert on realtime.messages
                 for each row execute function public.fail()",
        )
        .await?;
    // Whether it fails is another test's question.
    let _ = seller.rpc("send_message", unsent).await;
    superuser
        .batch_execute("drop trigger fail on realtime.messages")
        .await?;
    Ok(())
}

async fn after_the_end(stack: &mut Stack) -> Result<()> {
    let text = stack.text("a message after the end");
    let arguments = json!({"session_id": stack.stream});
    stack
        .rpc(demo::SELLER, "end_stream", arguments)
        .await?
        .ok()?;
    send_over_edge(stack, demo::ADA, &text, Some(ErrorCode::StreamEnded)).await
}
