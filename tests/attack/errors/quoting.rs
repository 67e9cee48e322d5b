//! Arguments of a caller stand in no error and in no log of the server, and a refusal fills no disk.

mod server;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::contract;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::refusal::expect_refusal;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use tokio_postgres::Error;
use uuid::Uuid;
use xtask::edition::Edition;

use server::{PASSED, Server, expect_unquoted};

/// Everything of an error that a caller sees.
fn text_of(error: &Error) -> String {
    format!("{error:?}")
}

#[tokio::test]
async fn a_refusal_leaves_nothing_in_the_servers_log_and_a_fault_does() -> Result<()> {
    let server = Server::start("log-volume").await?;
    let [seller, ben, service] = server.callers().await?;
    let stream = json!({"session_id": server.stream});
    let unknown = json!({"session_id": Uuid::new_v4()});
    let nothing = json!({"session_id": null});
    let logged = server
        .logged(async {
            for (caller, function, arguments, code) in [
                (&ben, "end_stream", &stream, ErrorCode::NotStreamOwner),
                (&ben, "get_session", &unknown, ErrorCode::SessionNotFound),
                (&seller, "end_stream", &unknown, ErrorCode::SessionNotFound),
                (&service, "end_stream", &nothing, ErrorCode::InvalidArgument),
            ] {
                expect_refusal(code, caller.rpc(function, arguments.clone()).await)?;
            }
            for text in ["", "a\u{7}b"] {
                ensure!(send_message(&seller, server.stream, text).await.is_err());
            }
            expect_refusal(
                ErrorCode::NotViewer,
                send_message(&ben, server.stream, "hi").await,
            )
        })
        .await?;
    assert_eq!(logged, "", "a refusal was logged");

    let fault = "select stream_ext.refuse('no such code')";
    let logged = server
        .logged(async {
            let raised = server.database.owner.simple_query(fault).await;
            expect_refusal(ErrorCode::Internal, raised)
        })
        .await?;
    assert!(logged.contains(ErrorCode::Internal.message()), "{logged}");
    assert!(logged.contains("no such error code"), "{logged}");
    Ok(())
}

#[tokio::test]
async fn errors_of_postgres_and_of_the_application_are_logged_as_ever() -> Result<()> {
    let server = Server::start("log-faults").await?;
    let [seller, ..] = server.callers().await?;
    server
        .database
        .change(
            "create or replace function stream.hook_username(user_id uuid)
             returns text language plpgsql stable set search_path = pg_catalog, pg_temp as
             'begin return (''{\"a\": \"\\u0000\"}''::json) ->> ''a''; end'",
        )
        .await?;
    let failed = |session: Uuid| send_message(&seller, session, "hi");
    let logged = server
        .logged(async {
            ensure!(failed(server.stream).await.is_err());
            Ok(())
        })
        .await?;
    assert!(
        logged.contains("unsupported Unicode escape sequence"),
        "{logged}"
    );
    assert!(logged.contains("hook_username"), "{logged}");
    let elsewhere = server
        .logged(async {
            ensure!(seller.run("select to_jsonb('x'::integer)").await.is_err());
            Ok(())
        })
        .await?;
    assert!(elsewhere.contains("invalid input syntax"), "{elsewhere}");
    Ok(())
}

/// As PostgREST passes them on: the whole body at once, which Postgres takes apart before a function is called.
async fn through_postgrest(
    caller: &Session,
    call: &str,
    columns: &str,
    body: &str,
) -> Result<String> {
    let statement = format!(
        "with a as (select * from json_to_record($1::text::json) as _ ({columns}))
         select to_jsonb(x) from a, \"stream\".{call} as x"
    );
    let refused = caller.execute(&statement, &[&body]).await;
    Ok(refused
        .err()
        .map(|error| text_of(&error))
        .unwrap_or_default())
}

#[tokio::test]
async fn arguments_that_postgres_cannot_read_are_not_logged() -> Result<()> {
    let server = Server::start("log-arguments").await?;
    let [seller, _, service] = server.callers().await?;
    let stream = server.stream;
    let logged = server
        .logged(async {
            for escape in ["\\u0000", "\\ud800", "\\udc00"] {
                let text = format!("{PASSED} PL/pgSQL function stream.x(){escape}");
                for (caller, call, columns, body) in [
                    (
                        &seller,
                        "\"send_message\"(a.session_id, null, a.content)",
                        "session_id uuid, content text",
                        format!("{{\"session_id\": \"{stream}\", \"content\": \"{text}\"}}"),
                    ),
                    (
                        &service,
                        "\"post_auction_update\"(a.session_id, a.update)",
                        "session_id uuid, update json",
                        format!(
                            "{{\"session_id\": \"{stream}\", \"update\": {{\"text\": \"{text}\"}}}}"
                        ),
                    ),
                    (
                        &service,
                        "\"send_messages\"(a.items)",
                        "items json",
                        format!("{{\"items\": [{{\"content\": \"{text}\"}}]}}"),
                    ),
                ] {
                    let error = through_postgrest(caller, call, columns, &body).await?;
                    ensure!(error.contains("22P0"), "{error}");
                }
            }
            for (columns, value) in [
                ("session_id uuid, content text", PASSED.to_owned()),
                (
                    "session_id uuid, content text",
                    format!("{PASSED} PL/pgSQL"),
                ),
            ] {
                let call = "\"send_message\"(a.session_id, null, a.content)";
                let body = json!({"session_id": value, "content": "hi"}).to_string();
                let error = through_postgrest(&seller, call, columns, &body).await?;
                ensure!(error.contains("22P02"), "{error}");
            }
            let arguments = json!({"session_id": PASSED, "user_id": null, "content": "hi"});
            expect_refusal(
                ErrorCode::InvalidSyntax,
                seller.rpc("send_message", arguments).await,
            )
        })
        .await?;
    assert_eq!(logged, "");
    Ok(())
}

/// Given as they are, the functions themselves refuse them, and quote nothing.
#[tokio::test]
async fn json_that_cannot_be_stored_is_refused_by_our_own_code() -> Result<()> {
    let server = Server::start("json-arguments").await?;
    let [_, _, service] = server.callers().await?;
    let text = format!("{PASSED}\0");
    let update =
        json!({"session_id": server.stream, "update": {"text": text, "deep": [{"a\0": 1}]}});
    let notice = json!({"notice": {
        "noticeId": text, "productId": 1, "eventType": 103, "notifyMs": 1, "payload": {"channelName": text},
    }});
    let logged = server
        .logged(async {
            for (function, arguments) in [("post_auction_update", &update), ("apply_webhook", &notice)] {
                let call = service.rpc(function, arguments.clone());
                let refused = call.await.expect_err("it is refused");
                ensure!(!text_of(&refused).contains(PASSED), "{refused:?}");
                let call = service.rpc(function, arguments.clone());
                server.database.refuses(ErrorCode::InvalidArgument, call).await?;
            }
            let items = json!({"items": [
                {"session_id": server.stream, "user_id": demo::SELLER, "content": text},
                {"session_id": server.stream, "user_id": text, "content": "hi"},
                {"session_id": server.stream, "user_id": demo::SELLER, "content": "hi", "more": text},
            ]});
            let answers = service.rpc_rows("send_messages", items).await?;
            let answers: Vec<_> = answers.iter().map(|answer| &answer["status"]).collect();
            ensure!(answers == ["content_invalid", "invalid_argument", "ok"], "{answers:?}");
            let items = json!({"items": [{"session_id": text, "user_id": demo::SELLER}]});
            let answers = service.rpc_rows("heartbeats", items).await?;
            ensure!(answers[0]["status"] == "invalid_argument", "{answers:?}");
            Ok(())
        })
        .await?;
    expect_unquoted(&logged)
}

#[tokio::test]
async fn no_function_of_the_api_takes_jsonb() -> Result<()> {
    let database = TestDatabase::create().await?;
    let taking = |kind: &str| {
        format!(
            "select count(*) from pg_catalog.pg_proc as p
             where p.pronamespace in ('stream'::regnamespace, 'stream_private'::regnamespace)
                 and '{kind}'::regtype = any (p.proargtypes::oid[])
                 -- What nobody else may call gets what we made ourselves.
                 and has_function_privilege('service_role', p.oid, 'execute')"
        )
    };
    assert_eq!(database.value::<i64>(&taking("jsonb")).await?, 0);
    // The wrapper and the body of every operation that takes one.
    let operations = contract::part("operations");
    let operations = operations["operations"].as_object().context("no object")?;
    let takes_json = |operation: &&Value| {
        let arguments = operation["arguments"].as_array().into_iter().flatten();
        arguments
            .into_iter()
            .any(|argument| argument["type"] == "json")
    };
    let expected = 2 * operations.values().filter(takes_json).count();
    assert_eq!(
        database.value::<i64>(&taking("json")).await?,
        i64::try_from(expected)?
    );
    Ok(())
}

#[tokio::test]
async fn a_row_of_the_application_is_refused_for_what_it_publishes_alone() -> Result<()> {
    let server = Server::start("json-trigger").await?;
    let database = &server.database;
    database
        .change(
            "create table public.lots (auction_id text, note json, secret json);
             create constraint trigger lots_log after insert on public.lots
             deferrable initially deferred for each row
             execute function stream.auction_update_trigger('auction_id', 'note');
             grant insert on public.lots to authenticated",
        )
        .await?;
    let ben = database.user(demo::BEN).await?;
    let auction = database.session_row(server.stream).await?["auction_id"].clone();
    let auction = auction.as_str().unwrap_or_default().to_owned();
    let bad = format!("{{\"a\": \"{PASSED}\\u0000\"}}");
    let insert = "insert into public.lots (auction_id, note, secret) values ($1, $2::text::json, $3::text::json)";
    let add = async |auction: &str, note: &str, secret: &str| {
        ben.execute(insert, &[&auction, &note, &secret]).await
    };
    let logged = server
        .logged(async {
            for (auction, note) in [(auction.as_str(), bad.as_str()), (PASSED, "{}")] {
                let refused = add(auction, note, "{}").await.expect_err("it is refused");
                ensure!(!text_of(&refused).contains(PASSED), "{refused:?}");
                let call = add(auction, note, "{}");
                database.refuses(ErrorCode::InvalidArgument, call).await?;
            }
            let note = "{\"price\": 12345678901234567890.10}";
            match Edition::chosen()? {
                Edition::Native => drop(add(&auction, note, &bad).await?),
                // It cannot read a member past one that it cannot decode.
                Edition::Sql => {
                    let call = add(&auction, note, &bad);
                    database.refuses(ErrorCode::InvalidArgument, call).await?;
                    add(&auction, note, "{}").await?;
                }
            }
            Ok(())
        })
        .await?;
    expect_unquoted(&logged)?;
    let log = database.log(server.stream).await?;
    let posted = &log.last().expect("an entry")["metadata"];
    assert_eq!(posted["kind"], "auction_update");
    assert!(posted.get("secret").is_none(), "{posted}");
    Ok(())
}

fn hostile_claims() -> Vec<Value> {
    let sub = demo::ADA;
    vec![
        json!(PASSED),
        json!(format!("{{\"sub\": \"{PASSED}")),
        json!(format!(
            "{{\"sub\": \"{sub}\", \"x\": \"{PASSED}\\ud800\"}} {PASSED}"
        )),
        json!([PASSED]),
        json!({"sub": PASSED}),
        json!({"sub": format!("{sub}{PASSED}")}),
        json!({"sub": format!("{PASSED}\0")}),
        json!({"sub": {"sub": PASSED}}),
        json!({"sub": [PASSED]}),
        json!({"sub": 5, "email": PASSED}),
        json!({"sub": sub, "is_anonymous": PASSED}),
    ]
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_refused_and_not_quoted() -> Result<()> {
    let server = Server::start("claims").await?;
    let database = &server.database;
    database
        .change(
            "create table public.notes (owner uuid default stream.user_id());
             alter table public.notes enable row level security;
             create policy own on public.notes for all to authenticated
             using (owner = (select stream.user_id()));
             grant select, insert on public.notes to authenticated;
             insert into public.notes (owner) values (null)",
        )
        .await?;
    let logged = server
        .logged(async {
            for claims in hostile_claims() {
                let caller = Identity::with_claims("authenticated", claims.clone());
                let caller = database.session(caller).await?;
                let topic = format!("chat:{}", server.stream);
                for statement in [
                    "select to_jsonb(stream.user_id())".to_owned(),
                    format!("select to_jsonb(stream_private.can_read_topic('{topic}'))"),
                    "select to_jsonb(n) from public.notes as n".to_owned(),
                    "insert into public.notes default values".to_owned(),
                    format!("select to_jsonb(stream.get_session('{}'))", server.stream),
                    format!("select to_jsonb(stream.heartbeat('{}'))", server.stream),
                ] {
                    let refused = caller.run(&statement).await;
                    if let Err(error) = &refused {
                        ensure!(!text_of(error).contains(PASSED), "{statement}: {error:?}");
                    }
                    expect_refusal(ErrorCode::TokenInvalid, refused)?;
                }
            }
            Ok(())
        })
        .await?;
    expect_unquoted(&logged)
}

#[tokio::test]
async fn claims_that_can_be_read_name_the_user_or_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let upper = demo::ADA.to_string().to_uppercase();
    for (role, claims, expected) in [
        ("authenticated", json!({"sub": demo::ADA}), json!(demo::ADA)),
        ("authenticated", json!({"sub": upper}), json!(demo::ADA)),
        ("service_role", json!({"role": "service_role"}), Value::Null),
        ("service_role", json!({"sub": demo::ADA}), json!(demo::ADA)),
        ("authenticated", json!({"sub": ""}), Value::Null),
        ("authenticated", json!({"sub": null}), Value::Null),
        ("authenticated", json!({}), Value::Null),
        ("authenticated", Value::Null, Value::Null),
    ] {
        let caller = database
            .session(Identity::with_claims(role, claims))
            .await?;
        let named = caller.run("select to_jsonb(stream.user_id())").await?;
        assert_eq!(named, [expected]);
    }
    Ok(())
}
