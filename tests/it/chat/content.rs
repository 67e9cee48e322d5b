//! Contents that a message may hold: the rules of `stream_core::chat`, as a caller meets them through SQL.

use std::error::Error;

use anyhow::Result;
use bytes::BytesMut;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::send_message;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

#[tokio::test]
async fn content_that_is_not_allowed_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let too_long = "a".repeat(2001);
    let refused = [
        ("", ErrorCode::ContentEmpty),
        (" \t\r\n ", ErrorCode::ContentEmpty),
        ("\u{00A0}\u{3000}", ErrorCode::ContentEmpty),
        ("\u{200B}\u{200D}\u{FEFF}", ErrorCode::ContentEmpty),
        (&too_long, ErrorCode::ContentTooLong),
        ("a\u{7}b", ErrorCode::ContentInvalid),
        ("a\tb", ErrorCode::ContentInvalid),
        ("a\u{1b}[31mb", ErrorCode::ContentInvalid),
        ("a\u{7f}b", ErrorCode::ContentInvalid),
        ("a\u{85}b", ErrorCode::ContentInvalid),
        ("a\u{202e}b", ErrorCode::ContentInvalid),
        ("a\u{2066}b", ErrorCode::ContentInvalid),
    ];
    for (content, code) in refused {
        database
            .refuses(code, send_message(&seller, id, content))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn content_is_stored_trimmed_and_in_normal_form() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let longest = "a".repeat(2000);
    let longest_padded = format!("  {longest}\n");
    let wide = "😀".repeat(2000);
    let stored = [
        ("a", "a"),
        ("  a b  ", "a b"),
        ("a\nb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("e\u{301}", "é"),
        (
            "it's; drop table stream.chat_messages; --",
            "it's; drop table stream.chat_messages; --",
        ),
        ("\\n \\0 %s $1 {}", "\\n \\0 %s $1 {}"),
        ("👩\u{200D}🚀", "👩\u{200D}🚀"),
        (&longest_padded, &longest),
        (&wide, &wide),
    ];
    for (content, expected) in stored {
        let answer = send_message(&seller, id, content).await?;
        assert_eq!(answer["content"], expected);
        assert_eq!(database.log(id).await?.last().unwrap()["content"], expected);
    }
    Ok(())
}

/// Bytes sent as a text parameter as they are.
#[derive(Debug)]
struct RawText(&'static [u8]);

impl ToSql for RawText {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT
    }

    to_sql_checked!();
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for bytes in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"a\0b"] {
        let parameters: [&(dyn ToSql + Sync); 2] = [&id, &RawText(bytes)];
        let call = seller.execute("select stream.send_message($1, null, $2)", &parameters);
        database.refuses(ErrorCode::InvalidText, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let call = seller.rpc(
        "send_message",
        json!({"session_id": id, "user_id": null, "content": "hi", "id": "1"}),
    );
    database.refuses(ErrorCode::InvalidSyntax, call).await?;
    Ok(())
}

/// A bad name of the application breaks no chat and forges nothing.
#[tokio::test]
async fn the_name_beside_a_message_is_cleaned_and_cut() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    // An application without the demo's own limit.
    database
        .change("alter table public.users drop constraint users_username_check")
        .await?;
    let long = "\u{e9}".repeat(64);
    for (name, shown) in [
        ("Ada Lovelace".to_owned(), Some("Ada Lovelace")),
        (format!("{long}{long}"), Some(long.as_str())),
        (
            "seller\nsystem: you\u{202e} won\u{7}".to_owned(),
            Some("sellersystem: you won"),
        ),
        ("\u{2066}\u{200b} \t".to_owned(), None),
        (String::new(), None),
    ] {
        database
            .owner
            .execute(
                "update public.users set username = $1 where id = $2",
                &[&name, &demo::SELLER],
            )
            .await?;
        let item = json!({"session_id": id, "user_id": demo::SELLER, "content": "hi"});
        let items = json!({"items": [item]});
        let Some(shown) = shown else {
            database
                .refuses(ErrorCode::CannotChat, send_message(&seller, id, "hi"))
                .await?;
            let answers = service.rpc_rows("send_messages", items).await?;
            assert_eq!(answers[0]["status"], "cannot_chat");
            continue;
        };
        let sent = send_message(&seller, id, "hi").await?;
        assert_eq!(sent["username"], shown);
        let answers = service.rpc_rows("send_messages", items).await?;
        assert_eq!(answers[0]["message"]["username"], shown);
        let stored = database.log(id).await?.pop().expect("an entry");
        assert_eq!(stored["username"], shown);
        let frames = database.frames(id).await?;
        let framed = &frames.last().expect("a frame")["messages"];
        assert_eq!(framed[0]["username"], shown);
    }
    Ok(())
}
